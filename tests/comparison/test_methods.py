"""What counts as a method, under which name, and with which sign."""

import sys
import types

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor

import oddrow
from oddrow.comparison import METHODS, Method, MethodRows, method_of
from oddrow.exceptions import MissingExtraError, OddrowError, SettingError
from oddrow.table import as_table


def rows_of(matrix):
    return MethodRows(as_table(matrix), matrix)


@pytest.fixture(scope="module")
def training():
    return rows_of(np.random.default_rng(1).normal(size=(120, 3)))


@pytest.fixture(scope="module")
def later():
    """The first row is far out."""
    return rows_of(np.vstack([np.full((1, 3), 7.0), np.random.default_rng(2).normal(size=(9, 3))]))


@pytest.mark.parametrize("name", METHODS)
def test_each_name_gives_the_method_of_that_name(name):
    assert isinstance(METHODS[name], Method)
    assert method_of(name) is METHODS[name]
    assert METHODS[name].name == name


@pytest.mark.parametrize(
    "what", ["OneClassSVM", "LocalOutlierFactor", IsolationForest(n_estimators=20), LocalOutlierFactor(5)]
)
def test_detectors_of_scikit_learn_are_methods_by_name_and_as_objects(what, training, later):
    method = method_of(what)
    assert method.name.startswith(what if isinstance(what, str) else type(what).__name__)
    assert np.argmax(method.fit(training, 0)(later)) == 0


def test_an_estimator_of_scikit_learn_that_detects_no_outliers_is_no_method():
    with pytest.raises(SettingError, match="EllipticEnvelope, IsolationForest"):
        method_of("KMeans")


def test_an_estimator_is_copied_and_gets_the_seed(training, later):
    pattern = IsolationForest(n_estimators=20, random_state=7)
    method = method_of(pattern)
    first, second = (method.fit(training, seed)(later) for seed in (0, 1))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, method.fit(training, 0)(later))
    assert pattern.random_state == 7
    assert not hasattr(pattern, "estimators_")


def test_a_detector_of_oddrow_reads_the_table_and_has_its_own_decision(training, later, untrained):
    scorer = method_of(oddrow.VAEDetector(policy=oddrow.FixedSurprise(2.5))).fit(training, 4)
    assert scorer.threshold == 2.5
    detector = oddrow.VAEDetector(random_state=4).fit(training.table)
    np.testing.assert_array_equal(scorer(later), detector.surprise(later.table))
    encoded_away = MethodRows(later.table, np.zeros((10, 0)))
    np.testing.assert_array_equal(scorer(encoded_away), scorer(later))


def test_a_policy_that_needs_the_whole_batch_is_refused(training, untrained):
    with pytest.raises(SettingError, match="looks at a whole batch"):
        method_of(oddrow.VAEDetector(policy=oddrow.AlertBudget(20, per=100))).fit(training, 0)


class Broken(BaseEstimator):
    """Scores that no scorer may give."""

    def __init__(self, scores=None):
        self.scores = scores

    def fit(self, _):
        return self

    def score_samples(self, _):
        return self.scores


@pytest.mark.parametrize(
    ("scores", "words"), [([1.0, np.nan], "row 1, counted from 0, the score nan"), ([1.0], r"shape \(1,\) for 2 rows")]
)
def test_scores_of_the_wrong_shape_or_not_finite_are_refused(scores, words):
    rows = rows_of(np.eye(2))
    with pytest.raises(OddrowError, match=words):
        method_of(Broken(scores)).fit(rows, 0)(rows)


@pytest.mark.parametrize("what", ["knn2", "", 3, IsolationForest, object()])
def test_an_unknown_method_is_refused_with_the_choices(what):
    with pytest.raises(SettingError, match="knn1, knn5, lof"):
        method_of(what)


@pytest.fixture
def pyod(monkeypatch):
    """As PyOD is laid out: a module a detector, higher scores are odder."""

    class FarOut(BaseEstimator):
        def __init__(self, random_state=None):
            self.random_state = random_state

        def fit(self, rows):
            self.center_ = rows.mean(axis=0)
            return self

        def decision_function(self, rows):
            return np.linalg.norm(rows - self.center_, axis=1)

    FarOut.__module__ = "pyod.models.far_out"
    package, models, module = (types.ModuleType(name) for name in ("pyod", "pyod.models", "pyod.models.far_out"))
    package.models, models.far_out, module.FarOut = models, module, FarOut
    package.__path__, models.__path__ = [], []
    for one in (package, models, module):
        monkeypatch.setitem(sys.modules, one.__name__, one)
    listed = [types.SimpleNamespace(name="far_out"), types.SimpleNamespace(name="base")]
    monkeypatch.setattr("pkgutil.iter_modules", lambda _: listed)
    return FarOut


def test_detectors_of_pyod_keep_their_sign(pyod, training, later):
    for method, name in ((method_of("pyod:FarOut"), "pyod:FarOut"), (method_of(pyod()), "FarOut()")):
        assert method.name == name
        np.testing.assert_allclose(
            method.fit(training, 0)(later), np.linalg.norm(later.encoded - training.encoded.mean(axis=0), axis=1)
        )


def test_a_detector_that_pyod_does_not_have_is_refused(pyod):
    with pytest.raises(SettingError, match="PyOD has no detector 'Nothing'"):
        method_of("pyod:Nothing")


def test_without_pyod_the_error_names_the_install_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyod", None)
    monkeypatch.setitem(sys.modules, "pyod.models", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'oddrow\[pyod\]'"):
        method_of("pyod:COPOD")
