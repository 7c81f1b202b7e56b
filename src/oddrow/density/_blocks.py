"""Rows are scored in blocks of one fixed size and in double precision, so that a row's score depends on the row alone.

A matrix product of another shape may sum in another order, so every block has the same shape. That is not enough: the
single-precision kernels of OpenBLAS round the same row differently in different places of one block (seen on AVX2: rows
0-5 of every twelve against rows 6-11). Its double-precision kernels do not, so scoring is float64 throughout.

One block is too small for BLAS to divide among threads. Instead, as many threads as BLAS would use each score other
rows, with BLAS limited to one thread. The matrix products, and thus the bits of the scores, are the same with any
number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from oddrow._threads import threads_of_blas

BLOCK_ROWS = 256
"""Rows of one matrix product."""
SLAB_ROWS = 4 * BLOCK_ROWS
"""Rows that a thread takes at once: few enough for its cache, enough to make the overhead of a call small."""


def in_slabs(
    function: Callable[..., tuple[npt.NDArray[Any], ...]], *arrays: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], ...]:
    """Apply a row-wise function to arrays [n, ...] slab by slab, in threads, and join the results in order.

    The number of threads is the one that NumPy's BLAS would use, as set by ``OPENBLAS_NUM_THREADS``,
    ``OMP_NUM_THREADS`` or ``threadpoolctl``. A call from outside the main thread starts no further threads.
    """
    n_rows = len(arrays[0])
    if n_rows <= BLOCK_ROWS:
        return function(*arrays)
    with threads_of_blas() as n_threads:
        size = min(SLAB_ROWS, BLOCK_ROWS * -(-n_rows // (BLOCK_ROWS * n_threads)))
        if n_rows <= size:
            return function(*arrays)
        slabs = [[array[start : start + size] for array in arrays] for start in range(0, n_rows, size)]
        found = [function(*slab) for slab in slabs] if n_threads == 1 else _in_threads(function, slabs, n_threads)
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


def _in_threads(
    function: Callable[..., tuple[npt.NDArray[Any], ...]], slabs: list[list[npt.NDArray[Any]]], n_threads: int
) -> list[tuple[npt.NDArray[Any], ...]]:
    # each slab runs in a copy of the caller's context, where NumPy keeps its error settings (np.errstate)
    contexts = [copy_context() for _ in slabs]
    with ThreadPoolExecutor(min(n_threads, len(slabs))) as pool:
        return list(pool.map(lambda context, slab: context.run(function, *slab), contexts, slabs))


def in_blocks(
    function: Callable[..., tuple[npt.NDArray[Any], ...]], *arrays: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], ...]:
    """Apply a row-wise function to arrays [n, ...] in blocks of ``BLOCK_ROWS`` rows, and join the results.

    The last block is padded with zeros; the results of the padding are dropped.
    """
    n_rows = len(arrays[0])
    if n_rows > SLAB_ROWS:
        return in_slabs(partial(in_blocks, function), *arrays)
    blocks = []
    for start in range(0, max(n_rows, 1), BLOCK_ROWS):
        block = [array[start : start + BLOCK_ROWS] for array in arrays]
        blocks.append(function(*(_padded(part) for part in block)))
    return tuple(np.concatenate(parts)[:n_rows] for parts in zip(*blocks, strict=True))


def _padded(block: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if len(block) == BLOCK_ROWS:
        return np.ascontiguousarray(block)
    padded = np.zeros((BLOCK_ROWS, *block.shape[1:]), block.dtype)
    padded[: len(block)] = block
    return padded
