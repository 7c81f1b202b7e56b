"""Which columns are given for each column: those that tell most about it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from oddrow.expectations._subjects import Codes, Floats, Statistic, Subject, evenly
from oddrow.views import BLOCK_PARTS, COARSE_CODES, frequent_codes, mutual_information

CELL_ROWS = 40
"""Minimum number of training rows of a cell; with fewer, the 5 % and 95 % quantiles are single rows."""
CANDIDATES = 8
"""Number of columns that are tried as the second given column."""
MAX_GIVEN = 300
"""Maximum number of columns that may be given; of more columns, evenly spaced ones are taken."""
MAX_TWICE_GIVEN = 1_000
"""Maximum number of columns of a table in which a second given column is chosen: the search takes 0.2 ms a column."""
SEARCH_ROWS = 4_096
"""Maximum number of training rows with which the given columns are chosen."""
NUMBER_WEIGHT = 0.85
"""Weight of the information from a number or a time, relative to a name: a reader understands a name more easily, and
its codes have more rows."""
MIN_GAIN = 0.01
"""Minimum information in nats that the second given column must add."""


def given_columns(subjects: tuple[Subject, ...], codes: Codes) -> Codes:
    """Of each column [n_columns, 2] the one that tells most about it, and then the one that tells most beside that."""
    n_rows, n_columns = codes.shape
    given = np.full((n_columns, 2), -1, np.int64)
    may = np.flatnonzero([subject.is_given for subject in subjects])
    may = may[evenly(len(may), MAX_GIVEN)]
    if n_rows < CELL_ROWS or len(may) == 0:
        return given
    coarse = np.stack([_coarse(code, subject) for code, subject in zip(codes.T, subjects, strict=True)], axis=1)
    is_places = np.array([subjects[column].statistic is Statistic.PLACES for column in may])
    weight = np.where(is_places, 1.0, NUMBER_WEIGHT)
    for column, told in enumerate(_told(coarse, may)):
        if subjects[column].statistic is Statistic.NOTHING:
            continue
        order = np.argsort(-told * weight, kind="stable")[: CANDIDATES + 1]
        if not told[order[0]] > 0:
            continue
        given[column, 0] = first = may[order[0]]
        candidates = may[order[1:]]
        candidates = candidates[candidates != column]
        if len(candidates) and n_columns <= MAX_TWICE_GIVEN:
            gain = _told_by_both(coarse, column, first, candidates) - told[order[0]]
            if gain.max() > MIN_GAIN:
                given[column, 1] = candidates[np.argmax(gain * weight[np.searchsorted(may, candidates)])]
    return given


def _told(coarse: Codes, may: Codes) -> Iterator[Floats]:
    """Of each column the nats that each column that may be given tells of it; 0 of itself."""
    n_rows, n_codes = len(coarse), COARSE_CODES + 1
    taken = (coarse[:, may, None] == np.arange(n_codes)).astype(np.float32).reshape(n_rows, -1)
    for start in range(0, coarse.shape[1], BLOCK_PARTS):
        block = (coarse[:, start : start + BLOCK_PARTS, None] == np.arange(n_codes)).astype(np.float32)
        joint = (block.reshape(n_rows, -1).T @ taken).reshape(block.shape[1], n_codes, len(may), n_codes)
        told = mutual_information(joint.transpose(0, 2, 1, 3).astype(np.float64) / n_rows, n_rows)
        told[np.arange(start, start + block.shape[1])[:, None] == may] = 0.0
        yield from told


def _told_by_both(coarse: Codes, column: int, first: int, candidates: Codes) -> Floats:
    """Nats that the first given column and each candidate tell of a column together."""
    n_rows, n_codes = len(coarse), COARSE_CODES + 1
    both = coarse[:, first, None] * n_codes + coarse[:, candidates]
    places = (np.arange(len(candidates)) * n_codes**2 + both) * n_codes + coarse[:, column, None]
    counts = np.bincount(places.ravel(), minlength=len(candidates) * n_codes**3)
    told: Floats = mutual_information(counts.reshape(1, len(candidates), n_codes**2, n_codes) / n_rows, n_rows)[0]
    return told


def _coarse(codes: Codes, subject: Subject) -> Codes:
    """Codes [n] from 0 to 6: of a number or clock, neighbours together; of places, the rare ones together."""
    if subject.statistic is Statistic.PLACES:
        return frequent_codes(codes)
    missing = subject.n_codes - 1
    ranked = np.searchsorted(np.unique(codes), codes)
    n_ranks = int(ranked.max()) + 1 if len(ranked) else 1
    # the last code is that of no value, which is like no other
    return np.where(codes == missing, COARSE_CODES, ranked * COARSE_CODES // max(n_ranks, COARSE_CODES))
