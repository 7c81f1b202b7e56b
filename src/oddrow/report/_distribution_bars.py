"""Bars of a column's distribution: ranges between quantiles of the normal rows, or names; and the bar of each row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns import REFERENCE_LEVELS, ColumnReference, Kind, Values
from oddrow.explanation import in_words

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]

MAX_NAMES: Final = 12
"""Largest number of names with a bar each; all others share one."""
BAR_LEVELS: Final = (0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)
"""Levels of the quantiles that are ends of bars; the others of the reference are too close to the ends to see."""
FREQUENT: Final = 0.01
"""Smallest share of the rows with one number that makes it frequent."""
MISSING: Final = 255
"""Code of a row without a value, as bar and as shade."""
UNLISTED: Final = 254
"""Shade of a row whose name has no bar of its own."""
HIGHEST: Final = 250
"""Shade of a number above all training values; lower shades are its share of smaller normal rows, times 250."""
OTHER, NEVER_SEEN = "other", "never seen"
HIDDEN: Final = "(hidden)"


@dataclass(frozen=True)
class Bars:
    """The bars of a column, and the bar of each row.

    Attributes
    ----------
    labels : the label of each bar [b]
    normal : float64 [b], the shares of the normal rows with a value, which sum to 1
    bar : uint8 [n], the index of each row's bar; 255 where the value is missing
    n_named : number of bars, the first ones, of one name each; 0 for a column of numbers
    """

    labels: tuple[str, ...]
    normal: Floats
    bar: Codes
    n_named: int = 0

    def shares(self, rows: npt.NDArray[np.bool_] | None = None) -> Floats:
        """Return the shares [b] of all rows, or of some, that have a value; zeros if none has one."""
        bar = self.bar if rows is None else self.bar[rows]
        counts = np.bincount(bar[bar != MISSING], minlength=len(self.labels))
        return np.asarray(counts / max(counts.sum(), 1))


@dataclass(frozen=True)
class NormalQuantiles:
    """The different quantiles of a column in the normal rows.

    Attributes
    ----------
    values : float64 [q], ascending
    below : float64 [q]: fewer normal rows than this share are smaller than the value (none for the smallest)
    up_to : float64 [q]: at least this share is smaller or equal
    """

    values: Floats
    below: Floats
    up_to: Floats

    @classmethod
    def of(cls, reference: ColumnReference, levels: Sequence[float] = REFERENCE_LEVELS) -> NormalQuantiles:
        """Return the quantiles at some of the levels of the reference, which must have quantiles."""
        chosen = [REFERENCE_LEVELS.index(level) for level in levels]
        at, level = np.array(reference.quantiles)[chosen], np.array(levels, np.float64)
        # quantiles are ascending, so that equal ones are neighbours
        starts = np.concatenate([[0], np.flatnonzero(at[1:] != at[:-1]) + 1])
        return cls(at[starts], level[starts], level[np.append(starts[1:], len(at)) - 1])

    def places(self, numbers: Floats) -> Floats:
        """Return the share of smaller normal rows, linear between quantiles; for a frequent number the middle of it."""
        index = np.searchsorted(self.values, numbers)
        at = np.minimum(index, len(self.values) - 1)
        middle = (self.below + self.up_to) / 2
        ends = np.stack([self.up_to[:-1], self.below[1:]]) if len(self.values) > 1 else np.zeros((2, 0))
        found = np.where(index == 0, 0.0, np.where(index == len(self.values), 1.0, 0.0))
        inside = np.flatnonzero((index > 0) & (index < len(self.values)))
        if len(inside):
            piece = index[inside] - 1
            low, high = self.values[piece], self.values[piece + 1]
            # halves, since the difference of two huge values is infinite
            part = (numbers[inside] / 2 - low / 2) / (high / 2 - low / 2)
            found[inside] = ends[0, piece] + part * (ends[1, piece] - ends[0, piece])
        return np.where(numbers == self.values[at], middle[at], found)


def number_bars(
    reference: ColumnReference, numbers: Floats, kind: str, *, is_whole: bool = False, has_values: bool = True
) -> Bars:
    """Return bars between quantiles of the normal rows, and the bar of each number [n], NaN for a missing one.

    The reference holds a share of the normal rows only at its levels. Where a value is so frequent that a bar ends in
    the middle of it, the normal share up to it is known between two levels; it is then taken as near to the share of
    the rows as these allow, so that a difference that is shown exists.
    """
    quantiles = NormalQuantiles.of(reference, BAR_LEVELS)
    ends = quantiles.values
    missing = np.isnan(numbers)
    index = np.searchsorted(ends, numbers)
    is_tied = quantiles.up_to > quantiles.below
    # the smallest value has a bar of its own only if it is frequent
    has_first = bool(is_tied[0])
    bar = np.where(numbers < ends[0], 0, index + has_first)
    bar[(numbers == ends[0]) & (index == 0)] = 1
    n_bars = len(ends) + 1 + has_first
    bar[missing] = MISSING
    up_to = _normal_up_to(quantiles, numbers, is_tied)
    inner = np.diff(up_to, prepend=0.0) if has_first else np.diff(up_to)
    if not has_first and len(inner):
        inner[0] += up_to[0]
    normal = np.concatenate([[0.0], inner, [0.0]])
    labels = (HIDDEN,) * n_bars
    if has_values:
        labels = _range_labels(ends.tolist(), kind, has_first=has_first, is_whole=is_whole)
    return _without_empty_ends(Bars(labels, normal, bar.astype(np.uint8)))


def _normal_up_to(quantiles: NormalQuantiles, numbers: Floats, is_tied: npt.NDArray[np.bool_]) -> Floats:
    """Return the share [q] of the normal rows up to each quantile; of frequent values the nearest to that of the rows.

    A value is frequent if several levels have it, or if at least 1 % of the rows with a value have it.
    """
    n_present = max(int(np.sum(~np.isnan(numbers))), 1)
    smaller, at_most = (counts / n_present for counts in counts_to(quantiles.values, numbers))
    is_frequent = is_tied | (at_most - smaller >= FREQUENT)
    nearest = np.clip(at_most, quantiles.up_to, np.append(quantiles.below[1:], 1.0))
    up_to = np.where(is_frequent, nearest, quantiles.up_to)
    up_to[-1] = 1.0
    return np.asarray(up_to)


def counts_to(ends: Floats, numbers: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return how many numbers [n] are smaller than each of ascending ends [q], and how many are at most as large.

    NaN is neither.
    """
    ordered = np.sort(numbers)  # NaN comes last
    return np.searchsorted(ordered, ends, "left"), np.searchsorted(ordered, ends, "right")


