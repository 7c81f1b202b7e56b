"""A table with a few percent of odd rows: rows that stand out are set aside, and nothing is learned from them."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import average_precision_score

import oddrow
from oddrow import AutoencoderDetector, VAEDetector
from oddrow.exceptions import SettingError


@pytest.fixture(scope="module")
def dirty():
    """float64 [1000, 4], the first 50 odd, all of them together."""
    rows = np.random.default_rng(0).normal(size=(1000, 4))
    rows[:50] += 7.0
    return rows


@pytest.fixture(scope="module")
def later():
    """Rows that come later, and which are odd: as in the dirty table."""
    rows = np.random.default_rng(1).normal(size=(600, 4))
    rows[:100] += 7.0
    return rows, np.arange(600) < 100


@pytest.fixture
def robust(untrained, dirty):
    return VAEDetector(clean="robust", random_state=0).fit(dirty)


def test_the_rows_set_aside_are_the_odd_ones(robust, dirty):
    cleaning = robust.cleaning_
    assert cleaning.low <= 0.05 <= cleaning.high
    assert len(cleaning.rows_set_aside) == round(cleaning.share * 1000) >= 40
    assert np.mean(np.array(cleaning.rows_set_aside) < 50) > 0.95
    assert not set(cleaning.rows_set_aside) & set(cleaning.rows_in_doubt)


def test_no_row_set_aside_trains_is_watched_or_calibrates(robust, dirty, monkeypatch):
    """Their first column is a mark that no other row has: it must reach no part of the fit."""
    seen = []

    def spy(shape, likelihood, training, held_out, *rest, **more):
        seen.extend([training.rows, held_out.rows])
        return drawn(shape, likelihood, training, held_out, *rest, **more)

    drawn = oddrow.training.fit_network
    monkeypatch.setattr(oddrow.training, "fit_network", spy)
    fitted = VAEDetector(clean="robust", random_state=0).fit(dirty)
    left_out = [*fitted.cleaning_.rows_set_aside, *fitted.cleaning_.rows_in_doubt]
    learned = np.concatenate([part[:, 0] for part in seen])
    from oddrow.table import as_table

    marks = fitted.model_.encoding.encode(as_table(dirty)).rows[:, 0]
    assert not np.isin(marks[left_out], learned).any()
    assert len(learned) + fitted.model_.calibration.n_rows >= 1000 - len(left_out)
    aside = fitted.model_.surprise_model.evidence_model.evidence(
        fitted.model_.encoding.encode(as_table(dirty[list(fitted.cleaning_.rows_set_aside)]))
    )
    assert not np.isin(aside.raw, fitted.model_.calibration.scores).any()


@pytest.mark.filterwarnings("ignore::oddrow.exceptions.DependenceWarning")  # the odd rows are all at the beginning
def test_robust_training_finds_odd_rows_that_plain_training_learned_as_normal(untrained, dirty, later):
    rows, is_odd = later

    def figures(clean):
        detector = VAEDetector(clean=clean, random_state=0).fit(dirty)
        surprise, flagged = detector.surprise(rows), detector.predict(rows) == -1
        return average_precision_score(is_odd, surprise), flagged[is_odd].mean(), flagged[~is_odd].mean()

    plain, robust = figures("assume"), figures("robust")
    assert robust[0] > 0.95 > plain[0]
    assert robust[1] > 0.9 > plain[1]
    assert robust[2] < 0.04  # of 500 normal rows, at a promise of 1 in 100 by 200 held-out ones


def test_where_nothing_stands_out_robust_is_the_plain_fit_bit_for_bit(untrained, numbers):
    robust = VAEDetector(clean="robust", random_state=0).fit(numbers)
    assert robust.cleaning_.rows_set_aside == robust.cleaning_.rows_in_doubt == ()
    assert robust.cleaning_.low == robust.cleaning_.share == 0 < robust.cleaning_.high
    plain = VAEDetector(random_state=0).fit(numbers)
    assert plain.cleaning_ is None
    assert robust.surprise(numbers).tobytes() == plain.surprise(numbers).tobytes()


@pytest.mark.parametrize("options", [{"calibration": "cross"}, {"settings": "article"}])
def test_rows_set_aside_are_left_out_in_every_calibration_method(untrained, dirty, options):
    detector = AutoencoderDetector(clean="robust", random_state=0, **options).fit(dirty)
    aside, doubtful = len(detector.cleaning_.rows_set_aside), len(detector.cleaning_.rows_in_doubt)
    assert aside >= 40
    without = 1000 - aside if "calibration" in options else 1000 - aside - doubtful
    assert detector.model_.calibration.n_rows in (1000 - aside, without)


def test_a_share_as_contamination_still_counts_every_training_row(untrained, dirty):
    detector = VAEDetector(clean="robust", contamination=0.1, random_state=0).fit(dirty)
    assert np.mean(detector.predict(dirty) == -1) == pytest.approx(0.1)


def test_the_same_seed_cleans_the_same(untrained, dirty):
    first, second = (VAEDetector(clean="robust", random_state=3).fit(dirty) for _ in range(2))
    assert first.cleaning_ == second.cleaning_
    assert first.surprise(dirty).tobytes() == second.surprise(dirty).tobytes()


def test_the_cleaning_is_saved_in_the_model_file(robust, dirty, tmp_path):
    oddrow.save(robust, tmp_path / "m.oddrow")
    loaded = oddrow.load(tmp_path / "m.oddrow")
    assert loaded.cleaning_ == robust.cleaning_
    assert loaded.clean == "robust"
    assert clone(loaded).clean == "robust"


def test_an_unknown_cleaning_mode_is_an_error(numbers):
    with pytest.raises(SettingError, match="clean is 'yes'; give \"assume\""):
        VAEDetector(clean="yes").fit(numbers)
