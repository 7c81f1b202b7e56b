"""The rows of one fit: which rows train, which decide when to stop, and which calibrate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.fitting._plan import Recipe
from oddrow.views import Moments

Places = npt.NDArray[np.int64]

MAX_STRETCHES = 10
"""Largest number of stretches of time that decide when to stop."""


@dataclass(frozen=True)
class SplitTable:
    """A table whose rows are split by their use.

    Attributes
    ----------
    table : all rows [n]
    in_doubt : bool [n], rows that calibrate, but that neither train, nor decide when to stop, nor are remembered
    training, stopping, calibration : indices of the rows that train, that decide when to stop, and that calibrate; each
        ascending
    between : indices of rows that are only remembered, since they depend on a row that decides when to stop; ascending
    moments : the positions of all rows in time, and their groups; None if the rows are independent
    """

    table: pa.Table
    in_doubt: npt.NDArray[np.bool_]
    training: Places
    stopping: Places
    calibration: Places
    between: Places
    moments: Moments | None = None

    @classmethod
    def draw(
        cls,
        table: pa.Table,
        in_doubt: npt.NDArray[np.bool_],
        shares: tuple[float, float],
        rng: np.random.Generator,
        moments: Moments | None = None,
    ) -> SplitTable:
        """Draw a random split by the shares of stopping and calibration rows, see :func:`split_rows`.

        With moments, the stopping rows are stretches of time or whole groups, see :func:`independent_stopping`; then no
        rows calibrate. Stopping rows that depend on training rows would not show that a network learns these by heart.
        """
        between = np.empty(0, np.int64)
        if moments is None or shares[0] == 0:
            training, stopping, calibration = split_rows(table.num_rows, shares, rng)
        else:
            training, stopping, between = independent_stopping(moments, shares[0], rng)
            calibration = np.empty(0, np.int64)
            if not len(training):  # all rows depend on each other
                training, stopping, between = *split_rows(table.num_rows, (shares[0], 0.0), rng)[:2], calibration
        training, stopping, between = (rows[~in_doubt[rows]] for rows in (training, stopping, between))
        return cls(table, in_doubt, training, stopping, calibration, between, moments)


def split_rows(n_rows: int, shares: tuple[float, float], rng: np.random.Generator) -> tuple[Places, Places, Places]:
    """Return indices of the training, stopping and calibration rows: a random split by the last two shares.

    If both shares are 0, all rows train, and they calibrate.
    """
    stopping_share, calibration_share = shares
    if calibration_share == stopping_share == 0:
        everything = np.arange(n_rows)
        return everything, everything[:0], everything
    n_calibration = max(1, round(calibration_share * n_rows)) if calibration_share > 0 else 0
    n_stopping = max(1, round(stopping_share * n_rows)) if n_rows > 2 else 0
    order = rng.permutation(n_rows)
    held_out = n_calibration + n_stopping
    return np.sort(order[held_out:]), np.sort(order[n_calibration:held_out]), np.sort(order[:n_calibration])


def independent_stopping(moments: Moments, share: float, rng: np.random.Generator) -> tuple[Places, Places, Places]:
    """Return indices of training rows, of stopping rows that depend on none of them, and of the rows between.

    About this share of the rows decides when to stop: stretches of time, or whole groups if the order does not matter.
    """
    if moments.position is not None:
        return _stopping_stretches(moments.position, moments.gap, share, rng)
    assert moments.group is not None  # noqa: S101 - moments have positions or groups
    return _stopping_groups(moments.group, share, rng)


def _stopping_groups(group: Places, share: float, rng: np.random.Generator) -> tuple[Places, Places, Places]:
    """Draw groups at random, none much larger than the share of all rows."""
    groups, sizes = np.unique(group, return_counts=True)
    drawn = rng.permutation(np.flatnonzero(sizes <= max(2 * share * len(group), sizes.min())))
    count = int(np.searchsorted(np.cumsum(sizes[drawn]), share * len(group))) + 1
    is_stopping = np.isin(group, groups[drawn[:count]])
    return np.flatnonzero(~is_stopping), np.flatnonzero(is_stopping), np.empty(0, np.int64)


def _stopping_stretches(
    position: Places, gap: int, share: float, rng: np.random.Generator
) -> tuple[Places, Places, Places]:
    """Draw at most :data:`MAX_STRETCHES` stretches of two gaps or more, one in each of as many equal parts of time."""
    times = np.unique(position)
    n_stretches = int(np.clip(share * len(times) // (2 * max(gap, 1)), 1, MAX_STRETCHES))
    length = max(round(share * len(times) / n_stretches), 1)
    apart = min(gap, length)  # a gap longer than the stretch would leave few rows to train
    is_stopping, is_near = np.zeros(len(position), np.bool_), np.zeros(len(position), np.bool_)
    for part in np.array_split(times, n_stretches):
        first = int(rng.integers(max(len(part) - length, 0) + 1))
        start, stop = part[first], part[min(first + length, len(part)) - 1]
        is_stopping |= (position >= start) & (position <= stop)
        is_near |= (position >= start - apart) & (position <= stop + apart)
    return np.flatnonzero(~is_near), np.flatnonzero(is_stopping), np.flatnonzero(is_near & ~is_stopping)


def n_calibration_rows(recipe: Recipe, n_rows: int) -> int:
    """Return how many of ``n_rows`` rows will calibrate."""
    if recipe.calibration != "split":
        return n_rows
    shares = (recipe.stopping_share, recipe.calibration_share)
    return len(split_rows(n_rows, shares, np.random.default_rng(0))[2])
