"""The gap grows with the time for which rows resemble each other."""

import numpy as np
import pyarrow as pa
import pytest

from oddrow.columns import TableEncoding, TableSchema
from oddrow.fitting._gap import MAX_GAP_SHARE, estimated_gap


def gap_of(table, position=None, group=None):
    table = pa.table(table)
    encoding = TableEncoding.learn(TableSchema.infer(table), table)
    places = np.arange(table.num_rows) if position is None else position
    return estimated_gap(encoding, encoding.encode(table), places, group)


def autoregressive(phi, n_rows=6_000, seed=0):
    noise = np.random.default_rng(seed).normal(size=(n_rows, 3))
    rows = np.zeros((n_rows, 3))
    for row in range(1, n_rows):
        rows[row] = phi * rows[row - 1] + noise[row]
    return {name: rows[:, column] for column, name in enumerate("abc")}


def test_independent_rows_have_no_gap():
    assert gap_of(autoregressive(0.0)) == 0


@pytest.mark.parametrize("phi", [0.5, 0.8, 0.95])
def test_the_gap_of_an_autoregressive_process_is_where_its_correlation_falls_below_a_tenth(phi):
    known = np.log(0.1) / np.log(phi)
    assert 0.6 * known <= gap_of(autoregressive(phi)) <= 1.6 * known


def test_a_trend_gives_the_largest_gap():
    rows = 1_000
    rising = np.linspace(0, 30, rows) + np.random.default_rng(0).normal(size=rows) * 1e-3 + np.sin(np.arange(rows))
    assert gap_of({"x": rising}) == int(MAX_GAP_SHARE * rows)


def test_a_cycle_is_followed_to_its_first_zero_and_not_for_ever():
    hours = np.arange(5_000)
    daily = np.sin(2 * np.pi * hours / 100) + 0.1 * np.random.default_rng(0).normal(size=5_000)
    assert 10 <= gap_of({"x": daily}) <= 30


def test_the_column_of_the_time_does_not_count():
    table = {
        "at": pa.array(np.datetime64("2024-01-01T00:00", "s") + 60 * np.arange(3_000)),
        **autoregressive(0.0, 3_000),
    }
    assert gap_of(table) == 0


def test_several_sequences_in_one_table_are_followed_one_by_one():
    """Ten machines, a row of each at every time: the gap counts times."""
    machines = [autoregressive(0.9, 600, seed) for seed in range(10)]
    table = {name: np.stack([one[name] for one in machines], axis=1).ravel() for name in "abc"}
    group, position = np.tile(np.arange(10), 600), np.repeat(np.arange(600), 10)
    known = np.log(0.1) / np.log(0.9)
    assert 0.6 * known <= gap_of(table, position, group) <= 1.6 * known
