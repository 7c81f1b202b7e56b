"""The kind of categories: one-hot features for each frequent name, for all rare names, and for unseen names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns._column_facts import FEW_VALUES, ColumnFacts, ReadAs
from oddrow.columns._column_schema import ColumnSchema, EncodingStyle
from oddrow.columns._scaling import Scaling
from oddrow.columns._sketch import NO_ROWS, ColumnSketch, ValueCounts
from oddrow.columns.kinds._graph_columns import MISSING, GraphBlock, GraphColumns
from oddrow.columns.kinds._names import plain_number, typed_names
from oddrow.columns.kinds._novelty import presence_and_novelty, unseen_name_nats
from oddrow.columns.kinds._protocol import ColumnEncoding, Features, PresenceAndNovelty
from oddrow.columns.kinds._reference_values import NO_NUMBERS, listed_names
from oddrow.columns.kinds.one_hot import OneHotEncoding
from oddrow.graph import FLOAT, TEXT
from oddrow.table import Floats, TextForm, as_names

RARE = "(rare)"
NEVER_SEEN = "(never seen)"
MAX_CATEGORIES = 64
"""Largest number of categories with a one-hot feature each; less frequent ones share that of the rare categories."""
MIN_FREQUENT_ROWS = 2
"""Smallest number of rows of a category with a one-hot feature; others share that of the rare categories."""


class CategoryKind:
    """The kind of columns of names that repeat, and of two distinct whole numbers other than 0 and 1."""

    name = "category"
    precedence = 40
    n_sources = 1
    sketches_names = True
    input_type = TEXT

    @property
    def encodings(self) -> tuple[type[ColumnEncoding], ...]:
        return (CategoryEncoding, OneHotEncoding)

    def judge(self, facts: ColumnFacts) -> ColumnSchema | None:
        reading = facts.reading
        if reading.read_as is ReadAs.NAMES and not facts.is_identifier and not facts.text_reason:
            n = len(facts.distinct)
            note = facts.mixed_note() if n > FEW_VALUES else ""
            why = f"{n:,} distinct values{reading.missing}"
            return ColumnSchema(facts.name, self.name, why, facts.alias_form(), note=note)
        numbers = reading.numbers
        is_pair = reading.read_as is ReadAs.NUMBERS and reading.is_counted and len(numbers) == 2
        if is_pair and np.all(np.isfinite(numbers) & (numbers == np.floor(numbers))):
            low, high = map(plain_number, numbers)
            why = f"only {low} and {high}: a flag, not a quantity{reading.missing}"
            form = replace(reading.form, is_numeric=True)
            return ColumnSchema(facts.name, self.name, why, form, note=reading.note)
        return None

    def given(self, name: str, facts: Sequence[ColumnFacts]) -> ColumnSchema:
        (one,) = facts
        return ColumnSchema(name, self.name, "as given", one.given_name_form(), runs_on=one.given.runs_on)

    def convert(self, sources: Sequence[pa.ChunkedArray], form: TextForm) -> pa.ChunkedArray:
        (values,) = sources
        return as_names(values, form)

    def typed(self, texts: pa.ChunkedArray, form: TextForm) -> pa.ChunkedArray:
        return typed_names(texts, form)

    def encoding(
        self,
        column: ColumnSchema,
        style: EncodingStyle,
    ) -> type[CategoryEncoding] | type[OneHotEncoding]:
        return OneHotEncoding if style == "article" else CategoryEncoding

    def sketched(self, column: ColumnSchema, rest: Sequence[ColumnSketch]) -> ColumnSketch:
        return rest[0].read_as_names(column.form)

    def counted(self, encoding: ColumnEncoding) -> tuple[str, ...]:
        return listed_names(encoding)

    def measured(self, values: pa.ChunkedArray, rest: ColumnSketch) -> tuple[Floats, Floats]:
        return NO_NUMBERS


@dataclass(frozen=True)
class CategoryEncoding:
    """The encoding of names: one-hot features for each frequent name, for all rare names, and for unseen names."""

    frequent: tuple[str, ...]
    rare: tuple[str, ...]
    seen_once: int
    has_missing: bool
    kind: Literal["category"] = "category"

    gaussian: ClassVar[tuple[int, ...]] = ()
    curved: ClassVar[Mapping[int, Scaling]] = {}

    @classmethod
    def learn(cls, values: pa.ChunkedArray, rest: ColumnSketch = NO_ROWS) -> Self:
        """Learn from strings [n] and the sketch of training rows outside the sample."""
        counted = ValueCounts.of(values)
        times = 1.0
        if rest.counts is not None:
            counted = counted.merged(rest.counts.as_texts)
        else:  # the sketch has too many names to keep them: the sample's count of names seen once is scaled to all rows
            times = 1.0 + rest.n_rows / len(values)
        ordered = sorted(zip(counted.values.to_pylist(), counted.counts.tolist(), strict=True), key=_by_count)
        # if no name repeats, which happens in short tables, all names count as frequent
        least = MIN_FREQUENT_ROWS if ordered and ordered[0][1] >= MIN_FREQUENT_ROWS else 1
        frequent = tuple(name for name, count in ordered[:MAX_CATEGORIES] if count >= least)
        rare = tuple(name for name, _ in ordered[len(frequent) :])
        once = round(times * int(np.sum(counted.counts == 1)))
        return cls(frequent, rare, once, bool(values.null_count or rest.n_missing))

    @property
    def known(self) -> tuple[str, ...]:
        """All names in training rows."""
        return self.frequent + self.rare

    @property
    def n_features(self) -> int:
        return len(self.frequent) + 2 + self.has_missing

    @property
    def binary(self) -> tuple[tuple[int, bool], ...]:
        return ((len(self.frequent) + 2, True),) if self.has_missing else ()

    @property
    def group(self) -> tuple[int, ...]:
        """The features of frequent and rare names; the feature of unseen names has no likelihood, but novelty."""
        return tuple(range(len(self.frequent) + 1))

    def encode(self, values: pa.ChunkedArray, out: Features, n_rows: int) -> PresenceAndNovelty:
        missing = values.is_null().to_numpy()
        places = len(self.frequent)
        known = pa.array(self.frequent + self.rare, pa.string())
        index = pc.fill_null(pc.index_in(values, known), len(known)).to_numpy()
        unseen = ~missing & (index == len(known))
        place = np.where(unseen, places + 1, np.minimum(index, places))
        there = np.flatnonzero(~missing)
        out[there, place[there]] = 1.0
        presence, novelty = presence_and_novelty(missing, out[:, places + 2] if self.has_missing else None, n_rows)
        novelty[unseen] = unseen_name_nats(self.seen_once, n_rows)
        return presence & ~unseen, novelty

    def decode(self, features: Features) -> list[object]:
        names = (*self.frequent, RARE if len(self.rare) != 1 else self.rare[0], NEVER_SEEN)
        places = np.argmax(features[:, : len(names)], axis=1)
        return [names[place] for place in places]

    def check(self, n_rows: int) -> str:
        if not 0 <= self.seen_once <= n_rows:
            return f"{self.seen_once} categories cannot have been seen once in {n_rows:,} rows"
        return "" if len(set(self.known)) == len(self.known) else "a category occurs twice"

    @classmethod
    def graph(cls, encodings: Sequence[Self], columns: GraphColumns) -> GraphBlock:
        listed, sizes = [], []
        for each in encodings:
            rare = len(each.frequent)
            listed.append({name: place for place, name in enumerate(each.frequent)} | dict.fromkeys(each.rare, rare))
            sizes.append(rare + 2)
        never_seen = np.array(sizes) - 1
        codes = columns.codes(listed, never_seen.tolist())
        is_unseen = codes.equals(never_seen)
        once = np.array([each.seen_once for each in encodings], np.float64)
        nats = -np.log((once + 1.0) / (columns.n_rows + 1.0 + once))
        values, features = columns.one_hot(codes, sizes)
        return GraphBlock(
            codes.equals(MISSING),
            values,
            features,
            is_unseen,
            is_unseen.astype(FLOAT) * nats,
            [not each.has_missing for each in encodings],
        )

    @classmethod
    def together(cls, encodings: Sequence[Self], places: Sequence[int], starts: Sequence[int]) -> None:
        return None


def _by_count(entry: tuple[str, int]) -> tuple[int, str]:
    """Return the sort key of a name and its count: descending by count, then by name."""
    return -entry[1], entry[0]
