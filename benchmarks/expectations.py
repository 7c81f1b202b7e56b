"""How often ordinary new values lie in the usual range that a reason states, and how near what is expected is.

For each column that is a number: the share of ordinary new rows whose value lies in the stated range (asked: 90 %).
For planted huge values: the median of ``|ln(expected) - ln(ordinary value)|`` among the planted rows, whose ordinary
value is taken to be the median of ordinary new rows that share the given column, beside the same of ordinary rows
(asked: at most twice).
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pyarrow as pa

from oddrow import VAEDetector, datasets
from oddrow.scoring import Expectations, FittedModel, Statistic, ViewEvidence

TRAINING_ROWS, NEW_ROWS = 12_000, 8_000


def _made(name: str) -> tuple[pa.Table, Any, str, str, str] | None:
    """Training table, new rows with the truth, the planted column, the column that governs it, and the planted kind."""
    if name == "connections":
        training = datasets.make_connections(TRAINING_ROWS, 0.0, random_state=0).table
        new = datasets.make_connections(NEW_ROWS, 0.05, random_state=100)
        return training, new, "bytes_sent", "service", "huge_transfer"
    maker = getattr(datasets, "make_card_payments", None)
    if maker is None:
        return None
    new = maker(NEW_ROWS, 0.05, random_state=100, month="2024-04")
    return maker(TRAINING_ROWS, 0.0, random_state=0).table, new, "amount", "merchant_category", "huge_amount"


def coverage(model: FittedModel, table: pa.Table) -> dict[str, float]:
    """Of each number the share of values in the stated range."""
    expectations, encoding = model.expectations, model.encoding
    if expectations is None:
        return {}
    encoded = encoding.encode(table)
    cells = expectations.look_up(encoded)
    found = {}
    for column, subject in enumerate(expectations.subjects):
        if subject.statistic is Statistic.RANGE:
            usual = expectations.values[column][cells[:, column]]
            value, there = encoded.rows[:, subject.features[0]], encoded.presence[:, column]
            found[encoding.names[column]] = float(np.mean(((value >= usual[:, 0]) & (value <= usual[:, 2]))[there]))
    return found


def errors(detector: VAEDetector, new: Any, column: str, governor: str, kind: str) -> tuple[float, float, int]:
    """Median |ln expected - ln ordinary| of ordinary rows and of planted ones, and how many planted rows there are."""
    kinds = np.array([each or "" for each in new.kinds])
    values = np.array(new.table[column].to_pylist(), dtype=float)
    governed = np.array(new.table[governor].to_pylist())
    expected = np.array(
        [
            next(float(reason.expected or np.nan) for reason in row.reasons if reason.column == column)
            for row in detector.explain(new.table, top=None)
        ]
    )
    medians = {name: np.median(values[(governed == name) & (kinds == "")]) for name in set(governed[kinds == kind])}
    truth = np.array([medians.get(name, np.nan) for name in governed])
    ordinary = (kinds == "") & (values > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        of_ordinary = np.abs(np.log(expected) - np.log(values))[ordinary]
        of_planted = np.abs(np.log(expected) - np.log(truth))[kinds == kind]
    return float(np.nanmedian(of_ordinary)), float(np.nanmedian(of_planted)), int(np.sum(kinds == kind))


def main() -> None:
    """Print a table for each set."""
    for name in ("connections", "card payments"):
        made = _made(name)
        if made is None:
            continue
        training, new, column, governor, kind = made
        started = time.perf_counter()
        detector = VAEDetector(random_state=0).fit(training)
        fit_seconds = time.perf_counter() - started
        model = detector.model_
        evidence = model.surprise_model.evidence_model
        if not isinstance(evidence, ViewEvidence):
            continue
        encoded = model.encoding.encode(training)
        started = time.perf_counter()
        Expectations.learn(model.encoding, evidence.views.dependence.edges, encoded)
        learn_seconds = time.perf_counter() - started
        print(
            f"## Expectations: {name} ({len(training):,} training rows, fit {fit_seconds:.1f} s, "
            f"of it what is usual {learn_seconds:.2f} s)"
        )
        ordinary = new.table.filter(pa.array(~new.is_odd))
        print(f"{'number':<20}{'in the stated range':>20}")
        shares = coverage(model, ordinary)
        for number, share in [*shares.items(), ("all", float(np.mean(list(shares.values()))))]:
            print(f"{number:<20}{share:>20.1%}")
        of_ordinary, of_planted, n_planted = errors(detector, new, column, governor, kind)
        print(
            f"median |ln expected - ln ordinary| of {column}: ordinary rows {of_ordinary:.2f}, "
            f"{n_planted} rows with a planted {kind} {of_planted:.2f}"
        )


if __name__ == "__main__":
    main()
