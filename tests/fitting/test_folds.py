"""Folds of dependent rows: every row is held out once, and no fit learns from a row that depends on a held-out one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddrow.exceptions import DataError
from oddrow.fitting._folds import GAPS_PER_BLOCK, N_FOLDS, block_folds, group_folds, random_folds

times = st.lists(st.integers(0, 60), min_size=2, max_size=200).filter(lambda values: len(set(values)) > 1)


def held_out_once(folds, n_rows):
    return sorted(np.concatenate([fold.held_out for fold in folds]).tolist()) == list(range(n_rows))


@given(times, st.integers(0, 20))
def test_every_row_is_held_out_once_and_no_row_within_the_gap_is_learned_from(values, gap):
    position = np.array(values)
    try:
        folds = block_folds(position, gap)
    except DataError:
        assert gap > 0  # too few times for the gap, which the error says
        return
    assert held_out_once(folds, len(position))
    for fold in folds:
        apart = np.abs(position[fold.held_out][:, None] - position[fold.others][None, :])
        assert apart.size == 0 or apart.min() > gap


def test_a_time_with_nearly_all_rows_is_held_out_by_itself():
    folds = block_folds(np.array([0, *[1] * 50, 2]), 0)
    assert held_out_once(folds, 52)
    assert all(len(fold.others) for fold in folds)


def test_a_gap_that_leaves_no_row_to_learn_from_is_refused():
    with pytest.raises(DataError, match="a gap of 30 leaves no row to learn from"):
        block_folds(np.arange(40), 30)


@given(times)
def test_rows_of_equal_time_are_held_out_together(values):
    position = np.array(values)
    fold_of = np.empty(len(position), int)
    for number, fold in enumerate(block_folds(position, 0)):
        fold_of[fold.held_out] = number
    for time in set(values):
        assert len(set(fold_of[position == time].tolist())) == 1


def test_blocks_are_contiguous_and_at_least_ten_gaps_long():
    n_rows, gap = 5_000, 20
    for fold in block_folds(np.arange(n_rows), gap):
        starts = np.flatnonzero(np.diff(fold.held_out, prepend=-2) > 1)
        lengths = np.diff(np.append(starts, len(fold.held_out)))
        assert lengths.min() >= GAPS_PER_BLOCK * gap


def test_the_order_of_the_rows_in_the_table_does_not_matter():
    position = np.arange(300)
    order = np.random.default_rng(0).permutation(300)
    for fold, shuffled in zip(block_folds(position, 3), block_folds(position[order], 3), strict=True):
        assert set(order[shuffled.held_out]) == set(fold.held_out)
        assert set(order[shuffled.others]) == set(fold.others)


def test_rows_of_one_time_cannot_be_held_out_in_blocks():
    with pytest.raises(DataError, match="all rows have the same time"):
        block_folds(np.zeros(50, int), 0)


@given(st.lists(st.integers(0, 30), min_size=2, max_size=200))
def test_groups_are_held_out_whole(values):
    group = np.unique(values, return_inverse=True)[1]
    folds = group_folds(group, np.random.default_rng(0))
    assert held_out_once(folds, len(group))
    for fold in folds:
        assert not set(group[fold.held_out]) & set(group[fold.others])


def test_folds_of_groups_have_about_equal_numbers_of_rows():
    group = np.repeat(np.arange(100), np.random.default_rng(1).integers(1, 40, 100))
    sizes = [len(fold.held_out) for fold in group_folds(group, np.random.default_rng(0))]
    assert len(sizes) == N_FOLDS
    assert max(sizes) - min(sizes) <= 40


def test_random_folds_learn_from_every_other_row():
    for fold in random_folds(53, np.random.default_rng(0)):
        assert sorted([*fold.held_out, *fold.others]) == list(range(53))
