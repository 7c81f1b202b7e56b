"""Find the rows of a table that differ from normal rows, looking at the table as a whole."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.batch import with_scores
from oddrow.calibration import Calibration
from oddrow.columns import EncodedTable, TableSchema
from oddrow.detector._batch_evidence import BatchEvidence, MixtureOdds, Separation
from oddrow.detector._detector import generator
from oddrow.detector._estimators import AutoencoderDetector, VAEDetector
from oddrow.detector._find_stages import begin, fitted_to_all, stage
from oddrow.detector._found import Found
from oddrow.detector._parameters import CheckedParameters
from oddrow.detector._tables import has_column_names, index_of, with_index
from oddrow.exceptions import DataError, SchemaMismatchError, SettingError, TrainingHealthWarning
from oddrow.explanation import Explanation, explain_scored
from oddrow.fitted import FittedModel
from oddrow.fitting import AUTO_FALSE_ALARMS, Cleaning, FitResult, Recipe, fit_model
from oddrow.policies import Decision, strictest_supported
from oddrow.remedies import Setting, remedy
from oddrow.surprise import Surprise, ViewEvidence
from oddrow.table import as_table
from oddrow.views import split_total

Floats = npt.NDArray[np.float64]

LEAST_CALIBRATION = 199
"""The calibration rows in the mixture are at most as many as the table's, or this number: more would hide odd rows."""
MAX_WATCHED = 2_000
"""Maximum number of rows, evenly spread, whose surprise is compared with the table's."""
MIN_NORMAL = 20
"""Minimum number of normal rows: 16 to learn from, 4 to calibrate."""


@dataclass(frozen=True)
class _Judged:
    """The scores of the table's rows: their parts, the decision, and what the whole table says.

    ``scored`` has the part of the table as a whole within its part of no column; ``batch_part`` [n] is that part alone.
    """

    model: FittedModel
    encoded: EncodedTable
    scored: Surprise
    batch_part: Floats
    batch: BatchEvidence


def find_against(
    pattern: VAEDetector | AutoencoderDetector,
    table: Any,
    normal: Any,
    *,
    top: int,
    reasons: int,
    keep: bool,
    explain_all: bool,
    on_phase: Callable[[str], None] | None,
) -> Found:
    """Find the rows of a table that differ from normal rows; parameters as those of :func:`oddrow.find`."""
    parameters = CheckedParameters.of(pattern)
    if parameters.recipe.flagged_share is not None:
        raise SettingError(
            f"contamination={pattern.contamination!r} flags a share of the training rows, and find decides by held-out "
            "normal rows; give policy=FalseAlarmRate(...) or another policy"
        )
    if parameters.recipe.calibration != "split" or parameters.recipe.calibration_share == 0:
        raise SettingError(
            "find with normal rows calibrates with some of them, held out of one fit; give a detector with "
            "calibration='split' and without settings='article'"
        )
    rows, known = (as_table(each, reads=parameters.reads, passes=True) for each in (table, normal))
    _check_rows(rows, known, are_arrays=not (has_column_names(table) or has_column_names(normal)))
    plan = parameters.plan(known)
    _check_columns(rows, plan.data.schema)
    rng = generator(pattern.random_state)
    n_fits = 1 + keep
    fitted = fit_model(replace(plan, control=stage(plan.control, 0, n_fits, on_phase)), known, rng)
    for diagnosis in fitted.model.network.health.diagnoses:
        if diagnosis.is_certain:
            warnings.warn(diagnosis.text, TrainingHealthWarning, stacklevel=3)
    begin(on_phase, "scoring 1 of 1")
    judged = _judged(fitted, plan.recipe, known, rows, rng.spawn(1)[0])
    decision = judged.model.decide(judged.scored, rows)
    scored = with_scores(judged.model, rows, judged.encoded, judged.scored, decision, reasons if explain_all else None)
    begin(on_phase, "explaining")
    strangest = np.argsort(-judged.scored.surprise, kind="stable")[:top]
    explanations = with_index(_explained(judged, rows, decision, strangest, reasons), table)
    batch = judged.batch
    notes = tuple(column.note for column in plan.data.schema.columns if column.note)
    kept = fitted_to_all(pattern, normal, stage(plan.control, 1, n_fits, on_phase)) if keep else None
    return Found(
        scored,
        explanations,
        Cleaning(rows.num_rows, batch.share, batch.low, batch.high, (), ()),
        np.zeros(rows.num_rows, np.int64),
        decision.promise,
        decision.note,
        kept,
        (*notes, str(batch)),
        batch,
        index=index_of(table),
    )


def _check_rows(rows: pa.Table, known: pa.Table, *, are_arrays: bool) -> None:
    if known.num_rows < MIN_NORMAL:
        raise DataError(f"there are {known.num_rows} normal rows; finding rows that differ takes at least {MIN_NORMAL}")
    if rows.num_rows == 0:
        raise DataError("the table has no rows; give at least one row to compare with the normal rows")
    if are_arrays and rows.num_columns != known.num_columns:
        raise SchemaMismatchError(
            f"the table has {rows.num_columns} columns, and the normal rows have {known.num_columns}; "
            "give the same columns"
        )


