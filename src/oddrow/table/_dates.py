"""Read dates and times as people write them: each text by itself, by the order of day, month and year."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

_NAMED_DAY = r"^\s*(?:[A-Za-z]{3,9},?\s+)?"
_TIME = (
    r"(?:(?:T|,|:|_|\s)\s*(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?)?"
)
_ZONE = r"\s*(?P<zone>Z|z|UTC|GMT|[+-]\d{2}:?(?:\d{2})?)?\s*$"
_MONTH = r"(?P<month>\d{1,2}|[A-Za-z]{3,9})"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4}|\d{2})"
_PATTERNS: Mapping[str, str] = {
    "ymd": r"^\s*(?P<year>\d{4})(?:[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})|[-/](?P<only_month>\d{1,2}))"
    + _TIME
    + _ZONE,
    "dmy": _NAMED_DAY + _DAY + r"[-/.\s]+" + _MONTH + r"\.?,?[-/.\s]+" + _YEAR + _TIME + _ZONE,
    "mdy": _NAMED_DAY + _MONTH + r"\.?[-/.\s]+" + _DAY + r",?[-/.\s]+" + _YEAR + _TIME + _ZONE,
    "compact": r"^\s*(?P<year>(?:19|20)\d{2})(?P<month>\d{2})(?P<day>\d{2})"
    r"(?:[T\s]?(?P<hour>\d{2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2}))?)?" + _ZONE,
    "time": r"^\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*$",
}
DATE_ORDERS: tuple[str, ...] = tuple(_PATTERNS)
"""Year, month, day (ISO 8601 and its like); day, month, year; month, day, year; eight digits; a time of day."""
LIKE_A_DATE = (
    r"\d[-/.\s]+\w+\.?,?[-/.\s]+\d|\d{4}[-/]\d|^\s*(?:19|20)\d{6}|\d:\d\d"
    r"|[A-Za-z]{3}\w*\.?[-/.\s]+\d{1,2}(?:st|nd|rd|th)?,?[-/.\s]+\d"
)
"""A pattern that every text of any of these forms contains."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIRST_OF_CENTURY = 69
"""Years of two digits (POSIX): 69 to 99 mean 1969 to 1999, 0 to 68 mean 2000 to 2068."""
_MICROSECONDS = 1_000_000


def parsed_dates(texts: pa.Array | pa.ChunkedArray, order: str) -> Floats:
    """float64 [n]: seconds since 1970-01-01 UTC (times of day: since midnight); NaN where a text is not such a date.

    A date without a zone is taken as UTC. A fraction is cut off after the microsecond.

    Examples
    --------
    >>> parsed_dates(pa.array(["31/01/2024", "1-Feb-24 2:30 PM", "02/31/2024"]), "dmy")
    array([1.7066592e+09, 1.7067978e+09,           nan])
    """
    found: Any = pc.extract_regex(texts, _PATTERNS[order])
    if isinstance(found, pa.ChunkedArray):
        found = found.combine_chunks()
    if isinstance(found, pa.ChunkedArray):  # of no chunk
        return np.full(len(texts), np.nan)
    parts = {field.name: found.field(place) for place, field in enumerate(found.type)}
    is_taken = found.is_valid().to_numpy(zero_copy_only=False)
    days = np.zeros(len(is_taken), np.int64)
    if order != "time":
        days, is_date = _days(parts, is_taken)
        is_taken = is_taken & is_date
    hour, minute, second = (_whole(parts, name) for name in ("hour", "minute", "second"))
    if "half" in parts:
        half = pc.utf8_lower(pc.utf8_slice_codeunits(pc.fill_null(parts["half"], ""), 0, 1))
        is_afternoon, is_morning = (_true(pc.equal(half, letter)) for letter in ("p", "a"))
        is_taken &= ~(is_afternoon | is_morning) | ((hour >= 1) & (hour <= 12))
        hour = np.where(is_morning | is_afternoon, hour % 12 + 12 * is_afternoon, hour)
    is_taken &= (hour <= 23) & (minute <= 59) & (second <= 59)
    microseconds = ((days * 24 + hour) * 60 + minute) * 60 + second - _zone_seconds(parts, len(is_taken))
    microseconds = microseconds * _MICROSECONDS + _fraction(parts, len(is_taken))
    whole, rest = np.divmod(microseconds, _MICROSECONDS)  # rounded once, as in `counted`
    return np.where(is_taken, whole + rest / _MICROSECONDS, np.nan)


