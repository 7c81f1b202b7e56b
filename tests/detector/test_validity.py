"""The p-values and false-alarm rates of whole fits are as promised: many made-up tables, and real ones where they are.

What is promised holds whatever the network learned, so these are hardly trained or not at all. The figures of
whole fits are printed by ``python -m benchmarks calibration``.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import betabinom

from oddrow import FalseAlarmRate, FalseDiscoveryRate, VAEDetector

DATA = Path(os.environ.get("ODDROW_DATA", "../shared/data")) / "adbench"
SETS = ("12_fault", "20_letter", "27_PageBlocks", "38_thyroid", "47_yeast")


def test_p_values_are_super_uniform_and_discoveries_true_over_two_hundred_tables(untrained):
    """Each repeat is a new table, a new fit and new rows; means by table, at three standard errors."""
    shares = np.array([0.02, 0.05, 0.1, 0.25, 0.5])
    reached, false_discoveries = [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        rows = rng.normal(size=(400, 2)) @ np.array([[1.0, 0.5], [0.0, 1.0]])
        detector = VAEDetector(random_state=seed).fit(rows[:250])
        p = detector.p_value(rows[250:])
        reached.append([np.mean(p <= share) for share in shares])
        odd = rng.normal(size=(30, 2)) + 12.0
        is_odd = detector.decide(np.concatenate([rows[250:320], odd]), FalseDiscoveryRate(0.2)).is_odd
        false_discoveries.append(np.sum(is_odd[:70]) / max(np.sum(is_odd), 1))
    error = np.std(reached, axis=0) / np.sqrt(200)
    assert (np.mean(reached, axis=0) <= shares + 3 * error).all()
    assert (np.mean(reached, axis=0) >= np.floor(shares * 51) / 51 - 3 * error).all()  # and not far below: exact steps
    assert np.mean(false_discoveries) <= 0.2 * 0.7 + 3 * np.std(false_discoveries) / np.sqrt(200)
    assert np.mean(false_discoveries) > 0.02  # the rate is used, not merely kept


def test_p_values_hold_where_half_of_a_table_are_copies_of_one_row(untrained):
    """There a remembered row excuses its copies, but no row that calibrates and is remembered excuses itself."""
    shares = np.array([0.02, 0.05, 0.1, 0.25])
    reached = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rows = rng.normal(size=(650, 2))
        rows[rng.random(650) < 0.5] = 0.0
        p = VAEDetector(random_state=seed).fit(rows[:250]).p_value(rows[250:])
        reached.append([np.mean(p <= share) for share in shares])
    assert (np.mean(reached, axis=0) <= shares + 3 * np.std(reached, axis=0) / np.sqrt(40)).all()


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the public data sets in $ODDROW_DATA")
@pytest.mark.parametrize("name", SETS)
def test_the_false_alarms_of_a_real_table_are_within_their_exact_law(short_training, name):
    """With the k-th of n held-out rows at the threshold, the false alarms among new rows are beta-binomial.

    The interval holds them with probability 0.999 a set.
    """
    with np.load(DATA / f"{name}.npz") as arrays:
        normals = arrays["X"][arrays["y"] == 0].astype(np.float64)
    normals = np.random.default_rng(0).permutation(normals)[:3000]
    half = len(normals) // 2
    detector = VAEDetector(random_state=0).fit(normals[:half])
    n_held_out = detector.model_.calibration.n_rows
    for rate in (0.05, 0.2):
        count = int(rate * (n_held_out + 1) + 1e-9)
        low, high = betabinom.ppf([0.0005, 0.9995], len(normals) - half, count, n_held_out + 1 - count)
        assert low <= np.sum(detector.decide(normals[half:], FalseAlarmRate(rate)).is_odd) <= high
