"""A graph of tensor operations, written as arithmetic on its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

DType: TypeAlias = "np.dtype[Any]"

FLOAT, INTEGER, BOOLEAN = np.dtype(np.float64), np.dtype(np.int64), np.dtype(np.bool_)
TEXT = np.dtype(object)
"""Of strings, as ONNX Runtime takes them from NumPy."""


@dataclass(frozen=True)
class Node:
    """One operation: the names of what goes in and what comes out."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    domain: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Output:
    """The type of what is given out, and how many columns it has, if it has any."""

    dtype: DType
    columns: tuple[int, ...]


@dataclass(eq=False)
class Graph:
    """Operations in the order in which they run, and the constants that they read; what is
    the same is there once.

    """

    inputs: dict[str, DType] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    _results: dict[tuple[str, tuple[str, ...], str, str], tuple[str, ...]] = field(default_factory=dict)
    _names: dict[tuple[str, tuple[int, ...], bytes], str] = field(default_factory=dict)

    def input(self, name: str, dtype: DType) -> Value:
        """A column [n, 1]."""
        self.inputs[name] = dtype
        return Value(self, name, dtype)

    def output(self, name: str, value: Value, *columns: int) -> None:
        """Give a value [n] out under this name, or with so many columns a matrix."""
        self.nodes.append(Node("Identity", (value.name,), (name,), "", {}))
        self.outputs[name] = Output(value.dtype, columns)

    def constant(self, array: Any, dtype: DType) -> Value:
        """A constant of any shape."""
        array = np.ascontiguousarray(np.asarray(array, dtype)).reshape(np.shape(array))
        key = str(dtype), array.shape, array.tobytes()
        if key not in self._names:
            name = f"oddrow.constant.{len(self.constants)}"
            self._names[key] = name
            self.constants[name] = array
        return Value(self, self._names[key], dtype)

    def needed(self) -> tuple[list[Node], dict[str, npt.NDArray[Any]]]:
        """The nodes and constants that the outputs hang on."""
        wanted = set(self.outputs)
        nodes = []
        for node in reversed(self.nodes):
            if wanted.intersection(node.outputs):
                nodes.append(node)
                wanted.update(node.inputs)
        return nodes[::-1], {name: array for name, array in self.constants.items() if name in wanted}

    def apply(self, kind: str, *operands: Value, dtype: DType, domain: str = "", **attributes: Any) -> Value:
        """The only result of an operation."""
        return self.apply_all(kind, *operands, dtypes=(dtype,), domain=domain, **attributes)[0]

    def apply_all(
        self, kind: str, *operands: Value, dtypes: tuple[DType, ...], domain: str = "", **attributes: Any
    ) -> tuple[Value, ...]:
        """All results of an operation."""
        names = tuple(operand.name for operand in operands)
        key = kind, names, domain, repr(attributes)
        if key not in self._results:
            outputs = tuple(f"oddrow.{len(self.nodes)}.{index}" for index in range(len(dtypes)))
            self.nodes.append(Node(kind, names, outputs, domain, attributes))
            self._results[key] = outputs
        outputs = self._results[key]
        return tuple(Value(self, name, dtype) for name, dtype in zip(outputs, dtypes, strict=True))


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor of a graph; arithmetic on it adds nodes. Constants take its type, and types are never mixed."""

    graph: Graph
    name: str
    dtype: DType

    __array_ufunc__ = None  # NumPy leaves ``array * value`` to the value

    def __add__(self, other: Any) -> Value:
        return self._with("Add", other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Value:
        return self._with("Sub", other)

    def __rsub__(self, other: Any) -> Value:
        return self._like(other)._with("Sub", self)

    def __mul__(self, other: Any) -> Value:
        return self._with("Mul", other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Value:
        return self._with("Div", other)

    def __neg__(self) -> Value:
        return self.graph.apply("Neg", self, dtype=self.dtype)

    def __and__(self, other: Any) -> Value:
        return self._with("And", other)

    def __or__(self, other: Any) -> Value:
        return self._with("Or", other)

    def __invert__(self) -> Value:
        return self.graph.apply("Not", self, dtype=BOOLEAN)

    def __lt__(self, other: Any) -> Value:
        return self._with("Less", other, BOOLEAN)

    def __le__(self, other: Any) -> Value:
        return self._with("LessOrEqual", other, BOOLEAN)

    def __gt__(self, other: Any) -> Value:
        return self._with("Greater", other, BOOLEAN)

    def __ge__(self, other: Any) -> Value:
        return self._with("GreaterOrEqual", other, BOOLEAN)

    def equals(self, other: Any) -> Value:
        """Where the two are equal."""
        return self._with("Equal", other, BOOLEAN)

    def __matmul__(self, matrix: Any) -> Value:
        return self._with("MatMul", matrix)

    @property
    def T(self) -> Value:  # noqa: N802 - as NumPy calls it
        """A matrix transposed."""
        return self.graph.apply("Transpose", self, dtype=self.dtype, perm=[1, 0])

    def __getitem__(self, key: tuple[Any, ...]) -> Value:
        """``[:, a:b]``, ``[:, places]``, ``[:, :, 0]``, and ``[:, None]`` for a new axis: the last of a key acts."""
        axis, wanted = len(key) - 1, key[-1]
        if any(part != slice(None) for part in key[:-1]):
            raise NotImplementedError(f"only the last axis of a key may choose, not {key}")
        if wanted is None:
            return self.graph.apply("Unsqueeze", self, self._integers([axis]), dtype=self.dtype)
        if isinstance(wanted, slice):
            start, stop = wanted.start or 0, np.iinfo(np.int64).max if wanted.stop is None else wanted.stop
            bounds = (self._integers([each]) for each in (start, stop, axis))
            return self.graph.apply("Slice", self, *bounds, dtype=self.dtype)
        return self.graph.apply("Gather", self, self._integers(wanted), dtype=self.dtype, axis=axis)

    @property
    def shape(self) -> tuple[Value]:
        """The number of rows, int64 [1]; what else the shape holds is not known before the graph runs."""
        shape = self.graph.apply("Shape", self, dtype=INTEGER)
        return (self.graph.apply("Slice", shape, *(self._integers([each]) for each in (0, 1)), dtype=INTEGER),)

    def astype(self, dtype: Any) -> Value:
        """In another type."""
        dtype = np.dtype(dtype)
        return self if dtype == self.dtype else self.graph.apply("Cast", self, dtype=dtype, to=dtype)

    def sum(self, axis: int, keepdims: bool = False) -> Value:
        """The sum along an axis."""
        return self.graph.apply("ReduceSum", self, self._integers([axis]), dtype=self.dtype, keepdims=int(keepdims))

    def max(self, axis: int, keepdims: bool = False) -> Value:
        """The largest along an axis."""
        return self.graph.apply("ReduceMax", self, self._integers([axis]), dtype=self.dtype, keepdims=int(keepdims))

    def min(self, axis: int) -> Value:
        """The smallest along an axis."""
        return self.graph.apply("ReduceMin", self, self._integers([axis]), dtype=self.dtype, keepdims=0)

    def mean(self, axis: int) -> Value:
        """The mean along an axis."""
        return self.graph.apply("ReduceMean", self, self._integers([axis]), dtype=self.dtype, keepdims=0)

    def taken_from(self, table: Any, dtype: DType = FLOAT) -> Value:
        """Rows (of a vector: numbers) of a table, at these places."""
        table = table if isinstance(table, Value) else self.graph.constant(table, dtype)
        return self.graph.apply("Gather", table, self, dtype=table.dtype, axis=0)

    def _integers(self, values: Any) -> Value:
        return self.graph.constant(values, INTEGER)

    def _like(self, other: Any) -> Value:
        """A value as it is, a number or array as a constant of this type."""
        if isinstance(other, Value):
            return other
        constant = self.graph.constant(other, self.dtype)
        if self.dtype == FLOAT and np.size(other) == 1 and _seems_neutral(float(np.asarray(other).reshape(()))):
            shape = self.graph.apply("Shape", self, dtype=INTEGER)
            return self.graph.apply("Expand", constant, shape, dtype=FLOAT)
        return constant

    def _with(self, kind: str, other: Any, dtype: DType | None = None) -> Value:
        operand = self._like(other)
        if operand.dtype != self.dtype:
            raise TypeError(f"{kind} of {self.dtype} and {operand.dtype}: convert one of them")
        return self.graph.apply(kind, self, operand, dtype=dtype or self.dtype)


def _seems_neutral(number: float) -> bool:
    """Whether ONNX Runtime would take a single number for 0 or 1, and drop what adds or multiplies by it.

    Its NoopElimination looks at a constant of one element in single precision. What is expanded to the shape of the
    other operand, which is known only at run time, it leaves alone.
    """
    with np.errstate(over="ignore", under="ignore"):
        return number not in (0.0, 1.0) and float(np.float32(number)) in (0.0, 1.0)
