"""Rarity of each column's value, given the value of the one other column that is most informative about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from oddrow.container import Arrays, ArrayStore, piece_starts
from oddrow.density import ColumnSums
from oddrow.exceptions import ModelFileError
from oddrow.graph import FLOAT
from oddrow.views._basis import ViewBasis
from oddrow.views._coding import Codes, Coding
from oddrow.views._graph_row_context import GraphRowContext, indicator
from oddrow.views._pair_information import PairInformation
from oddrow.views._row_context import RowContext
from oddrow.views._view import GraphScore, Judged, LearningContext, ViewScore, ViewUnits

Floats = npt.NDArray[np.float64]

MAX_CELL_NATS = 1e6
"""Upper bound of a table entry: a pair of codes that n rows never showed has about ln n nats."""


@dataclass(frozen=True)
class DependenceView:
    """Nats of each variable's code given the code of its most informative other variable, as in a Chow-Liu tree.

    Attributes
    ----------
    n_columns : columns of the table
    coding : the codes of the basis
    informative : int64 [n_variables], the index of the most informative other variable; -1 where none is informative
    tables : for each variable, float32 [codes of the informative variable, own codes], nats; one row where none is
        informative
    own_tables : the same nats for training rows, with the row itself removed from the counts; None after loading
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

        The informative variable belongs to another column and has the largest mutual information (Chow and Liu 1968),
        minus the bias of independent variables. Its table counts training rows; a pseudo-count of one row, distributed
        like the variable in all training rows, is added for each code of the informative variable.

        A variable counts only if its table, with each training row removed from the counts, gives fewer nats on average
        than the variable's own frequencies: otherwise it has 0 nats, and a table without dependence has no evidence.

        Between rows that depend on each other, columns depend on each other by chance, and on other columns in each fit
        of a cross-calibration, whose nats could not be compared. So the view has 0 nats for every row then.
        """
        training, coding = context.training, context.basis.coding
        codes = coding.codes(training.rows, training.presence)
        informative = np.full(len(coding.variables), -1)
        if not context.is_dependent:
            constants = context.basis.constants
            informative = PairInformation.learn(coding.variables, training, context.rng, constants).most_informative()
        tables, own_tables = [], []
        for place, n_codes in enumerate(coding.n_codes):
            other = informative[place]
            found = None if other < 0 else _tables(codes[:, place], codes[:, other], (coding.n_codes[other], n_codes))
            if found is None:
                informative[place] = -1
                found = np.zeros((1, n_codes), np.float32), np.zeros((1, n_codes), np.float32)
            tables.append(found[0])
            own_tables.append(found[1])
        return cls(context.basis.layout.n_columns, coding, informative, tuple(tables), tuple(own_tables))

    def score(self, rows: RowContext) -> ViewScore:
        """Return the nats of each column; a column without a value has those of its flag alone."""
        codes = rows.codes
        places = codes[:, np.maximum(self.informative, 0)]
        places *= self._strides
        places += codes
        places += self._starts
        nats = self._flat_tables.take(places).astype(np.float64)
        if self.own_tables is not None and rows.counted.any():
            nats[rows.counted] = self._flat_own_tables.take(places[rows.counted])
        has_value = rows.presence[:, [variable.column for variable in self.coding.variables]]
        if not has_value.all():
            nats *= has_value | np.array([variable.is_flag for variable in self.coding.variables], np.bool_)
        return ViewScore(self._sums(nats), power=rows.constants.marginal_power)

    def units(self, training: RowContext) -> ViewUnits:
        """Return units: two fits may choose different informative variables, which changes the nats."""
        return ViewUnits.of_quantiles(self.score(training).values, training.constants.min_unit)

    def packed(self) -> Arrays:
        """Return the informative variables and the concatenated tables; the codes determine their sizes."""
        return {"informative": self.informative, "nats": self._flat_tables}

    @classmethod
    def unpacked(cls, store: ArrayStore, basis: ViewBasis) -> DependenceView:
        """Rebuild the view from the codes of the basis; it then scores training rows like any other rows."""
        coding = basis.coding
        informative = store.take("informative", np.int64, (len(coding.variables),))
        if np.any(informative < -1) or np.any(informative >= len(coding.variables)):
            raise ModelFileError(f"{store.name_of('informative')!r} has the index of a variable that does not exist")
        shapes = table_shapes(coding, informative)
        stops = piece_starts(n_given * n_codes for n_given, n_codes in shapes)
        nats = store.take("nats", np.float32, (int(stops[-1]),))
        if not (nats.min(initial=0.0) >= 0 and nats.max(initial=0.0) <= MAX_CELL_NATS):
            raise ModelFileError(f"{store.name_of('nats')!r} has values below zero or beyond {MAX_CELL_NATS:g}")
        tables = (nats[start:stop].reshape(shape) for (start, stop), shape in zip(pairwise(stops), shapes, strict=True))
        return cls(basis.layout.n_columns, coding, informative, tuple(tables))

    def graph(self, rows: GraphRowContext) -> GraphScore:
        variables, power = self.coding.variables, rows.constants.marginal_power
        if not variables:  # all columns are constant
            return GraphScore(rows.no_column, power=power)
        columns = [variable.column for variable in variables]
        is_given = (self.informative >= 0).astype(np.int64)
        given = rows.codes[:, np.maximum(self.informative, 0)] * is_given
        sizes = np.array([table.shape[1] for table in self.tables])
        nats = (given * sizes + rows.codes + self._starts).taken_from(self._flat_tables)
        is_flag = np.array([variable.is_flag for variable in variables], np.bool_)
        has_value = rows.presence[:, columns] | is_flag
        return GraphScore((nats * has_value.astype(FLOAT)) @ indicator(columns, self.n_columns), power=power)

    @cached_property
    def _sums(self) -> ColumnSums:
        return ColumnSums(tuple(variable.column for variable in self.coding.variables), self.n_columns)

    @cached_property
    def _flat_tables(self) -> npt.NDArray[np.float32]:
        return _end_to_end(self.tables)

    @cached_property
    def _flat_own_tables(self) -> npt.NDArray[np.float32]:
        return _end_to_end(self.own_tables or ())

    @cached_property
    def _starts(self) -> Codes:
        """The start of each variable's table among the concatenated tables."""
        return np.cumsum([0, *(table.size for table in self.tables[:-1])], dtype=np.int64)[: len(self.tables)]

    @cached_property
    def _strides(self) -> Codes:
        """The stride between two codes of the informative variable in each table; 0 where there is none."""
        widths = np.array([table.shape[1] for table in self.tables], np.int64)
        return np.where(self.informative >= 0, widths, 0)


