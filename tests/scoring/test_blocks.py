"""A row's result depends on the row alone."""

import numpy as np
import pytest

from oddrow.scoring import BLOCK_ROWS, in_blocks

COUNTS = [0, 1, 2, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1, 3 * BLOCK_ROWS + 17]


@pytest.mark.parametrize("n_rows", COUNTS)
def test_blocks_give_what_the_whole_gives(n_rows):
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


def test_what_is_added_to_the_last_block_is_zero():
    def padding(rows):
        assert not rows[5:].any()
        return (rows,)

    in_blocks(padding, np.ones((5, 2)))


def test_a_row_gives_the_same_bits_wherever_it_stands():
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
