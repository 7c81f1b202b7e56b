"""How well methods find the odd rows of labelled sets: every method on the same rows, and a table a protocol.

``python -m benchmarks quality`` runs oddrow and the baselines over ADBench's and ODDBench's sets in $ODDROW_DATA, or
over any folder of npz files of their form (``--data FOLDER``). A result is in the file the moment it is there, and a
run that is started again goes on; rivals are not run again for a new commit of oddrow.

- *half*: a random half of the normal rows trains, the other half and all anomalies are the test (ADBench's form);
- *shipped*: the split that ships with the data (ODDBench's form);
- *contaminated*: all rows train, anomalies too, and the same rows are tested (ADBench's form).

Nothing is learned from test rows, and labels measure only.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import product
from pathlib import Path
from zipfile import BadZipFile

from benchmarks.quality import kddcup99
from benchmarks.quality._groups import SetProperties, group_table
from benchmarks.quality._peer_methods import LIMIT_SECONDS, PeerError, close_all, install
from benchmarks.quality._protocols import PROTOCOLS, NoSplitError, Protocol, SetFile, set_files
from benchmarks.quality._results import Result, Run, prepare, read
from benchmarks.quality._runs import ONE_TABLE, Task, end_with_parent, kept, named, run, version
from benchmarks.quality._standings import Grid, grid, table

HALVES = {"all": slice(None), "even": slice(0, None, 2), "odd": slice(1, None, 2)}
"""Which of the sets of a folder, in the order of their names."""
BASELINES = ("knn1", "knn5", "iforest", "lof", "pca", "ecod", "gmm", "ocsvm", "oddrow-article")
DEFAULT = "oddrow"
RESULTS = Path("benchmarks/results/quality.csv")
SMALL = ["--sets", "3", "--seeds", "1", "--max-rows", "1000", "--jobs", "1"]
"""What ``--small`` stands for: minutes instead of hours, without lasting results."""


def options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("ODDROW_DATA", "../shared/data"))
    parser.add_argument(
        "--data", nargs="+", type=Path, default=[data / "adbench", data / "oddbench"], help="folders of npz files"
    )
    parser.add_argument("--methods", default=",".join((DEFAULT, *BASELINES)), help="names, with commas between")
    parser.add_argument("--reference", default=DEFAULT, help="the method that the others are compared with")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds of the protocol half")
    parser.add_argument("--fixed-seeds", type=int, default=1, help="how many of shipped and contaminated")
    parser.add_argument("--max-rows", type=int, default=10_000, help="rows that train; twice as many are tested")
    parser.add_argument("--protocol", choices=[*PROTOCOLS, "all"], default="all")
    parser.add_argument("--sets", nargs="+", default=[], help="so many of each folder, or names, as thyroid")
    parser.add_argument(
        "--half",
        choices=HALVES,
        default="all",
        help="sets at even positions (0, 2, ...) of a folder by name, or at odd ones",
    )
    parser.add_argument("--group-against", default="knn1", help="the method of the tables by group of sets")
    parser.add_argument(
        "--limit", type=float, default=LIMIT_SECONDS, help="seconds that a run of a peer: method may take"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes, of one thread each if there are several")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the CSV file that keeps results")
    parser.add_argument("--retry", action="store_true", help="run again what failed")
    parser.add_argument("--summary-only", action="store_true", help="print the tables of the file and run nothing")
    parser.add_argument("--kdd", action="store_true", help="KDD Cup 1999 by its protocols, too")
    parser.add_argument("--kdd-test", type=Path, help="the competition's file `corrected`, for the protocol official")
    parser.add_argument("--small", action="store_true", help=f"a small part, its results not kept: {' '.join(SMALL)}")
    chosen = parser.parse_args(arguments)
    chosen.protocols = PROTOCOLS if chosen.protocol == "all" else (chosen.protocol,)
    chosen.methods = list(dict.fromkeys(chosen.methods.split(",")))
    if not chosen.limit > 0:
        parser.error(f"--limit is {chosen.limit}; give seconds above 0")
    for count in ("seeds", "fixed_seeds", "max_rows", "jobs"):
        if getattr(chosen, count) < 1:
            parser.error(f"--{count.replace('_', '-')} is {getattr(chosen, count)}; give a whole number from 1")
    return chosen


def files_of(chosen: argparse.Namespace) -> list[SetFile]:
    """The sets of the folders, the wanted ones of the wanted half.

    Raises
    ------
    ValueError
        If a folder holds no sets, or a named set is in none or in the other half alone.
    """
    in_half = {file for folder in chosen.data for file in set_files([folder], [])[HALVES[chosen.half]]}
    files = [file for file in set_files(chosen.data, chosen.sets) if file in in_half]
    if not files:
        raise ValueError(f"none of the sets {' '.join(chosen.sets)} is in the {chosen.half} half; give --half all")
    return files


def methods_of(protocol: Protocol, methods: Sequence[str]) -> list[str]:
    """The methods of a protocol: where odd rows train, oddrow's ways of dealing with them are run beside it."""
    if protocol == "contaminated" and DEFAULT in methods:
        return [*methods, *(name for name in ONE_TABLE if name not in methods)]
    return [name for name in methods if protocol == "contaminated" or name not in ONE_TABLE]


