"""A view is one class: registered, it is learned, weighted, explained, saved, loaded and exported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import onnxruntime
import pytest

import oddrow
from oddrow.exceptions import ModelFileError, SettingError
from oddrow.table import as_table
from oddrow.views import (
    VIEWS,
    GraphScore,
    Judged,
    ViewScore,
    register_view,
    unregister_view,
)
from testing.untrained import no_training


@dataclass(frozen=True)
class ToyView:
    """How far each feature is from its mean among the training rows."""

    mean: np.ndarray

    name: ClassVar[str] = "toy"
    judges: ClassVar[Judged] = Judged.ROW
    scores_training_rows: ClassVar[bool] = True

    @classmethod
    def learn(cls, context):
        return cls(context.training.rows.mean(axis=0, dtype=np.float64))

    def score(self, rows):
        apart = rows.basis.feature_sums(np.abs(rows.rows - self.mean))
        return ViewScore(apart, total=apart.sum(axis=1))

    def units(self, training):
        return None

    def packed(self):
        return {"mean": self.mean}

    @classmethod
    def unpacked(cls, store, basis):
        return cls(store.take("mean", np.float64, (basis.layout.n_features,)))

    def graph(self, rows):
        to_columns = np.eye(rows.layout.n_columns)[list(rows.layout.feature_column)]
        apart = rows.xp.abs(rows.rows - self.mean) @ to_columns
        return GraphScore(apart, total=apart.sum(axis=1, keepdims=True))


@pytest.fixture
def toy():
    register_view(ToyView)
    yield
    unregister_view("toy")


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(400, 3))
    return table, np.concatenate([rng.normal(size=(50, 3)), [[0.0, 9.0, 0.0]]])


def fitted(rows, **parameters):
    with no_training():
        return oddrow.VAEDetector(random_state=0, **parameters).fit(rows)


def test_it_is_learned_and_scored_with_the_others(toy, rows):
    detector = fitted(rows[0])
    evidence = detector.model_.surprise_model.evidence_model
    assert evidence.views.names == (*VIEWS,) and evidence.views.names[-1] == "toy"
    encoded = detector.model_.encoding.encode(as_table(rows[1]))
    np.testing.assert_allclose(
        evidence.views.of(encoded).scores["toy"].total,
        np.abs(encoded.rows - evidence.views.named("toy").mean).sum(axis=1),
    )


def test_it_is_weighted_by_name(toy, rows):
    one, two = (fitted(rows[0], view_weights={"toy": weight}) for weight in (1, 2))
    assert (one.surprise(rows[1]) != two.surprise(rows[1])).any()
    np.testing.assert_array_equal(two.model_.surprise_model.evidence_model.scales.weights, [0.5] * 10 + [1.0])


def test_its_parts_are_reasons_in_explanations(toy, rows):
    detector = fitted(rows[0], view_weights=dict.fromkeys(VIEWS, 0) | {"toy": 1})
    found = detector.explain(rows[1][-1:])[0]
    assert found.reasons[0].column == "x1"
    encoded = detector.model_.encoding.encode(as_table(rows[1]))
    scored = detector.model_.surprise_model.score(encoded)
    apart = detector.model_.surprise_model.evidence_model.views.of(encoded).scores["toy"].by_column
    shares = scored.column_part / scored.surprise[:, None]
    ordinary = encoded.novelty.sum(axis=1) == 0
    np.testing.assert_allclose(shares[ordinary], (apart / apart.sum(axis=1, keepdims=True))[ordinary], rtol=1e-9)
    np.testing.assert_allclose(scored.column_part.sum(axis=1) + scored.combination_part, scored.surprise, atol=1e-9)


@pytest.mark.parametrize("calibration", ["split", "cross"])
def test_it_is_saved_and_loaded(toy, rows, tmp_path, calibration):
    detector = fitted(rows[0], view_weights={"toy": 2}, calibration=calibration)
    oddrow.save(detector, tmp_path / "m.oddrow")
    loaded = oddrow.load(tmp_path / "m.oddrow")
    np.testing.assert_array_equal(loaded.surprise(rows[1]), detector.surprise(rows[1]))
    np.testing.assert_array_equal(
        loaded.model_.surprise_model.evidence_model.views.named("toy").mean,
        detector.model_.surprise_model.evidence_model.views.named("toy").mean,
    )


def test_it_is_exported(toy, rows, tmp_path):
    detector = fitted(rows[0], view_weights={"toy": 2})
    oddrow.export_onnx(detector, tmp_path / "m.onnx", parts=True)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    surprise, parts = session.run(
        ["surprise", "column_part"], {f"x{place}": rows[1][:, [place]] for place in range(rows[1].shape[1])}
    )
    np.testing.assert_allclose(surprise, detector.surprise(rows[1]), rtol=1e-9)
    encoded = detector.model_.encoding.encode(as_table(rows[1]))
    np.testing.assert_allclose(parts, detector.model_.surprise_model.score(encoded).column_part, rtol=1e-7, atol=1e-9)


def test_files_with_an_unregistered_view_are_refused_and_others_are_read(rows, tmp_path):
    before = fitted(rows[0])
    oddrow.save(before, tmp_path / "before.oddrow")
    register_view(ToyView)
    try:
        assert len(VIEWS) == 11
        loaded = oddrow.load(tmp_path / "before.oddrow")
        np.testing.assert_array_equal(loaded.surprise(rows[1]), before.surprise(rows[1]))
        oddrow.save(fitted(rows[0]), tmp_path / "toy.oddrow")
        with pytest.raises(SettingError, match="a view named 'toy' is already registered"):
            register_view(ToyView)
    finally:
        unregister_view("toy")
    assert "toy" not in VIEWS
    with pytest.raises(ModelFileError, match="'toy' is not one of likelihood, marginal"):
        oddrow.load(tmp_path / "toy.oddrow")
