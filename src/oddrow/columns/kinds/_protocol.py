"""The protocols of a kind of column and of the encoding that it learns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.columns._column_facts import ColumnFacts
from oddrow.columns._column_schema import ColumnSchema, EncodingStyle
from oddrow.columns._scaling import Scaling
from oddrow.columns._sketch import ColumnSketch
from oddrow.columns.kinds._graph_columns import GraphBlock, GraphColumns
from oddrow.graph import DType
from oddrow.table import Floats, TextForm

Values: TypeAlias = Floats | pa.ChunkedArray
"""Values of a column in the form of its kind: float64 [n] or [n, k], NaN for missing values, or Arrow strings."""
Features: TypeAlias = npt.NDArray[np.float32]
PresenceAndNovelty: TypeAlias = tuple[npt.NDArray[np.bool_], Floats]
"""Presence bool [n]: whether a row has a value with a likelihood; novelty float64 [n]: nats of values without one."""


class JointEncoder(Protocol):
    """An encoder of several columns of one kind together, which is faster than one after the other."""

    def encode(
        self,
        values: Sequence[Floats],
        rows: Features,
        presence: npt.NDArray[np.bool_],
        novelty: Floats,
        n_rows: int,
    ) -> None:
        """Write the columns' features, presence and novelty into the arrays of the whole table."""


class ColumnEncoding(Protocol):
    """The encoding of one column as features, learned from training rows: a frozen dataclass that pydantic can store.

    Attributes
    ----------
    kind : the tag of the encoding class in a model file
    n_features : number of features
    gaussian : offsets of features that are modelled as normal
    binary : offsets of features that are modelled as Bernoulli, each with whether it is the presence flag; the flag
        is the last feature of the column
    group : offsets of the features of one one-hot group
    curved : the scaling of features that may be logarithmic in the value, by offset
    known : training values that are recognised in another floating-point precision
    """

    @property
    def kind(self) -> str: ...
    @property
    def n_features(self) -> int: ...
    @property
    def gaussian(self) -> tuple[int, ...]: ...
    @property
    def binary(self) -> tuple[tuple[int, bool], ...]: ...
    @property
    def group(self) -> tuple[int, ...]: ...
    @property
    def curved(self) -> Mapping[int, Scaling]: ...
    @property
    def known(self) -> tuple[float, ...] | tuple[str, ...]: ...

    @classmethod
    def learn(cls, values: Values, rest: ColumnSketch) -> Self:
        """Learn from training values, and from what is known of further training rows."""

    def encode(self, values: Values, out: Features, n_rows: int) -> PresenceAndNovelty:
        """Write features into ``out`` float32 [n, n_features], which is 0; ``n_rows`` counts the training rows."""

    def decode(self, features: Features) -> list[object]:
        """Return the values [n] in original units, from features [n, n_features]."""

    def check(self, n_rows: int) -> str:
        """Return the fault of an encoding from a file; "" if there is none."""

    @classmethod
    def graph(cls, encodings: Sequence[Self], columns: GraphColumns) -> GraphBlock:
        """Return the operations of :meth:`encode` in a graph, for several columns of this class.

        Raises
        ------
        SettingError
            If there are no such operations; the message names the column and the remedy.
        """

    @classmethod
    def together(cls, encodings: Sequence[Self], places: Sequence[int], starts: Sequence[int]) -> JointEncoder | None:
        """Return an encoder of several columns, from their indices and first features; None encodes one by one."""


class ColumnKind(Protocol):
    """A kind of column: which columns it accepts, how their values are parsed, and which class encodes them.

    Attributes
    ----------
    name : the name by which users give the kind, and its key in the registry
    precedence : kinds judge a column in ascending order of this number; the first that accepts it is used
    n_sources : number of table columns whose values form one value of this kind
    sketches_names : whether sketches summarise values of any type as names, instead of by their range
    input_type : dtype of its inputs in an exported graph
    encodings : every class that encodes a column of this kind
    """

    @property
    def name(self) -> str: ...
    @property
    def precedence(self) -> int: ...
    @property
    def n_sources(self) -> int: ...
    @property
    def sketches_names(self) -> bool: ...
    @property
    def input_type(self) -> DType: ...
    @property
    def encodings(self) -> tuple[type[ColumnEncoding], ...]: ...

    def judge(self, facts: ColumnFacts) -> ColumnSchema | None:
        """Return the column with these facts if this kind accepts it; None if not, or if the kind must be given."""

    def given(self, name: str, facts: Sequence[ColumnFacts]) -> ColumnSchema:
        """Return a column for which the user gave this kind, from the facts about each of its sources."""

    def convert(self, sources: Sequence[pa.ChunkedArray], form: TextForm) -> Values:
        """Convert table columns to values of this kind.

        Raises
        ------
        ValueError
            If the kind does not allow their type; an ``UnfitValueError`` if it does not allow some values.
        """

    def typed(self, texts: pa.ChunkedArray, form: TextForm) -> pa.ChunkedArray:
        """Return texts of a column with one source in the Arrow type of the kind, or unchanged."""

    def encoding(self, column: ColumnSchema, style: EncodingStyle) -> type[ColumnEncoding]:
        """Return the class that encodes a column in a style."""

    def sketched(self, column: ColumnSchema, rest: Sequence[ColumnSketch]) -> ColumnSketch:
        """Return the sketch of training rows outside the sample, with values parsed as this kind parses them."""

    def counted(self, encoding: ColumnEncoding) -> tuple[str, ...]:
        """Return the values that have counts in the reference of the training rows, the most frequent first; or ().

        If the values of a kind are float64 [n], they are the indices of the counted values.
        """

    def measured(self, values: Values, rest: ColumnSketch) -> tuple[Floats, Floats]:
        """Return the numbers whose quantiles the reference holds, and the ends of their range in other rows."""
