"""The memory holds distinct normal rows, at most its bound, includes rare kinds, and finds the nearest of them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oddrow.scoring_constants import DEFAULT_CONSTANTS
from oddrow.views import Memory, Reach, Surroundings
from oddrow.views._memory import covering_rows, distinct_rows

NEIGHBOURS = DEFAULT_CONSTANTS.neighbours

small_rows = arrays(np.float32, st.tuples(st.integers(1, 12), st.just(3)), elements=st.integers(-3, 3).map(float))


def chosen(rows, seed=0, **constants):
    rng, constants = np.random.default_rng(seed), replace(DEFAULT_CONSTANTS, **constants)
    index = covering_rows(rows, distinct_rows(rows, rng, constants)[0], rng, constants)
    return Memory.of(rows[index]), index


@given(small_rows)
def test_the_memory_is_the_set_of_distinct_rows(rows):
    memory, index = chosen(rows)
    assert memory.rows.dtype == np.float32
    assert sorted(map(tuple, memory.rows)) == sorted(set(map(tuple, rows)))
    np.testing.assert_array_equal(memory.rows, rows[index])
    assert (np.diff(index) > 0).all()


@given(small_rows, small_rows)
def test_nearest_is_the_least_squared_distance_feature_by_feature(rows, asked):
    memory, _ = chosen(rows)
    by_feature = memory.squares(asked + np.float32(0.25))
    differences = (asked[:, None] + np.float32(0.25) - rows[None]).astype(np.float64) ** 2
    np.testing.assert_allclose(by_feature.sum(axis=1), differences.sum(axis=2).min(axis=1))
    for found, candidates in zip(by_feature, differences, strict=True):
        assert np.isclose(candidates, found).all(axis=1).any()


def test_a_remembered_row_has_distance_zero_to_itself():
    rows = np.random.default_rng(0).normal(size=(500, 7)).astype(np.float32) * 1e3
    memory, _ = chosen(rows)
    assert not memory.squares(rows).any()


def test_the_memory_is_bounded_and_depends_on_the_generator():
    rows = np.repeat(np.arange(50, dtype=np.float32), 3)[:, None]
    memory, index = chosen(rows, memory_rows=20)
    assert len(memory.rows) == len(set(memory.rows[:, 0])) == 20
    np.testing.assert_array_equal(memory.rows, rows[index])
    np.testing.assert_array_equal(chosen(rows, memory_rows=20)[1], index)
    assert set(chosen(rows, seed=1, memory_rows=20)[1]) != set(index)


def test_a_rare_kind_of_row_is_remembered():
    """Ten rows far from two thousand others: a plain sample of forty would hold a fifth of one."""
    rng = np.random.default_rng(2)
    rows = np.concatenate([rng.normal(size=(2_000, 2)), rng.normal(100.0, 1.0, size=(10, 2))]).astype(np.float32)
    kept = [np.sum(chosen(rows, seed, memory_rows=40)[1] >= 2_000) for seed in range(20)]
    assert np.mean(kept) > 2


def test_the_number_of_candidate_rows_is_bounded():
    rows = np.arange(100, dtype=np.float32)[:, None]
    memory, index = chosen(rows, candidate_rows=30)
    assert len(memory.rows) == 30
    assert index.max() > 30  # drawn from all of them, not the first
    np.testing.assert_array_equal(memory.rows, rows[index])


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_far_from_zero_the_differences_are_still_exact(offset):
    rows = (np.random.default_rng(1).normal(size=(50, 3)) + offset).astype(np.float32)
    memory, _ = chosen(rows)
    asked = rows + np.float32(0.125)
    np.testing.assert_array_equal(
        memory.squares(asked[:1]).sum(), ((asked[0].astype(float) - rows.astype(float)) ** 2).sum(axis=1).min()
    )


@given(small_rows)
def test_the_number_of_equal_rows_is_counted(rows):
    index, counts = distinct_rows(rows, np.random.default_rng(0), DEFAULT_CONSTANTS)
    assert counts.sum() == len(rows)
    for place, count in zip(index, counts, strict=True):
        assert count == (rows == rows[place]).all(axis=1).sum()


def test_a_row_is_not_its_own_neighbour():
    rows = np.random.default_rng(3).normal(size=(60, 4)).astype(np.float32)
    memory = Memory.of(rows)
    places = np.arange(60)
    found = memory.squares(rows, places).sum(axis=1)
    apart = ((rows[:, None].astype(float) - rows[None].astype(float)) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    np.testing.assert_allclose(found, apart.min(axis=1))
    assert not memory.squares(rows, np.full(60, -1)).any()


@pytest.mark.parametrize("n_rows", [1, 2, 5, 11, 40])
def test_a_memory_returns_at_most_all_rows_other_than_the_row_itself(n_rows):
    rows = np.random.default_rng(4).normal(size=(n_rows, 2)).astype(np.float32)
    found = Memory.of(rows).nearest(rows, NEIGHBOURS, np.arange(n_rows))
    assert found.shape == (n_rows, min(NEIGHBOURS, max(n_rows - 1, 1)))
    if n_rows > 1:
        assert not (found == np.arange(n_rows)[:, None]).any()
    assert all(len(set(row)) == len(row) for row in found.tolist())


def around_rows(surroundings, rows, own=None):
    own = np.full(len(rows), -1) if own is None else own
    return surroundings.around(rows, surroundings.places(rows, own), own)


def test_sparseness_does_not_depend_on_the_spacing_of_the_remembered_rows():
    """Two even grids, one ten times as wide: what counts is the distance against the neighbours' own."""
    grid = np.stack(np.meshgrid(np.arange(12.0), np.arange(12.0)), axis=-1).reshape(-1, 2)
    memory = Memory.of(np.concatenate([grid, 1_000 + 10 * grid]))
    around = Surroundings(memory, Reach.among(memory))
    asked = np.array([[5.5, 5.5], [1_055.0, 1_055.0], [5.5, 30.0], [5.5, -200.0]], np.float32)
    sparseness = around_rows(around, asked).sparseness
    assert abs(sparseness[0] - sparseness[1]) < 0.1
    assert sparseness[3] > sparseness[2] > sparseness[0] + 1


