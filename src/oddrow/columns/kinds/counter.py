"""The kind of numbers that run on from row to row: no feature, and novelty for a jump."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
import pyarrow as pa

from oddrow.columns._column_facts import ColumnFacts
from oddrow.columns._column_schema import ColumnSchema, EncodingStyle
from oddrow.columns._scaling import Scaling
from oddrow.columns._sketch import NO_ROWS, ColumnSketch
from oddrow.columns.kinds._graph_columns import GraphBlock, GraphColumns
from oddrow.columns.kinds._novelty import presence_and_novelty
from oddrow.columns.kinds._protocol import ColumnEncoding, Features, PresenceAndNovelty
from oddrow.columns.kinds._reference_values import present_numbers
from oddrow.columns.kinds._running import jump, jump_nats
from oddrow.columns.kinds.number import typed_numbers
from oddrow.columns.kinds.range import UNSOUND_RANGE, is_range, learned_range
from oddrow.graph import FLOAT
from oddrow.table import Floats, TextForm, as_numbers


class CounterKind:
    """The kind of running numbers. It is judged by the order of the rows, after all columns have a kind."""

    name = "counter"
    precedence = 70
    n_sources = 1
    sketches_names = False
    input_type = FLOAT

    @property
    def encodings(self) -> tuple[type[ColumnEncoding], ...]:
        return (CounterEncoding,)

    def judge(self, facts: ColumnFacts) -> ColumnSchema | None:
        return None

    def given(self, name: str, facts: Sequence[ColumnFacts]) -> ColumnSchema:
        (one,) = facts
        return ColumnSchema(name, self.name, "as given", one.given_number_form(), runs_on=True)

    def convert(self, sources: Sequence[pa.ChunkedArray], form: TextForm) -> Floats:
        (values,) = sources
        return as_numbers(values, form)

    def typed(self, texts: pa.ChunkedArray, form: TextForm) -> pa.ChunkedArray:
        return typed_numbers(texts, form)

    def encoding(self, column: ColumnSchema, style: EncodingStyle) -> type[CounterEncoding]:
        return CounterEncoding

    def sketched(self, column: ColumnSchema, rest: Sequence[ColumnSketch]) -> ColumnSketch:
        return rest[0].read_as_numbers(column.form)

    def counted(self, encoding: ColumnEncoding) -> tuple[str, ...]:
        return ()

    def measured(self, values: Floats, rest: ColumnSketch) -> tuple[Floats, Floats]:
        return present_numbers(values, rest)


@dataclass(frozen=True)
class CounterEncoding:
    """The encoding of a running number: no feature, and novelty for a jump."""

    low: float
    high: float
    has_missing: bool
    is_whole: bool = True
    kind: Literal["counter"] = "counter"

    gaussian: ClassVar[tuple[int, ...]] = ()
    group: ClassVar[tuple[int, ...]] = ()
    curved: ClassVar[Mapping[int, Scaling]] = {}
    known: ClassVar[tuple[float, ...]] = ()

    @classmethod
    def learn(cls, values: Floats, rest: ColumnSketch = NO_ROWS) -> Self:
        """Learn from values float64 [n] and the sketch of training rows outside the sample."""
        present = np.concatenate([values[~np.isnan(values)], rest.range.ends])
        is_whole = rest.is_whole and bool(np.all(present == np.floor(present)))
        low, high = learned_range(values, rest)
        return cls(low, high, bool(np.isnan(values).any() or rest.n_missing), is_whole)

    @property
    def n_features(self) -> int:
        return int(self.has_missing)

    @property
    def binary(self) -> tuple[tuple[int, bool], ...]:
        return ((0, True),) if self.has_missing else ()

    def encode(self, values: Floats, out: Features, n_rows: int) -> PresenceAndNovelty:
        missing = np.isnan(values)
        presence, novelty = presence_and_novelty(missing, out[:, 0] if self.has_missing else None, n_rows)
        novelty[presence] = np.log1p(n_rows * jump(values[presence], self.low, self.high))
        return presence, novelty

    def decode(self, features: Features) -> list[object]:
        """Return the largest training value for every row: the encoding does not hold the values."""
        last = int(self.high) if self.is_whole and abs(self.high) < 2**63 else self.high
        return [last] * len(features)

    def check(self, n_rows: int) -> str:
        return "" if is_range(self.low, self.high) else UNSOUND_RANGE

    @classmethod
    def graph(cls, encodings: Sequence[Self], columns: GraphColumns) -> GraphBlock:
        xp, values = columns.xp, columns.joined()
        missing = xp.isnan(values)
        ranges = [(each.low, each.high, 0.0) for each in encodings]
        return GraphBlock(
            missing,
            novelty=xp.where(missing, 0.0, jump_nats(columns, xp.where(missing, 0.0, values), ranges)),
            never_missing=[not each.has_missing for each in encodings],
        )

    @classmethod
    def together(cls, encodings: Sequence[Self], places: Sequence[int], starts: Sequence[int]) -> None:
        return None
