"""What a ranking of methods without labels is worth: against the true ranking on the public labelled sets.

For each set ``rank_without_labels`` sees a table of normal rows alone (a random half of them in adbench, the training
part in oddbench); then each method is fitted on that table and the labels of the other rows give its true AUROC. Said
of each set are Kendall's tau between the two rankings, and how much AUROC the method ranked first loses.

**What was chosen on what.** The strengths and weights of ``STATED_KINDS`` were chosen on the sets at even positions in
the order of their names (in each collection, from 0), the figures that count are those of the odd positions.
``python -m benchmarks probes --results FILE`` keeps each finished set and resumes after it.
"""

from __future__ import annotations

import argparse
import json
import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.stats import kendalltau
from sklearn.metrics import roc_auc_score

from benchmarks._public_sets import FOLDER
from oddrow.comparison import STATED_KINDS, encoded_rows, method_of, rank_without_labels
from oddrow.table import as_table

METHODS = ("knn1", "knn5", "lof", "iforest", "ocsvm", "gmm", "pca", "ecod")
MAX_ROWS, MAX_TEST, MAX_COLUMNS, MIN_ROWS = 2_600, 700, 200, 40
SPLITS = 2
APART = 0.02
"""Two methods whose true AUROC differs by no more are a pair that labels hardly tell apart either."""

Rows = npt.NDArray[np.float64]
Line = dict[str, Any]
Score = Callable[[Line], Rows]


@dataclass(frozen=True)
class LabelledSet:
    """The normal rows that a user has, and what comes later."""

    name: str
    position: int
    table: Rows
    normals: Rows
    anomalies: Rows


def labelled_sets(parity: int | None) -> Iterator[LabelledSet]:
    """The sets of both collections at even (0) or odd (1) positions, with rows drawn at random below the caps."""
    for collection in ("adbench", "oddbench"):
        for position, path in enumerate(sorted((FOLDER / collection).glob("*.npz"))):
            if parity is not None and position % 2 != parity:
                continue
            rng = np.random.default_rng(position)
            with np.load(path, allow_pickle=False) as arrays:
                if collection == "adbench":
                    rows, is_odd = arrays["X"], arrays["y"] == 1
                    normal = rng.permutation(np.flatnonzero(~is_odd))
                    half = len(normal) // 2
                    parts = rows[normal[:half]], rows[normal[half:]], rows[is_odd]
                else:
                    is_odd = arrays["y_test"] == 1
                    parts = arrays["X_train"], arrays["X_test"][~is_odd], arrays["X_test"][is_odd]
            if parts[0].shape[1] > MAX_COLUMNS or len(parts[0]) < MIN_ROWS:
                continue
            drawn = [
                part[rng.permutation(len(part))[:most]].astype(np.float64)
                for part, most in zip(parts, (MAX_ROWS, MAX_TEST, MAX_TEST), strict=True)
            ]
            yield LabelledSet(f"{collection}/{re.sub(r'^[0-9]+_', '', path.stem)}", position, *drawn)


def measured(data: LabelledSet, methods: tuple[str, ...]) -> Line:
    """AUROC of each method by the labels, and by each kind of probes (mean over splits)."""
    started = time.perf_counter()
    ranking = rank_without_labels(data.table, methods=methods, seeds=SPLITS)
    by_method = {rank.method: rank for rank in ranking.ranking}
    tables = [as_table(part) for part in (data.table, data.normals, data.anomalies)]
    everything = encoded_rows(pa.concat_tables(tables), np.arange(len(data.table)))
    training = everything.take(np.arange(len(data.table)))
    test = everything.take(np.arange(len(data.table), everything.n_rows))
    is_odd = np.arange(test.n_rows) >= len(data.normals)
    truth = {name: float(roc_auc_score(is_odd, method_of(name).fit(training, 0)(test))) for name in methods}
    return {
        "set": data.name,
        "position": data.position,
        "methods": list(methods),
        "truth": [truth[name] for name in methods],
        "probes": {kind: [by_method[name].auroc[kind] for name in methods] for kind in ranking.weights},
        "recommended": ranking.recommended,
        "not_told_apart": list(ranking.not_told_apart),
        "skipped": dict(ranking.skipped),
        "seconds": time.perf_counter() - started,
    }


# What is said of the lines ------------------------------------------------------------------------------------------


def weighted(weights: Mapping[str, float]) -> Score:
    """The weighted mean over the kinds that a set has; of none of them, all methods alike."""

    def score(line: Line) -> Rows:
        kinds = [kind for kind in line["probes"] if weights.get(kind, 0.0) > 0]
        if not kinds:
            return np.zeros(len(line["truth"]))
        means: Rows = np.average(
            [line["probes"][kind] for kind in kinds], axis=0, weights=[weights[kind] for kind in kinds]
        )
        return means

    return score


def tau(score: Rows, truth: Rows) -> float:
    """Kendall's tau-b; 0 where one of the two says nothing."""
    found = float(kendalltau(score, truth).statistic)
    return 0.0 if np.isnan(found) else found


def right_pairs(score: Rows, truth: Rows) -> tuple[int, int]:
    """Of the pairs of methods that labels tell apart: how many are ordered rightly, and how many there are."""
    upper = np.triu_indices(len(truth), 1)
    by_labels = (truth[:, None] - truth[None, :])[upper]
    by_probes = (score[:, None] - score[None, :])[upper]
    apart = (np.abs(by_labels) > APART) & (by_probes != 0)
    return int(np.sum((by_labels * by_probes > 0)[apart])), int(np.sum(apart))