def test_the_sparseness_of_duplicates_is_finite():
    memory = Memory.of(np.zeros((30, 2)))
    around = Surroundings(memory, Reach.among(memory))
    sparseness = around_rows(around, np.array([[0.0, 0.0], [3.0, 4.0]], np.float32)).sparseness
    assert np.isfinite(sparseness).all()
    assert sparseness[1] > sparseness[0] == 0


def test_an_excluded_row_has_the_sparseness_of_a_new_row_in_a_memory_without_it():
    """What calibrates is remembered, what comes later is not: both are judged by the same measure."""
    rows = np.random.default_rng(5).normal(size=(60, 2)).astype(np.float32)
    whole = Memory.of(rows)
    passed_over = around_rows(Surroundings(whole, Reach.among(whole)), rows, np.arange(60)).sparseness
    least = Surroundings(whole, Reach.among(whole)).least
    for row in range(60):
        others = Memory.of(np.delete(rows, row, axis=0))
        around = Surroundings(others, Reach.among(others))
        around.__dict__["least"] = least
        new = around_rows(around, rows[[row]]).sparseness
        assert new[0] == pytest.approx(passed_over[row], abs=1e-6)


@pytest.mark.parametrize("n_rows", [10, 11, 97, 1_000, 1_234])
@pytest.mark.parametrize("count", [1, NEIGHBOURS])
def test_the_nearest_rows_equal_those_of_a_full_sort_for_all_group_sizes(n_rows, count):
    rng = np.random.default_rng(n_rows)
    rows, asked = rng.normal(size=(n_rows, 3)).astype(np.float32), rng.normal(size=(70, 3)).astype(np.float32)
    own = np.where(np.arange(70) % 2, np.arange(70) % n_rows, -1)
    found = Memory.of(rows).nearest(asked, count, own)
    distance = ((asked[:, None].astype(float) - rows[None]) ** 2).sum(axis=2)
    distance[np.flatnonzero(own >= 0), own[own >= 0]] = np.inf
    expected = np.argsort(distance, axis=1)[:, : min(count, n_rows - 1)]
    np.testing.assert_array_equal(np.sort(found, axis=1), np.sort(expected, axis=1))


def test_padding_rows_are_never_neighbours_even_of_distant_rows():
    rows = np.random.default_rng(0).normal(size=(997, 2)).astype(np.float32)
    far = np.array([[1e38, -1e38], [-3e38, 0.0]], np.float32)
    for count in (1, NEIGHBOURS):
        assert Memory.of(rows).nearest(far, count).max() < 997


def test_the_first_of_equally_distant_rows_are_the_nearest():
    """Whatever the order of the features, and so the rounding of their sums."""
    rng = np.random.default_rng(0)
    grid = (rng.integers(0, 3, (300, 12)) * np.float32(0.7)).astype(np.float32)
    asked, memory = grid[:40], grid[40:]
    squares = np.round(((asked[:, None].astype(float) - memory) ** 2).sum(axis=2), 6)
    wanted = np.sort(np.argsort(squares, axis=1, kind="stable")[:, :10], axis=1)
    for order in (np.arange(12), rng.permutation(12)):
        found = Memory.of(memory[:, order]).nearest(asked[:, order], 10)
        np.testing.assert_array_equal(np.sort(found, axis=1), wanted)


def test_rows_that_differ_in_the_sign_of_a_zero_are_equal():
    rows = np.array([[0.0, -0.0], [1.0, 2.0], [-0.0, 0.0], [1.0, 2.0], [2.0, 1.0]], np.float32)
    first, counts = distinct_rows(rows, np.random.default_rng(0), DEFAULT_CONSTANTS)
    assert (first.tolist(), counts.tolist()) == ([0, 1, 4], [2, 2, 1])


def test_rows_without_features_are_equal():
    first, counts = distinct_rows(np.zeros((4, 0), np.float32), np.random.default_rng(0), DEFAULT_CONSTANTS)
    assert (first.tolist(), counts.tolist()) == ([0], [4])


@pytest.mark.parametrize("reach", [[3.0], [1.0, 4.0], [9.0, 1.0, 2.0], [8.0, 1.0, 2.0, 5.0], [0.0, 0.0, 7.0]])
def test_the_offset_of_a_distance_is_a_twentieth_of_the_median_reach(reach):
    mean = np.array(reach)
    around = Surroundings(Memory.of(np.zeros((len(mean), 2), np.float32)), Reach(mean, mean))
    assert around.least == (0.05 * np.median(mean) or 1.0)
