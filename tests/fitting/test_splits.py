"""The rows that decide when a fit stops do not depend on the rows that train."""

import numpy as np
import pyarrow as pa
import pytest

from oddrow.fitting._splits import SplitTable, independent_stopping
from oddrow.views import Moments


@pytest.mark.parametrize(("n_rows", "gap"), [(3_000, 0), (3_000, 20), (5_000, 125), (400, 300), (2, 0)])
def test_a_stopping_row_is_apart_in_time_from_every_training_row(n_rows, gap):
    rng = np.random.default_rng(0)
    position = rng.permutation(n_rows)
    training, stopping, between = independent_stopping(Moments(position, gap), 0.1, rng)
    assert np.array_equal(np.sort(np.concatenate([training, stopping, between])), np.arange(n_rows))
    assert len(stopping) == pytest.approx(0.1 * n_rows, abs=10)
    assert len(training) >= 0.5 * n_rows
    distance = np.abs(position[training][:, None] - position[stopping]).min()
    assert distance > min(gap, len(stopping))


def test_whole_groups_decide_when_to_stop():
    rng = np.random.default_rng(0)
    group = rng.permutation(np.concatenate([np.zeros(900, np.int64), 1 + np.arange(600) % 30]))
    training, stopping, between = independent_stopping(Moments(None, 0, group), 0.1, rng)
    assert not set(group[training]) & set(group[stopping])
    assert len(between) == 0
    assert 0 not in group[stopping]  # a group of more than half of the rows trains
    assert 0.1 * 1_500 <= len(stopping) < 0.1 * 1_500 + 20


def test_rows_that_all_depend_on_each_other_are_split_at_random():
    table = pa.table({"a": np.arange(50.0)})
    same = np.zeros(50, np.int64)
    for moments in (Moments(same, 0), Moments(None, 0, same)):
        split = SplitTable.draw(table, np.zeros(50, np.bool_), (0.1, 0.0), np.random.default_rng(0), moments)
        assert (len(split.training), len(split.stopping), len(split.between)) == (45, 5, 0)


def test_rows_in_doubt_are_not_among_the_rows_of_an_ordered_split():
    table, in_doubt = pa.table({"a": np.arange(500.0)}), np.arange(500) % 3 == 0
    split = SplitTable.draw(table, in_doubt, (0.1, 0.0), np.random.default_rng(0), Moments(np.arange(500), 5))
    assert len(split.between) > 0
    assert not in_doubt[np.concatenate([split.training, split.stopping, split.between])].any()
    assert len(split.calibration) == 0
