"""How rare each column's value is beside the value of the one other column that tells most about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from oddrow.columns import EncodedTable, FeatureLayout
from oddrow.container import Arrays, ArrayStore, piece_starts
from oddrow.density import ColumnSums
from oddrow.exceptions import ModelFileError

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

MOST_CODES = 20
"""A feature of no more values has a code for each; of any other, each code holds as many training rows."""
MOST_BORDERS = MOST_CODES + 1
"""Borders of a feature's codes at most: one less than codes between, and one at either end."""
COARSE_CODES = 6
"""Codes while the telling column is sought: as few as the many pairs allow."""
MAX_CELL_NATS = 1e6
"""Of a value beside another's: what never was in n rows has about ln n."""
SEARCH_ROWS = 4_096
"""Training rows among which it is sought at most."""
MOST_TELLING = 1_000
"""Parts that may tell at most; of more, so many are drawn."""
BLOCK_PARTS = 64
"""Parts whose telling column is sought at once."""


@dataclass(frozen=True)
class Part:
    """What has a distribution of its own: a number, a flag, or a category of a column.

    Attributes
    ----------
    features : of a category the places of its names, in order, and behind them that of a name never seen
    is_flag : whether it tells only whether the column has a value
    """

    column: int
    features: tuple[int, ...]
    is_flag: bool = False

    @property
    def is_category(self) -> bool:
        return len(self.features) > 1


def parts_of(layout: FeatureLayout) -> tuple[Part, ...]:
    """The parts of all columns, in the order of the likelihood's: numbers, flags, categories."""
    numbers = [
        Part(column, (feature,)) for feature, column in zip(layout.gaussian, layout.gaussian_column, strict=True)
    ]
    binary = zip(layout.binary, layout.binary_column, layout.is_presence_flag, strict=True)
    flags = [Part(column, (feature,), is_flag) for feature, column, is_flag in binary]
    groups = zip(layout.groups, layout.group_column, strict=True)
    return (*numbers, *flags, *(Part(column, tuple(range(group[0], group[-1] + 2))) for group, column in groups))


def code_edges(values: Floats, most_codes: int) -> Floats:
    """Ascending borders [k] between the codes of a number, from its training values [n].

    At most ``most_codes`` codes lie between the first and the last border, which stand half a width of the range
    outside it: what lies beyond them was never seen, is rare beside anything, and tells nothing of other columns.
    """
    distinct = np.unique(values)
    low, high = distinct[0], distinct[-1]
    margin = max(high - low, 1.0) / 2
    if len(distinct) <= most_codes:
        inner = (distinct[1:] + distinct[:-1]) / 2
    else:
        inner = np.unique(np.quantile(values, np.arange(1, most_codes) / most_codes))
    return np.concatenate([[low - margin], inner, [high + margin]])


@dataclass(frozen=True)
class Coding:
    """The code of each part's value: where it lies among the borders of a number, or which name a category has."""

    parts: tuple[Part, ...]
    edges: tuple[Floats, ...]

    @classmethod
    def learn(cls, parts: tuple[Part, ...], rows: npt.NDArray[np.float32], most_codes: int) -> Coding:
        """Learn the borders from training rows [n, d]."""
        return cls(parts, tuple(_edges(part, rows, most_codes) for part in parts))

    @cached_property
    def _numbers(self) -> Codes:
        """The places of numbers and flags, those of most borders first."""
        places = [place for place, part in enumerate(self.parts) if not part.is_category]
        return np.array(sorted(places, key=lambda place: -len(self.edges[place])), np.int64)

    @cached_property
    def _features(self) -> Codes:
        return np.array([self.parts[place].features[0] for place in self._numbers], np.int64)

    @cached_property
    def _borders(self) -> tuple[Floats, ...]:
        """The first border of all numbers, the second of those that have two, and so on."""
        edges = [self.edges[place] for place in self._numbers]
        most = max(map(len, edges), default=0)
        return tuple(np.array([own[rank] for own in edges if len(own) > rank]) for rank in range(most))

    @cached_property
    def _valued(self) -> tuple[Codes, Codes, Codes]:
        """The numbers that may have no value: their places, columns, and the code for that."""
        places = [place for place in self._numbers if not self.parts[place].is_flag]
        columns = [self.parts[place].column for place in places]
        codes = [len(self.edges[place]) + 1 for place in places]
        return np.array(places, np.int64), np.array(columns, np.int64), np.array(codes, np.int64)

    def codes(self, rows: npt.NDArray[np.float32], presence: npt.NDArray[np.bool_]) -> Codes:
        """The code of each part [n, n_parts]; the last is that of no value."""
        codes = np.empty((len(rows), len(self.parts)), np.int64)
        values = rows[:, self._features].astype(np.float64)
        # few borders: to compare with each, all numbers at once, takes less than to search those of every number
        passed = np.zeros(values.shape, np.int8)
        for borders in self._borders:
            passed[:, : len(borders)] += values[:, : len(borders)] >= borders
        codes[:, self._numbers] = passed
        places, columns, missing = self._valued
        if not presence.all():
            codes[:, places] = np.where(presence[:, columns], codes[:, places], missing)
        for place, part in enumerate(self.parts):
            if part.is_category:
                taken = rows[:, part.features[0] : part.features[-1] + 1]
                codes[:, place] = np.where(taken.any(axis=1), np.argmax(taken, axis=1), len(part.features))
        return codes


