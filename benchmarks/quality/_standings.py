"""What the results say of methods against each other: means, ranks, paired differences and tests over sets.

A set is the unit: figures are means over its seeds first. Compared is what every method has been run on; a method that
failed counts there as a guess (AUROC 1/2, average precision the share of anomalies), is last in rank, and is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata, wilcoxon

from benchmarks.quality._results import Result

TIE = 0.0005
"""Half of a tenth of a point: a smaller difference of AUROC wins nothing."""
RESAMPLES = 10_000
BEST = 5
"""Number of sets whose share of the gain is shown."""


@dataclass(frozen=True)
class Grid:
    """Figures of each set and method, float64 [sets, methods], of what all the methods have been run on."""

    sets: tuple[str, ...]
    methods: tuple[str, ...]
    auroc: npt.NDArray[np.float64]
    ap: npt.NDArray[np.float64]
    failed: npt.NDArray[np.bool_]
    fit_seconds: npt.NDArray[np.float64]
    unfinished: tuple[str, ...]
    """Sets that some method has not been run on, with no seed at all: they are not compared."""

    def figures(self, name: str) -> npt.NDArray[np.float64]:
        """Of "auroc" or "ap"."""
        return self.auroc if name == "auroc" else self.ap

    def ranks(self, name: str) -> npt.NDArray[np.float64]:
        """Rank of each method on each set, 1 the best; equal figures share a rank, whoever failed is last."""
        judged = np.where(self.failed, -1.0, np.round(self.figures(name), 9))
        return np.asarray(rankdata(-judged, axis=1))


@dataclass(frozen=True)
class Paired:
    """A reference against one method, over sets: positive is the reference's gain.

    ``best_share`` is the sum of the five largest differences divided by the sum of all differences; None where that
    total is not positive, because there is no gain to share. It is above 1 where the other sets together lose.
    """

    mean: float
    low: float
    high: float
    wins: int
    ties: int
    losses: int
    p: float
    best_share: float | None


def grid(results: Sequence[Result], methods: Sequence[str]) -> Grid:
    """Means over the seeds at which all the methods have been run, for one protocol's results."""
    runs: dict[str, dict[int, dict[str, Result]]] = {}
    for result in results:
        if result.method in methods:
            runs.setdefault(result.set, {}).setdefault(result.seed, {})[result.method] = result
    whole = {
        name: [by_method for by_method in seeds.values() if len(by_method) == len(methods)]
        for name, seeds in sorted(runs.items())
    }
    sets = [name for name, finished in whole.items() if finished]

    def mean(of: Mapping[str, Sequence[Mapping[str, Result]]], figure: str) -> npt.NDArray[np.float64]:
        rows = [[np.mean([_figure(run[method], figure) for run in of[name]]) for method in methods] for name in sets]
        return np.asarray(rows, np.float64).reshape(len(sets), len(methods))

    failed = [[any(run[method].error for run in whole[name]) for method in methods] for name in sets]
    return Grid(
        tuple(sets),
        tuple(methods),
        mean(whole, "auroc"),
        mean(whole, "ap"),
        np.asarray(failed, np.bool_).reshape(len(sets), len(methods)),
        mean(whole, "fit_seconds"),
        tuple(name for name, finished in whole.items() if not finished),
    )


def paired(reference: npt.NDArray[np.float64], other: npt.NDArray[np.float64], seed: int = 0) -> Paired:
    """Compare figures of two methods on the same sets, float64 [sets] each.

    The interval is the percentile bootstrap's over sets, 95 %; p is Wilcoxon's signed-rank test's, two-sided, and 1
    where no set differs.
    """
    difference = np.round(reference - other, 9)  # so that what is the same figure is a zero to the test
    drawn = np.random.default_rng(seed).integers(len(difference), size=(RESAMPLES, len(difference)))
    low, high = np.quantile(difference[drawn].mean(axis=1), [0.025, 0.975])
    return Paired(
        float(difference.mean()),
        float(low),
        float(high),
        int(np.sum(difference >= TIE)),
        int(np.sum(np.abs(difference) < TIE)),
        int(np.sum(difference <= -TIE)),
        float(wilcoxon(difference).pvalue) if np.any(difference) else 1.0,
        _best_share(difference),
    )


