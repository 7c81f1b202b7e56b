"""The conditions under which a fit may begin with the weights of an earlier one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from oddrow.columns import Kind, TableSchema
from oddrow.detector._detector import Detector, check_fitted
from oddrow.exceptions import SchemaMismatchError, SettingError
from oddrow.remedies import Setting, remedy


def check_start(detector: Detector, start_from: Detector) -> None:
    """Refuse a detector if another one cannot begin with its weights and encoding.

    Raises
    ------
    SettingError
        If it is of another class or has other settings, or if an encoding or kinds of columns are given too.
    sklearn.exceptions.NotFittedError
        If it has not been fitted.
    """
    if type(start_from) is not type(detector):
        raise SettingError(
            f"start_from is a {type(start_from).__name__}; give a fitted {type(detector).__name__}, whose weights fit"
        )
    check_fitted(start_from)
    if start_from.settings != detector.settings:
        raise SettingError(
            f"start_from was fitted with settings {start_from.settings!r}, and these are {detector.settings!r}; "
            "give the same, as they shape the network"
        )
    if detector.encoding is not None:
        raise SettingError("start_from has an encoding, and another is given; give one of them")
    kinds = {column.name: column.kind for column in start_from.model_.encoding.schema.columns}
    for name, kind in (detector.columns or {}).items():
        known = kinds.get(name, Kind.IGNORE)
        if kind != known:
            raise SettingError(
                f"column {name!r} is given as {kind!r}, and to start_from it is {known!r}; leave it so, or fit "
                "without start_from"
            )


def check_same_columns(names: Iterable[str], schema: TableSchema, kinds: Mapping[str, str]) -> None:
    """Refuse a table whose columns differ from a schema, except for columns that either ignores.

    Raises
    ------
    SchemaMismatchError
        If columns are new or missing; the message names them.
    """
    used = set(schema.sources)
    ignored = {column.name for column in schema.columns} - used
    ignored |= {name for name, kind in kinds.items() if kind == Kind.IGNORE}
    there = set(names)
    further, missing = sorted(there - used - ignored), sorted(used - there)
    if missing or further:
        lacks = f"has no column {missing[0]!r}" if missing else f"has a further column {further[0]!r}"
        leave_out = () if missing else ("leave it out with ", Setting("columns", {further[0]: "ignore"}), ", or ")
        raise SchemaMismatchError(
            f"the table {lacks}, unlike the one of the model to start from",
            remedy=remedy(*leave_out, "fit without a model to start from"),
        )
