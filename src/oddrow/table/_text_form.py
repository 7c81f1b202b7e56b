"""How the values of a column are written as text: learned by a fit, stored, and applied to each text by itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.table._dates import parsed_dates

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

DateForm: TypeAlias = Literal["", "ymd", "dmy", "mdy", "compact", "time", "epoch s", "epoch ms", "epoch us", "epoch ns"]
"""The order of day, month and year; eight digits; a time of day; or a count since 1970. "" means ISO 8601."""
EPOCH_UNITS = {"epoch s": 1, "epoch ms": 10**3, "epoch us": 10**6, "epoch ns": 10**9}
"""The number of counts in a second."""

MISSING_MARKS = (
    *("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NAN", "NULL", "null", "Null", "None", "none", "?"),
    *("-", "--", "---", ".", "..", "*", r"\N", "nil", "missing", "MISSING", "Missing", "n.a.", "k.A.", "NaT"),
    *("#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "#NULL!", "#N/A N/A", "-nan", "-NaN", "1.#QNAN", "-1.#IND"),
    *("inf", "-inf", "+inf", "Inf", "-Inf", "+Inf", "infinity", "-infinity", "Infinity", "-Infinity", "INF", "-INF"),
)
"""Texts that mean a missing value in every column of numbers, flags or times, where none is a possible value."""
CURRENCIES = (
    *("$", "€", "£", "¥", "₹", "₽", "₩", "₺", "zł", "kr", "R$", "US$"),
    *("USD", "EUR", "GBP", "JPY", "CHF", "CAD", "AUD", "CNY", "INR", "SEK", "NOK", "DKK", "PLN", "BRL"),
)
"""Currency signs and codes that may stand before or after an amount."""

_BLANKS = " \u00a0\u202f\u2009"
_APOSTROPHES = "'\u2019"


@dataclass(frozen=True)
class TextForm:
    """How the values of one column are written.

    Attributes
    ----------
    decimal, thousands : the separators in numbers such as ``1.234,56``; a blank or an apostrophe includes its variants
    affixes : texts that may stand before or after a number, such as a currency or a percent sign
    dates : how dates and times are written
    missing : texts that mean a missing value in this column, in addition to :data:`MISSING_MARKS`
    is_lenient : whether any other text that the kind cannot hold is a missing value instead of an error
    is_numeric : whether the names of a category, or a constant, are numbers, so that ``1`` and ``1.0`` are equal
    aliases : pairs of the text that oddrow writes for a typed number or flag, and its text in the training table
    """

    decimal: str = "."
    thousands: str = ""
    affixes: tuple[str, ...] = ()
    dates: DateForm = ""
    missing: tuple[str, ...] = ()
    is_lenient: bool = False
    is_numeric: bool = False
    aliases: tuple[tuple[str, str], ...] = ()

    def numbers(self, texts: pa.ChunkedArray) -> tuple[Floats, Flags]:
        """float64 [n], NaN where missing; and bool [n]: the texts that are neither numbers nor missing values."""
        return _once_each(texts, self._numbers)

    def seconds(self, texts: pa.ChunkedArray) -> tuple[Floats, Flags]:
        """As :meth:`numbers`, for dates and times: seconds since 1970-01-01 UTC, or since midnight."""
        return _once_each(texts, self._seconds)

    def present(self, texts: pa.ChunkedArray) -> pa.ChunkedArray:
        """The texts without blanks around them; null where they mean a missing value."""
        trimmed = pc.utf8_trim_whitespace(texts)
        marks = pa.array([*MISSING_MARKS, *(mark.strip() for mark in self.missing)], pa.string())
        return pc.if_else(pc.is_in(trimmed, value_set=marks), pa.scalar(None, pa.string()), trimmed)

    def written(self, texts: pa.ChunkedArray) -> pa.ChunkedArray:
        """The names as the training table had them, from the texts that oddrow writes for typed numbers and flags."""
        if not self.aliases:
            return texts
        ours, theirs = zip(*self.aliases, strict=True)
        place = pc.index_in(texts, value_set=pa.array(ours, pa.string()))
        return pc.coalesce(pc.take(pa.array(theirs, pa.string()), place), texts)

    def _numbers(self, texts: pa.ChunkedArray) -> tuple[Floats, Flags]:
        present = self.present(texts)
        if self._is_plain:
            try:  # applies to most columns, and is the fastest
                fast = pc.cast(present, pa.float64())
                if not pc.any(pc.match_substring_regex(present, _NOT_PLAIN)).as_py():
                    return _with_foreign(present, fast)
            except pa.ArrowInvalid:
                pass
        bare = pc.replace_substring_regex(present, self._affix_pattern, "") if self.affixes else present
        fits = pc.match_substring_regex(bare, self._number_pattern)
        bare = pc.if_else(fits, bare, pa.scalar(None, pa.string()))
        if self.thousands:
            bare = pc.replace_substring_regex(bare, f"[{re.escape(_alike(self.thousands))}]", "")
        if self.decimal != ".":
            bare = pc.replace_substring(bare, self.decimal, ".")
        bare = pc.replace_substring_regex(bare, r"^\+", "")
        return _with_foreign(present, pc.cast(bare, pa.float64()))

    def _seconds(self, texts: pa.ChunkedArray) -> tuple[Floats, Flags]:
        present = self.present(texts)
        if self.dates in EPOCH_UNITS:
            values, foreign = self._numbers(texts)
            return values / EPOCH_UNITS[self.dates], foreign
        if self.dates == "":
            return iso_seconds(present)
        seconds = parsed_dates(present, self.dates)
        return seconds, np.isnan(seconds) & _valid(present)

    @cached_property
    def _is_plain(self) -> bool:
        return self.decimal == "." and not self.thousands and not self.affixes

    @cached_property
    def _number_pattern(self) -> str:
        return number_pattern(self.decimal, self.thousands)

    @cached_property
    def _affix_pattern(self) -> str:
        known = "|".join(re.escape(affix) for affix in sorted(self.affixes, key=len, reverse=True))
        return rf"^(?:{known})[\s\x{{00a0}}\x{{202f}}]*|[\s\x{{00a0}}\x{{202f}}]*(?:{known})$"


PLAIN = TextForm()
"""Numbers with a decimal point, dates of ISO 8601, no further marks."""

_NOT_PLAIN = r"[^0-9eE.+\-]|^\+?\.?$"
"""Texts that Arrow reads as a number though they are none in a table (``inf``, ``nan``, hexadecimal digits)."""


def number_pattern(decimal: str, thousands: str) -> str:
    """A regular expression (RE2) for numbers with these separators."""
    point = re.escape(decimal)
    whole = r"\d+"
    if thousands:
        whole = rf"(?:\d+|\d{{1,3}}(?:[{re.escape(_alike(thousands))}]\d{{3}})+)"
    return rf"^[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d{{1,9}})?$"


def _alike(sign: str) -> str:
    """All variants of a separator."""
    if sign == " ":
        return _BLANKS
    return _APOSTROPHES if sign == "'" else sign


def iso_seconds(present: pa.ChunkedArray) -> tuple[Floats, Flags]:
    """As :meth:`TextForm.seconds`, for ISO 8601; null is missing.

    Arrow's cast is fast, and fails if it cannot read one text of the column; then each text is read by itself. Both
    give the same value for a text.
    """
    try:
        seconds = arrow_seconds(present)
    except pa.ArrowInvalid:
        seconds = parsed_dates(present, "ymd")
    return seconds, np.isnan(seconds) & _valid(present)


_ISO_START = r"^\d{4}-\d{2}-\d{2}"
_ISO_ZONE = r"[T ].*(Z|[+-]\d{2}(:?\d{2})?)$"


def arrow_seconds(present: pa.ChunkedArray) -> Floats:
    """float64 [n]: seconds of ISO 8601 texts, those without a zone taken as UTC.

    Raises
    ------
    pyarrow.ArrowInvalid
        If a text is not ISO 8601.
    """
    if pc.any(pc.invert(pc.match_substring_regex(present, _ISO_START)), skip_nulls=True).as_py():
        raise pa.ArrowInvalid("a text does not begin with a date")
    has_zone = pc.match_substring_regex(present, _ISO_ZONE)
    none = pa.scalar(None, pa.string())
    zoned = pc.cast(pc.if_else(has_zone, present, none), pa.timestamp("us", tz="UTC"))
    naive = pc.cast(pc.if_else(has_zone, none, present), pa.timestamp("us"))
    counts = pc.coalesce(pc.cast(pc.cast(zoned, pa.timestamp("us")), pa.int64()), pc.cast(naive, pa.int64()))
    whole, rest = np.divmod(pc.fill_null(counts, 0).to_numpy(), 1_000_000)
    return np.where(_valid(present), whole + rest / 1_000_000, np.nan)


def _with_foreign(present: pa.ChunkedArray, numbers: pa.ChunkedArray) -> tuple[Floats, Flags]:
    values = np.asarray(pc.fill_null(numbers, float("nan")).to_numpy(), np.float64)
    values = np.where(np.isfinite(values), values, np.nan)  # 1e999 is infinite as float64
    return values, np.isnan(values) & _valid(present)


def _valid(texts: pa.ChunkedArray) -> Flags:
    return np.asarray(texts.is_valid().to_numpy(), np.bool_)


_FIRST_ROWS = 10_000  # enough to see whether values repeat


def _once_each(texts: pa.ChunkedArray, read: Callable[[pa.ChunkedArray], tuple[Floats, Flags]]) -> tuple[Floats, Flags]:
    """The result of ``read``, which reads each text by itself; faster for a column whose texts repeat."""
    first = texts.slice(0, _FIRST_ROWS)
    if len(first) < 100 or pc.count_distinct(first).as_py() > len(first) / 4:
        return read(texts)
    encoded: Any = texts.dictionary_encode().combine_chunks()
    values, foreign = read(pa.chunked_array([encoded.dictionary]))
    values, foreign = np.append(values, np.nan), np.append(foreign, False)  # the last value is used for missing texts
    places = pc.fill_null(encoded.indices, len(values) - 1).to_numpy(zero_copy_only=False)
    return values[places], foreign[places]
