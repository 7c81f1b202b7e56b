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
from oddrow.detector._tables import has_column_names, with_index
from oddrow.exceptions import DataError, SchemaMismatchError, SettingError, TrainingHealthWarning
from oddrow.explanation import Explanation, explain_scored
from oddrow.fitted import FittedModel, check_policy_of_model
from oddrow.fitting import AUTO_FALSE_ALARMS, Cleaning, FitPlan, fit_model
from oddrow.policies import Decision, strictest_supported
from oddrow.surprise import Surprise
from oddrow.table import as_table
from oddrow.views import split_total

Floats = npt.NDArray[np.float64]

CALIBRATION_SHARE = 0.25
"""Share of the normal rows that calibrate."""
LEAST_CALIBRATION = 199
"""Calibration rows are at most as many as the table's, or this number: more would hide the table's odd rows."""
MIN_NORMAL = 20
"""Minimum number of normal rows: 15 to learn from, 5 to calibrate."""


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
    rows, known = (as_table(each, reads=parameters.reads, passes=True) for each in (table, normal))
    _check_rows(rows, known, are_arrays=not (has_column_names(table) or has_column_names(normal)))
    rng = generator(pattern.random_state)
    learned, calibrating = _split(known, rows.num_rows, rng)
    # the kinds of columns, too, are learned without the calibration rows, so that these are like the table's
    plan = parameters.plan(learned)
    _check_columns(rows, plan.data.schema)
    if parameters.recipe.policy is not None:
        count = Calibration(np.arange(float(calibrating.num_rows)))
        check_policy_of_model(parameters.recipe.policy, count, plan.data.schema)  # before the long work
    n_fits = 1 + keep
    recipe = replace(plan.recipe, policy=None)
    fit_plan = replace(plan, recipe=recipe, control=stage(plan.control, 0, n_fits, on_phase))
    model = fit_model(fit_plan, learned, rng.spawn(1)[0]).model
    for diagnosis in model.network.health.diagnoses:
        if diagnosis.is_certain:
            warnings.warn(diagnosis.text, TrainingHealthWarning, stacklevel=3)
    begin(on_phase, "scoring 1 of 1")
    judged = _judged(model, plan, learned, calibrating, rows, rng.spawn(1)[0])
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
            f"the table has no column {missing[0]!r}, which the normal rows have; give it, or leave it out with "
            f"columns={{{missing[0]!r}: 'ignore'}}"
        )


def _split(known: pa.Table, n_table: int, rng: np.random.Generator) -> tuple[pa.Table, pa.Table]:
    """Return the normal rows to learn from, and those that calibrate, drawn at random."""
    wanted = round(CALIBRATION_SHARE * known.num_rows)
    count = min(wanted, max(n_table, LEAST_CALIBRATION))
    order = rng.permutation(known.num_rows)
    return known.take(np.sort(order[count:])), known.take(np.sort(order[:count]))


def _judged(
    model: FittedModel,
    plan: FitPlan,
    learned: pa.Table,
    calibrating: pa.Table,
    rows: pa.Table,
    rng: np.random.Generator,
) -> _Judged:
    """Score the table's rows, calibrated by the calibration rows.

    Calibration rows and the table's rows are mixed, and all that is decided here is a function of the mixed rows
    together, see :meth:`MixtureOdds.learn`. The score of a row is its surprise by the model of the learned rows, to
    which the nats of the mixture are added if they count (so both weigh as in Fisher's combination of two p-values).
    """
    encoding, constants = model.encoding, model.constants
    encoded = encoding.encode(rows)
    mixed = encoding.encode(calibrating).joined(encoded)
    surprise = model.surprise_model.score(mixed)
    odds = MixtureOdds.learn(encoding.encode(learned).rows, mixed.rows, rng)
    separations = [Separation.of(odds.normal, odds.mixed, rows.num_rows)]
    held_out = model.calibration
    if held_out.source != "training":  # the scores of training rows are lower than those of new rows
        seen = held_out.surprise(held_out.scores)
        separations.append(Separation.of(seen, surprise.surprise, rows.num_rows))
    batch = BatchEvidence.of(*separations)
    nats = odds.nats(constants) if batch.is_used else np.zeros(len(surprise.surprise))
    total = surprise.surprise + nats
    calibration = Calibration.learn(total[: calibrating.num_rows], "held-out", constants)
    own = slice(calibrating.num_rows, None)
    calibrated = calibration.surprise(total[own])
    parts, combination = split_total(
        calibrated, np.column_stack([surprise.column_part[own], nats[own]]), surprise.combination_part[own]
    )
    batch_part = parts[:, -1]
    scored = Surprise(calibrated, calibration.p_value(total[own]), parts[:, :-1], combination + batch_part)
    policy = plan.recipe.policy or strictest_supported(AUTO_FALSE_ALARMS, calibration)
    surprise_model = replace(model.surprise_model, calibration=calibration)
    return _Judged(replace(model, surprise_model=surprise_model, policy=policy), encoded, scored, batch_part, batch)


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
