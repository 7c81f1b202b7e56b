"""Schema and table to a float32 matrix, a presence mask, the evidence of strangeness; and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pydantic

from oddrow.columns._column_schema import ColumnSchema, Kind
from oddrow.columns._columns import (
    BooleanEncoding,
    CategoryEncoding,
    ConstantEncoding,
    NumberEncoding,
    OneHotEncoding,
    RangeEncoding,
    TimestampEncoding,
)
from oddrow.columns._numbers import Numbers
from oddrow.columns._precision import as_learned, as_learned_texts
from oddrow.columns._running_encodings import ClockEncoding, CounterEncoding
from oddrow.columns._schema import ColumnValues, TableSchema
from oddrow.columns._sketch import NOTHING_ELSE, TableSketch
from oddrow.columns._text_encoding import TextEncoding

ROWS_AT_ONCE = 2_048
"""Rows whose numbers are encoded at once: few enough for the cache."""

EncodingStyle: TypeAlias = Literal["standard", "article"]
ColumnEncoding: TypeAlias = Annotated[
    NumberEncoding
    | BooleanEncoding
    | CategoryEncoding
    | TimestampEncoding
    | TextEncoding
    | ConstantEncoding
    | OneHotEncoding
    | RangeEncoding
    | CounterEncoding
    | ClockEncoding,
    pydantic.Discriminator("kind"),
]

_STANDARD: Mapping[Kind, Any] = {
    Kind.NUMBER: NumberEncoding,
    Kind.BOOLEAN: BooleanEncoding,
    Kind.CATEGORY: CategoryEncoding,
    Kind.TIMESTAMP: TimestampEncoding,
    Kind.TEXT: TextEncoding,
    Kind.CONSTANT: ConstantEncoding,
    Kind.COUNTER: CounterEncoding,
}
# The article one-hot encodes what is not a quantity and knows neither texts nor times; a constant is one feature.
_ARTICLE: Mapping[Kind, Any] = {
    **_STANDARD,
    Kind.NUMBER: RangeEncoding,
    Kind.BOOLEAN: OneHotEncoding,
    Kind.CATEGORY: OneHotEncoding,
    Kind.CONSTANT: OneHotEncoding,
}
_KINDS: Mapping[EncodingStyle, Mapping[Kind, Any]] = {"standard": _STANDARD, "article": _ARTICLE}


def _encoding_of(column: ColumnSchema, style: EncodingStyle) -> Any:
    """The class that encodes a column."""
    return ClockEncoding if column.kind is Kind.TIMESTAMP and column.runs_on else _KINDS[style][column.kind]


@dataclass(frozen=True)
class EncodedTable:
    """Rows as the model sees them.

    Attributes
    ----------
    rows : float32 [n, n_features]
    presence : bool [n, n_columns]
        False where the value is missing or of a kind that training never showed: there the model has no value to judge.
    novelty : float64 [n, n_columns], >= 0
        Evidence in nats that no likelihood can give because training never showed its like: see :class:`TableEncoding`.
    """

    rows: npt.NDArray[np.float32]
    presence: npt.NDArray[np.bool_]
    novelty: npt.NDArray[np.float64]

    def take(self, index: npt.NDArray[np.int64]) -> EncodedTable:
        """The rows of an index, in its order."""
        return EncodedTable(self.rows[index], self.presence[index], self.novelty[index])

    def joined(self, other: EncodedTable) -> EncodedTable:
        """These rows and then the others."""
        return EncodedTable(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.presence, other.presence]),
            np.concatenate([self.novelty, other.novelty]),
        )


@dataclass(frozen=True)
class FeatureLayout:
    """Which features belong to which column, and how each is distributed.

    Attributes
    ----------
    gaussian, gaussian_column : int [g]
        Features modelled as normal given the latent, and the column of each.
    binary, binary_column : int [b]
        Features modelled as Bernoulli; those of ``presence_flags`` tell whether the column has a value.
    groups, group_column : tuple of tuples of int; int [c]
        Features that are one-hot together, one group a category column.
    """

    n_features: int
    n_columns: int
    gaussian: tuple[int, ...]
    gaussian_column: tuple[int, ...]
    binary: tuple[int, ...]
    binary_column: tuple[int, ...]
    is_presence_flag: tuple[bool, ...]
    groups: tuple[tuple[int, ...], ...]
    group_column: tuple[int, ...]
    feature_column: tuple[int, ...]


@dataclass(frozen=True)
class TableEncoding:
    """How each column becomes features, learned from training rows only.

    **Evidence.** What training never showed has no likelihood there, so its improbability is taken from the rule of
    succession: after n rows without it, the next row shows it with probability about 1 / (n + 1), which is
    ``ln(n + 1)`` nats. That is what a missing value gives where none was missing, and a constant that changed. For a
    category never seen the probability is Good and Turing's (categories seen once / n), so a column of ever new
    names stays quiet; so it is for the templates and shapes of texts. A number beyond the range seen by more than half
    a width, and then by ``e`` widths of that range, gives ``ln(1 + n e)``, and growing: in a table of many columns new
    rows are often a little outside.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"amount": [1.0, 2.0, 3.0, None], "colour": ["red", "red", "blue", "blue"]})
    >>> encoding = TableEncoding.learn(TableSchema.infer(table), table)
    >>> encoding.encode(table).rows.shape
    (4, 6)
    >>> encoding.decode(encoding.encode(table))["colour"]
    ['red', 'red', 'blue', 'blue']
    """

    schema: TableSchema
    columns: tuple[ColumnEncoding, ...]
    n_rows: int
    style: EncodingStyle = "standard"

    @classmethod
    def learn(
        cls,
        schema: TableSchema,
        table: pa.Table,
        style: EncodingStyle = "standard",
        rest: TableSketch = NOTHING_ELSE,
    ) -> TableEncoding:
        """Learn the encoding of each used column from training rows.

        ``rest`` is what is known of training rows that are not in the table: ranges, names and what is missing are
        those of all of them, quantiles are the table's.
        """
        values = schema.values(table)
        columns = tuple(
            _encoding_of(column, style).learn(
                values[column.name], rest.column(column.name).as_read(column.kind, column.form)
            )
            for column in schema.used
        )
        return cls(schema, columns, table.num_rows + rest.n_rows, style)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the encoded columns, in order."""
        return tuple(column.name for column in self.schema.used)

    def encodes(self, schema: ColumnSchema, column: ColumnEncoding) -> bool:
        """Whether such a column has an encoding like this one, in this style."""
        return isinstance(column, _encoding_of(schema, self.style))

    def encode(self, table: pa.Table) -> EncodedTable:
        """Encode the rows of any table that fits the schema; the row order stays."""
        return self.encode_values(self._at_learned_precision(table, self.schema.values(table)), table.num_rows)

    def _at_learned_precision(self, table: pa.Table, values: ColumnValues) -> ColumnValues:
        """The values, those of float columns that differ from a learned value by the precision alone replaced by it."""
        replaced = dict(values)
        for name, column in zip(self.names, self.columns, strict=True):
            stored = table.column(name).type
            if not pa.types.is_floating(stored):
                continue
            is_single = stored == pa.float32()
            if isinstance(column, NumberEncoding):
                if column.few:
                    replaced[name] = as_learned(values[name], np.array(column.few), is_single)
            elif isinstance(column, CategoryEncoding | ConstantEncoding | OneHotEncoding) and not isinstance(
                values[name], np.ndarray
            ):
                replaced[name] = as_learned_texts(values[name], column.names, is_single)
        return replaced

    def encode_values(self, values: ColumnValues, n_rows: int) -> EncodedTable:
        """As :meth:`encode`, from values that :meth:`TableSchema.values` gave."""
        layout = self.layout
        rows = np.zeros((n_rows, layout.n_features), np.float32)
        presence = np.ones((n_rows, layout.n_columns), np.bool_)
        novelty = np.zeros((n_rows, layout.n_columns), np.float64)
        start = 0
        for index, (name, column) in enumerate(zip(self.names, self.columns, strict=True)):
            stop = start + column.n_features
            if not isinstance(column, NumberEncoding):
                presence[:, index], novelty[:, index] = column.encode(values[name], rows[:, start:stop], self.n_rows)
            start = stop
        encoded = EncodedTable(rows, presence, novelty)
        self._encode_numbers(values, encoded)
        return encoded

    def _encode_numbers(self, values: ColumnValues, encoded: EncodedTable) -> None:
        """All number columns together, some rows at a time: of a short table calls cost most, of a long one memory."""
        places, firsts = self._number_places, self._number_features
        names = self.names
        flagged = np.array(self._numbers.has_missing, np.bool_)
        for start in range(0, len(encoded.rows) if len(places) else 0, ROWS_AT_ONCE):
            some = slice(start, start + ROWS_AT_ONCE)
            found = self._numbers.encode(np.stack([values[names[place]][some] for place in places]), self.n_rows)
            encoded.rows[some, firsts] = found.features.T
            encoded.rows[some, firsts[flagged] + 1] = ~found.missing[flagged].T
            if found.novelty is not None:
                encoded.presence[some, places] = ~found.missing.T
                encoded.novelty[some, places] = found.novelty.T

    @cached_property
    def _number_places(self) -> npt.NDArray[np.int64]:
        """Which columns are numbers."""
        return np.flatnonzero([isinstance(column, NumberEncoding) for column in self.columns])

    @cached_property
    def _number_features(self) -> npt.NDArray[np.int64]:
        """The first feature of each of them."""
        return np.cumsum([0, *(column.n_features for column in self.columns)], dtype=np.int64)[self._number_places]

    @cached_property
    def _numbers(self) -> Numbers:
        numbers = [column for column in self.columns if isinstance(column, NumberEncoding)]
        return Numbers(tuple(one.scaling for one in numbers), tuple(one.has_missing for one in numbers))

    def straightened(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Encoded rows [n, n_features] with the logarithm of heavy-tailed numbers undone, over the range of training.

        Each such feature is then linear in the column's value, in a unit of its own; all others are as they were.
        """
        straight = rows.astype(np.float64)
        start = 0
        for column in self.columns:
            if isinstance(column, NumberEncoding):
                straight[:, start] = column.scaling.straightened(straight[:, start])
            start += column.n_features
        return straight

    def decode(self, encoded: EncodedTable) -> dict[str, list[object]]:
        """Column name to values, from encoded rows; None where missing.

        Numbers come back within 1e-5 of the width of their learned range, times within 1e-6 of it, categories and
        booleans exactly. A rare category comes back as ``"(rare)"``, one never seen as ``"(never seen)"``, a text as
        the known text or template that it is, or as a description of its shape, length and letters.
        """
        decoded: dict[str, list[object]] = {}
        start = 0
        for index, (name, column) in enumerate(zip(self.names, self.columns, strict=True)):
            stop = start + column.n_features
            values = column.decode(encoded.rows[:, start:stop])
            decoded[name] = [
                value if there else None for value, there in zip(values, encoded.presence[:, index], strict=True)
            ]
            start = stop
        return decoded

    @cached_property
    def layout(self) -> FeatureLayout:
        """Where each column's features lie in the encoded matrix."""
        return _layout(self.columns)


def _layout(columns: tuple[ColumnEncoding, ...]) -> FeatureLayout:
    parts: Mapping[str, list[int]] = {"gaussian": [], "binary": []}
    owners: Mapping[str, list[int]] = {"gaussian": [], "binary": []}
    flags: list[bool] = []
    groups: list[tuple[int, ...]] = []
    group_column: list[int] = []
    feature_column: list[int] = []
    start = 0
    for index, column in enumerate(columns):
        for offset in column.gaussian:
            parts["gaussian"].append(start + offset)
            owners["gaussian"].append(index)
        for offset, is_flag in column.binary:
            parts["binary"].append(start + offset)
            owners["binary"].append(index)
            flags.append(is_flag)
        if column.group:
            groups.append(tuple(start + offset for offset in column.group))
            group_column.append(index)
        feature_column.extend([index] * column.n_features)
        start += column.n_features
    return FeatureLayout(
        n_features=start,
        n_columns=len(columns),
        gaussian=tuple(parts["gaussian"]),
        gaussian_column=tuple(owners["gaussian"]),
        binary=tuple(parts["binary"]),
        binary_column=tuple(owners["binary"]),
        is_presence_flag=tuple(flags),
        groups=tuple(groups),
        group_column=tuple(group_column),
        feature_column=tuple(feature_column),
    )


__all__ = [
    "ColumnEncoding",
    "ColumnSchema",
    "EncodedTable",
    "EncodingStyle",
    "FeatureLayout",
    "TableEncoding",
]
