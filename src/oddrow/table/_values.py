"""Convert a column to the NumPy array that its kind needs; a ValueError names the first row that has no such value."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.exceptions import DataError
from oddrow.table._dates import parsed_dates
from oddrow.table._text_form import EPOCH_UNITS, PLAIN, TextForm

Floats = npt.NDArray[np.float64]

_TRUE = ("true", "t", "yes", "y", "1", "1.0")
_FALSE = ("false", "f", "no", "n", "0", "0.0")
TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""The number of Arrow's units of time in a second."""
_MILLISECONDS_A_DAY = 86_400_000


class UnfitValueError(ValueError):
    """Values that a kind cannot hold.

    Attributes
    ----------
    rows : int [k], numbered from 0; those found before the conversion ended
    """

    def __init__(self, rows: npt.NDArray[np.intp], values: pa.ChunkedArray, expected: str) -> None:
        self.rows, self._values, self._expected = rows, values, expected
        super().__init__(f"row {rows[0]}, counted from 0, {self.what(int(rows[0]))}")

    def what(self, row: int) -> str:
        """Say what is wrong with the value of one of the rows."""
        return f"holds {shortened(self._values[row].as_py())}, expected {self._expected}"


_EXPECTED_DATES = {
    "": "an ISO 8601 date or time",
    "ymd": "a date as year, month, day",
    "dmy": "a date as day, month, year",
    "mdy": "a date as month, day, year",
    "compact": "a date of eight digits",
    "time": "a time of day",
}


def as_numbers(column: pa.ChunkedArray, form: TextForm = PLAIN) -> Floats:
    """float64 [n], missing as NaN. Texts are read as numbers in their form.

    Raises
    ------
    UnfitValueError
        If a text is not a number, unless the form is lenient.
    """
    if pa.types.is_temporal(column.type):
        raise ValueError(f"found {column.type}, expected a number")
    if not is_string(column.type):
        return floats_of(column)
    values, foreign = form.numbers(column)
    return _without_foreign(column, values, foreign, form, "a number")


def as_booleans(column: pa.ChunkedArray, form: TextForm = PLAIN) -> Floats:
    """float64 [n]: 0, 1, missing as NaN, and 2 for any other value, which counts as evidence and is not an error."""
    kind = column.type
    if pa.types.is_boolean(kind):
        return floats_of(column)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):  # as by way of text, but faster
        values = floats_of(column)
        coded = np.where(values == 1, 1.0, np.where(values == 0, 0.0, 2.0))
        return np.where(column.is_null().to_numpy(), np.nan, coded) if column.null_count else coded
    texts = form.present(column) if is_string(kind) else as_texts(column)
    words = pc.utf8_lower(texts)
    is_true = pc.is_in(words, pa.array(_TRUE))
    is_false = pc.is_in(words, pa.array(_FALSE))
    coded = np.where(is_true.to_numpy(), 1.0, np.where(is_false.to_numpy(), 0.0, 2.0))
    return np.where(texts.is_null().to_numpy(), np.nan, coded)


def as_seconds(column: pa.ChunkedArray, form: TextForm = PLAIN) -> Floats:
    """float64 [n]: seconds since 1970-01-01 UTC (times of day: since midnight), missing as NaN.

    Texts are read in their form; numbers are read as counts since 1970 or as dates of eight digits, as the form says.

    Raises
    ------
    UnfitValueError
        If a text is not a date or time of that form, unless the form is lenient.
    """
    kind = column.type
    if is_string(kind):
        seconds, foreign = form.seconds(column)
        expected = "a number" if form.dates in EPOCH_UNITS else _EXPECTED_DATES[form.dates]
        return _without_foreign(column, seconds, foreign, form, expected)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _counted_since_1970(column, form)
    if pa.types.is_date32(kind):
        return floats_of(pc.cast(column, pa.int32())) * 86_400.0
    if pa.types.is_date64(kind):  # counts milliseconds of whole days
        return np.floor(counted(column, _MILLISECONDS_A_DAY)) * 86_400.0
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return counted(column, TICKS[kind.unit])
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    raise ValueError(f"found {kind}, expected a date or time")


def _counted_since_1970(column: pa.ChunkedArray, form: TextForm) -> Floats:
    if form.dates in EPOCH_UNITS:
        return floats_of(column) / EPOCH_UNITS[form.dates]
    if form.dates != "compact":
        raise ValueError(
            f"found {column.type}, expected a date or time; a count since 1970 is declared as "
            "'timestamp; dates=epoch s' (or ms, us, ns)"
        )
    texts = as_texts(column)
    seconds = parsed_dates(texts, "compact")
    foreign = np.isnan(seconds) & texts.is_valid().to_numpy()
    return _without_foreign(texts, seconds, foreign, form, "a date of eight digits")


