"""Training data that is not clean: the rows that stand out are set aside before anything is learned."""

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
    """How dirty a training table is, and what was done about it.

    Attributes
    ----------
    n_rows : rows of the table
    share : estimated share of rows that stand out; 0 where none does beyond doubt
    low, high : ends of its 95 % interval; odd rows that look like ordinary ones are in no count
    rows_set_aside : numbers of that share's rows in the table, from 0, ascending: nothing is learned from them, and
        they do not calibrate
    rows_in_doubt : numbers of the next strangest rows, in a table of numbers up to the middle between ``share`` and
        ``high``, the fewer the more columns hold names: nothing is learned from them either, but they calibrate, so
        that false alarms are not promised too few
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
        """The rows that are not set aside, in order, and which of them are in doubt."""
        is_kept, in_doubt = np.ones(self.n_rows, np.bool_), np.zeros(self.n_rows, np.bool_)
        is_kept[list(self.rows_set_aside)] = False
        in_doubt[list(self.rows_in_doubt)] = True
        return table.filter(pa.array(is_kept)), in_doubt[is_kept]


def checked_clean(clean: object) -> Clean:
    """The way of cleaning of this name.

    Raises
    ------
    SettingError
        If there is none.
    """
    if clean in ("assume", "robust"):
        return clean
    raise SettingError(
        f'clean is {clean!r}; give "assume" where every row is normal, or "robust" where a few percent may be odd'
    )


def clean_table(table: pa.Table, schema: TableSchema, rng: np.random.Generator) -> Cleaning:
    """Which rows of a table stand out so far that they are not to be learned from."""
    # the encoding of oddrow's own settings, whatever the detector's: it is made for distances
    encoding = TableEncoding.learn(schema, table)
    layout = encoding.layout
    encoded = encoding.encode(table)
    isolations = isolation(layout, encoded, rng)
    typical = typical_distance(layout, encoded)
    odd = estimate_odd_share(isolations, rng, typical)
    if layout.groups and odd.share > 0:
        # A kind of row that makes up a few percent and repeats is no odd kind: what stands out must do so in its kind.
        isolations = isolation_within_kinds(layout, encoded, isolations)
        odd = odd.at_most(estimate_odd_share(isolations, rng, typical))
    strangest = [int(row) for row in np.argsort(-isolations, kind="stable")]
    n_odd = round(odd.share * table.num_rows)
    # Two different names are always equally far apart, so in a table of names the upper end counts rare ones: as many
    # rows are in doubt as the share of columns without names says.
    doubt = (odd.high - odd.share) / 2.0 * (1.0 - len(layout.groups) / max(layout.n_columns, 1))
    n_left_out = round((odd.share + doubt) * table.num_rows) if n_odd else 0
    aside, doubtful = sorted(strangest[:n_odd]), sorted(strangest[n_odd:n_left_out])
    return Cleaning(table.num_rows, odd.share, odd.low, odd.high, tuple(aside), tuple(doubtful))
