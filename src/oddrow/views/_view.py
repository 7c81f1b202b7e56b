"""The protocol of a view: one kind of evidence that a row is odd, as one class in one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from oddrow.columns import EncodedTable
from oddrow.container import Arrays, ArrayStore
from oddrow.graph import Value
from oddrow.views._basis import ViewBasis
from oddrow.views._graph_row_context import GraphRowContext
from oddrow.views._row_context import RowContext

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LearningContext:
    """The input of a view's learning: the training rows, and the state that all views share.

    Attributes
    ----------
    place : int64 [n_training], the index in the memory of each training row; -1 if it is not remembered or has further
        duplicates
    is_dependent : whether training rows depend on each other, in time or within groups
    """

    basis: ViewBasis
    training: EncodedTable
    place: npt.NDArray[np.int64]
    rng: np.random.Generator
    is_dependent: bool = False


class Judged(Enum):
    """What a view scores: whole rows, or columns."""

    ROW = "row"
    COLUMNS = "columns"
    COLUMNS_AND_REST = "columns and rest"

    def n_curves(self, n_columns: int) -> int:
        """Return the number of scores of a row that have a scale of their own."""
        return {Judged.ROW: 0, Judged.COLUMNS: n_columns, Judged.COLUMNS_AND_REST: n_columns + 1}[self]


@dataclass(frozen=True)
class ViewUnits:
    """Center and spread of a view's values in one fit, float64 [k] each, k as in :attr:`ViewScore.values`.

    Two fits of the same rows may shift and scale a value differently. In these units, learned from each fit's own
    training rows, the values are comparable.
    """

    center: Floats
    spread: Floats

    @classmethod
    def of_quantiles(cls, values: Floats, min_unit: float) -> ViewUnits:
        """Return the median of each value [n, k], and its distance to the ninth decile (1 if <= ``min_unit``)."""
        center, upper = np.quantile(values, [0.5, 0.9], axis=0)
        spread = upper - center
        return cls(center, np.where(spread > min_unit, spread, 1.0))


@dataclass(frozen=True)
class ViewScore:
    """The scores of rows by one view, before calibration; larger is stranger.

    A view that scores whole rows has the score in ``total``; its parts, in any unit, are the proportions in which the
    score is split over the columns. A view that scores columns separately has a ``power`` and no total: each part is
    calibrated separately, and the score is the power mean of the parts' tail probabilities with this exponent.

    Attributes
    ----------
    by_column : float64 [n, n_columns], the part of each column; >= 0 where there is a total
    by_none : float64 [n], the part that is not attributed to a column; None where there is none
    total : float64 [n]
    power : exponent, of opposite sign, of the power mean
    """

    by_column: Floats
    by_none: Floats | None = None
    total: Floats | None = None
    power: float | None = None

    @property
    def values(self) -> Floats:
        """The values that are calibrated [n, k]: the total, or the parts of the columns and last that of no column."""
        if self.total is not None:
            return self.total[:, None]
        if self.by_none is None:
            return self.by_column
        return np.concatenate([self.by_column, self.by_none[:, None]], axis=1)

    def with_values(self, values: Floats) -> ViewScore:
        """Return these scores with other values [n, k]."""
        if self.total is not None:
            return ViewScore(self.by_column, self.by_none, values[:, 0])
        if self.by_none is None:
            return ViewScore(values, power=self.power)
        return ViewScore(values[:, :-1], values[:, -1], power=self.power)

    def in_units(self, units: ViewUnits | None) -> ViewScore:
        """Return these scores in the units of the fit that scored the rows; unchanged if there are none."""
        return self if units is None else self.with_values((self.values - units.center) / units.spread)

    def rows(self, chosen: npt.NDArray[np.bool_]) -> ViewScore:
        """Return the scores of the chosen rows [n]."""
        return ViewScore(
            self.by_column[chosen],
            None if self.by_none is None else self.by_none[chosen],
            None if self.total is None else self.total[chosen],
            self.power,
        )

    @classmethod
    def joined(cls, scores: Sequence[ViewScore]) -> ViewScore:
        """Return the concatenated scores of several batches of rows."""
        first = scores[0]
        if len(scores) == 1:
            return first
        nones = [score.by_none for score in scores if score.by_none is not None]
        totals = [score.total for score in scores if score.total is not None]
        return cls(
            np.concatenate([score.by_column for score in scores]),
            np.concatenate(nones) if nones else None,
            np.concatenate(totals) if totals else None,
            first.power,
        )


@dataclass(frozen=True)
class GraphScore:
    """The counterpart of :class:`ViewScore` in a graph.

    Attributes
    ----------
    by_column : float64 [n, n_columns]
    by_none, total : float64 [n, 1], or None
    """

    by_column: Value
    by_none: Value | None = None
    total: Value | None = None
    power: float | None = None


class View(Protocol):
    """One kind of evidence that a row is odd.

    A class that has these methods and is registered (see :func:`register_view`) is learned with every fit. Its score
    is calibrated, weighted and combined with those of all other views, explained by its parts, saved with the model,
    and exported with it.

    Attributes
    ----------
    name : in lower case with underscores; the name of the view's weight and of its arrays in a model file
    judges : whether :meth:`score` returns a total, or scores of the columns, or scores of the columns and of the rest,
        which is not attributed to a column
    scores_training_rows : whether the view scores a training row as if that row had been left out of the fit. If so,
        training rows may set its scale; otherwise only held-out rows do
    """

    name: ClassVar[str]
    judges: ClassVar[Judged]
    scores_training_rows: ClassVar[bool]

    @classmethod
    def learn(cls, context: LearningContext) -> View:
        """Learn from the training rows."""
        ...

    def score(self, rows: RowContext) -> ViewScore:
        """Score rows. The score of a row must not depend on the other rows."""
        ...

    def units(self, training: RowContext) -> ViewUnits | None:
        """Return the units of this fit's values, from its training rows; None if all fits have the same units."""
        ...

    def packed(self) -> Arrays:
        """Return the arrays of the view by name."""
        ...

    @classmethod
    def unpacked(cls, store: ArrayStore, basis: ViewBasis) -> View:
        """Rebuild the view from its arrays, checked so that the score of every row is finite.

        Raises
        ------
        ModelFileError
            If the arrays do not define such a view.
        """
        ...

    def graph(self, rows: GraphRowContext) -> GraphScore:
        """Add the operations of :meth:`score` to a graph."""
        ...
