"""A fit from beginning to end: rows are split, a network is fitted, the evidence is scaled and calibrated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.calibration import Calibration
from oddrow.columns import NOTHING_ELSE, EncodedTable, SampledTable, TableEncoding, TableSchema, TableSketch
from oddrow.density import (
    DensityModel,
    FeatureRange,
    FitEnd,
    FittedNetwork,
    MixedLikelihood,
    NetworkShape,
    SquaredError,
    TrainingHealth,
)
from oddrow.expectations import Expectations
from oddrow.fitted import LatentProjection
from oddrow.fitting._settings import DetectorSettings
from oddrow.surprise import EvidenceModel, IsolationEvidence, ReconstructionEvidence, SurpriseModel, ViewEvidence
from oddrow.views import RowViews, Views, ViewScales

N_FOLDS = 5
"""Folds of a cross-calibration."""
SCALING_ROWS = 2_000
"""Rows that set the views' scales, where fewer are watched."""
SHORTEST_SECONDS = 1e-9
"""A time limit that ends a fit at its first check."""


FIT_BYTES = 700 * 2**20
"""What a fit on a sample may take for its rows, beside what it takes for none."""
FEATURE_BYTES, COLUMN_BYTES = 20, 40
"""What it takes for each row, by feature and by column, as `python -m benchmarks memory` sees it."""
CALIBRATED_AT_ONCE = 2**12
"""Rows that calibrate at once."""
MOST_LEVEL_ROWS = 4_096
"""Rows that tell how strange each kind of row is, evenly spread."""
MOST_MAPPED = 100_000
"""Training rows that tell how the map lies, evenly spread."""
MOST_FEATURES = 90
"""No column has more features."""


@dataclass(frozen=True)
class FitPlan:
    """What is to be fitted, however the rows are split.

    Attributes
    ----------
    settings : encoding, network and hold-out
    is_variational : whether the latent is sampled
    kl_weight : factor of the KL term
    view_weights : float64 [8], of the views; the article's setting has none
    schema : the kinds of the columns
    n_rows : rows of the whole table, whatever part of them a fit learns from; they set the size of a batch
    encoding : an encoding learned elsewhere; None learns it from the rows that train
    rest : what is known of rows to learn from that are not in the table
    start : a network whose weights are the first ones; None draws them
    isolates : whether the table may hold odd rows, so that isolation counts more than all views (if calibrated by a
        split)
    calibration : "split" holds rows out to calibrate; "cross" lets every row train and calibrate
    on_progress : called as ``on_progress(steps_done, steps_at_most, training_loss)``
    on_phase : called as ``on_phase(name)`` when "fitting" or "calibrating" begins
    max_steps : steps at most, None for the settings' own
    checkpoint, resume, time_limit, on_interrupt, part : see :class:`oddrow.training.Interruption`
    device : what trains: "auto", or a platform of JAX's
    """

    settings: DetectorSettings
    is_variational: bool
    kl_weight: float
    view_weights: npt.NDArray[np.float64]
    schema: TableSchema
    n_rows: int = 0
    encoding: TableEncoding | None = None
    rest: TableSketch = NOTHING_ELSE
    start: FittedNetwork | None = None
    isolates: bool = False
    calibration: Literal["split", "cross"] = "split"
    on_progress: Callable[[int, int, float], None] | None = None
    on_phase: Callable[[str], None] | None = None
    max_steps: int | None = None
    checkpoint: Path | None = None
    resume: bool = False
    time_limit: float | None = None
    on_interrupt: Callable[[], bool] | None = None
    part: int = 0
    device: str = "auto"


