"""The folds of a cross-calibration: the rows that are held out in turn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oddrow.exceptions import DataError

Places = npt.NDArray[np.int64]

N_FOLDS = 5
"""Number of folds of a cross-calibration."""
MAX_BLOCKS_PER_FOLD = 10
"""Largest number of contiguous blocks that make up a fold of ordered rows."""
GAPS_PER_BLOCK = 10
"""Smallest length of such a block, in gaps: few rows between blocks are then lost to the fits of the folds."""


@dataclass(frozen=True)
class Fold:
    """The rows that one fit leaves out and scores, and the rows that it learns from: indices, ascending."""

    held_out: Places
    others: Places


def random_folds(n_rows: int, rng: np.random.Generator) -> list[Fold]:
    """Return folds of rows drawn at random, as in cross-conformal predictors (Vovk 2015)."""
    n_folds = min(N_FOLDS, n_rows)
    fold_of = rng.permutation(np.arange(n_rows) % n_folds)
    return [Fold(np.flatnonzero(fold_of == fold), np.flatnonzero(fold_of != fold)) for fold in range(n_folds)]


def group_folds(group: Places, rng: np.random.Generator) -> list[Fold]:
    """Return folds of whole groups, of about equal numbers of rows: in a random order, the largest groups first."""
    sizes = np.bincount(group)
    groups = rng.permutation(np.flatnonzero(sizes))
    groups = groups[np.argsort(-sizes[groups], kind="stable")]
    rows_of_fold = np.zeros(min(N_FOLDS, len(groups)), np.int64)
    fold_of = np.zeros(len(sizes), np.int64)
    for each in groups.tolist():
        fold_of[each] = np.argmin(rows_of_fold)
        rows_of_fold[fold_of[each]] += sizes[each]
    of_row = fold_of[group]
    return [Fold(np.flatnonzero(of_row == fold), np.flatnonzero(of_row != fold)) for fold in range(len(rows_of_fold))]


def block_folds(position: Places, gap: int) -> list[Fold]:
    """Return folds of contiguous blocks of ordered rows; rows within the gap of a held-out row are not learned from.

    The blocks of a fold are spread over the whole time. There are as many as their smallest length allows, at most
    :data:`MAX_BLOCKS_PER_FOLD` a fold.

    Raises
    ------
    DataError
        If the rows have fewer than two times, or if all rows are within the gap of a block.
    """
    n_rows = len(position)
    times, first = np.unique(np.sort(position), return_index=True)
    if len(times) < 2:
        raise DataError("all rows have the same time, so no block of rows can be held out")
    per_fold = int(np.clip(len(times) // (N_FOLDS * GAPS_PER_BLOCK * max(gap, 1)), 1, MAX_BLOCKS_PER_FOLD))
    n_blocks = min(N_FOLDS * per_fold, len(times))
    # rows of equal time are in the same block
    of_time = first * n_blocks // n_rows
    if len(np.unique(of_time)) < n_blocks:  # one time has so many rows that a block has none
        of_time = np.arange(len(times)) * n_blocks // len(times)
    block = of_time[np.searchsorted(times, position)]
    folds = []
    for fold in range(min(N_FOLDS, n_blocks)):
        is_held_out = block % N_FOLDS == fold
        near = np.zeros(n_rows, np.bool_)
        for each in range(fold, n_blocks, N_FOLDS):
            there = position[block == each]
            if len(there):
                near |= (position >= there.min() - gap) & (position <= there.max() + gap)
        if near.all():
            raise DataError(
                f"a gap of {gap:,} leaves no row to learn from when a block of the {len(times):,} times is held out; "
                "give a smaller gap, or a longer table"
            )
        if is_held_out.any():
            folds.append(Fold(np.flatnonzero(is_held_out), np.flatnonzero(~near)))
    return folds
