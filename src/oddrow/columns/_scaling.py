"""Numbers of any magnitude onto a scale of about -3 to 3, strictly increasing and invertible."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow.table import Floats

HEAVY_TAIL = 30.0
"""A column whose furthest value lies more than so many robust scales from its median is taken as heavy-tailed."""

MIN_SPREAD = 0.05
"""Floor of the standard deviation after the transform: a column that is almost constant is not blown up."""

MAX_STANDARDISED = 1e6
"""Bound of what a scaling may make of its training rows: learned ones stay below 3e4 (asinh over the least spread)."""
UNSOUND_SCALING = "its scaling is not finite, positive and in order"

NOTHING = np.empty(0)

_NORMAL_IQR = 1.3489795  # interquartile range of the standard normal distribution


@dataclass(frozen=True)
class Scaling:
    """``value -> standardised value``, learned from training values.

    ``u = (value - median) / scale`` with a robust scale; ``u = asinh(u)`` where the column is heavy-tailed (linear
    near the median, logarithmic far away, so nine decades fit; a heavy-tailed column without negative values is
    logarithmic from its smallest values on, as 8 bytes and 30 bytes are as different as 8 MB and 30 MB);
    standardised to mean 0 and deviation 1. Outside the
    range seen in training the curve goes on logarithmically with the same slope at the border: a value can be as
    far out as a float can be and stays finite, in order, and outside.
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
        """Learn from float64 [n] values; NaN is left out.

        ``further`` [k] are values that widen the range, but are no sample: no quantile is taken of them.
        """
        values = values[~np.isnan(values)]
        if values.size == 0:
            values = further
        if values.size == 0:
            return cls(0.0, 1.0, False, 0.0, 1.0, 0.0, 0.0)
        everything = np.concatenate([values, further])
        center = 2 * float(np.median(values / 2))  # halves, here and below: what is huge must not overflow
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
        """Width of the range seen in training, at least one standard deviation."""
        return max(self.high - self.low, 1.0)

    @property
    def is_sound(self) -> bool:
        """Whether every finite value becomes a finite feature, and every finite feature a finite value."""
        bounded = (self.mean, self.deviation, self.low, self.high)
        return bool(
            np.isfinite([self.center, self.scale]).all()
            and self.scale >= np.finfo(float).tiny
            and self.deviation >= 1 / MAX_STANDARDISED
            and all(abs(number) <= MAX_STANDARDISED for number in bounded)
            and self.low <= self.high
        )

    def apply(self, values: Floats) -> Floats:
        """Standardised float64 [n]; NaN stays NaN."""
        return np.asarray(Scalings((self,)).apply(values[None])[0][0])

    def invert(self, standardised: Floats) -> Floats:
        """The values that :meth:`apply` came from."""
        inside = np.clip(standardised, self.low, self.high)
        curve = standardised - inside
        with np.errstate(over="ignore"):
            beyond = np.sign(curve) * self.span * np.expm1(np.abs(curve) / self.span)
            curved = (inside + beyond) * self.deviation + self.mean
            scaled = np.sinh(curved) if self.heavy else curved
            return np.clip(scaled * self.scale + self.center, -np.finfo(float).max, np.finfo(float).max)

    def straightened(self, standardised: Floats) -> Floats:
        """float64 [n] linear in the value over the range seen in training, in robust scales: no logarithm."""
        curved = np.clip(standardised, self.low, self.high) * self.deviation + self.mean
        with np.errstate(over="ignore"):
            return np.clip(np.sinh(curved), -1e300, 1e300) if self.heavy else curved

    def excess(self, standardised: Floats) -> Floats:
        """float64 [n] >= 0: how far outside the range seen in training, in widths of that range."""
        return np.abs(standardised - np.clip(standardised, self.low, self.high)) / self.span


@dataclass(frozen=True)
class Scalings:
    """Several scalings, each applied to the values of a column of its own."""

    scalings: tuple[Scaling, ...]

    @cached_property
    def _stacked(self) -> dict[str, Floats]:
        """Each number of all scalings [k, 1]."""
        names = ("center", "scale", "mean", "deviation", "low", "high", "span")
        return {name: np.array([[getattr(one, name)] for one in self.scalings]) for name in names}

    @cached_property
    def _is_heavy(self) -> npt.NDArray[np.bool_]:
        return np.array([[one.heavy] for one in self.scalings])

    def apply(self, values: Floats) -> tuple[Floats, Floats | None]:
        """Standardised float64 [k, n], NaN where that stands in values [k, n]; and :meth:`Scaling.excess` of them.

        None where no value lies outside, as is the rule: logarithms of all would take longer than all else.
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
    """The interquartile range in normal deviations; where half of the values coincide, the others' mean deviation."""
    quarter, three_quarters = np.quantile(values / 2, [0.25, 0.75]) / _NORMAL_IQR
    half_spread = float(three_quarters - quarter)
    if half_spread <= 0:
        away = np.abs(values / 2 - center / 2)
        away = away[away > 0]
        half_spread = float(np.mean(away / away.max())) * float(away.max()) if away.size else 0.5
    return 2 * float(np.clip(half_spread, np.finfo(float).tiny, np.finfo(float).max / 8))


def _smallest_step(values: Floats) -> float:
    """Where the logarithm of values >= 0 starts: 1 for whole numbers, else their first percentile above 0."""
    if np.all(values == np.floor(values)):
        return 1.0
    return max(float(np.quantile(values[values > 0], 0.01)), float(np.finfo(float).tiny))


def _scaled(values: Floats, center: float | Floats, scale: float | Floats) -> Floats:
    """(values - center) / scale, kept finite."""
    scaled = values / 2
    with np.errstate(over="ignore"):
        scaled -= center / 2
        scaled /= scale / 2
    return np.clip(scaled, -1e300, 1e300, out=scaled)
