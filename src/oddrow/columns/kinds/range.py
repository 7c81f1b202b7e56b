"""The article's encoding of numbers: the training range is mapped to [0, 1]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np

from oddrow.columns._scaling import Scaling
from oddrow.columns._sketch import NO_ROWS, ColumnSketch
from oddrow.columns.kinds._graph_columns import GraphBlock, GraphColumns
from oddrow.columns.kinds._protocol import Features, PresenceAndNovelty
from oddrow.table import Floats

UNSOUND_RANGE = "its range is not finite and in order"
MAX_SCALED = 1e6
"""Bound of the feature, so that a value far outside the range is finite in single precision."""


@dataclass(frozen=True)
class RangeEncoding:
    """The article's encoding of a number: its training range is mapped to [0, 1]. A missing value is 0."""

    low: float
    high: float
    kind: Literal["range"] = "range"

    n_features: ClassVar[int] = 1
    gaussian: ClassVar[tuple[int, ...]] = (0,)
    binary: ClassVar[tuple[tuple[int, bool], ...]] = ()
    group: ClassVar[tuple[int, ...]] = ()
    curved: ClassVar[Mapping[int, Scaling]] = {}
    known: ClassVar[tuple[float, ...]] = ()

    @classmethod
    def learn(cls, values: Floats, rest: ColumnSketch = NO_ROWS) -> Self:
        """Learn from values float64 [n] and the sketch of training rows outside the sample."""
        return cls(*learned_range(values, rest))

    def encode(self, values: Floats, out: Features, n_rows: int) -> PresenceAndNovelty:
        with np.errstate(over="ignore"):
            scaled = (values / 2 - self.low / 2) / self._half_width if self._half_width > 0 else np.zeros_like(values)
        out[:, 0] = np.clip(np.where(np.isnan(values), 0.0, scaled), -MAX_SCALED, MAX_SCALED)
        return ~np.isnan(values), np.zeros(len(values))

    def decode(self, features: Features) -> list[object]:
        with np.errstate(over="ignore"):
            values = 2 * (features[:, 0].astype(np.float64) * self._half_width + self.low / 2)
        return list(np.clip(values, -np.finfo(float).max, np.finfo(float).max).tolist())

    @property
    def _half_width(self) -> float:
        # halves, since the width of a range of huge numbers could overflow
        return self.high / 2 - self.low / 2

    def check(self, n_rows: int) -> str:
        return "" if is_range(self.low, self.high) else UNSOUND_RANGE

    @classmethod
    def graph(cls, encodings: Sequence[Self], columns: GraphColumns) -> GraphBlock:
        xp, values = columns.xp, columns.joined()
        missing = xp.isnan(values)
        half_low = np.array([each.low for each in encodings]) / 2
        half_width = np.array([each.high for each in encodings]) / 2 - half_low
        scaled = (values / 2.0 - half_low) / np.where(half_width > 0, half_width, 1.0)
        has_width = (half_width > 0).astype(np.float64)  # in a range of width 0 all features are 0
        scaled = xp.clip(xp.where(missing, 0.0, scaled), -MAX_SCALED, MAX_SCALED) * has_width
        return GraphBlock(missing, scaled, columns.starts)

    @classmethod
    def together(cls, encodings: Sequence[Self], places: Sequence[int], starts: Sequence[int]) -> None:
        return None


def learned_range(values: Floats, rest: ColumnSketch) -> tuple[float, float]:
    """Return the smallest and the largest value of all training rows; 0 and 0 if all are missing."""
    present = np.concatenate([values[~np.isnan(values)], rest.range.ends])
    return (float(present.min()), float(present.max())) if present.size else (0.0, 0.0)


def is_range(low: float, high: float) -> bool:
    """Return whether two numbers are finite and in ascending order."""
    return bool(np.isfinite([low, high]).all() and low <= high)
