"""The kind of one column and the form of its values, from its training values alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns._column_schema import ColumnSchema, Kind
from oddrow.columns._given_kinds import NOTHING_GIVEN, GivenColumn
from oddrow.columns._order import MIN_ROWS, is_identifier_form, time_run
from oddrow.columns._sketch import ColumnSketch
from oddrow.columns._text_evidence import NUMBER_FORMS, Taken, TextEvidence
from oddrow.columns._texts import n_words
from oddrow.table import (
    PLAIN,
    DateForm,
    TextForm,
    as_names,
    as_seconds,
    as_texts,
    floats_of,
    is_string,
    python_values,
    shortened,
)

FEW_VALUES = 20
"""A string column with at most so many distinct values is a category however short the table."""
MAX_STRANGE = 0.1
"""Largest share of texts that are no numbers, or no dates, in a column that is one of numbers or dates."""
MAX_ALIASES = 1_000
_EPOCHS = {"epoch s": 1.0, "epoch ms": 1e3, "epoch us": 1e6, "epoch ns": 1e9}
_FIRST_SECOND, _LAST_SECOND = 946_684_800.0, 2_524_608_000.0  # 2000 and 2050
_TIME_NAME = re.compile(
    r"(^|[^A-Za-z])(?i:time|timestamp|ts|date|datetime|epoch|at|when|created|updated|started|ended)$|[a-z](Time|Date|Timestamp|At)$"
)


def judged_column(
    name: str, column: pa.ChunkedArray, rest: ColumnSketch, *, is_written: bool, given: GivenColumn = NOTHING_GIVEN
) -> ColumnSchema:
    """The kind of one column and why.

    Parameters
    ----------
    name, column
        Its name and its values in the table.
    rest
        What is known of its values in further rows.
    is_written
        Whether strings are fields of a text file, which writes numbers as text too. In other tables a string that is
        written as a plain number is a name.
    given
        How its values are written, where that is said.
    """
    if is_string(column.type):
        return _Texts(name, column, rest, is_written=is_written, given=given).judged()
    n_missing = column.null_count + rest.n_missing
    if n_missing == len(column) + rest.n_rows:
        return _without_values(name)
    distinct = _distinct(column, rest)
    missing = _missing(n_missing)
    if len(distinct) == 1 and rest.counts is not None:
        is_numeric = not (pa.types.is_boolean(column.type) or pa.types.is_temporal(column.type))
        why = f"always {shortened(python_values(distinct)[0])}{missing}"
        return ColumnSchema(name, Kind.CONSTANT, why, TextForm(is_numeric=is_numeric))
    if pa.types.is_boolean(column.type):
        return ColumnSchema(name, Kind.BOOLEAN, f"true and false{missing}")
    if pa.types.is_temporal(column.type):
        return ColumnSchema(name, Kind.TIMESTAMP, f"{column.type}{missing}")
    return judged_number(name, floats_of(distinct), missing, is_counted=rest.counts is not None)


def _distinct(column: pa.ChunkedArray, rest: ColumnSketch) -> pa.ChunkedArray:
    return pa.chunked_array([rest.distinct_with(pc.unique(column.drop_null()))])


def _missing(n_missing: int) -> str:
    return f", {n_missing:,} missing" if n_missing else ""


def _without_values(name: str) -> ColumnSchema:
    return ColumnSchema(name, Kind.IGNORE, "no value in any row", note=f"{shortened(name)} is empty: it is left out")


def judged_number(
    name: str, distinct: np.ndarray, missing: str, form: TextForm = PLAIN, *, is_counted: bool, note: str = ""
) -> ColumnSchema:
    """Two values make a flag, three or more a quantity: a port number has an order, a flag has none."""
    distinct = np.unique(distinct)
    if not is_counted:
        return ColumnSchema(name, Kind.NUMBER, f"at least {len(distinct):,} distinct numbers{missing}", form, note=note)
    names = replace(form, is_numeric=True)
    if len(distinct) == 1:
        return ColumnSchema(name, Kind.CONSTANT, f"always {_plainly(distinct[0])}{missing}", names, note=note)
    if len(distinct) > 2:
        return ColumnSchema(name, Kind.NUMBER, f"{len(distinct):,} distinct numbers{missing}", form, note=note)
    if distinct.tolist() == [0, 1]:
        return ColumnSchema(name, Kind.BOOLEAN, f"only 0 and 1{missing}", form, note=note)
    if np.all(np.isfinite(distinct) & (distinct == np.floor(distinct))):
        low, high = map(_plainly, distinct)
        why = f"only {low} and {high}: a flag, not a quantity{missing}"
        return ColumnSchema(name, Kind.CATEGORY, why, names, note=note)
    return ColumnSchema(name, Kind.NUMBER, f"2 distinct numbers{missing}", form, note=note)


def _plainly(number: float) -> str:
    return str(as_texts(pa.chunked_array([pa.array([number])]))[0].as_py())


class _Texts:
    """A column of strings while it is judged."""

    def __init__(
        self, name: str, column: pa.ChunkedArray, rest: ColumnSketch, *, is_written: bool, given: GivenColumn
    ) -> None:
        counted = pc.value_counts(column.drop_null())
        self.name, self.column, self.rest, self.is_written, self.given = name, column, rest, is_written, given
        distinct, counts = counted.field("values"), counted.field("counts").to_numpy()
        distinct, counts = self._as_given(distinct, counts)
        self.evidence: TextEvidence = TextEvidence.of(distinct, counts).merged(rest.evidence)
        self.distinct = _distinct(column, rest)
        self.n_rows = len(column) + rest.n_rows
        self.n_null = column.null_count + rest.n_missing

    def _as_given(self, distinct: pa.Array, counts: np.ndarray) -> tuple[pa.Array, np.ndarray]:
        """Without the texts that are said to stand for a missing value."""
        if not self.given.missing:
            return distinct, counts
        marks = pa.array([mark.strip() for mark in self.given.missing])
        kept = pc.invert(pc.is_in(pc.utf8_trim_whitespace(distinct), value_set=marks))
        return distinct.filter(kept), counts[kept.to_numpy(zero_copy_only=False)]

    def judged(self) -> ColumnSchema:
        evidence = self.evidence
        n = evidence.n
        if self.n_null == self.n_rows or (not n and (self.is_written or evidence.n_marks == 0)):
            return _without_values(self.name)
        if n and evidence.n_flags == n:
            return self._flag()
        form_name, numbers = evidence.number_form(self.given.decimal, self.given.thousands)
        forms, dates = evidence.date_forms
        is_plain = form_name == "1234.5" and not evidence.affixes
        if n and numbers.n == n and (self.is_written or not is_plain or self._has_marks):
            if (evidence.n_digits == n and evidence.n_identifiers) or self._are_versions:
                return self._names()
            return self._compact_date() or self._number(form_name, numbers)
        if n and dates.n == n and len(self.distinct) > 1:
            return self._date(forms, dates)
        return self._mostly(form_name, numbers, forms, dates) or self._names()

    @property
    def _are_versions(self) -> bool:
        """Whether a few texts look like versions: as numbers, ``1.1`` and ``1.10`` would be the same."""
        if len(self.distinct) > FEW_VALUES:
            return False
        texts = set(self.distinct.to_pylist())
        return any(re.fullmatch(r"\d+\.\d*[1-9]0", text or "") and text[:-1] in texts for text in texts)

    @property
    def _has_marks(self) -> bool:
        """Whether texts that stand for missing values are why a column of numbers came as text."""
        return self.evidence.n_marks > 0

    @property
    def _missing(self) -> str:
        return self._missing_but(self.evidence.n)

    def _missing_but(self, n: int) -> str:
        """How many values are missing where n are there, and which marks stand for them."""
        marks = [shortened(text) for text, _ in self.evidence.marks.most_frequent if text.strip()]
        written = f" (written {', '.join(marks[:3])}{', ...' if len(marks) > 3 else ''})" if marks else ""
        missing = _missing(self.n_rows - n)
        return missing + written if missing else ""

    def _flag(self) -> ColumnSchema:
        words = pc.utf8_lower(PLAIN.present(self.distinct))
        if len(pc.unique(words.drop_null())) == 1:
            return ColumnSchema(self.name, Kind.CONSTANT, f"always {self._first}{_missing(self.n_null)}")
        return ColumnSchema(self.name, Kind.BOOLEAN, f"true and false{self._missing}", self.given.form())

    @property
    def _first(self) -> str:
        return shortened(self.distinct[0].as_py())

    def number_form(self, name: str, *, is_lenient: bool = False) -> TextForm:
        """How numbers of this way of writing are written in the column."""
        signs = NUMBER_FORMS[name]
        affixes = tuple(sorted(self.evidence.affixes))
        return self.given.form(
            TextForm(decimal=signs.decimal, thousands=signs.thousands, affixes=affixes, is_lenient=is_lenient)
        )

    def _number(self, form_name: str, taken: Taken, note: str = "") -> ColumnSchema:
        form = self.number_form(form_name, is_lenient=taken.n < self.evidence.n)
        values, _ = form.numbers(self.distinct)
        values = values[~np.isnan(values)]
        is_counted = self.rest.counts is not None or len(np.unique(values)) > 2
        missing = self._missing_but(taken.n)
        if form_name != "1234.5" or self.evidence.affixes:
            missing += f", written as in {shortened(self._example(form))}"
        return judged_number(self.name, values, missing, form, is_counted=is_counted, note=note)

    def _example(self, form: TextForm) -> str:
        """A value that shows the form: of the first ones that with the most signs that are no digits."""
        some = self.distinct.slice(0, 1_000)
        values, _ = form.numbers(some)
        texts = [text for text, value in zip(some.to_pylist(), values, strict=True) if not np.isnan(value)]
        return min(texts, key=lambda text: (-sum(not sign.isdigit() for sign in text), text), default="")

    def _compact_date(self) -> ColumnSchema | None:
        taken = self.evidence.dates.get("compact")
        if taken is None or taken.n < self.evidence.n or len(self.distinct) < 2 or taken.n < MIN_ROWS // 3:
            return None
        return self._date(("compact",), taken)

    def _date(self, forms: tuple[DateForm, ...], taken: Taken, note: str = "") -> ColumnSchema:
        is_lenient = taken.n < self.evidence.n
        form = self._one_date_form(forms)
        missing = self._missing_but(taken.n)
        example = shortened(next((text for text in self.distinct.to_pylist() if text and text.strip()), ""))
        if form is None:
            return ColumnSchema(
                self.name,
                Kind.IGNORE,
                f"dates as in {example}{missing}",
                note=f"{shortened(self.name)} looks like dates as {example}, but day and month cannot be told apart: "
                "it is left out; say which comes first with the kind 'timestamp; dates=dmy' or 'timestamp; dates=mdy'",
            )
        kind = "time of day" if form == "time" else "ISO 8601 date or time" if form == "" else "date or time"
        every = "nearly every" if is_lenient else "every"
        why = f"{every} value is a{'n' if form == '' else ''} {kind}"
        shown = "" if form == "" else f", written as in {example} ({_ORDER_WORDS.get(form, form)})"
        return ColumnSchema(
            self.name,
            Kind.TIMESTAMP,
            f"{why}{shown}{missing}",
            self.given.form(TextForm(dates=form, is_lenient=is_lenient)),
            note=note,
        )

    @property
    def given_dates(self) -> DateForm:
        """The form of a column that is said to hold times: dates if any are, else a count since 1970."""
        forms, dates = self.evidence.date_forms
        name, numbers = self.evidence.number_form()
        if numbers.n > dates.n:
            values, _ = NUMBER_FORMS[name].numbers(self.distinct)
            return epoch_of(values) or "epoch s"
        return (self._one_date_form(forms) or forms[0]) if forms else ""

    def _one_date_form(self, forms: tuple[DateForm, ...]) -> DateForm | None:
        """The form; where day and month cannot be told apart, the one by which the rows are in order."""
        if self.given.dates is not None:
            return self.given.dates
        if len(forms) == 1:
            return forms[0]
        ordered: list[DateForm] = []
        for form in forms:
            run = time_run(as_seconds(self.column, TextForm(dates=form, is_lenient=True)))
            if run is not None:
                ordered.append(form)
        return ordered[0] if len(ordered) == 1 else None

    def _mostly(self, form_name: str, numbers: Taken, forms: tuple[DateForm, ...], dates: Taken) -> ColumnSchema | None:
        """A column of numbers, or of dates, but for a few texts: these are missing values."""
        n = self.evidence.n
        if n and numbers.n >= (1 - MAX_STRANGE) * n and numbers.n > dates.n:
            form = self.number_form(form_name, is_lenient=True)
            if len(np.unique(form.numbers(self.distinct)[0])) > FEW_VALUES:
                note = self._strange_note("numbers", numbers.n, self.evidence.no_number.most_frequent)
                return self._number(form_name, numbers, note)
        if n and dates.n >= (1 - MAX_STRANGE) * n and dates.n and forms:
            strange = self.evidence.no_date.most_frequent
            if len(self.distinct) - len(strange) > FEW_VALUES:
                return self._date(forms, dates, self._strange_note("dates", dates.n, strange))
        return None

    def _strange_note(self, what: str, n_taken: int, strange: Sequence[tuple[str, int]]) -> str:
        shown = ", ".join(f"{shortened(text)} ({count:,})" for text, count in strange[:5])
        more = ", ..." if len(strange) > 5 else ""
        return (
            f"{shortened(self.name)}: {n_taken:,} of {self.evidence.n:,} values are {what}; "
            f"the others count as missing: {shown}{more}"
        )

    def _names(self) -> ColumnSchema:
        """Names or texts, each as it is written."""
        name, rest = self.name, self.rest
        present = self.column.drop_null()
        rows, n = len(present) + rest.n_present, len(self.distinct)
        missing = _missing(self.n_null)
        if n == 1 and rest.counts is not None:
            return ColumnSchema(name, Kind.CONSTANT, f"always {self._first}{missing}", self.alias_form())
        if self._is_identifier(rows, n):
            return ColumnSchema(
                name,
                Kind.IGNORE,
                f"looks like an identifier: {n:,} different values in {rows:,} rows, all of one form{missing}",
                note=f"{shortened(name)} looks like an identifier, as {self._first}: it is left out",
            )
        if rest.counts is None:  # all its names cannot be kept, and one that is not kept would be news
            why = f"over {rest.most:,} distinct values: too many for categories{missing}"
            return ColumnSchema(name, Kind.TEXT, why, note=self._looks_like())
        if n > max(FEW_VALUES, rows // 2):
            why = f"{n:,} distinct values in {rows:,} rows: too many for categories{missing}"
            return ColumnSchema(name, Kind.TEXT, why, note=self._looks_like())
        words = (n_words(present) + rest.n_words) / rows
        if words > 4 and n > max(FEW_VALUES, rows // 20):
            return ColumnSchema(name, Kind.TEXT, f"{words:.0f} words a value, {n:,} distinct{missing}")
        note = self._looks_like() if n > FEW_VALUES else ""
        return ColumnSchema(name, Kind.CATEGORY, f"{n:,} distinct values{missing}", self.alias_form(), note=note)

    def _looks_like(self) -> str:
        """What is said of a column of names of which many are numbers or dates."""
        evidence = self.evidence
        numbers, dates = evidence.number_form()[1].n, evidence.date_forms[1].n
        for what, n_taken, strange in (
            ("numbers", numbers, evidence.no_number),
            ("dates", dates, evidence.no_date),
        ):
            if n_taken >= evidence.n / 2 and strange.n:
                shown = ", ".join(f"{shortened(text)} ({count:,})" for text, count in strange.most_frequent[:3])
                kind = "number" if what == "numbers" else "timestamp"
                return (
                    f"{shortened(self.name)} is treated as text, though {n_taken:,} of {evidence.n:,} values are {what}"
                    f"{'; the others: ' + shown if shown else ''}; the kind {kind!r} makes the others missing"
                )
        return ""

    def _is_identifier(self, rows: int, n: int) -> bool:
        if self.given.is_kept or n < rows or rows < MIN_ROWS:
            return False
        some = self.distinct.slice(0, 20_000)
        lengths = pc.cast(pc.utf8_length(some), pa.float64()).to_numpy()
        has_blank = pc.match_substring_regex(some, r"\s").to_numpy()
        has_digit = pc.match_substring_regex(some, r"\d").to_numpy()
        return is_identifier_form(lengths, has_blank, has_digit)

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


_ORDER_WORDS = {
    "ymd": "year, month, day",
    "dmy": "day, month, year",
    "mdy": "month, day, year",
    "compact": "year, month, day without signs",
    "time": "hours, minutes",
}


def epoch_of(values: np.ndarray) -> DateForm | None:
    """The unit in which numbers count the time since 1970, if all lie between the years 2000 and 2050; else None."""
    present = values[~np.isnan(values)]
    if not len(present):
        return None
    low, high = present.min(), present.max()
    for form, unit in _EPOCHS.items():
        if low >= _FIRST_SECOND * unit and high <= _LAST_SECOND * unit:
            return form  # type: ignore[return-value]  # a key of the dictionary above
    return None


def is_named_as_time(name: str) -> bool:
    """Whether a column's name says that it holds times."""
    return _TIME_NAME.search(name.strip()) is not None


