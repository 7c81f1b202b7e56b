"""Entity features: what each row adds to the earlier rows of its entity, such as payments of one card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.columns import ColumnSchema, Kind, TableSchema
from oddrow.exceptions import DataError, SettingError
from oddrow.sequences._entity_memory import unpacked_memories
from oddrow.sequences._grouped_rows import unit_exponent
from oddrow.sequences._history_columns import HistoryColumns, NumberHistory
from oddrow.sequences._history_run import HistoryRun, check_features
from oddrow.sequences._plan_checks import check_history
from oddrow.sequences._preparation import SequenceState
from oddrow.sequences._whole_table import time_order, unfit_rows
from oddrow.table import as_table, shortened


@dataclass(frozen=True)
class EntityHistory:
    """Features of each row from the earlier rows of the same entity, such as the earlier payments of a card.

    A burst of payments of one card can be ordinary row by row; its rows are odd given the rows before them.

    Attributes
    ----------
    entity : the column whose equal values are one entity
    time : the column of the time of a row: dates and times, or numbers of seconds
    amounts : the number columns whose sums and medians are features; None means every column of the kind number

    Examples
    --------
    >>> payments = {
    ...     "at": ["2024-03-01 10:00", "2024-03-01 10:01", "2024-03-01 10:02", "2024-03-02 10:01"],
    ...     "card": ["a", "a", "b", "a"],
    ...     "amount": [5.0, 7.5, 8.0, 2.5],
    ... }
    >>> derived = EntityHistory(entity="card", time="at").table(payments)
    >>> derived.select(["seconds_since_last", "rows_5min", "amount.sum_day"]).to_pylist()[1]
    {'seconds_since_last': 60.0, 'rows_5min': 1, 'amount.sum_day': 5.0}
    """

    entity: str
    time: str
    amounts: Sequence[str] | None = None

    def learn(self, table: Any, columns: Mapping[str, str] | None = None) -> HistoryPlan:
        """Learn the kinds of the columns, and so the features, from the training rows, which may be in any order.

        Parameters
        ----------
        table
            The training rows, in any container that :func:`oddrow.table.as_table` reads.
        columns
            Kinds of columns that are given instead of judged, as in :meth:`oddrow.columns.TableSchema.infer`.

        Raises
        ------
        SettingError
            If ``entity``, ``time`` or one of ``amounts`` is not a column, or a feature has the name of a column.
        DataError
            If the column ``time`` does not hold times.
        """
        rows = as_table(table)
        amounts = None if self.amounts is None else tuple(dict.fromkeys(self.amounts))
        _check_names(rows.column_names, {"entity": [self.entity], "time": [self.time], "amounts": amounts or ()})
        if self.entity == self.time:
            raise SettingError(f"entity and time are the same column, {shortened(self.time)}; name two columns")
        given = {name: kind for name, kind in (columns or {}).items() if name not in (self.entity, self.time)}
        if amounts is not None:
            given = dict.fromkeys(amounts, Kind.NUMBER) | given
        given[self.entity] = Kind.CATEGORY
        judged = TableSchema.judge(rows, given | _given(columns, self.time))
        time = _time_column(self.time, rows, judged)
        used = [one for one in judged.columns if one.name not in (self.entity, self.time)]
        if amounts is not None:
            used = [one for one in used if one.kind != Kind.NUMBER or one.name in amounts]
        used = [one for one in used if one.kind in (Kind.NUMBER, Kind.CATEGORY)]
        entity = next(one for one in judged.columns if one.name == self.entity)
        schema = TableSchema(tuple(replace(one, why="", note="") for one in (time, entity, *used)))
        plan = HistoryPlan(HistoryColumns(self.time, self.entity, schema, _numbers(used, rows)))
        check_features(plan.columns, rows.column_names, SettingError)
        return plan

    def table(self, table: Any) -> pa.Table:
        """Return the derived rows of a table in memory, in the order of time; equal times keep their order.

        Raises
        ------
        SettingError, DataError
            As in :meth:`learn`; also if the time of a row is missing.
        """
        rows = as_table(table)
        plan = self.learn(rows)
        order = time_order(plan.schema, plan.time, rows)
        return plan.begin().feed(rows.take(pa.array(order))).table


@dataclass(frozen=True)
class HistoryPlan:
    """A learned :class:`EntityHistory`.

    Attributes
    ----------
    columns : the columns that are read, and how
    """

    columns: HistoryColumns
    kind: Literal["history"] = "history"

    @property
    def time(self) -> str:
        """The column of the time of a row."""
        return self.columns.time

    @property
    def entity(self) -> str:
        """The column whose equal values are one entity."""
        return self.columns.entity

    @property
    def schema(self) -> TableSchema:
        """The raw columns that are read, and their kinds."""
        return self.columns.schema

    @property
    def max_gap(self) -> int:
        """Alerts of neighbouring rows of an entity are one event."""
        return 1

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns of the table from which features are computed; derived rows keep all other columns, too."""
        return self.columns.schema.sources

    @property
    def summary(self) -> str:
        """What is derived, in words: 'features of the earlier rows of each 'card', in the order of 'at''."""
        return f"features of the earlier rows of each {shortened(self.entity)}, in the order of {shortened(self.time)}"

    @property
    def kinds(self) -> Mapping[str, str]:
        """The kind of each feature, for the schema of the derived rows."""
        return self.columns.kinds

    def begin(self, state: SequenceState | None = None) -> HistoryRun:
        """Begin a pass over rows; with a state, after the rows that it describes.

        Raises
        ------
        DataError
            If the state is not one of this plan.
        """
        of = self.columns
        memories = {} if state is None else unpacked_memories(state, len(of.numbers), len(of.categories))
        return HistoryRun(of, memories)

    def unfit_rows(self, table: pa.Table) -> dict[int, str]:
        """Return the rows of a table that have no place among those of their entity, counted from 0, with the reason.

        Raises
        ------
        SchemaMismatchError
            If a column is missing, or has a type that its kind does not allow in any row.
        """
        return unfit_rows(self.schema, self.time, table)

    def check(self) -> None:
        """Refuse a plan that :meth:`EntityHistory.learn` cannot have learned, such as a damaged one from a file.

        Raises
        ------
        SettingError
            If there is a fault; the message names it.
        """
        check_history(self.columns)

    def keeps(self, column: str) -> bool:  # noqa: ARG002 - of the protocol
        """Return whether a column of the table is one of the derived rows, too: all are."""
        return True

    def derives(self, column: str) -> bool:
        """Return whether a column is a feature, and not one of the table."""
        return column in self.columns.features

    def original(self, column: str) -> str:
        """Return the original column from which a derived column is computed; a column of the table is its own."""
        return self.columns.features[column][0] if column in self.columns.features else column

    def words(self, column: str) -> str:
        """Return a derived column in words: 'amount: sum in the 5 minutes before, same card'.

        Examples
        --------
        >>> plan = EntityHistory("card", "at").learn({"at": [1, 2, 3], "card": ["a", "b", "a"], "paid": [1.5, 2.5, 9]})
        >>> plan.words("paid.sum_hour")
        'paid: sum in the hour before, same card'
        >>> plan.words("card")
        'card'
        """
        if column not in self.columns.features:
            return column
        original, words = self.columns.features[column]
        return f"{original}: {words}"