@dataclass(frozen=True)
class Dependence:
    """Nats of each part's code given the code of the part that tells most about it: one branch of a Chow-Liu tree each.

    Attributes
    ----------
    edges : of each part, the borders between its codes; none of a category
    telling : int64 [n_parts], the place of the part that tells most about each; -1 where none tells anything
    tables : of each part, float32 [codes of the telling part, own codes], nats; one row where none tells anything
    own_tables : the same for training rows, each as if it had not been counted; None once saved and loaded
    """

    layout: FeatureLayout
    edges: tuple[Floats, ...]
    telling: npt.NDArray[np.int64]
    tables: tuple[npt.NDArray[np.float32], ...]
    own_tables: tuple[npt.NDArray[np.float32], ...] | None = None

    @classmethod
    def learn(cls, layout: FeatureLayout, training: EncodedTable, rng: np.random.Generator) -> Dependence:
        """Learn from encoded training rows.

        The telling part is that of another column with the largest mutual information (Chow and Liu 1968), less what
        independent parts would show by chance. Its table counts training rows; a count of one row, spread as the part
        is by itself, is added to each code of the telling part.
        """
        parts = parts_of(layout)
        coding = Coding.learn(parts, training.rows, MOST_CODES)
        codes = coding.codes(training.rows, training.presence)
        telling = _telling(parts, training, rng)
        shapes = cls.table_shapes(layout, coding.edges, telling)
        tables = [
            _tables(codes[:, place], _given(codes, other), shape)
            for place, (other, shape) in enumerate(zip(telling, shapes, strict=True))
        ]
        return cls(layout, coding.edges, telling, tuple(one for one, _ in tables), tuple(own for _, own in tables))

    @staticmethod
    def table_shapes(
        layout: FeatureLayout, edges: tuple[Floats, ...], telling: npt.NDArray[np.int64]
    ) -> list[tuple[int, int]]:
        """Codes of the telling part, and own codes: of each part, with one more for what has no value."""
        parts = zip(parts_of(layout), edges, strict=True)
        sizes = [len(part.features) + 1 if part.is_category else len(own) + 2 for part, own in parts]
        return [(sizes[other] if other >= 0 else 1, own) for other, own in zip(telling, sizes, strict=True)]

    @cached_property
    def _coding(self) -> Coding:
        return Coding(parts_of(self.layout), self.edges)

    def nats(
        self,
        rows: npt.NDArray[np.float32],
        presence: npt.NDArray[np.bool_],
        counted: npt.NDArray[np.bool_] | None = None,
    ) -> Floats:
        """Nats of each column [n, n_columns]; of what has no value, those of its flag alone.

        ``counted`` [n] tells which rows the tables were learned from; they are judged as if they had not been.
        """
        codes = self._coding.codes(rows, presence)
        places = codes[:, np.maximum(self.telling, 0)]
        places *= self._strides
        places += codes
        places += self._starts
        nats = self._flat_tables.take(places).astype(np.float64)
        if counted is not None and self.own_tables is not None and counted.any():
            nats[counted] = self._flat_own_tables.take(places[counted])
        there = presence[:, [part.column for part in self._coding.parts]]
        if not there.all():
            nats *= there | np.array([part.is_flag for part in self._coding.parts], np.bool_)
        return self._sums(nats)

    @cached_property
    def _sums(self) -> ColumnSums:
        return ColumnSums(tuple(part.column for part in self._coding.parts), self.layout.n_columns)

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
        """How far apart two codes of the telling part lie in the table of each part; 0 where none tells."""
        widths = np.array([table.shape[1] for table in self.tables], np.int64)
        return np.where(self.telling >= 0, widths, 0)

    def packed(self) -> Arrays:
        """The telling parts, the borders end to end, and the tables end to end, whose sizes follow from the borders."""
        return {
            "telling": self.telling,
            "starts": piece_starts(map(len, self.edges)),
            "edges": np.concatenate([np.empty(0), *self.edges]),
            "nats": self._flat_tables,
        }

    @classmethod
    def unpacked(cls, store: ArrayStore, layout: FeatureLayout) -> Dependence:
        """The tables of the parts of such a layout; training rows are no longer told from others."""
        parts = parts_of(layout)
        telling = store.take("telling", np.int64, (len(parts),))
        borders = store.take("edges", np.float64, (None,))
        slices = store.take_slices("starts", len(parts), len(borders), may_be_empty=True)
        edges = tuple(borders[piece] for piece in slices)
        if any(
            np.any(np.diff(own) <= 0) or (part.is_category and len(own)) for part, own in zip(parts, edges, strict=True)
        ):
            raise ModelFileError(f"the borders of {store.part!r} are not ascending, or those of a category")
        if any(len(own) > MOST_BORDERS for own in edges):
            raise ModelFileError(f"a part of {store.part!r} has more than {MOST_BORDERS} borders")
        if np.any(telling < -1) or np.any(telling >= len(parts)):
            raise ModelFileError(f"{store.name_of('telling')!r} names a part that is none")
        shapes = cls.table_shapes(layout, edges, telling)
        stops = piece_starts(n_given * n_codes for n_given, n_codes in shapes)
        nats = store.take("nats", np.float32, (int(stops[-1]),))
        if not (nats.min(initial=0.0) >= 0 and nats.max(initial=0.0) <= MAX_CELL_NATS):
            raise ModelFileError(f"{store.name_of('nats')!r} has values below zero or beyond {MAX_CELL_NATS:g}")
        tables = (nats[start:stop].reshape(shape) for (start, stop), shape in zip(pairwise(stops), shapes, strict=True))
        return cls(layout, edges, telling, tuple(tables))


