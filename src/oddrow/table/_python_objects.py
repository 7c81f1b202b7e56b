"""Convert columns of NumPy values and of Python objects to Arrow, by the type that their values share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.exceptions import DataError
from oddrow.table._values import shortened


def from_numpy(name: str, values: npt.NDArray[Any]) -> pa.Array:
    """Read one NumPy column ``values`` [n]; NaN, NaT and masked values become null."""
    kind = values.dtype.kind
    if kind == "c":
        raise DataError(f"Complex data not supported: column {shortened(name)}; split it into real and imaginary parts")
    if kind == "O":
        if isinstance(values, np.ma.MaskedArray):
            mask, values = np.ma.getmaskarray(values), values.filled().copy()
            values[mask] = None
        return from_objects(name, values)
    try:
        return pa.array(_arrow_ready(values), from_pandas=True)
    except (pa.ArrowException, TypeError) as error:
        raise DataError(
            f"column {shortened(name)} cannot be read: its NumPy type is {values.dtype}; "
            "convert it to numbers, text or times"
        ) from error


def _arrow_ready(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Convert NumPy types that Arrow does not have to the nearest one that it has."""
    dtype = values.dtype
    if dtype.kind == "f" and dtype.itemsize not in (4, 8):
        return values.astype(np.float32 if dtype.itemsize < 4 else np.float64)
    if dtype.kind in "mM":
        unit = np.datetime_data(dtype)[0]
        if unit not in ("s", "ms", "us", "ns") and (dtype.kind, unit) != ("M", "D"):
            return values.astype(f"{dtype.kind}8[s]")
    return values if dtype.isnative else values.astype(dtype.newbyteorder("="))


def from_objects(name: str, values: npt.NDArray[Any]) -> pa.Array:
    """Read one column of Python objects ``values`` [n] by the type that they share, or as :func:`_from_mixed` does."""
    # Arrow 26 crashes on a datetime64 object before another NumPy object, and casts a complex one to a date.
    if any(isinstance(value, (np.datetime64, np.timedelta64, np.complexfloating)) for value in values):
        return _from_numpy_objects(name, values)
    try:
        column = pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, ArithmeticError):
        return _from_mixed(name, values)
    # Arrow reads a date followed by a datetime as two dates, and a duration followed by a number as two durations.
    # It reads a UUID as an extension type of bytes, where users expect its text.
    if isinstance(column.type, pa.BaseExtensionType):
        return _from_mixed(name, values)
    if pa.types.is_temporal(column.type):
        present = [value for value in values if not _is_missing(value)]
        if len({_kind_of_time(value) for value in present}) > 1:
            return _from_mixed(name, values)
        if any(getattr(value, "nanosecond", 0) or getattr(value, "nanoseconds", 0) for value in present):
            return _with_nanoseconds(column, values)
    return column


def _with_nanoseconds(column: pa.Array, values: npt.NDArray[Any]) -> pa.Array:
    """The times or durations with the nanoseconds of pandas, which Arrow drops; unchanged if out of range."""
    is_moment = pa.types.is_timestamp(column.type)
    try:
        return pa.array(
            values, pa.timestamp("ns", column.type.tz) if is_moment else pa.duration("ns"), from_pandas=True
        )
    except pa.ArrowException:
        return column


def _from_numpy_objects(name: str, values: npt.NDArray[Any]) -> pa.Array:
    """Read objects on which Arrow fails: by NumPy if all are datetime64 or all are timedelta64."""
    present = [value for value in values if not _is_missing(value)]
    for kind, letter in ((np.datetime64, "M"), (np.timedelta64, "m")):
        if present and all(isinstance(value, kind) for value in present):
            units = {np.datetime_data(value.dtype)[0] for value in present}
            unit = units.pop() if len(units) == 1 else "us"
            times = np.full(len(values), "NaT", f"{letter}8[{unit}]")
            times[[not _is_missing(value) for value in values]] = present
            return from_numpy(name, times)
    return _from_mixed(name, values)


def _kind_of_time(value: Any) -> type | None:
    return next((kind for kind in (datetime, date, time, timedelta) if isinstance(value, kind)), None)


def _from_mixed(name: str, values: npt.NDArray[Any]) -> pa.Array:
    """Read objects of several types: numbers as float64, dates and datetimes as timestamps, others as text.

    Text keeps every distinction that ``str()`` shows. A stray word in a column of numbers is therefore visible when
    the kind of the column is judged; it is neither an error here nor a missing value.
    """
    present = [value for value in values if not _is_missing(value)]
    for value in present:
        if isinstance(value, (dict, list, tuple, set, frozenset, np.ndarray)):
            raise nested(name, type(value).__name__)
        if isinstance(value, (bytes, bytearray, memoryview)):
            raise binary(name)
        if isinstance(value, (complex, np.complexfloating)):
            raise DataError(
                f"Complex data not supported: column {shortened(name)} holds {value}; "
                "split it into real and imaginary parts"
            )
    convert, kind = _shared_reading(present)
    return pa.array([None if _is_missing(value) else convert(value) for value in values], kind)


def _shared_reading(present: list[Any]) -> tuple[Callable[[Any], Any], pa.DataType]:
    if not present:
        return _as_is, pa.null()
    if all(isinstance(value, (bool, np.bool_)) for value in present):
        return bool, pa.bool_()
    if all(_is_number(value) for value in present):
        if all(type(value) is int and 0 <= value < 2**64 for value in present):
            return int, pa.uint64()  # Arrow does not infer this type by itself
        try:
            for value in present:
                float(value)
            return float, pa.float64()
        except OverflowError:
            return as_text, pa.string()
    if all(isinstance(value, date) for value in present):
        moments = [value for value in present if isinstance(value, datetime)]
        if not moments:
            return _as_is, pa.date32()
        # A date has no zone; together with datetimes that have one it becomes text.
        if not any(value.tzinfo for value in moments):
            return _as_moment, pa.timestamp("us")
    return as_text, pa.string()


def as_text(value: Any) -> str:
    """``str()`` of a value or a name, as text that Arrow can hold."""
    try:
        text = str(value)
    except ValueError:  # Python refuses to write a whole number of more than 4,300 digits
        text = hex(value)
    return text.encode("utf-8", "replace").decode()  # Arrow cannot hold a lone surrogate


def _is_number(value: Any) -> bool:
    # NumPy's durations are a subclass of its integers.
    return isinstance(value, (Real, Decimal, np.bool_)) and not isinstance(value, np.timedelta64)


def _as_moment(day: date) -> datetime:
    return day if isinstance(day, datetime) else datetime.combine(day, time())


def _is_missing(value: Any) -> bool:
    # The markers of pandas are recognised by name, because pandas may not be imported here.
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, Decimal):
        return value.is_nan()  # comparing a signalling NaN raises an error
    can_be_nan = (float, np.floating, np.datetime64, np.timedelta64)
    return isinstance(value, can_be_nan) and bool(value != value)


def binary(name: str) -> DataError:
    return DataError(f"column {shortened(name)} holds bytes, which cannot be compared; drop it, or decode it to text")


def nested(name: str, kind: str) -> DataError:
    return DataError(
        f"column {shortened(name)} holds nested values ({kind:.60}); drop it, or flatten it into plain columns"
    )


def _as_is(value: Any) -> Any:
    return value
