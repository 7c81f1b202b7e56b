"""Export a fitted detector to another runtime, as an ONNX graph from raw columns to surprise, p-value and decision."""

from oddrow.export._file import IR_VERSION, ML_OPSET, OPSET
from oddrow.export._onnx import export_onnx

__all__ = ["IR_VERSION", "ML_OPSET", "OPSET", "export_onnx"]
