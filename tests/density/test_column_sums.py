"""Parts are summed into the columns that own them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from oddrow.density import ColumnSums


@given(st.lists(st.integers(0, 5), max_size=12), st.integers(0, 2**32 - 1))
def test_the_sums_are_those_of_a_matrix_of_zeros_and_ones(owners: list[int], seed: int) -> None:
    parts = np.random.default_rng(seed).normal(size=(7, len(owners)))
    matrix = np.zeros((len(owners), 6))
    matrix[np.arange(len(owners)), owners] = 1.0
    np.testing.assert_allclose(ColumnSums(tuple(owners), 6)(parts), parts @ matrix, atol=1e-12)


def test_with_one_part_per_column_the_sums_are_the_parts() -> None:
    parts = np.random.default_rng(0).normal(size=(3, 4))
    np.testing.assert_array_equal(ColumnSums((0, 1, 2, 3), 4)(parts), parts)
    np.testing.assert_array_equal(ColumnSums((1, 0, 3, 2), 4)(parts), parts[:, [1, 0, 3, 2]])
