"""What a column of text may be: for each way to write numbers and dates, how many of its values are written so.

The facts of two parts of a column, merged, are those of the whole column, however it was cut.
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
"""Ways to write a number, with every pair of signs; of several that take as many values, the first counts."""
DATE_FORMS: tuple[DateForm, ...] = ("", *DATE_ORDERS)  # type: ignore[arg-type]  # mypy sees str
MAX_STRANGE_TEXTS = 100
"""Different texts kept that are no number, or no date; of more, none are named."""

_ISO_8601 = r"^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}(?::\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?(?:Z|[+-]\d{2}(?::?\d{2})?)?)?$"
"""Each text by itself: a cast takes a whole column or nothing, and the facts of parts would not be those of all."""


@dataclass(frozen=True)
class Taken:
    """Values that are written in one way: how many rows, the smallest and largest, and whether all are whole."""

    n: int = 0
    range: ValueRange = NO_RANGE
    is_whole: bool = True

    @classmethod
    def of(cls, values: Floats, counts: Counts) -> Taken:
        """Of distinct values [k], NaN where a text is not written so, and the rows of each."""
        is_taken = ~np.isnan(values)
        taken = values[is_taken]
        return cls(int(counts[is_taken].sum()), ValueRange.of(taken), bool(np.all(taken == np.floor(taken))))

    def merged(self, other: Taken) -> Taken:
        """Of both."""
        return Taken(self.n + other.n, self.range.merged(other.range), self.is_whole and other.is_whole)


NOTHING_TAKEN = Taken()


@dataclass(frozen=True)
class Strange:
    """Texts that are written in none of some ways, and the rows of each; ``counts`` is None where they are too many."""

    n: int = 0
    counts: Mapping[str, int] | None = field(default_factory=dict)

    @classmethod
    def of(cls, texts: pa.Array, counts: Counts, is_strange: Flags) -> Strange:
        """Of distinct texts."""
        n = int(counts[is_strange].sum())
        if np.count_nonzero(is_strange) > MAX_STRANGE_TEXTS:
            return cls(n, None)
        names = texts.filter(pa.array(is_strange)).to_pylist()
        return cls(n, dict(zip(names, counts[is_strange].tolist(), strict=True)))

    def merged(self, other: Strange) -> Strange:
        """Of both."""
        if self.counts is None or other.counts is None:
            return Strange(self.n + other.n, None)
        names = {name: self.counts.get(name, 0) + other.counts.get(name, 0) for name in (*self.counts, *other.counts)}
        return Strange(self.n + other.n, names if len(names) <= MAX_STRANGE_TEXTS else None)

    @property
    def most_frequent(self) -> list[tuple[str, int]]:
        """The texts by their rows, the most frequent first, then by name."""
        return sorted((self.counts or {}).items(), key=lambda entry: (-entry[1], entry[0]))


NOTHING_STRANGE = Strange()


@dataclass(frozen=True, eq=False)
class TextFacts:
    """What the values of a text column may be.

    Attributes
    ----------
    n, n_marks : rows with a value, and rows with a text that always stands for a missing one
    n_flags : rows with true or false
    n_digits, n_identifiers : rows with digits alone, and of these with a leading zero or more digits than int64 holds
    numbers, dates : by form, what is written so
    affixes : what stands before or behind numbers
    marks : the texts that stand for a missing value
    no_number, no_date : what is written in no form of numbers, or of dates
    """

    n: int = 0
    n_marks: int = 0
    n_flags: int = 0
    n_digits: int = 0
    n_identifiers: int = 0
    numbers: Mapping[str, Taken] = field(default_factory=dict)
    dates: Mapping[str, Taken] = field(default_factory=dict)
    affixes: frozenset[str] = frozenset()
    marks: Strange = NOTHING_STRANGE
    no_number: Strange = NOTHING_STRANGE
    no_date: Strange = NOTHING_STRANGE

    @classmethod
    def of(cls, texts: pa.Array, counts: Counts) -> TextFacts:
        """Of distinct texts [k] and the rows of each."""
        present = PLAIN.present(pa.chunked_array([texts]))
        is_mark = present.is_null().to_numpy()
        kept = present.filter(pc.is_valid(present))
        rest = counts[~is_mark]
        marks = Strange.of(texts, counts, is_mark)
        if not len(kept):
            return cls(0, int(counts.sum()), marks=marks)
        numbers, affixes, no_number = _numbers(kept, rest)
        dates, no_date = _dates(kept, rest, no_number)
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
            Strange.of(kept.combine_chunks(), rest, no_number),
            Strange.of(kept.combine_chunks(), rest, no_date),
        )

    def merged(self, other: TextFacts) -> TextFacts:
        """Of the rows of both."""
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
            self.no_number.merged(other.no_number),
            self.no_date.merged(other.no_date),
        )

    def taken_numbers(self, form: TextForm) -> Taken:
        """The values that are written as numbers in a form."""
        return self.number_form(form.decimal, form.thousands)[1]

    def taken_times(self, form: TextForm) -> Taken:
        """The values that are written as times in a form; their range is in seconds."""
        if form.dates.startswith("epoch"):
            taken = self.taken_numbers(form)
            return replace(taken, range=taken.range.scaled(1 / EPOCH_UNITS[form.dates]), is_whole=False)
        of_dates = [form.dates] if form.dates else ["", "ymd"]  # the second reads all that the first does
        return max((self.dates.get(name, NOTHING_TAKEN) for name in of_dates), key=lambda taken: taken.n)

    def number_form(self, decimal: str | None = None, thousands: str | None = None) -> tuple[str, Taken]:
        """The way of writing numbers that takes most rows, among those with these signs where they are given."""
        forms = [name for name, form in NUMBER_FORMS.items() if decimal in (None, form.decimal)]
        forms = [name for name in forms if thousands in (None, NUMBER_FORMS[name].thousands)]
        best = max(forms, key=lambda form: self.numbers.get(form, NOTHING_TAKEN).n)  # of equal ones the first
        return best, self.numbers.get(best, NOTHING_TAKEN)

    @property
    def date_forms(self) -> tuple[tuple[DateForm, ...], Taken]:
        """The ways of writing dates that take most rows: more than one where day and month cannot be told apart."""
        most = max(self.dates.get(form, NOTHING_TAKEN).n for form in DATE_FORMS)
        if not most:
            return (), NOTHING_TAKEN
        best = [form for form in DATE_FORMS if self.dates.get(form, NOTHING_TAKEN).n == most]
        if best[0] not in ("dmy", "mdy"):
            best = best[:1]
        return tuple(form for form in best if form in (best[0], "dmy", "mdy")), self.dates[best[0]]


NO_TEXT_FACTS = TextFacts()
"""Of no rows."""


def _merged(one: Mapping[str, Taken], other: Mapping[str, Taken]) -> dict[str, Taken]:
    forms = dict.fromkeys((*one, *other))
    return {form: one.get(form, NOTHING_TAKEN).merged(other.get(form, NOTHING_TAKEN)) for form in forms}


def _numbers(texts: pa.ChunkedArray, counts: Counts) -> tuple[dict[str, Taken], frozenset[str], Flags]:
    """By form, what distinct texts are numbers in it; what stands around them; and which are numbers in none."""
    plain, is_foreign = PLAIN.numbers(texts)
    has_point = pc.match_substring(texts, ".").to_numpy()
    whole, fraction = np.where(has_point, np.nan, plain), np.where(has_point, plain, np.nan)
    # what is plain reads alike in all forms of its decimal sign, and what has no point in all forms
    with_point, without_point = Taken.of(plain, counts), Taken.of(whole, counts)
    taken = {name: with_point if form.decimal == "." else without_point for name, form in NUMBER_FORMS.items()}
    grouped = _matches(texts, r"^[+-]?\d{1,3}(?:\.\d{3})+$") & ~np.isnan(fraction)
    if grouped.any():
        values, _ = NUMBER_FORMS["1.234,5"].numbers(texts.filter(pa.array(grouped)))
        taken["1.234,5"] = taken["1.234,5"].merged(Taken.of(values, counts[grouped]))
    if not is_foreign.any():
        return taken, frozenset(), is_foreign
    others, of_others = texts.filter(pa.array(is_foreign)), counts[is_foreign]
    is_number = np.zeros(len(of_others), np.bool_)
    for name, form in NUMBER_FORMS.items():
        values, _ = form.numbers(others)
        taken[name] = taken[name].merged(Taken.of(values, of_others))
        is_number |= ~np.isnan(values)
    numbers = others.filter(pa.array(is_number))
    affixes = [affix for affix in AFFIXES if _stands_around(numbers, affix)] if is_number.any() else []
    is_strange = is_foreign.copy()
    is_strange[is_foreign] = ~is_number
    return taken, frozenset(affixes), is_strange


def _stands_around(texts: pa.ChunkedArray, affix: str) -> bool:
    around = pc.or_(pc.starts_with(texts, affix), pc.ends_with(texts, affix))
    return bool(pc.any(around).as_py())


def _dates(texts: pa.ChunkedArray, counts: Counts, no_number: Flags) -> tuple[dict[str, Taken], Flags]:
    """By form, what distinct texts are dates in it; and which are dates in none."""
    no_date = np.ones(len(counts), np.bool_)
    # a number is no date but where it has eight digits or more
    may_be = no_number | _matches(texts, r"^(?:19|20)\d{6}(?:\d{4}|\d{6})?$")
    may_be[may_be] = _matches(texts.filter(pa.array(may_be)), LIKE_A_DATE)
    if not may_be.any():
        return {}, no_date
    likely, of_likely = texts.filter(pa.array(may_be)), counts[may_be]
    taken: dict[str, Taken] = {}
    is_date = np.zeros(len(of_likely), np.bool_)
    for form in DATE_FORMS:
        values = parsed_dates(likely, form or "ymd")
        if form == "":
            values = np.where(_matches(likely, _ISO_8601), values, np.nan)
        if not np.isnan(values).all():
            taken[form] = Taken.of(values, of_likely)
            is_date |= ~np.isnan(values)
    no_date[may_be] = ~is_date
    return taken, no_date


def _matches(texts: pa.ChunkedArray, pattern: str) -> Flags:
    return np.asarray(pc.fill_null(pc.match_substring_regex(texts, pattern), False).to_numpy(), np.bool_)
