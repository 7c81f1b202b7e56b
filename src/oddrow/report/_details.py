"""The strangest rows: their reasons as text, their cells, and the cells of the normal rows nearest to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from oddrow.explanation import Explanation, Reason, usual_cell, value_text
from oddrow.report._alert_kinds import AlertKinds
from oddrow.report._byte_budget import bytes_of, thinned
from oddrow.report._column_changes import ColumnComparison
from oddrow.report._nearest_rows import NearestRows
from oddrow.report._triage import Cells, Detail, DetailReason
from oddrow.table import as_texts

MAX_DETAILS: Final = 5_000
"""Largest number of rows with reasons: the strangest ones."""
FULL_DETAILS: Final = 1_000
"""Number of rows with six reasons; the others have three."""
MAX_REASONS, FEWER_REASONS = 6, 3
SAMPLE: Final = 500
"""Number of rows from which the bytes of all later details are estimated."""
MIN_SHARE: Final = 0.01
"""Smallest share of the surprise of a reason."""
MAX_LETTERS: Final = 200
"""Largest number of characters of a value; a longer one is cut and ends in an ellipsis."""
MAX_NUMBER: Final = 9
"""Length of the longest floating-point number that is shown in full."""
MAX_CELLS: Final = 60_000
"""Largest number of cells of the strangest rows."""
MIN_CELL_ROWS: Final = 1_000
"""Number of rows whose cells are shown before columns are left out, if there are so many."""
NATS_DIGITS: Final = 4
"""Decimals of the nats of a part; what rounding changes is part of ``other``, so that they add up to 0.0001 nats."""


@dataclass
class Shortening:
    """Cuts texts, and counts the texts that it cut."""

    count: int = field(default=0)

    def __call__(self, text: str | None) -> str | None:
        """Return the text, cut to 200 characters with an ellipsis at the end; None stays None."""
        if text is None or len(text) <= MAX_LETTERS:
            return text
        self.count += 1
        return text[: MAX_LETTERS - 1] + "…"


@dataclass(frozen=True, eq=False)
class ExplainedRows:
    """The strangest rows with all that is known of them, the strangest first.

    Attributes
    ----------
    explanations : with the strongest reasons
    names : the names of the columns
    kinds, nearest, columns : the kinds of these rows, their nearest normal rows, and the columns, which know the bar of
        each value
    has_values : whether values may be shown
    """

    explanations: Sequence[Explanation]
    names: Sequence[str]
    kinds: AlertKinds
    nearest: NearestRows
    columns: Sequence[ColumnComparison]
    has_values: bool

    def details(self, ranks: range, most_reasons: int, shortened: Shortening) -> tuple[Detail, ...]:
        """Return the details of the rows of these ranks, with so many reasons."""
        index = {name: place for place, name in enumerate(self.names)}
        return tuple(self._detail(rank, index, most_reasons, shortened) for rank in ranks)

    def _detail(self, rank: int, index: dict[str, int], most_reasons: int, shortened: Shortening) -> Detail:
        row = self.explanations[rank]
        reasons = tuple(
            self._reason(reason, index[reason.column], rank, shortened)
            for reason in row.reasons[:most_reasons]
            if reason.share >= MIN_SHARE
        )
        combination = round(row.combination_nats, NATS_DIGITS)
        other = row.surprise - combination - sum(reason.nats for reason in reasons)
        return Detail(
            row.p_value,
            row.surprise,
            self.kinds.of_row[rank],
            reasons,
            combination,
            round(max(other, 0.0), NATS_DIGITS),
            self.nearest.of_row[rank],
        )

    def _reason(self, reason: Reason, column: int, rank: int, shortened: Shortening) -> DetailReason:
        bar = self.columns[column].bar[rank]
        place, nats = None if bar < 0 else bar, round(reason.nats, NATS_DIGITS)
        if not self.has_values:
            return DetailReason(column, nats, None, None, None, place)
        value = None if reason.value is None else shortened(value_text(reason.value))
        expected = None if reason.expected is None else shortened(value_text(reason.expected))
        usual = None if reason.usual is None else shortened(usual_cell(reason))
        return DetailReason(column, nats, value, expected, usual, place)


def all_details(rows: ExplainedRows, shortened: Shortening, most_bytes: int) -> tuple[Detail, ...]:
    """Return the details of all explained rows; those after the first thousand take at most ``most_bytes``.

    These have three reasons, or fewer where the texts are long; in the end fewer of them have details.
    """
    n_rows = len(rows.explanations)
    first = rows.details(range(min(FULL_DETAILS, n_rows)), MAX_REASONS, shortened)
    later = range(FULL_DETAILS, max(n_rows, FULL_DETAILS))
    sample = later[:SAMPLE]
    for most_reasons in range(FEWER_REASONS, 0, -1):
        cut = Shortening()
        some = rows.details(sample, most_reasons, cut)
        if bytes_of(some) * len(later) <= most_bytes * len(sample):
            shortened.count += cut.count
            return first + some + rows.details(later[SAMPLE:], most_reasons, shortened)
    return first + thinned(lambda count: rows.details(later[:count], 1, shortened), len(later), most_bytes)[0]


def shown_columns(names: Sequence[str], ids: Sequence[str], reasons: Iterable[str], n_rows: int) -> tuple[str, ...]:
    """Return the columns whose cells are shown: ids first, then those of a table in its order.

    If there are more cells than the budget holds for a thousand rows, the columns that are reasons most often are
    shown.

    Parameters
    ----------
    names, ids
        The columns that may be shown, and those that are always shown.
    reasons
        The columns that are reasons, once for each row.
    n_rows
        Number of rows with details.
    """
    rest = [name for name in dict.fromkeys(names) if name not in ids]
    room = max(MAX_CELLS // max(min(n_rows, MIN_CELL_ROWS), 1) - len(ids), 1)
    if len(rest) > room:
        counts = Counter(reasons)
        chosen = set(sorted(rest, key=lambda name: -counts[name])[:room])
        rest = [name for name in rest if name in chosen]
    return (*ids, *rest)


def cells_of(table: pa.Table, columns: Sequence[str], shortened: Shortening, most_bytes: int) -> Cells:
    """Return the cells of the first rows of a table, of as many rows as the budgets of cells and of bytes hold."""
    n_rows = min(table.num_rows, max(MAX_CELLS // max(len(columns), 1), 1))
    values = [tuple(map(shortened, _texts(table.column(name).slice(0, n_rows)))) for name in columns]

    def first(count: int) -> Cells:
        return Cells(tuple(columns), tuple(own[:count] for own in values), count)

    return thinned(first, n_rows, most_bytes)[0]


def normal_cells(nearest: NearestRows, names: Sequence[str], shortened: Shortening) -> Cells:
    """Return the cells of the nearest normal rows."""
    values = tuple(tuple(map(shortened, texts)) for texts in nearest.values)
    return Cells(tuple(names[column] for column in nearest.columns), values, len(values[0]) if values else 0)


def _texts(column: pa.ChunkedArray) -> list[str | None]:
    """Return values as text; a column that the model does not read may have any type."""
    try:
        texts = list(as_texts(column).to_pylist())
        return [_brief_number(text) for text in texts] if pa.types.is_floating(column.type) else texts
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError):
        return [None if value is None else str(value) for value in column.to_pylist()]


def _brief_number(text: str | None) -> str | None:
    """Return a number with seven digits instead of up to 17, which no one reads and which take most of the bytes."""
    if text is None or len(text) <= MAX_NUMBER or "." not in text or "e" in text or "E" in text:
        return text
    return f"{float(text):.7g}"
