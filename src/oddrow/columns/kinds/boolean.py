"""The kind of flags: true and false, or 0 and 1; one feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
import pyarrow as pa

from oddrow.columns._column_facts import ColumnFacts, ReadAs
from oddrow.columns._column_schema import ColumnSchema, EncodingStyle
from oddrow.columns._scaling import Scaling
from oddrow.columns._sketch import NO_ROWS, ColumnSketch
from oddrow.columns.kinds._graph_columns import GraphBlock, GraphColumns
from oddrow.columns.kinds._novelty import presence_and_novelty, unseen_nats
from oddrow.columns.kinds._protocol import ColumnEncoding, Features, PresenceAndNovelty
from oddrow.columns.kinds._reference_values import FLAGS, NO_NUMBERS
from oddrow.columns.kinds.one_hot import OneHotEncoding
from oddrow.graph import FLOAT
from oddrow.table import Floats, TextForm, as_booleans


class BooleanKind:
    """The kind of columns of flags."""

    name = "boolean"
    precedence = 20
    n_sources = 1
    sketches_names = True
    input_type = FLOAT

    @property
    def encodings(self) -> tuple[type[ColumnEncoding], ...]:
        return (BooleanEncoding, OneHotEncoding)

    def judge(self, facts: ColumnFacts) -> ColumnSchema | None:
        reading = facts.reading
        if reading.read_as is ReadAs.FLAGS:
            return ColumnSchema(facts.name, self.name, f"true and false{reading.missing}", reading.form)
        if reading.read_as is ReadAs.NUMBERS and reading.is_counted and reading.numbers.tolist() == [0, 1]:
            why = f"only 0 and 1{reading.missing}"
            return ColumnSchema(facts.name, self.name, why, reading.form, note=reading.note)
        return None

    def given(self, name: str, facts: Sequence[ColumnFacts]) -> ColumnSchema:
        (one,) = facts
        form = one.given.form() if one.is_text else one.typed_form()
        return ColumnSchema(name, self.name, "as given", form, runs_on=one.given.runs_on)

    def convert(self, sources: Sequence[pa.ChunkedArray], form: TextForm) -> Floats:
        (values,) = sources
        return as_booleans(values, form)

    def typed(self, texts: pa.ChunkedArray, form: TextForm) -> pa.ChunkedArray:
        flags = as_booleans(texts, form)
        known = np.isin(flags, (0.0, 1.0))
        if bool(np.all(known | np.isnan(flags))):
            return pa.chunked_array([pa.array(flags == 1.0, mask=~known)])
        return texts

    def encoding(
        self,
        column: ColumnSchema,
        style: EncodingStyle,
    ) -> type[BooleanEncoding] | type[OneHotEncoding]:
        return OneHotEncoding if style == "article" else BooleanEncoding

    def sketched(self, column: ColumnSchema, rest: Sequence[ColumnSketch]) -> ColumnSketch:
        return rest[0].read_as_flags()

    def counted(self, encoding: ColumnEncoding) -> tuple[str, ...]:
        return FLAGS

    def measured(self, values: Floats, rest: ColumnSketch) -> tuple[Floats, Floats]:
        return NO_NUMBERS


@dataclass(frozen=True)
class BooleanEncoding:
    """The encoding of a flag: one feature, 0 or 1."""

    has_missing: bool
    kind: Literal["boolean"] = "boolean"

    gaussian: ClassVar[tuple[int, ...]] = ()
    group: ClassVar[tuple[int, ...]] = ()
    curved: ClassVar[Mapping[int, Scaling]] = {}
    known: ClassVar[tuple[float, ...]] = ()

    @classmethod
    def learn(cls, values: Floats, rest: ColumnSketch = NO_ROWS) -> Self:
        """Learn from values float64 [n] and the sketch of training rows outside the sample."""
        return cls(bool(np.isnan(values).any() or rest.n_missing))

    @property
    def n_features(self) -> int:
        return 1 + self.has_missing

    @property
    def binary(self) -> tuple[tuple[int, bool], ...]:
        return ((0, False), (1, True)) if self.has_missing else ((0, False),)

    def encode(self, values: Floats, out: Features, n_rows: int) -> PresenceAndNovelty:
        missing = np.isnan(values)
        neither = ~missing & (values > 1)
        out[:, 0] = np.where(missing | neither, 0.0, values)
        presence, novelty = presence_and_novelty(missing, out[:, 1] if self.has_missing else None, n_rows)
        novelty[neither] = unseen_nats(n_rows)
        return presence & ~neither, novelty

    def decode(self, features: Features) -> list[object]:
        return list((features[:, 0] >= 0.5).tolist())

    def check(self, n_rows: int) -> str:
        return ""

    @classmethod
    def graph(cls, encodings: Sequence[Self], columns: GraphColumns) -> GraphBlock:
        xp, values = columns.xp, columns.joined()
        missing = xp.isnan(values)
        is_true = values.equals(1.0)
        is_unseen = ~(missing | is_true | values.equals(0.0))
        return GraphBlock(
            missing,
            is_true.astype(FLOAT),
            columns.starts,
            is_unseen,
            is_unseen.astype(FLOAT) * columns.unseen_nats,
            [not each.has_missing for each in encodings],
        )

    @classmethod
    def together(cls, encodings: Sequence[Self], places: Sequence[int], starts: Sequence[int]) -> None:
        return None
