"""Distances of a row to its nearest remembered row within several subsets of the columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow.calibration import TailCurves, tail_nats
from oddrow.columns import FeatureLayout
from oddrow.container import Arrays, ArrayStore, packed_components
from oddrow.density import ColumnSums, in_slabs
from oddrow.exceptions import ModelFileError
from oddrow.graph import FLOAT
from oddrow.views._basis import ViewBasis
from oddrow.views._graph_neighbours import differences, nearest_places
from oddrow.views._graph_row_context import GraphRowContext, indicator
from oddrow.views._memory import Memory
from oddrow.views._nats import power_mean, scale_of
from oddrow.views._row_context import RowContext
from oddrow.views._view import GraphScore, LearningContext, ViewScore

Floats = npt.NDArray[np.float64]
Members = npt.NDArray[np.bool_]


def columns_with_features(layout: FeatureLayout) -> npt.NDArray[np.int64]:
    """Return the columns that have a feature, ascending: a constant column has none."""
    return np.unique(np.asarray(layout.feature_column, np.int64))


def subset_size(n_columns: int, low: float, high: float, rng: np.random.Generator) -> int:
    """Return the size of a subset of ``n_columns`` columns, at least 1: a share drawn between ``low`` and ``high``."""
    return max(1, round(float(rng.uniform(low, high)) * n_columns))


def random_members(context: LearningContext, n_subsets: int, rng: np.random.Generator) -> Members:
    """Return different random subsets bool [k, n_columns], k <= ``n_subsets``, of the columns that have features."""
    layout, constants = context.basis.layout, context.basis.constants
    columns = columns_with_features(layout)
    members = np.zeros((n_subsets if len(columns) else 0, layout.n_columns), np.bool_)
    for subset in members:
        size = subset_size(len(columns), constants.min_subset_share, constants.max_subset_share, rng)
        subset[rng.choice(columns, size, replace=False)] = True
    return different(members)


def different(members: Members) -> Members:
    """Return the subsets [k, n_columns] that no earlier one equals, in their order."""
    _, first = np.unique(members, axis=0, return_index=True)
    return members[np.sort(first)]


@dataclass(frozen=True)
class SubsetPart:
    """One subset: the features of its columns, and the remembered rows in these features.

    Attributes
    ----------
    is_ranked : whether numbers are normal scores of their ranks; else they are in standard deviations
    columns : int64 [k], ascending
    features : int64 [f], ascending
    sums : sums values of these features into values of these columns [k]
    """

    is_ranked: bool
    columns: npt.NDArray[np.int64]
    features: npt.NDArray[np.int64]
    sums: ColumnSums
    memory: Memory


@dataclass(frozen=True)
class SubsetNeighbours:
    """The nearest remembered row within each of several subsets of the columns.

    In each subset numbers are either in standard deviations, which heavy tails rule, or normal scores of their ranks,
    which do not tell how far a value lies beyond the others. Each subset has a curve that turns its distance into nats,
    so that subsets of different sizes are comparable; the nats are combined by the power mean of the tail probabilities
    with exponent -``power``. A row's score is split over the subsets by their shares of the mean, and within a subset
    in proportion to the squared differences of its columns.

    Attributes
    ----------
    basis : the state that the views share; its remembered rows are searched
    members : bool [n_subsets, n_columns], the columns of each subset
    is_ranked : bool [n_subsets], whether numbers are normal scores of their ranks in a subset
    tails : the curve of each subset
    """

    basis: ViewBasis
    members: Members
    is_ranked: npt.NDArray[np.bool_]
    tails: TailCurves

    @classmethod
    def learn(cls, context: LearningContext, members: Members, is_ranked: npt.NDArray[np.bool_]) -> SubsetNeighbours:
        """Learn the curves of these subsets from training rows, each scored without itself."""
        basis, constants = context.basis, context.basis.constants
        drawn = np.sort(context.rng.permutation(len(context.training.rows))[: constants.subset_rows])
        rows = context.training.rows[drawn]
        passed_over = basis.normal_rows.passed_over(rows, context.place[drawn])
        found = cls(basis, members, is_ranked, TailCurves(()))
        spaces = basis.normal_rows.standard.apply(rows), basis.normal_rows.ranks.apply(rows)
        (distances,) = in_slabs(lambda *slab: (found.distances(*slab),), *spaces, passed_over)
        tails = TailCurves(tuple(scale_of(subset, constants) for subset in distances.T))
        return cls(basis, members, is_ranked, tails)

    @cached_property
    def parts(self) -> tuple[SubsetPart, ...]:
        """The subsets with their remembered rows."""
        normal_rows = self.basis.normal_rows
        memories = normal_rows.surroundings.memory, normal_rows.rank_surroundings.memory
        owners = np.asarray(self.basis.layout.feature_column, np.int64)
        parts = []
        for subset, is_ranked in zip(self.members, self.is_ranked.tolist(), strict=True):
            columns, features = np.flatnonzero(subset), np.flatnonzero(subset[owners])
            places = np.searchsorted(columns, owners[features])
            remembered = memories[is_ranked]
            memory = Memory.of(np.ascontiguousarray(remembered.rows[:, features]), remembered.constants)
            sums = ColumnSums(tuple(places.tolist()), len(columns))
            parts.append(SubsetPart(is_ranked, columns, features, sums, memory))
        return tuple(parts)

    def distances(
        self,
        standard: npt.NDArray[np.float32],
        ranked: npt.NDArray[np.float32],
        passed_over: npt.NDArray[np.int64],
    ) -> Floats:
        """Return the distance [n, n_subsets] of rows [n, n_features], in both spaces, to their nearest row."""
        found = np.empty((len(ranked), len(self.parts)))
        for place, part in enumerate(self.parts):
            squares = _squares(part, ranked if part.is_ranked else standard, passed_over)
            found[:, place] = np.sqrt(squares.sum(axis=1))
        return found

    def score(self, rows: RowContext) -> ViewScore:
        """Return the combined nats of the subsets, split over the columns."""
        constants, by_column = rows.constants, rows.no_column
        if not self.parts:
            return ViewScore(by_column, total=np.zeros(len(by_column)))
        nats = np.empty((len(by_column), len(self.parts)))
        for place, (part, tail) in enumerate(zip(self.parts, self.tails.tails, strict=True)):
            squares = part.sums(_squares(part, rows.ranked if part.is_ranked else rows.standard, rows.passed_over))
            square = squares.sum(axis=1)
            nats[:, place] = np.minimum(tail(np.sqrt(square)), constants.max_nats)
            # divided first: the quotient of a large share and a tiny square could overflow
            squares /= np.where(square > 0, square, 1.0)[:, None]
            squares *= np.expm1(nats[:, place] * constants.power)[:, None]
            by_column[:, part.columns] += squares
        return ViewScore(by_column, total=power_mean(nats, constants.power))

    def packed(self) -> Arrays:
        """Return the members, the spaces and the curves."""
        flags = {"members": self.members.astype(np.int64), "is_ranked": self.is_ranked.astype(np.int64)}
        return {**flags, **packed_components({"tails": self.tails})}

    @classmethod
    def unpacked(cls, store: ArrayStore, basis: ViewBasis, most: int) -> SubsetNeighbours:
        """Rebuild at most ``most`` subsets; each has a column with features."""
        members = store.take("members", np.int64, (None, basis.layout.n_columns))
        # each subset has a copy of its features of all remembered rows, which is much larger than its row of flags
        if len(members) > most:
            raise ModelFileError(
                f"{store.name_of('members')!r} has {len(members):,} subsets; at most {most:,} fit here"
            )
        if np.any((members != 0) & (members != 1)):
            raise ModelFileError(f"{store.name_of('members')!r} has values that are neither 0 nor 1")
        if not members[:, columns_with_features(basis.layout)].any(axis=1).all():
            raise ModelFileError(f"{store.name_of('members')!r} has a subset without a feature")
        is_ranked = store.take_flags("is_ranked", len(members))
        return cls(basis, members == 1, is_ranked, TailCurves.unpacked(store.under("tails"), len(members)))

    def graph(self, rows: GraphRowContext) -> GraphScore:
        """Add the operations of :meth:`score` to a graph."""
        xp, constants, by_column = rows.xp, rows.constants, rows.no_column
        if not self.parts:
            return GraphScore(by_column, total=by_column.sum(axis=1, keepdims=True))
        squares, totals = [], []
        for part in self.parts:
            inside = (rows.ranked if part.is_ranked else rows.standard)[:, part.features]
            place = nearest_places(xp, inside, part.memory, 1, rows.passed_over)
            apart = differences(xp, inside, part.memory, place).sum(axis=1)
            squares.append(apart)
            totals.append(apart.sum(axis=1, keepdims=True))
        square = xp.concatenate(totals, axis=1)
        nats = xp.minimum(tail_nats(xp, xp.sqrt(square), self.tails.tails), constants.max_nats)
        divisor, share = xp.where(square > 0.0, square, 1.0), xp.expm1(nats * constants.power)
        for at, (part, apart) in enumerate(zip(self.parts, squares, strict=True)):
            owners = np.asarray(self.basis.layout.feature_column, np.int64)[part.features]
            to_columns = indicator(owners.tolist(), self.basis.layout.n_columns)
            by_column = by_column + (apart @ to_columns) / divisor[:, at : at + 1] * share[:, at : at + 1]
        total = xp.log(xp.exp(nats * constants.power).mean(axis=1)[:, None]) / constants.power
        return GraphScore(by_column, total=total.astype(FLOAT))


def _squares(part: SubsetPart, rows: npt.NDArray[np.float32], passed_over: npt.NDArray[np.int64]) -> Floats:
    """Return the squared differences [n, f] of rows [n, n_features], in the subset's space, to their nearest."""
    inside = np.ascontiguousarray(rows[:, part.features])
    return part.memory.squares(inside, passed_over)