def within_memory(table: SampledTable, encoding_of: Callable[[SampledTable], TableEncoding]) -> SampledTable:
    """The table with no more rows in its sample than a fit has room for, by the size that its encoding gives them."""
    n_rows, n_columns = table.sample.rows.shape
    if n_rows * n_columns * (MOST_FEATURES * FEATURE_BYTES + COLUMN_BYTES) <= FIT_BYTES:
        return table
    layout = encoding_of(table).layout
    return table.shrunk(FIT_BYTES // (layout.n_features * FEATURE_BYTES + layout.n_columns * COLUMN_BYTES))


@dataclass(frozen=True)
class FittedParts:
    """What a fit gives: how rows are encoded, what surprises, where a row lies on the map.

    ``spent_checkpoint`` is the folder whose checkpoints nothing can go on from any more, since no fit was cut off.
    """

    encoding: TableEncoding
    surprise_model: SurpriseModel
    projection: LatentProjection
    expectations: Expectations | None = None
    spent_checkpoint: Path | None = None


def discard_spent(parts: FittedParts) -> None:
    """Remove the checkpoints that have done their work."""
    if parts.spent_checkpoint is not None:
        from oddrow.training import discard_checkpoint

        discard_checkpoint(parts.spent_checkpoint)


def n_calibration_rows(plan: FitPlan, n_rows: int) -> int:
    """How many of so many rows will calibrate."""
    if plan.calibration == "cross":
        return n_rows
    return len(split_rows(n_rows, plan.settings, np.random.default_rng(0)).calibration)


def fit_parts(
    plan: FitPlan, table: pa.Table, rng: np.random.Generator, in_doubt: npt.NDArray[np.bool_] | None = None
) -> FittedParts:
    """Fit the rows of a table, and calibrate with rows that each score was fitted without.

    Rows ``in_doubt`` [n] are not learned from, but they calibrate.
    """
    plan = replace(plan, n_rows=table.num_rows)
    if in_doubt is None:
        in_doubt = np.zeros(table.num_rows, np.bool_)
    if plan.calibration == "cross":
        return _cross_fitted(plan, table, rng, in_doubt)
    rows = split_rows(table.num_rows, plan.settings, rng).learning_without(in_doubt)
    fit = _fit(plan, table, rows, rng, in_doubt)
    if fit.views is None:
        evidence_model = fit.reconstruction_evidence()
        calibration = Calibration.learn(evidence_model.evidence(fit.training).raw, "training", plan.settings.constants)
        return fit.whole(evidence_model, calibration, plan)
    calibrating = fit.encoding.encode(table.take(rows.calibration))
    # what the views see of a long table takes more room than all else of a fit: no name keeps it
    scales = ViewScales.learn(
        fit.views,
        fit.views.of(fit.scale_rows, fit.own[fit.scale_index], fit.has_trained),
        plan.view_weights,
        fit.has_trained,
    )
    views = ViewEvidence(fit.views, scales)
    judge: ViewEvidence | IsolationEvidence = views
    if plan.isolates:
        judge = IsolationEvidence.learn(views, fit.training, rng)
        if fit.encoding.layout.groups:
            # rows in doubt too: they may be the strange end of an ordinary kind
            known = np.sort(np.concatenate([rows.training, rows.stopping, np.flatnonzero(in_doubt)]))
            known = np.setdiff1d(known, rows.calibration)
            known = known[np.linspace(0, len(known) - 1, min(len(known), MOST_LEVEL_ROWS), dtype=np.int64)]
            judge = judge.comparing_kinds(fit.encoding.encode(table.take(known)), fit.own[known])
    own = fit.own[rows.calibration]
    places = np.split(np.arange(len(own)), range(CALIBRATED_AT_ONCE, len(own), CALIBRATED_AT_ONCE))
    raw = [judge.evidence(calibrating.take(part), own[part]).raw for part in places]
    return fit.whole(judge, Calibration.learn(np.concatenate(raw), "held-out", plan.settings.constants), plan)


@dataclass(frozen=True)
class RowParts:
    """Indices of the rows that train, that are watched, and that calibrate; each ascending."""

    training: npt.NDArray[np.int64]
    stopping: npt.NDArray[np.int64]
    calibration: npt.NDArray[np.int64]

    def learning_without(self, in_doubt: npt.NDArray[np.bool_]) -> RowParts:
        """The same parts, but rows in doubt [n] neither train nor are watched."""
        training, stopping = (part[~in_doubt[part]] for part in (self.training, self.stopping))
        return RowParts(training, stopping, self.calibration)


def split_rows(n_rows: int, settings: DetectorSettings, rng: np.random.Generator) -> RowParts:
    """A random split by the shares of the settings; without any share all rows train, and they calibrate."""
    if settings.calibration_share == settings.stopping_share == 0:
        everything = np.arange(n_rows)
        return RowParts(everything, everything[:0], everything)
    n_calibration = max(1, round(settings.calibration_share * n_rows)) if settings.calibration_share > 0 else 0
    n_stopping = max(1, round(settings.stopping_share * n_rows)) if n_rows > 2 else 0
    order = rng.permutation(n_rows)
    held_out = n_calibration + n_stopping
    return RowParts(np.sort(order[held_out:]), np.sort(order[n_calibration:held_out]), np.sort(order[:n_calibration]))


@dataclass(frozen=True)
class _Fit:
    """One network fitted, with its encoding and the encoded rows that taught it and that set its scales."""

    encoding: TableEncoding
    network: FittedNetwork
    views: Views | None
    """None in the article's setting, whose only evidence is the reconstruction."""
    own: npt.NDArray[np.int64]
    """Of each row of the table, its own place in the memory; -1 where it has none."""
    training: EncodedTable
    scale_rows: EncodedTable
    scale_index: npt.NDArray[np.int64]
    """Which rows of the table set the scales."""
    has_trained: npt.NDArray[np.bool_]
    """Which of these trained."""

    def reconstruction_evidence(self) -> ReconstructionEvidence:
        """The article's evidence."""
        layout = self.encoding.layout
        unbounded = FeatureRange.unbounded(layout.n_features)
        return ReconstructionEvidence(DensityModel(self.network, SquaredError(layout), unbounded))

    def whole(self, evidence_model: EvidenceModel, calibration: Calibration, plan: FitPlan) -> FittedParts:
        """All that the fit gives, calibrated."""
        surprise_model = SurpriseModel(evidence_model, calibration)
        n_rows = len(self.training.rows)
        mapped = np.linspace(0, n_rows - 1, min(n_rows, MOST_MAPPED), dtype=np.int64)
        projection = LatentProjection.learn(surprise_model.latent(self.training.take(mapped)))
        spent = plan.checkpoint if self.network.health.end.is_final else None
        expectations = None
        if self.views is not None:
            expectations = Expectations.learn(self.encoding, self.views.basis.coding.edges, self.training)
        return FittedParts(self.encoding, surprise_model, projection, expectations, spent)


def _cross_fitted(
    plan: FitPlan, table: pa.Table, rng: np.random.Generator, in_doubt: npt.NDArray[np.bool_]
) -> FittedParts:
    """A fit of all rows, calibrated by the score of every row by a fit without it.

    In the manner of cross-conformal predictors (Vovk 2015), with pooled scores. Scores of several fits can only be
    pooled on one scale. So the views' scales are learned from all rows together, each seen by the fit without it, in
    the units of that fit. (Scales of each fit's own differ by chance, most of all far out, where they matter: 2.2 % of
    mammography's and mnist's new normal rows were flagged where 1 % was promised. Without units the networks differ:
    one explains a column by another and the next does not, and 7 % of AgriculturalYield's were flagged.)
    """
    n_folds = min(N_FOLDS, table.num_rows)
    fold_of = rng.permutation(np.arange(table.num_rows) % n_folds)
    seen: list[RowViews] = []
    raw = np.empty(table.num_rows)
    for fold in range(n_folds):
        others = table.take(np.flatnonzero(fold_of != fold))
        rows = split_rows(others.num_rows, replace(plan.settings, calibration_share=0.0), rng)
        stage = _stage(plan, fold, n_folds + 1)
        doubted = in_doubt[fold_of != fold]
        fit = _fit(stage, others, rows.learning_without(doubted), rng, doubted)
        held_out = fit.encoding.encode(table.take(np.flatnonzero(fold_of == fold)))
        if fit.views is None:
            raw[fold_of == fold] = fit.reconstruction_evidence().evidence(held_out).raw
        else:
            seen.append(fit.views.of(held_out).in_units(fit.views.units(fit.training)))
        plan = _after(plan, fit.network.health)
    rows = split_rows(table.num_rows, replace(plan.settings, calibration_share=0.0), rng).learning_without(in_doubt)
    plan = _stage(plan, n_folds, n_folds + 1)
    fit = _fit(plan, table, rows, rng, in_doubt)
    if fit.views is None:
        return fit.whole(
            fit.reconstruction_evidence(), Calibration.learn(raw, "cross-fitted", plan.settings.constants), plan
        )
    pooled = RowViews.joined(seen)
    scales = ViewScales.learn(fit.views, pooled, plan.view_weights)
    calibration = Calibration.learn(scales.evidence(pooled).raw, "cross-fitted", plan.settings.constants)
    own_scales = scales.from_units(fit.views.units(fit.training))
    return fit.whole(ViewEvidence(fit.views, own_scales), calibration, plan)


def _fit(
    plan: FitPlan, table: pa.Table, rows: RowParts, rng: np.random.Generator, in_doubt: npt.NDArray[np.bool_]
) -> _Fit:
    """Learn the encoding and the network from the rows that train, watched by those that stop.

    Rows are remembered from all parts, but none ``in_doubt`` [n].
    """
    # JAX is loaded here and nowhere else
    from oddrow.training import ARTICLE_TRAINING, DEFAULT_TRAINING, Interruption, fit_network

    is_article = plan.settings.style == "article"
    trained = table.take(rows.training)
    encoding = plan.encoding or TableEncoding.learn(plan.schema, trained, plan.settings.style, plan.rest)
    training = encoding.encode(trained)
    stopping = encoding.encode(table.take(rows.stopping)) if len(rows.stopping) else None
    layout = encoding.layout
    likelihood = SquaredError(layout) if is_article else MixedLikelihood(layout, plan.settings.constants)
    shape = NetworkShape(
        layout.n_features, plan.settings.hidden, plan.settings.n_latent, likelihood.n_outputs, plan.is_variational
    )
    settings = ARTICLE_TRAINING if is_article else DEFAULT_TRAINING.for_rows(plan.n_rows)
    settings = settings.with_kl_weight(plan.kl_weight).with_max_steps(plan.max_steps)
    interruption = Interruption(plan.checkpoint, plan.resume, plan.time_limit, plan.on_interrupt, plan.part)
    if plan.on_phase is not None:
        plan.on_phase("fitting")
    network = fit_network(
        shape, likelihood, training, stopping, settings, rng, plan.on_progress, interruption, plan.device, plan.start
    )
    if plan.on_phase is not None:
        plan.on_phase("calibrating")
    if isinstance(likelihood, SquaredError):
        everything = np.ones(len(rows.training), np.bool_)
        return _Fit(encoding, network, None, rows.training[:0], training, training, rows.training, everything)
    calibrating = rows.calibration[~in_doubt[rows.calibration]]
    pool = np.concatenate([rows.training, rows.stopping, calibrating])
    held_out = encoding.encode(table.take(pool[len(rows.training) :]))
    density = DensityModel(network, likelihood, FeatureRange.learn(training.rows))
    views, places = Views.learn(density, training, held_out, encoding.straightened, rng)
    own = np.full(table.num_rows, -1)
    own[pool] = places
    scaling, has_trained = _scaling_rows(rows, own, rng)
    return _Fit(encoding, network, views, own, training, encoding.encode(table.take(scaling)), scaling, has_trained)


def _scaling_rows(
    rows: RowParts, own: npt.NDArray[np.int64], rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The rows that set the views' scales, and which of them trained: the watched ones, and of a short table more.

    A training row tells how far a row is from the others as well as a new one, where its own place in the memory, or
    copies of it, are known.
    """
    n_more = max(SCALING_ROWS - len(rows.stopping), 0) if np.any(own >= 0) else 0
    more = rng.permutation(rows.training)[:n_more] if len(rows.stopping) else rows.training
    return np.concatenate([rows.stopping, more]), np.arange(len(rows.stopping) + len(more)) >= len(rows.stopping)


def _stage(plan: FitPlan, index: int, count: int) -> FitPlan:
    """The plan of one of several fits: its progress is that of all, its time a fair share, its checkpoint its own."""
    report, limit = plan.on_progress, plan.time_limit
    return replace(
        plan,
        part=index,
        time_limit=None if limit is None else limit / count,
        on_progress=report and (lambda done, total, loss: report(index * total + done, count * total, loss)),
    )


def _after(plan: FitPlan, health: TrainingHealth) -> FitPlan:
    """The plan of the fits that follow one: cut off, it will go on when resumed, and they will begin anew."""
    if health.end.is_final:
        return plan
    is_interrupted = health.end is FitEnd.INTERRUPTED
    return replace(
        plan, checkpoint=None, resume=False, time_limit=SHORTEST_SECONDS if is_interrupted else plan.time_limit
    )
