"""The result of a ranking without labels: all runs, scores with intervals, paired tests, and sentences about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from oddrow.comparison._paired_tests import Interval, holm, resampled_interval, resampled_t_test

SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class ProbeRun:
    """The result of one method on one split.

    Attributes
    ----------
    method, seed : name of the method, seed of the split
    auroc, average_precision : metrics by kind of probes, against held-out normal rows; empty if the method failed
    fit_seconds : time of the fit; None if the method failed
    error : the error if the method failed, else None
    """

    method: str
    seed: int
    auroc: Mapping[str, float]
    average_precision: Mapping[str, float]
    fit_seconds: float | None
    error: str | None


@dataclass(frozen=True)
class MethodRank:
    """One method over all seeds.

    Attributes
    ----------
    method : name of the method
    score : weighted mean AUROC over the kinds: its mean over seeds and 95 % interval; None if the method failed
    auroc : mean AUROC over seeds by kind of probes
    p_value : p-value of the difference to the first method, after Holm; None for the first, and without a test
    fit_seconds : mean over seeds
    error : error of the first failed run
    """

    method: str
    score: Interval | None
    auroc: Mapping[str, float]
    p_value: float | None
    fit_seconds: float | None
    error: str | None


@dataclass(frozen=True, eq=False)
class ProbeRanking:
    """The result of :func:`rank_without_labels`.

    Attributes
    ----------
    runs : one run per method and seed, failed runs included
    weights : weight in the score of each kind of probes that could be made on every split
    skipped : the reason for each kind of probes that could not be made
    seeds : the seeds of the splits
    rows, rows_train, rows_held_out : number of rows of the table; of training rows and held-out rows of each split
    """

    runs: tuple[ProbeRun, ...]
    weights: Mapping[str, float]
    skipped: Mapping[str, str]
    seeds: tuple[int, ...]
    rows: int
    rows_train: int
    rows_held_out: int

    @cached_property
    def ranking(self) -> tuple[MethodRank, ...]:
        """The methods by score, the best first; methods that failed on any seed come last."""
        p_values = self._p_values()
        names = dict.fromkeys(run.method for run in self.runs)
        ranks = [self._rank_of(name, p_values) for name in names]
        return tuple(sorted(ranks, key=lambda rank: -np.inf if rank.score is None else rank.score.mean, reverse=True))

    @property
    def recommended(self) -> str | None:
        """The method with the best score; None if all failed."""
        scores = self.scores
        return max(scores, key=lambda name: float(np.mean(scores[name]))) if scores else None

    @property
    def not_told_apart(self) -> tuple[str, ...]:
        """Methods not significantly different from the recommended one; all other methods if there is no test."""
        best, scores, p_values = self.recommended, self.scores, self._p_values()
        return tuple(name for name in scores if name != best and p_values.get(name, 1.0) >= SIGNIFICANCE)

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """Sentences that state which differences the tests find, which kinds were skipped, and which methods failed."""
        return (*self._verdicts(), *self.gaps)

    @property
    def gaps(self) -> tuple[str, ...]:
        """Sentences that state which kinds of probes could not be made, and which methods failed."""
        skipped = [f"no probes of the kind {kind!r}: {why}" for kind, why in self.skipped.items()]
        failed = [f"{rank.method} is not ranked, since it failed: {rank.error}" for rank in self.ranking if rank.error]
        return (*skipped, *failed)

    def to_table(self) -> pa.Table:
        """Return a table with one row per method, seed and kind of probes."""
        rows = [
            (run.method, run.seed, kind, run.auroc.get(kind), run.average_precision.get(kind), run.error)
            for run in self.runs
            for kind in self.weights
        ]
        names = ("method", "seed", "probes", "auroc", "average_precision", "error")
        types = (pa.string(), pa.int64(), pa.string(), pa.float64(), pa.float64(), pa.string())
        columns = zip(*rows, strict=True) if rows else ((),) * len(names)
        return pa.table({name: pa.array(c, kind) for name, kind, c in zip(names, types, columns, strict=True)})

    def to_dict(self) -> dict[str, Any]:
        """Return the ranking as plain values, ready for JSON."""
        return {
            "rows": self.rows,
            "rows_train": self.rows_train,
            "rows_held_out": self.rows_held_out,
            "seeds": list(self.seeds),
            "weights": dict(self.weights),
            "skipped": dict(self.skipped),
            "recommended": self.recommended,
            "not_told_apart": list(self.not_told_apart),
            "ranking": [asdict(rank) for rank in self.ranking],
            "sentences": list(self.sentences),
            "runs": [asdict(run) for run in self.runs],
        }

    def score_of(self, run: ProbeRun) -> float:
        """Return the weighted mean AUROC of one run over the kinds of probes; NaN if it failed."""
        if run.error is not None:
            return float("nan")
        return float(np.average([run.auroc[kind] for kind in self.weights], weights=list(self.weights.values())))

    @property
    def scores(self) -> dict[str, list[float]]:
        """The score on each seed of every method that never failed."""
        scores: dict[str, list[float]] = {}
        for run in self.runs:
            scores.setdefault(run.method, []).append(self.score_of(run))
        return {name: found for name, found in scores.items() if not np.isnan(found).any()}

    def _p_values(self) -> dict[str, float]:
        scores, best = self.scores, self.recommended
        if best is None or len(self.seeds) < 2:
            return {}
        best_scores = np.array(scores[best])
        raw = {
            name: resampled_t_test((best_scores - found).tolist(), self.test_to_train)
            for name, found in scores.items()
            if name != best
        }
        return dict(zip(raw, holm(list(raw.values())), strict=True))

    @property
    def test_to_train(self) -> float:
        """Number of held-out rows divided by number of training rows, for the tests over splits."""
        return self.rows_held_out / self.rows_train

    def _rank_of(self, name: str, p_values: Mapping[str, float]) -> MethodRank:
        runs = [run for run in self.runs if run.method == name]
        done = [run for run in runs if run.error is None]
        scores = self.scores.get(name)
        return MethodRank(
            name,
            score=None if scores is None else resampled_interval(scores, self.test_to_train),
            auroc={kind: float(np.mean([run.auroc[kind] for run in done])) for kind in self.weights} if done else {},
            p_value=p_values.get(name),
            fit_seconds=float(np.mean([run.fit_seconds for run in done])) if done else None,
            error=next((run.error for run in runs if run.error is not None), None),
        )

    def _verdicts(self) -> Iterator[str]:
        best, p_values = self.recommended, self._p_values()
        if best is None:
            yield "every method failed: there is no ranking"
            return
        if len(self.seeds) == 1:
            yield f"{best} has the best score; one seed: no interval and no test of a difference"
            return
        how = f"corrected resampled t-test over {len(self.seeds)} seeds, Holm, {SIGNIFICANCE:.0%} level"
        alike = self.not_told_apart
        worse = [name for name in p_values if name not in alike]
        if alike:
            yield f"no difference seen between {best} and {', '.join(alike)} ({how})"
        if worse:
            yield f"on these probes {best} is better than {', '.join(worse)} ({how})"
