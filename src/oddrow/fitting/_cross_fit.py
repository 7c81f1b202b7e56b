"""Cross-calibration: every row is scored by a fit that did not use it, and a last fit learns from all rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.columns import EncodedTable, TableEncoding
from oddrow.density import FittedNetwork
from oddrow.fitting._folding import Folding
from oddrow.fitting._plan import FitPlan
from oddrow.fitting._run_control import RunControl
from oddrow.fitting._splits import SplitTable


class Fit(Protocol):
    """A fit to one split: the encoding of its rows, and its network."""

    @property
    def encoding(self) -> TableEncoding:
        """The encoding of the rows."""

    @property
    def network(self) -> FittedNetwork:
        """The fitted network."""


FitT = TypeVar("FitT", bound=Fit)
SeenT = TypeVar("SeenT")


@dataclass(frozen=True)
class CrossFit(Generic[FitT, SeenT]):
    """The fits of a cross-calibration.

    Attributes
    ----------
    whole : the fit that learned from all rows
    seen : for each fold, the scores of its rows by the fit that left them out
    control : how the last fit was run
    """

    whole: FitT
    seen: list[SeenT]
    control: RunControl


def fit_folds(
    plan: FitPlan,
    table: pa.Table,
    in_doubt: npt.NDArray[np.bool_],
    folding: Folding,
    fit_one: Callable[[FitPlan, SplitTable], FitT],
    see: Callable[[FitT, EncodedTable], SeenT],
    rng: np.random.Generator,
) -> CrossFit[FitT, SeenT]:
    """Fit once for each fold on the other rows, score the rows of that fold, and last fit all rows.

    Rows ``in_doubt`` [n] are scored, but nothing learns from them.
    """
    shares = (plan.recipe.stopping_share, 0.0)
    control, folds, moments = plan.control, folding.folds, folding.moments
    seen: list[SeenT] = []
    for number, fold in enumerate(folds):
        others = None if moments is None else moments.take(fold.others)
        split = SplitTable.draw(table.take(fold.others), in_doubt[fold.others], shares, rng, others)
        fit = fit_one(replace(plan, control=control.stage(number, len(folds) + 1)), split)
        held_out = fit.encoding.encode(table.take(fold.held_out))
        seen.append(see(fit, held_out))
        control = control.after(fit.network.health)
    split = SplitTable.draw(table, in_doubt, shares, rng, moments)
    control = control.stage(len(folds), len(folds) + 1)
    return CrossFit(fit_one(replace(plan, control=control), split), seen, control)