def are_compact_dates(values: np.ndarray) -> bool:
    """Whether whole numbers are all dates of eight digits, such as 20240131."""
    present = np.unique(values[~np.isnan(values)])
    if len(present) < 2 or present[0] < 19_000_101 or present[-1] > 20_991_231 or np.any(present != np.floor(present)):
        return False
    column = pa.chunked_array([pa.array(present)])
    return not np.isnan(as_seconds(column, TextForm(dates="compact", is_lenient=True))).any()


def given_form(kind: Kind, column: pa.ChunkedArray, rest: ColumnSketch, given: GivenColumn) -> TextForm:
    """The form of a column whose kind is given: as its values are written, but for what is said of it.

    What its kind cannot hold is then a missing value, and no error.
    """
    if not is_string(column.type):
        if kind is Kind.TIMESTAMP and given.dates is None and not pa.types.is_temporal(column.type):
            values = floats_of(column) if not pa.types.is_null(column.type) else np.zeros(0)
            dates = epoch_of(values) or ("compact" if are_compact_dates(values) else "")
            return given.form(TextForm(dates=dates))
        return given.form(TextForm(is_numeric=pa.types.is_integer(column.type) or pa.types.is_floating(column.type)))
    texts = _Texts("", column, rest, is_written=True, given=given)
    if kind in (Kind.NUMBER, Kind.COUNTER):
        return texts.number_form(texts.evidence.number_form(given.decimal, given.thousands)[0], is_lenient=True)
    if kind is Kind.TIMESTAMP:
        return given.form(TextForm(dates=texts.given_dates, is_lenient=True))
    if kind is Kind.BOOLEAN:
        return given.form(PLAIN)
    return given.form(texts.alias_form())
