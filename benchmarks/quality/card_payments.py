"""``find`` on a month of card payments: false alarms by kind of merchant, and average precision beside three rivals.

Burst rows cannot be told from ordinary ones row by row: they are left out of every average precision. The rivals see
the rows as oddrow encodes them, and score the very rows that they learn from, as ``find`` is given the table alone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score

from oddrow import VAEDetector, find
from oddrow.columns import TableEncoding, TableSchema
from oddrow.comparison._rivals import RIVALS
from oddrow.datasets import PAYMENT_ODDNESS_KINDS, CardPayments, make_card_payments

SEEN_BY_ROW = tuple(kind for kind in PAYMENT_ODDNESS_KINDS if kind != "burst")
RIVAL_NAMES = ("iforest", "ecod", "knn1")
FIXED_MEMOS = ("NETFLIX.COM", "SPOTIFY AB", "AMAZON PRIME MEMBERSHIP", "FITX STUDIO BEITRAG")
Floats = npt.NDArray[np.float64]


def average_precisions(made: CardPayments, scores: Floats) -> dict[str, float]:
    """Of each kind that a row shows, the others left out; and of the three together."""
    kinds = np.array([kind or "" for kind in made.kinds])
    found = {}
    for name, odd in [*((kind, (kind,)) for kind in SEEN_BY_ROW), ("the three", SEEN_BY_ROW)]:
        judged = np.isin(kinds, ["", *odd])
        found[name] = float(average_precision_score(np.isin(kinds[judged], odd), scores[judged]))
    return found


def flagged_shares(made: CardPayments, is_odd: npt.NDArray[np.bool_]) -> dict[str, tuple[int, float]]:
    """Ordinary rows of each kind of merchant, and the share of them that is flagged."""
    memo = np.array(made.table["memo"].to_pylist(), dtype=object)
    category = np.array(made.table["merchant_category"].to_pylist())
    kinds = {name: category == name for name in sorted(set(category.tolist()))}
    kinds |= {name: memo == name for name in FIXED_MEMOS}
    return {
        name: (int(np.sum(chosen & ~made.is_odd)), float(np.mean(is_odd[chosen & ~made.is_odd])))
        for name, chosen in kinds.items()
    }


def measured(n_rows: int, seed: int, columns: dict[str, str]) -> dict[str, Any]:
    """All figures of one month."""
    made = make_card_payments(n_rows, random_state=seed)
    started = time.perf_counter()
    found = find(made.table, VAEDetector(clean="robust", columns=columns, random_state=seed))
    seconds = time.perf_counter() - started
    schema = TableSchema.infer(made.table, columns)
    rows = TableEncoding.learn(schema, made.table).encode(made.table).rows.astype(np.float64)
    precisions = {"oddrow find": average_precisions(made, found.surprise)}
    for name in RIVAL_NAMES:
        precisions[name] = average_precisions(made, RIVALS[name](rows, seed)(rows))
    kinds = np.array([kind or "" for kind in made.kinds])
    return {
        "cleaning": found.cleaning,
        "flagged": int(found.is_odd.sum()),
        "alarms": int(found.is_odd[~made.is_odd].sum()),
        "caught": {kind: float(found.is_odd[kinds == kind].mean()) for kind in PAYMENT_ODDNESS_KINDS},
        "shares": flagged_shares(made, found.is_odd),
        "precisions": precisions,
        "seconds": seconds,
    }


def print_measured(seed: int, figures: dict[str, Any], n_rows: int) -> None:
    """One month's tables."""
    odd = figures["cleaning"]
    count, low, high = (round(share * odd.n_rows) for share in (odd.share, odd.low, odd.high))
    print(f"\n### seed {seed}: {n_rows:,} rows, find took {figures['seconds']:.0f} s")
    print(
        f"stand out: {count:,} ({low:,} to {high:,}); flagged: {figures['flagged']:,}, "
        f"of them ordinary: {figures['alarms']:,} ({figures['alarms'] / n_rows:.2%})"
    )
    print("flagged by kind of oddness: " + ", ".join(f"{kind} {of:.0%}" for kind, of in figures["caught"].items()))
    print(f"{'ordinary rows of':<26}{'rows':>7}{'flagged':>9}")
    for name, (n_of, share) in figures["shares"].items():
        print(f"{name:<26}{n_of:>7,}{share:>9.2%}")
    print(f"{'average precision':<16}" + "".join(f"{name:>16}" for name in [*SEEN_BY_ROW, "the three"]))
    for method, by_kind in figures["precisions"].items():
        print(f"{method:<16}" + "".join(f"{value:>16.3f}" for value in by_kind.values()))


def main(arguments: Sequence[str]) -> None:
    """Print the tables of each seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2], help="seeds of table and fit")
    parser.add_argument("--rows", type=int, default=20_000, help="payments of the month")
    parser.add_argument("--ignore", nargs="*", default=[], help="columns to leave out")
    chosen = parser.parse_args(arguments)
    print("## Card payments: find on a month with .5 % of odd rows")
    for seed in chosen.seeds:
        figures = measured(chosen.rows, seed, dict.fromkeys(chosen.ignore, "ignore"))
        print_measured(seed, figures, chosen.rows)
