"""Run a detector's exported graph in ONNX Runtime."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pyarrow as pa

from oddrow import AutoencoderDetector, VAEDetector, export_onnx
from oddrow.fitted import FittedModel
from oddrow.table import as_table

BATCH = 1_000
"""Rows that the graph scores at a time."""
Feeds = dict[str, npt.NDArray[Any]]


def feeds(model: FittedModel, table: pa.Table, missing_text: str = "") -> Feeds:
    """A table's columns as the graph takes them, each [n, 1]."""
    values = model.encoding.schema.values(as_table(table))
    texts = {
        name: np.array([missing_text if text is None else text for text in column.to_pylist()], object)
        for name, column in values.items()
        if not isinstance(column, np.ndarray)
    }
    return {name: texts.get(name, values[name]).reshape(-1, 1) for name in values}


def session(detector: VAEDetector | AutoencoderDetector, **settings: Any) -> onnxruntime.InferenceSession:
    """A detector's graph, loaded in ONNX Runtime on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export_onnx(detector, path, **settings)
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def outputs(graph: onnxruntime.InferenceSession, columns: Feeds) -> dict[str, npt.NDArray[Any]]:
    """All outputs of all rows, batch by batch."""
    names = [output.name for output in graph.get_outputs()]
    n_rows = len(next(iter(columns.values())))
    batches = [
        graph.run(None, {name: column[start : start + BATCH] for name, column in columns.items()})
        for start in range(0, n_rows, BATCH)
    ]
    return {name: np.concatenate(parts) for name, parts in zip(names, zip(*batches, strict=True), strict=True)}
