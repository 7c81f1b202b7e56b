"""What the pictures show: frozen values, and the sums behind them. Arrays only; nothing is drawn here."""

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

MOST_CLASSES: Final = 10
"""A panel has one colour a class; more than ten colours cannot be told apart."""

BARS: Final = 60
"""About how many bars a histogram has; the threshold is made to fall between two of them."""


class LossCurve(Protocol):
    """One fit's loss over its steps, in nats per row; lower is better. ``k`` is the number of readings."""

    @property
    def step(self) -> NDArray[Any]:
        """Int [k]: the optimiser's steps so far, ascending."""

    @property
    def training_loss(self) -> NDArray[Any]:
        """Float [k]: the loss of the training rows."""

    @property
    def held_out_loss(self) -> NDArray[Any]:
        """Float [k]: the loss of the rows kept out of training."""

    @property
    def reconstruction(self) -> NDArray[Any]:
        """Float [k]: the held-out loss's part for rebuilding the row."""

    @property
    def kl(self) -> NDArray[Any]:
        """Float [k]: the held-out loss's part for the Kullback-Leibler divergence from the prior."""

    @property
    def best_step(self) -> int:
        """The step whose parameters were kept."""


@dataclass(frozen=True, eq=False, kw_only=True)
class MapSummary:
    """Everything that :func:`oddrow.report.draw_maps` draws, for ``n`` rows, in the table's order.

    ``latent_map``: float64 [n, 2], the rows' latent means on their two leading principal axes.
    ``surprise``: float64 [n], nats, higher is stranger. ``is_odd``: bool [n], the decision.
    ``threshold``: nats; it may be infinite (nothing is odd). ``is_anomaly``: bool [n], the truth, or None
    where the table has no label. ``learning_curve``: None where the fit kept none.

    Raises :class:`~oddrow.exceptions.SettingError` when there is no row, when lengths or types disagree,
    or when a number to be drawn is not finite.

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
            raise SettingError("surprise holds a value that is not finite; give one finite number a row")
        if np.isnan(self.threshold):
            raise SettingError("threshold is nan; give a number of nats, or infinity for 'nothing is odd'")
        for name, flags in (("is_odd", self.is_odd), ("is_anomaly", self.is_anomaly)):
            if flags is not None:
                _check_length(name, flags, rows)
                # Integers 0 and 1 would silently pick rows 0 and 1 when used as an index.
                if flags.dtype != np.bool_:
                    raise SettingError(f"{name} is of type {flags.dtype}; give booleans")
        if self.learning_curve is not None:
            _check_curve(self.learning_curve)


@dataclass(frozen=True, eq=False, kw_only=True)
class Panel:
    """One latent space among several, for :func:`oddrow.report.draw_panels`.

    ``points``: float [n, 2]. ``labels``: int [n], each row's class, ten classes at most.
    ``caption``: a sentence, printed underneath and wrapped there.

    Raises :class:`~oddrow.exceptions.SettingError` for other shapes, other types and more classes.
    """

    points: NDArray[np.floating[Any]]
    labels: NDArray[np.integer[Any]]
    title: str
    caption: str = ""

    def __post_init__(self) -> None:
        _check_points("points", self.points)
        _check_length("labels", self.labels, len(self.points))
        if not np.issubdtype(self.labels.dtype, np.integer):
            raise SettingError(f"labels are of type {self.labels.dtype}; give one integer a row")
        classes = len(np.unique(self.labels))
        if classes > MOST_CLASSES:
            raise SettingError(f"labels hold {classes} classes; a panel shows {MOST_CLASSES} at most")


@dataclass(frozen=True, eq=False)
class MapWindow:
    """The part of the plane that a map shows: float64 [2] ``low`` and ``high``, ``low < high``."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def around(cls, points: NDArray[Any], bulk: NDArray[np.bool_] | None = None) -> "MapWindow":
        """Choose the window on ``points`` [n, 2] that keeps the ``bulk`` (bool [n]; default: all) readable.

        It holds every point where it can, but reaches out from the bulk by at most once the bulk's width on
        each side: one far point cannot squash the rest, and the bulk keeps a third of each axis.
        """
        leading = points if bulk is None or not bulk.any() else points[bulk]
        sides = [_axis_window(points[:, axis], leading[:, axis]) for axis in (0, 1)]
        low, high = np.array(sides, dtype=np.float64).T
        return cls(low, high)

    def sides(self, points: NDArray[Any]) -> NDArray[np.str_]:
        """Where each of ``points`` [n, 2] lies: ``""`` inside, else ``"<"``, ``">"``, ``"v"`` or ``"^"``."""
        x, y = points[:, 0], points[:, 1]
        beyond = [x < self.low[0], x > self.high[0], y < self.low[1], y > self.high[1]]
        return np.select(beyond, ["<", ">", "v", "^"], default="")

    def clamp(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """``points`` [n, 2] with those outside moved to just beyond the border, inside :meth:`limits`."""
        gap = 0.025 * (self.high - self.low)
        inside = (points >= self.low) & (points <= self.high)
        return np.where(inside, points, np.clip(points, self.low - gap, self.high + gap))

    def limits(self) -> NDArray[np.float64]:
        """Return the axes' limits [2, 2], one row an axis: the window and a margin for the markers."""
        margin = 0.05 * (self.high - self.low)
        return np.stack([self.low - margin, self.high + margin], axis=1)


@dataclass(frozen=True, eq=False)
class SurpriseHistogram:
    """How many rows fall between two ``edges`` (float64 [b + 1], nats), for two groups of rows.

    ``normal`` and ``odd``: int [b], by the label where there is one, else by the decision.
    ``beyond``: how many rows lie above the last edge; the last bar counts them too.
    """

    edges: NDArray[np.float64]
    normal: NDArray[np.int64]
    odd: NDArray[np.int64]
    beyond: int


def colour_ceiling(summary: MapSummary) -> float:
    """Say at which surprise (nats) the colours end: the 99th percentile, but at most three thresholds.

    A few extreme rows would else take all the colours, and the bulk and the threshold would share one.
    Where the highest surprise is not far above, nothing is cut off.
    """
    lowest, highest = float(summary.surprise.min()), float(summary.surprise.max())
    ceiling = float(np.quantile(summary.surprise, 0.99))
    if 0 < summary.threshold < np.inf:
        # Whatever the percentile, both sides of the threshold are on the scale and differ in colour.
        ceiling = float(np.clip(ceiling, 1.25 * summary.threshold, 3 * summary.threshold))
        highest = max(highest, 1.25 * summary.threshold)
    if highest <= 1.5 * ceiling:
        ceiling = highest
    return ceiling if ceiling > min(0.0, lowest) else ceiling + 1.0


def surprise_histogram(summary: MapSummary) -> SurpriseHistogram:
    """Count the rows by surprise; no bar lies on both sides of the threshold."""
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
    """Choose the limits (low, high) of an axis that shows some float [k] curves.

    A fit's first losses may be a hundred times its last: the 95th percentile and half the range below it
    are kept, what is higher runs off the axis. Values that are not finite do not count.
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
    """One axis of the window: all of ``values`` [n], but no farther than the bulk's width from the bulk."""
    first, third = np.quantile(leading, [0.25, 0.75])
    # The inner order statistics drop at least the one outermost row on each side; Tukey's fences bring it
    # back when it is no outlier, which matters for a handful of rows.
    low = min(np.quantile(leading, 0.005, method="higher"), first - 1.5 * (third - first))
    high = max(np.quantile(leading, 0.995, method="lower"), third + 1.5 * (third - first))
    low, high = max(low, leading.min()), min(high, leading.max())
    if high > low:
        # The window ends at the last row within reach: a row beyond leaves no empty room on the way to it.
        within = values[(values >= 2 * low - high) & (values <= 2 * high - low)]
        low, high = within.min(), within.max()
    else:
        low, high = values.min(), values.max()
    if high > low:
        return float(low), float(high)
    # All in one place: any window will do whose two ends differ in floating point.
    reach = max(1.0, 1e-3 * abs(float(low)))
    return float(low) - reach, float(high) + reach


def _histogram_top(surprise: NDArray[np.float64], threshold: float) -> float:
    """Where the histogram's axis ends: ten thresholds show both the normal rows and the odd ones."""
    reach = max(10 * threshold if np.isfinite(threshold) else 0.0, 20 * float(np.median(surprise)))
    top = float(surprise.max())
    top = min(top, reach) if reach > 0 else top
    # The threshold itself is always on the axis, with a little room behind it.
    return max(top, 1.1 * threshold) if np.isfinite(threshold) else top


def _edges(low: float, top: float, threshold: float) -> NDArray[np.float64]:
    """Edges of about :data:`BARS` equal bars over [low, top], one of them the threshold where it can be."""
    if top - low <= 1e-9 * max(1.0, abs(low)):
        top = low + 1.0
    # Not where it can be: so close to the low end that bars as narrow would be too many.
    if not low + (top - low) / (2 * BARS) < threshold < top:
        return np.linspace(low, top, BARS + 1)
    below = max(1, round(BARS * (threshold - low) / (top - low)))
    width = (threshold - low) / below
    edges = low + width * np.arange(int(np.ceil((top - low) / width)) + 1, dtype=np.float64)
    edges[below] = threshold
    return edges


def _check_points(name: str, points: NDArray[Any]) -> None:
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise SettingError(f"{name} has the shape {points.shape}; give two numbers a row, [n, 2], n > 0")
    if not np.isfinite(points).all():
        raise SettingError(f"{name} holds a value that is not finite; give finite numbers")


def _check_length(name: str, values: NDArray[Any], rows: int) -> None:
    if values.shape != (rows,):
        raise SettingError(f"{name} has the shape {values.shape}; there are {rows} points, give [{rows}]")


def _check_curve(curve: LossCurve) -> None:
    if not len(curve.step):
        raise SettingError("learning_curve has no reading; give None instead")
    for name in ("training_loss", "held_out_loss", "reconstruction", "kl"):
        if len(getattr(curve, name)) != len(curve.step):
            raise SettingError(
                f"learning_curve.{name} has {len(getattr(curve, name))} readings; "
                f"step has {len(curve.step)}, give one a step"
            )
