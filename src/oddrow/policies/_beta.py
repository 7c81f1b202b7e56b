"""Quantiles of the beta distribution: an interval needs two, and SciPy takes longer to import than a row to score."""

from __future__ import annotations

import math

MOST_TERMS = 100_000
"""Terms of the continued fraction at most; about the square root of the larger parameter is needed."""
TINY = 1e-300
MOST_STEPS = 200


def beta_quantile(first: float, second: float, share: float) -> float:
    """The x in [0, 1] below which Beta(first, second) has this share of its probability.

    Newton's method on the distribution function, kept between bounds that close in.

    Examples
    --------
    >>> round(beta_quantile(1, 1, 0.3), 12), round(beta_quantile(1, 3, 0.5), 12) == round(1 - 0.5 ** (1 / 3), 12)
    (0.3, True)
    """
    low, high, x = 0.0, 1.0, first / (first + second)
    for _ in range(MOST_STEPS):
        excess = _below(first, second, x) - share
        if excess > 0:
            high = x
        else:
            low = x
        density = math.exp(_log_kernel(first, second, x) - math.log(x) - math.log1p(-x))
        following = x - excess / density if density > 0 else low
        if not low < following < high:
            following = 0.5 * (low + high)
        if abs(following - x) <= 1e-15 * x or following in (low, high):
            return following
        x = following
    return x


def _log_kernel(first: float, second: float, x: float) -> float:
    """``ln(x^first (1 - x)^second / B(first, second))``."""
    log_beta = math.lgamma(first) + math.lgamma(second) - math.lgamma(first + second)
    return first * math.log(x) + second * math.log1p(-x) - log_beta


def _below(first: float, second: float, x: float) -> float:
    """The regularised incomplete beta function, by its continued fraction on the side where that converges fast.

    Abramowitz and Stegun (1964), 26.5.8; evaluated by Lentz's method (Thompson and Barnett 1986).
    """
    if x > (first + 1.0) / (first + second + 2.0):
        return 1.0 - _below(second, first, 1.0 - x)
    ratio, inverse, fraction = 1.0, 0.0, 1.0
    for term in range(MOST_TERMS):
        half = term // 2
        if term == 0:
            numerator = 1.0
        elif term % 2:
            numerator = -(first + half) * (first + second + half) * x / ((first + 2 * half) * (first + 2 * half + 1))
        else:
            numerator = half * (second - half) * x / ((first + 2 * half - 1) * (first + 2 * half))
        inverse = 1.0 / _away_from_zero(1.0 + numerator * inverse)
        ratio = _away_from_zero(1.0 + numerator / ratio)
        fraction *= ratio * inverse
        if abs(1.0 - ratio * inverse) < 1e-16:
            break
    return math.exp(_log_kernel(first, second, x)) * (fraction - 1.0) / first


def _away_from_zero(value: float) -> float:
    return value if abs(value) > TINY else TINY
