"""A row's result depends on the row alone."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event, current_thread

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from oddrow._threads import threads_of_blas
from oddrow.density import BLOCK_ROWS, in_blocks
from oddrow.density._blocks import SLAB_ROWS, in_slabs

COUNTS = [0, 1, 2, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1, 3 * BLOCK_ROWS + 17]


@pytest.mark.parametrize("n_rows", COUNTS)
def test_blocks_give_the_results_of_the_whole_table(n_rows):
    rng = np.random.default_rng(0)
    rows, flags = rng.normal(size=(n_rows, 3)), rng.random((n_rows, 2)) < 0.5
    total, both = in_blocks(lambda r, f: (r.sum(axis=1), np.concatenate([r, f], axis=1)), rows, flags)
    np.testing.assert_array_equal(total, rows.sum(axis=1))
    np.testing.assert_array_equal(both, np.concatenate([rows, flags], axis=1))


@pytest.mark.parametrize("n_rows", COUNTS)
def test_every_block_has_the_same_shape_and_keeps_its_type(n_rows):
    seen = []

    def watched(rows, flags):
        seen.append((rows.shape, rows.dtype, rows.flags.c_contiguous, flags.shape, flags.dtype))
        return (rows,)

    in_blocks(watched, np.asfortranarray(np.ones((n_rows, 3), np.float32)), np.ones((n_rows, 2), np.bool_))
    assert set(seen) == {((BLOCK_ROWS, 3), np.dtype(np.float32), True, (BLOCK_ROWS, 2), np.dtype(np.bool_))}


def test_the_last_block_is_padded_with_zeros():
    def padding(rows):
        assert not rows[5:].any()
        return (rows,)

    in_blocks(padding, np.ones((5, 2)))


def test_a_row_gives_the_same_bits_in_every_position():
    rng = np.random.default_rng(0)
    weights, row = rng.normal(size=(37, 129)), rng.normal(size=37)

    def product(rows):
        return (np.tanh(rows @ weights) @ weights.T,)

    (alone,) = in_blocks(product, row[None])
    for place in range(0, 2 * BLOCK_ROWS, 5):
        rows = rng.normal(size=(2 * BLOCK_ROWS - place % 7, 37))
        rows[place % len(rows)] = row
        (found,) = in_blocks(product, rows)
        assert found[place % len(rows)].tobytes() == alone[0].tobytes()


THREADS = pytest.mark.parametrize("n_threads", [1, 2, 5])


@THREADS
@pytest.mark.parametrize("n_rows", [*COUNTS, SLAB_ROWS, 3 * SLAB_ROWS + 5])
def test_slabs_give_the_results_of_the_whole_table_in_order(n_threads, n_rows):
    rows = np.random.default_rng(0).normal(size=(n_rows, 3))
    with threadpool_limits(n_threads, user_api="blas"):
        same, number = in_slabs(lambda r, i: (r * 2, i), rows, np.arange(n_rows))
    np.testing.assert_array_equal(same, rows * 2)
    np.testing.assert_array_equal(number, np.arange(n_rows))


def test_a_row_gives_the_same_bits_with_any_number_of_threads():
    rng = np.random.default_rng(1)
    weights, rows = rng.normal(size=(61, 1_300)), rng.normal(size=(3 * SLAB_ROWS + 100, 61))
    found = []
    for n_threads in (1, 2, 3, 8):
        with threadpool_limits(n_threads, user_api="blas"):
            found.append(in_blocks(lambda block: (block @ weights,), rows)[0])
    assert len({each.tobytes() for each in found}) == 1


def test_threads_divide_the_slabs_and_start_no_further_threads():
    names, inner, both = set(), [], Event()

    def watched(rows):
        names.add(current_thread().name)
        if len(names) == 2:
            both.set()
        inner.append(current_thread().name)
        in_slabs(lambda part: (inner.append(current_thread().name), part)[1:], rows)
        assert inner[-1] in names
        assert both.wait(60), "one thread does all the work"
        return (rows,)

    with threadpool_limits(2, user_api="blas"):
        in_slabs(watched, np.zeros((8 * BLOCK_ROWS, 1)))
    assert len(names) == 2
    assert set(inner) == names
    assert current_thread().name not in names


def test_a_short_table_is_divided_among_threads_too():
    sizes = []
    with threadpool_limits(2, user_api="blas"):
        in_slabs(lambda rows: (sizes.append(len(rows)), rows)[1:], np.zeros((BLOCK_ROWS + 60, 1)))
    assert sorted(sizes) == [60, BLOCK_ROWS]


def test_threads_keep_the_error_settings_of_the_caller():
    huge = np.full((4 * BLOCK_ROWS, 1), 1e308)
    with threadpool_limits(2, user_api="blas"):
        with np.errstate(over="ignore"):
            assert np.isinf(in_slabs(lambda rows: (rows * 10,), huge)[0]).all()
        with np.errstate(over="raise"), pytest.raises(FloatingPointError):
            in_slabs(lambda rows: (rows * 10,), huge)


def blas_threads():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_blas_has_one_thread_inside_the_context_and_its_own_number_afterwards():
    with threadpool_limits(3, user_api="blas"):
        with threads_of_blas() as n_threads:
            assert n_threads == 3
            assert blas_threads() == {1}
            with threads_of_blas() as further:
                assert further == 1
            assert blas_threads() == {1}
        assert blas_threads() == {3}


def test_a_call_outside_the_main_thread_starts_no_further_threads():
    def called():
        with threads_of_blas() as n_threads:
            return n_threads, in_slabs(lambda rows: (names.add(current_thread().name), rows)[1:], rows)[0]

    names, rows = set(), np.random.default_rng(0).normal(size=(5 * BLOCK_ROWS, 2))
    with threadpool_limits(3, user_api="blas"), ThreadPoolExecutor(1) as pool:
        n_threads, found = pool.submit(called).result()
    assert (n_threads, len(names)) == (1, 1)
    np.testing.assert_array_equal(found, rows)


def test_blas_gets_its_threads_back_after_an_error():
    with threadpool_limits(3, user_api="blas"):
        with pytest.raises(ZeroDivisionError):
            in_slabs(lambda rows: (rows, 1 / 0), np.zeros((5 * BLOCK_ROWS, 1)))
        assert blas_threads() == {3}
