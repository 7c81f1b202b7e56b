"""A policy decides a fitted detector's rows, can be changed without fitting, and is refused where it cannot be kept."""

import copy

import numpy as np
import pytest
from sklearn.base import clone

import oddrow
import oddrow.training
from oddrow import VAEDetector
from oddrow.exceptions import DataError, SettingError

POLICIES = [
    oddrow.FalseAlarmRate(0.05),
    oddrow.AlertBudget(2, per=100),
    oddrow.AlertBudget(30, per="day"),
    oddrow.FalseDiscoveryRate(0.2),
    oddrow.FalseDiscoveryRate(0.2, conservative=True),
    oddrow.FixedSurprise(3.0),
    oddrow.Cost(10, 1).learn(np.array([1.0, 2.0]), np.array([False, True])),
]


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_changes_the_decision_and_nothing_else(vae, labelled, policy):
    before = vae.surprise(labelled.table), vae.predict(labelled.table)
    other = copy.deepcopy(vae).set_policy(policy)
    np.testing.assert_array_equal(other.surprise(labelled.table), before[0])
    decision = other.decide(labelled.table)
    np.testing.assert_array_equal(other.predict(labelled.table) == -1, decision.is_odd)
    np.testing.assert_array_equal(vae.decide(labelled.table, policy).is_odd, decision.is_odd)
    np.testing.assert_array_equal(vae.predict(labelled.table), before[1])
    assert [row.is_odd for row in other.explain(labelled.table)] == decision.is_odd.tolist()
    assert str(decision.promise)
    assert not np.any(decision.is_odd & (before[0] <= decision.threshold))


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_is_a_parameter_that_survives_clone_and_file(untrained, connections, policy, tmp_path):
    rows = connections.slice(0, 400)
    detector = clone(VAEDetector(policy=policy, random_state=0)).fit(rows)
    assert detector.policy == policy
    oddrow.save(detector, tmp_path / "model.oddrow")
    loaded = oddrow.load(tmp_path / "model.oddrow")
    assert loaded.policy == policy
    assert loaded.decide(rows).promise == detector.decide(rows).promise
    np.testing.assert_array_equal(loaded.predict(rows), detector.predict(rows))
    np.testing.assert_array_equal(loaded.offset_, detector.offset_)


def test_a_row_policy_sets_the_offset_and_a_batch_policy_leaves_none(vae):
    detector = copy.deepcopy(vae)
    assert detector.set_policy(oddrow.FixedSurprise(3.0)).offset_ == -3.0
    assert np.isnan(detector.set_policy(oddrow.FalseDiscoveryRate(0.1)).offset_)


def test_the_signs_agree_where_the_threshold_is_the_batchs(vae, labelled):
    detector = copy.deepcopy(vae).set_policy(oddrow.FalseDiscoveryRate(0.2))
    odd = detector.predict(labelled.table) == -1
    assert 0 < odd.sum() < len(odd)
    np.testing.assert_array_equal(odd, detector.decision_function(labelled.table) < 0)
    detector.set_policy(oddrow.AlertBudget(1, per=100))  # which has no room for all that are as strange
    odd = detector.predict(labelled.table) == -1
    assert odd.sum() < (detector.surprise(labelled.table) > detector.model_.threshold).sum()
    np.testing.assert_array_equal(odd, detector.decision_function(labelled.table) < 0)


def test_a_policy_that_cannot_be_kept_is_refused_and_changes_nothing(vae, labelled):
    detector = copy.deepcopy(vae)
    with pytest.raises(SettingError, match=r"rate of 1e-06 cannot be promised from 600 .* takes at least 999,999"):
        detector.set_policy(oddrow.FalseAlarmRate(1e-6))
    with pytest.raises(SettingError, match=r"policy is '0.01'; give one of FalseAlarmRate, AlertBudget"):
        detector.set_policy("0.01")
    assert detector.policy is None
    assert detector.offset_ == vae.offset_


def test_a_policy_that_cannot_be_kept_is_refused_before_the_fit(numbers, monkeypatch):
    monkeypatch.setattr(oddrow.training, "fit_network", None)
    with pytest.raises(SettingError, match=r"cannot be promised from 80 calibration rows: it takes at least 99;"):
        VAEDetector(policy=oddrow.FalseAlarmRate(0.01)).fit(numbers)
    with pytest.raises(SettingError, match="policy is 'x'; give one of"):
        VAEDetector(policy="x").fit(numbers)
    with pytest.raises(SettingError, match="both decide; give one"):
        VAEDetector(policy=oddrow.FalseAlarmRate(0.1), contamination=0.1).fit(numbers)
    with pytest.raises(SettingError, match="has no labelled sample yet"):
        VAEDetector(policy=oddrow.Cost(10, 1)).fit(numbers)


def test_auto_promises_no_lower_rate_than_the_calibration_rows_support(untrained, numbers):
    promise = VAEDetector(random_state=0).fit(numbers[:100]).decide(numbers).promise
    assert (
        str(promise) == "about 9.5 in 100 normal rows, between 1.2 and 25 in 100 (95 %, 20 held-out rows)"
    )  # two of 21


def test_a_budget_per_day_takes_the_only_timestamp_or_the_named_column(vae, fresh, untrained, numbers):
    by_itself = vae.decide(fresh, oddrow.AlertBudget(3, per="day"))
    (name,) = [column.name for column in vae.model_.encoding.schema.used if column.kind == "timestamp"]
    named = vae.decide(fresh, oddrow.AlertBudget(3, per="day", column=name))
    np.testing.assert_array_equal(by_itself.is_odd, named.is_odd)
    with pytest.raises(DataError, match="no column 'when' to take the days from"):
        vae.decide(fresh, oddrow.AlertBudget(3, per="day", column="when"))
    without = VAEDetector().fit(numbers)
    for refused in (without.set_policy, lambda policy: without.decide(numbers, policy)):
        with pytest.raises(SettingError, match="needs one timestamp column, and the model knows 0"):
            refused(oddrow.AlertBudget(3, per="day"))
    assert without.policy is None
    for unfit in ("when", "bytes_sent"):
        with pytest.raises(SettingError, match=f"the training table had no column '{unfit}' of dates or times"):
            copy.deepcopy(vae).set_policy(oddrow.AlertBudget(3, per="day", column=unfit))
