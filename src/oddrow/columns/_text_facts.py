"""Count how many texts of a column parse in each form of numbers and dates.

The merged facts of the parts of a column equal the facts of the whole column, however it is divided into parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns._value_range import NO_RANGE, ValueRange
from oddrow.table import CURRENCIES, DATE_ORDERS, EPOCH_UNITS, LIKE_A_DATE, PLAIN, DateForm, TextForm, parsed_dates

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]

AFFIXES = (*CURRENCIES, "%")
"""Signs that may precede or follow a number."""
NUMBER_FORMS: Mapping[str, TextForm] = {
    "1234.5": TextForm(affixes=AFFIXES),
    "1,234.5": TextForm(thousands=",", affixes=AFFIXES),
    "1234,5": TextForm(decimal=",", affixes=AFFIXES),
    "1.234,5": TextForm(decimal=",", thousands=".", affixes=AFFIXES),
    "1 234.5": TextForm(thousands=" ", affixes=AFFIXES),
    "1 234,5": TextForm(decimal=",", thousands=" ", affixes=AFFIXES),
    "1'234.5": TextForm(thousands="'", affixes=AFFIXES),
    "1'234,5": TextForm(decimal=",", thousands="'", affixes=AFFIXES),
}
"""Forms of numbers: all pairs of decimal and thousands signs. If most values parse in several, the first is used."""
DATE_FORMS: tuple[DateForm, ...] = ("", *DATE_ORDERS)  # type: ignore[arg-type]  # mypy sees str
MAX_COUNTED_TEXTS = 100
"""Largest number of distinct texts whose counts are kept; if there are more, only their total is."""

_ISO_8601 = r"^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}(?::\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?(?:Z|[+-]\d{2}(?::?\d{2})?)?)?$"
"""A pattern decides for each text alone; a cast of a column fails as a whole, so facts of parts could not be merged."""


@dataclass(frozen=True)
class ParsedValues:
    """The values that parse in one form: the number of rows, the range, and whether all are whole."""

    n: int = 0
    range: ValueRange = NO_RANGE
    is_whole: bool = True

    @classmethod
    def of(cls, values: Floats, counts: Counts) -> ParsedValues:
        """Summarise distinct values [k], NaN where a text does not parse, and the number of rows with each."""
        is_parsed = ~np.isnan(values)
        parsed = values[is_parsed]
        return cls(int(counts[is_parsed].sum()), ValueRange.of(parsed), bool(np.all(parsed == np.floor(parsed))))

    def merged(self, other: ParsedValues) -> ParsedValues:
        """Return the values of both."""
        return ParsedValues(self.n + other.n, self.range.merged(other.range), self.is_whole and other.is_whole)


NOTHING_PARSED = ParsedValues()


@dataclass(frozen=True)
class TextCounts:
    """The number of rows with some texts, and by text; ``counts`` is None if the distinct texts are too many."""

    n: int = 0
    counts: Mapping[str, int] | None = field(default_factory=dict)

    @classmethod
    def of(cls, texts: pa.Array, counts: Counts, is_chosen: Flags) -> TextCounts:
        """Count the rows with the chosen ones of distinct texts [k]."""
        n = int(counts[is_chosen].sum())
        if np.count_nonzero(is_chosen) > MAX_COUNTED_TEXTS:
            return cls(n, None)
        names = texts.filter(pa.array(is_chosen)).to_pylist()
        return cls(n, dict(zip(names, counts[is_chosen].tolist(), strict=True)))

    def merged(self, other: TextCounts) -> TextCounts:
        """Return the counts of both."""
        if self.counts is None or other.counts is None:
            return TextCounts(self.n + other.n, None)
        names = {name: self.counts.get(name, 0) + other.counts.get(name, 0) for name in (*self.counts, *other.counts)}
        return TextCounts(self.n + other.n, names if len(names) <= MAX_COUNTED_TEXTS else None)

    @property
    def most_frequent(self) -> list[tuple[str, int]]:
        """The texts with their number of rows, in descending order of frequency, then by name."""
        return sorted((self.counts or {}).items(), key=lambda entry: (-entry[1], entry[0]))


NO_TEXTS = TextCounts()


@dataclass(frozen=True, eq=False)
class TextFacts:
    """The numbers of rows of a text column that parse in each form.

    Attributes
    ----------
    n, n_marks : rows with a value, and rows with a text that always stands for a missing value
    n_flags : rows with true or false
    n_digits, n_identifiers : rows with only digits, and those of them with a leading zero or too many digits for int64
    numbers, dates : the values that parse in each form
    affixes : the signs that precede or follow numbers
    marks : the texts that stand for a missing value
    not_numbers, not_dates : the texts that parse in no form of numbers, or of dates
    """

    n: int = 0
    n_marks: int = 0
    n_flags: int = 0
    n_digits: int = 0
    n_identifiers: int = 0
    numbers: Mapping[str, ParsedValues] = field(default_factory=dict)
    dates: Mapping[str, ParsedValues] = field(default_factory=dict)
    affixes: frozenset[str] = frozenset()
    marks: TextCounts = NO_TEXTS
    not_numbers: TextCounts = NO_TEXTS
    not_dates: TextCounts = NO_TEXTS

    @classmethod
    def of(cls, texts: pa.Array, counts: Counts) -> TextFacts:
        """Count distinct texts [k], given the number of rows with each."""
        present = PLAIN.present(pa.chunked_array([texts]))
        is_mark = present.is_null().to_numpy()
        kept = present.filter(pc.is_valid(present))
        rest = counts[~is_mark]
        marks = TextCounts.of(texts, counts, is_mark)
        if not len(kept):
            return cls(0, int(counts.sum()), marks=marks)
        numbers, affixes, not_numbers = _numbers(kept, rest)
        dates, not_dates = _dates(kept, rest, not_numbers)
        is_digits = _matches(kept, r"^[+-]?[0-9]+$")
        is_identifier = is_digits & _matches(kept, r"^[+-]?(?:0[0-9]+|[0-9]{19,})$")
        is_flag = pc.is_in(pc.utf8_lower(kept), value_set=pa.array(["true", "false"])).to_numpy()
        return cls(
            int(rest.sum()),
            int(counts[is_mark].sum()),
            int(rest[is_flag].sum()),
            int(rest[is_digits].sum()),
            int(rest[is_identifier].sum()),
            numbers,
            dates,
            affixes,
            marks,
            TextCounts.of(kept.combine_chunks(), rest, not_numbers),
            TextCounts.of(kept.combine_chunks(), rest, not_dates),
        )

    def merged(self, other: TextFacts) -> TextFacts:
        """Return the facts of the rows of both."""
        return TextFacts(
            self.n + other.n,
            self.n_marks + other.n_marks,
            self.n_flags + other.n_flags,
            self.n_digits + other.n_digits,
            self.n_identifiers + other.n_identifiers,
            _merged(self.numbers, other.numbers),
            _merged(self.dates, other.dates),
            self.affixes | other.affixes,
            self.marks.merged(other.marks),
            self.not_numbers.merged(other.not_numbers),
            self.not_dates.merged(other.not_dates),
        )

    def parsed_numbers(self, form: TextForm) -> ParsedValues:
        """Return the values that parse as numbers in a form."""
        return self.number_form(form.decimal, form.thousands)[1]

    def parsed_times(self, form: TextForm) -> ParsedValues:
        """Return the values that parse as times in a form; their range is in seconds."""
        if form.dates.startswith("epoch"):
            parsed = self.parsed_numbers(form)
            return replace(parsed, range=parsed.range.scaled(1 / EPOCH_UNITS[form.dates]), is_whole=False)
        of_dates = [form.dates] if form.dates else ["", "ymd"]  # "ymd" parses all texts that "" does
        return max((self.dates.get(name, NOTHING_PARSED) for name in of_dates), key=lambda parsed: parsed.n)

    def number_form(self, decimal: str | None = None, thousands: str | None = None) -> tuple[str, ParsedValues]:
        """Return the form of numbers in which most rows parse, among those with the given signs, and its values."""
        forms = [name for name, form in NUMBER_FORMS.items() if decimal in (None, form.decimal)]
        forms = [name for name in forms if thousands in (None, NUMBER_FORMS[name].thousands)]
        best = max(forms, key=lambda form: self.numbers.get(form, NOTHING_PARSED).n)  # the first of equal ones
        return best, self.numbers.get(best, NOTHING_PARSED)

    @property
    def date_forms(self) -> tuple[tuple[DateForm, ...], ParsedValues]:
        """The forms of dates in which most rows parse (several if day and month are ambiguous), and the values."""
        most = max(self.dates.get(form, NOTHING_PARSED).n for form in DATE_FORMS)
        if not most:
            return (), NOTHING_PARSED
        best = [form for form in DATE_FORMS if self.dates.get(form, NOTHING_PARSED).n == most]
        if best[0] not in ("dmy", "mdy"):
            best = best[:1]
        return tuple(form for form in best if form in (best[0], "dmy", "mdy")), self.dates[best[0]]


NO_TEXT_FACTS = TextFacts()
"""The facts of no rows."""


def _merged(one: Mapping[str, ParsedValues], other: Mapping[str, ParsedValues]) -> dict[str, ParsedValues]:
    forms = dict.fromkeys((*one, *other))
    return {form: one.get(form, NOTHING_PARSED).merged(other.get(form, NOTHING_PARSED)) for form in forms}


def _numbers(texts: pa.ChunkedArray, counts: Counts) -> tuple[dict[str, ParsedValues], frozenset[str], Flags]:
    """Return the numbers among distinct texts in each form, their affixes, and which texts parse in no form."""
    plain, is_foreign = PLAIN.numbers(texts)
    has_point = pc.match_substring(texts, ".").to_numpy()
    whole, fraction = np.where(has_point, np.nan, plain), np.where(has_point, plain, np.nan)
    # a plain number parses alike in all forms with the decimal point, and one without a point in all forms
    with_point, without_point = ParsedValues.of(plain, counts), ParsedValues.of(whole, counts)
    parsed = {name: with_point if form.decimal == "." else without_point for name, form in NUMBER_FORMS.items()}
    grouped = _matches(texts, r"^[+-]?\d{1,3}(?:\.\d{3})+$") & ~np.isnan(fraction)
    if grouped.any():
        values, _ = NUMBER_FORMS["1.234,5"].numbers(texts.filter(pa.array(grouped)))
        parsed["1.234,5"] = parsed["1.234,5"].merged(ParsedValues.of(values, counts[grouped]))
    if not is_foreign.any():
        return parsed, frozenset(), is_foreign
    others, of_others = texts.filter(pa.array(is_foreign)), counts[is_foreign]
    is_number = np.zeros(len(of_others), np.bool_)
    for name, form in NUMBER_FORMS.items():
        values, _ = form.numbers(others)
        parsed[name] = parsed[name].merged(ParsedValues.of(values, of_others))
        is_number |= ~np.isnan(values)
    numbers = others.filter(pa.array(is_number))
    affixes = [affix for affix in AFFIXES if _is_affix(numbers, affix)] if is_number.any() else []
    not_numbers = is_foreign.copy()
    not_numbers[is_foreign] = ~is_number
    return parsed, frozenset(affixes), not_numbers


def _is_affix(texts: pa.ChunkedArray, affix: str) -> bool:
    around = pc.or_(pc.starts_with(texts, affix), pc.ends_with(texts, affix))
    return bool(pc.any(around).as_py())


def _dates(texts: pa.ChunkedArray, counts: Counts, not_numbers: Flags) -> tuple[dict[str, ParsedValues], Flags]:
    """Return the dates among distinct texts in each form, and which texts parse in no form."""
    not_dates = np.ones(len(counts), np.bool_)
    # a text that parses as a number can be a date only with eight, twelve or fourteen digits
    may_be = not_numbers | _matches(texts, r"^(?:19|20)\d{6}(?:\d{4}|\d{6})?$")
    may_be[may_be] = _matches(texts.filter(pa.array(may_be)), LIKE_A_DATE)
    if not may_be.any():
        return {}, not_dates
    likely, of_likely = texts.filter(pa.array(may_be)), counts[may_be]
    parsed: dict[str, ParsedValues] = {}
    is_date = np.zeros(len(of_likely), np.bool_)
    for form in DATE_FORMS:
        values = parsed_dates(likely, form or "ymd")
        if form == "":
            values = np.where(_matches(likely, _ISO_8601), values, np.nan)
        if not np.isnan(values).all():
            parsed[form] = ParsedValues.of(values, of_likely)
            is_date |= ~np.isnan(values)
    not_dates[may_be] = ~is_date
    return parsed, not_dates


def _matches(texts: pa.ChunkedArray, pattern: str) -> Flags:
    return np.asarray(pc.fill_null(pc.match_substring_regex(texts, pattern), False).to_numpy(), np.bool_)
