"""Remembered normal rows, in the two spaces where nearest neighbours are searched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow.columns import MAX_ENCODED, EncodedTable, FeatureLayout
from oddrow.container import Arrays, ArrayStore, Packable, packed_components
from oddrow.density import in_slabs
from oddrow.exceptions import ModelFileError
from oddrow.scoring_constants import ScoringConstants
from oddrow.views._memory import Memory, covering_rows, distinct_rows
from oddrow.views._occurrences import Moments, Occurrences
from oddrow.views._spaces import Space
from oddrow.views._surroundings import Reach, Surroundings

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Remembered:
    """Which rows of a fit are remembered.

    Attributes
    ----------
    place : int64 [n_training + n_held_out], the index in the memory of each row. The remembered row is excluded from
        the neighbours when that row is scored; -1 if the row is not remembered or has further duplicates
    equal : int64 [n_training + n_held_out], the index in the memory of the remembered row that equals each row; -1 if
        there is none. For a long table only the remembered rows themselves are looked up, -1 for all others
    """

    place: npt.NDArray[np.int64]
    equal: npt.NDArray[np.int64]


@dataclass(frozen=True)
class NormalRows:
    """Distinct remembered rows, and the distances to their nearest neighbours.

    Attributes
    ----------
    rows : float32 [m, n_features], encoded
    is_single : bool [m], rows that are excluded from the neighbours of an equal row: those that occurred once, if
        duplicates are few in the table
    standard, ranks : the spaces where neighbours are searched: numbers in standard deviations, and as normal scores
    reach, rank_reach : mean and largest distance of each row to its nearest other rows, in each space
    """

    rows: npt.NDArray[np.float32]
    is_single: npt.NDArray[np.bool_]
    standard: Space
    ranks: Space
    reach: Reach
    rank_reach: Reach
    constants: ScoringConstants

    @classmethod
    def learn(
        cls,
        layout: FeatureLayout,
        training: EncodedTable,
        held_out: EncodedTable,
        straightened: Callable[[npt.NDArray[np.float32]], Floats],
        rng: np.random.Generator,
        constants: ScoringConstants,
        moments: Moments | None = None,
    ) -> tuple[NormalRows, Remembered]:
        """Remember training rows, and for a short table the held-out rows too; also return which these are.

        ``moments`` are those of the rows [n_training + n_held_out] of an ordered table.

        A later table may contain remembered rows, for example when the training table is scored, and a row must not be
        its own nearest neighbour. If duplicates are few, an equal remembered row is therefore excluded, as is the only
        other duplicate of a calibration row: two duplicates count as evidence that a row is normal, one does not. If
        many rows have duplicates, one duplicate counts.

        A held-out calibration row is then scored as by a memory without it, while a new row has one more remembered row
        as a possible neighbour. So the p-value of a new row is more likely too large than too small.
        """
        pool = training.joined(held_out)
        own, equal = np.full(len(pool.rows), -1), np.full(len(pool.rows), -1)
        if len(pool.rows) > constants.memory_rows:
            pool = training
        standard = Space.standardised(layout, training.rows, straightened, constants)
        ranks = Space.normal_scores(layout, training.rows, constants)
        distinct, counts = distinct_rows(pool.rows, rng, constants)
        chosen = covering_rows(standard.apply(pool.rows), distinct, rng, constants)
        has_few_duplicates = np.mean(np.repeat(counts, counts) > 1) <= constants.max_copied_share
        is_single = (counts[np.searchsorted(distinct, chosen)] == 1) & has_few_duplicates
        equal[chosen] = np.arange(len(chosen))
        if len(pool.rows) <= constants.memory_rows:
            most = 2 if has_few_duplicates else 1
            equal[: len(pool.rows)] = _equal_places(pool.rows, pool.rows[chosen])
            own = np.where(counts[equal] <= most, equal, -1)  # a row past the training rows of a long table has none
        rows = pool.rows[chosen]
        occurrences = None if moments is None else Occurrences.of(_keys(pool.rows), _keys(rows), moments)
        memories = [Memory.of(space.apply(rows), constants) for space in (standard, ranks)]
        reach, rank_reach = (Reach.among(memory, occurrences) for memory in memories)
        return cls(rows, is_single, standard, ranks, reach, rank_reach, constants), Remembered(own, equal)

    @property
    def has_few_duplicates(self) -> bool:
        """Whether at most ``max_copied_share`` of the training rows had a duplicate."""
        return bool(self.is_single.any())

    @cached_property
    def surroundings(self) -> Surroundings:
        """The remembered rows and their distances, with numbers in standard deviations."""
        return Surroundings(Memory.of(self.standard.apply(self.rows), self.constants), self.reach)

    @cached_property
    def rank_surroundings(self) -> Surroundings:
        """The remembered rows and their distances, with numbers as normal scores."""
        return Surroundings(Memory.of(self.ranks.apply(self.rows), self.constants), self.rank_reach)

    def nearest(self, rows: npt.NDArray[np.float32], count: int) -> tuple[npt.NDArray[np.int64], Floats]:
        """Return the indices and the distances [n, count] of the nearest remembered rows, the nearest first.

        Distances are taken with numbers as normal scores, so that one extreme number does not outweigh all other
        columns. Of equally distant rows the first come first. The row that scoring excludes from the neighbours, see
        :meth:`passed_over`, is excluded here. A memory of m rows returns min(count, max(m - 1, 1)) rows.
        """
        memory = self.rank_surroundings.memory

        def found(some: npt.NDArray[np.float32], own: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], Floats]:
            ranked = self.ranks.apply(some)
            places = memory.nearest(ranked, count, own)
            squares = np.stack([memory.squares_at(ranked, place).sum(axis=1) for place in places.T], axis=1)
            order = np.argsort(squares, axis=1, kind="stable")
            return np.take_along_axis(places, order, axis=1), np.sqrt(np.take_along_axis(squares, order, axis=1))

        places, distances = in_slabs(found, rows, self.passed_over(rows, np.full(len(rows), -1)))
        return places, distances

    def passed_over(self, rows: npt.NDArray[np.float32], own: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the excluded index for each row [n]: its own, or that of the single remembered row that equals it."""
        if not self._single_places:
            return own
        equals = [self._single_places.get(key, -1) for key in _keys(rows)]
        return np.where(own >= 0, own, np.asarray(equals, np.int64))  # an empty list would become an array of floats

    def holds(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Return which rows [n] equal a remembered row."""
        remembered = set(_keys(self.rows))
        return np.fromiter((key in remembered for key in _keys(rows)), np.bool_, len(rows))

    @cached_property
    def _single_places(self) -> dict[bytes, int]:
        """The indices of the rows that are excluded from the neighbours of an equal row."""
        places = np.flatnonzero(self.is_single).tolist()
        return dict(zip(_keys(self.rows[places]), places, strict=True))

    def packed(self) -> Arrays:
        """Return the rows, the spaces and the distances."""
        parts: dict[str, Packable] = {
            "standard": self.standard,
            "ranks": self.ranks,
            "reach": self.reach,
            "rank_reach": self.rank_reach,
        }
        return {"rows": self.rows, "is_single": self.is_single.astype(np.int64), **packed_components(parts)}

    @classmethod
    def unpacked(cls, store: ArrayStore, n_features: int, constants: ScoringConstants) -> NormalRows:
        """Rebuild at least one remembered row; check that no distance overflows in either space."""
        rows = store.take("rows", np.float32, (None, n_features))
        if len(rows) == 0:
            raise ModelFileError(f"{store.component!r} remembers no row")
        if not np.abs(rows).max(initial=0.0) <= MAX_ENCODED:
            raise ModelFileError(f"{store.name_of('rows')!r} has values beyond {MAX_ENCODED:g}")
        return cls(
            rows,
            store.take_flags("is_single", len(rows)),
            Space.unpacked(store.under("standard"), n_features, goes_on=True),
            Space.unpacked(store.under("ranks"), n_features, goes_on=False),
            Reach.unpacked(store.under("reach"), len(rows)),
            Reach.unpacked(store.under("rank_reach"), len(rows)),
            constants,
        )


def _equal_places(rows: npt.NDArray[np.float32], memory: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Return the index of each row [n] in a memory that holds all distinct rows."""
    places = {key: place for place, key in enumerate(_keys(memory))}
    return np.array([places[key] for key in _keys(rows)])


def _keys(rows: npt.NDArray[np.float32]) -> list[bytes]:
    """Return a key of each row [n, n_features]; two keys are equal if and only if the rows are equal."""
    return [row.tobytes() for row in rows + np.float32(0)]  # -0 becomes 0
