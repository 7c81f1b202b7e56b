"""All views of one fit, and what they see of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oddrow.columns import EncodedTable
from oddrow.container import Arrays, ArrayStore, packed_parts
from oddrow.density import DensityModel, MixedLikelihood, map_slabs
from oddrow.exceptions import ModelFileError
from oddrow.views._basis import Straightened, ViewBasis
from oddrow.views._registry import VIEWS
from oddrow.views._row_context import RowContext
from oddrow.views._view import LearningContext, View, ViewScore, ViewUnits

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RowViews:
    """What the views see of rows, before any scale.

    Attributes
    ----------
    scores : of each view by name
    novelty : float64 [n, n_columns], nats
    """

    scores: Mapping[str, ViewScore]
    novelty: Floats

    @classmethod
    def joined(cls, parts: Sequence[RowViews]) -> RowViews:
        """The rows of several, one after another."""
        if len(parts) == 1:
            return parts[0]
        scores = {name: ViewScore.joined([part.scores[name] for part in parts]) for name in parts[0].scores}
        return cls(scores, np.concatenate([part.novelty for part in parts]))

    def in_units(self, units: Mapping[str, ViewUnits | None]) -> RowViews:
        """The same in the units of the fit that scored the rows."""
        return RowViews({name: score.in_units(units[name]) for name, score in self.scores.items()}, self.novelty)


@dataclass(frozen=True)
class Views:
    """The views of one fit, in the order in which their evidence is summed, and what they share."""

    basis: ViewBasis
    views: tuple[View, ...]

    @classmethod
    def learn(
        cls,
        density: DensityModel[MixedLikelihood],
        training: EncodedTable,
        held_out: EncodedTable,
        straightened: Straightened,
        rng: np.random.Generator,
    ) -> tuple[Views, npt.NDArray[np.int64]]:
        """Learn every registered view from the training rows, and remember rows; of a short table held-out ones too.

        Also gives the own place of each row in the memory, see :meth:`NormalRows.learn`.
        """
        basis, own = ViewBasis.learn(density, training, held_out, straightened, rng)
        context = LearningContext(basis, training, rng)
        return cls(basis, tuple(view.learn(context) for view in VIEWS.values())), own

    @property
    def density(self) -> DensityModel[MixedLikelihood]:
        """The network, the likelihood of the columns, and the range of the features."""
        return self.basis.density

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the views."""
        return tuple(view.name for view in self.views)

    def named(self, name: str) -> View:
        """The view of this name."""
        return self.views[self.names.index(name)]

    def units(self, training: EncodedTable) -> dict[str, ViewUnits | None]:
        """The units of the views' values by name, from the training rows."""
        n_rows = len(training.rows)
        nowhere, counted = np.full(n_rows, -1), np.ones(n_rows, np.bool_)
        rows = RowContext(self.basis, training.rows, training.presence, nowhere, counted)
        return {view.name: view.units(rows) for view in self.views}

    def of(
        self,
        encoded: EncodedTable,
        own: npt.NDArray[np.int64] | None = None,
        counted: npt.NDArray[np.bool_] | None = None,
    ) -> RowViews:
        """What the views see of encoded rows.

        ``own`` [n] are their own places in the memory, if any, see `learn`; ``counted`` [n] says which of them are
        training rows. Both are scored as if they had been neither remembered nor counted.
        """
        own = np.full(len(encoded.rows), -1) if own is None else own
        counted = np.zeros(len(encoded.rows), np.bool_) if counted is None else counted
        passed_over = self.basis.normal_rows.passed_over(encoded.rows, own)
        parts = map_slabs(self._of, encoded.rows, encoded.presence, passed_over, counted, encoded.novelty)
        return RowViews.joined(parts)

    def _of(
        self,
        rows: npt.NDArray[np.float32],
        presence: npt.NDArray[np.bool_],
        passed_over: npt.NDArray[np.int64],
        counted: npt.NDArray[np.bool_],
        novelty: Floats,
    ) -> RowViews:
        context = RowContext(self.basis, rows, presence, passed_over, counted)
        return RowViews({view.name: view.score(context) for view in self.views}, novelty)

    def packed(self) -> Arrays:
        """The arrays of the basis, and of each view under its name."""
        return self.basis.packed() | packed_parts({view.name: view for view in self.views})

    @classmethod
    def unpacked(cls, store: ArrayStore, density: DensityModel[MixedLikelihood], names: Sequence[str]) -> Views:
        """The views of these names, of rows that have this density."""
        if len(set(names)) != len(names):
            raise ModelFileError("a view is there twice")
        unknown = next((name for name in names if name not in VIEWS), None)
        if unknown is not None or not names:
            raise ModelFileError(f"the view {unknown!r} is not one of {', '.join(VIEWS)}")
        basis = ViewBasis.unpacked(store, density)
        return cls(basis, tuple(VIEWS[name].unpacked(store.under(name), basis) for name in names))
