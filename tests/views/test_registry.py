"""The default learns eight views; two more are learned with a weight above 0."""

import numpy as np
import pytest

import oddrow
from oddrow.exceptions import SettingError
from oddrow.views import OPTIONAL_VIEWS, VIEWS, checked_view_weights, views_learned
from testing.model_files import golden
from testing.untrained import no_training

DEFAULT_VIEWS = (
    "likelihood",
    "marginal",
    "dependence",
    "sparseness",
    "rank_sparseness",
    "latent_nearest",
    "random_subsets",
    "related_subsets",
)
ROWS = np.random.default_rng(0).normal(size=(120, 4))


def fitted(**parameters):
    with no_training():
        return oddrow.VAEDetector(random_state=0, **parameters).fit(ROWS)


def names(detector):
    return detector.model_.surprise_model.evidence_model.views.names


def test_the_default_has_eight_views_and_two_are_optional():
    assert views_learned() == views_learned({}) == views_learned({"nearest": 0}) == DEFAULT_VIEWS
    assert {"nearest", "rank_nearest"} == OPTIONAL_VIEWS
    assert (*DEFAULT_VIEWS, "nearest", "rank_nearest") == tuple(VIEWS)
    assert names(fitted()) == DEFAULT_VIEWS


@pytest.mark.parametrize("calibration", ["split", "cross"])
def test_an_optional_view_with_a_weight_is_learned_saved_and_loaded(calibration, tmp_path):
    detector = fitted(view_weights={"nearest": 2, "rank_nearest": 0}, calibration=calibration)
    assert names(detector) == (*DEFAULT_VIEWS, "nearest")
    weights = detector.model_.surprise_model.evidence_model.scales.weights
    np.testing.assert_array_equal(weights, [0.5] * 8 + [1.0])
    oddrow.save(detector, tmp_path / "m.oddrow")
    loaded = oddrow.load(tmp_path / "m.oddrow")
    assert names(loaded) == names(detector)
    assert loaded.surprise(ROWS + 0.1).tobytes() == detector.surprise(ROWS + 0.1).tobytes()
    assert (detector.surprise(ROWS + 0.1) != fitted(calibration=calibration).surprise(ROWS + 0.1)).any()


def test_an_optional_view_at_weight_0_changes_no_bit():
    one, other = fitted(), fitted(view_weights={"nearest": 0})
    assert one.surprise(ROWS).tobytes() == other.surprise(ROWS).tobytes()


def test_optional_views_of_an_earlier_file_have_weight_1(tmp_path):
    (tmp_path / "m.oddrow").write_bytes(golden("vae"))
    loaded = oddrow.load(tmp_path / "m.oddrow")
    assert set(names(loaded)) == set(DEFAULT_VIEWS[:6]) | OPTIONAL_VIEWS
    assert loaded.view_weights is None
    np.testing.assert_array_equal(loaded.model_.surprise_model.evidence_model.scales.weights, np.ones(8))


def test_a_weight_above_0_needs_a_view_that_the_file_has():
    with pytest.raises(SettingError, match="'nearest', which is not a view here; choose from likelihood, marginal"):
        checked_view_weights({"nearest": 1}, DEFAULT_VIEWS)
    np.testing.assert_array_equal(checked_view_weights({"nearest": 0}, DEFAULT_VIEWS), np.ones(8))
