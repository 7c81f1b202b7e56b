"""Eight views of a row: what the network, its neighbours and its columns by themselves and in pairs make of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from oddrow.columns import MAX_ENCODED, EncodedTable, FeatureLayout
from oddrow.container import Arrays, ArrayStore, Packable, packed_parts
from oddrow.density import MAX_OUTPUT, ColumnSums, DensityModel, MixedLikelihood, RowLikelihood, in_blocks, in_slabs
from oddrow.exceptions import ModelFileError
from oddrow.views._dependence import Dependence
from oddrow.views._marginals import Marginals
from oddrow.views._memory import MEMORY_ROWS, Memory, Reach, Surroundings, covering_rows, distinct_rows
from oddrow.views._spaces import Space

Floats = npt.NDArray[np.float64]
Straightened: TypeAlias = Callable[[npt.NDArray[np.float32]], Floats]
"""Undoes the logarithm of encoded rows, see :meth:`oddrow.columns.TableEncoding.straightened`."""

LEAST_UNIT = 1e-6
"""Nats, or a distance, that is no unit any more: where all rows are alike, 1 stands in."""
LEAST_VARIANCE = 0.01
"""Least variance of a direction of the latent space, as a share of the largest: noise is not blown up."""
FEW_COPIES = 0.05
"""Where no larger share of the rows has a copy, a row that is like a remembered one is taken for that very row."""
MAX_WHITENING = 1e8
"""Magnitude that whitening adds to what the encoder gives: both together stay within single precision."""
NO_VARIANCE = 1e-9
"""A latent space of no more variance holds nothing."""


@dataclass(frozen=True)
class ViewUnits:
    """The units of one fit's views, for views of several fits to be compared.

    Two fits of the same rows may explain one column by another, or not: its nats then differ by a shift and a factor,
    as do those of a value beside another's, and distances in the latent space by a factor. Learned from the training
    rows, which are many.

    Attributes
    ----------
    center, spread : float64 [n_columns + 1], median of the nats, and from there to their ninth decile
    dependence_center, dependence_spread : float64 [n_columns], the same of the nats beside the telling column
    latent : standard deviation of the whitened latent means
    """

    center: Floats
    spread: Floats
    dependence_center: Floats
    dependence_spread: Floats
    latent: float

    @classmethod
    def learn(cls, read: RowLikelihood, dependence: Floats, whitening: Floats) -> ViewUnits:
        """Learn from what the network makes of its training rows, and their nats [n, n_columns] beside one another."""
        latent = float(np.sqrt(np.mean(np.var(read.latent @ whitening, axis=0))))
        return cls(
            *_center_and_spread(_with_latent_cost(read)),
            *_center_and_spread(dependence),
            latent if latent > LEAST_UNIT else 1.0,
        )


def _center_and_spread(nats: Floats) -> tuple[Floats, Floats]:
    center, upper = np.quantile(nats, [0.5, 0.9], axis=0)
    spread = upper - center
    return center, np.where(spread > LEAST_UNIT, spread, 1.0)


@dataclass(frozen=True)
class RowViews:
    """What the views see of rows, before any scale.

    Attributes
    ----------
    nats : float64 [n, n_columns + 1], of each column given the latent mean, and last of the latent
    marginal : float64 [n, n_columns], nats of each column by itself
    dependence : float64 [n, n_columns], nats of each column beside the one that tells most about it
    nearest : float64 [n, n_columns], squared distance to the nearest row of the memory, by column
    apartness : float64 [n, n_columns], mean squared distance to its nearest rows, by column
    sparseness : float64 [n], log of how much further apart the row and these are than these and theirs
    rank_nearest, rank_apartness, rank_sparseness : the same among the ranks
    latent_nearest : float64 [n], squared distance to the nearest row of the memory in the whitened latent space
    novelty : float64 [n, n_columns], nats
    """

    nats: Floats
    marginal: Floats
    dependence: Floats
    nearest: Floats
    apartness: Floats
    sparseness: Floats
    rank_nearest: Floats
    rank_apartness: Floats
    rank_sparseness: Floats
    latent_nearest: Floats
    novelty: Floats

    @classmethod
    def joined(cls, parts: Sequence[RowViews]) -> RowViews:
        """The rows of several, one after another."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))

    def in_units(self, units: ViewUnits) -> RowViews:
        """The same in the units of the network that saw the rows."""
        return replace(
            self,
            nats=(self.nats - units.center) / units.spread,
            dependence=(self.dependence - units.dependence_center) / units.dependence_spread,
            latent_nearest=self.latent_nearest / units.latent**2,
        )


