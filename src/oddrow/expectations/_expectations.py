"""What is usual for each column given the values of up to two other columns, counted from training rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from oddrow.columns import MAX_ENCODED, EncodedTable, FeatureLayout, TableEncoding
from oddrow.container import Arrays, ArrayStore, piece_starts
from oddrow.exceptions import ModelFileError
from oddrow.expectations._cells import counted_cells
from oddrow.expectations._given_columns import SEARCH_ROWS, given_columns
from oddrow.expectations._subjects import (
    DAY,
    Codes,
    Floats,
    Statistic,
    Subject,
    column_codes,
    evenly,
    n_given_codes,
    subjects_of,
)
from oddrow.views import Coding, variables_of

LEARNED_ROWS = 50_000
"""Maximum number of training rows that are counted."""


@dataclass(frozen=True)
class Expectations:
    """The usual values of each column, by the codes of the two columns with the most information about it.

    A row is looked up in the cell of both given codes if that has at least 40 training rows, else in the cell of the
    first code, else in that of the second, else in the cell of all rows. The column's own value is not used.

    Attributes
    ----------
    given : int64 [n_columns, 2], the two columns given for each column; -1 for none
    cells : for each column int64 [n_cells, 2], codes of the given columns, -1 for any code; cell 0 is that of all rows
    missing : for each column float32 [n_cells], the share of rows without a value
    values : for each column float32 [n_cells, width], see :class:`Statistic`
    """

    layout: FeatureLayout
    subjects: tuple[Subject, ...]
    edges: tuple[Floats, ...]
    given: Codes
    cells: tuple[Codes, ...]
    missing: tuple[npt.NDArray[np.float32], ...]
    values: tuple[npt.NDArray[np.float32], ...]
    described: dict[tuple[int, int], Any] = field(default_factory=dict, compare=False, repr=False)
    """What has been put into words already, by column and cell."""

    @classmethod
    def learn(cls, encoding: TableEncoding, edges: tuple[Floats, ...], training: EncodedTable) -> Expectations:
        """Learn from encoded training rows; ``edges`` are those of :class:`Dependence`."""
        subjects = subjects_of(encoding, edges)
        if len(training.rows) > LEARNED_ROWS:
            training = training.take(evenly(len(training.rows), LEARNED_ROWS))
        codes = column_codes(subjects, Coding(variables_of(encoding.layout), edges), training)
        sample = evenly(len(codes), SEARCH_ROWS)
        given = given_columns(subjects, codes[sample])
        kept = [counted_cells(column, subjects, given[column], codes, training) for column in range(len(subjects))]
        cells, missing, values = zip(*kept, strict=True) if kept else ((), (), ())
        return cls(encoding.layout, subjects, edges, given, cells, missing, values)

    def look_up(self, encoded: EncodedTable) -> Codes:
        """Return the cell int64 [n, n_columns] of each column in each row."""
        codes = column_codes(self.subjects, self._coding, encoded)
        seconds = set(self.given[:, 1].tolist()) - {-1}
        coarse: dict[int, Codes | int] = {one: self.subjects[one].coarse(codes[:, one]) for one in seconds}
        found = np.zeros(codes.shape, np.int64)
        for column, (place, (first, second)) in enumerate(zip(self._places, self.given.tolist(), strict=True)):
            if first >= 0:
                found[:, column] = place[codes[:, first], coarse.get(second, 0)]
        return found

    def given_columns(self, column: int, cell: int) -> tuple[int, ...]:
        """Return the columns whose codes define a cell: none, one or two."""
        codes = zip(self.given[column].tolist(), self.cells[column][cell].tolist(), strict=True)
        return tuple(other for other, code in codes if code >= 0)

    def packed(self) -> Arrays:
        """The given columns, and the cells of all columns end to end."""
        nothing = np.empty(0, np.float32)
        return {
            "given": self.given,
            "starts": piece_starts(map(len, self.cells)),
            "cells": np.concatenate([np.empty((0, 2), np.int64), *self.cells]),
            "missing": np.concatenate([nothing, *self.missing]),
            "values": np.concatenate([nothing, *(values.ravel() for values in self.values)]),
        }

    @classmethod
    def unpacked(cls, store: ArrayStore, encoding: TableEncoding, edges: tuple[Floats, ...]) -> Expectations:
        """The expectations of the columns of an encoding; ``edges`` are those of :class:`Dependence`."""
        subjects = subjects_of(encoding, edges)
        given = store.take("given", np.int64, (len(subjects), 2))
        codes = store.take("cells", np.int64, (None, 2))
        missing = store.take("missing", np.float32, (len(codes),))
        pieces = store.take_slices("starts", len(subjects), len(codes))
        if not (missing.min(initial=0.0) >= 0 and missing.max(initial=0.0) <= 1):
            raise ModelFileError(f"{store.name_of('missing')!r} has shares that are not from 0 to 1")
        widths = [subject.statistic.width for subject in subjects]
        stops = piece_starts((piece.stop - piece.start) * width for piece, width in zip(pieces, widths, strict=True))
        flat = store.take("values", np.float32, (int(stops[-1]),))
        cells = tuple(codes[piece] for piece in pieces)
        values = tuple(
            flat[start:stop].reshape(-1, width) if width else np.empty((len(own), 0), np.float32)
            for (start, stop), width, own in zip(pairwise(stops), widths, cells, strict=True)
        )
        for column, subject in enumerate(subjects):
            _check_given(given[column], cells[column], column, subjects)
            _check_usual(values[column], subject)
        return cls(encoding.layout, subjects, edges, given, cells, tuple(missing[piece] for piece in pieces), values)

    @cached_property
    def _coding(self) -> Coding:
        return Coding(variables_of(self.layout), self.edges)

    @cached_property
    def _places(self) -> tuple[Codes, ...]:
        """For each column, the cell by [first code, second code]."""
        return tuple(
            _cell_table(cells, *n_given_codes(self.subjects, given))
            for cells, given in zip(self.cells, self.given.tolist(), strict=True)
        )


def _check_given(given: Codes, cells: Codes, column: int, subjects: tuple[Subject, ...]) -> None:
    """Refuse columns that cannot be given, and cells of codes that these do not have."""
    if np.any(given < -1) or np.any(given >= len(subjects)) or np.any(given == column):
        raise ModelFileError("'expectations.given' names a column that is none, or itself")
    if any(other >= 0 and not subjects[other].is_given for other in given) or (given[0] < 0 <= given[1]):
        raise ModelFileError("'expectations.given' names a column that cannot be given")
    n_codes = np.where(given >= 0, n_given_codes(subjects, given.tolist()), 0)
    if np.any(cells < -1) or np.any(cells >= n_codes) or np.any(cells[0] != -1) or np.any((cells[1:] < 0).all(axis=1)):
        raise ModelFileError("'expectations.cells' has codes that the given columns do not have")


def _check_usual(values: npt.NDArray[np.float32], subject: Subject) -> None:
    """Refuse what cannot be put into words."""
    if subject.statistic is Statistic.RANGE:
        fits = bool(np.all(np.diff(values, axis=1) >= 0) and np.abs(values).max(initial=0.0) <= MAX_ENCODED)
    elif subject.statistic is Statistic.CLOCK:
        fits = bool(np.all(values >= 0) and np.all(values[:, :2] < DAY) and np.all(values[:, 2] < 128))
    else:
        places, counts = values[:, :-1], values[:, -1:]
        n_places = max(len(subject.features), 2)
        fits = bool(np.all(places >= -1) and np.all(places < n_places) and np.all(counts >= 0))
        fits = fits and bool(np.all(counts <= n_places))
    if not fits:
        raise ModelFileError("'expectations.values' has values that are usual for no column of this kind")


def _cell_table(cells: Codes, n_first: int, n_second: int) -> Codes:
    table = np.zeros((n_first, n_second), np.int64)
    # the cells of the second code alone, then of the first alone, then of both: the later ones are more exact
    for cell in np.lexsort((cells[:, 1], cells[:, 1] >= 0, cells[:, 0] >= 0))[1:].tolist():
        first, second = cells[cell].tolist()
        table[first if first >= 0 else slice(None), second if second >= 0 else slice(None)] = cell
    return table
