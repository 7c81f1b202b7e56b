"""The parameters of a detector, checked before long work is done, and the plan of the fit that they define."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from oddrow.columns import (
    NOTHING_ELSE,
    Kind,
    SampledTable,
    Sampling,
    TableEncoding,
    TableSchema,
    TableSketch,
    checked_kinds,
    is_ignored,
)
from oddrow.detector._detector import Detector
from oddrow.detector._start import check_same_columns, check_start
from oddrow.exceptions import DataError, SettingError
from oddrow.fitted import FittedModel
from oddrow.fitting import (
    Dependence,
    FitPlan,
    Recipe,
    RunControl,
    TrainingData,
    checked_calibration,
    checked_checkpoint,
    checked_clean,
    checked_dependence,
    checked_kl_weight,
    checked_max_steps,
    checked_settings,
    checked_time_limit,
    within_memory,
)
from oddrow.policies import check_is_policy, checked_contamination


@dataclass(frozen=True)
class CheckedParameters:
    """The parameters of a detector in the form in which a fit uses them.

    Attributes
    ----------
    recipe : what defines the model
    control : how the fit runs
    kinds : the kinds of columns that are set by hand
    encoding : the given encoding, or that of the model to start from; None learns one
    start : the model to start from
    dependence : which rows depend on each other; None if they are independent
    """

    recipe: Recipe
    control: RunControl
    kinds: Mapping[str, str]
    encoding: TableEncoding | None
    start: FittedModel | None
    dependence: Dependence | None = None

    @classmethod
    def of(cls, detector: Detector, start_from: Detector | None = None) -> CheckedParameters:
        """Refuse invalid parameters, and a detector from which this one cannot start.

        Raises
        ------
        SettingError
            If a parameter is invalid; the message names it, its value, and valid values.
        """
        if detector.encoding is not None and not isinstance(detector.encoding, TableEncoding):
            raise SettingError(f"encoding is {detector.encoding!r}; give a TableEncoding or None")
        if detector.columns is not None and not isinstance(detector.columns, Mapping):
            raise SettingError(f"columns is {detector.columns!r}; give a mapping of column name to kind, or None")
        recipe, control = _recipe(detector), _control(detector)
        dependence = checked_dependence(recipe.calibration, detector.time, detector.group, detector.gap)
        kinds = dict(detector.columns or {})
        if dependence is not None and dependence.group is not None:
            kinds.setdefault(dependence.group, Kind.IGNORE)
        if start_from is None:
            return cls(recipe, control, kinds, detector.encoding, None, dependence)
        check_start(detector, start_from)
        return cls(recipe, control, kinds, start_from.model_.encoding, start_from.model_, dependence)

    def reads(self, name: str) -> bool:
        """Return whether the column of this name is used; an unused column may hold anything."""
        if self.dependence is not None and name in self.dependence.columns:
            return True
        if self.encoding is not None:
            return name in self.encoding.sources
        return not is_ignored(self.kinds.get(name))

    def check_columns(self, names: Iterable[str]) -> None:
        """Refuse a table that lacks named columns, or has other columns than the model to start from.

        Raises
        ------
        SettingError, SchemaMismatchError
            If so; the message names the column.
        """
        names = list(map(str, names))
        if self.start is not None:
            check_same_columns(names, self.start.encoding.schema, self.kinds)
        elif self.encoding is None:
            checked_kinds(self.kinds, names)
        if self.dependence is not None:
            self.dependence.check_columns(names)

    def sampling(self, rng: np.random.Generator) -> Sampling:
        """Return the sampling of a table that comes in batches."""
        # from a copy, so that the fit draws the same whether its rows came in batches or not
        seed = int(deepcopy(rng).integers(2**63))
        also = frozenset() if self.dependence is None else frozenset(self.dependence.columns)
        if self.encoding is None:
            return Sampling(seed, dict(self.kinds), also=also)
        # columns with a given encoding learn nothing, so the rows outside the sample need no summary
        sources = self.encoding.sources
        return Sampling(seed, dict.fromkeys(sources, Kind.IGNORE), frozenset(sources), also=also)

    def fitting_sample(self, table: SampledTable) -> tuple[SampledTable, TableSchema]:
        """Return the table, its sample limited to the memory of a fit, and the schema of the whole sample."""
        encoding = self.encoding
        if encoding is not None:
            return within_memory(table, lambda _: encoding), encoding.schema
        schema = TableSchema.infer(table.sample.ordered, self.kinds, table.rest)

        def learned(table: SampledTable) -> TableEncoding:
            return TableEncoding.learn(schema, table.sample.rows, self.recipe.style, table.rest)

        return within_memory(table, learned), schema

    def plan(self, table: pa.Table, rest: TableSketch = NOTHING_ELSE, schema: TableSchema | None = None) -> FitPlan:
        """Return the plan of a fit to a table and summaries of further rows; ``schema`` is its schema, if known.

        Raises
        ------
        DataError
            If the table has fewer than two rows, or no column that can be learned from.
        SchemaMismatchError
            If its columns are not those of the model to start from.
        """
        if table.num_rows < 2:
            raise DataError(
                f"the table has n_samples={table.num_rows} row; fitting needs at least 2 (1 sample is no sample)"
            )
        if self.start is not None:
            check_same_columns(table.column_names, self.start.encoding.schema, self.kinds)
        if self.encoding is not None:
            schema = self.encoding.schema
        elif schema is None:
            schema = TableSchema.infer(table, self.kinds, rest)
        # if some rows may be odd, so may the rows that are only in the summaries
        rest = rest if self.recipe.clean == "assume" else NOTHING_ELSE
        start = None if self.start is None else self.start.network
        return FitPlan(self.recipe, TrainingData(schema, self.encoding, rest, start, self.dependence), self.control)


def _recipe(detector: Detector) -> Recipe:
    recipe = checked_settings(detector.settings)
    flagged_share = checked_contamination(detector.contamination)
    if detector.policy is not None:
        check_is_policy(detector.policy)
        if flagged_share is not None:
            raise SettingError(
                f"contamination={detector.contamination!r} and policy={detector.policy!r} both decide; give one"
            )
    return replace(
        recipe,
        evidence=recipe.evidence.weighted(detector.view_weights),
        is_variational=detector.is_variational,
        kl_weight=checked_kl_weight(detector.kl_weight),
        calibration=checked_calibration(detector.calibration),
        clean=checked_clean(detector.clean),
        policy=detector.policy,
        flagged_share=flagged_share,
    )


def _control(detector: Detector) -> RunControl:
    if not isinstance(detector.device, str):
        raise SettingError(f"device is {detector.device!r}; give 'auto', or a platform of JAX's, as 'cpu' or 'gpu'")
    return RunControl(
        on_progress=detector.on_progress,
        on_phase=detector.on_phase,
        on_interrupt=detector.on_interrupt,
        max_steps=checked_max_steps(detector.max_steps),
        time_limit=checked_time_limit(detector.time_limit),
        checkpoint=checked_checkpoint(detector.checkpoint, detector.resume, detector.random_state),
        resume=detector.resume,
        device=detector.device,
    )
