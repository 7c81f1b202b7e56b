"""The kind of columns with one value in all training rows: no feature, and novelty for any other value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns._column_facts import ColumnFacts, ReadAs, missing_words
from oddrow.columns._column_schema import ColumnSchema, EncodingStyle
from oddrow.columns._scaling import Scaling
from oddrow.columns._sketch import NO_ROWS, ColumnSketch
from oddrow.columns.kinds._graph_columns import MISSING, UNLISTED, GraphBlock, GraphColumns
from oddrow.columns.kinds._names import plain_number, typed_names
from oddrow.columns.kinds._novelty import presence_and_novelty, unseen_nats
from oddrow.columns.kinds._protocol import ColumnEncoding, Features, PresenceAndNovelty
from oddrow.columns.kinds._reference_values import NO_NUMBERS, listed_names
from oddrow.columns.kinds.one_hot import OneHotEncoding
from oddrow.graph import FLOAT, TEXT
from oddrow.table import PLAIN, Floats, TextForm, as_names, python_values, shortened


class ConstantKind:
    """The kind of columns of one value."""

    name = "constant"
    precedence = 10
    n_sources = 1
    sketches_names = True
    input_type = TEXT

    @property
    def encodings(self) -> tuple[type[ColumnEncoding], ...]:
        return (ConstantEncoding, OneHotEncoding)

    def judge(self, facts: ColumnFacts) -> ColumnSchema | None:
        reading = facts.reading
        if not facts.is_text and facts.is_counted and len(facts.distinct) == 1:
            value = shortened(python_values(facts.distinct)[0])
            form = TextForm(is_numeric=reading.read_as is ReadAs.NUMBERS)
            return ColumnSchema(facts.name, self.name, f"always {value}{reading.missing}", form)
        if reading.read_as is ReadAs.NUMBERS and reading.is_counted and len(reading.numbers) == 1:
            why = f"always {plain_number(reading.numbers[0])}{reading.missing}"
            form = replace(reading.form, is_numeric=True)
            return ColumnSchema(facts.name, self.name, why, form, note=reading.note)
        why = f"always {facts.example_name()}{missing_words(facts.n_null)}" if facts.is_text else ""
        if facts.is_text and reading.read_as is ReadAs.FLAGS and _is_one_word(facts.distinct):
            return ColumnSchema(facts.name, self.name, why)
        if reading.read_as is ReadAs.NAMES and facts.is_counted and len(facts.distinct) == 1:
            return ColumnSchema(facts.name, self.name, why, facts.alias_form())
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
    ) -> type[ConstantEncoding] | type[OneHotEncoding]:
        return OneHotEncoding if style == "article" else ConstantEncoding

    def sketched(self, column: ColumnSchema, rest: Sequence[ColumnSketch]) -> ColumnSketch:
        return rest[0].read_as_names(column.form)

    def counted(self, encoding: ColumnEncoding) -> tuple[str, ...]:
        return listed_names(encoding)

    def measured(self, values: pa.ChunkedArray, rest: ColumnSketch) -> tuple[Floats, Floats]:
        return NO_NUMBERS


def _is_one_word(flags: pa.ChunkedArray) -> bool:
    words = pc.utf8_lower(PLAIN.present(flags))
    return len(pc.unique(words.drop_null())) == 1


@dataclass(frozen=True)
class ConstantEncoding:
    """The encoding of a constant: no feature, and novelty for any other value."""

    value: str | None
    has_missing: bool
    kind: Literal["constant"] = "constant"

    gaussian: ClassVar[tuple[int, ...]] = ()
    group: ClassVar[tuple[int, ...]] = ()
    curved: ClassVar[Mapping[int, Scaling]] = {}

    @classmethod
    def learn(cls, values: pa.ChunkedArray, rest: ColumnSketch = NO_ROWS) -> Self:
        """Learn from strings [n] and the sketch of training rows outside the sample."""
        present = values.drop_null()
        if not len(present) and rest.counts is not None:
            present = rest.counts.as_texts.values
        return cls(present[0].as_py() if len(present) else None, bool(values.null_count or rest.n_missing))

    @property
    def known(self) -> tuple[str, ...]:
        """The only value, or () if all training values are missing."""
        return () if self.value is None else (self.value,)

    @property
    def n_features(self) -> int:
        return int(self.has_missing)

    @property
    def binary(self) -> tuple[tuple[int, bool], ...]:
        return ((0, True),) if self.has_missing else ()

    def encode(self, values: pa.ChunkedArray, out: Features, n_rows: int) -> PresenceAndNovelty:
        missing = values.is_null().to_numpy()
        presence, novelty = presence_and_novelty(missing, out[:, 0] if self.has_missing else None, n_rows)
        same = missing if self.value is None else pc.fill_null(pc.equal(values, self.value), True).to_numpy()
        novelty[~same] = unseen_nats(n_rows)
        return presence, novelty

    def decode(self, features: Features) -> list[object]:
        return [self.value] * len(features)

    def check(self, n_rows: int) -> str:
        return ""

    @classmethod
    def graph(cls, encodings: Sequence[Self], columns: GraphColumns) -> GraphBlock:
        listed = [dict.fromkeys(each.known, 0) for each in encodings]
        codes = columns.codes(listed, [UNLISTED] * len(listed))
        return GraphBlock(
            codes.equals(MISSING),
            novelty=codes.equals(UNLISTED).astype(FLOAT) * columns.unseen_nats,
            never_missing=[not each.has_missing for each in encodings],
        )

    @classmethod
    def together(cls, encodings: Sequence[Self], places: Sequence[int], starts: Sequence[int]) -> None:
        return None
