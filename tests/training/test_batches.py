"""Every row once in each pass, every pass in a new order."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from oddrow.training._batches import BatchOrder

few = settings(max_examples=60, deadline=None)


def drawn(n_rows: int, batch_rows: int, n_indices: int, seed: int = 0) -> np.ndarray:
    """The first indices, batches laid end to end."""
    order = BatchOrder(n_rows, batch_rows, np.random.default_rng(seed))
    return order.draw(-(-n_indices // batch_rows)).ravel()


@few
@given(st.integers(1, 40), st.integers(1, 60))
def test_each_pass_contains_each_row_exactly_once(n_rows: int, batch_rows: int) -> None:
    passes = drawn(n_rows, batch_rows, 4 * n_rows)[: 4 * n_rows].reshape(4, n_rows)
    np.testing.assert_array_equal(np.sort(passes, axis=1), [np.arange(n_rows)] * 4)


@few
@given(st.integers(1, 40), st.integers(1, 60))
def test_each_batch_is_full(n_rows: int, batch_rows: int) -> None:
    batches = BatchOrder(n_rows, batch_rows, np.random.default_rng(0)).draw(7)
    assert batches.shape == (7, batch_rows)
    assert batches.dtype == np.int32


@few
@given(st.integers(1, 40), st.integers(1, 60), st.integers(0, 5), st.integers(1, 5))
def test_batches_continue_from_the_waiting_rows_and_the_generators_state(
    n_rows: int, batch_rows: int, before: int, after: int
) -> None:
    """The rows waiting and the generator's state are all that is to come."""
    whole = BatchOrder(n_rows, batch_rows, np.random.default_rng(0))
    expected = whole.draw(before + after)[before:]
    first = BatchOrder(n_rows, batch_rows, np.random.default_rng(0))
    first.draw(before)
    second = BatchOrder(n_rows, batch_rows, np.random.default_rng(0))
    second._rng.bit_generator.state = first._rng.bit_generator.state
    second.waiting = first.waiting
    np.testing.assert_array_equal(second.draw(after), expected)


def test_each_pass_has_a_new_order() -> None:
    passes = drawn(50, 10, 200).reshape(4, 50)
    assert len({tuple(one) for one in passes}) == 4
    assert not (np.diff(passes, axis=1) == 1).all(axis=1).any()


def test_the_same_generator_gives_the_same_batches_and_another_gives_others() -> None:
    np.testing.assert_array_equal(drawn(50, 8, 100, seed=3), drawn(50, 8, 100, seed=3))
    assert (drawn(50, 8, 100, seed=3) != drawn(50, 8, 100, seed=4)).any()


def test_every_row_is_equally_likely_in_every_position() -> None:
    places = np.array([drawn(4, 4, 4, seed=seed) for seed in range(2000)])
    for place in range(4):
        counts = np.bincount(places[:, place], minlength=4)
        assert np.abs(counts - 500).max() < 5 * np.sqrt(2000 * 0.25 * 0.75)
