"""The article's encoding of names, flags and constants: one feature for each training value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns._scaling import Scaling
from oddrow.columns._sketch import NO_ROWS, ColumnSketch
from oddrow.columns.kinds._graph_columns import MISSING, UNLISTED, GraphBlock, GraphColumns
from oddrow.columns.kinds._protocol import Features, PresenceAndNovelty, Values
from oddrow.graph import INTEGER, TEXT, Value
from oddrow.table import as_booleans, as_texts


@dataclass(frozen=True)
class OneHotEncoding:
    """The article's encoding of a name, a flag or a constant: one feature for each training value, none for others."""

    categories: tuple[str, ...]
    kind: Literal["one-hot"] = "one-hot"

    binary: ClassVar[tuple[tuple[int, bool], ...]] = ()
    group: ClassVar[tuple[int, ...]] = ()
    curved: ClassVar[Mapping[int, Scaling]] = {}

    @classmethod
    def learn(cls, values: Values, rest: ColumnSketch = NO_ROWS) -> Self:
        """Learn from names, or flags as float64 [n], and the sketch of training rows outside the sample."""
        names = _names(values).drop_null().unique().to_pylist()
        if rest.counts is not None:
            others = pa.chunked_array([rest.counts.values])
            names += _names(as_booleans(others) if isinstance(values, np.ndarray) else as_texts(others)).to_pylist()
        return cls(tuple(sorted(set(names))))

    @property
    def n_features(self) -> int:
        return len(self.categories)

    @property
    def gaussian(self) -> tuple[int, ...]:
        return tuple(range(len(self.categories)))

    @property
    def known(self) -> tuple[str, ...]:
        return self.categories

    def encode(self, values: Values, out: Features, n_rows: int) -> PresenceAndNovelty:
        if isinstance(values, np.ndarray):
            # looked up by number, which is faster than by text: 0, 1, 2 for any other value, and 3 for a missing one
            place_of = np.array([self._place(name) for name in ("0", "1", "2", None)])
            places = place_of[np.where(np.isnan(values), 3.0, values).astype(np.int64)]
        else:
            found = pc.index_in(values, pa.array(self.categories, pa.string()))
            places = pc.fill_null(found, -1).to_numpy()
        known = places >= 0
        there = np.flatnonzero(known)
        out[there, places[there]] = 1.0
        return known, np.zeros(len(known))

    def _place(self, name: str | None) -> int:
        return self.categories.index(name) if name in self.categories else -1

    def decode(self, features: Features) -> list[object]:
        if not self.categories:
            return [None] * len(features)
        return [self.categories[place] for place in np.argmax(features, axis=1)]

    def check(self, n_rows: int) -> str:
        return "" if len(set(self.categories)) == len(self.categories) else "a category occurs twice"

    @classmethod
    def graph(cls, encodings: Sequence[Self], columns: GraphColumns) -> GraphBlock:
        listed = [{name: place for place, name in enumerate(each.categories)} for each in encodings]
        if columns.inputs[0][0].dtype is TEXT:
            codes = columns.codes(listed, [UNLISTED] * len(listed))
            missing = codes.equals(MISSING)
        else:
            codes, missing = _flag_codes(columns, listed)
        values, features = columns.one_hot(codes, [len(each) for each in listed])
        return GraphBlock(missing, values, features, is_unseen=codes < 0)

    @classmethod
    def together(cls, encodings: Sequence[Self], places: Sequence[int], starts: Sequence[int]) -> None:
        return None


def _flag_codes(columns: GraphColumns, listed: Sequence[Mapping[str, int]]) -> tuple[Value, Value]:
    """Return codes of flags; the article's encoding names them "0", "1", and "2" for any other value."""
    xp, values = columns.xp, columns.joined()
    missing = xp.isnan(values)
    zero, one, neither = (
        xp.broadcast_to([each.get(name, UNLISTED) for each in listed], missing, INTEGER) for name in ("0", "1", "2")
    )
    codes = xp.where(values.equals(0.0), zero, xp.where(values.equals(1.0), one, neither))
    return xp.where(missing, MISSING, codes), missing


def _names(values: Values) -> pa.ChunkedArray:
    """Return names as they are, and flags 0, 1 and NaN as strings."""
    if isinstance(values, np.ndarray):
        flags = pa.array(values, mask=np.isnan(values)).cast(pa.int64())
        return pa.chunked_array([flags.cast(pa.string())])
    return values
