"""Find the odd rows of one table: each row is scored by a model fitted without it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.batch import scored_table
from oddrow.calibration import Calibration
from oddrow.detector._detector import generator
from oddrow.detector._estimators import AutoencoderDetector, VAEDetector
from oddrow.detector._find_against import find_against
from oddrow.detector._find_stages import begin, fitted_to_all, stage
from oddrow.detector._found import Found
from oddrow.detector._parameters import CheckedParameters
from oddrow.detector._tables import index_of, with_index
from oddrow.exceptions import DataError, SettingError, TrainingHealthWarning
from oddrow.explanation import Explanation, explain
from oddrow.fitted import FittedModel
from oddrow.fitting import AUTO_FALSE_ALARMS, Cleaning, FitPlan, Recipe, clean_table, fit_model
from oddrow.policies import Promise, RareRows, columns_text, expected_text, is_flood
from oddrow.table import as_table

FIND_FOLDS = 3
"""Number of folds of the table, each scored by a model of the others."""
MIN_ROWS = 6
"""Minimum number of rows; with fewer, a fold's model has too few rows to learn from."""


def find(
    table: Any,
    detector: VAEDetector | AutoencoderDetector | None = None,
    *,
    normal: Any = None,
    top: int = 20,
    reasons: int = 3,
    keep: bool = False,
    explain_all: bool = True,
    on_phase: Callable[[str], None] | None = None,
) -> Found:
    """Find the odd rows of an unknown table, or of a table beside normal rows.

    Without ``normal``, the table is split at random into three folds, and each fold is scored by a detector fitted on
    the other two. That fit uses no row of the fold, neither to train, nor to stop, nor to calibrate, nor to learn the
    encoding; only the kinds of the columns are judged on the whole table.

    With ``normal``, a detector is fitted to the normal rows, some of which calibrate. The table is also looked at as a
    whole: a classifier separates normal rows from the table's rows, mixed with the calibration rows. If at least about
    5 % of the table's rows seem to be odd, the nats of the classifier are added to the detector's; otherwise the scores
    are exactly the detector's. Either way the p-values are valid if the normal rows of the table are like ``normal``. A
    row's score depends on the other rows of the table, so it is no score for a stream.

    Parameters
    ----------
    table
        Table [n, n_columns] of at least 6 rows, as :meth:`VAEDetector.fit` takes it.
    detector
        The detector to fit; it is not changed. By default ``VAEDetector(clean="robust", random_state=0)``, and
        ``VAEDetector(random_state=0)`` with ``normal``.
    normal
        Normal rows, a table of at least 20 rows with the same columns. The more rows, the lower a p-value can be.
    top, reasons
        How many of the strangest rows are explained, and by how many columns each.
    keep
        Whether to fit a detector on the whole table as well, or on all normal rows, for later rows.
    explain_all
        Whether ``scored`` has the reasons of all rows. They take about as long as the scores. The ``top`` strangest
        rows are always explained.
    on_phase
        Called as ``on_phase(name)`` when a phase begins: "cleaning", for each k of the n fits "fitting k of n" and
        "calibrating k of n", for each k of the 3 folds "scoring k of 3" (with ``normal``, "scoring 1 of 1"), and
        "explaining".

    Raises
    ------
    DataError
        If the table has fewer than 6 rows, or cannot be learned from. With ``normal``, if it has no row, or if there
        are fewer than 20 normal rows.
    SchemaMismatchError
        If the table lacks a column of the normal rows.
    SettingError
        If ``top`` or ``reasons`` is less than 1, or a parameter of the detector is invalid.

    Examples
    --------
    >>> import numpy as np, oddrow
    >>> rows = np.random.default_rng(0).normal(size=(600, 3))
    >>> rows[7] = [30.0, 0.0, 0.0]
    >>> found = oddrow.find(rows, top=1)
    >>> found.strangest[0].row, found.strangest[0].reasons[0].column
    (7, 'x0')

    >>> later = np.random.default_rng(1).normal(size=(100, 3))
    >>> later[:40, 1] += 4.0
    >>> found = oddrow.find(later, normal=rows)
    >>> found.batch.is_used, sorted(found.strangest[0].reasons, key=lambda reason: -reason.nats)[0].column
    (True, 'x1')
    """
    pattern = _checked_pattern(detector, top, reasons, clean="robust" if normal is None else "assume")
    parameters = CheckedParameters.of(pattern)
    if parameters.dependence is not None or parameters.sequences is not None:
        raise SettingError(
            "find holds rows out at random, and rows that depend on each other need blocks of time or groups; fit a "
            "detector to earlier rows, and score the later ones"
        )
    if normal is not None:
        return find_against(
            pattern, table, normal, top=top, reasons=reasons, keep=keep, explain_all=explain_all, on_phase=on_phase
        )
    _check_policy(parameters.recipe)
    rows = as_table(table, reads=parameters.reads, passes=True)
    if rows.num_rows < MIN_ROWS:
        raise DataError(f"the table has {rows.num_rows} rows; finding odd rows among them needs at least {MIN_ROWS}")
    # only the kinds of the columns are learned from all folds together
    plan = parameters.plan(rows)
    rng = generator(pattern.random_state)
    begin(on_phase, "cleaning")
    # the random stream with which a fit of this seed cleans, so that the detector of ``keep`` estimates the same
    cleaning = clean_table(rows, plan.data.schema, rng.spawn(1)[0])
    fold = rng.permutation(np.arange(rows.num_rows) % FIND_FOLDS)
    n_fits = FIND_FOLDS + keep
    models = _fitted_models(plan, rows, fold, n_fits, on_phase, rng)
    diagnoses = (diagnosis for model in models for diagnosis in model.network.health.diagnoses if diagnosis.is_certain)
    for text in dict.fromkeys(diagnosis.text for diagnosis in diagnoses):
        warnings.warn(text, TrainingHealthWarning, stacklevel=2)
    scored, rare = _scored(models, rows, fold, reasons if explain_all else None, on_phase)
    strangest = np.argsort(-scored.column("surprise").to_numpy(), kind="stable")[:top]
    promise = models[0].policy.promise(models[0].calibration)
    note = _flood_note(models, rare, cleaning)
    if _are_too_few(models, parameters.recipe):
        note = None  # fewer rows are flagged than the model's policy would flag
        scored, promise = _sparingly_flagged(scored, cleaning, models[0].calibration)
    begin(on_phase, "explaining")
    explanations = with_index(_explained(models, rows, fold, strangest, reasons, scored.column("is_odd")), table)
    notes = tuple(column.note for column in plan.data.schema.columns if column.note)
    kept = fitted_to_all(pattern, table, stage(plan.control, FIND_FOLDS, n_fits, on_phase)) if keep else None
    found = Found(scored, explanations, cleaning, fold, promise, note, kept, notes)
    return replace(found, models=tuple(models), index=index_of(table))


