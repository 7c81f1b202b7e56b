"""What a view is: one way to look at a row, as one class in one file."""

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
    """What a view may learn from: the training rows, and what all views share."""

    basis: ViewBasis
    training: EncodedTable
    rng: np.random.Generator


class Judged(Enum):
    """What a view gives a score to."""

    ROW = "row"
    COLUMNS = "columns"
    COLUMNS_AND_REST = "columns and rest"

    def n_parts(self, n_columns: int) -> int:
        """How many parts of a row have a scale of their own."""
        return {Judged.ROW: 0, Judged.COLUMNS: n_columns, Judged.COLUMNS_AND_REST: n_columns + 1}[self]


@dataclass(frozen=True)
class ViewUnits:
    """Center and spread of a view's values in one fit, float64 [k] each, k as in :attr:`ViewScore.values`.

    Two fits of the same rows may give a value another shift and another factor. In these units, learned from each
    fit's own training rows, their values are comparable.
    """

    center: Floats
    spread: Floats

    @classmethod
    def of_quantiles(cls, values: Floats, min_unit: float) -> ViewUnits:
        """The median of each value [n, k], and from there to the ninth decile; 1 where that is no spread."""
        center, upper = np.quantile(values, [0.5, 0.9], axis=0)
        spread = upper - center
        return cls(center, np.where(spread > min_unit, spread, 1.0))


@dataclass(frozen=True)
class ViewScore:
    """What a view says of rows, before any scale; larger is stranger.

    A view judges the row as a whole: then ``total`` is its score, and the parts, in any unit, say in which proportion
    it is split over the columns. Or it judges each column by itself: then there is a ``power`` and no total. Each part
    is calibrated by itself, and the power mean of the parts' tail probabilities with this exponent is the score.

    Attributes
    ----------
    by_column : float64 [n, n_columns], the part of each column; >= 0 where there is a total
    by_none : float64 [n], the part that no column carries alone; None where there is none
    total : float64 [n]
    power : exponent, of opposite sign, of the power mean
    """

    by_column: Floats
    by_none: Floats | None = None
    total: Floats | None = None
    power: float | None = None

    @property
    def values(self) -> Floats:
        """What is calibrated [n, k]: the total, or the parts of the columns and last that of no column."""
        if self.total is not None:
            return self.total[:, None]
        if self.by_none is None:
            return self.by_column
        return np.concatenate([self.by_column, self.by_none[:, None]], axis=1)

    def with_values(self, values: Floats) -> ViewScore:
        """The same with other values [n, k]."""
        if self.total is not None:
            return ViewScore(self.by_column, self.by_none, values[:, 0])
        if self.by_none is None:
            return ViewScore(values, power=self.power)
        return ViewScore(values[:, :-1], values[:, -1], power=self.power)

    def in_units(self, units: ViewUnits | None) -> ViewScore:
        """The same in the units of the fit that scored the rows; as it is where there are none."""
        return self if units is None else self.with_values((self.values - units.center) / units.spread)

    def rows(self, chosen: npt.NDArray[np.bool_]) -> ViewScore:
        """The scores of the chosen rows [n]."""
        return ViewScore(
            self.by_column[chosen],
            None if self.by_none is None else self.by_none[chosen],
            None if self.total is None else self.total[chosen],
            self.power,
        )

    @classmethod
    def joined(cls, scores: Sequence[ViewScore]) -> ViewScore:
        """The scores of several batches of rows, one after another."""
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
    """As :class:`ViewScore`, in a graph.

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
    """One way to look at a row.

    A class that has these methods and is registered (see :func:`register_view`) is learned with every fit. Its score
    is calibrated, weighted and combined with those of all other views, explained by its parts, saved with the model,
    and exported with it.

    Attributes
    ----------
    name : in lower case with underscores; it names the view's weight and its arrays in a model file
    judges : whether :meth:`score` gives a total, or scores of the columns, or of the columns and of what no column
        carries (the rest)
    scores_training_rows : whether the view scores a training row as if that row had been left out of the fit. Then
        training rows may set its scale; else only held-out rows do
    """

    name: ClassVar[str]
    judges: ClassVar[Judged]
    scores_training_rows: ClassVar[bool]

    @classmethod
    def learn(cls, context: LearningContext) -> View:
        """Learn from the training rows."""
        ...

    def score(self, rows: RowContext) -> ViewScore:
        """Score rows. The score of a row must not depend on the rows beside it."""
        ...

    def units(self, training: RowContext) -> ViewUnits | None:
        """The units of this fit's values, from its training rows; None if the values of all fits are comparable."""
        ...

    def packed(self) -> Arrays:
        """The arrays of the view by name."""
        ...

    @classmethod
    def unpacked(cls, store: ArrayStore, basis: ViewBasis) -> View:
        """The view from its arrays, checked so that the score of every row is finite.

        Raises
        ------
        ModelFileError
            If the arrays are not those of such a view.
        """
        ...

    def graph(self, rows: GraphRowContext) -> GraphScore:
        """The operations of :meth:`score`."""
        ...
