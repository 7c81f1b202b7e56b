"""Scale numbers of any magnitude to about -3 to 3 by a strictly increasing, invertible function."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow.table import Floats

HEAVY_TAIL = 30.0
"""A column is heavy-tailed if some value lies more than this many robust scales from its median."""

MIN_SPREAD = 0.05
"""Smallest divisor in standardisation, so that small differences in an almost constant column stay small."""

MAX_STANDARDISED = 1e6
"""Bound of the standardised training values in a model file; a fit stays below 3e4 (largest asinh / MIN_SPREAD)."""
UNSOUND_SCALING = "its scaling is not finite, positive and in order"

NOTHING = np.empty(0)

_NORMAL_IQR = 1.3489795  # interquartile range of the standard normal distribution


@dataclass(frozen=True)
class Scaling:
    """``value -> standardised value``, learned from training values.

    First ``u = (value - median) / scale`` with a robust scale. In a heavy-tailed column ``u`` is replaced by
    ``asinh(u)``, which is linear near the median and logarithmic far from it. A heavy-tailed column without negative
    values is logarithmic from its smallest values on, since 8 bytes and 30 bytes differ as much as 8 MB and 30 MB.
    The result is standardised to mean 0 and standard deviation 1. Outside the training range the curve continues as a
    logarithm with the same slope at the border, so that every finite value stays finite, in order and outside.
    """

    center: float
    scale: float
    heavy: bool
    mean: float
    deviation: float
    low: float
    high: float

    @classmethod
    def learn(cls, values: Floats, further: Floats = NOTHING) -> Scaling:
        """Learn from values float64 [n]; NaN is left out.

        ``further`` [k] are extremes of rows outside the sample: they widen the range and do not enter the quantiles.
        """
        values = values[~np.isnan(values)]
        if values.size == 0:
            values = further
        if values.size == 0:
            return cls(0.0, 1.0, False, 0.0, 1.0, 0.0, 0.0)
        everything = np.concatenate([values, further])
        center = 2 * float(np.median(values / 2))  # halves, here and below, since sums of huge values could overflow
        scale = _robust_scale(values, center)
        scaled = _scaled(everything, center, scale)
        heavy = bool(np.max(np.abs(scaled)) > HEAVY_TAIL)
        if heavy and everything.min() >= 0:
            center, scale = 0.0, _smallest_step(values)
            scaled = _scaled(everything, center, scale)
        curved = np.arcsinh(scaled) if heavy else scaled
        mean = float(np.mean(curved[: values.size]))
        deviation = max(float(np.std(curved[: values.size])), MIN_SPREAD)
        standardised = (curved - mean) / deviation
        return cls(center, scale, heavy, mean, deviation, float(standardised.min()), float(standardised.max()))

    @property
    def span(self) -> float:
        """The width of the training range, at least one standard deviation."""
        return max(self.high - self.low, 1.0)

    @property
    def is_sound(self) -> bool:
        """Whether every finite value has a finite feature, and every finite feature a finite value."""
        bounded = (self.mean, self.deviation, self.low, self.high)
        return bool(
            np.isfinite([self.center, self.scale]).all()
            and self.scale >= np.finfo(float).tiny
            and self.deviation >= 1 / MAX_STANDARDISED
            and all(abs(number) <= MAX_STANDARDISED for number in bounded)
            and self.low <= self.high
        )

    def apply(self, values: Floats) -> Floats:
        """Return standardised values float64 [n]; NaN stays NaN."""
        return np.asarray(Scalings((self,)).apply(values[None])[0][0])

    def invert(self, standardised: Floats) -> Floats:
        """Return the values [n] of standardised values: the inverse of :meth:`apply`."""
        inside = np.clip(standardised, self.low, self.high)
        curve = standardised - inside
        with np.errstate(over="ignore"):
            beyond = np.sign(curve) * self.span * np.expm1(np.abs(curve) / self.span)
            curved = (inside + beyond) * self.deviation + self.mean
            scaled = np.sinh(curved) if self.heavy else curved
            return np.clip(scaled * self.scale + self.center, -np.finfo(float).max, np.finfo(float).max)

    def straightened(self, standardised: Floats) -> Floats:
        """Return float64 [n], linear in the value within the training range, in robust scales: no logarithm."""
        curved = np.clip(standardised, self.low, self.high) * self.deviation + self.mean
        with np.errstate(over="ignore"):
            return np.clip(np.sinh(curved), -1e300, 1e300) if self.heavy else curved

    def excess(self, standardised: Floats) -> Floats:
        """Return float64 [n] >= 0: the distance outside the training range, in widths of that range."""
        return np.abs(standardised - np.clip(standardised, self.low, self.high)) / self.span


@dataclass(frozen=True)
class Scalings:
    """Several scalings, each applied to the values of one column."""

    scalings: tuple[Scaling, ...]

    @cached_property
    def _stacked(self) -> dict[str, Floats]:
        """The parameters of all scalings, each as an array [k, 1]."""
        names = ("center", "scale", "mean", "deviation", "low", "high", "span")
        return {name: np.array([[getattr(one, name)] for one in self.scalings]) for name in names}

    @cached_property
    def _is_heavy(self) -> npt.NDArray[np.bool_]:
        return np.array([[one.heavy] for one in self.scalings])

    def apply(self, values: Floats) -> tuple[Floats, Floats | None]:
        """Return standardised values float64 [k, n] of values [k, n], and their :meth:`Scaling.excess`.

        NaN stays NaN. The excess is None if all values lie within the training range, which is the usual case: the
        logarithms would take most of the time.
        """
        of = self._stacked
        standardised = _scaled(values, of["center"], of["scale"])
        np.arcsinh(standardised, out=standardised, where=self._is_heavy)
        standardised -= of["mean"]
        standardised /= of["deviation"]
        outside = standardised < of["low"]
        outside |= standardised > of["high"]
        if not outside.any():
            return standardised, None
        far = standardised[outside]
        low, high, span = (np.broadcast_to(of[name], values.shape)[outside] for name in ("low", "high", "span"))
        border = np.clip(far, low, high)
        beyond = far - border
        excess = np.zeros(values.shape)
        excess[outside] = np.log1p(np.abs(beyond) / span)
        standardised[outside] = border + np.sign(beyond) * span * excess[outside]
        return standardised, excess


def _robust_scale(values: Floats, center: float) -> float:
    """Return the interquartile range in normal deviations; if half of the values coincide, the mean of the others."""
    quarter, three_quarters = np.quantile(values / 2, [0.25, 0.75]) / _NORMAL_IQR
    half_spread = float(three_quarters - quarter)
    if half_spread <= 0:
        away = np.abs(values / 2 - center / 2)
        away = away[away > 0]
        half_spread = float(np.mean(away / away.max())) * float(away.max()) if away.size else 0.5
    return 2 * float(np.clip(half_spread, np.finfo(float).tiny, np.finfo(float).max / 8))


def _smallest_step(values: Floats) -> float:
    """Return the value at which the logarithm of values >= 0 starts: 1, or for fractions their first percentile > 0."""
    if np.all(values == np.floor(values)):
        return 1.0
    return max(float(np.quantile(values[values > 0], 0.01)), float(np.finfo(float).tiny))


def _scaled(values: Floats, center: float | Floats, scale: float | Floats) -> Floats:
    """Return (values - center) / scale, clipped to finite numbers."""
    scaled = values / 2
    with np.errstate(over="ignore"):
        scaled -= center / 2
        scaled /= scale / 2
    return np.clip(scaled, -1e300, 1e300, out=scaled)
