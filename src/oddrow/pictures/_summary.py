"""The data behind the pictures: frozen values, axis limits and histograms. This module draws nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from oddrow.exceptions import SettingError

__all__ = [
    "LossCurve",
    "MapSummary",
    "MapWindow",
    "Panel",
    "SurpriseHistogram",
    "colour_ceiling",
    "curve_limits",
    "surprise_histogram",
]

MAX_CLASSES: Final = 10
"""Maximum number of classes in a panel: each has its own colour, and more than ten colours are hard to distinguish."""

BARS: Final = 60
"""Approximate number of bars of a histogram; their width is adjusted so that the threshold is an edge."""


class LossCurve(Protocol):
    """The losses of one fit in nats per row, lower is better; ``k`` is the number of checks."""

    @property
    def step(self) -> NDArray[Any]:
        """Int [k]: number of steps done at each check, ascending."""

    @property
    def training_loss(self) -> NDArray[Any]:
        """Float [k]: the loss of the training rows."""

    @property
    def held_out_loss(self) -> NDArray[Any]:
        """Float [k]: the loss of the rows kept out of training."""

    @property
    def reconstruction(self) -> NDArray[Any]:
        """Float [k]: the reconstruction part of the held-out loss."""

    @property
    def kl(self) -> NDArray[Any]:
        """Float [k]: the KL part of the held-out loss (divergence from the prior)."""

    @property
    def best_step(self) -> int:
        """The step whose weights were kept."""


@dataclass(frozen=True, eq=False, kw_only=True)
class MapSummary:
    """The data that :func:`oddrow.pictures.draw_maps` draws, for ``n`` rows in the table's order.

    Attributes
    ----------
    latent_map : float64 [n, 2], latent means projected onto their two leading principal axes
    surprise : float64 [n], in nats, higher is stranger
    is_odd : bool [n], the decisions
    threshold : surprise in nats above which a row is odd; it may be infinite (no row is odd)
    is_anomaly : bool [n], the true labels; None for a table without labels
    learning_curve : losses of the fit; None if there are none
    title : text above the pictures

    Raises
    ------
    SettingError
        If there is no row, if lengths or types disagree, or if a number to be drawn is not finite.

    Examples
    --------
    >>> summary = MapSummary(
    ...     latent_map=np.zeros((3, 2)), surprise=np.array([0.5, 1.0, 9.0]),
    ...     is_odd=np.array([False, False, True]), threshold=4.6, title="three rows",
    ... )
    >>> summary.is_anomaly is None
    True
    """

    latent_map: NDArray[np.float64]
    surprise: NDArray[np.float64]
    is_odd: NDArray[np.bool_]
    threshold: float
    is_anomaly: NDArray[np.bool_] | None = None
    learning_curve: LossCurve | None = None
    title: str = ""

    def __post_init__(self) -> None:
        _check_points("latent_map", self.latent_map)
        rows = len(self.latent_map)
        _check_length("surprise", self.surprise, rows)
        if not np.isfinite(self.surprise).all():
            raise SettingError("surprise contains a value that is not finite; give one finite number per row")
        if np.isnan(self.threshold):
            raise SettingError("threshold is nan; give a number of nats, or infinity for 'no row is odd'")
        for name, flags in (("is_odd", self.is_odd), ("is_anomaly", self.is_anomaly)):
            if flags is not None:
                _check_length(name, flags, rows)
                # Used as an index, integers 0 and 1 would select rows 0 and 1 without an error.
                if flags.dtype != np.bool_:
                    raise SettingError(f"{name} is of type {flags.dtype}; give booleans")
        if self.learning_curve is not None:
            _check_curve(self.learning_curve)


@dataclass(frozen=True, eq=False, kw_only=True)
class Panel:
    """One latent space among several, for :func:`oddrow.pictures.draw_panels`.

    Attributes
    ----------
    points : float [n, 2]
    labels : int [n], the class of each row, at most ten classes
    title : text above the panel
    caption : a sentence, printed below the panel and wrapped there

    Raises
    ------
    SettingError
        If shapes or types differ from these, or if there are more classes.
    """

    points: NDArray[np.floating[Any]]
    labels: NDArray[np.integer[Any]]
    title: str
    caption: str = ""

    def __post_init__(self) -> None:
        _check_points("points", self.points)
        _check_length("labels", self.labels, len(self.points))
        if not np.issubdtype(self.labels.dtype, np.integer):
            raise SettingError(f"labels are of type {self.labels.dtype}; give one integer per row")
        classes = len(np.unique(self.labels))
        if classes > MAX_CLASSES:
            raise SettingError(f"labels have {classes} classes; a panel shows at most {MAX_CLASSES}")


@dataclass(frozen=True, eq=False)
class MapWindow:
    """The region of the plane that a map shows: corners ``low`` and ``high``, float64 [2], ``low < high``."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def around(cls, points: NDArray[Any], bulk: NDArray[np.bool_] | None = None) -> "MapWindow":
        """Return a window around ``points`` [n, 2] in which the ``bulk`` (bool [n]; default: all) stays readable.

        The window extends beyond the bulk by at most the bulk's width on each side. So a far point cannot compress the
        others, and the bulk takes at least a third of each axis.
        """
        leading = points if bulk is None or not bulk.any() else points[bulk]
        sides = [_axis_window(points[:, axis], leading[:, axis]) for axis in (0, 1)]
        low, high = np.array(sides, dtype=np.float64).T
        return cls(low, high)

    def sides(self, points: NDArray[Any]) -> NDArray[np.str_]:
        """Return on which side of the window each of ``points`` [n, 2] lies.

        ``""`` means inside, ``"<"``, ``">"``, ``"v"`` and ``"^"`` mean left, right, below and above.
        """
        x, y = points[:, 0], points[:, 1]
        beyond = [x < self.low[0], x > self.high[0], y < self.low[1], y > self.high[1]]
        return np.select(beyond, ["<", ">", "v", "^"], default="")

    def clamp(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Return ``points`` [n, 2]; points outside are moved to just beyond the border, inside :meth:`limits`."""
        gap = 0.025 * (self.high - self.low)
        inside = (points >= self.low) & (points <= self.high)
        return np.where(inside, points, np.clip(points, self.low - gap, self.high + gap))

    def limits(self) -> NDArray[np.float64]:
        """Return the limits [2, 2] of the two axes, one per row: the window and a margin for the markers."""
        margin = 0.05 * (self.high - self.low)
        return np.stack([self.low - margin, self.high + margin], axis=1)


@dataclass(frozen=True, eq=False)
class SurpriseHistogram:
    """A histogram of the surprise for two groups of rows.

    Attributes
    ----------
    edges : float64 [b + 1], in nats
    normal, odd : int [b], number of rows in each bar, grouped by the label if there is one, else by the decision
    beyond : number of rows above the last edge, which the last bar counts too
    """

    edges: NDArray[np.float64]
    normal: NDArray[np.int64]
    odd: NDArray[np.int64]
    beyond: int


def colour_ceiling(summary: MapSummary) -> float:
    """Return the surprise in nats at which the colours end: the 99th percentile, but at most three thresholds.

    Without this limit a few extreme rows would take most of the colours, and all other rows would have the same one.
    If the highest surprise is at most 1.5 times as high, the colours end there instead.
    """
    lowest, highest = float(summary.surprise.min()), float(summary.surprise.max())
    ceiling = float(np.quantile(summary.surprise, 0.99))
    if 0 < summary.threshold < np.inf:
        # For every percentile, the colours cover both sides of the threshold.
        ceiling = float(np.clip(ceiling, 1.25 * summary.threshold, 3 * summary.threshold))
        highest = max(highest, 1.25 * summary.threshold)
    if highest <= 1.5 * ceiling:
        ceiling = highest
    return ceiling if ceiling > min(0.0, lowest) else ceiling + 1.0


def surprise_histogram(summary: MapSummary) -> SurpriseHistogram:
    """Return the histogram of the rows' surprise; the threshold is an edge of its bars where possible."""
    surprise = summary.surprise
    top = _histogram_top(surprise, summary.threshold)
    edges = _edges(min(0.0, float(surprise.min())), top, summary.threshold)
    is_odd = summary.is_odd if summary.is_anomaly is None else summary.is_anomaly
    capped = np.minimum(surprise, edges[-1])
    return SurpriseHistogram(
        edges=edges,
        normal=np.histogram(capped[~is_odd], edges)[0].astype(np.int64),
        odd=np.histogram(capped[is_odd], edges)[0].astype(np.int64),
        beyond=int((surprise > edges[-1]).sum()),
    )


def curve_limits(series: Sequence[NDArray[Any]]) -> tuple[float, float]:
    """Return the limits (low, high) of an axis that shows several curves, each float [k].

    The first losses of a fit may be a hundred times the last. The axis therefore ends above the 95th percentile, by at
    most half the range below it; higher values are cut off. Values that are not finite are ignored.
    """
    values = np.concatenate([np.asarray(one, dtype=np.float64) for one in series])
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    usual = float(np.quantile(values, 0.95, method="lower"))
    if usual > low:
        high = min(high, usual + 0.5 * (usual - low))
    margin = 0.05 * (high - low) or max(0.5, 0.05 * abs(high))
    return low - margin, high + margin


def _axis_window(values: NDArray[Any], leading: NDArray[Any]) -> tuple[float, float]:
    """Return the ends of one axis of the window: all ``values`` [n] that lie within the bulk's width of the bulk."""
    first, third = np.quantile(leading, [0.25, 0.75])
    # The quantiles leave out at least the outermost row on each side. Tukey's fences include it again if it is no
    # outlier, which matters for a table of few rows.
    low = min(np.quantile(leading, 0.005, method="higher"), first - 1.5 * (third - first))
    high = max(np.quantile(leading, 0.995, method="lower"), third + 1.5 * (third - first))
    low, high = max(low, leading.min()), min(high, leading.max())
    if high > low:
        # The window ends at the last row within the reach, so that it has no empty margin towards rows beyond.
        within = values[(values >= 2 * low - high) & (values <= 2 * high - low)]
        low, high = within.min(), within.max()
    else:
        low, high = values.min(), values.max()
    if high > low:
        return float(low), float(high)
    # All values are equal: take a window whose two ends differ in floating point.
    reach = max(1.0, 1e-3 * abs(float(low)))
    return float(low) - reach, float(high) + reach


def _histogram_top(surprise: NDArray[np.float64], threshold: float) -> float:
    """Return the end of the histogram's axis: at most ten thresholds or twenty medians, whichever is larger."""
    reach = max(10 * threshold if np.isfinite(threshold) else 0.0, 20 * float(np.median(surprise)))
    top = float(surprise.max())
    top = min(top, reach) if reach > 0 else top
    # The threshold itself is always on the axis, 10 % before its end.
    return max(top, 1.1 * threshold) if np.isfinite(threshold) else top


def _edges(low: float, top: float, threshold: float) -> NDArray[np.float64]:
    """Return the edges of about :data:`BARS` equal bars over [low, top]; the threshold is an edge where possible."""
    if top - low <= 1e-9 * max(1.0, abs(low)):
        top = low + 1.0
    # The threshold is no edge if it is outside, or so close to the low end that the bars would be too narrow.
    if not low + (top - low) / (2 * BARS) < threshold < top:
        return np.linspace(low, top, BARS + 1)
    below = max(1, round(BARS * (threshold - low) / (top - low)))
    width = (threshold - low) / below
    edges = low + width * np.arange(int(np.ceil((top - low) / width)) + 1, dtype=np.float64)
    edges[below] = threshold
    return edges


def _check_points(name: str, points: NDArray[Any]) -> None:
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise SettingError(f"{name} has the shape {points.shape}; give two numbers per row, [n, 2], n > 0")
    if not np.isfinite(points).all():
        raise SettingError(f"{name} contains a value that is not finite; give finite numbers")


def _check_length(name: str, values: NDArray[Any], rows: int) -> None:
    if values.shape != (rows,):
        raise SettingError(f"{name} has the shape {values.shape}; there are {rows} points, give [{rows}]")


def _check_curve(curve: LossCurve) -> None:
    if not len(curve.step):
        raise SettingError("learning_curve is empty; give None instead")
    for name in ("training_loss", "held_out_loss", "reconstruction", "kl"):
        if len(getattr(curve, name)) != len(curve.step):
            raise SettingError(
                f"learning_curve.{name} has {len(getattr(curve, name))} values; "
                f"step has {len(curve.step)}, give one per step"
            )
