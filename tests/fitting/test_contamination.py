"""The estimate counts rows that stand out, and is 0 where none does."""

import numpy as np
import pytest

from oddrow.columns import TableEncoding, TableSchema
from oddrow.fitting import estimate_odd_share, isolation, typical_distance
from oddrow.table import as_table


def isolations_of(table, seed=0):
    table = as_table(table)
    encoding = TableEncoding.learn(TableSchema.infer(table), table)
    return isolation(encoding.layout, encoding.encode(table), np.random.default_rng(seed))


def estimate_of(table, seed=0):
    return estimate_odd_share(isolations_of(table, seed), np.random.default_rng(seed))


def estimate_of_few(table, seed=0):
    table = as_table(table)
    encoding = TableEncoding.learn(TableSchema.infer(table), table)
    typical = typical_distance(encoding.layout, encoding.encode(table))
    return estimate_odd_share(isolations_of(table, seed), np.random.default_rng(seed), typical)


def mixed(rng, n_rows, n_columns, n_odd, kind):
    """Normal rows, of which the first are moved away together, or spread eightfold each by itself."""
    rows = rng.normal(size=(n_rows, n_columns))
    rows[:n_odd] = rows[:n_odd] + 8.0 if kind == "together" else rows[:n_odd] * 8.0
    return rows


@pytest.mark.parametrize("kind", ["together", "scattered"])
@pytest.mark.parametrize("n_columns", [3, 8])
def test_the_interval_holds_a_share_of_gross_odd_rows(kind, n_columns):
    rows = mixed(np.random.default_rng(n_columns), 1000, n_columns, 50, kind)
    estimate = estimate_of(rows)
    assert estimate.low <= 0.05 <= estimate.high
    assert 0.03 <= estimate.share <= 0.06
    assert estimate.low > 0


CLEAN = {
    "normal": lambda rng: rng.normal(size=(600, 4)),
    "uniform": lambda rng: rng.random((600, 4)),
    "heavy": lambda rng: rng.standard_t(4, size=(600, 4)),
    "log-normal": lambda rng: np.exp(rng.normal(size=(600, 4))),
    "two kinds": lambda rng: rng.normal(size=(600, 4)) + 6.0 * (rng.random((600, 1)) < 0.5),
}


@pytest.mark.parametrize("draw", CLEAN.values(), ids=CLEAN)
def test_in_a_table_without_odd_rows_nearly_nothing_stands_out(draw):
    estimates = [estimate_of(draw(np.random.default_rng(seed)), seed) for seed in range(8)]
    assert sum(estimate.share > 0 for estimate in estimates) <= 1
    assert max(estimate.share for estimate in estimates) < 0.02
    assert all(estimate.low == 0 for estimate in estimates)


@pytest.mark.parametrize(
    "rows", [np.ones((50, 2)), np.arange(4.0).reshape(2, 2), (np.arange(900) % 45 == 0).reshape(300, 3).astype(float)]
)
def test_nothing_stands_out_without_a_tail(rows):
    assert estimate_of(rows).share == 0


def test_a_group_of_equal_odd_rows_is_isolated():
    """Forty copies of one odd row, each its own nearest neighbour."""
    rows = np.random.default_rng(0).normal(size=(1000, 4))
    rows[:40] = 9.0
    isolations = isolations_of(rows)
    assert set(np.argsort(-isolations)[:40]) == set(range(40))


def test_isolation_is_not_changed_by_the_distance_of_a_row_to_itself():
    """Two far rows: each is near itself alone, and is sampled as often as any other."""
    rows = np.random.default_rng(0).normal(size=(20, 2))
    rows[0], rows[1] = 60.0, -60.0
    assert set(np.argsort(-isolations_of(rows))[:2]) == {0, 1}


def test_the_same_seed_gives_the_same_isolation():
    rows = np.random.default_rng(1).normal(size=(300, 3))
    assert isolations_of(rows, 5).tobytes() == isolations_of(rows, 5).tobytes()
    assert isolations_of(rows, 5).tobytes() != isolations_of(rows, 6).tobytes()


@pytest.mark.parametrize("n_rows", [10, 20, 40, 80, 160, 199])
def test_a_row_beyond_thirty_typical_distances_is_counted_in_a_table_of_few_rows(n_rows):
    values = np.append(np.resize([20.0, 21.0, 22.0, 23.0], n_rows), 5000.0)
    estimate = estimate_of_few(values[:, None])
    assert round(estimate.share * len(values)) == 1
    assert estimate.low <= estimate.share <= estimate.high
    assert estimate_of_few(np.append(values[:-1], 24.0)[:, None]).share == 0


FEW = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "uniform": lambda rng, shape: rng.random(shape),
    "log-normal": lambda rng, shape: np.exp(rng.normal(size=shape)),
    "counts": lambda rng, shape: rng.poisson(2.0, size=shape).astype(float),
}


@pytest.mark.parametrize("draw", FEW.values(), ids=FEW)
def test_a_row_is_seldom_counted_in_a_short_table_without_odd_rows(draw):
    rng = np.random.default_rng(3)
    shapes = [(int(rng.integers(10, 201)), int(rng.integers(1, 5))) for _ in range(25)]
    counted = [estimate_of_few(draw(rng, shape), seed).share > 0 for seed, shape in enumerate(shapes)]
    assert sum(counted) <= 2


def test_the_typical_distance_is_between_rows_that_differ():
    assert typical_distance_of(np.ones((50, 1))) == 0
    some = np.random.default_rng(0).normal(size=(50, 1))
    assert typical_distance_of(np.repeat(some, 3, axis=0)) == pytest.approx(typical_distance_of(some), rel=0.3)


def typical_distance_of(rows):
    table = as_table(rows)
    encoding = TableEncoding.learn(TableSchema.infer(table), table)
    return typical_distance(encoding.layout, encoding.encode(table))
