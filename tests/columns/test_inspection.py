"""An inspection reports what is suspicious about each column; an unreadable column raises no error."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from oddrow.columns import Suspicion, inspect_table
from oddrow.table import readable_table

RNG = np.random.default_rng(0)
ROWS = 60
LEVEL = RNG.normal(size=ROWS)
LABEL = ["odd" if row % 12 == 0 else "normal" for row in range(ROWS)]
COLUMNS = {
    "number": (list(range(ROWS)), [Suspicion.RUNS_ON]),
    "clock": ([dt.datetime(2024, 1, 1) + dt.timedelta(hours=row) for row in range(ROWS)], [Suspicion.RUNS_ON]),
    "ticket": ([f"TX{row * 7919 % 100_000:05}" for row in range(ROWS)], [Suspicion.IDENTIFIER]),
    "shuffled": (RNG.permutation(ROWS).tolist(), [Suspicion.IDENTIFIER]),
    "either": ([f"0{1 + row % 9}/0{1 + row % 7}/2024" for row in RNG.permutation(ROWS)], [Suspicion.DATES]),
    "stray": ([*map(str, LEVEL[1:]), "Bad"], [Suspicion.STRANGE]),
    "empty": ([None] * ROWS, [Suspicion.EMPTY]),
    "site": (["home"] * ROWS, [Suspicion.CONSTANT]),
    "rarely": ([1.5 if row % 10 == 0 else 2.5 if row % 10 == 1 else None for row in range(ROWS)], [Suspicion.MISSING]),
    "endless": ([float("inf"), *LEVEL[1:]], [Suspicion.INFINITE]),
    "verdict": (["yes" if label == "odd" else "no" for label in LABEL], [Suspicion.LABEL]),
    "tags": ([["a"]] * ROWS, [Suspicion.UNREADABLE]),
    "level": (LEVEL.tolist(), []),
    "same level": (LEVEL.tolist(), [Suspicion.COPY]),
}
TABLE = {name: values for name, (values, _) in COLUMNS.items()} | {"label": LABEL}


@pytest.fixture(scope="module")
def inspected():
    found = inspect_table(readable_table(TABLE), {"label": "ignore"}, "label")
    return {one.column.name: one for one in found.columns}


@pytest.mark.parametrize("name", COLUMNS)
def test_each_suspicion_is_reported_for_its_column(inspected, name):
    assert list(inspected[name].suspicions) == COLUMNS[name][1]
    for text in inspected[name].suspicions.values():
        assert name in text


def test_the_first_values_are_examples(inspected):
    assert inspected["ticket"].examples == ("TX00000", "TX07919", "TX15838")
    assert inspected["empty"].examples == ()


def test_a_table_that_cannot_be_learned_from_can_be_inspected():
    found = inspect_table(readable_table({"a": [None, None], "b": [b"x", b"y"]}))
    assert [one.column.kind for one in found.columns] == ["ignore", "ignore"]
    assert found.n_rows == 2
    nothing = inspect_table(readable_table(pa.table({"a": pa.array([], pa.string())})))
    assert nothing.n_rows == 0
