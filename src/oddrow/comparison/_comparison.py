"""The result of a comparison of methods: all runs, means with intervals, paired tests, and sentences about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa

from oddrow._notebook import panel
from oddrow.comparison._method_run import MethodRun
from oddrow.comparison._paired_tests import Interval, holm, resampled_interval, resampled_t_test
from oddrow.report import TriageReport

Measure: TypeAlias = Literal["auroc", "average_precision"]
MEASURES: Mapping[Measure, str] = {"auroc": "AUROC", "average_precision": "average precision"}

SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class MethodSummary:
    """One method over all seeds.

    Attributes
    ----------
    method : name of the method
    n_runs, n_failed : number of seeds with metrics, number of seeds on which the method failed
    auroc, average_precision : mean over seeds with its interval; None without a value
    precision, recall, false_alarm_rate : the same for the metrics of the decision
    fit_seconds, score_seconds : means over seeds
    p_auroc, p_average_precision : p-value of the difference to the best method, after Holm; None for the best method,
        and without a test
    error : error of the first failed run
    """

    method: str
    n_runs: int
    n_failed: int
    auroc: Interval | None
    average_precision: Interval | None
    precision: Interval | None
    recall: Interval | None
    false_alarm_rate: Interval | None
    fit_seconds: float | None
    score_seconds: float | None
    p_auroc: float | None
    p_average_precision: float | None
    error: str | None


@dataclass(frozen=True, eq=False)
class Comparison:
    """The result of :func:`compare`.

    Attributes
    ----------
    runs : one run per method and seed, failed runs included
    seeds : the seeds of the splits
    rows, anomalies : number of rows of the table, number of anomalies among them
    rows_train, rows_test : number of training rows and of test rows of each split
    contaminated : whether all rows were both training rows and test rows
    report : a triage report of the test rows of the first split; None if none was asked for, or its method failed
    """

    runs: tuple[MethodRun, ...]
    seeds: tuple[int, ...]
    rows: int
    anomalies: int
    rows_train: int
    rows_test: int
    contaminated: bool
    report: TriageReport | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        means = ", ".join(f"{row.method} {_mean(row.auroc)}" for row in self.summary)
        seeds = "1 seed" if len(self.seeds) == 1 else f"{len(self.seeds)} seeds"
        return f"<Comparison of {len(self.summary)} methods on {self.rows:,} rows, {seeds}; mean AUROC: {means}>"

    def _repr_html_(self) -> str:
        rows = [
            (
                row.method,
                *map(_mean, (row.auroc, row.average_precision, row.precision, row.recall, row.false_alarm_rate)),
                "" if row.fit_seconds is None else f"{row.fit_seconds:.2f} s",
                row.error or "",
            )
            for row in self.summary
        ]
        headings = ("method", "AUROC", "average precision", "precision", "recall", "false alarms", "fit", "error")
        title = f"Comparison on {self.rows:,} rows, {self.anomalies:,} of them anomalies"
        return panel(title, self.sentences, headings, rows)

    @cached_property
    def summary(self) -> tuple[MethodSummary, ...]:
        """The methods by mean AUROC, the best first; methods that failed on every seed come last."""
        names = dict.fromkeys(run.method for run in self.runs)
        p_values = {measure: self._p_values(measure) for measure in MEASURES}
        rows = [self._summary_of(name, p_values) for name in names]
        return tuple(sorted(rows, key=lambda row: -np.inf if row.auroc is None else row.auroc.mean, reverse=True))

    def best(self, measure: Measure = "auroc") -> str | None:
        """Return the method with the highest mean; None if all failed."""
        means = {name: float(np.mean(list(found.values()))) for name, found in self._found(measure).items()}
        return max(means, key=means.__getitem__) if means else None

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """Sentences that state which differences the tests find, and which methods failed."""
        return (*self._verdicts(), *self._failures())

    def to_table(self) -> pa.Table:
        """Return a table with one row per method and seed, and a column per metric."""
        rows = [run.values() for run in self.runs]
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        kinds = {"method": pa.string(), "error": pa.string(), "seed": pa.int64(), "rows": pa.int64()}
        kinds["anomalies"] = pa.int64()
        return pa.table({name: pa.array(values, kinds.get(name, pa.float64())) for name, values in columns.items()})

    def to_pandas(self) -> Any:
        """Return :meth:`to_table` as a pandas data frame (pandas must be installed)."""
        return self.to_table().to_pandas()

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain values, ready for JSON."""
        return {
            "rows": self.rows,
            "anomalies": self.anomalies,
            "rows_train": self.rows_train,
            "rows_test": self.rows_test,
            "contaminated": self.contaminated,
            "seeds": list(self.seeds),
            "summary": [asdict(row) for row in self.summary],
            "sentences": list(self.sentences),
            "runs": [{**run.values(), "warnings": list(run.warnings)} for run in self.runs],
        }

    def _found(self, measure: str) -> dict[str, dict[int, float]]:
        """Return the values of a metric by method and seed, without missing values."""
        found: dict[str, dict[int, float]] = {}
        for run in self.runs:
            value = None if run.figures is None else getattr(run.figures, measure)
            if value is not None:
                found.setdefault(run.method, {})[run.seed] = value
        return found

    def _p_values(self, measure: Measure) -> dict[str, float]:
        """Return the p-value of each method that has values for at least two seeds of the best method."""
        best = self.best(measure)
        if best is None or self.contaminated:
            return {}
        found = self._found(measure)
        raw = {}
        for name, figures in found.items():
            shared = [seed for seed in figures if seed in found[best]]
            if name != best and len(shared) > 1:
                raw[name] = resampled_t_test(
                    [found[best][seed] - figures[seed] for seed in shared], self.rows_test / self.rows_train
                )
        return dict(zip(raw, holm(list(raw.values())), strict=True))

    def _summary_of(self, name: str, p_values: Mapping[Measure, Mapping[str, float]]) -> MethodSummary:
        runs = [run for run in self.runs if run.method == name]
        done = [run for run in runs if run.error is None]

        def interval(measure: str) -> Interval | None:
            found = list(self._found(measure).get(name, {}).values())
            if not found:
                return None
            if self.contaminated:  # all seeds have the same rows, so their spread says nothing about other rows
                return Interval(float(np.mean(found)), None, None)
            return resampled_interval(found, self.rows_test / self.rows_train)

        return MethodSummary(
            name,
            n_runs=len(done),
            n_failed=len(runs) - len(done),
            auroc=interval("auroc"),
            average_precision=interval("average_precision"),
            precision=interval("precision"),
            recall=interval("recall"),
            false_alarm_rate=interval("false_alarm_rate"),
            fit_seconds=float(np.mean([run.fit_seconds for run in done])) if done else None,
            score_seconds=float(np.mean([run.score_seconds for run in done])) if done else None,
            p_auroc=p_values["auroc"].get(name),
            p_average_precision=p_values["average_precision"].get(name),
            error=next((run.error for run in runs if run.error is not None), None),
        )

    def _verdicts(self) -> Iterator[str]:
        if self.contaminated:
            yield (
                "all rows were training rows and test rows: seeds differ only in the methods' own randomness, so there "
                "is no interval and no test of a difference"
            )
            return
        if len(self.seeds) == 1:
            yield "one seed: no interval and no test of a difference; give several seeds for both"
            return
        for measure, in_words in MEASURES.items():
            best = self.best(measure)
            p_values = {row.method: getattr(row, f"p_{measure}") for row in self.summary}
            tested = {name: p for name, p in p_values.items() if p is not None}
            alike = [name for name, p in tested.items() if p >= SIGNIFICANCE]
            worse = [name for name, p in tested.items() if p < SIGNIFICANCE]
            how = f"corrected resampled t-test over {len(self.seeds)} seeds, Holm, {SIGNIFICANCE * 100:.0f} % level"
            if alike:
                lowest = min(tested[name] for name in alike)
                yield f"{in_words}: no difference seen between {best} and {', '.join(alike)} ({how}, p >= {lowest:.2g})"
            if worse:
                highest = max(tested[name] for name in worse)
                yield f"{in_words}: {best} is better than {', '.join(worse)} ({how}, p <= {highest:.2g})"

    def _failures(self) -> Iterator[str]:
        for row in self.summary:
            if row.n_failed:
                yield f"{row.method} failed on {row.n_failed} of {row.n_failed + row.n_runs} seeds: {row.error}"


def _mean(interval: Interval | None) -> str:
    """Return a mean and its 95 % interval as text."""
    if interval is None:
        return "none"
    if interval.low is None or interval.high is None:
        return f"{interval.mean:.3f}"
    return f"{interval.mean:.3f} ({interval.low:.3f} to {interval.high:.3f})"
