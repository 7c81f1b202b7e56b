"""A warning of a detector names the line of the user's own call."""

import numpy as np
import pytest

from oddrow import VAEDetector
from oddrow.exceptions import TrainingHealthWarning
from oddrow.table import as_table

METHODS = (
    "surprise",
    "p_value",
    "score_samples",
    "decision_function",
    "predict",
    "decide",
    "explain",
    "embed",
    "latent_map",
)


@pytest.mark.parametrize("method", METHODS)
def test_a_warning_on_names_of_columns_names_the_call(vae, fresh, method):
    respelled = fresh.rename_columns([f" {name} " for name in fresh.column_names]).slice(0, 3)
    with pytest.warns(UserWarning, match="names are compared without the blanks") as caught:
        getattr(vae, method)(respelled)
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize("method", ["fit", "fit_batches", "fit_sampled"])
def test_a_warning_on_the_health_of_a_fit_names_the_call(method):
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(700, 1)) * [1, -1, 2, 0.5] + 0.3 * rng.normal(size=(700, 4))
    detector = VAEDetector(kl_weight=1000.0, random_state=0, max_steps=300)
    rows = {"fit": numbers, "fit_batches": [numbers]}.get(method)
    if rows is None:
        rows = detector.sampling().part([as_table(numbers)])
    with pytest.warns(TrainingHealthWarning) as caught:
        getattr(detector, method)(rows)
    assert {warning.filename for warning in caught} == {__file__}
