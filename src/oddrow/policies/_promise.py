"""The promise of a decision as numbers (rate, interval, number of rows) and as a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from oddrow._notebook import panel
from oddrow.calibration import Calibration, Source
from oddrow.exceptions import SettingError
from oddrow.policies._beta import beta_quantile

CONFIDENCE = 0.95
ROWS: dict[Source, str] = {
    "held-out": "held-out rows",
    "cross-fitted": "cross-fitted rows",
    "block cross-fitted": "rows cross-fitted in blocks of time",
    "group cross-fitted": "rows cross-fitted in groups",
    "training": "rows that the fit saw: new rows may differ",
}
NOT_COVERED = "a later change of what is normal is not covered"
"""The limit of a promise for rows in time: it holds as long as later rows behave like the training rows."""
PromiseSource: TypeAlias = Source | Literal["labelled sample"]
"""The rows from which the numbers of a promise are estimated: calibration rows, or a labelled sample."""


@dataclass(frozen=True)
class Promise:
    """What a decision promises. ``str(promise)`` is the sentence that users read.

    Attributes
    ----------
    rate : the expected share of new normal rows that is above the threshold, 0 to 1. None if the policy promises
        something else, which ``rule`` then states
    low, high : the 95 % interval of that share. None if no interval holds: without a rate, or if the calibration rows
        are training rows. ``high`` without ``rate`` is an upper bound: no calibration row is above the threshold
    n_rows : the number of rows from which the numbers are estimated; None without numbers
    n_independent : the number of independent rows that estimate the rate as precisely, if these rows depend on each
        other; None if they do not
    source : the kind of these rows; None without numbers
    rule : what the policy promises apart from the rate, in words; empty if it promises only the rate
    remark : a limit of this decision, in words; empty if there is none

    Examples
    --------
    >>> promise = rate_promise(40, Calibration(np.arange(3999.0)))
    >>> promise.rate, promise.n_rows, promise.source
    (0.01, 3999, 'held-out')
    >>> str(promise)
    'about 1 in 100 normal rows, between 0.72 and 1.3 in 100 (95 %, 3,999 held-out rows)'
    """

    rate: float | None = None
    low: float | None = None
    high: float | None = None
    n_rows: int | None = None
    source: PromiseSource | None = None
    rule: str = ""
    remark: str = ""
    n_independent: float | None = None

    def __str__(self) -> str:
        rate = self._rate_text()
        if self.rule and rate:
            rate = f"; {rate}" if self.source == "labelled sample" else f"; by chance {rate}"
        return f"{self.rule}{rate}" + (f"; {self.remark}" if self.remark else "")

    def _repr_html_(self) -> str:
        return panel("Promise", [str(self)])

    def _rate_text(self) -> str:
        """Return the numbers in words; "" if there are none."""
        n_rows, low, high = self.n_rows or 0, self.low, self.high
        if self.rate is None:
            if high is None:
                return ""
            return (
                f"none of {n_rows:,} calibration rows is as strange, so at most about 1 in {count_text(1 / high)} "
                "normal rows (95 %); a smaller rate is an extrapolation"
            )
        if self.source == "labelled sample":
            return f"{share_text(self.rate, n_rows, 'normal rows flagged', low, high)} (95 %)"
        base = 10 ** max(int(np.ceil(np.log10(1 / self.rate) - 0.1)), 2)
        about = f"about {count_text(self.rate * base)} in {base:,} normal rows"
        rows = f"{n_rows:,} {ROWS[self.source or 'held-out']}"
        after = ""
        if self.n_independent is not None:
            rows += f", worth {count_text(self.n_independent)} independent rows"
            after = f"; {NOT_COVERED}" if self.source == "block cross-fitted" else ""
        if low is None or high is None:
            return f"{about} ({rows})"
        # the threshold is the highest surprise of a calibration row: so few rows can estimate no smaller rate
        worth = n_rows if self.n_independent is None else self.n_independent
        rarest = ", the smallest rate that so few rows can show" if self.rate * (worth + 1) < 1.25 else ""
        between = f"between {count_text(low * base)} and {count_text(high * base)} in {base:,}"
        return f"{about}, {between} (95 %, {rows}{rarest}){after}"


def exceedance_interval(above: int, n_rows: int, n_independent: float | None = None) -> tuple[float, float]:
    """Return the 95 % interval of the probability that a new normal row exceeds a certain calibration row.

    ``above`` of the ``n_rows`` calibration rows exceed that row. For every distribution of the scores, the probability
    has the distribution Beta(above + 1, n_rows - above) over calibration samples (the law of an order statistic; David
    and Nagaraja 2003). If the rows depend on each other and are worth ``n_independent`` independent rows, both
    parameters shrink in proportion: the distribution keeps its mean and has the variance of so many rows.

    Examples
    --------
    >>> low, high = exceedance_interval(39, 4000)
    >>> round(low, 4), round(high, 4)
    (0.0072, 0.0133)
    """
    tail = (1 - CONFIDENCE) / 2
    first, second = above + 1, n_rows - above
    if second < 1:
        return 0.0, 1.0
    if n_independent is not None:
        worth = (n_independent + 1.0) / (n_rows + 1.0)
        return beta_quantile(first * worth, second * worth, tail), beta_quantile(
            first * worth, second * worth, 1 - tail
        )
    return beta_quantile(first, second, tail), beta_quantile(first, second, 1 - tail)


def share_interval(count: int, total: int) -> tuple[float, float]:
    """Return the 95 % Clopper-Pearson interval of a share, from ``count`` of ``total`` observed rows.

    Examples
    --------
    >>> low, high = share_interval(0, 2)
    >>> round(low, 4), round(high, 4)
    (0.0, 0.8419)
    """
    tail = (1 - CONFIDENCE) / 2
    low = beta_quantile(count, total - count + 1, tail) if count else 0.0
    high = beta_quantile(count + 1, total - count, 1 - tail) if count < total else 1.0
    return low, high


def supported_count(rate: float, calibration: Calibration) -> int:
    """Return how many calibration rows may have at least the surprise of the threshold at this false-alarm rate.

    Raises
    ------
    SettingError
        If it is less than one row: the calibration rows are too few for so small a rate.
    """
    if rate * (calibration.n_independent + 1) < 1 - 1e-9:
        needed = int(np.ceil(1 / rate - 1e-9)) - 1
        worth = ""
        if calibration.n_effective is not None:
            worth = f", which depend on each other and are worth {count_text(calibration.n_effective)} independent rows"
        raise SettingError(
            f"a rate of {rate:g} cannot be promised from {calibration.n_rows:,} calibration rows{worth}: it takes at "
            f"least {needed:,}; ask for {_rounded_up(1 / (calibration.n_independent + 1))} or more, or fit on a larger "
            "table"
        )
    return max(int(np.floor(rate * (calibration.n_rows + 1) + 1e-9)), 1)


def rate_promise(count: int, calibration: Calibration, rule: str = "", remark: str = "") -> Promise:
    """Return the promise of a threshold that is the ``count``-th highest surprise of a calibration row."""
    interval = exceedance_interval(count - 1, calibration.n_rows, calibration.n_effective)
    return _promise_of(count / (calibration.n_rows + 1), interval, calibration, rule, remark)


def promise_between(above: int, calibration: Calibration) -> Promise:
    """Return the promise of a threshold that ``above`` calibration rows exceed, at least one.

    The threshold lies somewhere between two calibration rows. Its interval extends from the lower end of the interval
    of the higher one to the upper end of the interval of the lower one.
    """
    n_rows, worth = calibration.n_rows, calibration.n_effective
    low, high = exceedance_interval(above - 1, n_rows, worth)[0], exceedance_interval(above, n_rows, worth)[1]
    return _promise_of((above + 0.5) / (calibration.n_rows + 1), (low, high), calibration)


def _promise_of(
    rate: float, interval: tuple[float, float], calibration: Calibration, rule: str = "", remark: str = ""
) -> Promise:
    # the interval holds for rows that the fit did not see
    low, high = (None, None) if calibration.source == "training" else interval
    source = calibration.source
    return Promise(rate, low, high, calibration.n_rows, source, rule, remark, calibration.n_effective)


def share_text(share: float, total: int, what: str, low: float | None, high: float | None) -> str:
    """Return an observed share and its interval in words."""
    return f"{share:.2%} of {total:,} {what}, between {low or 0.0:.2%} and {1.0 if high is None else high:.2%}"


def _rounded_up(rate: float) -> str:
    """Return a rate with two significant digits, rounded up: the calibration rows support the advised rate, too."""
    unit = 10.0 ** (np.floor(np.log10(rate)) - 1)
    return f"{np.ceil(rate / unit - 1e-9) * unit:.2g}"


def count_text(value: float) -> str:
    """Return a number with two significant digits; numbers that round to 100 or more as whole ones.

    Examples
    --------
    >>> count_text(0.0456), count_text(99.7), count_text(12345.6)
    ('0.046', '100', '12,346')
    """
    # two digits of 99.7 would be 1e+02
    return f"{value:,.0f}" if value >= 99.5 else f"{value:.2g}"
