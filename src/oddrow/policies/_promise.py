"""What a decision promises, how sure that is, and what a calibration cannot promise; in numbers and in words."""

from __future__ import annotations

import numpy as np

from oddrow.calibration import Calibration, Source
from oddrow.exceptions import SettingError
from oddrow.policies._beta import beta_quantile

CONFIDENCE = 0.95
ROWS: dict[Source, str] = {
    "held-out": "held-out rows",
    "cross-fitted": "cross-fitted rows",
    "training": "rows that the fit saw: new rows may differ",
}


def exceedance_interval(above: int, n_rows: int) -> tuple[float, float]:
    """The 95 % interval of the probability that a new normal row lies above the row that ``above`` of n rows exceed.

    Whatever the distribution, that probability is Beta(above + 1, n - above) distributed over calibration samples
    (the law of an order statistic; David and Nagaraja 2003).

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
    return beta_quantile(first, second, tail), beta_quantile(first, second, 1 - tail)


def supported_count(rate: float, calibration: Calibration) -> int:
    """How many calibration rows may be at least as strange at this false-alarm rate.

    Raises
    ------
    SettingError
        If it is less than one row: no calibration row, however strange, could show so rare a thing.
    """
    count = int(np.floor(rate * (calibration.n_rows + 1) + 1e-9))
    if count < 1:
        needed = int(np.ceil(1 / rate - 1e-9)) - 1
        raise SettingError(
            f"a rate of {rate:g} cannot be promised from {calibration.n_rows:,} calibration rows: it takes at least "
            f"{needed:,}; ask for {_rounded_up(1 / (calibration.n_rows + 1))} or more, or fit on a larger table"
        )
    return count


def rate_promise(count: int, calibration: Calibration) -> str:
    """In words, what lying above the ``count``-th strangest calibration row means.

    Examples
    --------
    >>> rate_promise(40, Calibration(np.arange(3999.0)))
    'about 1 in 100 normal rows, between 0.72 and 1.3 in 100 (95 %, 3,999 held-out rows)'
    """
    interval = exceedance_interval(count - 1, calibration.n_rows)
    return _rate_text(count / (calibration.n_rows + 1), interval, calibration, is_rarest=count == 1)


def rate_between(above: int, calibration: Calibration) -> str:
    """In words, what lying above a threshold means that ``above`` calibration rows exceed, at least one.

    The threshold is somewhere between two rows: the interval reaches from the lower end of the one to the upper end of
    the other.
    """
    low, high = exceedance_interval(above - 1, calibration.n_rows)[0], exceedance_interval(above, calibration.n_rows)[1]
    return _rate_text((above + 0.5) / (calibration.n_rows + 1), (low, high), calibration, is_rarest=False)


def _rate_text(rate: float, interval: tuple[float, float], calibration: Calibration, *, is_rarest: bool) -> str:
    n_rows = calibration.n_rows
    base = 10 ** max(int(np.ceil(np.log10(1 / rate) - 0.1)), 2)
    about = f"about {count_text(rate * base)} in {base:,} normal rows"
    if calibration.source == "training":
        return f"{about} ({n_rows:,} {ROWS['training']})"
    low, high = interval
    text = f"{about}, between {count_text(low * base)} and {count_text(high * base)} in {base:,}"
    rarest = ", the rarest that so few can show" if is_rarest else ""
    return f"{text} (95 %, {n_rows:,} {ROWS[calibration.source]}{rarest})"


def _rounded_up(rate: float) -> str:
    """Two significant digits, never below the rate: what is asked for must be granted."""
    unit = 10.0 ** (np.floor(np.log10(rate)) - 1)
    return f"{np.ceil(rate / unit - 1e-9) * unit:.2g}"


def count_text(value: float) -> str:
    """Two significant digits, without an exponent where a person would not use one."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"
