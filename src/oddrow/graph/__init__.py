"""Graphs of tensor operations: the scoring code, written once for NumPy, builds the operations of an ONNX file."""

from oddrow.graph._curves import borders_reached, extrapolated, interpolated
from oddrow.graph._graph import BOOLEAN, FLOAT, INTEGER, TEXT, DType, Graph, Value
from oddrow.graph._namespace import GraphNamespace

__all__ = [
    "BOOLEAN",
    "FLOAT",
    "INTEGER",
    "TEXT",
    "DType",
    "Graph",
    "GraphNamespace",
    "Value",
    "borders_reached",
    "extrapolated",
    "interpolated",
]
