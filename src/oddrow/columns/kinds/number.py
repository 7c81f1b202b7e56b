"""The kind of quantities: one standardised feature; all number columns of a table are encoded together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns._column_facts import ColumnFacts, ReadAs
from oddrow.columns._column_schema import ColumnSchema, EncodingStyle
from oddrow.columns._scaling import UNSOUND_SCALING, Scaling, Scalings
from oddrow.columns._sketch import NO_ROWS, ColumnSketch
from oddrow.columns._stored_precision import few_values
from oddrow.columns.kinds._graph_columns import GraphBlock, GraphColumns, excess, standardised
from oddrow.columns.kinds._novelty import unseen_nats
from oddrow.columns.kinds._protocol import ColumnEncoding, Features, PresenceAndNovelty
from oddrow.columns.kinds._reference_values import present_numbers
from oddrow.columns.kinds.range import RangeEncoding
from oddrow.graph import FLOAT
from oddrow.table import Floats, TextForm, as_numbers

RANGE_MARGIN = 0.5
"""A number has no novelty up to this many widths outside the training range: there the views judge its feature."""
ROUNDING = 1e-6
"""Decoded values closer to 0 than this many standard deviations are 0."""
ROWS_AT_ONCE = 2_048
"""Number of rows that are encoded together, chosen to fit into the cache."""
MAX_WHOLE = 2**53
"""Bound below which whole numbers are exact in double precision."""
Flags: TypeAlias = npt.NDArray[np.bool_]


class NumberKind:
    """The kind of columns of three or more distinct numbers."""

    name = "number"
    precedence = 50
    n_sources = 1
    sketches_names = False
    input_type = FLOAT

    @property
    def encodings(self) -> tuple[type[ColumnEncoding], ...]:
        return (NumberEncoding, RangeEncoding)

    def judge(self, facts: ColumnFacts) -> ColumnSchema | None:
        """Accept any column of numbers; constants and flags, with one or two values, have a lower precedence number."""
        reading = facts.reading
        if reading.read_as is not ReadAs.NUMBERS:
            return None
        at_least = "" if reading.is_counted else "at least "
        why = f"{at_least}{len(reading.numbers):,} distinct numbers{reading.missing}"
        return ColumnSchema(facts.name, self.name, why, reading.form, note=reading.note)

    def given(self, name: str, facts: Sequence[ColumnFacts]) -> ColumnSchema:
        (one,) = facts
        return ColumnSchema(name, self.name, "as given", one.given_number_form(), runs_on=one.given.runs_on)

    def convert(self, sources: Sequence[pa.ChunkedArray], form: TextForm) -> Floats:
        (values,) = sources
        return as_numbers(values, form)

    def typed(self, texts: pa.ChunkedArray, form: TextForm) -> pa.ChunkedArray:
        return typed_numbers(texts, form)

    def encoding(
        self,
        column: ColumnSchema,
        style: EncodingStyle,
    ) -> type[NumberEncoding] | type[RangeEncoding]:
        return RangeEncoding if style == "article" else NumberEncoding

    def sketched(self, column: ColumnSchema, rest: Sequence[ColumnSketch]) -> ColumnSketch:
        return rest[0].read_as_numbers(column.form)

    def counted(self, encoding: ColumnEncoding) -> tuple[str, ...]:
        return ()

    def measured(self, values: Floats, rest: ColumnSketch) -> tuple[Floats, Floats]:
        return present_numbers(values, rest)


def typed_numbers(texts: pa.ChunkedArray, form: TextForm) -> pa.ChunkedArray:
    """Return texts of numbers as int64 if all are whole, else as float64."""
    numbers = as_numbers(texts, form)
    is_whole = bool(np.all(np.isnan(numbers) | ((numbers == np.floor(numbers)) & (np.abs(numbers) < MAX_WHOLE))))
    found = pa.chunked_array([pa.array(numbers, from_pandas=True)])
    return pc.cast(found, pa.int64()) if is_whole else found


@dataclass(frozen=True)
class NumberEncoding:
    """The encoding of a quantity: one standardised feature."""

    scaling: Scaling
    has_missing: bool
    is_whole: bool
    few: tuple[float, ...] = ()
    """All training values if they are few and not all whole; they are recognised in another precision."""
    kind: Literal["number"] = "number"

    gaussian: ClassVar[tuple[int, ...]] = (0,)
    group: ClassVar[tuple[int, ...]] = ()

    @classmethod
    def learn(cls, values: Floats, rest: ColumnSketch = NO_ROWS) -> Self:
        """Learn from values float64 [n] and the sketch of training rows outside the sample."""
        missing = np.isnan(values)
        present = values[~missing]
        is_whole = rest.is_whole and bool(np.all(present == np.floor(present)))
        few: tuple[float, ...] = ()
        if rest.counts is not None:
            few = few_values(np.concatenate([present, as_numbers(pa.chunked_array([rest.counts.values]))]))
        return cls(Scaling.learn(values, rest.range.ends), bool(missing.any() or rest.n_missing), is_whole, few)

    @property
    def n_features(self) -> int:
        return 1 + self.has_missing

    @property
    def binary(self) -> tuple[tuple[int, bool], ...]:
        return ((1, True),) if self.has_missing else ()

    @property
    def curved(self) -> Mapping[int, Scaling]:
        return {0: self.scaling}

    @property
    def known(self) -> tuple[float, ...]:
        return self.few

    def encode(self, values: Floats, out: Features, n_rows: int) -> PresenceAndNovelty:
        presence, novelty = np.ones((len(values), 1), np.bool_), np.zeros((len(values), 1))
        self.together([self], [0], [0]).encode([values], out, presence, novelty, n_rows)
        return presence[:, 0], novelty[:, 0]

    def decode(self, features: Features) -> list[object]:
        values = self.scaling.invert(features[:, 0].astype(np.float64))
        # a feature has 24 bits, so that a value of exactly 0 comes back as a tiny number
        values[np.abs(values) < ROUNDING * self.scaling.scale * self.scaling.deviation] = 0.0
        if self.is_whole:
            return [int(value) if abs(value) < 2**63 else value for value in np.round(values).tolist()]
        return list(values.tolist())

    def check(self, n_rows: int) -> str:
        return "" if self.scaling.is_sound else UNSOUND_SCALING

    @classmethod
    def graph(cls, encodings: Sequence[Self], columns: GraphColumns) -> GraphBlock:
        xp, values = columns.xp, columns.joined()
        missing = xp.isnan(values)
        scalings = [each.scaling for each in encodings]
        scaled = standardised(xp, xp.where(missing, 0.0, values), scalings)
        beyond = xp.maximum(excess(xp, scaled, scalings) - RANGE_MARGIN, 0.0)
        novelty = xp.where(missing, 0.0, xp.log1p(beyond * columns.n_rows))
        return GraphBlock(
            missing,
            xp.where(missing, 0.0, scaled),
            columns.starts,
            novelty=novelty,
            never_missing=[not each.has_missing for each in encodings],
        )

    @classmethod
    def together(cls, encodings: Sequence[Self], places: Sequence[int], starts: Sequence[int]) -> NumberColumns:
        return NumberColumns(
            Numbers(tuple(one.scaling for one in encodings), tuple(one.has_missing for one in encodings)),
            np.array(places, np.int64),
            np.array(starts, np.int64),
        )


@dataclass(frozen=True)
class EncodedNumbers:
    """Encoded numbers of k columns; each row of an array is a column.

    Attributes
    ----------
    features : float64 [k, n], standardised; 0 for missing values
    missing : bool [k, n]
    novelty : float64 [k, n] >= 0, nats; None if it is 0 everywhere
    """

    features: Floats
    missing: Flags
    novelty: Floats | None


@dataclass(frozen=True)
class Numbers:
    """The joint encoding of the numbers of k columns; in a short table function calls take longer than arithmetic.

    ``has_missing`` marks columns with missing training values, in which a missing value has no novelty.
    """

    scalings: tuple[Scaling, ...]
    has_missing: tuple[bool, ...]

    @cached_property
    def _scalings(self) -> Scalings:
        return Scalings(self.scalings)

    def encode(self, values: Floats, n_rows: int) -> EncodedNumbers:
        """Encode values [k, n], NaN for missing ones; ``n_rows`` is the number of training rows."""
        features, excess_widths = self._scalings.apply(values)
        missing = np.isnan(values)
        is_missing = bool(missing.any())
        if excess_widths is None and not is_missing:
            return EncodedNumbers(features, missing, None)
        novelty = np.zeros(values.shape)
        if excess_widths is not None:
            outside = excess_widths > RANGE_MARGIN
            novelty[outside] = np.log1p(n_rows * (excess_widths[outside] - RANGE_MARGIN))
        if is_missing:
            features[missing] = 0.0
            novelty[missing & ~np.array(self.has_missing)[:, None]] = unseen_nats(n_rows)
        return EncodedNumbers(features, missing, novelty)


@dataclass(frozen=True)
class NumberColumns:
    """The number columns of a table: their indices, and the first feature of each, int64 [k]."""

    numbers: Numbers
    places: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]

    def encode(self, values: Sequence[Floats], rows: Features, presence: Flags, novelty: Floats, n_rows: int) -> None:
        """Write into the arrays in blocks of rows: one call for a short table, and little memory for a long one."""
        flagged = np.array(self.numbers.has_missing, np.bool_)
        for start in range(0, len(rows), ROWS_AT_ONCE):
            some = slice(start, start + ROWS_AT_ONCE)
            found = self.numbers.encode(np.stack([column[some] for column in values]), n_rows)
            rows[some, self.starts] = found.features.T
            rows[some, self.starts[flagged] + 1] = ~found.missing[flagged].T
            if found.novelty is not None:
                presence[some, self.places] = ~found.missing.T
                novelty[some, self.places] = found.novelty.T
