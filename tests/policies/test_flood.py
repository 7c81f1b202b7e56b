"""A flood of flagged rows: when it is said, and in which words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import betabinom

from oddrow.calibration import Calibration
from oddrow.policies import (
    LEVEL,
    Cost,
    FalseAlarmRate,
    FalseDiscoveryRate,
    FixedSurprise,
    RareLevel,
    RareRows,
    TrainingShare,
    flood_note,
    flood_p_value,
    is_flood,
    reference_level,
)

COUNTS = st.integers(1, 300).flatmap(
    lambda rows: st.tuples(st.integers(0, rows), st.just(rows), st.integers(0, 50), st.integers(51, 400))
)


@given(COUNTS)
def test_the_p_value_is_the_upper_tail_of_the_beta_binomial(counts):
    n_rare, n_rows, exceeded, n_calibration = counts
    expected = betabinom(n_rows, exceeded + 1, n_calibration - exceeded).pmf(np.arange(n_rare, n_rows + 1)).sum()
    found = flood_p_value(*counts)
    if n_rare * n_calibration <= exceeded * n_rows:
        assert found == 1.0  # no excess: not worth the sum
    else:
        assert found == pytest.approx(expected, rel=1e-9)


@given(COUNTS)
def test_more_rare_rows_are_less_likely(counts):
    n_rare, n_rows, exceeded, n_calibration = counts
    fewer = flood_p_value(max(n_rare - 1, 0), n_rows, exceeded, n_calibration)
    assert 0.0 <= flood_p_value(*counts) <= fewer * (1 + 1e-9) <= 1.0 + 1e-9


def test_the_p_value_of_a_million_rows_is_that_of_scipy():
    assert flood_p_value(10_400, 1_000_000, 799, 80_000) == pytest.approx(
        betabinom(1_000_000, 800, 79_201).sf(10_399), rel=1e-6
    )


POLICIES = [
    FalseAlarmRate(0.01),
    FalseAlarmRate(0.2),
    FixedSurprise(3.0),
    FalseDiscoveryRate(0.1),
    TrainingShare(0.05, 3.0),
    Cost(1.0, 1.0, at=2.0, counts=(5, 0, 5, 1)),
]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.kind)
@pytest.mark.parametrize(("n_calibration", "n_rows"), [(100, 500), (999, 60), (400, 2000)])
def test_rows_like_the_training_rows_are_no_flood(policy, n_calibration, n_rows):
    """At a level of 1 in 100 instead of 1 in 10,000, so that few tables can show that it holds."""
    rng = np.random.default_rng(0)
    tables = 400
    p_values = []
    for _ in range(tables):
        calibration = Calibration.learn(rng.exponential(size=n_calibration))
        level = policy.rare_level(calibration)
        n_rare = int(np.sum(calibration.surprise(rng.exponential(size=n_rows)) > level.nats))
        p_values.append(flood_p_value(n_rare, n_rows, level.exceeded, n_calibration))
    said = np.sum(np.array(p_values) < 0.01)
    assert said <= 0.01 * tables + 4 * np.sqrt(0.01 * tables)
    assert not np.any(np.array(p_values) < LEVEL / 100)


def test_ties_make_no_flood():
    rng = np.random.default_rng(1)
    said = 0
    for _ in range(1000):
        calibration = Calibration.learn(rng.integers(5, size=200).astype(float))
        level = FalseAlarmRate(0.1).rare_level(calibration)
        n_rare = int(np.sum(calibration.surprise(rng.integers(5, size=300).astype(float)) > level.nats))
        said += is_flood(RareRows(300, n_rare), level, calibration)
    assert said == 0


@pytest.mark.parametrize(("n_rare", "is_said"), [(8, False), (20, False), (60, True), (800, True)])
def test_an_excess_is_a_flood(n_rare, is_said):
    calibration = Calibration(np.arange(999.0))
    assert is_flood(RareRows(800, n_rare), FalseAlarmRate(0.01).rare_level(calibration), calibration) == is_said


def test_a_handful_of_rows_is_no_flood_unless_it_is_the_table():
    calibration = Calibration(np.arange(100_000.0))
    level = FalseAlarmRate(0.0001).rare_level(calibration)
    assert flood_p_value(5, 1000, level.exceeded, calibration.n_rows) < LEVEL
    assert not is_flood(RareRows(1000, 5), level, calibration)
    assert not is_flood(RareRows(1, 1), level, calibration)
    assert is_flood(RareRows(5, 5), level, calibration)


def test_odd_rows_that_are_known_are_no_flood():
    calibration = Calibration(np.arange(999.0))
    level = FalseAlarmRate(0.01).rare_level(calibration)
    assert is_flood(RareRows(1000, 60), level, calibration)
    assert not is_flood(RareRows(1000, 60), level, calibration, allowed=45)


def test_a_calibration_by_training_rows_has_a_flood_only_where_most_rows_are_rare():
    calibration = Calibration(np.arange(999.0), "training")
    level = FalseAlarmRate(0.01).rare_level(calibration)
    assert not is_flood(RareRows(1000, 400), level, calibration)
    assert is_flood(RareRows(1000, 800), level, calibration)


def test_a_policy_without_a_rate_is_tested_at_one_normal_row_in_a_hundred():
    calibration = Calibration(np.arange(999.0))
    assert FalseDiscoveryRate(0.3).rare_level(calibration) == reference_level(calibration)
    assert reference_level(calibration).exceeded == 9
    assert reference_level(Calibration(np.arange(20.0))).exceeded == 0


SENTENCES = [
    (
        RareRows(800, 800, {"temp_c": 790, "x": 10}),
        "790 of them first by temp_c: this looks like a changed column, not",
    ),
    (
        RareRows(800, 800, {"a": 390, "b": 380, "x": 30}),
        "390 of them first by a, 380 by b: this looks like changed col",
    ),
    (RareRows(800, 800), "expected: this looks like a changed table, not 800 odd rows"),
    (RareRows(800, 60, {"a": 60}), "60 of them first by a: more than chance explains; either many rows are odd, or a "),
]


@pytest.mark.parametrize(("rare", "words"), SENTENCES)
def test_the_note_names_the_columns_that_are_the_first_reason_of_most_rows(rare, words):
    calibration = Calibration(np.arange(999.0))
    note = flood_note(rare, FalseAlarmRate(0.01).rare_level(calibration), calibration, is_flagged=True)
    assert note.startswith(f"{rare.n_rare} of 800 rows are flagged where about 8 were expected")
    assert words in note
    assert note.endswith("These rows are not like the training rows.")


def test_a_flood_of_rows_that_a_budget_does_not_flag_is_noted():
    calibration = Calibration(np.arange(999.0))
    note = flood_note(RareRows(800, 800), reference_level(calibration), calibration, is_flagged=False)
    assert "800 of 800 rows are as strange as 1 normal row in 100 where about 8 were expected" in note


def test_counts_of_batches_add_up():
    rng = np.random.default_rng(2)
    is_rare, parts = rng.random(50) < 0.3, rng.exponential(size=(50, 3))
    whole = RareRows.of(is_rare, parts, ("a", "b", "c"))
    batches = [RareRows.of(is_rare[rows], parts[rows], ("a", "b", "c")) for rows in (slice(0, 7), slice(7, 50))]
    assert RareRows() + batches[0] + batches[1] == whole
    assert sum(whole.first.values()) == whole.n_rare == is_rare.sum()


def test_a_level_beyond_every_calibration_row_expects_less_than_one():
    calibration = Calibration(np.arange(99_999.0))
    note = flood_note(RareRows(1000, 30, {"a": 30}), RareLevel(20.0, 0), calibration, is_flagged=True)
    assert "where less than 1 was expected" in note
