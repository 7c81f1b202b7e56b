"""Columns of text to the type that all their values are written in, judged whole or part by part.

Each reading takes or refuses a value by itself. So the readings that take all values of a column are those that take
all of each of its parts, and a column larger than memory has the type that it would have whole.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["CLOCKS", "TextType", "first_reading", "read_as", "typed", "without_missing"]

_MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "None", "?")
_SAMPLE = 1_000  # what the first values refuse, all would
_FIRST_ROWS = 10_000  # enough to see whether values repeat

_Reading: TypeAlias = Callable[[pa.ChunkedArray], "pa.ChunkedArray | None"]


def _all_match(values: pa.ChunkedArray, pattern: str) -> bool:
    return all(
        pc.all(pc.match_substring_regex(part, pattern), min_count=0).as_py()
        for part in (values.slice(0, _SAMPLE), values)
    )


def _cast(values: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    try:
        return pc.cast(values, kind)
    except pa.ArrowInvalid:
        return None


def _as_boolean(values: pa.ChunkedArray) -> pa.ChunkedArray | None:
    if not _all_match(values, "^(true|True|TRUE|false|False|FALSE)$"):
        return None
    return pc.equal(pc.utf8_lower(values), "true")


def _as_integer(values: pa.ChunkedArray) -> pa.ChunkedArray | None:
    if not _all_match(values, "^[+-]?(0|[1-9][0-9]*)$"):
        return None
    return _cast(pc.replace_substring_regex(values, r"^\+", ""), pa.int64())


def _as_identifier(values: pa.ChunkedArray) -> pa.ChunkedArray | None:
    # Digits after a leading zero: the number of a place or thing, not a count.
    # As floats, long ones would fall together.
    return values if _all_match(values, "^[+-]?[0-9]+$") else None


def _as_float(values: pa.ChunkedArray) -> pa.ChunkedArray | None:
    return _cast(values, pa.float64())


def _as_date(values: pa.ChunkedArray) -> pa.ChunkedArray | None:
    return _cast(values, pa.date32())


def _as_time(values: pa.ChunkedArray, unit: str) -> pa.ChunkedArray | None:
    if not _all_match(values, r"^[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?$"):
        return None
    # Arrow casts text to moments, but not to times of day.
    moments = _as_moment(pc.binary_join_element_wise("1970-01-01", values, " "), unit, None)
    return None if moments is None else pc.cast(moments, pa.time64(unit))


def _as_moment(values: pa.ChunkedArray, unit: str, zone: str | None) -> pa.ChunkedArray | None:
    return _cast(values, pa.timestamp(unit, zone))


_CLOCK_READINGS: dict[pa.DataType, _Reading] = {
    pa.date32(): _as_date,
    # Always the same unit where it suffices, whatever digits happen to be written.
    **{pa.time64(unit): partial(_as_time, unit=unit) for unit in ("us", "ns")},
    **{
        pa.timestamp(unit, zone): partial(_as_moment, unit=unit, zone=zone)
        for unit in ("us", "ns")
        for zone in (None, "UTC")
    },
}
_READINGS: dict[pa.DataType, _Reading] = {
    pa.bool_(): _as_boolean,
    pa.int64(): _as_integer,
    pa.string(): _as_identifier,
    pa.float64(): _as_float,
    **_CLOCK_READINGS,
}
"""Each type and what reads it; of several that take all values of a column, the first is its type."""
CLOCKS: tuple[pa.DataType, ...] = tuple(_CLOCK_READINGS)


@dataclass(frozen=True)
class TextType:
    """Which readings take all values of a column of text, as far as it has been seen.

    Attributes
    ----------
    takers : types whose readings take all values, in the order of preference
    has_values : whether any value is not missing
    drops_missing : whether the words for missing are missing even among texts

    Examples
    --------
    >>> first, second = (TextType.of(pa.chunked_array([values])) for values in (["1", "NA"], ["2.5"]))
    >>> first.kind, second.kind, first.merged(second).kind
    (DataType(int64), DataType(double), DataType(double))
    """

    takers: tuple[pa.DataType, ...] = tuple(_READINGS)
    has_values: bool = False
    drops_missing: bool = False

    @classmethod
    def of(cls, text: pa.ChunkedArray, among: Collection[pa.DataType] = tuple(_READINGS)) -> TextType:
        """What takes a part of a column, looked for among the types that took its other parts."""
        values = without_missing(text.unique() if _is_repetitive(text) else text)
        if not isinstance(values, pa.ChunkedArray):
            values = pa.chunked_array([values])
        sample = values.slice(0, _SAMPLE)
        takers = (kind for kind in _READINGS if kind in among and _READINGS[kind](sample) is not None)
        taken = tuple(kind for kind in takers if len(sample) == len(values) or _READINGS[kind](values) is not None)
        return cls(taken, values.null_count < len(values))

    def merged(self, other: TextType) -> TextType:
        """What takes both parts."""
        takers = tuple(kind for kind in self.takers if kind in other.takers)
        return TextType(takers, self.has_values or other.has_values, self.drops_missing)

    @property
    def is_text(self) -> bool:
        """Whether the values stay as they were written."""
        return self.has_values and not self.takers

    @property
    def kind(self) -> pa.DataType:
        """The Arrow type of the column."""
        if not self.has_values:
            return pa.null()
        return self.takers[0] if self.takers else pa.string()


def read_as(text: pa.ChunkedArray, found: TextType) -> pa.ChunkedArray | None:
    """A part of a column in the type that was found for all of it; None if it is of another."""
    if found.is_text:
        return without_missing(text) if found.drops_missing else text
    if not found.has_values:
        missing = without_missing(text)
        return pa.chunked_array([pa.nulls(len(text))]) if missing.null_count == len(text) else None
    return _once_each(text, lambda part: _READINGS[found.kind](without_missing(part)))


def typed(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """A whole column in the type that all its values are written in."""
    if _type_read(text.slice(0, _SAMPLE)) is None:
        return text
    column = _once_each(text, _type_read)
    return text if column is None else column


def first_reading(values: pa.ChunkedArray, kinds: Collection[pa.DataType]) -> pa.ChunkedArray | None:
    """What the first of these readings makes of the values that takes them all; None if none does."""
    sample = values.slice(0, _SAMPLE)
    for convert in (_READINGS[kind] for kind in kinds):
        if convert(sample) is not None:
            column = convert(values)
            if column is not None:
                return column
    return None


def without_missing(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values without the blanks around them, and null for each word that means missing."""
    trimmed = pc.utf8_trim_whitespace(text)
    is_missing = pc.is_in(trimmed, value_set=pa.array(_MISSING))
    return pc.if_else(is_missing, pa.scalar(None, pa.string()), trimmed)


def _type_read(text: pa.ChunkedArray) -> pa.ChunkedArray | None:
    values = without_missing(text)
    if values.null_count == len(values):
        return pa.chunked_array([pa.nulls(len(values))])
    return first_reading(values, _READINGS)


def _is_repetitive(text: pa.ChunkedArray) -> bool:
    first = text.slice(0, _FIRST_ROWS)
    return bool(pc.count_distinct(first).as_py() < len(first) / 2)


def _once_each(text: pa.ChunkedArray, convert: _Reading) -> pa.ChunkedArray | None:
    """What ``convert`` gives, which judges and converts each value on its own, but faster where values repeat."""
    if not _is_repetitive(text):
        return convert(text)
    encoded: Any = text.dictionary_encode().combine_chunks()
    column = convert(pa.chunked_array([encoded.dictionary]))
    return None if column is None else pa.chunked_array([column.combine_chunks().take(encoded.indices)])
