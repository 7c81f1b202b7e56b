"""Many curves at once are what NumPy makes of each by itself, bit for bit."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from oddrow.calibration import TailCurve, tail_nats
from oddrow.export._file import onnx_bytes
from oddrow.graph import FLOAT, Graph, GraphNamespace, borders_reached, extrapolated, interpolated
from oddrow.views import PiecewiseCurve

SIZES = (1, 2, 3, 7, 8, 9, 100, 256)
"""Of knots: on both sides of where one more halving is needed."""


def ran(function, rows):
    """What operations give for rows [n, k], of which each column is an input."""
    graph = Graph()
    xp = GraphNamespace(graph)
    columns = [graph.input(f"x{place}", FLOAT) for place in range(rows.shape[1])]
    graph.output("y", function(xp, xp.concatenate(columns, axis=1)), rows.shape[1])
    session = onnxruntime.InferenceSession(onnx_bytes(graph, {}), providers=["CPUExecutionProvider"])
    return session.run(None, {f"x{place}": rows[:, [place]] for place in range(rows.shape[1])})[0]


def curve(size, rng):
    return PiecewiseCurve(np.cumsum(rng.exponential(size=size)), np.cumsum(rng.exponential(size=size)))


@pytest.fixture
def curves():
    rng = np.random.default_rng(0)
    return [curve(size, rng) for size in SIZES]


@pytest.fixture
def rows(curves):
    """On the knots, between them, and beyond on either side."""
    rng = np.random.default_rng(1)
    columns = [np.concatenate([rng.choice(each.knots, 50), rng.normal(0, 2 * each.knots[-1], 50)]) for each in curves]
    return np.column_stack([*columns])


def test_a_graph_counts_the_knots_below_a_value_as_numpy_does(curves, rows):
    found = ran(lambda xp, x: borders_reached(xp, x, [each.knots for each in curves]).astype(FLOAT), rows)
    wanted = [np.searchsorted(each.knots, x, side="right") for each, x in zip(curves, rows.T, strict=True)]
    np.testing.assert_array_equal(found, np.column_stack(wanted))


def test_a_graph_interpolates_between_the_knots_as_numpy_does(curves, rows):
    knots, values = [each.knots for each in curves], [each.values for each in curves]
    found = ran(lambda xp, x: interpolated(xp, x, knots, values), rows)
    np.testing.assert_array_equal(found, np.column_stack([each(x) for each, x in zip(curves, rows.T, strict=True)]))


def test_a_graph_extrapolates_beyond_the_knots_as_numpy_does(curves, rows):
    found = ran(
        lambda xp, x: extrapolated(xp, x, [each.knots for each in curves], [each.values for each in curves]), rows
    )
    wanted = [each.going_on(x) for each, x in zip(curves, rows.T, strict=True)]
    np.testing.assert_array_equal(found, np.column_stack(wanted))


def test_a_graph_computes_the_nats_of_tails_as_numpy_does(curves, rows):
    tails = [TailCurve(each.knots, each.values, 0.5, 0.3) for each in curves]
    found = ran(lambda xp, x: tail_nats(xp, x, tails), rows)
    wanted = [tail(x) for tail, x in zip(tails, rows.T, strict=True)]
    np.testing.assert_allclose(found, np.column_stack(wanted), rtol=1e-13)


@pytest.mark.parametrize("name", ["log1p", "expm1", "arcsinh"])
def test_log1p_expm1_and_arcsinh_of_a_graph_are_exact_to_rounding(name):
    sizes = np.concatenate([[0.0], 10.0 ** np.arange(-300, 2.5, 0.5)])
    x = sizes[:, None] if name == "log1p" else np.concatenate([-sizes, sizes])[:, None]
    if name != "expm1":
        x = np.concatenate([x, [[1e20], [1e300]]])
    found = ran(lambda xp, value: getattr(xp, name)(value), x)
    np.testing.assert_allclose(found, getattr(np, name)(x), rtol=1e-14, atol=0)


def test_a_graph_computes_remainders_as_numpy_does():
    x = np.array([[-1e9 - 0.25], [-86_400.0], [-1.0], [0.0], [86_399.5], [86_400.0], [1e12 + 0.125]])
    np.testing.assert_array_equal(ran(lambda xp, value: xp.mod(value, 86_400.0), x), x % 86_400.0)
