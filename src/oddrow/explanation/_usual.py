"""The usual range or values of a column, in its own units and in words."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from oddrow.expectations import Expectations, Statistic, Subject
from oddrow.fitted import FittedModel

MOSTLY, SOMETIMES = 0.5, 0.05
"""Shares of missing values above which a missing value is expected, and above which it is named as usual."""
MAX_NAMED = 15
"""Maximum number of usual names for which the most frequent ones are listed; for more, only their number is given."""
LONG_ARC = 20 * 3_600
"""Length in seconds above which the usual part of the day is not named, since it is nearly the whole day."""
RARE = "(rare)"
"""Name that the encoding of a category gives to all rare names together."""
LONG_DECIMAL = re.compile(r"[-+]?[0-9]{1,15}\.[0-9]{7,30}([eE][-+]?[0-9]{1,2})?")
MIN_LONG = 8
"""Length of a text up to which it is no long decimal, which is quicker to see."""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEEKDAYS, WEEKEND, EVERY_DAY = 0b0011111, 0b1100000, 0b1111111


Places: TypeAlias = npt.NDArray[np.int64]


class Usual(NamedTuple):
    """The expected value of a column (None for a missing value), and the usual range or values in words, if any.

    Both hold given the values of ``given``: the indices of at most two other columns.
    """

    expected: object
    words: str | None
    given: tuple[int, ...] = ()


def usual(
    model: FittedModel, expectations: Expectations, columns: Places, cells: Places
) -> dict[tuple[int, int], Usual]:
    """Describe what is usual for columns in cells of the :class:`Expectations`, two arrays of one shape.

    Returns what is described, by column and cell. Each cell is described once, the cells of a column together.
    """
    described: dict[tuple[int, int], Usual] = expectations.described
    new: dict[int, list[int]] = {}
    for column, cell in set(zip(columns.ravel().tolist(), cells.ravel().tolist(), strict=True)):
        if (column, cell) not in described:
            new.setdefault(column, []).append(cell)
    for column, own in new.items():
        described.update(zip(((column, cell) for cell in own), _usual(model, expectations, column, own), strict=True))
    return described


def _usual(model: FittedModel, expectations: Expectations, column: int, cells: list[int]) -> list[Usual]:
    encoding, subject = model.encoding.columns[column], expectations.subjects[column]
    values = expectations.values[column][cells]
    if subject.statistic is Statistic.NOTHING:
        found = [_without_features(encoding)] * len(cells)
    elif subject.statistic is Statistic.RANGE:
        found = _ranges(encoding, values)
    elif subject.statistic is Statistic.PLACES:
        found = [_places(encoding, subject, own, column, model) for own in values]
    else:
        found = [_clock(encoding, own) for own in values]
    missing = expectations.missing[column][cells].tolist()
    return [
        _or_missing(one, share)._replace(given=expectations.given_columns(column, cell))
        for one, share, cell in zip(found, missing, cells, strict=True)
    ]


def _or_missing(found: Usual, missing: float) -> Usual:
    """Say that a value is missing as often as not, or is sometimes missing; ``missing`` is the share of such rows."""
    if missing > MOSTLY:
        rest = "" if found.words is None or missing > 1 - SOMETIMES else f" or {found.words}"
        return Usual(None, f"missing{rest}")
    if missing > SOMETIMES and found.words is not None:
        return found._replace(words=f"{found.words} or missing")
    return found


def _without_features(encoding: Any) -> Usual:
    """Describe a column without features: a constant by its value, a running column by its range in training."""
    if encoding.kind == "constant":
        return Usual(encoding.value, encoding.value)
    return Usual(None, running_on(encoding))


def running_on(encoding: Any) -> str | None:
    """Describe the training range of a running column, such as a counter; None if the encoding has none."""
    scaling = getattr(encoding, "scaling", encoding)
    low, high = getattr(scaling, "low", None), getattr(scaling, "high", None)
    if low is None or high is None:
        return None
    if scaling is not encoding:
        low, high = (float(scaling.invert(np.array([end]))[0]) for end in (low, high))
    if encoding.kind in ("timestamp", "clock"):
        moments = [_date(second) for second in (low, high)]
        return None if None in moments else f"from {moments[0]} to {moments[1]}, running on"
    return f"from {in_words(_tidy(low))} to {in_words(_tidy(high))}, running on"


def _tidy(value: float) -> object:
    return int(value) if value == np.floor(value) and abs(value) < 2**63 else value


def _date(seconds: float) -> str | None:
    try:
        return f"{dt.datetime(1970, 1, 1) + dt.timedelta(seconds=round(seconds)):%Y-%m-%d}"
    except (OverflowError, ValueError):
        return None


def _ranges(encoding: Any, values: npt.NDArray[np.float32]) -> list[Usual]:
    """Describe ranges by the features [k, 3] of their low end, their middle and their high end."""
    features = np.zeros((values.size, encoding.n_features), np.float32)
    features[:, 0] = values.ravel()
    decoded = encoding.decode(features)
    lows, middles, highs = decoded[::3], decoded[1::3], decoded[2::3]
    if encoding.kind == "text":
        lengths = encoding.length.invert(values.astype(np.float64))
        letters = np.maximum(np.round(np.expm1(np.minimum(lengths, 40.0))), 0).astype(np.int64).tolist()
        return [
            Usual(middle, f"{_between(low, high)} characters")
            for middle, (low, _, high) in zip(middles, letters, strict=True)
        ]
    return [Usual(middle, _between(low, high)) for low, middle, high in zip(lows, middles, highs, strict=True)]


def _between(low: object, high: object) -> str:
    first, last = in_words(low), in_words(high)
    return first if first == last else f"{first} to {last}"


def _places(encoding: Any, subject: Subject, values: Any, column: int, model: FittedModel) -> Usual:
    kept = [int(place) for place in values[:-1] if place >= 0] or [0]
    features = np.zeros((len(kept), encoding.n_features), np.float32)
    if len(subject.features) == 1:
        features[:, 0] = kept
    else:
        first = model.encoding.layout.feature_column.index(column)
        offsets = [subject.features[min(place, len(subject.features) - 1)] - first for place in kept]
        features[np.arange(len(kept)), offsets] = 1.0
    # the rare names together may be the most frequent place, but no single one of them is an expected value
    names = sorted(encoding.decode(features), key=lambda name: name == RARE)
    n_usual = int(values[-1])
    if n_usual > MAX_NAMED:
        # the place of the rare names is one of those counted, and stands for many names
        words = f"one of {n_usual - 1} names, or a rare one" if RARE in names else f"one of {n_usual} names"
        return Usual(names[0], words)
    more = [f"{n_usual - len(kept)} more"] if n_usual > len(kept) else []
    return Usual(names[0], ", ".join([*("rare ones" if name == RARE else in_words(name) for name in names), *more]))


def _clock(encoding: Any, values: Any) -> Usual:
    start, stop, days = float(values[0]), float(values[1]), int(values[2])
    length = (stop - start) % 86_400
    middle = int(start + length / 2) % 86_400
    hours = "" if length > LONG_ARC else f"{_minute(start)} to {_minute(stop)}"
    if length == 0:
        hours = "" if start == 0 else _minute(start)  # dates have no time of day
    if days == WEEKDAYS:
        on = "on weekdays"
    elif days == WEEKEND:
        on = "on weekends"
    else:
        on = "" if days == EVERY_DAY else f"on {_day_names(days)}"
    words = " ".join(filter(None, (hours, on))) or running_on(encoding)
    return Usual(dt.time(middle // 3_600, middle // 60 % 60), words)


def _day_names(days: int) -> str:
    """Name the days; three or more consecutive days become ``Mon to Sat``."""
    chosen = [bit for bit in range(7) if days >> bit & 1]
    if len(chosen) >= 3 and chosen[-1] - chosen[0] == len(chosen) - 1:
        return f"{DAYS[chosen[0]]} to {DAYS[chosen[-1]]}"
    return ", ".join(DAYS[bit] for bit in chosen)


def _minute(seconds: float) -> str:
    return f"{int(seconds) // 3_600:02}:{int(seconds) // 60 % 60:02}"


def in_words(value: object, digits: int = 3) -> str:
    """Format a value for a sentence, with separators from 10,000 on and with ``digits`` digits for fractions.

    Examples
    --------
    >>> in_words(17.034), in_words(4443.19), in_words(2024), in_words(65535), in_words(True), in_words(None)
    ('17', '4,443', '2024', '65,535', 'true', 'missing')
    >>> in_words(0.000123456), in_words(2.5e12), in_words("2.0513127080206166")
    ('0.000123', '2.5e+12', '2.05')
    """
    value = as_number_if_long(value)
    if isinstance(value, float):
        return float_in_words(value, digits)
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value) if abs(value) < 10_000 else f"{value:,}" if abs(value) < 10**15 else f"{value:.3g}"
    return str(value)


def float_in_words(value: float, digits: int) -> str:
    """Format a floating-point number as :func:`in_words` does."""
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.3g}"
    return f"{value:.{digits}g}"


def as_number_if_long(value: object) -> object:
    """Return a text of a number with more than six decimals as a number, since a CSV file may write all its digits."""
    if isinstance(value, str) and len(value) > MIN_LONG and LONG_DECIMAL.fullmatch(value):
        return float(value)
    return value
