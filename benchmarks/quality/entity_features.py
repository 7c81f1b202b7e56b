"""Odd card payments with and without entity features: recall of each kind of oddness, and false alarms.

Fits a detector on an ordinary month and scores the next, in which odd rows are planted. A burst is 25 payments of one
card within five minutes, each of them ordinary by itself: its recall is that of the rows after its third. With entity
features, cards of the scored month either continue from the state of the fitted month or begin without earlier rows.
By default the odd rows are bursts; ``--kinds`` plants others, whose rows change the sums of later ordinary rows of
their cards. ``--without`` leaves out features whose name contains a word, such as ``sum_``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow import FalseAlarmRate, VAEDetector
from oddrow.datasets import PAYMENT_ODDNESS_KINDS, CardPayments, make_card_payments
from oddrow.sequences import EntityHistory

RATE = 0.005
HISTORY = EntityHistory(entity="card_id", time="timestamp")
UNSEEN_ROWS = 3
"""The first rows of a burst, which look like ordinary rows."""
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Run:
    """The figures of one scored month."""

    recall: dict[str, float]
    n_odd: dict[str, int]
    false_alarms: float
    n_ordinary: int
    seconds: float


def later_burst_rows(made: CardPayments) -> Flags:
    """Return bool [n]: the rows of bursts, without the first three of each."""
    is_burst = np.array([kind == "burst" for kind in made.kinds])
    card = np.array(made.table["card_id"].to_pylist())
    second = made.table["timestamp"].to_numpy().astype("datetime64[s]").astype(np.int64)
    later = np.zeros(len(card), np.bool_)
    for name in np.unique(card[is_burst]):
        rows = np.flatnonzero(is_burst & (card == name))
        starts = np.flatnonzero(np.diff(second[rows], prepend=-1_000) >= 300)
        for several in np.split(rows, starts[1:]):
            later[several[UNSEEN_ROWS:]] = True
    return later


def measured(detector: VAEDetector, table: pa.Table, made: CardPayments, seconds: float) -> Run:
    """Score a month and count."""
    is_odd = detector.predict(table) == -1
    kinds = np.array(made.kinds, dtype=object)
    planted = [kind for kind in PAYMENT_ODDNESS_KINDS if kind in made.kinds]
    rows = {kind: later_burst_rows(made) if kind == "burst" else kinds == kind for kind in planted}
    return Run(
        {kind: float(is_odd[some].mean()) for kind, some in rows.items()},
        {kind: int(some.sum()) for kind, some in rows.items()},
        float(is_odd[~made.is_odd].mean()),
        int((~made.is_odd).sum()),
        seconds,
    )


def runs(n_rows: int, seed: int, kinds: Sequence[str], without: Sequence[str]) -> dict[str, Run]:
    """Fit and score with one seed: without entity features, and with them in both ways to begin."""
    march = make_card_payments(n_rows, odd_share=0.0, random_state=seed).table
    share = max(0.01, 0.005 * len(kinds))
    april = make_card_payments(n_rows, odd_share=share, kinds=kinds, random_state=seed + 1_000, month="2024-04")
    plan = HISTORY.learn(march)
    run = plan.begin()
    derived = run.feed(march).table
    used = {name: "ignore" if any(word in name for word in without) else kind for name, kind in plan.kinds.items()}
    no_features: dict[str, str] = {}
    tables = {
        "rows alone": (march, april.table, no_features),
        "begin empty": (derived, plan.begin().feed(april.table).table, used),
        "continue": (derived, plan.begin(run.state).feed(april.table).table, used),
    }
    found, detector, fitted = {}, None, None
    for name, (training, scored, given) in tables.items():
        started = time.perf_counter()
        if training is not fitted or detector is None:
            columns = {"card_id": "ignore", **given}
            detector = VAEDetector(policy=FalseAlarmRate(RATE), columns=columns, random_state=seed).fit(training)
            fitted = training
        found[name] = measured(detector, scored, april, time.perf_counter() - started)
    return found


def main(arguments: Sequence[str]) -> None:
    """Print one row for each seed and way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2], help="seeds of tables and fit")
    parser.add_argument("--rows", type=int, default=20_000, help="payments of a month")
    parser.add_argument(
        "--kinds", nargs="*", default=["burst"], choices=PAYMENT_ODDNESS_KINDS, help="kinds of odd rows"
    )
    parser.add_argument("--without", nargs="*", default=[], help="words in the names of features to leave out")
    chosen = parser.parse_args(arguments)
    print(f"## Card payments at {RATE:.1%} false alarms, {chosen.rows:,} rows a month")
    kinds = [kind for kind in PAYMENT_ODDNESS_KINDS if kind in chosen.kinds]
    print("| seed | features | " + " | ".join(kinds) + " | ordinary rows | flagged | seconds |")
    print("|---" * (5 + len(kinds)) + "|")
    for seed in chosen.seeds:
        for name, one in runs(chosen.rows, seed, kinds, chosen.without).items():
            recall = " | ".join(f"{one.recall[kind]:.1%} of {n}" for kind, n in one.n_odd.items())
            flagged = f"{one.n_ordinary:,} | {one.false_alarms:.2%} | {one.seconds:.0f}"
            print(f"| {seed} | {name} | {recall} | {flagged} |", flush=True)
