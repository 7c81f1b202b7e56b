"""All views of one fit, and their scores of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oddrow.columns import EncodedTable
from oddrow.container import Arrays, ArrayStore, packed_components
from oddrow.density import DensityModel, MixedLikelihood, map_slabs
from oddrow.exceptions import ModelFileError
from oddrow.views._basis import Straightened, ViewBasis
from oddrow.views._normal_rows import Remembered
from oddrow.views._occurrences import Moments
from oddrow.views._registry import VIEWS
from oddrow.views._row_context import RowContext
from oddrow.views._view import LearningContext, View, ViewScore, ViewUnits

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RowViews:
    """The scores of rows by all views, before calibration.

    Attributes
    ----------
    scores : the score of each view by name
    novelty : float64 [n, n_columns], nats
    """

    scores: Mapping[str, ViewScore]
    novelty: Floats

    @classmethod
    def joined(cls, batches: Sequence[RowViews]) -> RowViews:
        """Return the concatenated rows of several batches."""
        if len(batches) == 1:
            return batches[0]
        scores = {name: ViewScore.joined([batch.scores[name] for batch in batches]) for name in batches[0].scores}
        return cls(scores, np.concatenate([batch.novelty for batch in batches]))

    def in_units(self, units: Mapping[str, ViewUnits | None]) -> RowViews:
        """Return these scores in the units of the fit that scored the rows."""
        return RowViews({name: score.in_units(units[name]) for name, score in self.scores.items()}, self.novelty)


@dataclass(frozen=True)
class NearestNormalRows:
    """The normal rows that are nearest to n rows.

    Attributes
    ----------
    normal : the normal rows, each once, encoded
    place : int64 [n, count], the index of each neighbour among them, the nearest first
    distance : float64 [n, count], with numbers as normal scores and two different names 1 apart
    """

    normal: EncodedTable
    place: npt.NDArray[np.int64]
    distance: Floats


@dataclass(frozen=True)
class Views:
    """The views of one fit, in the order in which their evidence is summed, and the state that they share."""

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
        moments: Moments | None = None,
    ) -> tuple[Views, Remembered]:
        """Learn every registered view from the training rows.

        Training rows are remembered, and for a short table held-out rows too. ``moments`` are those of the rows
        [n_training + n_held_out] of an ordered table. Also return which rows are remembered.
        """
        basis, remembered = ViewBasis.learn(density, training, held_out, straightened, rng, moments)
        place = remembered.place[: len(training.rows)]
        context = LearningContext(basis, training, place, rng, is_dependent=moments is not None)
        return cls(basis, tuple(view.learn(context) for view in VIEWS.values())), remembered

    @property
    def density(self) -> DensityModel[MixedLikelihood]:
        """The network, the likelihood of the columns, and the range of the features."""
        return self.basis.density

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the views."""
        return tuple(view.name for view in self.views)

    def named(self, name: str) -> View:
        """Return the view of this name."""
        return self.views[self.names.index(name)]

    def units(self, training: EncodedTable) -> dict[str, ViewUnits | None]:
        """Return the units of the views' values by name, from the training rows."""
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
        """Return the scores of encoded rows by all views.

        ``own`` [n] are the rows' indices in the memory, if any, see `learn`; ``counted`` [n] marks the training rows
        among them. Both are scored as if they had been neither remembered nor counted.
        """
        own = np.full(len(encoded.rows), -1) if own is None else own
        counted = np.zeros(len(encoded.rows), np.bool_) if counted is None else counted
        passed_over = self.basis.normal_rows.passed_over(encoded.rows, own)
        batches = map_slabs(self._of, encoded.rows, encoded.presence, passed_over, counted, encoded.novelty)
        return RowViews.joined(batches)

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

    def nearest(self, encoded: EncodedTable, count: int) -> NearestNormalRows:
        """Return the remembered rows nearest to encoded rows, see :meth:`NormalRows.nearest`."""
        remembered, layout = self.basis.normal_rows, self.basis.layout
        places, distance = remembered.nearest(encoded.rows, count)
        kept, place = np.unique(places, return_inverse=True)
        rows = remembered.rows[kept]
        # a column without a presence flag has a value in every training row
        presence = np.ones((len(rows), layout.n_columns), np.bool_)
        flags = zip(layout.binary, layout.binary_column, layout.is_presence_flag, strict=True)
        for feature, column, is_flag in flags:
            if is_flag:
                presence[:, column] = rows[:, feature] >= 0.5
        normal = EncodedTable(rows, presence, np.zeros(presence.shape))
        return NearestNormalRows(normal, place.reshape(places.shape), distance)

    def packed(self) -> Arrays:
        """Return the arrays of the basis, and of each view under its name."""
        return self.basis.packed() | packed_components({view.name: view for view in self.views})

    @classmethod
    def unpacked(cls, store: ArrayStore, density: DensityModel[MixedLikelihood], names: Sequence[str]) -> Views:
        """Rebuild the views of these names, which use this density model."""
        if len(set(names)) != len(names):
            raise ModelFileError("a view is listed twice")
        unknown = next((name for name in names if name not in VIEWS), None)
        if unknown is not None or not names:
            raise ModelFileError(f"the view {unknown!r} is not one of {', '.join(VIEWS)}")
        basis = ViewBasis.unpacked(store, density)
        return cls(basis, tuple(VIEWS[name].unpacked(store.under(name), basis) for name in names))
