"""Whether a table as a whole differs from normal rows: a classifier separates these from the table's rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from oddrow.scoring_constants import ScoringConstants
from oddrow.views import scale_of

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.float32]

N_FOLDS = 5
"""Number of parts of all rows, each judged by a classifier of the others."""
N_TREES = 100
"""Number of trees of each classifier."""
MAX_LEARNED = 20_000
"""Maximum number of normal rows that the classifier learns from."""
MIN_SHARE = 0.05
"""The evidence of the classifier counts only if at least this share of the table seems to be odd."""
DEVIATIONS = 2.241403
"""Standard errors on each side of an interval of 97.5 %: two are made, and both hold together with at least 95 %."""
LEAST_ODDS = 1e-6
"""The classifier's probabilities are kept so far from 0 and 1; further out they are rounding."""


class Separation(NamedTuple):
    """The share of a table's rows that must be odd, so that scores separate it from normal rows as they do.

    ``low`` and ``high`` are the ends of a 97.5 % interval; all three are at least 0 and at most 1.
    """

    share: float
    low: float
    high: float

    @property
    def is_enough(self) -> bool:
        """Whether the estimate is at least :data:`MIN_SHARE`, and its interval excludes 0."""
        return self.share >= MIN_SHARE and self.low > 0

    @classmethod
    def of(cls, normal: Floats, mixed: Floats, n_table: int) -> Separation:
        """Estimate the share from the scores of normal rows [n] and of mixed rows [m], ``n_table`` of them the table's.

        A is the probability that a mixed row scores higher than a normal one (AUROC). The normal rows among the mixed
        ones score like the others, so that ``A = (1 - r) / 2 + r B``, where r is the share of odd rows among the mixed
        ones and B <= 1 the AUROC of the odd rows. Hence ``r >= 2 A - 1``: the estimate is ``(2 A - 1) m / n_table``,
        the smallest share of the table that explains the separation. It is too low where odd rows score like normal
        ones. The interval has the standard error of Hanley and McNeil (*The meaning and use of the area under a ROC
        curve*, 1982).

        Examples
        --------
        >>> Separation.of(np.arange(100.0), np.arange(100.0), 50).share
        0.0
        >>> round(Separation.of(np.arange(100.0), np.r_[np.arange(100.0), np.full(25, 200.0)], 50).share, 2)
        0.5
        """
        n_normal, n_mixed = len(normal), len(mixed)
        ordered = np.sort(normal)
        below = np.searchsorted(ordered, mixed, "left") + np.searchsorted(ordered, mixed, "right")
        area = float(below.sum()) / (2.0 * n_normal * n_mixed)
        one, two = area / (2.0 - area), 2.0 * area**2 / (1.0 + area)
        spread = area * (1.0 - area) + (n_mixed - 1) * (one - area**2) + (n_normal - 1) * (two - area**2)
        # perfect separation has no spread by this formula; one row of either kind is the least that is known
        error = max(np.sqrt(max(spread, 0.0) / (n_normal * n_mixed)), 0.5 / min(n_normal, n_mixed))
        share, reach = (2.0 * area - 1.0) * n_mixed / n_table, DEVIATIONS * 2.0 * error * n_mixed / n_table
        return cls(*(float(np.clip(value, 0.0, 1.0)) for value in (share, share - reach, share + reach)))


@dataclass(frozen=True)
class BatchEvidence:
    """What a table as a whole says about its rows.

    Attributes
    ----------
    share : the estimated share of rows that are odd: the larger of two estimates of :meth:`Separation.of`, by the
        classifier's odds and by the detector's surprise. Odd rows that look normal are not counted
    low, high : ends of its 95 % interval
    is_used : whether the classifier's nats count in the scores: by one of the two estimates at least 5 % of the rows
        are odd, and its interval excludes 0
    """

    share: float
    low: float
    high: float
    is_used: bool

    @classmethod
    def of(cls, *separations: Separation) -> BatchEvidence:
        """Judge by the scores of one or more kinds."""
        largest = max(separations)
        is_used = any(separation.is_enough for separation in separations)
        return cls(largest.share, largest.low, largest.high, is_used)

    def __str__(self) -> str:
        share = f"about {self.share:.1%} of the rows differ from the normal rows"
        estimate = f"{share} (95 %: {self.low:.1%} to {self.high:.1%})".replace("%", " %").replace("  %", " %")
        if self.is_used:
            return f"the table as a whole was compared with the normal rows and counts in the scores: {estimate}"
        return f"the table as a whole was compared with the normal rows, but does not count in the scores: {estimate}"


@dataclass(frozen=True)
class MixtureOdds:
    """How much more normal rows and mixed rows look like the mixed ones: log odds [n] and [m] of a classifier."""

    normal: Floats
    mixed: Floats

    @classmethod
    def learn(cls, learned: Rows, mixed: Rows, rng: np.random.Generator) -> MixtureOdds:
        """Separate normal rows, encoded [n, n_features], from mixed rows [m, n_features].

        The mixed rows are those of a table, and normal rows held out to calibrate its scores. Extremely randomised
        trees (Geurts, Ernst and Wehenkel 2006) judge all rows in folds, each by the trees of the other folds.

        Nothing depends on which of the mixed rows are the table's, nor on their order: equal rows share a fold, the
        folds are drawn among the sorted different rows, and the trees learn from sorted rows. So the held-out normal
        rows and the normal rows of the table are exchangeable, and conformal p-values are valid for every score that is
        made of a row and its odds (Marandon, Lei, Mary and Roquain, *Adaptive novelty detection with false discovery
        rate guarantee*, Annals of Statistics 2024).
        """
        if len(learned) > MAX_LEARNED:
            learned = learned[np.sort(rng.permutation(len(learned))[:MAX_LEARNED])]
        rows = np.concatenate([learned, mixed])
        is_mixed = np.arange(len(rows)) >= len(learned)
        distinct, place = np.unique(rows, axis=0, return_inverse=True)
        place = place.reshape(-1)
        fold = rng.permutation(np.arange(len(distinct)) % N_FOLDS)[place]
        order = np.lexsort((is_mixed, place))
        seed = int(rng.integers(2**31))
        odds = np.zeros(len(rows))
        for part in range(N_FOLDS):
            others, own = order[fold[order] != part], fold == part
            if own.any():
                odds[own] = _log_odds(rows[others], is_mixed[others], rows[own], seed)
        return cls(odds[: len(learned)], odds[len(learned) :])

    def nats(self, constants: ScoringConstants) -> Floats:
        """Return the odds of the mixed rows [m] in nats: -ln of the share of normal rows with at least these odds."""
        return np.minimum(scale_of(self.normal, constants)(self.mixed), constants.max_nats)


def _log_odds(rows: Rows, is_mixed: npt.NDArray[np.bool_], judged: Rows, seed: int) -> Floats:
    """Return the log odds [k] that judged rows are mixed, by a classifier of rows [n]; 0 if these are of one class."""
    from sklearn.ensemble import ExtraTreesClassifier  # takes long to import

    if is_mixed.all() or not is_mixed.any():
        return np.zeros(len(judged))
    trees = ExtraTreesClassifier(N_TREES, min_samples_leaf=5, class_weight="balanced", random_state=seed)
    probability = np.clip(trees.fit(rows, is_mixed).predict_proba(judged)[:, 1], LEAST_ODDS, 1.0 - LEAST_ODDS)
    return np.asarray(np.log(probability / (1.0 - probability)))