@dataclass(frozen=True)
class Views:
    """A network and what is remembered of normal rows: all that looks at a row.

    Attributes
    ----------
    standard, ranks : the spaces where neighbours are sought: numbers in standard deviations, and as normal scores
    memory : float32 [m, n_features], remembered rows as they are encoded, all different
    is_single : bool [m], which are passed over where a row is just like them: those that were there once, if copies
        are few in the table
    reach, rank_reach : mean and largest distance of each to its nearest others, in either space
    whitening : float64 [n_latent, n_latent], latent means times this have directions of equal variance
    latent_memory : the remembered rows there
    """

    density: DensityModel[MixedLikelihood]
    marginals: Marginals
    dependence: Dependence
    standard: Space
    ranks: Space
    memory: npt.NDArray[np.float32]
    is_single: npt.NDArray[np.bool_]
    reach: Reach
    rank_reach: Reach
    whitening: Floats
    latent_memory: Memory

    @classmethod
    def learn(
        cls,
        density: DensityModel[MixedLikelihood],
        training: EncodedTable,
        held_out: EncodedTable,
        straightened: Straightened,
        rng: np.random.Generator,
    ) -> tuple[Views, npt.NDArray[np.int64]]:
        """Learn from the training rows, and remember rows; of a short table the held-out ones too.

        Also gives the place in the memory [n_training + n_held_out] of each row, for it to be passed over where that
        row is judged; -1 where it has none, or is known even without it.

        A row that comes later may be one that is remembered, as where a training table is scored, and must not be its
        own excuse. Where copies are few, it is therefore passed over, as is the only other copy of a row that
        calibrates: one copy is no witness, two are. Where many rows have copies, each copy is a witness.

        A held-out row that calibrates is then as far from the memory as it would be from one that does not hold it,
        while a new row has one more row to be near to. So a p-value can only be too large for it, hardly too small.
        """
        layout = density.layout
        pool = training.joined(held_out)
        own = np.full(len(pool.rows), -1)
        if len(pool.rows) > MEMORY_ROWS:
            pool = training
        standard = Space.standardised(layout, training.rows, straightened)
        ranks = Space.normal_scores(layout, training.rows)
        distinct, counts = distinct_rows(pool.rows, rng)
        chosen = covering_rows(standard.apply(pool.rows), distinct, rng)
        has_few_copies = np.mean(np.repeat(counts, counts) > 1) <= FEW_COPIES
        is_single = (counts[np.searchsorted(distinct, chosen)] == 1) & has_few_copies
        if len(pool.rows) <= MEMORY_ROWS:
            most = 2 if has_few_copies else 1
            own[: len(pool.rows)] = _own_places(pool.rows, pool.rows[chosen], counts, most)
        memory = pool.rows[chosen]
        whitening = _whitening(density.latent_means(training))
        latent = density.latent_means(pool.take(chosen))
        views = cls(
            density,
            Marginals.learn(training.rows),
            Dependence.learn(layout, training, rng),
            standard,
            ranks,
            memory,
            is_single,
            Reach.among(Memory.of(standard.apply(memory))),
            Reach.among(Memory.of(ranks.apply(memory))),
            whitening,
            Memory.of(_whitened(latent, whitening)),
        )
        return views, own

    @cached_property
    def _by_column(self) -> ColumnSums:
        return feature_sums(self.density.layout)

    @cached_property
    def _surroundings(self) -> Surroundings:
        return Surroundings(Memory.of(self.standard.apply(self.memory)), self.reach)

    @cached_property
    def _rank_surroundings(self) -> Surroundings:
        return Surroundings(Memory.of(self.ranks.apply(self.memory)), self.rank_reach)

    @cached_property
    def _single_places(self) -> dict[bytes, int]:
        """Where rows are remembered that are passed over if a row is just like them."""
        places = np.flatnonzero(self.is_single).tolist()
        return dict(zip(_keys(self.memory[places]), places, strict=True))

    def units(self, training: EncodedTable) -> ViewUnits:
        """The units of these views, from the training rows."""
        read = self.density.read(training)
        counted = np.ones(len(training.rows), np.bool_)
        return ViewUnits.learn(read, self.dependence.nats(training.rows, training.presence, counted), self.whitening)

    def of(
        self,
        encoded: EncodedTable,
        own: npt.NDArray[np.int64] | None = None,
        counted: npt.NDArray[np.bool_] | None = None,
    ) -> RowViews:
        """What the views see of encoded rows.

        ``own`` [n] are their own places in the memory, if any, see `learn`; ``counted`` [n] tells which of them are
        training rows. Both are judged as if they had been neither remembered nor counted.
        """
        own = np.full(len(encoded.rows), -1) if own is None else own
        counted = np.zeros(len(encoded.rows), np.bool_) if counted is None else counted
        seen = in_slabs(self._of, encoded.rows, encoded.presence, self._passed_over(encoded.rows, own), counted)
        return RowViews(*seen, encoded.novelty)  # type: ignore[call-arg]  # mypy counts the unpacked tuple as one

    def _of(
        self,
        rows: npt.NDArray[np.float32],
        presence: npt.NDArray[np.bool_],
        own: npt.NDArray[np.int64],
        counted: npt.NDArray[np.bool_],
    ) -> tuple[Floats, ...]:
        """In the order of :class:`RowViews`, all but novelty; in blocks what takes a product."""
        nats, *apart = in_blocks(self._block, rows, presence, self.standard.apply(rows), self.ranks.apply(rows), own)
        marginal = self.marginals.nats(self.density.layout, rows, presence)
        return nats, marginal, self.dependence.nats(rows, presence, counted), *apart

    def _block(
        self,
        rows: npt.NDArray[np.float32],
        presence: npt.NDArray[np.bool_],
        standard: npt.NDArray[np.float32],
        ranks: npt.NDArray[np.float32],
        own: npt.NDArray[np.int64],
    ) -> tuple[Floats, ...]:
        read = self.density.read_block(rows, presence)
        around, among_ranks = self._surroundings.of(standard, own), self._rank_surroundings.of(ranks, own)
        latent_squares = self.latent_memory.squares(_whitened(read.latent, self.whitening), own)
        by_column = self._by_column
        return (
            _with_latent_cost(read),
            by_column(around.nearest),
            by_column(around.apartness),
            around.sparseness,
            by_column(among_ranks.nearest),
            by_column(among_ranks.apartness),
            among_ranks.sparseness,
            latent_squares.sum(axis=1),
        )

    def packed(self) -> Arrays:
        """All that is remembered and counted; the network is not among it."""
        parts: dict[str, Packable] = {
            "marginal": self.marginals,
            "dependence": self.dependence,
            "standard": self.standard,
            "ranks": self.ranks,
            "reach": self.reach,
            "rank_reach": self.rank_reach,
        }
        return {
            "memory": self.memory,
            "single": self.is_single.astype(np.int64),
            "whitening": self.whitening,
            "latent_memory": self.latent_memory.rows,
            **packed_parts(parts),
        }

    @classmethod
    def unpacked(cls, store: ArrayStore, density: DensityModel[MixedLikelihood]) -> Views:
        """The views of rows that a network reads; no distance overflows in their spaces and memories."""
        n_features, n_latent = density.layout.n_features, density.network.shape.n_latent
        memory = store.take("memory", np.float32, (None, n_features))
        n_rows = len(memory)
        if n_rows == 0:
            raise ModelFileError("'memory' remembers no row")
        if not np.abs(memory).max(initial=0.0) <= MAX_ENCODED:
            raise ModelFileError(f"'memory' has values beyond {MAX_ENCODED:g}")
        whitening = store.take("whitening", np.float64, (n_latent, n_latent))
        if not np.abs(whitening).sum(axis=0).max() <= MAX_WHITENING:
            raise ModelFileError(f"'whitening' is larger than {MAX_WHITENING:g}")
        latent_memory = store.take("latent_memory", np.float32, (n_rows, n_latent))
        if not np.abs(latent_memory).max() <= MAX_OUTPUT * MAX_WHITENING:
            raise ModelFileError(f"'latent_memory' has values beyond {MAX_OUTPUT * MAX_WHITENING:g}")
        return cls(
            density,
            Marginals.unpacked(store.under("marginal"), n_features),
            Dependence.unpacked(store.under("dependence"), density.layout),
            Space.unpacked(store.under("standard"), n_features, goes_on=True),
            Space.unpacked(store.under("ranks"), n_features, goes_on=False),
            memory,
            store.take_flags("single", n_rows),
            Reach.unpacked(store.under("reach"), n_rows),
            Reach.unpacked(store.under("rank_reach"), n_rows),
            whitening,
            Memory(latent_memory),
        )

    def _passed_over(self, rows: npt.NDArray[np.float32], own: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The place to be passed over for each row [n]: its own, or that of the single row that is just like it."""
        if not self._single_places:
            return own
        copies = [self._single_places.get(key, -1) for key in _keys(rows)]
        return np.where(own >= 0, own, np.asarray(copies, np.int64))  # a list of no rows would make floats


def _own_places(
    rows: npt.NDArray[np.float32], memory: npt.NDArray[np.float32], counts: npt.NDArray[np.int64], most: int
) -> npt.NDArray[np.int64]:
    """The place of each row [n] in a memory of all different rows; -1 where more than ``most`` are like it."""
    places = {key: place for place, key in enumerate(_keys(memory))}
    own = np.array([places[key] for key in _keys(rows)])
    return np.where(counts[own] <= most, own, -1)


def _keys(rows: npt.NDArray[np.float32]) -> list[bytes]:
    """Of each row [n, n_features] the same as of rows that are equal, and of no others."""
    return [row.tobytes() for row in rows + np.float32(0)]  # which makes 0 of -0


def _with_latent_cost(read: RowLikelihood) -> Floats:
    """Nats of each column, and last of the latent [n, n_columns + 1]."""
    return np.concatenate([read.column_nats, read.kl_nats[:, None]], axis=1)


def feature_sums(layout: FeatureLayout) -> ColumnSums:
    """Sums what features bring into what columns bring."""
    return ColumnSums(layout.feature_column, layout.n_columns)


def _whitened(latent: Floats, whitening: Floats) -> npt.NDArray[np.float32]:
    """Latent means [n, n_latent] as the memory keeps them: a row that it holds is no distance away."""
    return (latent @ whitening).astype(np.float32)


def _whitening(latent: Floats) -> Floats:
    """The matrix [n_latent, n_latent] that gives latent means [n, n_latent] directions of equal variance."""
    centred = latent - latent.mean(axis=0)
    variance, directions = np.linalg.eigh(centred.T @ centred / len(latent))
    largest = max(float(variance[-1]), NO_VARIANCE)
    return np.asarray(directions / np.sqrt(np.maximum(variance, 0.0) + LEAST_VARIANCE * largest))
