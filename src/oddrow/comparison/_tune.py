"""Tuning of oddrow's detector on a table without labels; the default stays unless another is significantly better."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from oddrow.comparison._methods import DetectorMethod
from oddrow.comparison._paired_tests import holm, resampled_t_test
from oddrow.comparison._probe_ranking import SIGNIFICANCE, ProbeRanking
from oddrow.comparison._without_labels import rank_without_labels
from oddrow.detector import AutoencoderDetector, VAEDetector
from oddrow.exceptions import SettingError

DEFAULT = "default"
CANDIDATES: Mapping[str, VAEDetector | AutoencoderDetector] = {
    DEFAULT: VAEDetector(),
    "weak-kl": VAEDetector(kl_weight=0.1),
    "strong-kl": VAEDetector(kl_weight=4.0),
    "short": VAEDetector(max_steps=400),
    "narrow": VAEDetector(settings="narrow"),
    "article": VAEDetector(settings="article"),
    "autoencoder": AutoencoderDetector(),
    "by-columns": VAEDetector(view_weights=dict.fromkeys(("likelihood", "marginal", "dependence"), 3.0)),
    "by-neighbours": VAEDetector(view_weights=dict.fromkeys(("likelihood", "marginal", "dependence"), 1 / 3)),
}
"""The detectors that are tried. They vary the KL weight, the number of steps, the widths of network and latent, and the
weights of the views of columns and of neighbours; two more are the article's detector and an autoencoder."""
MAX_TUNING_ROWS = 5_000
"""Default maximum number of rows that :func:`tune` uses."""


@dataclass(frozen=True, eq=False)
class Tuning:
    """The result of :func:`tune`.

    Attributes
    ----------
    ranking : the ranking of the candidates
    candidates : the unfitted detectors by name
    """

    ranking: ProbeRanking
    candidates: Mapping[str, VAEDetector | AutoencoderDetector]

    @cached_property
    def p_values(self) -> Mapping[str, float]:
        """P-value of each candidate's difference to the default, after Holm.

        It is empty with a single seed, and if the default failed.
        """
        scores = self.ranking.scores
        if DEFAULT not in scores or len(self.ranking.seeds) < 2:
            return {}
        raw = {
            name: resampled_t_test((np.array(found) - scores[DEFAULT]).tolist(), self.ranking.test_to_train)
            for name, found in scores.items()
            if name != DEFAULT
        }
        return dict(zip(raw, holm(list(raw.values())), strict=True))

    @cached_property
    def recommended(self) -> str | None:
        """The best candidate that is significantly better than the default, else the default; None if all failed."""
        means = {name: float(np.mean(found)) for name, found in self.ranking.scores.items()}
        if DEFAULT not in means:
            return self.ranking.recommended
        better = [name for name, p in self.p_values.items() if p < SIGNIFICANCE and means[name] > means[DEFAULT]]
        return max(better, key=means.__getitem__, default=DEFAULT)

    @property
    def detector(self) -> VAEDetector | AutoencoderDetector | None:
        """The recommended detector, unfitted."""
        return None if self.recommended is None else self.candidates[self.recommended]

    @property
    def sentences(self) -> tuple[str, ...]:
        """Sentences that state the recommendation and its reason."""
        return (self._verdict(), *self.ranking.gaps)

    def to_table(self) -> pa.Table:
        """Return a table with one row per candidate, seed and kind of probes."""
        return self.ranking.to_table()

    def to_dict(self) -> dict[str, Any]:
        """Return the tuning as plain values, ready for JSON."""
        kept = self.ranking.to_dict()
        for without in ("not_told_apart", "recommended", "sentences"):
            kept.pop(without)
        for rank in kept["ranking"]:
            rank["p_value"] = self.p_values.get(rank["method"])
        return {
            "recommended": self.recommended,
            "detector": None if self.detector is None else _written(self.detector),
            "candidates": {name: _written(detector) for name, detector in self.candidates.items()},
            "sentences": list(self.sentences),
            **kept,
        }

    def _verdict(self) -> str:
        how = f"corrected resampled t-test over {len(self.ranking.seeds)} seeds, Holm, {SIGNIFICANCE:.0%} level"
        if self.recommended is None:
            return "every candidate failed: there is no recommendation"
        if DEFAULT not in self.ranking.scores:
            return f"the default failed; {self.recommended} has the best score"
        if self.recommended != DEFAULT:
            better = f"{self.recommended} is better than the default on these probes"
            return f"{better} ({how}): {_written(self.detector)}"
        if not self.p_values:
            return "the default stays: there is no test of a difference with one seed or one candidate"
        return f"the default stays: no other settings are significantly better ({how})"


def tune(
    X: Any,
    *,
    candidates: Mapping[str, VAEDetector | AutoencoderDetector] = CANDIDATES,
    seeds: int | Sequence[int] = 5,
    random_state: int = 0,
    max_rows: int | None = MAX_TUNING_ROWS,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> Tuning:
    """Try settings of oddrow's detector on a table in which no odd row is known.

    Each candidate is measured with the probes of :func:`rank_without_labels`. The default is recommended unless another
    candidate is significantly better. A candidate that is better on these probes need not be better on odd rows of
    other kinds.

    Parameters
    ----------
    X
        Table [n, n_columns] of at least 20 rows, which are taken as normal.
    candidates
        Unfitted detectors by name, one of them "default".
    seeds, random_state, max_rows, on_progress
        As for :func:`rank_without_labels`. For each seed every candidate is fitted once.

    Raises
    ------
    DataError
        As for :func:`rank_without_labels`.
    SettingError
        If an argument is not valid.

    Examples
    --------
    >>> import numpy as np, oddrow
    >>> rows = np.random.default_rng(0).normal(size=(200, 3))
    >>> only = {"default": oddrow.VAEDetector(max_steps=50)}  # a single candidate, to keep the example short
    >>> oddrow.tune(rows, candidates=only, seeds=1).detector
    VAEDetector(max_steps=50)
    """
    if DEFAULT not in candidates:
        raise SettingError(f"candidates has no {DEFAULT!r}, which the others are compared with; give one that name")
    for name, detector in candidates.items():
        if not isinstance(detector, VAEDetector | AutoencoderDetector):
            raise SettingError(f"candidate {name!r} is {detector!r:.60}; give a VAEDetector or an AutoencoderDetector")
    methods = [DetectorMethod(name, detector) for name, detector in candidates.items()]
    ranking = rank_without_labels(
        X, methods=methods, seeds=seeds, random_state=random_state, max_rows=max_rows, on_progress=on_progress
    )
    return Tuning(ranking, dict(candidates))


def _written(detector: Any) -> str:
    return " ".join(repr(detector).split())
