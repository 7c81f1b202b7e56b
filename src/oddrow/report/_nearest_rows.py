"""The normal rows most similar to explained rows, as texts in original units and names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from oddrow.columns import ColumnEncoding, EncodedTable, Kind
from oddrow.exceptions import SettingError
from oddrow.explanation import value_text
from oddrow.fitted import FittedModel

NEIGHBOURS: Final = 3
"""Number of normal rows for each explained row."""
MAX_ROWS: Final = 1_000
"""Largest number of explained rows with neighbours: the strangest ones."""
MAX_CELLS: Final = 50_000
"""Largest number of cells of all normal rows together, which take about 100 kB in a compressed page."""


@dataclass(frozen=True)
class NearestRows:
    """Normal rows, each once, and which of them are nearest to each explained row.

    Attributes
    ----------
    columns : indices of the columns that are shown, in the encoding
    values : the text of each cell of the normal rows, values[column][row]; None where a value is missing
    of_row : for each explained row the indices of the normal rows nearest to it, the nearest first; () where none are
        given
    """

    columns: tuple[int, ...]
    values: tuple[tuple[str | None, ...], ...]
    of_row: tuple[tuple[int, ...], ...]

    def of_at_most(self, most_cells: int) -> NearestRows:
        """Return those of as many of the first explained rows as ``most_cells`` cells of normal rows are enough for."""
        most = max(most_cells, 0) // max(len(self.columns), 1)
        kept, of_row = _within(self.of_row[:most], most)
        values = tuple(tuple(own[row] for row in kept) for own in self.values)
        return NearestRows(self.columns, values, (*of_row, *[()] * (len(self.of_row) - len(of_row))))


def nearest_rows(
    model: FittedModel,
    encoded: EncodedTable,
    columns: Sequence[int] | None = None,
    *,
    most_rows: int = MAX_ROWS,
    most_cells: int = MAX_CELLS,
) -> NearestRows:
    """Return the three remembered normal rows nearest to each of the first explained rows.

    Distances are those of the view *rank_nearest*: numbers as normal scores, all columns of the model. A value is
    decoded from its features, so a number may differ from the training value in its sixth digit, a rare name is
    ``"(rare)"``, and a column that has no features, such as a counter, is None. The rows are taken in their order, at
    most ``most_rows``, and not more than ``most_cells`` has room for; one whose neighbours would exceed that gets none.
    A model that remembers no rows, such as that of the article, gives none for any row.

    Parameters
    ----------
    model, encoded
        The model, and the explained rows [n, ...], encoded, the strangest first.
    columns
        Indices of the columns to show; None for all.
    most_rows, most_cells
        Largest number of rows with neighbours, and of cells of different normal rows.

    Raises
    ------
    SettingError
        If there is no column with one of the indices.
    """
    shown = range(len(model.encoding.columns)) if columns is None else columns
    for column in shown:
        if not 0 <= column < len(model.encoding.columns):
            raise SettingError(f"columns has {column}; give indices from 0 to {len(model.encoding.columns) - 1}")
    n_rows = len(encoded.rows)
    most = max(most_cells, 0) // max(len(shown), 1)
    # nearly every row has a neighbour of its own, so that no more rows have room for theirs
    first = encoded.take(np.arange(min(most_rows, most, n_rows)))
    found = model.surprise_model.nearest(first, NEIGHBOURS) if len(first.rows) and shown else None
    if found is None:
        return NearestRows(tuple(shown), ((),) * len(shown), ((),) * n_rows)
    kept, of_row = _within(found.place.tolist(), most)
    values = _texts(model, found.normal.take(np.array(kept, np.int64)), shown)
    return NearestRows(tuple(shown), values, (*of_row, *[()] * (n_rows - len(of_row))))


def _within(places: Sequence[Sequence[int]], most: int) -> tuple[list[int], list[tuple[int, ...]]]:
    """Return at most ``most`` different places, and for each row the indices of its places among them.

    Rows are taken in their order; one whose places would be too many has none.
    """
    index: dict[int, int] = {}
    of_row: list[tuple[int, ...]] = []
    for row in places:
        if len(index) + sum(place not in index for place in set(row)) > most:
            of_row.append(())
            continue
        of_row.append(tuple(index.setdefault(place, len(index)) for place in row))
    return list(index), of_row


def _texts(model: FittedModel, normal: EncodedTable, shown: Sequence[int]) -> tuple[tuple[str | None, ...], ...]:
    decoded = model.encoding.decode(normal)
    nothing = (None,) * len(normal.rows)
    columns = model.encoding.columns
    return tuple(
        tuple(None if value is None else value_text(value) for value in decoded[model.encoding.names[column]])
        if _holds_values(columns[column])
        else nothing
        for column in shown
    )


def _holds_values(encoding: ColumnEncoding) -> bool:
    """Whether the features tell the value; a running column has none, and a constant needs none."""
    has_feature = bool(encoding.gaussian or encoding.group or any(not is_flag for _, is_flag in encoding.binary))
    return has_feature or encoding.kind == Kind.CONSTANT
