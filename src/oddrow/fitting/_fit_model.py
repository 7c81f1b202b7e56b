"""A fit from beginning to end: from a table of normal rows to a fitted model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from oddrow._collector import collector_paused
from oddrow.calibration import Calibration
from oddrow.columns import TableEncoding, TableReference
from oddrow.fitted import FittedModel, LatentProjection, check_policy_of_model
from oddrow.fitting._cleaning import Cleaning, clean_table
from oddrow.fitting._dependence import RowOrder
from oddrow.fitting._folding import Folding
from oddrow.fitting._order_test import OrderTest
from oddrow.fitting._plan import CalibratedFit, FitPlan, HeldOut
from oddrow.fitting._splits import n_calibration_rows
from oddrow.policies import Policy, TrainingShare, check_policy, strictest_supported
from oddrow.table import is_as_written

AUTO_FALSE_ALARMS = 0.01
"""The rate of false alarms without a given policy, if enough rows calibrate to support it."""
SCORED_AT_ONCE = 2**16
"""Training rows per batch when a share of them is to be flagged."""
MAX_MAPPED_ROWS = 100_000
"""The number of training rows, evenly spread, from which the latent projection is learned."""


@dataclass(frozen=True)
class FitResult:
    """The result of a fit.

    Attributes
    ----------
    model : the fitted model
    cleaning : the cleaning of its table; None if the recipe does not clean
    order_test : the test of a random hold-out for rows that depend on their order; None if there was none
    held_out : the rows of the table that calibrate and their raw scores; None unless they were held out of a single fit
    """

    model: FittedModel
    cleaning: Cleaning | None
    order_test: OrderTest | None
    held_out: HeldOut | None = None


def fit_model(plan: FitPlan, table: pa.Table, rng: np.random.Generator) -> FitResult:
    """Clean a table, fit the network, learn the evidence and its calibration, and choose the policy.

    Parameters
    ----------
    plan
        What is to be fitted. Its schema is that of the table.
    table
        The training rows, at least two.
    rng
        The source of all randomness; the same generator state gives the same model, bit for bit.

    Returns
    -------
    The fitted model, the cleaning of its table, the test of its order, and the rows that calibrate.

    Raises
    ------
    DataError
        If the table cannot be learned from.
    SettingError
        If the calibration cannot support the policy, or if JAX has no such device here.
    TrainingError
        If the loss stops being finite, also at lower learning rates.
    CheckpointError, OutputError
        If the checkpoint cannot be resumed from, or cannot be written.
    """
    recipe, schema = plan.recipe, plan.data.schema
    order = None if plan.data.dependence is None else RowOrder.of(table, plan.data.dependence)
    if is_as_written(table.schema):
        table = schema.typed(table)  # once, because a fit reads its rows several times
    cleaning, normal, in_doubt = None, table, np.zeros(table.num_rows, np.bool_)
    if recipe.clean == "robust":
        plan.control.begin("cleaning")
        # a separate generator, so that a fit that sets no row aside is the fit without cleaning, bit for bit
        cleaning = clean_table(table, schema, rng.spawn(1)[0])
        normal, in_doubt = cleaning.kept(table)
        order = order and order.take(np.setdiff1d(np.arange(table.num_rows), cleaning.rows_set_aside))
    if recipe.policy is not None:
        n_rows = n_calibration_rows(recipe, normal.num_rows)
        check_policy_of_model(recipe.policy, Calibration(np.arange(float(n_rows))), schema)  # before the long work
    _load_training()
    if recipe.calibration == "split":
        fit = recipe.evidence.fit_split(plan, normal, in_doubt, rng)
    else:
        fit = recipe.evidence.fit_cross(plan, normal, in_doubt, _folding(plan, normal, order, rng), rng)
    model = FittedModel(
        fit.encoding,
        fit.surprise_model,
        _projection(fit),
        _policy(plan, fit, table),
        expectations=fit.expectations,
        reference=TableReference.learn(fit.encoding, normal, plan.data.rest),
    )
    _discard(fit.spent_checkpoint)  # last, so that a fit killed before this line can still be resumed
    return FitResult(model, cleaning, fit.order_test, _of_whole_table(fit.held_out, cleaning, table.num_rows))


def _of_whole_table(held_out: HeldOut | None, cleaning: Cleaning | None, n_rows: int) -> HeldOut | None:
    """Return held-out rows with their indices in the table of ``n_rows`` rows, before it was cleaned."""
    if held_out is None or cleaning is None:
        return held_out
    kept = np.setdiff1d(np.arange(n_rows), cleaning.rows_set_aside)
    return replace(held_out, index=kept[held_out.index])


def _load_training() -> None:
    """Import JAX, once nothing is left to refuse."""
    with collector_paused():
        import oddrow.training  # noqa: F401


def _folding(plan: FitPlan, table: pa.Table, order: RowOrder | None, rng: np.random.Generator) -> Folding:
    if order is None:
        return Folding.random(table.num_rows, rng)
    data = plan.data
    encoding = data.encoding or TableEncoding.learn(data.schema, table, plan.recipe.style, data.rest)
    return Folding.dependent(order, table, encoding, rng)


def _projection(fit: CalibratedFit) -> LatentProjection:
    n_rows = len(fit.training.rows)
    mapped = np.linspace(0, n_rows - 1, min(n_rows, MAX_MAPPED_ROWS), dtype=np.int64)
    return LatentProjection.learn(fit.surprise_model.latent(fit.training.take(mapped)))


def _policy(plan: FitPlan, fit: CalibratedFit, table: pa.Table) -> Policy:
    """Return the policy of the recipe; a share to flag is that of all rows of the table, including those set aside."""
    share, given = plan.recipe.flagged_share, plan.recipe.policy
    if given is not None:
        check_policy(given, fit.surprise_model.calibration)  # dependent rows may be worth too few independent ones
    if share is None:
        return given or strictest_supported(AUTO_FALSE_ALARMS, fit.surprise_model.calibration)
    # in slices, because the scores of a long table with the parts of all columns take more memory than the fit
    slices = (table.slice(start, SCORED_AT_ONCE) for start in range(0, table.num_rows, SCORED_AT_ONCE))
    scored = [fit.surprise_model.score(fit.encoding.encode(rows)).surprise for rows in slices]
    return TrainingShare.learn(share, np.concatenate(scored))


def _discard(spent_checkpoint: Path | None) -> None:
    if spent_checkpoint is not None:
        from oddrow.training import discard_checkpoint  # loads JAX

        discard_checkpoint(spent_checkpoint)
