"""``oddrow export``: from a model file to a graph, and what is said of what cannot be exported."""

from __future__ import annotations

from pathlib import Path

import onnx

import oddrow


def test_export_writes_an_onnx_graph(run, model_file: Path, tmp_path: Path) -> None:
    graph = tmp_path / "model.onnx"
    exported = run("export", model_file, "-o", graph)
    assert (exported.code, exported.out) == (0, "")
    names = oddrow.load(model_file).model_.encoding.names
    assert f"wrote {graph}: ONNX opset 18, {len(names)} columns in" in exported.err
    model = onnx.load(graph)
    assert tuple(value.name for value in model.graph.input) == names
    assert [value.name for value in model.graph.output] == ["surprise", "p_value", "is_odd"]
    again = run("export", model_file, "-o", graph, "--parts")
    assert again.code == 1 and "exists already" in again.err
    assert run("export", model_file, "-o", graph, "--parts", "--force").code == 0
    assert "column_part" in [value.name for value in onnx.load(graph).graph.output]


def test_a_model_that_cannot_be_exported_is_a_usage_error(run, model_file: Path, tmp_path: Path) -> None:
    refused = run("export", model_file, "-o", tmp_path / "model.onnx", "--missing-text", "tcp")
    assert refused.code == 2 and "'tcp' is one of its values" in refused.err
    assert not list(tmp_path.iterdir())
