"""Robust training: rows that stand out are set aside before anything is learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.columns import TableEncoding, TableSchema
from oddrow.exceptions import SettingError
from oddrow.fitting._contamination import estimate_odd_share, isolation, isolation_within_kinds, typical_distance

Clean = Literal["assume", "robust"]


@dataclass(frozen=True)
class Cleaning:
    """The estimated share of odd rows in a training table, and the rows that were set aside.

    Attributes
    ----------
    n_rows : rows of the table
    share : estimated share of rows that stand out; 0 if none stands out with confidence
    low, high : ends of its 95 % interval; odd rows that resemble ordinary rows are not counted
    rows_set_aside : indices of the rows that stand out, from 0, ascending: they neither train nor calibrate
    rows_in_doubt : indices of the next strangest rows; in a table of numbers up to the middle between ``share`` and
        ``high``, fewer the more columns hold names. They do not train, but they calibrate, so that the promised rate of
        false alarms is not too low
    """

    n_rows: int
    share: float
    low: float
    high: float
    rows_set_aside: tuple[int, ...]
    rows_in_doubt: tuple[int, ...]

    def __repr__(self) -> str:
        return (
            f"<Cleaning: of {self.n_rows:,} rows {len(self.rows_set_aside):,} set aside, {len(self.rows_in_doubt):,} "
            f"in doubt; share {self.share:.4f} (95 %: {self.low:.4f} to {self.high:.4f})>"
        )

    def __post_init__(self) -> None:
        is_interval = 0.0 <= self.low <= self.share <= self.high <= 1.0
        ascending = (self.rows_set_aside, self.rows_in_doubt)
        rows = [row for part in ascending for row in part]
        is_sound = all(list(part) == sorted(set(part)) for part in ascending) and len(set(rows)) == len(rows)
        if not (is_interval and is_sound and all(0 <= row < self.n_rows for row in rows)):
            raise SettingError("a cleaning has low <= share <= high, and rows of its table that are counted once")

    def kept(self, table: pa.Table) -> tuple[pa.Table, npt.NDArray[np.bool_]]:
        """Return the rows that are not set aside, in order, and a mask of those in doubt."""
        is_kept, in_doubt = np.ones(self.n_rows, np.bool_), np.zeros(self.n_rows, np.bool_)
        is_kept[list(self.rows_set_aside)] = False
        in_doubt[list(self.rows_in_doubt)] = True
        return table.filter(pa.array(is_kept)), in_doubt[is_kept]


def checked_clean(clean: object) -> Clean:
    """Return the cleaning mode of this name.

    Raises
    ------
    SettingError
        If there is no such mode.
    """
    if clean in ("assume", "robust"):
        return clean
    raise SettingError(
        f'clean is {clean!r}; give "assume" where every row is normal, or "robust" where a few percent may be odd'
    )


def clean_table(table: pa.Table, schema: TableSchema, rng: np.random.Generator) -> Cleaning:
    """Estimate the share of rows that stand out, and choose the rows from which nothing is learned."""
    # the encoding of the default settings, whatever those of the detector, because it is made for distances
    encoding = TableEncoding.learn(schema, table)
    layout = encoding.layout
    encoded = encoding.encode(table)
    isolations = isolation(layout, encoded, rng)
    typical = typical_distance(layout, encoded)
    odd = estimate_odd_share(isolations, rng, typical)
    if layout.groups and odd.share > 0:
        # A kind of row that repeats and makes up a few percent is not odd, so rows must stand out within their kind.
        isolations = isolation_within_kinds(layout, encoded, isolations)
        odd = odd.at_most(estimate_odd_share(isolations, rng, typical))
    strangest = [int(row) for row in np.argsort(-isolations, kind="stable")]
    n_odd = round(odd.share * table.num_rows)
    # Two different names always have the same distance, so the upper end counts rare names in a table of names: the
    # number of rows in doubt is multiplied by the share of columns without names.
    doubt = (odd.high - odd.share) / 2.0 * (1.0 - len(layout.groups) / max(layout.n_columns, 1))
    n_left_out = round((odd.share + doubt) * table.num_rows) if n_odd else 0
    aside, doubtful = sorted(strangest[:n_odd]), sorted(strangest[n_odd:n_left_out])
    return Cleaning(table.num_rows, odd.share, odd.low, odd.high, tuple(aside), tuple(doubtful))
