"""What a kind of column is: two protocols, of the kind itself and of an encoding that it learns."""

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
"""The values of a column in the form of its kind: float64 [n] or [n, k] with NaN where missing, or Arrow strings."""
Features: TypeAlias = npt.NDArray[np.float32]
PresenceAndNovelty: TypeAlias = tuple[npt.NDArray[np.bool_], Floats]
"""Whether each row has a value to judge, bool [n]; and nats >= 0 that no likelihood can give, float64 [n]."""


class JointEncoder(Protocol):
    """Encodes several columns of one kind together, which is faster than one after the other."""

    def encode(
        self,
        values: Sequence[Floats],
        rows: Features,
        presence: npt.NDArray[np.bool_],
        novelty: Floats,
        n_rows: int,
    ) -> None:
        """Fill the columns' features, presence and novelty in the arrays of the whole table."""


class ColumnEncoding(Protocol):
    """How one column becomes features and back, learned from training rows: a frozen dataclass that pydantic can store.

    Attributes
    ----------
    kind : a tag of its own, by which a model file tells encodings apart
    n_features : width of the encoded column
    gaussian : offsets of features that are modelled as normal
    binary : offsets of features that are modelled as Bernoulli, each with whether it is the presence flag, which is
        the column's last feature
    group : offsets of features that are one-hot together
    curved : by offset, the scaling of features that may be logarithmic in the value
    known : training values by which the same values in another floating-point precision are recognised
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
        """Fill ``out`` float32 [n, n_features], which is 0; ``n_rows`` training rows were learned from."""

    def decode(self, features: Features) -> list[object]:
        """The values [n] in original units, from features [n, n_features]."""

    def check(self, n_rows: int) -> str:
        """What is wrong with an encoding that came from a file; "" where nothing is."""

    @classmethod
    def graph(cls, encodings: Sequence[Self], columns: GraphColumns) -> GraphBlock:
        """The operations of :meth:`encode` in a graph, of several such columns.

        Raises
        ------
        SettingError
            If there are no operations for it; names the column and the way out.
        """

    @classmethod
    def together(cls, encodings: Sequence[Self], places: Sequence[int], starts: Sequence[int]) -> JointEncoder | None:
        """An encoder of several such columns, given their places and first features; None encodes one by one."""


class ColumnKind(Protocol):
    """A kind of column: which columns are of it, how their values are read, and what encodes them.

    Attributes
    ----------
    name : the word by which users give the kind, and its key in the registry
    precedence : of several kinds that take a column, the one of the lowest precedence has it
    n_sources : the table columns whose values make one value of this kind
    sketches_names : whether values of any type are summarised as names, and not by their range
    input_type : of its inputs in an exported graph
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
        """The column of these facts, if it is of this kind; None where it is not, or where the kind has to be given."""

    def given(self, name: str, facts: Sequence[ColumnFacts]) -> ColumnSchema:
        """A column that is said to be of this kind, from the facts about each of its sources."""

    def convert(self, sources: Sequence[pa.ChunkedArray], form: TextForm) -> Values:
        """Table columns as values of this kind.

        Raises
        ------
        ValueError
            If they are of a type that the kind cannot hold; an ``UnfitValueError`` if some values are.
        """

    def typed(self, texts: pa.ChunkedArray, form: TextForm) -> pa.ChunkedArray:
        """Texts of a column of one source in the Arrow type that suits the kind; or as they are."""

    def encoding(self, column: ColumnSchema, style: EncodingStyle) -> type[ColumnEncoding]:
        """The class that encodes such a column in a style."""

    def sketched(self, column: ColumnSchema, rest: Sequence[ColumnSketch]) -> ColumnSketch:
        """What is known of further training rows, with the values read as this kind reads them."""

    def counted(self, encoding: ColumnEncoding) -> tuple[str, ...]:
        """The values that the reference of the training rows counts one by one, the most frequent first; () for none.

        A kind whose values are float64 [n] counts them by their number: 0 is the first value, 1 the second.
        """

    def measured(self, values: Values, rest: ColumnSketch) -> tuple[Floats, Floats]:
        """The numbers whose quantiles the reference holds, and the ends of their range in further rows; () for none."""
