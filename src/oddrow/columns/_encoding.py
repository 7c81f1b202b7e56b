"""Schema and table to a float32 matrix, a presence mask, the evidence of strangeness; and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Union

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pydantic
import pydantic_core

from oddrow.columns._column_schema import ColumnSchema, EncodingStyle
from oddrow.columns._schema import ColumnValues, TableSchema
from oddrow.columns._sketch import ColumnSketch
from oddrow.columns._stored_precision import as_learned, as_learned_texts
from oddrow.columns._table_sketch import NOTHING_ELSE, TableSketch
from oddrow.columns.kinds import KINDS, ColumnEncoding, JointEncoder, Values, encoding_classes


class _RegisteredEncoding:
    """The pydantic schema of an encoding in a file: one of those of the registered kinds, told apart by their tag.

    It is made from the kinds that are registered when a ``pydantic.TypeAdapter`` is made.
    """

    def __get_pydantic_core_schema__(
        self,
        source: object,
        handler: pydantic.GetCoreSchemaHandler,
    ) -> pydantic_core.CoreSchema:
        by_tag = pydantic.Discriminator("kind")
        return handler.generate_schema(Annotated[Union[encoding_classes()], by_tag])  # noqa: UP007 - known here only


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
    columns: tuple[Annotated[ColumnEncoding, _RegisteredEncoding()], ...]
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
            _learned(column, values[column.name], [rest.column(source) for source in column.reads], style)
            for column in schema.used
        )
        return cls(schema, columns, table.num_rows + rest.n_rows, style)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the encoded columns, in order."""
        return tuple(column.name for column in self.schema.used)

    @property
    def sources(self) -> tuple[str, ...]:
        """The table columns that the encoded columns read, each once."""
        return self.schema.sources

    @property
    def may_lack(self) -> list[str]:
        """The table columns that had values missing in training, as the presence flag of a column tells."""
        columns = zip(self.schema.used, self.columns, strict=True)
        with_flag = [schema for schema, column in columns if any(is_flag for _, is_flag in column.binary)]
        return [source for schema in with_flag for source in schema.reads]

    def encodes(self, schema: ColumnSchema, column: ColumnEncoding) -> bool:
        """Whether such a column has an encoding like this one, in this style."""
        return type(column) is KINDS[schema.kind].encoding(schema, self.style)

    def encode(self, table: pa.Table) -> EncodedTable:
        """Encode the rows of any table that fits the schema; the row order stays."""
        return self.encode_values(self._at_learned_precision(table, self.schema.values(table)), table.num_rows)

    def _at_learned_precision(self, table: pa.Table, values: ColumnValues) -> ColumnValues:
        """The values, those of float columns that differ from a learned value by the precision alone replaced by it."""
        replaced = dict(values)
        for schema, column in zip(self.schema.used, self.columns, strict=True):
            if not column.known:
                continue
            stored = [table.column(source).type for source in schema.reads]
            if all(pa.types.is_floating(one) for one in stored):
                is_single = stored == [pa.float32()]
                replaced[schema.name] = _as_known(values[schema.name], column.known, is_single)
        return replaced

    def encode_values(self, values: ColumnValues, n_rows: int) -> EncodedTable:
        """As :meth:`encode`, from values that :meth:`TableSchema.values` gave."""
        layout = self.layout
        rows = np.zeros((n_rows, layout.n_features), np.float32)
        presence = np.ones((n_rows, layout.n_columns), np.bool_)
        novelty = np.zeros((n_rows, layout.n_columns), np.float64)
        for place in self._one_by_one:
            column, start = self.columns[place], self._starts[place]
            out = rows[:, start : start + column.n_features]
            presence[:, place], novelty[:, place] = column.encode(values[self.names[place]], out, self.n_rows)
        for places, encoder in self._together:
            some = [values[self.names[place]] for place in places]
            encoder.encode(some, rows, presence, novelty, self.n_rows)
        return EncodedTable(rows, presence, novelty)

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        """The first feature of each column."""
        return tuple(np.cumsum([0, *(column.n_features for column in self.columns)])[:-1].tolist())

    @cached_property
    def _together(self) -> tuple[tuple[tuple[int, ...], JointEncoder], ...]:
        """The places of columns of one class, where that encodes them together, and what encodes them."""
        by_class: dict[type[ColumnEncoding], list[int]] = {}
        for place, column in enumerate(self.columns):
            by_class.setdefault(type(column), []).append(place)
        found = []
        for encoding, places in by_class.items():
            starts = [self._starts[place] for place in places]
            encoder = encoding.together([self.columns[place] for place in places], places, starts)
            if encoder is not None:
                found.append((tuple(places), encoder))
        return tuple(found)

    @cached_property
    def _one_by_one(self) -> tuple[int, ...]:
        """The places of all other columns."""
        together = {place for places, _ in self._together for place in places}
        return tuple(place for place in range(len(self.columns)) if place not in together)

    def straightened(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Encoded rows [n, n_features] with the logarithm of heavy-tailed numbers undone, over the range of training.

        Each such feature is then linear in the column's value, in a unit of its own; all others are as they were.
        """
        straight = rows.astype(np.float64)
        for column, start in zip(self.columns, self._starts, strict=True):
            for offset, scaling in column.curved.items():
                straight[:, start + offset] = scaling.straightened(straight[:, start + offset])
        return straight

    def decode(self, encoded: EncodedTable) -> dict[str, list[object]]:
        """Column name to values, from encoded rows; None where missing.

        Numbers come back within 1e-5 of the width of their learned range, times within 1e-6 of it, categories and
        booleans exactly. A rare category comes back as ``"(rare)"``, one never seen as ``"(never seen)"``, a text as
        the known text or template that it is, or as a description of its shape, length and letters.
        """
        decoded: dict[str, list[object]] = {}
        for index, (name, column, start) in enumerate(zip(self.names, self.columns, self._starts, strict=True)):
            values = column.decode(encoded.rows[:, start : start + column.n_features])
            decoded[name] = [
                value if there else None for value, there in zip(values, encoded.presence[:, index], strict=True)
            ]
        return decoded

    @cached_property
    def layout(self) -> FeatureLayout:
        """Where each column's features lie in the encoded matrix."""
        return _layout(self.columns)


def _learned(
    column: ColumnSchema, values: Values, rest: Sequence[ColumnSketch], style: EncodingStyle
) -> ColumnEncoding:
    kind = KINDS[column.kind]
    return kind.encoding(column, style).learn(values, kind.sketched(column, rest))


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


def _as_known(values: Values, known: tuple[float, ...] | tuple[str, ...], is_single: bool) -> Values:
    """The values, those that differ from a known one by the floating-point precision alone replaced by it."""
    numbers = [one for one in known if isinstance(one, float)]
    if isinstance(values, np.ndarray):
        return as_learned(values, np.array(numbers), is_single) if numbers else values
    return as_learned_texts(values, [one for one in known if isinstance(one, str)], is_single)
