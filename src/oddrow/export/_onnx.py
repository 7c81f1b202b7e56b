"""Export a fitted detector as an ONNX file."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from oddrow.artifact import dumps
from oddrow.calibration import Calibration, tail_nats
from oddrow.columns import EncodedValues, check_exportable, encoded_values
from oddrow.density import read_values
from oddrow.detector import AutoencoderDetector, VAEDetector
from oddrow.exceptions import OutputError, SettingError
from oddrow.export._file import onnx_bytes
from oddrow.files import atomic_write, check_target
from oddrow.fitted import FittedModel
from oddrow.graph import FLOAT, Graph, GraphNamespace, Value, borders_reached
from oddrow.remedies import Setting, remedy
from oddrow.surprise import EvidenceModel, IsolationEvidence, ReconstructionEvidence, Reweighting
from oddrow.views import GraphEvidence, GraphViews, graph_views, split_total_values

OUTPUTS, PARTS = ("surprise", "p_value", "is_odd"), ("column_part", "combination_part")
MAX_BYTES = 2**31 - 1
"""Maximum size of a message in Protobuf, and so of an ONNX file."""
TOLERANCE = 1e-9
"""Relative tolerance for equal raw scores and surprises: runtimes sum in different orders, and a duplicate of a
calibration row must have the p-value of that row."""


def export_onnx(
    detector: VAEDetector | AutoencoderDetector,
    path: str | Path,
    *,
    parts: bool = False,
    missing_text: str = "",
    force: bool = False,
) -> None:
    """Write a fitted detector as an ONNX graph from raw columns to surprise, p-value and decision, atomically.

    Each used column is an input with the name of the column and shape [n, 1]: float64 for numbers, booleans (0 or 1)
    and timestamps (seconds since 1970-01-01 UTC), with NaN for missing values; strings for names and constants, with
    ``missing_text`` for missing values. The outputs are ``surprise`` float64 [n] in nats, ``p_value`` float64 [n] and
    ``is_odd`` bool [n], by the detector's policy; with ``parts`` also ``column_part`` float64 [n, n_columns], in the
    order of the inputs, and ``combination_part`` float64 [n], which add up to the surprise. For a row
    with an infinite number, which oddrow itself refuses, all outputs of numbers are NaN and ``is_odd`` is true.

    Raises
    ------
    SettingError
        If the detector is not fitted or cannot be exported: it has a column of text, a column whose values include
        ``missing_text``, or a policy that needs all rows of a batch. The message names it and what to do.
    OutputError
        If the file exists and ``force`` is not set, or cannot be written, or would be larger than 2 GiB.
    MissingExtraError
        If ``onnx`` is not installed.

    Examples
    --------
    >>> import tempfile, numpy as np, oddrow
    >>> rows = np.random.default_rng(0).normal(size=(100, 2))
    >>> detector = oddrow.VAEDetector(random_state=0).fit(rows)
    >>> path = tempfile.mkdtemp() + "/model.onnx"
    >>> oddrow.export_onnx(detector, path)
    >>> import onnx
    >>> [value.name for value in onnx.load(path).graph.input]
    ['x0', 'x1']
    """
    if not hasattr(detector, "model_"):
        raise SettingError(f"this {type(detector).__name__} is not fitted; call fit before export_onnx")
    check_target(path, force)
    graph = scoring_graph(detector.model_, missing_text, parts)
    size = sum(array.nbytes for array in graph.needed()[1].values())
    content = None if size > MAX_BYTES else onnx_bytes(graph, _described(detector, missing_text))
    if content is None or len(content) > MAX_BYTES:
        raise OutputError(f"{path}: the graph is larger than 2 GiB, the limit of an ONNX file; nothing was written")
    with atomic_write(path, force) as stream:
        stream.write(content)


def scoring_graph(model: FittedModel, missing_text: str = "", parts: bool = False) -> Graph:
    """Return the operations from raw columns to surprise, p-value and decision.

    Raises
    ------
    SettingError
        As :func:`export_onnx`.
    """
    threshold = model.threshold
    needs = model.policy.needs
    if model.feedback is not None and model.feedback.in_force:
        raise SettingError(
            "the model has mute rules, and a graph cannot find the leading reason of a row, by which they hide alerts; "
            "export the model without them: detector.without_rules() in Python, oddrow feedback on the command line"
        )
    if threshold is None or needs.all_rows or needs.day is not None:
        raise SettingError(
            f"the policy {model.policy.kind!r} decides on all rows of a batch together; a graph scores each row "
            "by itself",
            remedy=remedy("choose a policy for single rows first, with ", Setting("policy")),
        )
    check_exportable(model.encoding, OUTPUTS + PARTS)
    graph = Graph()
    xp = GraphNamespace(graph)
    encoded = encoded_values(graph, model.encoding, missing_text)
    evidence = _evidence(xp, model.surprise_model.evidence_model, encoded)
    surprise, p_value = _calibrated(xp, model.calibration, evidence.raw)
    column_part, combination_part = split_total_values(xp, surprise, evidence.column, evidence.combination)
    numbers = {"surprise": surprise[:, 0], "p_value": p_value[:, 0]}
    if parts:
        numbers |= {"column_part": column_part, "combination_part": combination_part[:, 0]}
    for name, value in numbers.items():
        columns = (len(model.encoding.columns),) if name == "column_part" else ()
        if encoded.is_refused is not None:
            value = xp.where(encoded.is_refused if columns else encoded.is_refused[:, 0], np.nan, value)
        graph.output(name, value, *columns)
    is_normal = surprise[:, 0] <= threshold + TOLERANCE * abs(threshold)
    graph.output("is_odd", ~is_normal if encoded.is_refused is None else ~is_normal | encoded.is_refused[:, 0])
    return graph


def _evidence(xp: GraphNamespace, model: EvidenceModel, encoded: EncodedValues) -> GraphEvidence:
    if isinstance(model, ReconstructionEvidence):
        outputs = read_values(xp, model.density, encoded.rows).outputs
        likelihood = model.density.likelihood
        squares: Value = likelihood.parts(xp, outputs, encoded.rows, encoded.presence)
        error = (xp.sqrt(squares) @ likelihood.to_column) / max(likelihood.layout.n_features, 1)
        raw = error.sum(axis=1, keepdims=True)
        return GraphEvidence(raw, error, xp.zeros_like(raw))
    if isinstance(model, IsolationEvidence):
        raise SettingError(
            "the evidence of isolation scores only its own table; export a detector that was fitted by fit"
        )
    views = graph_views(xp, model.views, model.scales, encoded.rows, encoded.presence, encoded.novelty)
    plain = views.combined(xp, model.scales.weights)
    learned = model.reweighting
    if learned is None or learned.is_neutral:
        return plain
    return _reweighted(xp, views, plain, model.scales.weights, learned)


def _reweighted(
    xp: GraphNamespace, views: GraphViews, plain: GraphEvidence, weights: npt.NDArray[np.float64], learned: Reweighting
) -> GraphEvidence:
    """Return the evidence with learned weights, as :meth:`Reweighting.evidence` does."""
    own = views.combined(xp, weights * learned.views)
    by_column, by_none = learned.columns[:-1], float(learned.columns[-1])
    scaled = (plain.column * by_column).sum(axis=1, keepdims=True) + plain.combination * by_none
    whole = plain.column.sum(axis=1, keepdims=True) + plain.combination
    raw = own.raw * xp.where(whole > 0.0, scaled / xp.where(whole > 0.0, whole, 1.0), 0.0)
    return GraphEvidence(raw, *split_total_values(xp, raw, own.column * by_column, own.combination * by_none))


def _calibrated(xp: GraphNamespace, calibration: Calibration, raw: Value) -> tuple[Value, Value]:
    """Return surprise and p-value of raw scores, each [n, 1]."""
    curve = [calibration.curve]
    if calibration.has_tail:
        surprise = tail_nats(xp, raw, curve)
    else:
        last = float(calibration.scores[-1])
        nats = tail_nats(xp, xp.minimum(raw, last), curve)
        spreads = xp.maximum(raw - last, 0.0) / calibration.tail.scale
        rise = (calibration.most_supported - nats) * (spreads / (spreads + 1.0))
        surprise = nats + rise + xp.log1p(xp.log1p(spreads))
    below = borders_reached(xp, raw - xp.abs(raw) * TOLERANCE, [calibration.scores]).astype(FLOAT)
    return surprise, (1.0 + calibration.n_rows - below) / (calibration.n_rows + 1.0)


def _described(detector: VAEDetector | AutoencoderDetector, missing_text: str) -> dict[str, str]:
    """Return the metadata of the file: versions, the model and its decisions."""
    model = detector.model_
    return {
        "oddrow.version": version("oddrow"),
        "oddrow.model_sha256": hashlib.sha256(dumps(detector)).hexdigest(),
        "oddrow.kinds": json.dumps({column.name: column.kind for column in model.encoding.schema.used}),
        "oddrow.missing_text": missing_text,
        "oddrow.threshold": repr(model.threshold),
        "oddrow.promise": str(model.policy.promise(model.calibration)),
    }