def _checked_pattern(
    detector: VAEDetector | AutoencoderDetector | None, top: int, reasons: int, clean: str
) -> VAEDetector | AutoencoderDetector:
    for name, value in (("top", top), ("reasons", reasons)):
        if not isinstance(value, int) or value < 1:
            raise SettingError(f"{name} is {value!r}; give 1 or more")
    if detector is not None and not isinstance(detector, VAEDetector | AutoencoderDetector):
        raise SettingError(f"detector is {detector!r}; give a VAEDetector or an AutoencoderDetector as a pattern")
    pattern = VAEDetector(clean=clean, random_state=0) if detector is None else detector
    if pattern.checkpoint is not None:
        raise SettingError("find makes several fits and keeps no checkpoint of them; fit a detector by itself for one")
    return pattern


def _check_policy(recipe: Recipe) -> None:
    if recipe.policy is not None and recipe.policy.needs.all_rows:
        raise SettingError(
            f"find decides each row by the model of its fold, and {recipe.policy!r} looks at a whole batch; "
            "give a policy that decides a row by itself"
        )


def _fitted_models(
    plan: FitPlan,
    rows: pa.Table,
    fold: npt.NDArray[np.int64],
    n_fits: int,
    on_phase: Callable[[str], None] | None,
    rng: np.random.Generator,
) -> list[FittedModel]:
    """Return, for each fold of the table, a model of the rows of all other folds."""
    recipe = replace(plan.recipe, evidence=plan.recipe.evidence.isolating())
    models = []
    for part in range(FIND_FOLDS):
        part_plan = replace(plan, recipe=recipe, control=stage(plan.control, part, n_fits, on_phase))
        model = fit_model(part_plan, rows.take(np.flatnonzero(fold != part)), rng.spawn(1)[0]).model
        models.append(model)
    return models