def table(compared: Grid, reference: str) -> list[str]:
    """A line a method, best mean AUROC first, then whatever failed or is unfinished."""
    headings = ["method", "AUROC", "median", "AP", "median", "rank", "rank AP", "fit s", "slowest", "failed"]
    against = reference in compared.methods
    if against:
        headings += [*PAIRED_HEADINGS, "best 5", "best 5 AP"]
    lines = [headings]
    ranks, ap_ranks = compared.ranks("auroc").mean(axis=0), compared.ranks("ap").mean(axis=0)
    for at in np.argsort(-compared.auroc.mean(axis=0), kind="stable"):
        seconds = compared.fit_seconds[:, at]
        known = seconds[np.isfinite(seconds)]
        cells = [compared.methods[at], *_centre(compared.auroc[:, at]), *_centre(compared.ap[:, at])]
        cells += [f"{ranks[at]:.2f}", f"{ap_ranks[at]:.2f}"]
        cells += [f"{np.median(known):.2f}", f"{known.max():.1f}"] if len(known) else ["-", "-"]
        cells.append(str(int(compared.failed[:, at].sum())))
        if against and compared.methods[at] != reference:
            auroc, ap = against_other(compared, reference, compared.methods[at])
            cells += [*paired_cells(auroc, ap), _share(auroc.best_share), _share(ap.best_share)]
        lines.append(cells)
    return [*aligned(lines), *_remarks(compared)]


PAIRED_HEADINGS = ("dAUROC", "95 %", "W-T-L", "p", "dAP", "95 %", "p")


def against_other(
    compared: Grid, reference: str, other: str, sets: Sequence[int] | None = None
) -> tuple[Paired, Paired]:
    """The reference against one method by AUROC and by AP, on all sets or on those at some positions."""
    chosen = slice(None) if sets is None else list(sets)
    first, second = compared.methods.index(reference), compared.methods.index(other)
    auroc, ap = compared.auroc[chosen], compared.ap[chosen]
    return paired(auroc[:, first], auroc[:, second]), paired(ap[:, first], ap[:, second])


def paired_cells(auroc: Paired, ap: Paired) -> list[str]:
    """The cells of :data:`PAIRED_HEADINGS`."""
    counts = f"{auroc.wins}-{auroc.ties}-{auroc.losses}"
    return [*_difference(auroc), counts, f"{auroc.p:.2g}", *_difference(ap), f"{ap.p:.2g}"]


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Cells as lines of text: the first column flush left, the others flush right; a line may end early."""
    n_columns = max(map(len, lines))
    widths = [max(len(line[at]) for line in lines if at < len(line)) for at in range(n_columns)]
    return ["  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in lines]


def _remarks(compared: Grid) -> list[str]:
    """Which methods failed where, and which sets are not compared."""
    lines = []
    for at, method in enumerate(compared.methods):
        names = [name for name, is_failed in zip(compared.sets, compared.failed[:, at], strict=True) if is_failed]
        if names:
            lines.append(f"{method} failed on {', '.join(names)}: counted as a guess, and last in rank")
    if compared.unfinished:
        lines.append(f"not compared, for some method is missing: {', '.join(compared.unfinished)}")
    return lines


def _best_share(difference: npt.NDArray[np.float64]) -> float | None:
    total = float(difference.sum())
    return float(np.sort(difference)[-BEST:].sum()) / total if total > 0 else None


def _centre(figures: npt.NDArray[np.float64]) -> list[str]:
    return [f"{100 * figures.mean():.2f}", f"{100 * np.median(figures):.2f}"]


def _difference(of: Paired) -> list[str]:
    return [f"{100 * of.mean:+.2f}", f"{100 * of.low:+.1f} to {100 * of.high:+.1f}"]


def _share(of: float | None) -> str:
    return "-" if of is None else f"{100 * of:.0f} %"


def _figure(result: Result, name: str) -> float:
    value = getattr(result, name)
    if value is not None:
        return float(value)
    return {"auroc": 0.5, "ap": result.anomaly_share}.get(name, np.nan)
