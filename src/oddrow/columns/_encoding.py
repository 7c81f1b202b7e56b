"""Encode the rows of a table as float32 features, a presence mask and novelty; decode features into values."""

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
from oddrow.columns.kinds.clock import ClockEncoding


class _RegisteredEncoding:
    """The pydantic schema of an encoding in a file: a union of the registered encodings, discriminated by their tag.

    It covers the kinds that are registered when the ``pydantic.TypeAdapter`` is constructed.
    """

    def __get_pydantic_core_schema__(
        self,
        source: object,
        handler: pydantic.GetCoreSchemaHandler,
    ) -> pydantic_core.CoreSchema:
        by_tag = pydantic.Discriminator("kind")
        return handler.generate_schema(Annotated[Union[encoding_classes()], by_tag])  # noqa: UP007 - a tuple known at run time


@dataclass(frozen=True)
class EncodedTable:
    """Encoded rows: the input of the model.

    Attributes
    ----------
    rows : float32 [n, n_features]
    presence : bool [n, n_columns]
        False where the value is missing, or has no likelihood because no training row has one like it.
    novelty : float64 [n, n_columns], >= 0
        Surprise in nats of values that have no likelihood: see :class:`TableEncoding`.
    """

    rows: npt.NDArray[np.float32]
    presence: npt.NDArray[np.bool_]
    novelty: npt.NDArray[np.float64]

    def take(self, index: npt.NDArray[np.int64]) -> EncodedTable:
        """Return the rows of an index, in its order."""
        return EncodedTable(self.rows[index], self.presence[index], self.novelty[index])

    def joined(self, other: EncodedTable) -> EncodedTable:
        """Return these rows followed by the others."""
        return EncodedTable(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.presence, other.presence]),
            np.concatenate([self.novelty, other.novelty]),
        )


