"""Mergeable summaries of one column's values: counts, extremes and distinct values of rows no longer in memory.

The merged sketches of the parts of a column equal the sketch of the whole column, in whatever order they are merged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns._text_facts import NO_TEXT_FACTS, ParsedValues, TextFacts
from oddrow.columns._text_patterns import LETTER_SHARES, text_features, words
from oddrow.columns._value_range import NO_RANGE, ValueRange
from oddrow.table import TextForm, as_names, as_numbers, as_seconds, as_texts, floats_of, is_string

NAME_BYTES = 2**24
"""Largest total size, in bytes, of the distinct values that are kept for one column."""
MAX_QUANTITY_VALUES = 2
"""Largest number of distinct values kept for numbers and times: with more, a column is a quantity."""
N_TEXT_FEATURES = 1 + len(LETTER_SHARES)
"""Number of features in the result of :func:`text_features`: the length and the shares of characters."""


@dataclass(frozen=True, eq=False)
class ValueCounts:
    """The distinct values of a column, in its type, and the number of rows with each, int64 [k]."""

    values: pa.Array
    counts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> ValueCounts:
        """Count the values that are not null."""
        counted = pc.value_counts(column.drop_null())
        return cls(counted.field("values"), counted.field("counts").to_numpy())

    def merged(self, other: ValueCounts) -> ValueCounts:
        """Return the counts of both; different types, which must be numeric, become float64."""
        if not len(other.values):
            return self
        if not len(self.values):
            return other
        parts = [self.values, other.values]
        if self.values.type != other.values.type:
            parts = [values.cast(pa.float64(), safe=False) for values in parts]
        values = pa.concat_arrays(parts)
        return ValueCounts(values, np.concatenate([self.counts, other.counts])).summed()

    def summed(self) -> ValueCounts:
        """Return the counts with duplicate values added up."""
        rows = pa.table({"value": self.values, "count": self.counts})
        summed = rows.group_by("value", use_threads=False).aggregate([("count", "sum")])
        return ValueCounts(summed["value"].combine_chunks(), summed["count_sum"].to_numpy())

    def exceeds(self, most: int) -> bool:
        """Return whether there are more than ``most`` values, or more than ``NAME_BYTES`` bytes of text."""
        is_long = pa.types.is_string(self.values.type) and _n_bytes(self.values) > NAME_BYTES
        return len(self.values) > most or is_long

    @property
    def as_texts(self) -> ValueCounts:
        """The counts of the values as texts; different values may have the same text."""
        texts = as_texts(pa.chunked_array([self.values])).combine_chunks()
        return ValueCounts(texts, self.counts).summed()


def _n_bytes(texts: pa.Array) -> int:
    return int(pc.sum(pc.binary_length(texts)).as_py() or 0)


NO_VALUES = ValueCounts(pa.nulls(0), np.zeros(0, np.int64))


@dataclass(frozen=True, eq=False)
class ColumnSketch:
    """A summary of one column's values.

    Attributes
    ----------
    n_rows, n_missing : the number of rows, and of rows without a value
    counts : the counts of distinct values; None if there are more than ``most``
    range : the range of numbers, or of times in seconds
    is_whole : whether all numbers are whole
    has_numbers : whether the type of the values is numeric, and ``range`` is theirs
    texts : for strings, the numbers of values that parse as numbers, dates and flags
    n_words : the total number of words in strings
    text_ranges : the range of each feature of the strings in the result of :func:`text_features`
    most : the largest number of distinct values that are kept
    """

    n_rows: int = 0
    n_missing: int = 0
    counts: ValueCounts | None = NO_VALUES
    range: ValueRange = NO_RANGE
    is_whole: bool = True
    has_numbers: bool = False
    texts: TextFacts = NO_TEXT_FACTS
    n_words: int = 0
    text_ranges: tuple[ValueRange, ...] = (NO_RANGE,) * N_TEXT_FEATURES
    most: int = MAX_QUANTITY_VALUES

    @classmethod
    def of(cls, column: pa.ChunkedArray, most: int, known: ColumnSketch, *, of_names: bool = False) -> ColumnSketch:
        """Summarise a column: as names if ``of_names``, else by its type.

        ``known`` is the sketch of other rows. If it has too many distinct values to keep, none are counted here.
        """
        summarise = _summary_for(column.type, of_names=of_names)
        most = MAX_QUANTITY_VALUES if summarise in (_numbers, _times) else most
        return summarise(cls(len(column), column.null_count, most=most), column, known)

    @property
    def _came_as_text(self) -> bool:
        return self.texts.n + self.texts.n_marks > 0

    def read_as_numbers(self, form: TextForm) -> ColumnSketch:
        """Return the sketch of the values as numbers in a form; a string that does not parse is missing."""
        if not self._came_as_text:
            return self
        counts = self.counts
        if counts is not None:
            numbers = as_numbers(pa.chunked_array([counts.values]), replace(form, is_lenient=True))
            is_number = ~np.isnan(numbers)
            counts = ValueCounts(pa.array(numbers[is_number]), counts.counts[is_number]).summed()
        return replace(self._with_parsed(self.texts.parsed_numbers(form)), counts=counts)

    def read_as_times(self, form: TextForm) -> ColumnSketch:
        """Return the sketch of the values as times in a form, in seconds; a string that does not parse is missing."""
        if self._came_as_text:
            return self._with_parsed(self.texts.parsed_times(form))
        return replace(self, range=_as_times(self.range, form)) if self.has_numbers else self

    def _with_parsed(self, parsed: ParsedValues) -> ColumnSketch:
        return replace(self, n_missing=self.n_rows - parsed.n, range=parsed.range, is_whole=parsed.is_whole)

    def read_as_flags(self) -> ColumnSketch:
        """Return the sketch of the values as flags; marks of missing values are missing."""
        return replace(self, n_missing=self.n_missing + self.texts.n_marks)

    def read_as_names(self, form: TextForm) -> ColumnSketch:
        """Return the sketch of the values as names in a form, in which names may be numbers."""
        return self._with_numeric_names(form) if form.is_numeric and self._came_as_text else self

    def _with_numeric_names(self, form: TextForm) -> ColumnSketch:
        n_missing = self.n_missing + self.texts.n_marks
        if self.counts is None:
            return replace(self, n_missing=n_missing)
        names = as_names(pa.chunked_array([self.counts.values]), form).combine_chunks()
        is_name = names.is_valid()
        counts = ValueCounts(names.filter(is_name), self.counts.counts[is_name.to_numpy(zero_copy_only=False)])
        return replace(self, n_missing=n_missing, counts=counts.summed())

    @property
    def n_present(self) -> int:
        """The number of rows with a value."""
        return self.n_rows - self.n_missing

    def merged(self, other: ColumnSketch) -> ColumnSketch:
        """Return the sketch of the rows of both."""
        most = max(self.most, other.most)
        counts = None if self.counts is None or other.counts is None else self.counts.merged(other.counts)
        return ColumnSketch(
            self.n_rows + other.n_rows,
            self.n_missing + other.n_missing,
            None if counts is None or counts.exceeds(most) else counts,
            self.range.merged(other.range),
            self.is_whole and other.is_whole,
            self.has_numbers or other.has_numbers,
            self.texts.merged(other.texts),
            self.n_words + other.n_words,
            tuple(one.merged(another) for one, another in zip(self.text_ranges, other.text_ranges, strict=True)),
            most,
        )

    def distinct_with(self, values: pa.Array) -> pa.Array:
        """Return the union of some distinct values of the column and the values of this sketch."""
        if self.counts is None or not len(self.counts.values):
            return values
        return pc.unique(pa.chunked_array([values, self.counts.values], self.counts.values.type))


def _numbers(sketch: ColumnSketch, column: pa.ChunkedArray, known: ColumnSketch) -> ColumnSketch:
    values = floats_of(column)
    is_whole = bool(np.all((values == np.floor(values)) | np.isnan(values)))
    return replace(
        sketch, counts=_counted(column, known), range=ValueRange.of(values), is_whole=is_whole, has_numbers=True
    )


def _times(sketch: ColumnSketch, column: pa.ChunkedArray, known: ColumnSketch) -> ColumnSketch:
    return replace(sketch, counts=_counted(column, known), range=ValueRange.of(as_seconds(column)))


def _names(sketch: ColumnSketch, column: pa.ChunkedArray, known: ColumnSketch) -> ColumnSketch:
    return replace(sketch, counts=_counted(column, known))


def _strings(sketch: ColumnSketch, column: pa.ChunkedArray, known: ColumnSketch) -> ColumnSketch:
    """Summarise strings for all kinds that they may have: numbers, times, names or texts."""
    counted = ValueCounts.of(column)
    distinct = pa.chunked_array([counted.values])
    return replace(
        sketch,
        counts=None if known.counts is None else counted,
        texts=TextFacts.of(counted.values, counted.counts),
        n_words=int(words(distinct).to_numpy() @ counted.counts),
        text_ranges=_text_ranges(counted.values),
    )


def _counted(column: pa.ChunkedArray, known: ColumnSketch) -> ValueCounts | None:
    return None if known.counts is None else ValueCounts.of(column)


def _text_ranges(texts: pa.Array) -> tuple[ValueRange, ...]:
    length, shares = text_features(pa.chunked_array([texts]))
    return tuple(ValueRange.of(feature) for feature in (length, *shares))


_Summary: TypeAlias = Callable[[ColumnSketch, pa.ChunkedArray, ColumnSketch], ColumnSketch]


def _summary_for(kind: pa.DataType, *, of_names: bool) -> _Summary:
    """Return the function that summarises a column of this type."""
    if is_string(kind):
        return _strings
    if of_names:
        return _names
    if pa.types.is_temporal(kind):
        return _times
    return _numbers if pa.types.is_integer(kind) or pa.types.is_floating(kind) else _names


def _as_times(numbers: ValueRange, form: TextForm) -> ValueRange:
    """Return the range, in seconds, of numbers that are times in a form."""
    return ValueRange.of(as_seconds(pa.chunked_array([pa.array(numbers.ends)]), form))


NO_ROWS = ColumnSketch()
"""The sketch of no rows: the table holds all training rows."""
