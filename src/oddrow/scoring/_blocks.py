"""Rows are scored in blocks of one fixed size and in double precision: a row's score never depends on its neighbours.

A matrix product of another shape may sum in another order, so every block has the same. That alone is not enough: the
single-precision kernels of OpenBLAS round the same row differently in different places of one block (seen on AVX2: rows
0-5 of every twelve against rows 6-11). Its double-precision kernels do not, so scoring is float64 throughout.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

BLOCK_ROWS = 256


def in_blocks(
    function: Callable[..., tuple[npt.NDArray[Any], ...]], *arrays: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], ...]:
    """Apply a row-wise function to arrays [n, ...] in blocks, the last one padded with zeros, and join the results."""
    n_rows = len(arrays[0])
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
