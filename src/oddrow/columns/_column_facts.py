"""The facts about one table column from which its kind is judged: how its values parse, and how many differ."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns._dates_in_numbers import are_compact_dates, epoch_of
from oddrow.columns._given_column import NOTHING_GIVEN, GivenColumn
from oddrow.columns._row_order import MIN_ROWS, is_identifier_form, time_run
from oddrow.columns._sketch import ColumnSketch
from oddrow.columns._text_facts import NUMBER_FORMS, ParsedValues, TextFacts
from oddrow.columns._text_patterns import n_words
from oddrow.table import (
    PLAIN,
    DateForm,
    Floats,
    TextForm,
    as_names,
    as_seconds,
    floats_of,
    is_string,
    shortened,
)

FEW_VALUES = 20
"""A string column with at most this many distinct values is a category, however short the table is."""
MAX_UNPARSED_SHARE = 0.1
"""Largest share of texts that do not parse in a column of numbers or dates."""
MAX_ALIASES = 1_000
"""Largest number of distinct names for which other ways to write them are stored."""


class ReadAs(Enum):
    """The type as which the values of a column parse, before the kind of the column is judged."""

    NOTHING = auto()
    FLAGS = auto()
    NUMBERS = auto()
    TIMES = auto()
    NAMES = auto()


@dataclass(frozen=True)
class Reading:
    """How the values of a column parse.

    Attributes
    ----------
    form : how the values are written; for times see ``dates``
    missing : the number of missing values as a phrase to append to a reason; "" if none is missing
    note : a sentence for the user about texts that do not parse
    numbers : the distinct numbers, ascending; if the column has too many to count them, those of the sampled rows
    is_counted : whether ``numbers`` holds all distinct numbers
    dates : the possible forms of the times; several if day and month cannot be told apart
    is_lenient : whether some texts do not parse as times
    """

    read_as: ReadAs
    form: TextForm = PLAIN
    missing: str = ""
    note: str = ""
    numbers: Floats = field(default_factory=lambda: np.zeros(0))
    is_counted: bool = True
    dates: tuple[DateForm, ...] = ()
    is_lenient: bool = False


@dataclass(frozen=True, eq=False)
class ColumnFacts:
    """A table column whose kind is being judged.

    Attributes
    ----------
    name, values : its name and its values in the table
    rest : a sketch of its values in the training rows that are not in the table
    is_written : whether strings are fields of a text file, where numbers are texts as well; in other tables a string
        that is written as a plain number is a name
    given : the user's settings for the column, such as how its values are written
    """

    name: str
    values: pa.ChunkedArray
    rest: ColumnSketch
    is_written: bool
    given: GivenColumn = NOTHING_GIVEN

    @property
    def is_text(self) -> bool:
        """Whether the values are strings."""
        return is_string(self.values.type)

    @property
    def n_rows(self) -> int:
        """The number of training rows, including those that are not in the table."""
        return len(self.values) + self.rest.n_rows

    @property
    def n_null(self) -> int:
        """The number of null values; a text that stands for a missing value is not null."""
        return int(self.values.null_count) + self.rest.n_missing

    @property
    def is_counted(self) -> bool:
        """Whether all distinct values of the training rows are known."""
        return self.rest.counts is not None

    @cached_property
    def distinct(self) -> pa.ChunkedArray:
        """The known distinct values."""
        return pa.chunked_array([self.rest.distinct_with(pc.unique(self.values.drop_null()))])

    @cached_property
    def texts(self) -> TextFacts:
        """The numbers of strings that are written as numbers, dates and flags."""
        counted = pc.value_counts(self.values.drop_null())
        distinct, counts = counted.field("values"), counted.field("counts").to_numpy()
        if self.given.missing:
            marks = pa.array([mark.strip() for mark in self.given.missing])
            kept = pc.invert(pc.is_in(pc.utf8_trim_whitespace(distinct), value_set=marks))
            distinct, counts = distinct.filter(kept), counts[kept.to_numpy(zero_copy_only=False)]
        return TextFacts.of(distinct, counts).merged(self.rest.texts)

    @cached_property
    def reading(self) -> Reading:
        """The way in which the values parse."""
        return self._reading_of_texts() if self.is_text else self._reading_of_typed()

    # Typed values ----------------------------------------------------------------------------------------------------

    def _reading_of_typed(self) -> Reading:
        if self.n_null == self.n_rows:
            return Reading(ReadAs.NOTHING)
        missing = missing_words(self.n_null)
        if pa.types.is_boolean(self.values.type):
            return Reading(ReadAs.FLAGS, missing=missing)
        if pa.types.is_temporal(self.values.type):
            return Reading(ReadAs.TIMES, missing=missing)
        numbers = np.unique(floats_of(self.distinct))
        return Reading(ReadAs.NUMBERS, missing=missing, numbers=numbers, is_counted=self.is_counted)

    def typed_form(self) -> TextForm:
        """Return the form of a column that is not text, whose kind is given and which does not hold times."""
        kind = self.values.type
        return self.given.form(TextForm(is_numeric=pa.types.is_integer(kind) or pa.types.is_floating(kind)))

    # Texts -----------------------------------------------------------------------------------------------------------

    def _reading_of_texts(self) -> Reading:
        texts = self.texts
        n = texts.n
        if self.n_null == self.n_rows or (not n and (self.is_written or texts.n_marks == 0)):
            return Reading(ReadAs.NOTHING)
        if n and texts.n_flags == n:
            return Reading(ReadAs.FLAGS, self.given.form(), self._missing_note(n))
        form_name, numbers = texts.number_form(self.given.decimal, self.given.thousands)
        forms, dates = texts.date_forms
        is_plain = form_name == "1234.5" and not texts.affixes
        has_marks = texts.n_marks > 0  # marks of missing values explain why numbers are stored as text
        if n and numbers.n == n and (self.is_written or not is_plain or has_marks):
            if (texts.n_digits == n and texts.n_identifiers) or self._are_versions:
                return self._names()
            return self._compact_dates() or self._numbers(form_name, numbers)
        if n and dates.n == n and len(self.distinct) > 1:
            return self._times(forms, dates)
        return self._lenient_reading(form_name, numbers, forms, dates) or self._names()

    def _names(self) -> Reading:
        return Reading(ReadAs.NAMES, missing=missing_words(self.n_null))

    @property
    def _are_versions(self) -> bool:
        """Whether a few distinct texts look like versions: ``1.1`` and ``1.10`` differ, but are equal as numbers."""
        if len(self.distinct) > FEW_VALUES:
            return False
        texts = set(self.distinct.to_pylist())
        return any(re.fullmatch(r"\d+\.\d*[1-9]0", text or "") and text[:-1] in texts for text in texts)

    def _missing_note(self, n: int) -> str:
        """Return the number of missing values, if n are present, and the marks for them as a phrase."""
        marks = [shortened(text) for text, _ in self.texts.marks.most_frequent if text.strip()]
        written = f" (written {', '.join(marks[:3])}{', ...' if len(marks) > 3 else ''})" if marks else ""
        missing = missing_words(self.n_rows - n)
        return missing + written if missing else ""

    def number_form(self, name: str, *, is_lenient: bool = False) -> TextForm:
        """Return the form of numbers that are written in this way, with the affixes of the column."""
        signs = NUMBER_FORMS[name]
        affixes = tuple(sorted(self.texts.affixes))
        return self.given.form(
            TextForm(decimal=signs.decimal, thousands=signs.thousands, affixes=affixes, is_lenient=is_lenient)
        )

    def given_number_form(self) -> TextForm:
        """Return the form of a column whose given kind holds numbers."""
        if not self.is_text:
            return self.typed_form()
        return self.number_form(self.texts.number_form(self.given.decimal, self.given.thousands)[0], is_lenient=True)

    def _numbers(self, form_name: str, parsed: ParsedValues, note: str = "") -> Reading:
        form = self.number_form(form_name, is_lenient=parsed.n < self.texts.n)
        values, _ = form.numbers(self.distinct)
        numbers = np.unique(values[~np.isnan(values)])
        missing = self._missing_note(parsed.n)
        if form_name != "1234.5" or self.texts.affixes:
            missing += f", written as in {shortened(self._example(form))}"
        is_counted = self.is_counted or len(numbers) > 2
        return Reading(ReadAs.NUMBERS, form, missing, note, numbers, is_counted)

    def _example(self, form: TextForm) -> str:
        """Return an example of the form: of the first values that with the most characters other than digits."""
        some = self.distinct.slice(0, 1_000)
        values, _ = form.numbers(some)
        texts = [text for text, value in zip(some.to_pylist(), values, strict=True) if not np.isnan(value)]
        return min(texts, key=lambda text: (-sum(not sign.isdigit() for sign in text), text), default="")

    def _compact_dates(self) -> Reading | None:
        parsed = self.texts.dates.get("compact")
        if parsed is None or parsed.n < self.texts.n or len(self.distinct) < 2 or parsed.n < MIN_ROWS // 3:
            return None
        return self._times(("compact",), parsed)

    def _times(self, forms: tuple[DateForm, ...], parsed: ParsedValues, note: str = "") -> Reading:
        return Reading(
            ReadAs.TIMES,
            missing=self._missing_note(parsed.n),
            note=note,
            dates=forms,
            is_lenient=parsed.n < self.texts.n,
        )

    def given_dates(self) -> DateForm:
        """Return the form of a column whose given kind holds times: dates if any parses, else a count since 1970."""
        if not self.is_text:
            values = floats_of(self.values) if not pa.types.is_null(self.values.type) else np.zeros(0)
            return epoch_of(values) or ("compact" if are_compact_dates(values) else "")
        forms, dates = self.texts.date_forms
        name, numbers = self.texts.number_form()
        if numbers.n > dates.n:
            values, _ = NUMBER_FORMS[name].numbers(self.distinct)
            return epoch_of(values) or "epoch s"
        return (self.one_date_form(forms) or forms[0]) if forms else ""

    def one_date_form(self, forms: tuple[DateForm, ...]) -> DateForm | None:
        """Return the form of dates; among several the only one in which the rows are in order, if there is one."""
        if self.given.dates is not None:
            return self.given.dates
        if len(forms) == 1:
            return forms[0]
        ordered: list[DateForm] = []
        for form in forms:
            run = time_run(as_seconds(self.values, TextForm(dates=form, is_lenient=True)))
            if run is not None:
                ordered.append(form)
        return ordered[0] if len(ordered) == 1 else None

    def _lenient_reading(
        self, form_name: str, numbers: ParsedValues, forms: tuple[DateForm, ...], dates: ParsedValues
    ) -> Reading | None:
        """Return a reading as numbers, or as dates, in which a few other texts count as missing values."""
        n = self.texts.n
        if n and numbers.n >= (1 - MAX_UNPARSED_SHARE) * n and numbers.n > dates.n:
            form = self.number_form(form_name, is_lenient=True)
            if len(np.unique(form.numbers(self.distinct)[0])) > FEW_VALUES:
                note = self._unparsed_note("numbers", numbers.n, self.texts.not_numbers.most_frequent)
                return self._numbers(form_name, numbers, note)
        if n and dates.n >= (1 - MAX_UNPARSED_SHARE) * n and dates.n and forms:
            unparsed = self.texts.not_dates.most_frequent
            if len(self.distinct) - len(unparsed) > FEW_VALUES:
                return self._times(forms, dates, self._unparsed_note("dates", dates.n, unparsed))
        return None

    def _unparsed_note(self, what: str, n_parsed: int, unparsed: Sequence[tuple[str, int]]) -> str:
        shown = ", ".join(f"{shortened(text)} ({count:,})" for text, count in unparsed[:5])
        more = ", ..." if len(unparsed) > 5 else ""
        return (
            f"{shortened(self.name)}: {n_parsed:,} of {self.texts.n:,} values are {what}; "
            f"the others count as missing: {shown}{more}"
        )

    # Names -----------------------------------------------------------------------------------------------------------

    @cached_property
    def n_names(self) -> int:
        """The number of rows with a name."""
        return len(self.values) - int(self.values.null_count) + self.rest.n_present

    @cached_property
    def text_reason(self) -> str:
        """The reason why names are too many, or too long, for categories; "" if they are categories."""
        rows, n = self.n_names, len(self.distinct)
        if not self.is_counted:  # a name that is not kept would count as unseen
            return f"over {self.rest.most:,} distinct values: too many for categories"
        if n > max(FEW_VALUES, rows // 2):
            return f"{n:,} distinct values in {rows:,} rows: too many for categories"
        words = (n_words(self.values.drop_null()) + self.rest.n_words) / rows
        if words > 4 and n > max(FEW_VALUES, rows // 20):
            return f"{words:.0f} words in a mean value, {n:,} distinct values"
        return ""

    @cached_property
    def is_identifier(self) -> bool:
        """Whether the names identify rows: all differ, and all have one form."""
        n = len(self.distinct)
        if self.given.is_kept or n < self.n_names or self.n_names < MIN_ROWS:
            return False
        some = self.distinct.slice(0, 20_000)
        lengths = pc.cast(pc.utf8_length(some), pa.float64()).to_numpy()
        has_blank = pc.match_substring_regex(some, r"\s").to_numpy()
        has_digit = pc.match_substring_regex(some, r"\d").to_numpy()
        return is_identifier_form(lengths, has_blank, has_digit)

    def mixed_note(self) -> str:
        """Return a note on a column of names if at least half of them parse as numbers or dates, else ""."""
        texts = self.texts
        numbers, dates = texts.number_form()[1].n, texts.date_forms[1].n
        for what, n_parsed, unparsed in (("numbers", numbers, texts.not_numbers), ("dates", dates, texts.not_dates)):
            if n_parsed >= texts.n / 2 and unparsed.n:
                shown = ", ".join(f"{shortened(text)} ({count:,})" for text, count in unparsed.most_frequent[:3])
                kind = "number" if what == "numbers" else "timestamp"
                return (
                    f"{shortened(self.name)} is treated as text, though {n_parsed:,} of {texts.n:,} values are {what}"
                    f"{'; the others: ' + shown if shown else ''}; the kind {kind!r} treats the others as missing"
                )
        return ""

    def example_name(self) -> str:
        """Return one value, quoted for a message."""
        return shortened(self.distinct[0].as_py())

    def alias_form(self) -> TextForm:
        """Return how training rows write names that a typed column writes otherwise, such as ``3.20`` or ``True``."""
        if len(self.distinct) > MAX_ALIASES:
            return PLAIN
        names = [text for text in self.distinct.to_pylist() if text is not None]
        aliases: dict[str, list[str]] = {}
        values, _ = PLAIN.numbers(pa.chunked_array([pa.array(names, pa.string())]))
        ours = as_names(pa.chunked_array([pa.array(values, from_pandas=True)]), PLAIN).to_pylist()
        for written, number in zip(names, ours, strict=True):
            typed = number if number is not None else written.strip().lower()
            if typed != written and (number is not None or typed in ("true", "false")):
                aliases.setdefault(typed, []).append(written)
        known = set(names)
        pairs = sorted((ours, theirs[0]) for ours, theirs in aliases.items() if len(theirs) == 1 and ours not in known)
        return TextForm(aliases=tuple(pairs))

    def given_name_form(self) -> TextForm:
        """Return the form of a column whose given kind holds names."""
        return self.given.form(self.alias_form()) if self.is_text else self.typed_form()


def missing_words(n_missing: int) -> str:
    """Return a number of missing values as a phrase to append to a reason; "" for 0."""
    return f", {n_missing:,} missing" if n_missing else ""