def _without_foreign(
    column: pa.ChunkedArray, values: Floats, foreign: npt.NDArray[np.bool_], form: TextForm, expected: str
) -> Floats:
    if foreign.any() and not form.is_lenient:
        raise UnfitValueError(np.flatnonzero(foreign), column, expected)
    return values


def as_names(column: pa.ChunkedArray, form: TextForm) -> pa.ChunkedArray:
    """Strings: texts as they are written, typed values as the training table had them.

    Where names are numbers (``form.is_numeric``), each is written as :func:`as_texts` writes a number, so that ``1.0``
    and ``1`` are the same name; texts that mean a missing value are missing.
    """
    if not is_string(column.type):
        return form.written(as_texts(column))
    if not form.is_numeric:
        return pc.cast(column, pa.string())
    numbers, foreign = form.numbers(column)
    written = as_texts(pa.chunked_array([pa.array(numbers, from_pandas=True)]))
    none = pa.scalar(None, pa.string())
    return pc.coalesce(written, pc.if_else(pa.array(foreign), form.present(column), none))


def counted(column: pa.ChunkedArray, per_unit: int) -> Floats:
    """float64 [n]: counts of a unit of time, divided by ``per_unit``; missing as NaN.

    The result is rounded once, so that a time has the same bits whether it was stored in seconds or in nanoseconds.
    """
    counts = pc.fill_null(pc.cast(_counts(column), pa.int64()), 0).to_numpy()
    whole, rest = np.divmod(counts, per_unit)
    return np.where(column.is_null().to_numpy(), np.nan, whole + rest / per_unit)


def day_numbers(table: pa.Table, name: str, form: TextForm = PLAIN) -> Floats:
    """float64 [n]: days since 1970-01-01 UTC of a column of dates or times in a form, missing as NaN.

    Raises
    ------
    DataError
        If the table has no such column, or the column does not hold dates or times.

    Examples
    --------
    >>> day_numbers(pa.table({"at": ["1970-01-02T12:00", None]}), "at")
    array([ 1., nan])
    """
    if name not in table.column_names:
        raise DataError(f"the table has no column {name!r} to take the days from")
    try:
        return np.floor(as_seconds(table.column(name), form) / 86_400.0)
    except (ValueError, pa.ArrowException) as error:
        raise DataError(f"column {name!r} cannot give the days: {error}") from error


def as_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Strings. The text of a value depends neither on its Arrow type nor on other values.

    A whole number has no decimal point, a time has no trailing zeros after the second, a timestamp at midnight is
    written as its date; timestamps are in UTC.
    """
    kind = column.type
    if pa.types.is_floating(kind):
        column = pc.cast(column, pa.float64())
        values = floats_of(column)
        is_whole = values == np.floor(values)
        texts = pc.cast(column, pa.string())
        for integers, low, high in ((pa.int64(), -(2.0**63), 2.0**63), (pa.uint64(), 2.0**63, 2.0**64)):
            fits = pa.array(is_whole & (values >= low) & (values < high))
            texts = pc.coalesce(pc.cast(pc.cast(pc.if_else(fits, column, None), integers), pa.string()), texts)
        return texts
    if pa.types.is_timestamp(kind):
        column = pc.cast(_counts(column), pa.timestamp(kind.unit))
    texts = pc.cast(column, pa.string())
    if pa.types.is_temporal(kind):
        texts = pc.replace_substring_regex(texts, r"(:\d\d)(\.\d*?)0+$", r"\1\2")
        texts = pc.replace_substring_regex(texts, r"\.$|(\d) 00:00:00\.?$", r"\1")
    return texts


def python_values(column: pa.ChunkedArray) -> list[object]:
    """The values as Python objects, None where missing; a value that Python cannot hold (the year 10,000) as text."""
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError, KeyError):  # KeyError: a time zone that Python does not know
        return [_python_value(column.slice(row, 1)) for row in range(len(column))]


def _python_value(one: pa.ChunkedArray) -> object:
    try:
        return one[0].as_py()
    except (ValueError, OverflowError, KeyError):
        return as_texts(one)[0].as_py()


def is_string(kind: pa.DataType) -> bool:
    """Whether a type is text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _counts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The integers in which Arrow stores dates, times, timestamps or durations."""
    return pc.cast(column, pa.int32() if column.type.bit_width == 32 else pa.int64())


def floats_of(column: pa.ChunkedArray) -> Floats:
    """float64 [n], null as NaN."""
    if column.type != pa.float64():
        column = pc.cast(column, pa.float64(), safe=False)
    if column.null_count:
        column = pc.fill_null(column, float("nan"))
    return np.ascontiguousarray(column.to_numpy(), dtype=np.float64)


def shortened(value: object, most: int = 40) -> str:
    """A value or a name as an error shows it: quoted, on one line, and at most ``most`` characters long.

    Examples
    --------
    >>> shortened("size"), shortened("x" * 50)
    ("'size'", "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...")
    """
    text = repr(value)
    return text if len(text) <= most else text[: most - 3] + "..."
