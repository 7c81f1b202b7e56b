"""What a model must keep to so that every row's score is finite, however the numbers in its file came about.

Each check is a bound that a fit keeps by far and that makes overflow impossible further on; no row is scored for it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from oddrow.calibration import Calibration, TailCurve
from oddrow.columns import TableEncoding
from oddrow.container import MOST_NUMBER
from oddrow.density import FeatureRange, FittedNetwork, NetworkShape
from oddrow.exceptions import ModelFileError
from oddrow.views import Views

MOST_COLUMNS = 10_000
MOST_FEATURES = 100_000
MOST_WIDTH = 65_536
"""Of a hidden layer or the latent: 256 rows of it are held while scoring."""
MOST_LAYERS = 16
MOST_LOG_VARIANCE = 40.0
MOST_NATS = 1e6
"""Of a value beside another's: what never was in n rows has about ln n."""
MOST_INPUT = 1e10
"""Magnitude of an encoded feature: outside its training range it grows as a logarithm, see :class:`TableEncoding`."""
MOST_OUTPUT = 1e30
"""Magnitude of what the network gives: it is kept in single precision, and its square in double."""
MOST_WHITENING = 1e8
"""Magnitude that whitening adds to what the encoder gives: both together stay within single precision."""
FURTHEST_SCORE = 1e150
"""No view of a row is further out, given the bounds above."""


def check_encoding_size(encoding: TableEncoding) -> None:
    """Refuse a table wider than a model file holds, before anything is made of its width."""
    n_columns, n_features = len(encoding.schema.columns), sum(column.n_features for column in encoding.columns)
    if n_columns > MOST_COLUMNS or n_features > MOST_FEATURES:
        raise ModelFileError(
            f"{n_columns:,} columns and {n_features:,} features; a model file holds at most {MOST_COLUMNS:,} "
            f"and {MOST_FEATURES:,}"
        )


def check_shape(shape: NetworkShape) -> None:
    """Refuse widths that no network has, before they are multiplied."""
    widths = (*shape.hidden, shape.n_latent)
    if len(shape.hidden) > MOST_LAYERS or not all(1 <= width <= MOST_WIDTH for width in widths):
        raise ModelFileError(
            f"a network of {len(shape.hidden):,} hidden layers, up to {max(widths):,} wide; "
            f"a model file holds at most {MOST_LAYERS} and {MOST_WIDTH:,}"
        )
    if not 0 <= shape.log_variance_bound <= MOST_LOG_VARIANCE:
        raise ModelFileError(f"the bound of the latent log-variance is not from 0 to {MOST_LOG_VARIANCE:g}")


def check_network(network: FittedNetwork, feature_range: FeatureRange) -> None:
    """Refuse weights with which some row could overflow: no output is above the product of the layers' norms."""
    ends = np.abs(np.concatenate([feature_range.low, feature_range.high])).astype(np.float64)
    largest = float(np.max(ends, initial=0.0, where=np.isfinite(ends)))
    if not np.isfinite(ends).all():  # the article's: what is not clipped is as far out as its encoding lets it
        largest = max(largest, MOST_INPUT)
    for name in network.shape.layers:
        weight, bias = network.parameters[f"{name}_weight"], network.parameters[f"{name}_bias"]
        norm = float(np.abs(weight).sum(axis=0, dtype=np.float64).max(initial=0.0))
        largest = norm * largest + float(np.abs(bias).max(initial=0.0))
        if not largest <= MOST_OUTPUT:
            raise ModelFileError(f"the weights up to {name!r} are so large that a row could overflow")


def check_range(feature_range: FeatureRange) -> None:
    """Refuse a range that is none: clipping to it would make something else of a row, or nothing."""
    low, high = feature_range.low, feature_range.high
    if not (np.all(low <= high) and np.all(low < np.inf) and np.all(high > -np.inf)):
        raise ModelFileError("the range of a feature has its low end above its high end")


def check_views(views: Views) -> None:
    """Refuse spaces and memories in which a distance could overflow, or that hold nothing."""
    if len(views.memory) == 0:
        raise ModelFileError("'memory' remembers no row")
    if not np.abs(views.memory).max(initial=0.0) <= MOST_INPUT:
        raise ModelFileError(f"'memory' has values beyond {MOST_INPUT:g}")
    for name, reach in {"reach": views.reach, "rank_reach": views.rank_reach}.items():
        if not min(reach.mean.min(), reach.furthest.min()) >= 0:
            raise ModelFileError(f"{name!r} has values below zero")
    if not np.abs(views.whitening).sum(axis=0).max() <= MOST_WHITENING:
        raise ModelFileError(f"'whitening' is larger than {MOST_WHITENING:g}")
    if not np.abs(views.latent_memory.rows).max() <= MOST_OUTPUT * MOST_WHITENING:
        raise ModelFileError(f"'latent_memory' has values beyond {MOST_OUTPUT * MOST_WHITENING:g}")
    furthest = np.array([-MOST_INPUT, MOST_INPUT])
    curves = {"standard": views.standard.curves, "ranks": views.ranks.curves, "marginal": views.marginals.curves}
    for name, several in curves.items():
        for curve in several:
            with np.errstate(all="ignore"):
                values = np.concatenate([curve.going_on(furthest), curve.values])
            if not np.abs(values).max() <= MOST_OUTPUT:
                raise ModelFileError(f"a curve of {name!r} is not finite for every value")


def check_curve(name: str, curve: TailCurve | Calibration) -> None:
    """Refuse a curve that does not stay finite and above zero as far out as any score can be."""
    score_to_nats = curve.surprise if isinstance(curve, Calibration) else curve
    furthest = np.array([-MOST_INPUT, FURTHEST_SCORE])
    with np.errstate(all="ignore"):
        nats: npt.NDArray[np.float64] = score_to_nats(furthest)
    if not (nats[0] > 1e-250 and nats[1] < MOST_NUMBER):  # curves never fall; NaN fails too
        raise ModelFileError(f"the curve {name!r} is not finite and positive for every score")
