"""The watched rows: which they are, and their loss."""

import numpy as np
import pytest

from oddrow.columns import EncodedTable, FeatureLayout
from oddrow.density import MixedLikelihood, NetworkShape, initial_parameters, loss_parts
from oddrow.training import TrainingSettings, _watching
from oddrow.training._watching import BLOCK_ROWS, SHOWN_ROWS, WATCHED_ROWS, WatchedRows

LAYOUT = FeatureLayout(2, 2, (0, 1), (0, 1), (), (), (), (), (), (0, 1))
LIKELIHOOD = MixedLikelihood(LAYOUT)
SHAPE = NetworkShape(2, (4,), 3, LIKELIHOOD.n_outputs, is_variational=True)
PARAMETERS = initial_parameters(SHAPE, np.random.default_rng(0))
SETTINGS = TrainingSettings(kl_weight=0.3, reconstruction_weight=2.0)


def numbered(n_rows: int) -> EncodedTable:
    rows = np.column_stack([np.arange(n_rows), -np.arange(n_rows)]).astype(np.float32) / n_rows
    presence = np.ones((n_rows, 2), np.bool_)
    presence[::3, 1] = False
    return EncodedTable(rows, presence, np.zeros((n_rows, 2)))


def drawn(encoded: EncodedTable) -> WatchedRows:
    return WatchedRows.draw(SHAPE, numbered(3), encoded, np.random.default_rng(0))


@pytest.mark.parametrize(("is_held_out", "most"), [(True, WATCHED_ROWS), (False, SHOWN_ROWS)])
def test_of_many_rows_a_sample_is_watched(is_held_out: bool, most: int) -> None:
    encoded = numbered(most + 900)
    parts = (numbered(3), encoded) if is_held_out else (encoded, None)
    watched = WatchedRows.draw(SHAPE, *parts, np.random.default_rng(0))
    assert len(np.unique(watched.rows[:, 0])) == len(watched.rows) == most
    assert watched.noise.shape == (most, 3)
    places = np.searchsorted(encoded.rows[:, 0], watched.rows[:, 0])
    np.testing.assert_array_equal(encoded.presence[places], watched.presence)


@pytest.mark.parametrize("n_rows", [1, BLOCK_ROWS - 1, BLOCK_ROWS, 2 * BLOCK_ROWS + 1])
def test_the_loss_is_the_mean_over_all_rows_in_however_many_blocks(n_rows: int) -> None:
    watched = drawn(numbered(n_rows))
    found = watched.loss(SHAPE, LIKELIHOOD, PARAMETERS, SETTINGS)
    weighted = {"kl_weight": 0.3, "reconstruction_weight": 2.0}
    double = {name: value.astype(np.float64) for name, value in PARAMETERS.items()}
    whole = loss_parts(np, SHAPE, LIKELIHOOD, double, watched.rows, watched.presence, watched.noise, **weighted)
    np.testing.assert_allclose(found, (whole.total, whole.reconstruction.sum(), whole.kl.sum()), rtol=1e-7)
    assert found.total == pytest.approx(2.0 * found.reconstruction + 0.3 * found.kl, rel=1e-6)


def test_the_watched_loss_is_computed_in_double_precision(monkeypatch) -> None:
    """Whose products are the same with any number of threads; those in single precision are not."""
    seen = set()

    def noted(xp, shape, likelihood, parameters, rows, presence, noise, **weights):
        seen.update(array.dtype for array in (rows, noise, *parameters.values()))
        return loss_parts(xp, shape, likelihood, parameters, rows, presence, noise, **weights)

    monkeypatch.setattr(_watching, "loss_parts", noted)
    drawn(numbered(10)).loss(SHAPE, LIKELIHOOD, PARAMETERS, SETTINGS)
    assert seen == {np.dtype(np.float64)}


def test_a_loss_that_single_precision_cannot_hold_is_not_finite() -> None:
    encoded = numbered(10)
    encoded.rows[3, 0] = 1e30
    assert not np.isfinite(drawn(encoded).loss(SHAPE, LIKELIHOOD, PARAMETERS, SETTINGS).total)


def test_diverged_weights_have_a_loss_that_is_not_finite_and_give_no_warning() -> None:
    watched = drawn(numbered(10))
    astray = {name: np.full_like(value, np.inf) for name, value in PARAMETERS.items()}
    assert not np.isfinite(watched.loss(SHAPE, LIKELIHOOD, astray, SETTINGS).total)
