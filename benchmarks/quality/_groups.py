"""The reference against one rival on groups of alike sets: by copies, columns, rows and discreteness.

A set's group depends on its training rows alone, never on labels or on test rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.quality._standings import PAIRED_HEADINGS, Grid, against_other, aligned, paired_cells

FEW_VALUES = 20
"""A column with at most so many distinct values is discrete."""


@dataclass(frozen=True)
class SetProperties:
    """What the training rows of a set are like.

    Attributes
    ----------
    copied_share : share of the rows that equal another row in all columns; missing values are equal
    n_columns : number of columns
    n_rows : number of rows
    discrete_share : share of the columns with at most 20 distinct values, missing ones not counted
    """

    copied_share: float
    n_columns: int
    n_rows: int
    discrete_share: float

    @staticmethod
    def of(training: npt.NDArray[np.float64]) -> SetProperties:
        """The properties of the rows float64 [n, d]."""
        n_rows, n_columns = training.shape
        # as bytes, so that NaN equals NaN; adding 0 makes -0.0 the 0.0 that it equals
        same = np.where(np.isnan(training), np.nan, training + 0.0)
        as_bytes = np.ascontiguousarray(same).view(np.dtype((np.void, 8 * n_columns))).ravel()
        _, first, count = np.unique(as_bytes, return_inverse=True, return_counts=True)
        distinct = [len(np.unique(column[~np.isnan(column)])) for column in training.T]
        return SetProperties(
            float(np.mean(count[first] > 1)), n_columns, n_rows, float(np.mean(np.array(distinct) <= FEW_VALUES))
        )


Group = tuple[str, Callable[[SetProperties], bool]]

GROUPINGS: Mapping[str, Sequence[Group]] = {
    "rows that have a copy": (
        ("< 5 %", lambda of: of.copied_share < 0.05),
        ("5-40 %", lambda of: 0.05 <= of.copied_share <= 0.4),
        ("> 40 %", lambda of: of.copied_share > 0.4),
    ),
    "columns": (
        ("<= 5", lambda of: of.n_columns <= 5),
        ("6-10", lambda of: 6 <= of.n_columns <= 10),
        ("11-30", lambda of: 11 <= of.n_columns <= 30),
        ("> 30", lambda of: of.n_columns > 30),
    ),
    "training rows": (
        ("< 500", lambda of: of.n_rows < 500),
        ("500-2,000", lambda of: 500 <= of.n_rows <= 2_000),
        ("> 2,000", lambda of: of.n_rows > 2_000),
    ),
    "columns of at most 20 values": (
        ("< 1/3", lambda of: of.discrete_share < 1 / 3),
        ("1/3-2/3", lambda of: 1 / 3 <= of.discrete_share <= 2 / 3),
        ("> 2/3", lambda of: of.discrete_share > 2 / 3),
    ),
}
"""The groups by name; each set is in one group of each."""


def group_table(compared: Grid, properties: Mapping[str, SetProperties], reference: str, other: str) -> list[str]:
    """A line a group that holds a set: means of both methods and their paired difference."""
    both = [compared.methods.index(name) for name in (reference, other)]
    lines = [["group", "sets", "AUROC", other, *PAIRED_HEADINGS[:4], "AP", other, *PAIRED_HEADINGS[4:]]]
    for grouping, groups in GROUPINGS.items():
        for label, belongs in groups:
            at = [index for index, name in enumerate(compared.sets) if belongs(properties[name])]
            if not at:
                continue
            cells = paired_cells(*against_other(compared, reference, other, at))
            auroc, ap = (
                [f"{100 * mean:.2f}" for mean in of[at][:, both].mean(axis=0)] for of in (compared.auroc, compared.ap)
            )
            lines.append([f"{grouping} {label}", str(len(at)), *auroc, *cells[:4], *ap, *cells[4:]])
    return aligned(lines)
