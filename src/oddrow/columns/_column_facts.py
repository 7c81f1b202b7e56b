"""What is known of one table column while its kind is judged: how its values read, and how many there are."""

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
from oddrow.columns._text_facts import NUMBER_FORMS, Taken, TextFacts
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
"""A string column with at most so many distinct values is a category however short the table."""
MAX_STRANGE = 0.1
"""Largest share of texts that are no numbers, or no dates, in a column that is one of numbers or dates."""
MAX_ALIASES = 1_000


class ReadAs(Enum):
    """What the values of a column are, before it is asked what kind of quantity they are."""

    NOTHING = auto()
    FLAGS = auto()
    NUMBERS = auto()
    TIMES = auto()
    NAMES = auto()


@dataclass(frozen=True)
class Reading:
    """How the values of a column read.

    Attributes
    ----------
    form : how they are written; of times, see ``dates``
    missing : how many are missing, in words that follow a reason; "" where none is
    note : what a user should know of the texts that do not read so
    numbers : the distinct numbers, ascending; of a column whose distinct values are too many, those at hand
    is_counted : whether ``numbers`` are all of them
    dates : the forms that the times may be written in; more than one where day and month cannot be told apart
    is_lenient : whether some texts are no times
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
    """A table column while it is judged.

    Attributes
    ----------
    name, values : its name and its values in the table
    rest : what is known of its values in further rows
    is_written : whether strings are fields of a text file, which writes numbers as text too; in other tables a string
        that is written as a plain number is a name
    given : what is said of the column, such as how its values are written
    """

    name: str
    values: pa.ChunkedArray
    rest: ColumnSketch
    is_written: bool
    given: GivenColumn = NOTHING_GIVEN

    @property
    def is_text(self) -> bool:
        """Whether the values come as strings."""
        return is_string(self.values.type)

    @property
    def n_rows(self) -> int:
        """Rows of the whole table."""
        return len(self.values) + self.rest.n_rows

    @property
    def n_null(self) -> int:
        """Rows without any value; a text that stands for a missing one is a value here."""
        return int(self.values.null_count) + self.rest.n_missing

    @property
    def is_counted(self) -> bool:
        """Whether all distinct values are known."""
        return self.rest.counts is not None

    @cached_property
    def distinct(self) -> pa.ChunkedArray:
        """The distinct values that are known."""
        return pa.chunked_array([self.rest.distinct_with(pc.unique(self.values.drop_null()))])

    @cached_property
    def texts(self) -> TextFacts:
        """How many strings are written as numbers, dates and flags."""
        counted = pc.value_counts(self.values.drop_null())
        distinct, counts = counted.field("values"), counted.field("counts").to_numpy()
        if self.given.missing:
            marks = pa.array([mark.strip() for mark in self.given.missing])
            kept = pc.invert(pc.is_in(pc.utf8_trim_whitespace(distinct), value_set=marks))
            distinct, counts = distinct.filter(kept), counts[kept.to_numpy(zero_copy_only=False)]
        return TextFacts.of(distinct, counts).merged(self.rest.texts)

    @cached_property
    def reading(self) -> Reading:
        """How the values read."""
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
        """The form of a column that is not text and whose kind is given, where it does not hold times."""
        kind = self.values.type
        return self.given.form(TextForm(is_numeric=pa.types.is_integer(kind) or pa.types.is_floating(kind)))

    # Texts -----------------------------------------------------------------------------------------------------------

    def _reading_of_texts(self) -> Reading:
        texts = self.texts
        n = texts.n
        if self.n_null == self.n_rows or (not n and (self.is_written or texts.n_marks == 0)):
            return Reading(ReadAs.NOTHING)
        if n and texts.n_flags == n:
            return Reading(ReadAs.FLAGS, self.given.form(), self._missing_but(n))
        form_name, numbers = texts.number_form(self.given.decimal, self.given.thousands)
        forms, dates = texts.date_forms
        is_plain = form_name == "1234.5" and not texts.affixes
        has_marks = texts.n_marks > 0  # texts that stand for missing values are why numbers came as text
        if n and numbers.n == n and (self.is_written or not is_plain or has_marks):
            if (texts.n_digits == n and texts.n_identifiers) or self._are_versions:
                return self._names()
            return self._compact_dates() or self._numbers(form_name, numbers)
        if n and dates.n == n and len(self.distinct) > 1:
            return self._times(forms, dates)
        return self._mostly(form_name, numbers, forms, dates) or self._names()

    def _names(self) -> Reading:
        return Reading(ReadAs.NAMES, missing=missing_words(self.n_null))

    @property
    def _are_versions(self) -> bool:
        """Whether a few texts look like versions: as numbers, ``1.1`` and ``1.10`` would be the same."""
        if len(self.distinct) > FEW_VALUES:
            return False
        texts = set(self.distinct.to_pylist())
        return any(re.fullmatch(r"\d+\.\d*[1-9]0", text or "") and text[:-1] in texts for text in texts)

    def _missing_but(self, n: int) -> str:
        """How many values are missing where n are there, and which marks stand for them."""
        marks = [shortened(text) for text, _ in self.texts.marks.most_frequent if text.strip()]
        written = f" (written {', '.join(marks[:3])}{', ...' if len(marks) > 3 else ''})" if marks else ""
        missing = missing_words(self.n_rows - n)
        return missing + written if missing else ""

    def number_form(self, name: str, *, is_lenient: bool = False) -> TextForm:
        """How numbers of this way of writing are written in the column."""
        signs = NUMBER_FORMS[name]
        affixes = tuple(sorted(self.texts.affixes))
        return self.given.form(
            TextForm(decimal=signs.decimal, thousands=signs.thousands, affixes=affixes, is_lenient=is_lenient)
        )

    def given_number_form(self) -> TextForm:
        """The form of a column that is said to hold numbers."""
        if not self.is_text:
            return self.typed_form()
        return self.number_form(self.texts.number_form(self.given.decimal, self.given.thousands)[0], is_lenient=True)

    def _numbers(self, form_name: str, taken: Taken, note: str = "") -> Reading:
        form = self.number_form(form_name, is_lenient=taken.n < self.texts.n)
        values, _ = form.numbers(self.distinct)
        numbers = np.unique(values[~np.isnan(values)])
        missing = self._missing_but(taken.n)
        if form_name != "1234.5" or self.texts.affixes:
            missing += f", written as in {shortened(self._example(form))}"
        is_counted = self.is_counted or len(numbers) > 2
        return Reading(ReadAs.NUMBERS, form, missing, note, numbers, is_counted)

    def _example(self, form: TextForm) -> str:
        """A value that shows the form: of the first ones that with the most signs that are no digits."""
        some = self.distinct.slice(0, 1_000)
        values, _ = form.numbers(some)
        texts = [text for text, value in zip(some.to_pylist(), values, strict=True) if not np.isnan(value)]
        return min(texts, key=lambda text: (-sum(not sign.isdigit() for sign in text), text), default="")

    def _compact_dates(self) -> Reading | None:
        taken = self.texts.dates.get("compact")
        if taken is None or taken.n < self.texts.n or len(self.distinct) < 2 or taken.n < MIN_ROWS // 3:
            return None
        return self._times(("compact",), taken)

    def _times(self, forms: tuple[DateForm, ...], taken: Taken, note: str = "") -> Reading:
        return Reading(
            ReadAs.TIMES,
            missing=self._missing_but(taken.n),
            note=note,
            dates=forms,
            is_lenient=taken.n < self.texts.n,
        )

    def given_dates(self) -> DateForm:
        """The form of a column that is said to hold times: dates if any are, else a count since 1970."""
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
        """The form; where day and month cannot be told apart, the one by which the rows are in order."""
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

    def _mostly(self, form_name: str, numbers: Taken, forms: tuple[DateForm, ...], dates: Taken) -> Reading | None:
        """Numbers, or dates, but for a few texts: these are missing values."""
        n = self.texts.n
        if n and numbers.n >= (1 - MAX_STRANGE) * n and numbers.n > dates.n:
            form = self.number_form(form_name, is_lenient=True)
            if len(np.unique(form.numbers(self.distinct)[0])) > FEW_VALUES:
                note = self._strange_note("numbers", numbers.n, self.texts.no_number.most_frequent)
                return self._numbers(form_name, numbers, note)
        if n and dates.n >= (1 - MAX_STRANGE) * n and dates.n and forms:
            strange = self.texts.no_date.most_frequent
            if len(self.distinct) - len(strange) > FEW_VALUES:
                return self._times(forms, dates, self._strange_note("dates", dates.n, strange))
        return None

    def _strange_note(self, what: str, n_taken: int, strange: Sequence[tuple[str, int]]) -> str:
        shown = ", ".join(f"{shortened(text)} ({count:,})" for text, count in strange[:5])
        more = ", ..." if len(strange) > 5 else ""
        return (
            f"{shortened(self.name)}: {n_taken:,} of {self.texts.n:,} values are {what}; "
            f"the others count as missing: {shown}{more}"
        )

    # Names -----------------------------------------------------------------------------------------------------------

    @cached_property
    def n_named(self) -> int:
        """Rows with a name."""
        return len(self.values) - int(self.values.null_count) + self.rest.n_present

    @cached_property
    def why_text(self) -> str:
        """Why names are too many, or too long, for categories; "" where they are not."""
        rows, n = self.n_named, len(self.distinct)
        if not self.is_counted:  # all its names cannot be kept, and one that is not kept would be news
            return f"over {self.rest.most:,} distinct values: too many for categories"
        if n > max(FEW_VALUES, rows // 2):
            return f"{n:,} distinct values in {rows:,} rows: too many for categories"
        words = (n_words(self.values.drop_null()) + self.rest.n_words) / rows
        if words > 4 and n > max(FEW_VALUES, rows // 20):
            return f"{words:.0f} words a value, {n:,} distinct"
        return ""

    @cached_property
    def is_identifier(self) -> bool:
        """Whether names identify rows: all different, and of one form."""
        n = len(self.distinct)
        if self.given.is_kept or n < self.n_named or self.n_named < MIN_ROWS:
            return False
        some = self.distinct.slice(0, 20_000)
        lengths = pc.cast(pc.utf8_length(some), pa.float64()).to_numpy()
        has_blank = pc.match_substring_regex(some, r"\s").to_numpy()
        has_digit = pc.match_substring_regex(some, r"\d").to_numpy()
        return is_identifier_form(lengths, has_blank, has_digit)

    def looks_like(self) -> str:
        """What is said of a column of names of which many are numbers or dates; "" of any other."""
        texts = self.texts
        numbers, dates = texts.number_form()[1].n, texts.date_forms[1].n
        for what, n_taken, strange in (("numbers", numbers, texts.no_number), ("dates", dates, texts.no_date)):
            if n_taken >= texts.n / 2 and strange.n:
                shown = ", ".join(f"{shortened(text)} ({count:,})" for text, count in strange.most_frequent[:3])
                kind = "number" if what == "numbers" else "timestamp"
                return (
                    f"{shortened(self.name)} is treated as text, though {n_taken:,} of {texts.n:,} values are {what}"
                    f"{'; the others: ' + shown if shown else ''}; the kind {kind!r} makes the others missing"
                )
        return ""

    def first_name(self) -> str:
        """A value for a sentence."""
        return shortened(self.distinct[0].as_py())

    def alias_form(self) -> TextForm:
        """How training wrote names that a typed column would write otherwise, such as ``3.20`` or ``True``."""
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
        """The form of a column that is said to hold names."""
        return self.given.form(self.alias_form()) if self.is_text else self.typed_form()


def missing_words(n_missing: int) -> str:
    """So many missing values, in words that follow a reason; "" where none is."""
    return f", {n_missing:,} missing" if n_missing else ""
