"""Interpolation gives NumPy's bits, whatever the order of the numbers."""

import numpy as np
import pytest

from oddrow._interpolation import MIN_KNOTS, MIN_SORTED, interpolated


@pytest.mark.parametrize("n_knots", [1, 2, MIN_KNOTS, 200])
@pytest.mark.parametrize("n", [0, 1, MIN_SORTED - 1, MIN_SORTED, 5_000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_have_the_bits_of_numpy(n, n_knots, dtype):
    rng = np.random.default_rng(n + n_knots)
    knots, values = np.sort(rng.normal(size=(2, n_knots)), axis=1)
    x = np.round(rng.normal(size=n) * 2, 2).astype(dtype)
    x[::50], x[1::50] = np.nan, np.inf
    assert interpolated(x, knots, values).tobytes() == np.interp(x, knots, values).tobytes()


def test_the_bits_do_not_depend_on_the_other_numbers():
    rng = np.random.default_rng(0)
    knots, values = np.sort(rng.normal(size=(2, 100)), axis=1)
    x = rng.normal(size=3_000)
    together = interpolated(x, knots, values)
    assert np.concatenate([interpolated(x[at : at + 7], knots, values) for at in range(0, 3_000, 7)]).tobytes() == (
        together.tobytes()
    )