def _without_empty_ends(bars: Bars) -> Bars:
    """Leave out the bars below and above all normal rows where no row is."""
    counts = np.bincount(bars.bar[bars.bar != MISSING], minlength=len(bars.labels))
    last = len(bars.labels) if counts[-1] else len(bars.labels) - 1
    first = 0 if counts[0] else 1
    bar = np.where(bars.bar == MISSING, MISSING, bars.bar - np.uint8(first)).astype(np.uint8)
    return Bars(bars.labels[first:last], bars.normal[first:last], bar)


def _range_labels(ends: list[float], kind: str, *, has_first: bool, is_whole: bool) -> tuple[str, ...]:
    text, texts = _texts_of(ends, kind)
    unit = " characters" if kind == Kind.TEXT else ""
    labels = [f"below {texts[0]}{unit}"]
    if has_first:
        labels.append(f"{texts[0]}{unit}")
    steps = is_whole or kind == Kind.TEXT
    for place, (low, high) in enumerate(pairwise(ends)):
        after = steps and (place or has_first) and low + 1 <= high
        start, stop = text(low + 1) if after else texts[place], texts[place + 1]
        labels.append(f"{stop}{unit}" if (low + 1 if after else low) == high else f"{start} to {stop}{unit}")
    return (*labels, f"above {texts[-1]}{unit}")


def _texts_of(ends: list[float], kind: str) -> tuple[Callable[[float], str], list[str]]:
    """Return a function that writes numbers with so many digits that the ends differ, and the ends so written."""
    if kind == Kind.TIMESTAMP:
        return moment_text, list(map(moment_text, ends))
    for digits in (3, 6, 9, 15):
        text = partial(number_text, digits=digits)
        texts = list(map(text, ends))
        if len(set(texts)) == len(ends):
            break
    return text, texts


def number_text(number: float, digits: int = 3) -> str:
    """Return a number as a sentence shows it; a whole one without a decimal point."""
    return in_words(int(number) if number.is_integer() and abs(number) < 2**53 else float(number), digits)


