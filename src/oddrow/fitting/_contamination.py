"""How many rows of a table stand out from the rest: judged without labels, without a clean table, without a network.

One table alone cannot say which of its rows are odd: conformal p-values against the table's own rows are uniform
whatever it holds. What it can show is its *shape*: the isolation of ordinary rows falls off in a tail, and rows that
lie beyond where that tail would end are too many.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oddrow.columns import EncodedTable, FeatureLayout
from oddrow.views import KindLevels, Samples, Space

Floats = npt.NDArray[np.float64]

BULK = (0.8, 0.9)
"""Quantiles between which the tail of ordinary rows is learned."""
MIN_BULK_VALUES = 8
"""Different values between them without which there is no tail to learn."""

HEAVY_TAIL, LIGHT_TAIL = 1.0, 1.4
"""Shapes of the tail of the logarithm: exponential for the estimate, nearer to normal for its upper end."""
FEW_ROWS = 1_000
"""In a table of fewer rows a single one may be counted, by its distance alone: the tail's excess is at least three."""
LONE_DISTANCE = 30.0
"""Typical distances between two rows by which such a row is apart from the others. In a table of few rows no tail can
be learned so far out. By simulation of tables without an odd row, of one column and 10 to 900 rows: none of 800 normal
or uniform ones has a row that far, and of log-normal ones 2.5 % with 900 rows and none with fewer."""
PAIRED_ROWS = 200
"""Rows at most between which typical distances are taken, evenly spread."""
BOOTSTRAPS = 200
CONFIDENCE = 0.95


@dataclass(frozen=True)
class OddShare:
    """How large a share of a table's rows stands out.

    Attributes
    ----------
    share : estimate, from 0; 0 where nothing stands out beyond doubt
    low, high : ends of a 95 % interval (of sampling, and of how heavy the tail of ordinary rows may be)
    """

    share: float
    low: float
    high: float

    def at_most(self, other: OddShare) -> OddShare:
        """The lower of two estimates, and of each end of their intervals."""
        return OddShare(min(self.share, other.share), min(self.low, other.low), min(self.high, other.high))


def isolation(layout: FeatureLayout, encoded: EncodedTable, rng: np.random.Generator) -> Floats:
    """How far each row lies from the others [n]: the mean over small samples of the distance to the nearest in each.

    A row is never compared with itself. The nearest neighbour in the whole table would not do: odd rows come in
    groups, and each is then the other's excuse. A sample of 16 seldom holds one of a few percent (Sugiyama and
    Borgwardt 2013, *Rapid distance-based outlier detection via sampling*).
    """
    return Samples.draw(layout, encoded, rng).distance(encoded, np.arange(len(encoded.rows)))


def typical_distance(layout: FeatureLayout, encoded: EncodedTable) -> float:
    """Median distance between two rows that differ, in the space of :func:`isolation`; 0 where none do."""
    step = -(-len(encoded.rows) // PAIRED_ROWS)
    rows = Space.encoded(layout).apply(encoded.rows[::step]).astype(np.float64)
    distances = np.concatenate(
        [np.sqrt(((rows[place + 1 :] - row) ** 2).sum(axis=1)) for place, row in enumerate(rows)]
    )
    distances = distances[distances > 0]
    return float(np.median(distances)) if len(distances) else 0.0


def isolation_within_kinds(layout: FeatureLayout, encoded: EncodedTable, isolations: Floats) -> Floats:
    """Isolation [n], divided by how much larger it is for the kind of row, see :class:`KindLevels`.

    A small sample seldom holds an odd row, but it seldom holds a row of a kind of a few percent either, such as the
    payments to one shop.
    """
    return KindLevels.of_distances(layout, encoded.rows, isolations).relative(encoded.rows, isolations)


def estimate_odd_share(isolations: Floats, rng: np.random.Generator, typical: float = np.inf) -> OddShare:
    """How many rows are more isolated [n] than the tail of the others explains.

    The logarithm of the isolation is given an exponential tail (so the isolation itself a Pareto tail, heavier than
    most ordinary tables have), learned between the 80 % and the 90 % quantile. The estimate is the largest excess of
    rows beyond any level over what the tail expects there and two standard deviations more, so that a table without
    odd rows gives 0 and not a small number. The interval is a bootstrap's; its upper end supposes a lighter tail, and
    no standard deviations. Odd rows that are no more isolated than ordinary ones cannot be counted by anyone.

    The tail counts no less than three rows. In a table of few rows, ``typical`` (see :func:`typical_distance`) lets it
    count the rows as well whose isolation is more than 30 typical distances between two rows.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> ordinary = rng.gamma(9.0, size=950)
    >>> estimate_odd_share(ordinary, rng).share
    0.0
    >>> estimate = estimate_odd_share(np.concatenate([ordinary, rng.gamma(9.0, size=50) + 60.0]), rng)
    >>> estimate.low <= estimate.share <= 0.05 <= estimate.high
    True
    """
    n_rows = len(isolations)
    positive = isolations[isolations > 0]
    if len(positive) == 0:
        return OddShare(0.0, 0.0, 0.0)
    logs = np.log(np.maximum(isolations, positive.min()))
    count = _excess(logs, HEAVY_TAIL, deviations=2.0)
    lone = int(np.sum(isolations > LONE_DISTANCE * typical)) if typical > 0 and n_rows < FEW_ROWS else 0
    if count is None:  # too few rows, or values too much alike, to have a tail: whatever lies above it may be odd
        return OddShare(lone / n_rows, lone / n_rows, max(lone / n_rows, 1.0 - BULK[1]))
    lows, highs = [], []
    for _ in range(BOOTSTRAPS):
        drawn = logs[rng.integers(n_rows, size=n_rows)]
        lows.append(_excess(drawn, HEAVY_TAIL, deviations=2.0) or 0)
        highs.append(_excess(drawn, LIGHT_TAIL, deviations=0.0) or 0)
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = float(np.quantile(lows, tail)), float(np.quantile(highs, 1.0 - tail))
    count, low = max(count, lone), max(low, float(lone))
    return OddShare(count / n_rows, min(low, count) / n_rows, max(high, count) / n_rows)


def _excess(logs: Floats, shape: float, deviations: float) -> int | None:
    """Rows beyond what a Weibull tail ``exp(-(x / scale)^shape)`` of this shape explains; None where there is none.

    The tail is that of the rows that are not in excess, so their number is found in a few rounds.
    """
    ordered = np.sort(logs)
    count = 0
    for _ in range(5):
        ordinary = len(ordered) - count
        first, last = int(BULK[0] * ordinary), int(BULK[1] * ordinary)
        start, stop = ordered[first], ordered[last]
        inside = ordered[first:last] - start
        if len(np.unique(inside)) < MIN_BULK_VALUES:
            return None
        # maximum likelihood of the scale, the rows above the bulk known only to lie above it
        scale = (np.sum(inside**shape) + (ordinary - last) * (stop - start) ** shape) / len(inside)
        levels = (ordinary - last) / ordinary * 0.5 ** np.arange(1, 1 + max(1, int(np.log2(ordinary - last)) + 2))
        beyond = start + (scale * np.log((1.0 - BULK[0]) / levels)) ** (1.0 / shape)
        found = len(ordered) - np.searchsorted(ordered, beyond, side="right")
        expected = levels * ordinary
        excess = int(max(0.0, np.max(found - expected - deviations * np.sqrt(expected + 1.0))))
        if excess == count:
            break
        count = excess
    return count
