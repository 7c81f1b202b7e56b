"""How often ordinary new values lie in the usual range that a reason states, and how near what is expected is.

For each column that is a number: the share of ordinary new rows whose value lies in the stated range (asked: 90 %).
The error of what is expected is the median of ``|ln(expected) - ln(ordinary value)|``: of ordinary rows, of the same
rows whose value is a hundred times as large (asked: at most twice that of ordinary rows), and of the generator's own
planted rows, whose ordinary value is not known: the median of ordinary rows with the same governing value is taken.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow import VAEDetector, datasets
from oddrow.expectations import Expectations, Statistic
from oddrow.fitted import FittedModel
from oddrow.surprise import ViewEvidence

Floats = npt.NDArray[np.float64]

TRAINING_ROWS, NEW_ROWS = 12_000, 8_000
FACTOR = 100


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


def expected_values(detector: VAEDetector, table: pa.Table, column: str) -> Floats:
    """What is expected of a number in each row; NaN for a missing value."""
    explained = detector.explain(table, top=None)
    found = [next(reason.expected for reason in row.reasons if reason.column == column) for row in explained]
    return np.array([np.nan if value is None else float(value) for value in found])


def errors(detector: VAEDetector, new: Any, column: str, governor: str, kind: str) -> dict[str, tuple[int, float]]:
    """Of some groups of rows how many they are, and the median of |ln expected - ln ordinary value|."""
    kinds = np.array([each or "" for each in new.kinds])
    values = np.array(new.table[column].to_pylist(), dtype=float)
    governed = np.array(new.table[governor].to_pylist())
    ordinary = np.flatnonzero((kinds == "") & (values > 0))
    place = new.table.column_names.index(column)
    huge = pa.array(values * FACTOR).cast(new.table.schema.field(place).type, safe=False)
    moved = new.table.set_column(place, column, huge).take(ordinary)
    planted = np.flatnonzero(kinds == kind)
    medians = np.array([np.median(values[ordinary][governed[ordinary] == governed[row]]) for row in planted])
    expected = expected_values(detector, new.table, column)
    groups = {
        "ordinary rows": (expected[ordinary], values[ordinary]),
        f"the same rows, each value times {FACTOR}": (expected_values(detector, moved, column), values[ordinary]),
        f"{kind}, beside the median of its {governor}": (expected[planted], medians),
    }
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            name: (len(found), float(np.nanmedian(np.abs(np.log(found) - np.log(truth)))))
            for name, (found, truth) in groups.items()
        }


def main(_: Sequence[str]) -> None:
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
        print(f"{'rows':<60}{'count':>8}{'median error of ' + column:>30}")
        for group, (count, error) in errors(detector, new, column, governor, kind).items():
            print(f"{group:<60}{count:>8,}{error:>30.2f}")