@dataclass(frozen=True)
class FeatureLayout:
    """The assignment of features to columns, and the distribution of each feature.

    Attributes
    ----------
    gaussian, gaussian_column : int [g]
        Features modelled as normal given the latent variables, and the column of each.
    binary, binary_column : int [b]
        Features modelled as Bernoulli, and the column of each; ``is_presence_flag`` marks those that indicate whether
        the column has a value.
    groups, group_column : tuple of tuples of int; int [c]
        The features of each one-hot group, and the column of each group.
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
    """The encoding of each column as features, learned from training rows only.

    **Novelty.** A value unlike all training values has no likelihood in the model. Its surprise follows from the rule
    of succession: an event that n rows did not show has a probability of about 1 / (n + 1) in the next row, which is
    ``ln(n + 1)`` nats. This holds for a missing value in a column without missing training values, and for another
    value in a constant column. The probability of an unseen category is estimated by Good and Turing (categories seen
    once / n), so that new names in a column of mostly new names have little novelty; the same holds for the templates
    and shapes of texts. A number has the novelty ``ln(1 + n e)`` if it lies ``0.5 + e`` widths of the training range
    outside that range, measured on the logarithmic scale on which features continue there (see ``Scaling.excess``).
    Within half a width it has none, because in a table of many columns new rows often have a value slightly outside.

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

        ``rest`` is a sketch of the training rows that are not in the table. Ranges, names and missing values are
        those of all training rows; quantiles are those of the table.
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
        """The source columns of the encoded columns in the table, without duplicates."""
        return self.schema.sources

    @property
    def may_lack(self) -> list[str]:
        """The table columns with missing values in training rows, which have a presence flag."""
        columns = zip(self.schema.used, self.columns, strict=True)
        with_flag = [schema for schema, column in columns if any(is_flag for _, is_flag in column.binary)]
        return [source for schema in with_flag for source in schema.reads]

    def encodes(self, schema: ColumnSchema, column: ColumnEncoding) -> bool:
        """Return whether an encoding has the class that the kind of its column uses in the style of this table."""
        return type(column) is KINDS[schema.kind].encoding(schema, self.style)

    def encode(self, table: pa.Table) -> EncodedTable:
        """Encode the rows of any table that fits the schema, in their order."""
        return self.encode_values(self._at_learned_precision(table, self.schema.values(table)), table.num_rows)

    def _at_learned_precision(self, table: pa.Table, values: ColumnValues) -> ColumnValues:
        """Return the values, with those that equal a learned value in another precision replaced by it."""
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
        """Encode values that :meth:`TableSchema.values` returned, as :meth:`encode` does."""
        layout = self.layout
        rows = np.zeros((n_rows, layout.n_features), np.float32)
        presence = np.ones((n_rows, layout.n_columns), np.bool_)
        novelty = np.zeros((n_rows, layout.n_columns), np.float64)
        for place in self._single_columns:
            column, start = self.columns[place], self._starts[place]
            out = rows[:, start : start + column.n_features]
            presence[:, place], novelty[:, place] = column.encode(values[self.names[place]], out, self.n_rows)
        for places, encoder in self._joint_encoders:
            some = [values[self.names[place]] for place in places]
            encoder.encode(some, rows, presence, novelty, self.n_rows)
        return EncodedTable(rows, presence, novelty)

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        """The first feature of each column."""
        return tuple(np.cumsum([0, *(column.n_features for column in self.columns)])[:-1].tolist())

    @cached_property
    def _joint_encoders(self) -> tuple[tuple[tuple[int, ...], JointEncoder], ...]:
        """The encoders of several columns of one class, each with the indices of its columns."""
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
    def _single_columns(self) -> tuple[int, ...]:
        """The indices of the columns that are encoded one by one."""
        together = {place for places, _ in self._joint_encoders for place in places}
        return tuple(place for place in range(len(self.columns)) if place not in together)

    def straightened(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return encoded rows [n, n_features] without the logarithm of heavy-tailed numbers, in the training range.

        Each such feature is then linear in the column's value, in robust scales; all others are unchanged.
        """
        straight = rows.astype(np.float64)
        for column, start in zip(self.columns, self._starts, strict=True):
            for offset, scaling in column.curved.items():
                straight[:, start + offset] = scaling.straightened(straight[:, start + offset])
        return straight

    def decode(self, encoded: EncodedTable) -> dict[str, list[object]]:
        """Return the values of each column by name, decoded from encoded rows; None for a missing value.

        The error of numbers is at most 1e-5 of the width of their learned range, that of times 1e-6; categories and
        booleans are exact. A rare category is decoded as ``"(rare)"``, an unseen one as ``"(never seen)"``. A text is
        decoded as its known text or template, or as a description of its shape, length and characters.
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
        """The layout of the features in the encoded matrix."""
        return _layout(self.columns)


def _learned(
    column: ColumnSchema, values: Values, rest: Sequence[ColumnSketch], style: EncodingStyle
) -> ColumnEncoding:
    kind = KINDS[column.kind]
    learned = kind.encoding(column, style).learn(values, kind.sketched(column, rest))
    return learned.ordering() if column.orders and isinstance(learned, ClockEncoding) else learned


def _layout(columns: tuple[ColumnEncoding, ...]) -> FeatureLayout:
    features: Mapping[str, list[int]] = {"gaussian": [], "binary": []}
    owners: Mapping[str, list[int]] = {"gaussian": [], "binary": []}
    flags: list[bool] = []
    groups: list[tuple[int, ...]] = []
    group_column: list[int] = []
    feature_column: list[int] = []
    start = 0
    for index, column in enumerate(columns):
        for offset in column.gaussian:
            features["gaussian"].append(start + offset)
            owners["gaussian"].append(index)
        for offset, is_flag in column.binary:
            features["binary"].append(start + offset)
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
        gaussian=tuple(features["gaussian"]),
        gaussian_column=tuple(owners["gaussian"]),
        binary=tuple(features["binary"]),
        binary_column=tuple(owners["binary"]),
        is_presence_flag=tuple(flags),
        groups=tuple(groups),
        group_column=tuple(group_column),
        feature_column=tuple(feature_column),
    )


def _as_known(values: Values, known: tuple[float, ...] | tuple[str, ...], is_single: bool) -> Values:
    """Return the values; those that equal a known one in another floating-point precision are replaced by it."""
    numbers = [one for one in known if isinstance(one, float)]
    if isinstance(values, np.ndarray):
        return as_learned(values, np.array(numbers), is_single) if numbers else values
    return as_learned_texts(values, [one for one in known if isinstance(one, str)], is_single)