def _scored(
    models: list[FittedModel],
    rows: pa.Table,
    fold: npt.NDArray[np.int64],
    reasons: int | None,
    on_phase: Callable[[str], None] | None,
) -> tuple[pa.Table, list[RareRows]]:
    """Score every row by the model of its fold, in the order of the table; also return the rare rows of each fold."""
    members = [np.flatnonzero(fold == part) for part in range(len(models))]
    parts, rare = [], []
    for part, (model, member) in enumerate(zip(models, members, strict=True)):
        begin(on_phase, f"scoring {part + 1} of {len(models)}")
        scored = scored_table(model, rows.take(member), reasons)
        parts.append(scored.rows)
        rare.append(model.rare_rows(scored.scored))
    return pa.concat_tables(parts).take(np.argsort(np.concatenate(members))), rare


def _flood_note(models: list[FittedModel], rare: list[RareRows], cleaning: Cleaning) -> str | None:
    """Return a note if a fold has more flagged rows than the upper end of the estimate and chance explain, else None.

    Each fold is tested separately, at a level divided by the number of folds (Bonferroni), as the calibrations differ.
    """
    levels = [(model.policy.rare_level(model.calibration), model.calibration) for model in models]
    if not any(
        is_flood(rows, level, calibration, allowed=cleaning.high * rows.n_rows, n_tests=len(models))
        for rows, (level, calibration) in zip(rare, levels, strict=True)
    ):
        return None
    found = sum(rare, RareRows())
    chance = sum(
        (level.exceeded + 1) / (calibration.n_rows + 1) * rows.n_rows
        for rows, (level, calibration) in zip(rare, levels, strict=True)
    )
    expected = expected_text(chance + cleaning.share * found.n_rows)
    return (
        f"{found.n_rare:,} of {found.n_rows:,} rows are flagged where {expected}{columns_text(found)}: "
        "so many rows are a separate kind rather than odd; leave out a column that carries no information"
    )


def _are_too_few(models: list[FittedModel], recipe: Recipe) -> bool:
    """Return whether the default policy applies and a model has too few calibration rows to support it."""
    is_default = recipe.policy is None and recipe.flagged_share is None
    return is_default and min(model.calibration.n_rows for model in models) + 1 < 1 / AUTO_FALSE_ALARMS


def _sparingly_flagged(scored: pa.Table, cleaning: Cleaning, calibration: Calibration) -> tuple[pa.Table, Promise]:
    """Return scored rows with fewer flags, and their promise, if the calibration rows are too few for the default.

    The default then flags rows above the second strangest of n calibration rows, which 2 of n + 1 normal rows are: up
    to 40 % of a small table. Of the flagged rows, those that stand out stay flagged, and as many of the strangest
    others as the default rate of false alarms allows.
    """
    most_others = int(AUTO_FALSE_ALARMS * scored.num_rows)
    may_be = np.zeros(scored.num_rows, np.bool_)
    may_be[np.argsort(-scored.column("surprise").to_numpy(), kind="stable")[:most_others]] = True
    may_be[list(cleaning.rows_set_aside)] = True
    is_odd = scored.column("is_odd").to_numpy(zero_copy_only=False) & may_be
    others = f" and at most {most_others} of the strangest others" if most_others else ""
    n_rows = calibration.n_rows
    rule = (
        f"too few rows to be sure: {n_rows} held-out rows show no rate below 1 in {n_rows + 1}; "
        f"flagged are rows that stand out{others}"
    )
    promise = Promise(n_rows=n_rows, source=calibration.source, rule=rule)
    return scored.set_column(scored.column_names.index("is_odd"), "is_odd", pa.array(is_odd)), promise


def _explained(
    models: list[FittedModel],
    rows: pa.Table,
    fold: npt.NDArray[np.int64],
    wanted: npt.NDArray[np.int64],
    reasons: int,
    is_odd: pa.ChunkedArray,
) -> tuple[Explanation, ...]:
    """Return explanations of the wanted rows, one batch per fold, because one row takes as long as hundreds."""
    explained: dict[int, Explanation] = {}
    for part, model in enumerate(models):
        members = wanted[fold[wanted] == part]
        if len(members):
            found = zip(members.tolist(), explain(model, rows.take(members), reasons), strict=True)
            explained |= {row: replace(explanation, row=row) for row, explanation in found}
    return tuple(replace(explained[row], is_odd=is_odd[row].as_py()) for row in wanted.tolist())
