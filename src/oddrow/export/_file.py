"""Convert a graph to the bytes of an ONNX file."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from oddrow.exceptions import MissingExtraError
from oddrow.graph import TEXT, DType, Graph

OPSET, ML_OPSET, IR_VERSION = 18, 3, 8
"""Versions of the operators, of ``ai.onnx.ml`` and of the file, readable from ONNX Runtime 1.14 (February 2023) on."""


def onnx_bytes(graph: Graph, described: Mapping[str, str]) -> bytes:
    """Return the bytes of a file after a check by ONNX's own checker; ``described`` becomes its metadata.

    Raises
    ------
    MissingExtraError
        If ``onnx`` is not installed.
    """
    onnx = _onnx()
    helper = onnx.helper
    operations, arrays = graph.needed()
    nodes = [
        helper.make_node(
            node.kind,
            node.inputs,
            node.outputs,
            domain=node.domain,
            **{name: _attribute(onnx, value) for name, value in node.attributes.items()},
        )
        for node in operations
    ]
    inputs = [helper.make_tensor_value_info(name, _type(onnx, dtype), ["n", 1]) for name, dtype in graph.inputs.items()]
    outputs = [
        helper.make_tensor_value_info(name, _type(onnx, output.dtype), ["n", *output.columns])
        for name, output in graph.outputs.items()
    ]
    constants = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "oddrow", inputs, outputs, constants),
        producer_name="oddrow",
        producer_version=version("oddrow"),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
        ir_version=IR_VERSION,
    )
    helper.set_model_props(model, dict(described))
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError(
            "Exporting to ONNX needs onnx, which cannot be imported; run: pip install 'oddrow[onnx]'"
        ) from error
    return onnx


def _type(onnx: Any, dtype: DType) -> int:
    """Return ONNX's number of a type."""
    return int(onnx.TensorProto.STRING if dtype == TEXT else onnx.helper.np_dtype_to_tensor_dtype(dtype))


def _attribute(onnx: Any, value: Any) -> Any:
    return _type(onnx, value) if isinstance(value, np.dtype) else value
