"""A detector works with scikit-learn: pipelines, searches, data frames, metadata routing, read-only files."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import oddrow
from oddrow import AutoencoderDetector, VAEDetector
from oddrow.datasets import make_connections

pytestmark = pytest.mark.usefixtures("untrained")
DETECTORS = [VAEDetector, AutoencoderDetector]


def mean_normality(detector, rows, y=None):
    """An unsupervised scorer: higher is better."""
    return float(np.mean(detector.score_samples(rows)))


@pytest.mark.parametrize("estimator", DETECTORS)
def test_the_last_step_of_a_pipeline(numbers, estimator):
    pipeline = Pipeline([("scale", StandardScaler()), ("detect", estimator(random_state=0))]).fit(numbers)
    alone = estimator(random_state=0).fit(StandardScaler().fit_transform(numbers))
    scaled = pipeline["scale"].transform(numbers)
    for ask in ("predict", "decision_function", "score_samples"):
        np.testing.assert_array_equal(getattr(pipeline, ask)(numbers), getattr(alone, ask)(scaled))
    np.testing.assert_array_equal(clone(pipeline).fit(numbers).predict(numbers), pipeline.predict(numbers))
    np.testing.assert_array_equal(clone(pipeline).fit_predict(numbers), pipeline.predict(numbers))


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_a_step_that_sets_its_output_gives_the_detector_its_names(numbers, container):
    frame = pd.DataFrame(numbers, columns=["a", "b", "c", "d"])
    frame = frame if container == "pandas" else pl.DataFrame(frame.to_dict("list"))
    scale = ColumnTransformer([("scaled", StandardScaler(), ["b", "a"])], verbose_feature_names_out=False)
    pipeline = make_pipeline(scale, VAEDetector(random_state=0)).set_output(transform=container).fit(frame)
    assert pipeline[-1].feature_names_in_.tolist() == ["b", "a"]
    explained = pipeline[-1].explain(pipeline[:-1].transform(frame), top=1)
    assert {reason.column for row in explained for reason in row.reasons} <= {"a", "b"}


def test_a_grid_is_searched_with_an_unsupervised_scorer(numbers):
    grid = {"settings": ["default", "article"], "kl_weight": [0.5, 1.0]}
    search = GridSearchCV(VAEDetector(random_state=0), grid, scoring=mean_normality, cv=KFold(2), error_score="raise")
    search.fit(numbers)
    assert search.best_params_ in [{"settings": s, "kl_weight": w} for s in grid["settings"] for w in grid["kl_weight"]]
    best = max(search.cv_results_["mean_test_score"])
    assert search.best_score_ == best
    assert search.predict(numbers).shape == (400,)
    assert cross_val_score(VAEDetector(random_state=0), numbers, scoring=mean_normality, cv=2).shape == (2,)


def test_a_grid_over_nested_parameters_and_policies(numbers):
    pipeline = Pipeline([("scale", StandardScaler()), ("detect", VAEDetector(random_state=0))])
    policies = [oddrow.FixedSurprise(1.0), oddrow.FixedSurprise(4.0)]

    def flagged(fitted, rows, y=None):
        return float(np.mean(fitted.predict(rows) == -1))

    search = GridSearchCV(pipeline, {"detect__policy": policies}, scoring=flagged, cv=2).fit(numbers)
    assert search.best_params_ == {"detect__policy": policies[0]}  # the lower threshold flags more


def test_metadata_is_routed_past_the_detector(numbers):
    weights = np.linspace(0.1, 1, len(numbers))
    with sklearn.config_context(enable_metadata_routing=True):
        scale = StandardScaler().set_fit_request(sample_weight=True)
        pipeline = make_pipeline(scale, VAEDetector(random_state=0)).fit(numbers, sample_weight=weights)
        np.testing.assert_allclose(pipeline[0].mean_, np.average(numbers, axis=0, weights=weights))
        with pytest.raises(TypeError, match="sample_weight"):
            make_pipeline(StandardScaler().set_fit_request(sample_weight=False), VAEDetector()).fit(
                numbers, sample_weights=weights
            )
        assert not VAEDetector().get_metadata_routing()._serialize()


@pytest.mark.parametrize("estimator", DETECTORS)
def test_a_read_only_memory_map_is_a_table(numbers, estimator, tmp_path):
    np.save(tmp_path / "rows.npy", numbers)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    assert not mapped.flags.writeable
    detector = estimator(random_state=0).fit(mapped)
    expected = estimator(random_state=0).fit(numbers)
    np.testing.assert_array_equal(detector.surprise(mapped), expected.surprise(numbers))
    np.testing.assert_array_equal(detector.predict(mapped), expected.predict(numbers))


def test_every_container_gives_the_same_scores_to_the_bit():
    table = make_connections(100, odd_share=0.1, random_state=0).table
    containers = {
        "arrow": table,
        "batches": pa.Table.from_batches(table.to_batches(max_chunksize=37)),
        "pandas": table.to_pandas(),
        "pandas of arrow": table.to_pandas(types_mapper=pd.ArrowDtype),
        "polars": pl.from_arrow(table),
        "columns": table.to_pydict(),
    }
    expected = VAEDetector(random_state=0).fit(table).surprise(table)
    for name, container in containers.items():
        fitted = VAEDetector(random_state=0).fit(container)
        for asked in containers.values():
            assert fitted.surprise(asked).tobytes() == expected.tobytes(), name


def test_arrays_of_any_layout_and_type_give_the_same_scores_to_the_bit(numbers):
    numbers = np.round(numbers * 4) / 4  # which every type below can hold
    layouts = [numbers, np.asfortranarray(numbers), numbers[::-1][::-1], numbers.astype(np.float32), numbers.tolist()]
    expected = VAEDetector(random_state=0).fit(numbers).surprise(numbers)
    for rows in layouts:
        assert VAEDetector(random_state=0).fit(rows).surprise(rows).tobytes() == expected.tobytes()
    whole = (4 * numbers).astype(np.int16)
    in_floats = VAEDetector(random_state=0).fit(whole.astype(float)).surprise(whole.astype(float))
    assert VAEDetector(random_state=0).fit(whole).surprise(whole).tobytes() == in_floats.tobytes()
