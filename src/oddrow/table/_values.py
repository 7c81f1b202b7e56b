"""One column's values as NumPy arrays of the form its kind needs; a ValueError names the first row that has none."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]

_TRUE = ("true", "t", "yes", "y", "1", "1.0")
_FALSE = ("false", "f", "no", "n", "0", "0.0")
_ISO_START = r"^\d{4}-\d{2}-\d{2}"
_ISO_ZONE = r"[T ].*(Z|[+-]\d{2}(:?\d{2})?)$"


def as_numbers(column: pa.ChunkedArray) -> Floats:
    """float64 [n], missing as NaN. Strings are read as numbers where all of them are."""
    if pa.types.is_temporal(column.type):
        raise ValueError(f"found {column.type}, expected a number")
    if _is_string(column):
        column = pc.utf8_trim_whitespace(column)
        bad = _first_not_matching(column, r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
        if bad is not None:
            raise ValueError(f"row {bad}, counted from 0, holds {_shown(column[bad])}, expected a number")
    return _floats(pc.cast(column, pa.float64(), safe=False))


def as_booleans(column: pa.ChunkedArray) -> Floats:
    """float64 [n]: 0, 1, missing as NaN, and 2 for a value that is neither (evidence, not an error)."""
    if pa.types.is_boolean(column.type):
        return _floats(pc.cast(column, pa.float64()))
    words = pc.utf8_lower(as_texts(column))
    is_true = pc.is_in(words, pa.array(_TRUE))
    is_false = pc.is_in(words, pa.array(_FALSE))
    coded = np.where(is_true.to_numpy(), 1.0, np.where(is_false.to_numpy(), 0.0, 2.0))
    return np.where(column.is_null().to_numpy(), np.nan, coded)


def as_seconds(column: pa.ChunkedArray) -> Floats:
    """float64 [n]: seconds since 1970-01-01 UTC (times of day: since midnight), missing as NaN."""
    kind = column.type
    if _is_string(column):
        bad = _first_not_matching(column, _ISO_START)
        parsed = _parsed_times(column) if bad is None else None
        if parsed is None:
            bad = _first_unparsed(column) if bad is None else bad
            raise ValueError(
                f"row {bad}, counted from 0, holds {_shown(column[bad])}, expected an ISO 8601 date or time"
            )
        column = parsed
        kind = column.type
    if pa.types.is_date(kind):
        days = pc.cast(pc.cast(column, pa.date32()), pa.int32())
        return _floats(pc.cast(days, pa.float64())) * 86_400.0
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        ticks = pc.cast(column, pa.int32() if pa.types.is_time32(kind) else pa.int64())
        per_second = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[kind.unit]
        return _floats(pc.cast(ticks, pa.float64(), safe=False)) / per_second
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    raise ValueError(f"found {kind}, expected a date or time")


def as_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Strings; a whole number reads the same whether it came as an integer or as a float, whatever is beside it."""
    if pa.types.is_floating(column.type):
        values = _floats(column)
        whole = pa.array((values == np.floor(values)) & (np.abs(values) < 2**53))
        integers = pc.cast(pc.if_else(whole, column, None), pa.int64())
        return pc.coalesce(pc.cast(integers, pa.string()), pc.cast(column, pa.string()))
    return pc.cast(column, pa.string())


def is_timestamp_like(column: pa.ChunkedArray) -> bool:
    """Whether every string of a column is an ISO 8601 date or time."""
    if not _is_string(column) or _first_not_matching(column, _ISO_START) is not None:
        return False
    return _parsed_times(column) is not None


def _is_string(column: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_string(column.type) or pa.types.is_large_string(column.type))


def _floats(column: pa.ChunkedArray) -> Floats:
    """float64 [n], null as NaN."""
    values = pc.fill_null(pc.cast(column, pa.float64(), safe=False), float("nan")).to_numpy()
    return np.ascontiguousarray(values, dtype=np.float64)


def _first_not_matching(column: pa.ChunkedArray, pattern: str) -> int | None:
    matches = pc.fill_null(pc.match_substring_regex(column, pattern), True).to_numpy()
    return None if matches.all() else int(np.argmin(matches))


def _parsed_times(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Strings as UTC timestamps, each by itself; those without a zone are taken as UTC. None if one is no time."""
    has_zone = pc.match_substring_regex(column, _ISO_ZONE)
    try:
        zoned = pc.cast(pc.if_else(has_zone, column, None), pa.timestamp("us", tz="UTC"))
        naive = pc.cast(pc.if_else(has_zone, None, column), pa.timestamp("us"))
    except pa.ArrowInvalid:
        return None
    return pc.coalesce(pc.cast(zoned, pa.timestamp("us")), naive)


def _first_unparsed(column: pa.ChunkedArray) -> int:
    """The first row that is no time, of a column that has one: by halves, as casts are fast and rows are many."""
    start, stop = 0, len(column)
    while stop - start > 1:
        middle = (start + stop) // 2
        if _parsed_times(column.slice(start, middle - start)) is None:
            stop = middle
        else:
            start = middle
    return start


def _shown(value: pa.Scalar) -> str:
    text = repr(value.as_py())
    return text if len(text) <= 40 else text[:37] + "..."
