"""Rows are scored in blocks of one fixed size and in double precision, so that a row's score depends on the row alone.

A matrix product of another shape may sum in another order, so every block has the same shape. That is not enough: the
single-precision kernels of OpenBLAS round the same row differently in different places of one block (seen on AVX2: rows
0-5 of every twelve against rows 6-11). Its double-precision kernels do not, so scores are computed in float64.

One block is too small for BLAS to divide among threads. Instead, as many threads as BLAS would use each score other
rows, with BLAS limited to one thread. The matrix products, and thus the bits of the scores, are the same with any
number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from oddrow._threads import threads_of_blas

Result = TypeVar("Result")

BLOCK_ROWS = 256
"""Rows of one matrix product."""
SLAB_ROWS = 16 * BLOCK_ROWS
"""Largest number of rows that a thread takes at once: enough to make the overhead of a call small."""
MIN_SLAB_ROWS = 4 * BLOCK_ROWS
"""Smallest number of rows that a thread takes at once, if there are more."""
SLAB_VALUES = SLAB_ROWS * 64
"""Number of values that a thread takes at once, between these bounds: few enough for its cache."""


def in_slabs(
    function: Callable[..., tuple[npt.NDArray[Any], ...]], *arrays: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], ...]:
    """Apply a row-wise function to arrays [n, ...] slab by slab, in threads, and join the results in order.

    The number of threads is the one that NumPy's BLAS would use, as set by ``OPENBLAS_NUM_THREADS``,
    ``OMP_NUM_THREADS`` or ``threadpoolctl``. A call from outside the main thread starts no further threads.
    """
    found = map_slabs(function, *arrays)
    return found[0] if len(found) == 1 else tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


def map_slabs(function: Callable[..., Result], *arrays: npt.NDArray[Any]) -> list[Result]:
    """What a row-wise function gives for each slab of arrays [n, ...], in order; as :func:`in_slabs`, not joined."""
    n_rows = len(arrays[0])
    if n_rows <= BLOCK_ROWS:
        return [function(*arrays)]
    with threads_of_blas() as n_threads:
        size = min(_slab_rows(arrays[0]), BLOCK_ROWS * -(-n_rows // (BLOCK_ROWS * n_threads)))
        if n_rows <= size:
            return [function(*arrays)]
        slabs = [[array[start : start + size] for array in arrays] for start in range(0, n_rows, size)]
        return [function(*slab) for slab in slabs] if n_threads == 1 else _in_threads(function, slabs, n_threads)


def _in_threads(function: Callable[..., Result], slabs: list[list[npt.NDArray[Any]]], n_threads: int) -> list[Result]:
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
    if n_rows > _slab_rows(arrays[0]):
        return in_slabs(partial(in_blocks, function), *arrays)
    blocks = []
    for start in range(0, max(n_rows, 1), BLOCK_ROWS):
        block = [array[start : start + BLOCK_ROWS] for array in arrays]
        blocks.append(function(*(_padded(part) for part in block)))
    return tuple(np.concatenate(parts)[:n_rows] for parts in zip(*blocks, strict=True))


def _slab_rows(array: npt.NDArray[Any]) -> int:
    """Return the largest number of rows of a slab of an array [n, ...]."""
    width = array[:1].size
    return min(max(SLAB_VALUES // max(width, 1), MIN_SLAB_ROWS), SLAB_ROWS)


def _padded(block: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if len(block) == BLOCK_ROWS:
        return np.ascontiguousarray(block)
    padded = np.zeros((BLOCK_ROWS, *block.shape[1:]), block.dtype)
    padded[: len(block)] = block
    return padded