def table_shapes(coding: Coding, informative: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return the number of codes of each variable's informative variable (1 if there is none) and of its own."""
    sizes = coding.n_codes
    return [(sizes[other] if other >= 0 else 1, own) for other, own in zip(informative, sizes, strict=True)]


def _end_to_end(tables: tuple[npt.NDArray[np.float32], ...]) -> npt.NDArray[np.float32]:
    return np.concatenate([np.empty(0, np.float32), *(table.ravel() for table in tables)])


def _tables(
    codes: Codes, given: Codes, shape: tuple[int, int]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None:
    """Return nats float32 [codes of the informative variable, own codes]: for new rows and training rows.

    Return None if the training rows' nats are no fewer on average than by the frequencies of the codes alone.
    """
    n_given, n_codes = shape
    counts = np.bincount(given * n_codes + codes, minlength=n_given * n_codes).reshape(n_given, n_codes)
    alone = (counts.sum(axis=0) + 0.5) / (len(codes) + 0.5 * n_codes)
    total = counts.sum(axis=1, keepdims=True)
    share = (counts + alone) / (total + 1.0)
    own_share = (np.maximum(counts - 1, 0) + alone) / np.maximum(total, 1)
    own_alone = (np.maximum(counts.sum(axis=0) - 1, 0) + 0.5) / (len(codes) - 1 + 0.5 * n_codes)
    if np.sum(counts * np.log(own_share)) <= np.sum(counts.sum(axis=0) * np.log(own_alone)):
        return None
    return np.asarray(-np.log(share), np.float32), np.asarray(-np.log(own_share), np.float32)