def _end_to_end(tables: tuple[npt.NDArray[np.float32], ...]) -> npt.NDArray[np.float32]:
    return np.concatenate([np.empty(0, np.float32), *(table.ravel() for table in tables)])


def _edges(part: Part, rows: npt.NDArray[np.float32], most_codes: int) -> Floats:
    if part.is_category:
        return np.empty(0)
    return code_edges(rows[:, part.features[0]].astype(np.float64), most_codes)


def _given(codes: Codes, other: int) -> Codes:
    """The codes [n] of the telling part; all alike where there is none."""
    return codes[:, other] if other >= 0 else np.zeros(len(codes), np.int64)


def _tables(codes: Codes, given: Codes, shape: tuple[int, int]) -> tuple[npt.NDArray[np.float32], ...]:
    """Nats float32 [codes of the telling part, own codes]: of any row, and of one that was counted, without itself."""
    n_given, n_codes = shape
    counts = np.bincount(given * n_codes + codes, minlength=n_given * n_codes).reshape(n_given, n_codes)
    alone = (counts.sum(axis=0) + 0.5) / (len(codes) + 0.5 * n_codes)
    total = counts.sum(axis=1, keepdims=True)
    share = (counts + alone) / (total + 1.0)
    own_share = (np.maximum(counts - 1, 0) + alone) / np.maximum(total, 1)
    return np.asarray(-np.log(share), np.float32), np.asarray(-np.log(own_share), np.float32)


def _telling(parts: tuple[Part, ...], training: EncodedTable, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """The place of the part that tells most about each [n_parts], or -1."""
    n_rows = len(training.rows)
    drawn = np.sort(rng.permutation(n_rows)[:SEARCH_ROWS])
    rows, presence = training.rows[drawn], training.presence[drawn]
    codes = Coding.learn(parts, rows, COARSE_CODES).codes(rows, presence)
    # categories keep their most frequent names, so that all pairs are one matrix product of the same codes
    codes = np.stack([frequent_codes(column) for column in codes.T], axis=1) if len(parts) else codes
    taken = (codes[:, :, None] == np.arange(COARSE_CODES + 1)).astype(np.float32)
    columns = np.array([part.column for part in parts], np.int64)
    telling = np.full(len(parts), -1)
    candidates = np.sort(rng.permutation(len(parts))[:MOST_TELLING])
    others = taken[:, candidates].reshape(len(rows), -1)
    for start in range(0, len(parts), BLOCK_PARTS):
        block = taken[:, start : start + BLOCK_PARTS]
        n_block, n_codes = block.shape[1:]
        joint = (block.reshape(len(rows), -1).T @ others).reshape(n_block, n_codes, len(candidates), n_codes)
        told = mutual_information(joint.transpose(0, 2, 1, 3).astype(np.float64) / len(rows), len(rows))
        told[columns[start : start + BLOCK_PARTS, None] == columns[candidates]] = 0.0
        best = np.argmax(told, axis=1)
        is_told = told[np.arange(n_block), best] > 0
        telling[start : start + BLOCK_PARTS] = np.where(is_told, candidates[best], -1)
    return telling


def frequent_codes(codes: Codes) -> Codes:
    """Codes [n] renumbered by their frequency, the less frequent ones together."""
    counts = np.bincount(codes)
    rank = np.empty(len(counts), np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    return np.minimum(rank, COARSE_CODES)[codes]


def mutual_information(joint: Floats, n_rows: int) -> Floats:
    """Nats [a, b] that pairs tell of each other, from shares [a, b, codes, codes], less what chance shows.

    Chance shows (k - 1)(l - 1) / 2n nats of k and l codes in n rows (Miller 1955).
    """
    one, other = joint.sum(axis=3, keepdims=True), joint.sum(axis=2, keepdims=True)
    ratio = np.divide(joint, one * other, out=np.ones_like(joint), where=joint > 0)
    degrees = ((one > 0).sum(axis=(2, 3)) - 1) * ((other > 0).sum(axis=(2, 3)) - 1)
    return np.asarray((joint * np.log(ratio)).sum(axis=(2, 3)) - degrees / (2.0 * n_rows))