def interval(values: Rows) -> tuple[float, float]:
    """95 % interval of the mean over sets, by the bootstrap."""
    drawn = np.random.default_rng(0).choice(values, size=(2_000, len(values)))
    low, high = np.quantile(drawn.mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def print_row(label: str, lines: list[Line], score: Score) -> None:
    truth = np.array([line["truth"] for line in lines])
    scores = [score(line) for line in lines]
    taus = np.array([tau(one, true) for one, true in zip(scores, truth, strict=True)])
    chosen = np.array([true[int(np.argmax(one))] for one, true in zip(scores, truth, strict=True)])
    right, pairs = np.sum([right_pairs(one, true) for one, true in zip(scores, truth, strict=True)], axis=0)
    best_single = truth[:, int(np.argmax(truth.mean(axis=0)))]
    low, high = interval(taus)
    loss_low, loss_high = interval(100 * (best_single - chosen))
    print(
        f"{label:<34}{np.mean(taus):>+7.3f} ({low:+.2f} to {high:+.2f}){right / max(pairs, 1):>9.1%}"
        f"{100 * np.mean(best_single - chosen):>+9.2f} ({loss_low:+.1f} to {loss_high:+.1f})"
        f"{100 * np.mean(truth.max(axis=1) - chosen):>9.2f}"
    )


def print_summary(lines: list[Line]) -> None:
    stated = {name: kind.weight for name, kind in STATED_KINDS.items()}
    by_parity = {parity: [line for line in lines if line["position"] % 2 == parity] for parity in (0, 1)}
    for parity, group in by_parity.items():
        if not group:
            continue
        where = "even positions (strengths and weights were chosen here)" if parity == 0 else "odd positions (reported)"
        truth = np.array([line["truth"] for line in group])
        print(f"\n## {len(group)} sets at {where}; {len(group[0]['methods'])} methods, {SPLITS} splits")
        means = zip(group[0]["methods"], 100 * truth.mean(axis=0), strict=True)
        print("true mean AUROC: " + ", ".join(f"{name} {mean:.1f}" for name, mean in means))
        print(
            f"{'ranking by':<34}{'tau':>7}{'':17}{'pairs':>9}{'loss to best single':>25}{'best':>9}\n"
            f"{'':34}{'':24}{f'> {100 * APART:.0f} pts':>9}{'AUROC points':>25}{'per set':>9}"
        )
        print_row("the stated weights", group, weighted(stated))
        print_row("all kinds alike", group, weighted(dict.fromkeys(stated, 1.0)))
        for kind in stated:
            having = [line for line in group if kind in line["probes"]]
            if having:
                print_row(f"  {kind} alone" + f" ({len(having)})" * (having != group), having, weighted({kind: 1.0}))
        if by_parity[0]:
            prior = np.mean([line["truth"] for line in by_parity[0]], axis=0)
            print_row("no probes: mean AUROC, even sets", group, lambda _, prior=prior: prior)


def print_sets(lines: list[Line]) -> None:
    score = weighted({name: kind.weight for name, kind in STATED_KINDS.items()})
    print("\n## By set: tau; chosen without labels (its AUROC); best by labels (its AUROC)")
    for line in sorted(lines, key=lambda line: (line["position"] % 2, line["set"])):
        truth, names = np.array(line["truth"]), line["methods"]
        chosen, best = int(np.argmax(score(line))), int(np.argmax(truth))
        print(
            f"{line['set']:<40}{'odd' if line['position'] % 2 else 'even':>5}{tau(score(line), truth):>+7.2f}  "
            f"{names[chosen]:<12}{truth[chosen]:>6.3f}  {names[best]:<12}{truth[best]:>6.3f}"
        )


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("even", "odd"), help="the sets at even or odd positions; by default all")
    parser.add_argument("--with-oddrow", action="store_true", help="rank oddrow's detectors too (minutes a set)")
    parser.add_argument("--sets", type=int, help="at most so many sets, spread over the collections")
    parser.add_argument("--results", type=Path, help="a file that keeps finished sets, for a run to go on with")
    chosen = parser.parse_args(arguments)
    methods = (*METHODS, "oddrow", "oddrow-article") if chosen.with_oddrow else METHODS
    lines: list[Line] = []
    if chosen.results is not None and chosen.results.exists():
        lines = [json.loads(text) for text in chosen.results.read_text(encoding="utf-8").splitlines()]
    done = {line["set"] for line in lines if tuple(line["methods"]) == methods}
    lines = [line for line in lines if tuple(line["methods"]) == methods]
    parity = {"even": 0, "odd": 1, None: None}[chosen.only]
    warnings.simplefilter("ignore")
    for number, data in enumerate(wanted := list(labelled_sets(parity))):
        spread = chosen.sets is None or number % max(len(wanted) // chosen.sets, 1) == 0
        if data.name in done or not spread:
            continue
        lines.append(measured(data, methods))
        if chosen.results is not None:
            with chosen.results.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(lines[-1]) + "\n")
    if chosen.only is not None:
        lines = [line for line in lines if line["position"] % 2 == parity]
    print_summary(lines)
    print_sets(lines)
