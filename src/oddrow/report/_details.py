"""The strangest rows: their reasons as text, their cells, and the cells of the normal rows nearest to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from oddrow.explanation import Explanation, Reason, usual_cell, value_text
from oddrow.report._alert_kinds import AlertKinds
from oddrow.report._column_changes import ColumnComparison
from oddrow.report._nearest_rows import NearestRows
from oddrow.report._triage import Cells, Detail, DetailReason
from oddrow.table import as_texts

MAX_DETAILS: Final = 5_000
"""Largest number of rows with reasons: the strangest ones."""
FULL_DETAILS: Final = 1_000
"""Number of rows with six reasons; the others have three."""
MAX_REASONS, FEWER_REASONS = 6, 3
MIN_SHARE: Final = 0.01
"""Smallest share of the surprise of a reason."""
MAX_LETTERS: Final = 300
"""Largest number of characters of a value; a longer one is cut and ends in an ellipsis."""
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
        """Return the text, cut to 300 characters with an ellipsis at the end; None stays None."""
        if text is None or len(text) <= MAX_LETTERS:
            return text
        self.count += 1
        return text[: MAX_LETTERS - 1] + "…"


def details_of(
    explanations: Sequence[Explanation],
    names: Sequence[str],
    kinds: AlertKinds,
    nearest: NearestRows,
    columns: Sequence[ColumnComparison],
    shortened: Shortening,
    *,
    has_values: bool,
) -> tuple[Detail, ...]:
    """Return the details of explained rows, the strangest first.

    Parameters
    ----------
    explanations, names
        Their explanations with the strongest reasons, and the names of the columns.
    kinds, nearest, columns
        The kinds of these rows, their nearest normal rows, and the columns, which know the bar of each value.
    shortened
        What cuts long texts.
    has_values
        Whether values may be shown.
    """
    index = {name: place for place, name in enumerate(names)}
    return tuple(
        Detail(
            row.p_value,
            row.surprise,
            kinds.of_row[rank],
            reasons := tuple(
                _reason(reason, index[reason.column], columns, rank, shortened, has_values=has_values)
                for reason in row.reasons
                if reason.share >= MIN_SHARE
            ),
            combination := round(row.combination_nats, NATS_DIGITS),
            round(max(row.surprise - combination - sum(reason.nats for reason in reasons), 0.0), NATS_DIGITS),
            nearest.of_row[rank],
        )
        for rank, row in enumerate(explanations)
    )


def _reason(
    reason: Reason,
    column: int,
    columns: Sequence[ColumnComparison],
    rank: int,
    shortened: Shortening,
    *,
    has_values: bool,
) -> DetailReason:
    nats = round(reason.nats, NATS_DIGITS)
    bar = columns[column].bar[rank]
    place = None if bar < 0 else bar
    if not has_values:
        return DetailReason(column, nats, None, None, None, place)
    value, expected = (None if one is None else shortened(value_text(one)) for one in (reason.value, reason.expected))
    usual = None if reason.usual is None else shortened(usual_cell(reason))
    return DetailReason(column, nats, value, expected, usual, place)


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


def cells_of(table: pa.Table, columns: Sequence[str], shortened: Shortening) -> Cells:
    """Return the cells of the first rows of a table, as many rows as the budget of cells holds."""
    n_rows = min(table.num_rows, max(MAX_CELLS // max(len(columns), 1), 1))
    first = table.slice(0, n_rows)
    values = tuple(tuple(map(shortened, _texts(first.column(name)))) for name in columns)
    return Cells(tuple(columns), values, n_rows)


def _texts(column: pa.ChunkedArray) -> list[str | None]:
    """Return values as text; a column that the model does not read may have any type."""
    try:
        return list(as_texts(column).to_pylist())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError):
        return [None if value is None else str(value) for value in column.to_pylist()]
