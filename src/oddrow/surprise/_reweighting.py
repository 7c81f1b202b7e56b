"""Weights of views and columns that are learned from verdicts on rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from oddrow.container import Arrays, ArrayStore
from oddrow.exceptions import ModelFileError
from oddrow.views import Evidence, ScaledViews, power_mean, split_total

Floats = npt.NDArray[np.float64]

MAX_PARTS_ROWS: Final = 10_000
"""Largest number of calibration rows whose parts a model keeps."""
MAX_PARTS_VALUES: Final = 1 << 20
"""Largest number of values of these parts: 8 MB of a model file."""
STEPS: Final = 150
"""Steps of mirror descent. With some dozens of labelled rows more change the factors by less than 0.02; with
thousands, whose pull is weak, the end after these steps keeps the factors nearer to the default."""
STEP_SIZE: Final = 0.5
STEEPNESS: Final = 2.0
"""Factor of the log of a score in the logistic loss."""
PULL: Final = 1.5
"""Weight of the pull to the default factors, divided by the number of labelled rows."""
FOLDS: Final = 5
"""Folds of the labelled rows in the cross-validation."""
MAX_NOVELTY: Final = 1e9
"""Largest novelty of a row that a model file may hold."""
MAX_LOG: Final = 5.0
"""Largest log of a factor before the factors of the views are divided by their mean."""
MAX_FACTOR: Final = 1e5
"""Largest factor that a model file may hold; the inverse is the smallest."""
MIN_SCORE: Final = 1e-6
"""Scores below this one are taken as this one where their logarithm is needed."""


@dataclass(frozen=True)
class ScoreParts:
    """The parts of scores that learned weights are applied to.

    Attributes
    ----------
    nats : float64 [n, n_views], the nats of each view
    novelty : float64 [n], the novelty of all values together, nats
    shares : float64 [n, n_columns + 1], the share of each column, and last of the combination of columns, in the score
        with the default weights; all 0 where that is 0
    """

    nats: Floats
    novelty: Floats
    shares: Floats

    def __len__(self) -> int:
        return len(self.nats)

    @property
    def n_values(self) -> int:
        """The number of values of a row."""
        return int(self.nats.shape[1] + 1 + self.shares.shape[1])

    @property
    def key(self) -> bytes:
        """What tells the parts of these rows from others, bit for bit."""
        return b"".join(part.tobytes() for part in (self.nats, self.novelty, self.shares))

    @classmethod
    def of(cls, scaled: ScaledViews, evidence: Evidence) -> ScoreParts:
        """Return the parts of rows from their views and from their evidence with the default weights."""
        parts = np.column_stack([evidence.column, evidence.combination])
        total = parts.sum(axis=1, keepdims=True)
        shares = np.divide(parts, total, out=np.zeros_like(parts), where=total > 0)
        return cls(scaled.nats, scaled.novelty.sum(axis=1), shares)

    def take(self, places: npt.NDArray[np.integer]) -> ScoreParts:
        """Return the parts of some rows."""
        return ScoreParts(self.nats[places], self.novelty[places], self.shares[places])

    @classmethod
    def joined(cls, batches: Sequence[ScoreParts]) -> ScoreParts:
        """Return the parts of the rows of several batches."""
        return cls(
            np.concatenate([batch.nats for batch in batches]),
            np.concatenate([batch.novelty for batch in batches]),
            np.concatenate([batch.shares for batch in batches]),
        )

    def packed(self) -> Arrays:
        """Return the parts as arrays."""
        return {"nats": self.nats, "novelty": self.novelty, "shares": self.shares}

    @classmethod
    def unpacked(cls, store: ArrayStore, n_views: int, n_columns: int, max_nats: float) -> ScoreParts:
        """Rebuild the parts of at least one row; refuse negative ones, and shares and nats that are too large."""
        nats = store.take("nats", np.float64, (None, n_views))
        novelty = store.take("novelty", np.float64, (len(nats),))
        shares = store.take("shares", np.float64, (len(nats), n_columns + 1))
        most = {"nats": (nats, max_nats), "novelty": (novelty, MAX_NOVELTY), "shares": (shares, 1.0 + 1e-9)}
        for name, (values, largest) in most.items():
            if not len(nats) or values.min(initial=0.0) < 0 or values.max(initial=0.0) > largest:
                raise ModelFileError(f"{store.name_of(name)!r} is empty, or has values below 0 or above {largest:g}")
        return cls(nats, novelty, shares)


def kept_rows(n_rows: int, n_values: int) -> npt.NDArray[np.int64]:
    """Return which of ``n_rows`` calibration rows keep their parts of ``n_values`` values each: evenly spread ones.

    Examples
    --------
    >>> kept_rows(5, 12).tolist()
    [0, 1, 2, 3, 4]
    >>> kept_rows(100_000, 40)[:3].tolist()
    [0, 10, 20]
    """
    kept = min(n_rows, MAX_PARTS_ROWS, max(MAX_PARTS_VALUES // n_values, 1))
    return np.linspace(0, n_rows - 1, kept, dtype=np.int64)


@dataclass(frozen=True)
class Reweighting:
    """Factors of the weights of views and of the parts of columns.

    The score of a row is ``(M + novelty) * sum_j c_j s_j``: ``M`` is the power mean of the views' nats with the weights
    ``w_v``, each times the factor of its view; ``s_j`` is the share of column j (last of the combination) in the score
    with the default weights, and ``c_j`` its factor. With all factors 1 it is the score with the default weights.

    Attributes
    ----------
    views : float64 [n_views], the factors of the views, > 0, their mean weighted by the default weights 1
    columns : float64 [n_columns + 1], the factors of the columns, and last of the combination, > 0, geometric mean 1
    learned_from : the parts of the labelled rows
    """

    views: Floats
    columns: Floats
    learned_from: ScoreParts

    @property
    def is_neutral(self) -> bool:
        """Whether all factors are 1."""
        return bool((self.views == 1.0).all() and (self.columns == 1.0).all())

    @classmethod
    def neutral(cls, rows: ScoreParts) -> Reweighting:
        """Return factors of 1, learned from labelled rows."""
        return cls(np.ones(rows.nats.shape[1]), np.ones(rows.shares.shape[1]), rows)

    @classmethod
    def learn(cls, rows: ScoreParts, is_real: npt.NDArray[np.bool_], weights: Floats, power: float) -> Reweighting:
        """Learn from labelled rows [n], n >= 1; all factors are 1 if learned ones rank left-out rows worse.

        This is judged by cross-validation: the factors are learned without a fifth of each class and rank it. They are
        used if real rows then lie above false alarms at least as often as with the default weights. Rows of one class
        cannot be ranked, so that factors learned from them are used without this test.

        Parameters
        ----------
        rows, is_real
            The parts of the labelled rows, and which of them are real; the others are false alarms.
        weights, power
            The default weights of the views [n_views], and the exponent of the power mean.
        """
        learned, plain = cls._descended(rows, is_real, weights, power), cls.neutral(rows)
        if is_real.all() or not is_real.any():
            return learned
        default = plain.raw(rows, weights, power)
        by_others = default.copy()
        fold = np.where(is_real, np.cumsum(is_real), np.cumsum(~is_real)) % FOLDS
        for number in range(FOLDS):
            known, left_out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            if is_real[known].all() or not is_real[known].any():
                continue
            of_known = rows.take(known)
            one = cls._descended(of_known, is_real[known], weights, power)
            # factors of different folds are comparable relative to the middle of their rows
            unit = np.median(default[known]) / max(np.median(one.raw(of_known, weights, power)), MIN_SCORE)
            by_others[left_out] = one.raw(rows.take(left_out), weights, power) * unit
        return learned if _ranked(by_others, is_real) >= _ranked(default, is_real) else plain

    @classmethod
    def _descended(cls, rows: ScoreParts, is_real: npt.NDArray[np.bool_], weights: Floats, power: float) -> Reweighting:
        """Learn by mirror descent with the relative entropy to the default.

        The loss of a row is ``log(1 + exp(-2 y x)) / 2`` with y = 1 for real rows and -1 for false alarms, and x the
        log of its score relative to the median of the labelled rows with the default weights: real rows should lie
        above it, false alarms below. Both classes weigh the same. To the loss the relative entropy to the default is
        added, times the pull, which is less the more rows are labelled. Mirror descent with the relative entropy
        multiplies each factor by the exponential of its negative gradient (exponentiated gradient), so factors stay
        positive. Siddiqui and others (2018) take such a step for each verdict as it comes; here all verdicts are in
        each step, so that their order does not matter.
        """
        share = weights / weights.sum()
        raised, shares, sign = np.expm1(rows.nats * power), rows.shares, np.where(is_real, 1.0, -1.0)
        weight = np.where(is_real, 1.0 / max(is_real.sum(), 1), 1.0 / max((~is_real).sum(), 1))
        log_views, log_columns = np.zeros(len(share)), np.zeros(shares.shape[1])
        views, columns, reference, pull = np.ones_like(log_views), np.ones_like(log_columns), None, PULL / len(sign)
        for _ in range(STEPS):
            brought = raised * (share * views)
            mean = 1.0 + brought.sum(axis=1, keepdims=True)
            total = np.maximum(np.log(mean[:, 0]) / power + rows.novelty, MIN_SCORE)
            scaled = np.maximum((shares * columns).sum(axis=1), MIN_SCORE)
            log_score = np.log(total) + np.log(scaled)
            reference = np.median(log_score) if reference is None else reference
            slope = -sign * weight / (1.0 + np.exp(STEEPNESS * sign * (log_score - reference)))
            by_view = (brought - (mean - 1.0) * (share * views)) / mean / power / total[:, None]
            by_column = shares * columns / scaled[:, None]
            log_views -= STEP_SIZE * ((slope[:, None] * by_view).sum(axis=0) / views + pull * log_views)
            log_columns -= STEP_SIZE * ((slope[:, None] * by_column).sum(axis=0) / columns + pull * log_columns)
            views, columns = (np.exp(np.clip(logs, -MAX_LOG, MAX_LOG)) for logs in (log_views, log_columns))
            views /= (share * views).sum()
        # only the ratios of the columns' factors matter, since the scores are calibrated anew
        return cls(views, columns / np.exp(np.log(columns).mean()), rows)

    def raw(self, rows: ScoreParts, weights: Floats, power: float) -> Floats:
        """Return the raw scores [n] of rows; ``weights`` and ``power`` as in :meth:`learn`."""
        combined = power_mean(rows.nats, power, weights * self.views) + rows.novelty
        # a sum of products instead of a matrix product: the score of a row must not depend on the number of rows
        return np.asarray(combined * (rows.shares * self.columns).sum(axis=1))

    def evidence(self, scaled: ScaledViews, rows: ScoreParts, weights: Floats) -> Evidence:
        """Return the evidence of rows: their raw scores, split as the factors divide them."""
        own = scaled.combined(weights * self.views)
        raw = self.raw(rows, weights, scaled.power)
        return Evidence(*split_total(raw, own.column * self.columns[:-1], own.combination * self.columns[-1]))

    def packed(self) -> Arrays:
        """Return the factors, and the parts of the labelled rows."""
        return {"views": self.views, "columns": self.columns} | self.learned_from.packed()

    @classmethod
    def unpacked(cls, store: ArrayStore, n_views: int, n_columns: int, max_nats: float) -> Reweighting:
        """Rebuild the factors; refuse those that no verdicts can give."""
        views, columns = (
            store.take("views", np.float64, (n_views,)),
            store.take("columns", np.float64, (n_columns + 1,)),
        )
        factors = np.concatenate([views, columns])
        if factors.min() < 1 / MAX_FACTOR or factors.max() > MAX_FACTOR:
            raise ModelFileError(
                f"the factors of {store.component!r} are not from {1 / MAX_FACTOR:g} to {MAX_FACTOR:g}"
            )
        return cls(views, columns, ScoreParts.unpacked(store, n_views, n_columns, max_nats))


def _ranked(scores: Floats, is_real: npt.NDArray[np.bool_]) -> float:
    """Return how often a real row scores above a false alarm; a tie counts one half."""
    real, other = scores[is_real], np.sort(scores[~is_real])
    below = np.searchsorted(other, real, "left") + np.searchsorted(other, real, "right")
    return float(below.mean() / (2 * len(other)))
