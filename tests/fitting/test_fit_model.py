"""A fit is one function of a plan, a table and a generator; the estimators add nothing to it."""

from dataclasses import replace

import numpy as np
import pytest

from oddrow import AutoencoderDetector, FalseAlarmRate, VAEDetector
from oddrow.columns import TableSchema
from oddrow.exceptions import SettingError
from oddrow.fitting import RECIPES, FitPlan, RunControl, TrainingData, fit_model
from oddrow.table import as_table

WAYS = {
    "default": {},
    "narrow": {"settings": "narrow"},
    "article": {"settings": "article"},
    "cross": {"settings": "narrow", "calibration": "cross"},
    "robust": {"clean": "robust"},
    "policy": {"policy": FalseAlarmRate(0.05)},
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_fit_model_gives_the_model_of_the_estimator(untrained, numbers, way):
    table = as_table(numbers)
    changes = {name: value for name, value in way.items() if name != "settings"}
    recipe = replace(RECIPES[way.get("settings", "default")], **changes)
    plan = FitPlan(recipe, TrainingData(TableSchema.infer(table)))
    found = fit_model(plan, table, np.random.default_rng(0))
    model, cleaning = found.model, found.cleaning
    detector = VAEDetector(random_state=0, **way).fit(numbers)
    assert model.score(table).surprise.tobytes() == detector.surprise(numbers).tobytes()
    assert model.policy == detector.model_.policy
    assert cleaning == detector.cleaning_
    assert (cleaning is not None) == (way.get("clean") == "robust")


def test_the_autoencoder_is_a_recipe_without_sampling(untrained, numbers):
    table = as_table(numbers)
    recipe = replace(RECIPES["default"], is_variational=False, kl_weight=0.0)
    plan = FitPlan(recipe, TrainingData(TableSchema.infer(table)))
    model = fit_model(plan, table, np.random.default_rng(0)).model
    detector = AutoencoderDetector(random_state=0).fit(numbers)
    assert model.score(table).surprise.tobytes() == detector.surprise(numbers).tobytes()


def test_a_policy_that_cannot_be_kept_is_refused_before_the_fit(numbers):
    table, phases = as_table(numbers), []
    recipe = replace(RECIPES["default"], policy=FalseAlarmRate(0.001))
    plan = FitPlan(recipe, TrainingData(TableSchema.infer(table)), RunControl(on_phase=phases.append))
    with pytest.raises(SettingError, match="cannot be promised from 80 calibration rows"):
        fit_model(plan, table, np.random.default_rng(0))
    assert phases == []


def test_only_views_can_be_weighed():
    weighted = RECIPES["default"].evidence.weighted({"nearest": 2})
    assert weighted.view_weights == {"nearest": 2}
    with pytest.raises(SettingError, match='settings="article" has no views'):
        RECIPES["article"].evidence.weighted({"nearest": 2})


def test_the_control_of_one_of_several_fits_reports_the_progress_of_all():
    told = []
    control = RunControl(on_progress=lambda *progress: told.append(progress), time_limit=12.0)
    stage = control.stage(2, 6)
    stage.on_progress(50, 100, 1.5)
    assert told == [(250, 600, 1.5)]
    assert (stage.time_limit, stage.fit_index) == (2.0, 2)
