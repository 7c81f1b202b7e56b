"""The rows of one fit: which rows train, which decide when to stop, and which calibrate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.fitting._plan import Recipe
from oddrow.views import Moments

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SplitTable:
    """A table whose rows are split by their use.

    Attributes
    ----------
    table : all rows [n]
    in_doubt : bool [n], rows that calibrate, but that neither train, nor decide when to stop, nor are remembered
    training, stopping, calibration : indices of the rows that train, that decide when to stop, and that calibrate; each
        ascending
    moments : the positions of all rows in time, and their groups; None if the rows are independent
    """

    table: pa.Table
    in_doubt: npt.NDArray[np.bool_]
    training: Places
    stopping: Places
    calibration: Places
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
        """Draw a random split by the shares of stopping and calibration rows, see :func:`split_rows`."""
        training, stopping, calibration = split_rows(table.num_rows, shares, rng)
        return cls(table, in_doubt, training[~in_doubt[training]], stopping[~in_doubt[stopping]], calibration, moments)


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


def n_calibration_rows(recipe: Recipe, n_rows: int) -> int:
    """Return how many of ``n_rows`` rows will calibrate."""
    if recipe.calibration != "split":
        return n_rows
    shares = (recipe.stopping_share, recipe.calibration_share)
    return len(split_rows(n_rows, shares, np.random.default_rng(0))[2])
