"""How rare each column's value is, given the value of the one other column that is most informative about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from oddrow.columns import EncodedTable
from oddrow.container import Arrays, ArrayStore, piece_starts
from oddrow.density import ColumnSums
from oddrow.exceptions import ModelFileError
from oddrow.graph import FLOAT
from oddrow.scoring_constants import ScoringConstants
from oddrow.views._basis import ViewBasis
from oddrow.views._coding import Codes, Coding, Part, frequent_codes, mutual_information
from oddrow.views._graph_row_context import GraphRowContext, indicator
from oddrow.views._row_context import RowContext
from oddrow.views._view import GraphScore, Judged, LearningContext, ViewScore, ViewUnits

Floats = npt.NDArray[np.float64]

PARTS_AT_ONCE = 64
"""Parts whose most informative other part is sought by one matrix product."""
MAX_CELL_NATS = 1e6
"""Largest entry of a table: a pair of codes that n rows never showed has about ln n."""


@dataclass(frozen=True)
class DependenceView:
    """Nats of each part's code given the code of its most informative other part: one branch of a Chow-Liu tree each.

    Attributes
    ----------
    n_columns : columns of the table
    coding : the codes, as in the basis
    informative : int64 [n_parts], the place of the most informative other part; -1 where none is informative
    tables : of each part, float32 [codes of the informative part, own codes], nats; one row where none is informative
    own_tables : the same for training rows, each as if it had not been counted; None once saved and loaded
    """

    n_columns: int
    coding: Coding
    informative: npt.NDArray[np.int64]
    tables: tuple[npt.NDArray[np.float32], ...]
    own_tables: tuple[npt.NDArray[np.float32], ...] | None = None

    name: ClassVar[str] = "dependence"
    judges: ClassVar[Judged] = Judged.COLUMNS
    scores_training_rows: ClassVar[bool] = True

    @classmethod
    def learn(cls, context: LearningContext) -> DependenceView:
        """Count the training rows.

        The informative part belongs to another column and has the largest mutual information (Chow and Liu 1968), less
        what independent parts would show by chance. Its table counts training rows; a count of one row, spread as the
        part is by itself, is added to each code of the informative part.
        """
        training, coding = context.training, context.basis.coding
        codes = coding.codes(training.rows, training.presence)
        informative = _informative(coding.parts, training, context.rng, context.basis.constants)
        shapes = table_shapes(coding, informative)
        tables = [
            _tables(codes[:, place], _given(codes, other), shape)
            for place, (other, shape) in enumerate(zip(informative, shapes, strict=True))
        ]
        n_columns = context.basis.layout.n_columns
        return cls(n_columns, coding, informative, tuple(one for one, _ in tables), tuple(own for _, own in tables))

    def score(self, rows: RowContext) -> ViewScore:
        """Nats of each column; of a column without a value those of its flag alone."""
        codes = rows.codes
        places = codes[:, np.maximum(self.informative, 0)]
        places *= self._strides
        places += codes
        places += self._starts
        nats = self._flat_tables.take(places).astype(np.float64)
        if self.own_tables is not None and rows.counted.any():
            nats[rows.counted] = self._flat_own_tables.take(places[rows.counted])
        has_value = rows.presence[:, [part.column for part in self.coding.parts]]
        if not has_value.all():
            nats *= has_value | np.array([part.is_flag for part in self.coding.parts], np.bool_)
        return ViewScore(self._sums(nats), power=rows.constants.marginal_power)

    def units(self, training: RowContext) -> ViewUnits:
        """Two fits may find different parts most informative: the nats then have another shift and factor."""
        return ViewUnits.of_quantiles(self.score(training).values, training.constants.min_unit)

    def packed(self) -> Arrays:
        """The informative parts, and the tables end to end, whose sizes follow from the codes."""
        return {"informative": self.informative, "nats": self._flat_tables}

    @classmethod
    def unpacked(cls, store: ArrayStore, basis: ViewBasis) -> DependenceView:
        """The tables of the basis' codes; training rows are scored as any other from here on."""
        coding = basis.coding
        informative = store.take("informative", np.int64, (len(coding.parts),))
        if np.any(informative < -1) or np.any(informative >= len(coding.parts)):
            raise ModelFileError(f"{store.name_of('informative')!r} names a part that does not exist")
        shapes = table_shapes(coding, informative)
        stops = piece_starts(n_given * n_codes for n_given, n_codes in shapes)
        nats = store.take("nats", np.float32, (int(stops[-1]),))
        if not (nats.min(initial=0.0) >= 0 and nats.max(initial=0.0) <= MAX_CELL_NATS):
            raise ModelFileError(f"{store.name_of('nats')!r} has values below zero or beyond {MAX_CELL_NATS:g}")
        tables = (nats[start:stop].reshape(shape) for (start, stop), shape in zip(pairwise(stops), shapes, strict=True))
        return cls(basis.layout.n_columns, coding, informative, tuple(tables))

    def graph(self, rows: GraphRowContext) -> GraphScore:
        parts, power = self.coding.parts, rows.constants.marginal_power
        if not parts:  # all columns are constant
            return GraphScore(rows.no_column, power=power)
        columns = [part.column for part in parts]
        is_given = (self.informative >= 0).astype(np.int64)
        given = rows.codes[:, np.maximum(self.informative, 0)] * is_given
        sizes = np.array([table.shape[1] for table in self.tables])
        nats = (given * sizes + rows.codes + self._starts).taken_from(self._flat_tables)
        is_flag = np.array([part.is_flag for part in parts], np.bool_)
        has_value = rows.presence[:, columns] | is_flag
        return GraphScore((nats * has_value.astype(FLOAT)) @ indicator(columns, self.n_columns), power=power)

    @cached_property
    def _sums(self) -> ColumnSums:
        return ColumnSums(tuple(part.column for part in self.coding.parts), self.n_columns)

    @cached_property
    def _flat_tables(self) -> npt.NDArray[np.float32]:
        return _end_to_end(self.tables)

    @cached_property
    def _flat_own_tables(self) -> npt.NDArray[np.float32]:
        return _end_to_end(self.own_tables or ())

    @cached_property
    def _starts(self) -> Codes:
        """Where the table of each part starts among all that lie end to end."""
        return np.cumsum([0, *(table.size for table in self.tables[:-1])], dtype=np.int64)[: len(self.tables)]

    @cached_property
    def _strides(self) -> Codes:
        """How far apart two codes of the informative part lie in the table of each part; 0 where none is."""
        widths = np.array([table.shape[1] for table in self.tables], np.int64)
        return np.where(self.informative >= 0, widths, 0)


