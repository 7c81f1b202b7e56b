"""A graph of tensor operations that is built by arithmetic on its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

DType: TypeAlias = "np.dtype[Any]"

FLOAT, INTEGER, BOOLEAN = np.dtype(np.float64), np.dtype(np.int64), np.dtype(np.bool_)
TEXT = np.dtype(object)
"""The dtype of strings: ONNX Runtime accepts them from NumPy as objects."""


@dataclass(frozen=True)
class Node:
    """One operation: its kind, the names of its inputs and outputs, its operator domain and its attributes."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    domain: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Output:
    """The dtype of an output, and its number of columns: () for a vector."""

    dtype: DType
    columns: tuple[int, ...]


@dataclass(eq=False)
class Graph:
    """The operations in the order in which they run, and their constants; equal ones are stored once."""

    inputs: dict[str, DType] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    _results: dict[tuple[str, tuple[str, ...], str, str], tuple[str, ...]] = field(default_factory=dict)
    _names: dict[tuple[str, tuple[int, ...], bytes], str] = field(default_factory=dict)

    def input(self, name: str, dtype: DType) -> Value:
        """Add an input and return it: a column [n, 1]."""
        self.inputs[name] = dtype
        return Value(self, name, dtype)

    def output(self, name: str, value: Value, *columns: int) -> None:
        """Add an output of this name: a vector [n], or a matrix if its number of columns is given."""
        self.nodes.append(Node("Identity", (value.name,), (name,), "", {}))
        self.outputs[name] = Output(value.dtype, columns)

    def constant(self, array: Any, dtype: DType) -> Value:
        """Add a constant of any shape and return it; equal constants are stored once."""
        array = np.ascontiguousarray(np.asarray(array, dtype)).reshape(np.shape(array))
        key = str(dtype), array.shape, array.tobytes()
        if key not in self._names:
            name = f"oddrow.constant.{len(self.constants)}"
            self._names[key] = name
            self.constants[name] = array
        return Value(self, self._names[key], dtype)

    def needed(self) -> tuple[list[Node], dict[str, npt.NDArray[Any]]]:
        """Return the nodes and constants on which the outputs depend."""
        wanted = set(self.outputs)
        nodes = []
        for node in reversed(self.nodes):
            if wanted.intersection(node.outputs):
                nodes.append(node)
                wanted.update(node.inputs)
        return nodes[::-1], {name: array for name, array in self.constants.items() if name in wanted}

    def apply(self, kind: str, *operands: Value, dtype: DType, domain: str = "", **attributes: Any) -> Value:
        """Add an operation and return its only result."""
        return self.apply_all(kind, *operands, dtypes=(dtype,), domain=domain, **attributes)[0]

    def apply_all(
        self, kind: str, *operands: Value, dtypes: tuple[DType, ...], domain: str = "", **attributes: Any
    ) -> tuple[Value, ...]:
        """Add an operation and return all its results."""
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
    """A tensor of a graph. Arithmetic on it adds nodes; constants are converted to its dtype, and dtypes never mix."""

    graph: Graph
    name: str
    dtype: DType

    __array_ufunc__ = None  # NumPy leaves ``array * value`` to ``Value.__rmul__``

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
        """Return where the two are equal, elementwise."""
        return self._with("Equal", other, BOOLEAN)

    def __matmul__(self, matrix: Any) -> Value:
        return self._with("MatMul", matrix)

    @property
    def T(self) -> Value:  # noqa: N802 - the name in NumPy
        """The transposed matrix."""
        return self.graph.apply("Transpose", self, dtype=self.dtype, perm=[1, 0])

    def __getitem__(self, key: tuple[Any, ...]) -> Value:
        """Return ``[:, a:b]``, ``[:, places]``, ``[:, :, 0]`` or ``[:, None]`` (a new axis): the last entry selects."""
        axis, wanted = len(key) - 1, key[-1]
        if any(entry != slice(None) for entry in key[:-1]):
            raise NotImplementedError(
                f"only the last entry of an index may select; the others must be ':', but the index is {key}"
            )
        if wanted is None:
            return self.graph.apply("Unsqueeze", self, self._integers([axis]), dtype=self.dtype)
        if isinstance(wanted, slice):
            start, stop = wanted.start or 0, np.iinfo(np.int64).max if wanted.stop is None else wanted.stop
            bounds = (self._integers([each]) for each in (start, stop, axis))
            return self.graph.apply("Slice", self, *bounds, dtype=self.dtype)
        return self.graph.apply("Gather", self, self._integers(wanted), dtype=self.dtype, axis=axis)

    @property
    def shape(self) -> tuple[Value]:
        """The number of rows, int64 [1], known when the graph runs; no other dimension is returned."""
        shape = self.graph.apply("Shape", self, dtype=INTEGER)
        return (self.graph.apply("Slice", shape, *(self._integers([each]) for each in (0, 1)), dtype=INTEGER),)

    def astype(self, dtype: Any) -> Value:
        """Return the value in another dtype."""
        dtype = np.dtype(dtype)
        return self if dtype == self.dtype else self.graph.apply("Cast", self, dtype=dtype, to=dtype)

    def sum(self, axis: int, keepdims: bool = False) -> Value:
        """Return the sum along an axis."""
        return self.graph.apply("ReduceSum", self, self._integers([axis]), dtype=self.dtype, keepdims=int(keepdims))

    def max(self, axis: int, keepdims: bool = False) -> Value:
        """Return the maximum along an axis."""
        return self.graph.apply("ReduceMax", self, self._integers([axis]), dtype=self.dtype, keepdims=int(keepdims))

    def min(self, axis: int) -> Value:
        """Return the minimum along an axis."""
        return self.graph.apply("ReduceMin", self, self._integers([axis]), dtype=self.dtype, keepdims=0)

    def mean(self, axis: int) -> Value:
        """Return the mean along an axis."""
        return self.graph.apply("ReduceMean", self, self._integers([axis]), dtype=self.dtype, keepdims=0)

    def taken_from(self, table: Any, dtype: DType = FLOAT) -> Value:
        """Return the rows of a table, or the elements of a vector, at these indices."""
        table = table if isinstance(table, Value) else self.graph.constant(table, dtype)
        return self.graph.apply("Gather", table, self, dtype=table.dtype, axis=0)

    def _integers(self, values: Any) -> Value:
        return self.graph.constant(values, INTEGER)

    def _like(self, other: Any) -> Value:
        """Return a value unchanged, and a number or an array as a constant of this dtype."""
        if isinstance(other, Value):
            return other
        constant = self.graph.constant(other, self.dtype)
        if self.dtype == FLOAT and np.size(other) == 1 and _rounds_to_neutral(float(np.asarray(other).reshape(()))):
            shape = self.graph.apply("Shape", self, dtype=INTEGER)
            return self.graph.apply("Expand", constant, shape, dtype=FLOAT)
        return constant

    def _with(self, kind: str, other: Any, dtype: DType | None = None) -> Value:
        operand = self._like(other)
        if operand.dtype != self.dtype:
            raise TypeError(f"{kind} of {self.dtype} and {operand.dtype}: convert one of them to the other's dtype")
        return self.graph.apply(kind, self, operand, dtype=dtype or self.dtype)


def _rounds_to_neutral(number: float) -> bool:
    """Return whether ONNX Runtime would mistake a number for 0 or 1 and drop the addition or multiplication by it.

    Its optimiser NoopElimination compares a constant of one element in single precision. It does not touch a constant
    that is expanded to the shape of the other operand, which is known only at run time.
    """
    with np.errstate(over="ignore", under="ignore"):
        return number not in (0.0, 1.0) and float(np.float32(number)) in (0.0, 1.0)
