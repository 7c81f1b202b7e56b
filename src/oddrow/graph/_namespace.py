"""An array namespace whose arrays are values of a graph.

The network and its likelihoods are written once, against the namespace that is passed in: ``jax.numpy`` to fit,
``numpy`` to score, and a :class:`GraphNamespace` to export. Its functions have the names of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oddrow.graph._graph import FLOAT, INTEGER, DType, Graph, Value

LARGE = 1e8
"""From this number on ``x * x + 1`` rounds to ``x * x`` in double precision."""


@dataclass(frozen=True)
class GraphNamespace:
    """The NumPy functions that the model and the export need, on values of one graph."""

    graph: Graph

    def exp(self, x: Value) -> Value:
        return self._map("Exp", x)

    def log(self, x: Value) -> Value:
        return self._map("Log", x)

    def sqrt(self, x: Value) -> Value:
        return self._map("Sqrt", x)

    def tanh(self, x: Value) -> Value:
        return self._map("Tanh", x)

    def abs(self, x: Value) -> Value:
        return self._map("Abs", x)

    def sign(self, x: Value) -> Value:
        return self._map("Sign", x)

    def sin(self, x: Value) -> Value:
        return self._map("Sin", x)

    def cos(self, x: Value) -> Value:
        return self._map("Cos", x)

    def isnan(self, x: Value) -> Value:
        return self.graph.apply("IsNaN", x, dtype=np.dtype(np.bool_))

    def isinf(self, x: Value) -> Value:
        return self.graph.apply("IsInf", x, dtype=np.dtype(np.bool_))

    def log1p(self, x: Value) -> Value:
        """Return ``ln(1 + x)`` in full precision: the rounding of ``1 + x`` is corrected (Goldberg 1991, theorem 4)."""
        rounded = x + 1.0
        rounds_to_one = rounded.equals(1.0)
        return self.where(rounds_to_one, x, self.log(rounded) * (x / self.where(rounds_to_one, 1.0, rounded - 1.0)))

    def expm1(self, x: Value) -> Value:
        """Return ``exp(x) - 1`` in full precision, corrected in the same way as :meth:`log1p`."""
        rounded = self.exp(x)
        rounds_to_one = rounded.equals(1.0)
        return self.where(rounds_to_one, x, (rounded - 1.0) * (x / self.where(rounds_to_one, 1.0, self.log(rounded))))

    def arcsinh(self, x: Value) -> Value:
        """Return arcsinh; ONNX Runtime does not implement ONNX's own operator in double precision."""
        size = self.abs(x)
        bounded = self.minimum(size, LARGE)
        square = bounded * bounded
        near = self.log1p(bounded + square / (self.sqrt(square + 1.0) + 1.0))
        far = self.log(self.maximum(size, LARGE)) + float(np.log(2.0))
        return self.sign(x) * self.where(size > LARGE, far, near)

    def mod(self, x: Value, period: float) -> Value:
        """Return the remainder in [0, period)."""
        rest = self.graph.apply("Mod", x, self.graph.constant(period, FLOAT), dtype=FLOAT, fmod=1)
        return self.where(rest < 0.0, rest + period, rest)

    def rint(self, x: Value) -> Value:
        """Return the nearest whole number; of two equally near ones the even one."""
        return self.graph.apply("Round", x, dtype=x.dtype)

    def maximum(self, x: Value, other: Any) -> Value:
        return self.graph.apply("Max", x, self._value(other), dtype=x.dtype)

    def minimum(self, x: Value, other: Any) -> Value:
        return self.graph.apply("Min", x, self._value(other), dtype=x.dtype)

    def clip(self, x: Value, low: Any, high: Any) -> Value:
        return self.minimum(self.maximum(x, low), high)

    def where(self, condition: Any, one: Any, other: Any) -> Value:
        if not isinstance(condition, Value):
            condition = self.graph.constant(condition, np.dtype(np.bool_))
        chosen = next((each.dtype for each in (one, other) if isinstance(each, Value)), FLOAT)
        values = (self._value(each, chosen) for each in (one, other))
        return self.graph.apply("Where", condition, *values, dtype=chosen)

    def concatenate(self, values: Sequence[Value], axis: int) -> Value:
        return values[0] if len(values) == 1 else self.graph.apply("Concat", *values, dtype=values[0].dtype, axis=axis)

    def take(self, x: Value, places: Any, axis: int) -> Value:
        return self.graph.apply("Gather", x, self.graph.constant(places, INTEGER), dtype=x.dtype, axis=axis)

    def sum(self, x: Value, axis: int) -> Value:
        return x.sum(axis)

    def max(self, x: Value, axis: int, keepdims: bool = False) -> Value:
        return x.max(axis, keepdims)

    def full(self, shape: tuple[Value, int], fill: float, dtype: DType) -> Value:
        """Return a matrix [n, columns] filled with one number."""
        n_rows, n_columns = shape
        whole = self.concatenate([n_rows, self.graph.constant([n_columns], INTEGER)], axis=0)
        return self.graph.apply("Expand", self.graph.constant(fill, dtype), whole, dtype=dtype)

    def zeros(self, shape: tuple[Value, int], dtype: DType = FLOAT) -> Value:
        return self.full(shape, 0.0, dtype)

    def broadcast_to(self, array: Any, like: Value, dtype: DType) -> Value:
        """Return a constant broadcast to the shape of a value."""
        shape = self.graph.apply("Shape", like, dtype=INTEGER)
        return self.graph.apply("Expand", self.graph.constant(array, dtype), shape, dtype=dtype)

    def zeros_like(self, x: Value) -> Value:
        return x * 0.0

    def _map(self, kind: str, x: Value) -> Value:
        return self.graph.apply(kind, x, dtype=x.dtype)

    def _value(self, x: Any, dtype: DType = FLOAT) -> Value:
        return x if isinstance(x, Value) else self.graph.constant(x, dtype)
