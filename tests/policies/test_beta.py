"""The quantiles of the beta distribution are those of SciPy."""

import pytest
from scipy.special import betaincinv

from oddrow.policies._beta import beta_quantile


@pytest.mark.parametrize("first", [1, 2, 7, 40, 3e3, 1e6])
@pytest.mark.parametrize("second", [1, 3, 60, 4e4, 1e6])
def test_a_quantile_is_that_of_scipy(first, second):
    for share in (1e-6, 0.025, 0.5, 0.975, 1 - 1e-6):
        assert beta_quantile(first, second, share) == pytest.approx(betaincinv(first, second, share), rel=1e-7)


def test_the_quantiles_of_mirrored_distributions_are_mirrored():
    assert beta_quantile(3, 500, 0.025) == pytest.approx(1 - beta_quantile(500, 3, 0.975), abs=1e-12)