def _check_names(names: Sequence[str], wanted: Mapping[str, Sequence[str]]) -> None:
    for setting, columns in wanted.items():
        for name in columns:
            if name not in names:
                shown = ", ".join(map(shortened, names[:10])) + (", ..." if len(names) > 10 else "")
                raise SettingError(f"{setting} names {shortened(name)}, which is not a column; the table has {shown}")


def _given(columns: Mapping[str, str] | None, name: str) -> dict[str, str]:
    """Return the user's settings for one column, unless they leave it out of the model."""
    text = (columns or {}).get(name, "")
    return {name: text} if text and text.partition(";")[0].strip() != Kind.IGNORE else {}


def _time_column(name: str, table: pa.Table, judged: TableSchema) -> ColumnSchema:
    """Return the column of times, or of numbers of seconds.

    Raises
    ------
    DataError
        If it holds neither.
    """
    column = next(one for one in judged.columns if one.name == name)
    values = table.column(name)
    if column.kind != Kind.TIMESTAMP:
        is_number = pa.types.is_integer(values.type) or pa.types.is_floating(values.type)
        kind = Kind.NUMBER if is_number or column.kind in (Kind.NUMBER, Kind.COUNTER) else Kind.TIMESTAMP
        try:
            column = TableSchema.judge(table.select([name]), {name: kind}).columns[0]
            column = replace(column, form=replace(column.form, is_lenient=False))
            TableSchema((column,)).values(table)
        except DataError as error:
            raise DataError(f"column {shortened(name)} cannot be the time of rows: {error}") from error
    if column.form.dates == "time" or pa.types.is_time(values.type):
        raise DataError(f"column {shortened(name)} holds times of day, which do not order rows of several days")
    return replace(column, form=replace(column.form, is_lenient=False))


def _numbers(used: Sequence[ColumnSchema], table: pa.Table) -> tuple[NumberHistory, ...]:
    columns = tuple(one for one in used if one.kind == Kind.NUMBER)
    values = TableSchema(columns).values(table)
    found = []
    for one in columns:
        numbers = np.asarray(values[one.name], np.float64)
        found.append(NumberHistory(one.name, unit_exponent(numbers), _are_positive(numbers)))
    return tuple(found)


def _are_positive(values: npt.NDArray[np.float64]) -> bool:
    """Return whether no value is negative: a ratio to a median around 0 says nothing."""
    return not bool(np.any(values < 0))