def table_shapes(coding: Coding, informative: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Of each part, the codes of its informative part (1 where there is none) and its own."""
    sizes = coding.n_codes
    return [(sizes[other] if other >= 0 else 1, own) for other, own in zip(informative, sizes, strict=True)]


def _end_to_end(tables: tuple[npt.NDArray[np.float32], ...]) -> npt.NDArray[np.float32]:
    return np.concatenate([np.empty(0, np.float32), *(table.ravel() for table in tables)])


def _given(codes: Codes, other: int) -> Codes:
    """The codes [n] of the informative part; all alike where there is none."""
    return codes[:, other] if other >= 0 else np.zeros(len(codes), np.int64)


def _tables(codes: Codes, given: Codes, shape: tuple[int, int]) -> tuple[npt.NDArray[np.float32], ...]:
    """Nats float32 [codes of the informative part, own codes]: of any row, and of one counted here, less itself."""
    n_given, n_codes = shape
    counts = np.bincount(given * n_codes + codes, minlength=n_given * n_codes).reshape(n_given, n_codes)
    alone = (counts.sum(axis=0) + 0.5) / (len(codes) + 0.5 * n_codes)
    total = counts.sum(axis=1, keepdims=True)
    share = (counts + alone) / (total + 1.0)
    own_share = (np.maximum(counts - 1, 0) + alone) / np.maximum(total, 1)
    return np.asarray(-np.log(share), np.float32), np.asarray(-np.log(own_share), np.float32)


def _informative(
    parts: tuple[Part, ...], training: EncodedTable, rng: np.random.Generator, constants: ScoringConstants
) -> npt.NDArray[np.int64]:
    """The place of the most informative other part of each [n_parts], or -1."""
    n_codes = constants.search_codes
    n_rows = len(training.rows)
    drawn = np.sort(rng.permutation(n_rows)[: constants.search_rows])
    rows, presence = training.rows[drawn], training.presence[drawn]
    codes = Coding.learn(parts, rows, n_codes).codes(rows, presence)
    # categories keep their most frequent names, so that all pairs are one matrix product of the same codes
    codes = np.stack([frequent_codes(column, n_codes) for column in codes.T], axis=1) if len(parts) else codes
    taken = (codes[:, :, None] == np.arange(n_codes + 1)).astype(np.float32)
    columns = np.array([part.column for part in parts], np.int64)
    informative = np.full(len(parts), -1)
    candidates = np.sort(rng.permutation(len(parts))[: constants.search_parts])
    others = taken[:, candidates].reshape(len(rows), -1)
    for start in range(0, len(parts), PARTS_AT_ONCE):
        block = taken[:, start : start + PARTS_AT_ONCE]
        n_block, width = block.shape[1:]
        joint = (block.reshape(len(rows), -1).T @ others).reshape(n_block, width, len(candidates), width)
        nats = mutual_information(joint.transpose(0, 2, 1, 3).astype(np.float64) / len(rows), len(rows))
        nats[columns[start : start + PARTS_AT_ONCE, None] == columns[candidates]] = 0.0
        best = np.argmax(nats, axis=1)
        is_informed = nats[np.arange(n_block), best] > 0
        informative[start : start + PARTS_AT_ONCE] = np.where(is_informed, candidates[best], -1)
    return informative