def runs(files: Sequence[SetFile], chosen: argparse.Namespace) -> Iterator[tuple[SetFile, Protocol, int]]:
    """Set, protocol and seed of all splits: the first seed of everything comes first."""
    allowed = {file: allowed_protocols(file) for file in files}
    for seed, protocol in product(range(max(chosen.seeds, chosen.fixed_seeds)), chosen.protocols):
        if seed < (chosen.seeds if protocol == "half" else chosen.fixed_seeds):
            yield from ((file, protocol, seed) for file in files if protocol in allowed[file])


def allowed_protocols(file: SetFile) -> tuple[Protocol, ...]:
    try:
        allowed = file.protocols
    except (OSError, ValueError, BadZipFile) as error:
        print(f"left out: {file.path}: {error}", flush=True)
        return ()
    if not allowed:
        print(f"left out: {file.path} holds neither X and y nor X_train, X_test and y_test", flush=True)
    return allowed


def tasks(files: Sequence[SetFile], chosen: argparse.Namespace) -> list[Task]:
    """What is not in the file of results."""
    done = {result.run for result in read(chosen.results) if not (chosen.retry and result.error)}
    versions = {name: version(name) for protocol in chosen.protocols for name in methods_of(protocol, chosen.methods)}
    left = []
    for file, protocol, seed in runs(files, chosen):
        missing = {
            name: versions[name]
            for name in methods_of(protocol, chosen.methods)
            if Run(file.name, protocol, seed, chosen.max_rows, name, versions[name]) not in done
        }
        if missing:
            left.append(Task(file, protocol, seed, chosen.max_rows, missing, chosen.limit))
    return left


def run_all(left: Sequence[Task], jobs: int, results: Path) -> None:
    """Run the tasks; a set that a protocol has no meaning for is named and left out."""
    if jobs == 1:
        for task in left:
            finish(lambda task=task: run(task, results))
        return
    # one thread each: read by the libraries when a process starts, so before the first is spawned
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), end_with_parent) as pool:
        try:
            for future in as_completed([pool.submit(run, task, results) for task in left]):
                finish(future.result)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def finish(work: Callable[[], object]) -> None:
    try:
        work()
    except NoSplitError as error:
        print(f"left out: {error}", flush=True)


def print_summary(results: Sequence[Result], files: Sequence[SetFile], chosen: argparse.Namespace) -> None:
    """Tables of each protocol, and of half and shipped together."""
    methods = list(dict.fromkeys(name for one in chosen.protocols for name in methods_of(one, chosen.methods)))
    results, versions = kept(results, methods, chosen.max_rows)
    print(f"\n## Quality: at most {chosen.max_rows:,} rows train and {2 * chosen.max_rows:,} are tested")
    print("code: " + ", ".join(f"{name} {code}" for name, code in versions.items()))
    groups: list[tuple[Protocol, ...]] = [(protocol,) for protocol in chosen.protocols]
    if {"half", "shipped"} <= set(chosen.protocols):
        groups.append(("half", "shipped"))
    for group in groups:
        of_group = [result for result in results if result.protocol in group]
        present = [name for name in methods if any(result.method == name for result in of_group)]
        if group == ("half", "shipped"):
            # a method that has been run on one of the two only would leave the other's sets out
            present = [name for name in present if {r.protocol for r in of_group if r.method == name} == set(group)]
        compared = grid(of_group, present)
        if not compared.sets:
            continue
        seeds = len({result.seed for result in of_group})
        print(f"\n### {' and '.join(group)}: {len(compared.sets)} sets, up to {seeds} seeds")
        print(*table(compared, chosen.reference), sep="\n", flush=True)
        if {chosen.reference, chosen.group_against} <= set(present) and chosen.reference != chosen.group_against:
            print(f"\n{chosen.reference} against {chosen.group_against} by group of sets")
            properties = properties_of(compared, of_group, files)
            print(*group_table(compared, properties, chosen.reference, chosen.group_against), sep="\n", flush=True)
    if chosen.reference in versions:
        print(
            f"\ndAUROC, dAP: {chosen.reference} less the method, in points, mean over sets with the bootstrap's 95 % "
            "interval; W-T-L: sets on which it wins, ties (less than 0.05 points), loses by AUROC; p: Wilcoxon's "
            "signed-rank test; best 5: sum of the five largest differences, as a share of the sum of all (- where "
            "that sum is not positive)"
        )


def properties_of(compared: Grid, results: Sequence[Result], files: Sequence[SetFile]) -> dict[str, SetProperties]:
    """What the training rows of the compared sets are like, at seed 0."""
    protocols = {result.set: result.protocol for result in results}
    max_rows = {result.set: result.max_rows for result in results}
    return {
        file.name: SetProperties.of(file.split(protocols[file.name], 0, max_rows[file.name]).training)
        for file in files
        if file.name in compared.sets
    }


def main(arguments: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        small = [*SMALL, "--results", str(Path(folder, "quality.csv"))] if "--small" in arguments else []
        chosen = options([*small, *arguments])
        try:
            files = files_of(chosen)
            for name in chosen.methods:
                named(name)
            prepare(chosen.results)
            if not chosen.summary_only:
                install(chosen.methods)
        except (ValueError, PeerError) as error:
            sys.exit(str(error))
        if not chosen.summary_only:
            left = tasks(files, chosen)
            print(f"{sum(len(task.versions) for task in left):,} runs to do", flush=True)
            try:
                run_all(left, chosen.jobs, chosen.results)
            finally:
                close_all()
        names = {file.name for file in files}
        print_summary([result for result in read(chosen.results) if result.set in names], files, chosen)
    if chosen.kdd:
        kddcup99.main([] if chosen.kdd_test is None else [str(chosen.kdd_test)])
