"""False discoveries are as rare as promised."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from oddrow.calibration import Calibration
from oddrow.exceptions import SettingError
from oddrow.policies import FalseDiscoveryRate


@pytest.fixture(scope="module")
def calibration():
    return Calibration.learn(np.random.default_rng(0).exponential(size=1999))


@given(st.integers(0, 400), st.sampled_from([0.05, 0.1, 0.3]), st.booleans())
def test_the_flagged_rows_are_those_of_scipy(scored, n_odd, rate, conservative):
    rng = np.random.default_rng(n_odd)
    calibration = Calibration.learn(rng.exponential(size=1999))
    rows = scored(calibration, np.concatenate([rng.exponential(size=400), 6 + rng.exponential(size=n_odd)]))
    decision = FalseDiscoveryRate(rate, conservative).decide(rows, calibration)
    adjusted = false_discovery_control(rows.p_value, method="by" if conservative else "bh")
    np.testing.assert_array_equal(decision.is_odd, adjusted <= rate + 1e-12)
    np.testing.assert_array_equal(decision.is_odd, rows.surprise > decision.threshold)


@pytest.mark.parametrize("conservative", [False, True])
def test_false_discoveries_are_as_rare_as_promised_over_many_batches_and_calibrations(scored, conservative):
    """The mean share over 600 batches, each of its own calibration, is below the rate, but for 3 standard errors."""
    rng = np.random.default_rng(5)
    shares, found = [], []
    for _ in range(600):
        calibration = Calibration.learn(rng.exponential(size=999))
        rows = scored(calibration, np.concatenate([rng.exponential(size=180), 5 + rng.exponential(size=20)]))
        is_odd = FalseDiscoveryRate(0.2, conservative).decide(rows, calibration).is_odd
        shares.append(is_odd[:180].sum() / max(is_odd.sum(), 1))
        found.append(is_odd[180:].mean())
    assert np.mean(shares) <= 0.2 * 180 / 200 + 3 * np.std(shares) / np.sqrt(600)
    assert np.mean(found) > (0.1 if conservative else 0.8)


def test_the_conservative_variant_flags_no_more(scored, calibration):
    rows = scored(calibration, np.concatenate([np.random.default_rng(1).exponential(size=300), np.full(20, 8.0)]))
    plain = FalseDiscoveryRate(0.1).decide(rows, calibration).is_odd
    conservative = FalseDiscoveryRate(0.1, conservative=True).decide(rows, calibration).is_odd
    assert not np.any(conservative & ~plain)


def test_the_threshold_is_infinite_where_no_row_is_odd(scored, calibration):
    decision = FalseDiscoveryRate(0.1).decide(scored(calibration, np.zeros(50)), calibration)
    assert not decision.is_odd.any()
    assert decision.threshold == np.inf


def test_the_promise_says_how_few_odd_rows_cannot_be_found(scored, calibration):
    promise = FalseDiscoveryRate(0.1).decide(scored(calibration, np.zeros(1000)), calibration).promise
    assert "fewer than 5 odd rows in 1,000 cannot be found: a single one needs 9,999 calibration rows" in str(promise)
    rows = scored(calibration, [0.0] * 996 + [99.0] * 4)
    assert not FalseDiscoveryRate(0.1).decide(rows, calibration).is_odd.any()
    rows = scored(calibration, [0.0] * 995 + [99.0] * 5)
    assert FalseDiscoveryRate(0.1).decide(rows, calibration).is_odd.sum() == 5


def test_a_conservative_rate_that_no_row_of_the_batch_could_reach_is_refused(scored):
    calibration = Calibration(np.arange(120.0))
    rows = scored(calibration, np.full(200, 500.0))
    with pytest.raises(SettingError, match=r"0.01, conservatively, is impossible for 200 rows with 120 .* needs 587"):
        FalseDiscoveryRate(0.01, conservative=True).decide(rows, calibration)


def test_the_promise_of_a_discovery_rate_notes_a_calibration_by_training_rows():
    promise = FalseDiscoveryRate(0.1).promise(Calibration(np.arange(100.0), "training"))
    assert str(promise).endswith("100 rows that the fit saw: new rows may differ)")


def test_a_rate_below_every_p_value_is_refused():
    with pytest.raises(SettingError, match="takes at least 19"):
        FalseDiscoveryRate(0.05).promise(Calibration(np.arange(18.0)))
