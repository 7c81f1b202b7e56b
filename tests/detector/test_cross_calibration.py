"""Every row trains and calibrates, and none calibrates the fit that it trained."""

from dataclasses import replace

import numpy as np
import pytest

import oddrow.training
from oddrow import VAEDetector
from oddrow.exceptions import SettingError
from oddrow.table import as_table
from oddrow.training import _settings


def test_in_a_cross_calibration_every_row_trains_and_calibrates(untrained, numbers):
    model = VAEDetector(calibration="cross", random_state=0).fit(numbers).model_
    assert model.calibration.n_rows == len(numbers)
    assert model.calibration.source == "cross-fitted"
    assert model.encoding.n_rows == 360  # a tenth is watched
    assert "400 cross-fitted rows" in str(model.policy.promise(model.calibration))


def test_a_cross_calibrated_score_is_by_a_fit_without_the_row(untrained):
    """A row that a fit has seen is at distance zero of its memory (unless that passes it over), one left out is not."""
    rows = np.random.default_rng(0).normal(size=(200, 3))
    cross = VAEDetector(calibration="cross", random_state=0).fit(rows)
    evidence_model = cross.model_.surprise_model.evidence_model
    basis = evidence_model.views.basis
    known = replace(basis.normal_rows, is_single=np.zeros(200, np.bool_))
    remembering = replace(evidence_model.views, basis=replace(basis, normal_rows=known))
    raw = evidence_model.scales.evidence(remembering.of(cross.model_.encoding.encode(as_table(rows)))).raw
    # scored again by the fit that has most of them in its memory, the same rows are far less strange
    assert np.median(raw) < 0.8 * np.median(cross.model_.calibration.scores)


@pytest.mark.parametrize("calibration", ["split", "cross"])
def test_p_values_of_small_tables_are_super_uniform(untrained, calibration):
    """Over 60 tables of 60 rows, 200 fresh rows each: p <= a no oftener than a, but for 3 standard errors."""
    reached = []
    for seed in range(60):
        rows = np.random.default_rng(seed).normal(size=(260, 2))
        p = VAEDetector(calibration=calibration, random_state=seed).fit(rows[:60]).p_value(rows[60:])
        reached.append([np.mean(p <= share) for share in (0.1, 0.25, 0.5)])
    mean, error = np.mean(reached, axis=0), np.std(reached, axis=0) / np.sqrt(60)
    assert (mean <= np.array([0.1, 0.25, 0.5]) + 3 * error).all()
    assert (mean >= np.array([0.02, 0.12, 0.3])).all()


def test_an_unknown_calibration_method_is_an_error(numbers):
    with pytest.raises(SettingError, match="calibration is 'none'; choose from 'auto', 'split', 'cross', 'blocks'"):
        VAEDetector(calibration="none").fit(numbers)


def test_the_progress_of_a_cross_calibration_is_that_of_all_its_fits(short_training, numbers):
    seen = []
    VAEDetector(calibration="cross", random_state=0, on_progress=lambda *step: seen.append(step)).fit(numbers)
    assert [done for done, _, _ in seen] == list(range(50, 601, 50))
    assert {total for _, total, _ in seen} == {600}


@pytest.mark.parametrize(("n_rows", "batch_rows"), [(400, 128), (401, 256)])
def test_all_fits_of_a_cross_calibration_take_batches_of_one_size(untrained, monkeypatch, n_rows, batch_rows):
    """That of the whole table, though each learns from fewer rows."""
    monkeypatch.setattr(_settings, "SHORT_TABLE", 400)
    taken = []
    drawn = oddrow.training.fit_network

    def noted(shape, likelihood, training, held_out, settings, *given, **named):
        taken.append(settings.batch_rows)
        return drawn(shape, likelihood, training, held_out, settings, *given, **named)

    monkeypatch.setattr(oddrow.training, "fit_network", noted)
    VAEDetector(calibration="cross", random_state=0).fit(np.random.default_rng(0).normal(size=(n_rows, 2)))
    assert len(taken) == 6
    assert set(taken) == {batch_rows}
