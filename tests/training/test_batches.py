"""Every row once in each pass, every pass in a new order."""

from itertools import islice

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from oddrow.training._batches import batch_indices

few = settings(max_examples=60, deadline=None)


def drawn(n_rows: int, batch_rows: int, n_indices: int, seed: int = 0) -> np.ndarray:
    """The first indices, batches laid end to end."""
    batches = batch_indices(n_rows, batch_rows, np.random.default_rng(seed))
    return np.concatenate(list(islice(batches, -(-n_indices // batch_rows))))


@few
@given(st.integers(1, 40), st.integers(1, 60))
def test_each_row_comes_exactly_once_in_each_pass(n_rows: int, batch_rows: int) -> None:
    passes = drawn(n_rows, batch_rows, 4 * n_rows)[: 4 * n_rows].reshape(4, n_rows)
    np.testing.assert_array_equal(np.sort(passes, axis=1), [np.arange(n_rows)] * 4)


@few
@given(st.integers(1, 40), st.integers(1, 60))
def test_each_batch_is_full(n_rows: int, batch_rows: int) -> None:
    for batch in islice(batch_indices(n_rows, batch_rows, np.random.default_rng(0)), 7):
        assert batch.shape == (batch_rows,)
        assert batch.dtype == np.int32


def test_each_pass_has_a_new_order() -> None:
    passes = drawn(50, 10, 200).reshape(4, 50)
    assert len({tuple(one) for one in passes}) == 4
    assert not (np.diff(passes, axis=1) == 1).all(axis=1).any()


def test_the_same_generator_gives_the_same_batches_and_another_gives_others() -> None:
    np.testing.assert_array_equal(drawn(50, 8, 100, seed=3), drawn(50, 8, 100, seed=3))
    assert (drawn(50, 8, 100, seed=3) != drawn(50, 8, 100, seed=4)).any()


def test_every_row_is_as_likely_at_every_place() -> None:
    places = np.array([drawn(4, 4, 4, seed=seed) for seed in range(2000)])
    for place in range(4):
        counts = np.bincount(places[:, place], minlength=4)
        assert np.abs(counts - 500).max() < 5 * np.sqrt(2000 * 0.25 * 0.75)