def moment_text(seconds: float) -> str:
    """Return the UTC time of seconds since 1970, a date at midnight; the number itself outside the calendar."""
    try:
        moment = dt.datetime(1970, 1, 1) + dt.timedelta(seconds=round(float(seconds)))
    except (OverflowError, ValueError):
        return number_text(seconds)
    return f"{moment:%Y-%m-%d}" if seconds % 86_400 == 0 else f"{moment:%Y-%m-%d %H:%M}"


def name_places(reference: ColumnReference, values: Values) -> npt.NDArray[np.int64]:
    """Return the index [n] of each value among the counted names: one more for any other name, -1 if it is missing."""
    known = reference.values
    if isinstance(values, np.ndarray):
        return np.where(np.isnan(values), -1, np.minimum(np.nan_to_num(values), len(known))).astype(np.int64)
    found = pc.fill_null(pc.index_in(values, pa.array(known, pa.string()), skip_nulls=True), len(known))
    return np.where(values.is_null().to_numpy(), -1, found.to_numpy().astype(np.int64))


def name_bars(
    reference: ColumnReference,
    values: Values,
    is_unseen: npt.NDArray[np.bool_],
    is_alert: npt.NDArray[np.bool_],
    *,
    has_values: bool = True,
) -> Bars:
    """Return one bar for each frequent name, one for all others, and one for names that training never showed.

    If the column has more than 12 counted names, those with the largest share among the normal rows, the rows or the
    alerts have a bar. ``values`` are strings, or indices of the counted values; ``is_unseen`` bool [n] marks names
    never seen in training.
    """
    known = reference.values
    place = name_places(reference, values)
    missing = place < 0
    shares = np.array(list(reference.shares.values()))
    kept = _kept_names(shares, place[~missing], place[~missing & is_alert])
    n_named = len(kept)
    new_place = np.full(len(known) + 1, n_named)
    new_place[kept] = np.arange(n_named)
    bar = new_place[place]
    bar[is_unseen] = n_named + 1
    bar[missing] = MISSING
    labels = [*(known[name] for name in kept)] if has_values else [HIDDEN] * n_named
    rest = max(1.0 - shares[kept].sum(), 0.0) if sum(reference.counts) + reference.n_others else 0.0
    normal = [*shares[kept], rest if rest > 1e-12 else 0.0]
    bars = Bars((*labels, OTHER, NEVER_SEEN), np.array([*normal, 0.0]), bar.astype(np.uint8), n_named)
    return _without_empty_rest(bars)


def _kept_names(shares: Floats, places: npt.NDArray[np.int64], alerts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    if len(shares) <= MAX_NAMES:
        return np.arange(len(shares))
    counted = [
        np.bincount(some, minlength=len(shares) + 1)[: len(shares)] / max(len(some), 1) for some in (places, alerts)
    ]
    largest = np.maximum.reduce([shares, *counted])
    return np.sort(np.argsort(-largest, kind="stable")[:MAX_NAMES])


def _without_empty_rest(bars: Bars) -> Bars:
    """Leave out the bars "other" and "never seen" where neither the rows nor the normal rows have any."""
    counts = np.bincount(bars.bar[bars.bar != MISSING], minlength=len(bars.labels))
    keeps = (counts > 0) | (bars.normal > 0)
    keeps[: bars.n_named] = True
    index = np.cumsum(keeps) - 1
    bar = np.where(bars.bar == MISSING, MISSING, index[np.minimum(bars.bar, len(keeps) - 1)])
    labels = tuple(label for label, kept in zip(bars.labels, keeps, strict=True) if kept)
    return Bars(labels, bars.normal[keeps], bar.astype(np.uint8), bars.n_named)


def number_shade(quantiles: NormalQuantiles, numbers: Floats) -> Codes:
    """Return the code [n] of each number: its place among the normal rows times 250; 255 where it is missing."""
    missing = np.isnan(numbers)
    places = quantiles.places(np.where(missing, quantiles.values[0], numbers))
    return np.where(missing, MISSING, np.rint(places * HIGHEST)).astype(np.uint8)


def name_shade(bars: Bars) -> Codes:
    """Return the code [n] of each name: its bar, 254 for a name without one, and 255 where it is missing."""
    return np.where((bars.bar < bars.n_named) | (bars.bar == MISSING), bars.bar, UNLISTED).astype(np.uint8)