def _days(parts: Mapping[str, pa.Array], is_taken: npt.NDArray[np.bool_]) -> tuple[Whole, npt.NDArray[np.bool_]]:
    """int64 [n]: days since 1970-01-01; bool [n]: whether the day exists."""
    year, day = _whole(parts, "year"), _whole(parts, "day")
    month = _month_numbers(parts["month"])
    if "only_month" in parts:
        only = _whole(parts, "only_month")
        month, day = np.where(only > 0, only, month), np.where(only > 0, 1, day)
    has_two_digits = _true(pc.equal(pc.utf8_length(pc.fill_null(parts["year"], "")), 2))
    year = np.where(has_two_digits, year + np.where(year < _FIRST_OF_CENTURY, 2000, 1900), year)
    is_date = is_taken & (month >= 1) & (month <= 12) & (day >= 1) & (year >= 0)
    safe = np.where(is_date, (year - 1970) * 12 + month - 1, 0)
    first = safe.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    following = (safe + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return first + day - 1, is_date & (day <= following - first)


def _month_numbers(texts: pa.Array) -> Whole:
    """int64 [n]: 1 to 12; 0 where a text is not a month."""
    names = pc.utf8_lower(pc.utf8_slice_codeunits(pc.fill_null(texts, ""), 0, 3))
    named = pc.fill_null(pc.index_in(names, pa.array(_MONTHS)), -1).to_numpy(zero_copy_only=False) + 1
    digits = pc.if_else(pc.match_substring_regex(pc.fill_null(texts, ""), r"^\d+$"), texts, None)
    numbers = pc.fill_null(pc.cast(digits, pa.int64()), 0).to_numpy(zero_copy_only=False)
    return np.asarray(np.where(named > 0, named, numbers), np.int64)


def _whole(parts: Mapping[str, pa.Array], name: str) -> Whole:
    """int64 [n]: a group of digits as a number; 0 where it is absent."""
    if name not in parts:
        length = len(next(iter(parts.values())))
        return np.zeros(length, np.int64)
    texts = parts[name]
    texts = pc.if_else(pc.equal(pc.fill_null(texts, ""), ""), None, texts)
    return np.asarray(pc.fill_null(pc.cast(texts, pa.int64()), 0).to_numpy(zero_copy_only=False), np.int64)


def _fraction(parts: Mapping[str, pa.Array], length: int) -> Whole:
    """int64 [n]: the fraction of the second in microseconds."""
    if "fraction" not in parts:
        return np.zeros(length, np.int64)
    digits = pc.utf8_slice_codeunits(pc.utf8_rpad(pc.fill_null(parts["fraction"], ""), 6, "0"), 0, 6)
    return np.asarray(pc.cast(digits, pa.int64()).to_numpy(zero_copy_only=False), np.int64)


def _zone_seconds(parts: Mapping[str, pa.Array], length: int) -> Whole:
    """int64 [n]: seconds by which the zone is ahead of UTC."""
    if "zone" not in parts:
        return np.zeros(length, np.int64)
    zone = pc.replace_substring(pc.fill_null(parts["zone"], ""), ":", "")
    is_offset = pc.match_substring_regex(zone, r"^[+-]")
    digits = pc.if_else(is_offset, pc.utf8_slice_codeunits(pc.utf8_rpad(zone, 5, "0"), 1, 5), "0000")
    numbers = np.asarray(pc.cast(digits, pa.int64()).to_numpy(zero_copy_only=False), np.int64)
    sign = np.where(_true(pc.starts_with(zone, "-")), -1, 1)
    return np.asarray(sign * (numbers // 100 * 3600 + numbers % 100 * 60), np.int64)


def _true(mask: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.fill_null(mask, False).to_numpy(zero_copy_only=False), np.bool_)
