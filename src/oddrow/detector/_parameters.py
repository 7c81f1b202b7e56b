"""The parameters of a detector, checked before long work is done, and the plan of the fit that they define."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from oddrow.columns import (
    ALL_COLUMNS,
    NOTHING_ELSE,
    Kind,
    SampledTable,
    Sampling,
    TableEncoding,
    TableSchema,
    TableSketch,
    checked_kinds,
    given_sources,
    is_ignored,
)
from oddrow.detector._detector import Detector
from oddrow.detector._start import check_same_columns, check_start
from oddrow.exceptions import DataError, SettingError
from oddrow.fitted import FittedModel
from oddrow.fitting import (
    CalibrationName,
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
from oddrow.sequences import EntityHistory, HistoryPlan, Preparation, WindowPlan, Windows


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
    sequences : what derives the rows that are learned from, or its specification; None if nothing does
    ordered_by : the column that orders the rows, or "order"; None if no order is known
    """

    recipe: Recipe
    control: RunControl
    kinds: Mapping[str, str]
    encoding: TableEncoding | None
    start: FittedModel | None
    dependence: Dependence | None = None
    sequences: Windows | EntityHistory | Preparation | None = None
    ordered_by: str | None = None

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
        time, sequences = detector.time, checked_sequences(detector.sequences)
        if sequences is not None:
            if detector.encoding is not None or start_from is not None:
                raise SettingError("an encoding, or a model to start from, cannot be given together with sequences")
            if recipe.calibration == "blocks" and detector.group is None and time is None:
                time = sequences.time
        dependence = checked_dependence(recipe.calibration, time, detector.group, detector.gap)
        kinds = dict(detector.columns or {})
        if dependence is not None and dependence.group is not None:
            kinds.setdefault(dependence.group, Kind.IGNORE)
        if start_from is None:
            return cls(recipe, control, kinds, detector.encoding, None, dependence, sequences, time)
        check_start(detector, start_from)
        start = start_from.model_
        return cls(recipe, control, kinds, start.encoding, start, dependence)

    def reads(self, name: str) -> bool:
        """Return whether the column of this name is used; an unused column may hold anything."""
        if name in self._ordering:
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
        if self.sequences is not None:
            missing = [name for name in (self.sequences.time, self.sequences.entity) if name not in (None, *names)]
            if missing:
                raise SettingError(f"sequences name the column {missing[0]!r:.60}, which the table does not have")
            return  # other parameters are about derived columns, too
        if self.dependence is not None:
            self.dependence.check_columns(names)
        if self.start is not None:
            check_same_columns(names, self.start.encoding.schema, self.kinds)
        elif self.encoding is None:
            checked_kinds(self.kinds, names)

    @property
    def _ordering(self) -> frozenset[str]:
        """The columns that order or group the rows, which are read even if they are ignored."""
        names = () if self.dependence is None else self.dependence.columns
        if self.sequences is not None:
            names = (*names, self.sequences.time, *filter(None, [self.sequences.entity]))
        return frozenset(names)

    def learned_sequences(self, table: pa.Table) -> Preparation:
        """Return the preparation, learned from a table if it is not yet."""
        sequences = self.sequences
        if isinstance(sequences, Windows | EntityHistory):
            return sequences.learn(table, _kinds_of(self.kinds, table.column_names))
        assert sequences is not None  # noqa: S101 - the caller has checked it
        return sequences

    def of_derived(self, preparation: Preparation, raw: Iterable[str], names: Iterable[str]) -> CheckedParameters:
        """Return the parameters of a fit to derived rows.

        The entity is left out: later rows may be of entities that the training rows do not have.

        Parameters
        ----------
        preparation
            What derives the rows.
        raw, names
            The columns of the table, and of the derived rows.

        Raises
        ------
        SettingError
            If a kind is given for a column that neither has.
        """
        raw, names = list(raw), list(names)
        checked_kinds(self.kinds, list(dict.fromkeys((*raw, *names))))
        kinds = _kinds_of(self.kinds, names)
        if not all(map(preparation.keeps, raw)):  # what is said of all columns is about those of the table
            kinds.pop(ALL_COLUMNS, None)
        for name, kind in preparation.kinds.items():
            kinds.setdefault(name, kind)
        if preparation.entity is not None:
            kinds.setdefault(preparation.entity, Kind.IGNORE)
        return replace(self, kinds=kinds, sequences=None, ordered_by=preparation.time)

    def sampling(self, rng: np.random.Generator) -> Sampling:
        """Return the sampling of a table that comes in batches."""
        # from a copy, so that the fit draws the same whether its rows came in batches or not
        seed = int(deepcopy(rng).integers(2**63))
        also = self._ordering
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
        schema = self._schema(table.sample.ordered, table.rest)

        def learned(table: SampledTable) -> TableEncoding:
            return TableEncoding.learn(schema, table.sample.rows, self.recipe.style, table.rest)

        return within_memory(table, learned), schema

    def _schema(self, table: pa.Table, rest: TableSketch) -> TableSchema:
        schema, time = TableSchema.infer(table, self.kinds, rest), self.ordered_by
        if time is None or time in self.kinds or time not in table.column_names:
            return schema
        return schema.ordered_by(time)

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
        if self.dependence is not None:
            self.dependence.check_columns(table.column_names)
        if self.encoding is not None:
            schema = self.encoding.schema
        elif schema is None:
            schema = self._schema(table, rest)
        # if some rows may be odd, so may the rows that are only in the summaries
        rest = rest if self.recipe.clean == "assume" else NOTHING_ELSE
        start = None if self.start is None else self.start.network
        return FitPlan(self.recipe, TrainingData(schema, self.encoding, rest, start, self.dependence), self.control)


def checked_sequences(sequences: object) -> Windows | EntityHistory | Preparation | None:
    """Return a preparation, or its specification.

    Raises
    ------
    SettingError
        If it is neither, and not None.
    """
    if sequences is None or isinstance(sequences, Windows | EntityHistory | WindowPlan | HistoryPlan):
        return sequences
    raise SettingError(f"sequences is {sequences!r:.80}; give Windows(...), EntityHistory(...), or what they learn")


def check_derived_rows(n_rows: int, preparation: Preparation) -> None:
    """Refuse to learn from fewer than two derived rows.

    Raises
    ------
    DataError
        If there are fewer; the message says that the table is too short for its windows.
    """
    if n_rows < 2:
        found = "no full window ends" if n_rows == 0 else "a full window ends at one row only"
        what = f"{found} in the table" if preparation.kind == "windows" else f"the table has {n_rows} row"
        raise DataError(f"{what}; fitting needs at least 2 (n_samples={n_rows}): give more rows, or shorter windows")


def _kinds_of(kinds: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """Return the settings of the columns of a table with these names, and of columns that are read from them."""
    given = {name: text for name, text in kinds.items() if name in names or name == ALL_COLUMNS}
    for name, text in kinds.items():
        sources = given_sources(name, text)
        if sources and set(sources) <= set(names):
            given[name] = text
    return given


def _calibration(detector: Detector) -> CalibrationName:
    depends = any(value is not None for value in (detector.time, detector.group, detector.sequences))
    return checked_calibration(detector.calibration, depends=depends)


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
        calibration=_calibration(detector),
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
