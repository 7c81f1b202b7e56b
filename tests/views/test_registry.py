"""Every fit learns the registered views, and a file keeps those that it was written with."""

import numpy as np
import pytest

import oddrow
from oddrow.exceptions import SettingError
from oddrow.views import VIEWS, checked_view_weights
from testing.model_files import golden
from testing.untrained import no_training

FIRST_VIEWS = {name for name in VIEWS if not name.endswith("_subsets")}


def names(detector):
    return detector.model_.surprise_model.evidence_model.views.names


def test_a_fit_learns_all_views():
    with no_training():
        detector = oddrow.VAEDetector(random_state=0).fit(np.random.default_rng(0).normal(size=(120, 4)))
    assert names(detector) == tuple(VIEWS)
    assert len(VIEWS) == 10


def test_the_views_of_an_earlier_file_have_weight_1(tmp_path):
    (tmp_path / "m.oddrow").write_bytes(golden("vae"))
    loaded = oddrow.load(tmp_path / "m.oddrow")
    assert set(names(loaded)) == FIRST_VIEWS
    np.testing.assert_array_equal(loaded.model_.surprise_model.evidence_model.scales.weights, np.ones(8))


def test_a_weight_needs_a_view_that_the_file_has():
    with pytest.raises(SettingError, match="'random_subsets', which is not a view; choose from"):
        checked_view_weights({"random_subsets": 1}, sorted(FIRST_VIEWS))
