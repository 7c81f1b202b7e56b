"""A policy is one class in one file: this one decides, promises, and is saved and loaded with a detector."""

import copy
import json
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pytest

import oddrow
from oddrow import files
from oddrow.batch import score_stream
from oddrow.exceptions import ModelFileError, SettingError
from oddrow.files import write_table
from oddrow.policies import (
    POLICIES,
    DayColumn,
    Decision,
    Needs,
    Promise,
    RareLevel,
    check_is_policy,
    reference_level,
    register,
)


@dataclass(frozen=True)
class StrangestShare:
    """Flag the strangest share of the rows of each table."""

    share: float
    by_day: bool = False
    kind: Literal["strangest-share"] = field(default="strangest-share", repr=False)

    @property
    def needs(self) -> Needs:
        return Needs(all_rows=True, day=DayColumn() if self.by_day else None)

    def threshold(self, calibration) -> float | None:
        return None

    def promise(self, calibration) -> Promise:
        return Promise(rule=f"{self.share:.3g} of the rows{' of a day' if self.by_day else ''}")

    def rare_level(self, calibration) -> RareLevel:
        return reference_level(calibration)

    def decide(self, rows, calibration) -> Decision:
        day = np.zeros(len(rows.surprise)) if rows.day is None else rows.day
        is_odd = np.zeros(len(day), np.bool_)
        for each in np.unique(day):
            own = np.flatnonzero(day == each)
            is_odd[own[np.argsort(-rows.surprise[own])[: int(self.share * len(own))]]] = True
        return Decision(is_odd, float(rows.surprise[~is_odd].max(initial=-np.inf)), self.promise(calibration))


@pytest.fixture(autouse=True)
def registered():
    register(StrangestShare)
    yield
    del POLICIES[StrangestShare.kind]


@pytest.fixture
def rows():
    return oddrow.datasets.make_connections(300, odd_share=0.0, random_state=1).table


@pytest.fixture
def detector(untrained, rows):
    return oddrow.VAEDetector(random_state=0).fit(rows)


def test_a_toy_policy_decides_and_promises(detector, rows):
    detector.set_policy(StrangestShare(0.1))
    decision = detector.decide(rows)
    assert decision.is_odd.sum() == 30
    assert detector.surprise(rows)[decision.is_odd].min() >= decision.threshold
    assert str(decision.promise) == "0.1 of the rows"
    np.testing.assert_array_equal(detector.predict(rows) == -1, decision.is_odd)


def test_a_toy_policy_receives_the_days_that_it_needs(detector, rows):
    decision = detector.decide(rows, StrangestShare(0.5, by_day=True))
    days = detector.model_.row_scores(np.zeros(300), np.zeros(300), rows, StrangestShare(0.5, by_day=True)).day
    for day in np.unique(days):
        assert decision.is_odd[days == day].sum() == int(0.5 * np.sum(days == day))


@pytest.mark.parametrize("policy", [StrangestShare(0.1), StrangestShare(0.2, by_day=True)])
def test_a_toy_policy_is_saved_and_loaded_with_a_detector(untrained, rows, tmp_path, policy):
    detector = oddrow.VAEDetector(policy=policy, random_state=0).fit(rows)
    oddrow.save(detector, tmp_path / "model.oddrow")
    loaded = oddrow.load(tmp_path / "model.oddrow")
    assert loaded.policy == loaded.model_.policy == policy
    np.testing.assert_array_equal(loaded.predict(rows), detector.predict(rows))


def test_a_stream_is_scored_by_a_toy_policy(detector, rows, tmp_path):
    write_table(rows, str(tmp_path / "rows.parquet"))
    model = copy.deepcopy(detector).set_policy(StrangestShare(0.1)).model_
    count = score_stream(model, files.open(tmp_path / "rows.parquet"), str(tmp_path / "scored.parquet"))
    assert count.odd == 30
    is_odd = files.open(tmp_path / "scored.parquet").read().column("is_odd").to_pylist()
    assert is_odd == detector.decide(rows, StrangestShare(0.1)).is_odd.tolist()


def test_find_and_export_refuse_a_policy_that_needs_all_rows(detector, rows, tmp_path):
    detector.set_policy(StrangestShare(0.1))
    with pytest.raises(SettingError, match="looks at a whole batch"):
        oddrow.find(rows, oddrow.VAEDetector(policy=StrangestShare(0.1)))
    with pytest.raises(SettingError, match="policy 'strangest-share' decides on all rows"):
        oddrow.export_onnx(detector, tmp_path / "model.onnx")


def test_the_command_line_shows_the_parameters_and_the_promise_of_a_toy_policy(detector, tmp_path, capsys):
    from oddrow.cli._render import info_lines, info_values

    values = info_values(detector.set_policy(StrangestShare(0.1)))
    assert values["policy"] == {"share": 0.1, "by_day": False, "kind": "strangest-share"}
    assert json.loads(json.dumps(values))["promise"] == "0.1 of the rows"
    assert "odd: 0.1 of the rows" in info_lines(detector)


def test_a_file_with_a_policy_that_is_not_registered_is_refused(detector, tmp_path):
    oddrow.save(detector.set_policy(StrangestShare(0.1)), tmp_path / "model.oddrow")
    del POLICIES[StrangestShare.kind]
    with pytest.raises(SettingError, match="give one of FalseAlarmRate, AlertBudget"):
        check_is_policy(StrangestShare(0.1))
    with pytest.raises(ModelFileError, match="strangest-share"):
        oddrow.load(tmp_path / "model.oddrow")
    register(StrangestShare)
    assert oddrow.load(tmp_path / "model.oddrow").policy == StrangestShare(0.1)