def _check_columns(rows: pa.Table, schema: TableSchema) -> None:
    missing = [name for name in schema.sources if name not in rows.column_names]
    if missing:
        raise SchemaMismatchError(
            f"the table has no column {missing[0]!r}, which the normal rows have",
            remedy=remedy("give it, or leave it out with ", Setting("columns", {missing[0]: "ignore"})),
        )


def _judged(fitted: FitResult, recipe: Recipe, known: pa.Table, rows: pa.Table, rng: np.random.Generator) -> _Judged:
    """Score the table's rows, calibrated by the calibration rows of the fit.

    Calibration rows and the table's rows are mixed, and what is decided beyond the detector's scores is a function of
    the mixed rows together, see :meth:`MixtureOdds.learn`. If the mixture counts, a row's score is its raw score, in
    nats, plus the nats of the mixture (as in Fisher's combination of two p-values). The calibration rows get the same
    score, and calibrate it. As in every fit, a calibration row's raw score is that by a memory without the row, and a
    new row has that row as a further possible neighbour: its p-value is more likely too large than too small.
    """
    model, held_out = fitted.model, fitted.held_out
    encoding, evidence_model, constants = model.encoding, model.surprise_model.evidence_model, model.constants
    # other recipes have been refused
    assert held_out is not None and isinstance(evidence_model, ViewEvidence)  # noqa: S101
    encoded = encoding.encode(rows)
    evidence = model.surprise_model.evidence(encoded)
    scored = model.surprise_model.calibrated(evidence)
    count = len(held_out.index)
    if recipe.policy is None:  # a given policy may need them all
        count = min(count, max(rows.num_rows, LEAST_CALIBRATION))
    chosen = np.sort(rng.permutation(len(held_out.index))[:count])
    calibrating = held_out.index[chosen]
    aside = () if fitted.cleaning is None else fitted.cleaning.rows_set_aside
    learned = np.setdiff1d(np.arange(known.num_rows), np.concatenate([calibrating, np.array(aside, np.int64)]))
    known_rows = encoding.encode(known).rows
    odds = MixtureOdds.learn(known_rows[learned], np.concatenate([known_rows[calibrating], encoded.rows]), rng)
    # all scores in one scale, of which every curve is increasing
    surprise = np.concatenate([model.calibration.surprise(held_out.raw[chosen]), scored.surprise])
    some = np.linspace(0, len(held_out.watched_own) - 1, min(len(held_out.watched_own), MAX_WATCHED), dtype=np.int64)
    watched = evidence_model.evidence(held_out.watched.take(some), held_out.watched_own[some]).raw
    batch = BatchEvidence.of(
        Separation.of(odds.normal, odds.mixed, rows.num_rows),
        Separation.of(model.calibration.surprise(watched), surprise, rows.num_rows),
    )
    if not batch.is_used:
        return _Judged(model, encoded, scored, np.zeros(rows.num_rows), batch)
    nats = odds.nats(constants)
    calibration = Calibration.learn(held_out.raw[chosen] + nats[:count], "held-out", constants)
    total = evidence.raw + nats[count:]
    calibrated = calibration.surprise(total)
    parts, combination = split_total(calibrated, np.column_stack([evidence.column, nats[count:]]), evidence.combination)
    batch_part = parts[:, -1]
    both = Surprise(calibrated, calibration.p_value(total), parts[:, :-1], combination + batch_part)
    policy = recipe.policy or strictest_supported(AUTO_FALSE_ALARMS, calibration)
    surprise_model = replace(model.surprise_model, calibration=calibration)
    return _Judged(replace(model, surprise_model=surprise_model, policy=policy), encoded, both, batch_part, batch)


def _explained(
    judged: _Judged, rows: pa.Table, decision: Decision, wanted: npt.NDArray[np.int64], reasons: int
) -> tuple[Explanation, ...]:
    """Return explanations of the wanted rows, with the part of the table as a whole by itself."""
    scored = judged.scored
    some = Surprise(
        scored.surprise[wanted], scored.p_value[wanted], scored.column_part[wanted], scored.combination_part[wanted]
    )
    decided = replace(decision, is_odd=decision.is_odd[wanted])
    explained = explain_scored(judged.model, rows.take(wanted), judged.encoded.take(wanted), some, decided, reasons)
    found = []
    for row, explanation in zip(wanted.tolist(), explained, strict=True):
        nats, total = float(judged.batch_part[row]), explanation.surprise
        combination = max(explanation.combination_nats - nats, 0.0)
        found.append(
            replace(
                explanation,
                row=row,
                combination_nats=combination,
                combination_share=combination / total,
                batch_nats=nats,
                batch_share=nats / total,
            )
        )
    return tuple(found)
