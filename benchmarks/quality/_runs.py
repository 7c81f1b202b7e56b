"""One split of one set, and every method on it: fitted, timed, judged, written down."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.quality._peer_methods import LIMIT_SECONDS, PREFIX, PeerMethod, PeerScorer, peer_method
from benchmarks.quality._protocols import NoSplitError, Protocol, SetFile, Split
from benchmarks.quality._results import Result, append
from benchmarks.quality._versions import is_own, own_version, rival_version
from benchmarks.quality._written_rivals import WRITTEN
from oddrow import VAEDetector, find
from oddrow.columns import TableSchema
from oddrow.comparison import Method, MethodRows, PlainEncoding, Scorer, method_of
from oddrow.table import as_table


@dataclass(frozen=True)
class Task:
    """A split, and the methods still to be run on it, each with the version of its code."""

    file: SetFile
    protocol: Protocol
    seed: int
    max_rows: int
    versions: dict[str, str]
    limit: float = LIMIT_SECONDS
    """Seconds that a run of a peer may take."""


class RobustVAE:
    """oddrow's default with ``clean="robust"``: for training rows that may hold odd ones."""

    name = "oddrow-robust"

    def fit(self, rows: MethodRows, seed: int) -> Scorer:
        """Learn from what does not stand out."""
        detector = VAEDetector(clean="robust", random_state=seed).fit(rows.table)
        return lambda tested: detector.surprise(tested.table)


class Finding:
    """``oddrow.find``: no row scored by a model that it helped to make. It scores its own table and no other."""

    name = "oddrow-find"

    def fit(self, rows: MethodRows, seed: int) -> Scorer:
        """Score each part of the rows by what the others taught."""
        surprise = find(rows.table, VAEDetector(clean="robust", random_state=seed)).surprise
        return lambda _: surprise


ONE_TABLE = {method.name: method for method in (RobustVAE(), Finding())}
"""Methods for one table that holds odd rows: of the protocol "contaminated" alone."""


def named(method: str, limit: float = LIMIT_SECONDS) -> Method:
    """The method of a name, as the results call it; a run of a peer may take ``limit`` seconds.

    Raises
    ------
    ValueError
        If there is no such method.
    """
    if method.startswith(PREFIX):
        return peer_method(method, limit)
    for methods in (ONE_TABLE, WRITTEN):
        if method in methods:
            return methods[method]
    return method_of(method)


def version(method: str) -> str:
    """The version of the code that a method's figures depend on."""
    if is_own(method):
        return own_version()
    found = named(method)
    return found.version if isinstance(found, PeerMethod) else rival_version(found)


def end_with_parent() -> None:
    """End this process when the one that started it is gone: a worker would wait for it for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def run(task: Task, results: Path) -> list[Result]:
    """Run a task's methods one after the other; each result is in the file before the next method starts.

    Raises
    ------
    NoSplitError
        If the protocol has no meaning for the set.
    """
    split = _split(task)
    training, test = as_table(split.training), as_table(split.test)
    encoding = PlainEncoding.learn(TableSchema.infer(training), training)
    rows = MethodRows(training, encoding.encode(training)), MethodRows(test, encoding.encode(test))
    done = []
    for method, code in task.versions.items():
        result = judged(task, method, code, split, *rows)
        append(results, result)
        print(_line(result), flush=True)
        done.append(result)
    return done


def _split(task: Task) -> Split:
    try:
        return task.file.split(task.protocol, task.seed, task.max_rows)
    except NoSplitError:
        raise
    except (OSError, ValueError, IndexError) as error:  # of arrays that are not what their names say
        raise NoSplitError(f"{task.file.path}: {error}") from error


def judged(task: Task, method: str, code: str, split: Split, training: MethodRows, test: MethodRows) -> Result:
    """Fit, score, and compare with the labels, which nothing before has seen; an exception is a result, too."""
    figures: dict[str, float] = {}
    error = ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a poor fit is seen in the figures
            started = time.perf_counter()
            scorer = named(method, task.limit).fit(training, task.seed)
            fitted = time.perf_counter()
            scores = scorer(test)
            figures = {"fit_seconds": fitted - started, "score_seconds": time.perf_counter() - fitted}
            if isinstance(scorer, PeerScorer):
                figures = dict(scorer.seconds)
        figures |= _figures(split.is_anomaly, scores)
    except Exception as failure:
        error = f"{type(failure).__name__}: {failure}"[:300]
    return Result(
        set=task.file.name,
        protocol=task.protocol,
        seed=task.seed,
        max_rows=task.max_rows,
        method=method,
        commit=code,
        n_train=len(split.training),
        n_test=len(split.test),
        n_features=split.training.shape[1],
        anomaly_share=split.anomaly_share,
        auroc=figures.get("auroc"),
        ap=figures.get("ap"),
        fit_seconds=figures.get("fit_seconds"),
        score_seconds=figures.get("score_seconds"),
        error=error,
    )


def _figures(is_anomaly: npt.NDArray[np.bool_], scores: npt.NDArray[np.float64]) -> dict[str, float]:
    if scores.shape != is_anomaly.shape or not np.isfinite(scores).all():
        raise ArithmeticError(f"{int(np.sum(~np.isfinite(scores)))} scores are not finite, of {scores.shape}")
    return {
        "auroc": float(roc_auc_score(is_anomaly, scores)),
        "ap": float(average_precision_score(is_anomaly, scores)),
    }


def _line(result: Result) -> str:
    start = f"{result.protocol:<13}{result.set:<36} seed {result.seed}  {result.method:<20}"
    if result.auroc is None or result.ap is None or result.fit_seconds is None or result.score_seconds is None:
        return f"{start} failed: {result.error}"
    seconds = f"fit {result.fit_seconds:7.2f} s  score {result.score_seconds:7.2f} s"
    return f"{start} AUROC {100 * result.auroc:6.2f}  AP {100 * result.ap:6.2f}  {seconds}"


def kept(results: Sequence[Result], methods: Sequence[str], max_rows: int) -> tuple[list[Result], dict[str, str]]:
    """Of each method the results of one version: of the code as it is, or where it has none the last in the file."""
    chosen: list[Result] = []
    versions: dict[str, str] = {}
    for method in methods:
        of_method = [one for one in results if one.method == method and one.max_rows == max_rows]
        if of_method:
            current = version(method)
            has_current = any(one.commit == current for one in of_method)
            versions[method] = current if has_current else of_method[-1].commit
            chosen += [one for one in of_method if one.commit == versions[method]]
    return chosen, versions
