"""The gap: the distance in time beyond which rows of a table no longer depend on each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from oddrow.columns import EncodedTable, Kind, TableEncoding

Places = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LEVEL = 0.1
"""Rows count as independent at a lag if the rank autocorrelation, averaged over the features, is below this level."""
MAX_GAP_SHARE = 0.05
"""Largest gap, as a share of the rows of the longest sequence."""
LAG_RATIO = 1.2
"""Ratio of successive lags that are examined, from ten rows on."""
MAX_FEATURES = 64
"""Largest number of features that are examined, evenly spread over the features."""
MAX_ROWS = 200_000
"""Largest number of rows that are examined: the first ones, since neighbours in time are needed."""


def estimated_gap(encoding: TableEncoding, encoded: EncodedTable, position: Places, group: Places | None) -> int:
    """Return the smallest gap, in positions, beyond which rows [n] are about independent.

    The mean autocorrelation of the features' ranks, which determines how much nearer than others two rows are, is
    followed from lag 1 until it first falls below :data:`LEVEL` (or below what so few rows can show). A cycle, such as
    that of a day, is followed to its first zero only: the same hour of other days is evidence that a later row has as
    well. Features of times are left out for that reason. A trend of all columns gives the largest gap.
    """
    sequence = np.zeros(len(position), np.int64) if group is None else group
    order = np.lexsort((np.arange(len(position)), position, sequence))[:MAX_ROWS]
    sequence, placed = sequence[order], position[order]
    longest = int(np.bincount(np.unique(sequence, return_inverse=True)[1]).max(initial=0))
    features = _ranked(encoding, encoded.rows[order])
    last = max(int(MAX_GAP_SHARE * longest), 1)
    lag = _decorrelated(features, sequence, last)
    if lag == 0:
        return 0
    pairs = np.flatnonzero(sequence[lag:] == sequence[:-lag])
    if not len(pairs):
        return 0
    # rows of several sequences, or of equal times, lie between the two rows of a pair
    return int(np.ceil(np.quantile((placed[lag:] - placed[:-lag])[pairs], 0.9)))


def _ranked(encoding: TableEncoding, rows: npt.NDArray[np.float32]) -> Floats:
    """Return standardised ranks [n, d] of the features that vary and are not those of times."""
    kinds = [column.kind for column in encoding.schema.used]
    of_time = np.array([kind in (Kind.TIMESTAMP, Kind.COUNTER) for kind in kinds], np.bool_)
    places = np.flatnonzero(~of_time[np.asarray(encoding.layout.feature_column, np.int64)] & (np.ptp(rows, axis=0) > 0))
    places = places[np.linspace(0, len(places) - 1, min(len(places), MAX_FEATURES), dtype=np.int64)]
    ranked = np.empty((len(rows), len(places)))
    for column, place in enumerate(places):
        _, own, counts = np.unique(rows[:, place], return_inverse=True, return_counts=True)
        ranks = (np.cumsum(counts) - (counts - 1) / 2)[own]
        ranked[:, column] = (ranks - ranks.mean()) / ranks.std()
    return ranked


def _decorrelated(features: Floats, sequence: Places, last: int) -> int:
    """Return the number of rows between which rows are still correlated; at most ``last``."""
    lag = 1
    while lag <= last:
        pairs = np.flatnonzero(sequence[lag:] == sequence[:-lag])
        if len(pairs) < 2 or not features.shape[1]:
            return lag - 1
        correlation = np.einsum("nd,nd->d", features[pairs + lag], features[pairs]) / len(pairs)
        if correlation.mean() < max(LEVEL, 4.0 / np.sqrt(len(pairs))):
            return lag - 1
        lag = max(lag + 1, int(lag * LAG_RATIO))
    return last
