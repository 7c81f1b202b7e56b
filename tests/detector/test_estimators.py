"""The laws of the estimators: scores do not depend on other rows, odd rows are strange, scikit-learn's checks pass."""

import datetime as dt
import os
import pickle
import random
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.stats import betabinom
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import oddrow
from oddrow import AutoencoderDetector, VAEDetector
from oddrow.columns import TableEncoding, TableSchema
from oddrow.datasets import ODDNESS_KINDS, make_connections
from oddrow.density import BLOCK_ROWS
from oddrow.exceptions import DataError, SchemaMismatchError, SettingError
from oddrow.fitting import RECIPES
from oddrow.scoring_constants import DEFAULT_CONSTANTS
from oddrow.table import as_table
from testing.untrained import hundred_steps

DETECTORS = [VAEDetector, AutoencoderDetector]


@pytest.fixture(scope="module")
def briefly(numbers):
    """Fitted on ``numbers`` with short training."""
    with hundred_steps():
        return VAEDetector(random_state=0).fit(numbers)


def rows_of(table, numbers):
    return table[numbers] if isinstance(table, np.ndarray) else table.take(pa.array(numbers))


# The same row is always as strange -----------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 7, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1, 600])
def test_surprise_has_the_same_bits_in_batches_of_any_size(scored, batch):
    detector, table = scored
    table = rows_of(table, np.arange(2 * batch if batch < 8 else 600))
    batches = [rows_of(table, np.arange(i, min(i + batch, len(table)))) for i in range(0, len(table), batch)]
    assert np.concatenate([detector.surprise(part) for part in batches]).tobytes() == detector.surprise(table).tobytes()


def test_surprise_has_the_same_bits_in_any_order_of_rows(scored):
    detector, table = scored
    order = np.random.default_rng(0).permutation(len(table))
    for compute in (detector.surprise, detector.p_value, detector.embed, detector.latent_map):
        assert compute(rows_of(table, order)).tobytes() == compute(table)[order].tobytes()


def test_surprise_has_the_same_bits_in_every_call(scored):
    detector, table = scored
    assert detector.surprise(table).tobytes() == detector.surprise(table).tobytes()
    assert detector.embed(table).tobytes() == detector.embed(table).tobytes()


def test_surprise_has_the_same_bits_among_very_different_rows(scored):
    detector, table = scored
    doubled = np.repeat(np.arange(30), 9)
    np.testing.assert_array_equal(detector.surprise(rows_of(table, doubled)), detector.surprise(table)[doubled])


ELSEWHERE = """
import sys

HIDDEN = ("jax", "jaxlib", "optax", "matplotlib", "pandas", "polars")


class Hidden:
    # scikit-learn imports pandas where it finds it, so they are hidden from it: whoever needs one of them fails
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in HIDDEN:
            raise ImportError(f"{name} is not to be imported")


sys.meta_path.insert(0, Hidden())
import numpy as np
import pyarrow as pa

import oddrow

model, rows, scores = sys.argv[1:]
table = pa.ipc.open_file(rows).read_all()
detector = oddrow.load(model)
explanations = detector.explain(table.slice(0, 50))
np.savez(
    scores,
    surprise=detector.surprise(table),
    embedded=detector.embed(table),
    mapped=detector.latent_map(table),
    predicted=detector.predict(table),
    reasons=np.array([row.reasons[0].nats for row in explanations]),
    imported=np.array([name for name in HIDDEN if name in sys.modules], str),
)
"""


@pytest.fixture(scope="module")
def elsewhere(vae, fresh, tmp_path_factory):
    """What a fresh process makes of the saved model, by its number of BLAS threads."""
    folder = tmp_path_factory.mktemp("elsewhere")
    oddrow.save(vae, folder / "model.oddrow")
    with pa.ipc.new_file(folder / "rows.arrow", fresh.schema) as writer:
        writer.write_table(fresh)
    found = {}
    for threads in ("1", "2"):
        paths = [str(folder / name) for name in ("model.oddrow", "rows.arrow", f"{threads}.npz")]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", ELSEWHERE, *paths], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == done.stderr == ""
        with np.load(paths[-1]) as arrays:
            found[threads] = dict(arrays)
    return found


@pytest.mark.parametrize("threads", ["1", "2"])
def test_surprise_has_the_same_bits_in_another_process_with_any_number_of_threads(vae, fresh, elsewhere, threads):
    there = elsewhere[threads]
    assert there["surprise"].tobytes() == vae.surprise(fresh).tobytes()
    assert there["embedded"].tobytes() == vae.embed(fresh).tobytes()
    assert there["mapped"].tobytes() == vae.latent_map(fresh).tobytes()
    np.testing.assert_array_equal(there["predicted"], vae.predict(fresh))
    nats = [row.reasons[0].nats for row in vae.explain(fresh.slice(0, 50))]
    np.testing.assert_array_equal(there["reasons"], nats)


def test_scoring_needs_no_library_of_training_plots_or_frames(elsewhere):
    """Not asked of scikit-learn, which imports pandas for itself where it is installed."""
    assert elsewhere["1"]["imported"].tolist() == []


# The container does not matter ---------------------------------------------------------------------------------------


class Capsule:
    """Any object of another library that hands over Arrow data."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


CONTAINERS = {
    "pandas": lambda table: table.to_pandas(),
    "pandas of Arrow": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "polars": pl.from_arrow,
    "lazy polars": lambda table: pl.from_arrow(table).lazy(),
    "record batch": lambda table: table.combine_chunks().to_batches()[0],
    "mapping": lambda table: {name: table.column(name).to_pylist() for name in table.column_names},
    "capsule": Capsule,
}


@pytest.mark.parametrize("convert", CONTAINERS.values(), ids=CONTAINERS)
def test_a_row_has_the_same_surprise_in_any_container_and_order_of_columns(vae, labelled, convert):
    table = labelled.table.slice(0, 300)
    expected = vae.surprise(table).tobytes()
    assert vae.surprise(convert(table)).tobytes() == expected
    backwards = table.select(table.column_names[::-1])
    assert vae.surprise(convert(backwards)).tobytes() == expected
    wider = backwards.add_column(3, "ticket", pa.array([f"T{i}" for i in range(300)]))
    assert vae.surprise(convert(wider)).tobytes() == expected


STRANGERS = {
    "bytes": pa.array([b"x"] * 400),
    "nested": pa.array([[1]] * 400),
    "infinite": pa.array([float("inf")] * 400),
    "nothing": pa.nulls(400),
    "an interval": pa.array([pa.MonthDayNano([1, 2, 3])] * 400),
}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
def test_ignored_and_further_columns_may_hold_anything(untrained, numbers, stranger):
    table = as_table(numbers)
    wider = table.append_column("stranger", stranger)
    detector = VAEDetector(random_state=0).fit(table)
    assert detector.surprise(wider).tobytes() == detector.surprise(table).tobytes()
    assert detector.explain(wider.slice(0, 5)) == detector.explain(table.slice(0, 5))
    ignoring = VAEDetector(random_state=0, columns={"stranger": "ignore"}).fit(wider)
    assert ignoring.n_features_in_ == 5
    assert ignoring.surprise(table).tobytes() == detector.surprise(table).tobytes()
    chosen = VAEDetector(random_state=0, encoding=detector.model_.encoding).fit(wider)
    assert chosen.surprise(table).tobytes() == detector.surprise(table).tobytes()


def test_numbers_have_the_same_surprise_in_any_container(article, numbers):
    names = ["x0", "x1", "x2", "x3"]
    expected = article.surprise(numbers).tobytes()
    frame = pd.DataFrame(numbers, columns=names)
    containers = [
        numbers.tolist(),
        np.asfortranarray(numbers),
        frame,
        frame[names[::-1]],
        pl.from_pandas(frame),
        pa.table({name: numbers[:, j] for j, name in enumerate(names)}),
    ]
    for container in containers:
        assert article.surprise(container).tobytes() == expected


@pytest.mark.parametrize("convert", CONTAINERS.values(), ids=CONTAINERS)
def test_a_fit_is_the_same_from_any_container(untrained, numbers, convert):
    table = pa.table({name: numbers[:, j] for j, name in enumerate("abcd")})
    other = AutoencoderDetector(random_state=0).fit(convert(table))
    assert other.surprise(numbers).tobytes() == AutoencoderDetector(random_state=0).fit(table).surprise(table).tobytes()
    assert other.feature_names_in_.tolist() == list("abcd")


def test_an_array_takes_its_names_from_the_training_table(untrained, numbers):
    frame = pd.DataFrame(numbers, columns=list("dbca"))
    detector = VAEDetector(random_state=0).fit(frame)
    np.testing.assert_array_equal(detector.surprise(numbers), detector.surprise(frame))


@pytest.mark.parametrize("wrong", [np.zeros((3, 3)), np.zeros((3, 5)), [[0.0]]], ids=["narrow", "wide", "list"])
def test_an_array_of_another_width_is_an_error(article, wrong):
    width = np.shape(wrong)[1]
    with pytest.raises(SchemaMismatchError, match=f"X has {width} features, but VAEDetector is expecting 4 features"):
        article.surprise(wrong)


def test_a_missing_column_is_named(vae, fresh):
    with pytest.raises(SchemaMismatchError, match=r"column 'service' (is )?missing"):
        vae.surprise(fresh.drop_columns("service"))


# Randomness is passed in ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", DETECTORS)
def test_equal_seeds_fit_equal_models_and_different_seeds_different_models(short_training, numbers, estimator):
    def surprise(seed):
        return estimator(settings="narrow", random_state=seed).fit(numbers).surprise(numbers)

    first = surprise(3)
    assert surprise(3).tobytes() == first.tobytes()
    assert surprise(np.random.default_rng(3)).tobytes() == first.tobytes()
    assert not np.isclose(surprise(4), first).all()


def test_a_generator_advances_and_an_integer_seed_starts_anew(short_training, numbers):
    for moving in (np.random.default_rng(0), np.random.RandomState(0)):
        detector = VAEDetector(settings="narrow", random_state=moving)
        assert detector.fit(numbers).surprise(numbers).tobytes() != detector.fit(numbers).surprise(numbers).tobytes()
    again = VAEDetector(settings="narrow", random_state=0)
    assert again.fit(numbers).surprise(numbers).tobytes() == again.fit(numbers).surprise(numbers).tobytes()


def test_no_fit_touches_or_reads_the_global_randomness(short_training, numbers):
    np.random.seed(1)  # noqa: NPY002 - the global state is what this is about
    random.seed(1)
    before = np.random.get_state(), random.getstate()  # noqa: NPY002
    first = VAEDetector(settings="narrow", random_state=0).fit(numbers).surprise(numbers)
    after = np.random.get_state(), random.getstate()  # noqa: NPY002
    np.testing.assert_equal(after, before)
    np.random.seed(2)  # noqa: NPY002
    random.seed(2)
    assert VAEDetector(settings="narrow", random_state=0).fit(numbers).surprise(numbers).tobytes() == first.tobytes()


def test_no_seed_gives_another_model_each_time(short_training, numbers):
    assert not np.isclose(*(VAEDetector(settings="narrow").fit(numbers).surprise(numbers) for _ in range(2))).all()


@pytest.mark.parametrize("random_state", ["seven", -1, 1.5])
def test_a_seed_without_meaning_is_named(numbers, random_state):
    with pytest.raises(SettingError, match=f"random_state is {random_state!r}; give a whole number >= 0"):
        VAEDetector(random_state=random_state).fit(numbers)


# The decision keeps its promise --------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["vae", "autoencoder"])
def judged(request):
    """Surprise, p-value and decision of 2,500 fresh ordinary rows by a detector with 600 held-out rows."""
    detector = request.getfixturevalue(request.param)
    table = make_connections(2500, odd_share=0, random_state=4).table
    assert len(detector.model_.surprise_model.calibration.scores) == 600
    assert detector.offset_ == pytest.approx(np.log(7 / 601))  # the 6th of 600, which 7 of 601 rows reach
    return detector.surprise(table), detector.p_value(table), detector.predict(table)


def test_auto_flags_one_normal_row_in_a_hundred(judged):
    """With the 6th of 600 held-out rows at the threshold, the chance to flag a normal row is drawn from Beta(6, 595).

    The interval holds the false alarms among 2,500 fresh rows with probability 0.999.
    """
    _, _, predicted = judged
    low, high = betabinom.ppf([0.0005, 0.9995], len(predicted), 6, 595)
    assert low <= np.sum(predicted == -1) <= high


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.8])
def test_p_values_of_fresh_rows_are_uniform(judged, share):
    _, p, _ = judged
    rank = int(share * 601 + 1e-9)
    low, high = betabinom.ppf([0.0005, 0.9995], len(p), rank, 601 - rank)
    assert low <= np.sum(p <= share) <= high


def test_surprise_is_no_more_than_the_p_values_within_the_held_out_rows(judged):
    surprise, p, _ = judged
    inside = p > 1 / 601
    half_a_row = -np.log1p(-0.5 / 601)
    assert (surprise[inside] <= np.maximum(-np.log(p[inside]), half_a_row) + 1e-12).all()
    assert (surprise[~inside] >= -np.log(2 / 601) - 1e-12).all()


def test_each_row_that_calibrates_is_judged_by_a_memory_without_it(briefly, numbers):
    """All 400 rows are remembered; the calibration scores are those of 80, each as if it were not in the memory."""
    detector = briefly
    model = detector.model_.surprise_model
    views, scales = model.evidence_model.views, model.evidence_model.scales
    encoded = detector.model_.encoding.encode(as_table(numbers))
    place = {row.tobytes(): number for number, row in enumerate(views.basis.normal_rows.rows)}
    own = np.array([place[row.tobytes()] for row in encoded.rows])
    assert sorted(own) == list(range(400))
    unknown = scales.evidence(views.of(encoded, own)).raw
    assert len(model.calibration.scores) == 80
    assert np.isin(model.calibration.scores, unknown).all()
    # a row that is in the memory is less strange to the model than one that is not: that is why it is passed over
    known = replace(views.basis.normal_rows, is_single=np.zeros(400, np.bool_))
    not_passed_over = replace(views, basis=replace(views.basis, normal_rows=known))
    remembered = scales.evidence(not_passed_over.of(encoded)).raw
    assert (remembered <= unknown).all()
    assert np.mean(np.isin(model.calibration.scores, remembered)) < 0.1


def test_a_training_row_is_scored_without_its_own_copy_where_duplicates_are_few(briefly, numbers):
    """Scored later, by itself or among others, it is as strange as if the memory did not hold it."""
    detector = briefly
    model = detector.model_.surprise_model
    views, scales = model.evidence_model.views, model.evidence_model.scales
    assert views.basis.normal_rows.is_single.all()
    encoded = detector.model_.encoding.encode(as_table(numbers))
    place = {row.tobytes(): number for number, row in enumerate(views.basis.normal_rows.rows)}
    own = np.array([place[row.tobytes()] for row in encoded.rows])
    np.testing.assert_array_equal(
        model.evidence_model.evidence(encoded).raw, scales.evidence(views.of(encoded, own)).raw
    )


@pytest.mark.parametrize(("at_most", "remembered"), [(400, 400), (399, 280), (280, 280), (279, 279)])
def test_a_table_just_too_long_for_the_memory_is_remembered_in_part(
    untrained, numbers, monkeypatch, at_most, remembered
):
    """Of 400 rows, 280 train: all, these, or a sample of these are remembered; what is held out then has no place."""
    recipe = replace(RECIPES["default"], constants=replace(DEFAULT_CONSTANTS, memory_rows=at_most))
    monkeypatch.setitem(RECIPES, "default", recipe)
    detector = VAEDetector(random_state=0).fit(numbers)
    model = detector.model_.surprise_model
    encoded = detector.model_.encoding.encode(as_table(numbers))
    assert len(model.evidence_model.views.basis.normal_rows.rows) == remembered
    assert np.isin(model.calibration.scores, model.evidence_model.evidence(encoded).raw).all()


def test_two_duplicates_in_training_count_as_evidence_that_a_row_is_normal(untrained, numbers):
    twice = np.concatenate([numbers, numbers[:5]])
    detector = VAEDetector(random_state=0, view_weights={"nearest": 1}).fit(twice)
    evidence = detector.model_.surprise_model.evidence_model
    encoded = detector.model_.encoding.encode(as_table(numbers))
    nearest = evidence.views.of(encoded).scores["nearest"].total
    assert (nearest[:5] == 0).all()
    assert (nearest[5:] > 0).all()


def test_where_many_rows_have_duplicates_a_row_is_compared_with_its_own_copy(untrained):
    rows = np.random.default_rng(0).integers(12, size=(400, 2)).astype(float)
    detector = VAEDetector(random_state=0, view_weights={"nearest": 1}).fit(rows)
    evidence = detector.model_.surprise_model.evidence_model
    assert not evidence.views.basis.normal_rows.is_single.any()
    encoded = detector.model_.encoding.encode(as_table(rows))
    assert not evidence.views.of(encoded).scores["nearest"].total.any()


def test_the_encoding_is_learned_from_training_rows_alone(untrained):
    """The range of the training rows, 70 of them, is one step short of the table's at one end or the other."""
    rows = np.random.default_rng(0).permutation(100)[:, None] + 0.5  # in no order, and no numbers that were given out
    reached = set()
    for seed in range(8):
        encoding = VAEDetector(random_state=seed).fit(rows).model_.encoding
        assert encoding.n_rows == 70
        (low, high) = encoding.columns[0].scaling.invert(
            np.array([encoding.columns[0].scaling.low, encoding.columns[0].scaling.high])
        )
        reached.add((round(low), round(high)))
    assert len(reached) > 1


@pytest.mark.parametrize("contamination", [0, 0.01, 0.1, 0.125, 0.5])
@pytest.mark.parametrize("estimator", DETECTORS)
def test_a_share_flags_exactly_that_share_of_the_training_rows(untrained, numbers, estimator, contamination):
    detector = estimator(random_state=0, contamination=contamination)
    flagged = detector.fit_predict(numbers) == -1
    assert flagged.sum() == int(contamination * len(numbers))
    surprise = detector.surprise(numbers)
    assert surprise[flagged].min(initial=np.inf) > surprise[~flagged].max()


def test_the_share_changes_the_decision_and_not_the_surprise(short_training, numbers):
    shares = ("auto", 0.05, 0.3)
    fits = [VAEDetector(settings="narrow", random_state=0, contamination=share).fit(numbers) for share in shares]
    assert len({fit.surprise(numbers).tobytes() for fit in fits}) == 1
    assert len({fit.offset_ for fit in fits}) == 3


@pytest.mark.parametrize("estimator", DETECTORS)
def test_the_articles_rule_flags_one_training_row_in_a_hundred(untrained, numbers, estimator):
    detector = estimator(settings="article", random_state=0).fit(numbers)
    flagged = np.sum(detector.predict(numbers) == -1)
    assert abs(flagged - len(numbers) / 100) <= 1
    assert len(detector.model_.surprise_model.calibration.scores) == len(numbers)
    assert str(detector.decide(numbers).promise).endswith("rows that the fit saw: new rows may differ)")


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"contamination": 0.6}, "contamination is 0.6"),
        ({"contamination": "automatic"}, "contamination is 'automatic'"),
        ({"settings": "best"}, "settings is 'best'; choose from 'default', 'narrow', 'article'"),
        ({"kl_weight": -1.0}, "kl_weight is -1.0; give a finite number >= 0"),
        ({"kl_weight": np.inf}, "kl_weight is inf; give a finite number >= 0"),
        ({"columns": {"y": "number"}}, "column 'y' is named as 'number' but is not in the table"),
        ({"columns": {"x0": "colour"}}, "column 'x0': 'colour' is not a kind"),
    ],
)
def test_a_parameter_without_meaning_is_named_by_fit_and_not_before(numbers, parameters, text):
    detector = VAEDetector(**parameters)
    with pytest.raises(SettingError, match=text):
        detector.fit(numbers)


# Odd rows are strange ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["vae", "autoencoder"])
def told_apart(request, labelled):
    """Surprise and decision of the labelled rows."""
    detector = request.getfixturevalue(request.param)
    return detector.surprise(labelled.table), detector.predict(labelled.table) == -1


def test_odd_rows_are_stranger_than_normal_ones(told_apart, labelled):
    surprise, flagged = told_apart
    assert roc_auc_score(labelled.is_odd, surprise) > 0.88
    assert flagged[labelled.is_odd].mean() > 20 * flagged[~labelled.is_odd].mean()


@pytest.mark.parametrize("kind", ODDNESS_KINDS)
def test_each_kind_of_oddness_is_stranger_than_what_is_ordinary(told_apart, labelled, kind):
    surprise, _ = told_apart
    is_kind = np.array([one == kind for one in labelled.kinds])
    chosen = is_kind | ~labelled.is_odd
    assert roc_auc_score(is_kind[chosen], surprise[chosen]) > 0.55


EXTREMES = {
    "numbers": ("bytes_sent", [1e308, -1e308, 1.7976931348623157e308, 1e-320, 5e-324, -0.0, 0.0, 2**63, -(2**63)]),
    "whole numbers": ("failed_logins", [2**62, -(2**62), 0]),
    "names": ("service", ["", " ", "\U0001f600", "\n", "\x00", "x" * 100_000, "null", "NaN"]),
    "flags": ("encrypted", ["", "\U0001f600", "2", "nan", "x" * 10_000]),
    "constants": ("interface_version", ["", "\U0001f600", "v" * 100_000]),
    "times": ("started", [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59), dt.datetime(1970, 1, 1)]),
    "days": ("started", [dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(1970, 1, 1)]),
    "missing": ("started", [None, None]),
}


@pytest.mark.parametrize(("name", "values"), EXTREMES.values(), ids=EXTREMES)
def test_every_finite_value_has_a_finite_surprise(detector, fresh, name, values):
    rows = fresh.slice(0, len(values)).to_pydict() | {name: values}
    assert np.isfinite(detector.surprise(rows)).all()
    assert np.isfinite(detector.embed(rows)).all()
    for row in detector.explain(rows, top=None):
        assert np.isfinite([reason.nats for reason in row.reasons]).all()
        assert row.combination_nats + sum(reason.nats for reason in row.reasons) == pytest.approx(
            row.surprise, abs=1e-9
        )


def test_a_detector_learns_from_extreme_values(short_training):
    rng = np.random.default_rng(0)
    table = {
        "huge": rng.choice([-1.0, 1.0], 100) * rng.uniform(1e307, 1.79e308, 100),
        "tiny": rng.uniform(1e-320, 1e-310, 100),
        "both": rng.choice([1e308, -1e308, 1e-320, 0.0, 1.0], 100),
        "name": rng.choice(["", "\U0001f600", "x" * 1000], 100).tolist(),
        "day": [dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(2024, 2, 29), None] * 25,
    }
    detector = VAEDetector(random_state=0).fit(table)
    assert np.isfinite(detector.surprise(table)).all()
    assert np.isfinite(detector.surprise({**table, "tiny": [1e308] * 100})).all()
    assert np.isfinite(detector.latent_map(table)).all()


LEAST = {
    "two rows": [[1.0, 2.0], [3.0, 4.0]],
    "twice the same": [[1.0, 2.0], [1.0, 2.0]],
    "three rows": [[1, "a"], [2, "a"], [3, None]],
    "only constants": [["x"]] * 30,
}


@pytest.mark.parametrize("estimator", DETECTORS)
@pytest.mark.parametrize("settings", ["default", "article"])
@pytest.mark.parametrize("rows", LEAST.values(), ids=LEAST)
def test_the_smallest_tables_have_scores(untrained, estimator, settings, rows):
    detector = estimator(settings=settings, random_state=0).fit(rows)
    assert np.isfinite(detector.surprise(rows)).all()
    assert detector.latent_map(rows).shape == (len(rows), 2)


def test_a_table_that_never_changes_can_be_learned_from(short_training):
    detector = VAEDetector(random_state=0).fit([["x", 1]] * 30)
    usual, changed = detector.surprise([["x", 1], ["x", 2]])
    assert changed > usual


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ([[1.0, 2.0]], "n_samples=1 row; fitting needs at least 2"),
        (
            [[1.0, np.inf], [2.0, 3.0], [3.0, 4.0]],
            "column 'x1', row 0, counted from 0: infinity is not a value that can be judged",
        ),
        ([[np.nan, np.nan], [np.nan, np.nan]], "no column is left.*'x0' is empty: it is left out; 'x1' is empty"),
        (np.empty((0, 2)), "no column is left|n_samples=0"),
        (np.zeros(5), "Expected 2D array, got 1D array"),
    ],
)
def test_a_table_that_cannot_be_learned_from_is_named(table, text):
    with pytest.raises(DataError, match=text):
        VAEDetector().fit(table)


def test_infinity_is_an_error_that_names_its_place(article):
    with pytest.raises(SchemaMismatchError, match="column 'x2', row 1, counted from 0: infinity"):
        article.surprise([[0, 0, 0, 0], [0, 0, -np.inf, 0]])


# Parameters do what they say -----------------------------------------------------------------------------------------


def test_columns_given_by_hand_are_treated_as_given(untrained, numbers):
    table = pa.table({"a": numbers[:, 0], "port": np.arange(400) % 3, "site": np.arange(400)})
    given = {"port": "category", "site": "ignore"}
    detector = VAEDetector(columns=given, random_state=0).fit(table)
    kinds = {column.name: column.kind for column in detector.model_.encoding.schema.columns}
    assert kinds == {"a": "number", **given}
    (row,) = detector.explain({"a": [0.0], "port": [7], "site": [10**9]}, top=None)
    assert [reason.column for reason in row.reasons] == ["port", "a"]


def test_an_encoding_learned_elsewhere_is_used_as_it_is(untrained, numbers):
    wider = as_table(numbers * 10)
    encoding = TableEncoding.learn(TableSchema.infer(wider), wider)
    assert VAEDetector(encoding=encoding, random_state=0).fit(numbers).model_.encoding is encoding


def test_progress_is_reported_at_every_step(short_training, numbers):
    told = []
    VAEDetector(random_state=0, on_progress=lambda *progress: told.append(progress)).fit(numbers)
    assert [done for done, _, _ in told] == [50, 100]
    assert {most for _, most, _ in told} == {100}
    assert np.isfinite([loss for _, _, loss in told]).all()


def test_the_weight_of_the_kl_term_shapes_the_latent(short_training, numbers):
    """The dearer the latent, the less it says of the row."""
    cheap, dear = (
        VAEDetector(kl_weight=weight, random_state=0).fit(numbers).embed(numbers).std() for weight in (1.0, 100.0)
    )
    assert cheap > 2 * dear


def test_the_map_shows_the_two_widest_directions_of_the_latent(vae, connections):
    embedded = vae.embed(connections.slice(0, 2000))
    mapped = vae.latent_map(connections.slice(0, 2000))
    assert mapped.shape == (2000, 2)
    variances = np.linalg.eigvalsh(np.cov(embedded.T))[::-1]
    np.testing.assert_allclose(mapped.var(axis=0), variances[:2], rtol=0.1)


# scikit-learn's conventions ------------------------------------------------------------------------------------------


def test_surprise_scores_decision_and_prediction_agree(scored):
    detector, table = scored
    surprise, decision, predicted = detector.surprise(table), detector.decision_function(table), detector.predict(table)
    np.testing.assert_array_equal(detector.score_samples(table), -surprise)
    np.testing.assert_array_equal(decision, -surprise - detector.offset_)
    np.testing.assert_array_equal(predicted == 1, decision >= 0)
    np.testing.assert_array_equal(predicted == -1, detector.decide(table).is_odd)
    np.testing.assert_array_equal(predicted == -1, surprise > detector.model_.threshold)
    assert set(predicted.tolist()) <= {1, -1}
    assert predicted.dtype.kind == "i"
    for floats in (surprise, decision, detector.p_value(table), detector.embed(table), detector.latent_map(table)):
        assert floats.dtype == np.float64


def test_fit_predict_is_fit_and_then_predict(short_training, numbers):
    together, apart = (VAEDetector(settings="narrow", random_state=0, contamination=0.1) for _ in range(2))
    together, apart = together.fit_predict(numbers), apart.fit(numbers).predict(numbers)
    np.testing.assert_array_equal(together, apart)


def test_names_are_kept_where_there_are_some(vae, article, connections):
    assert vae.feature_names_in_.tolist() == connections.column_names
    assert vae.feature_names_in_.dtype == object
    assert vae.n_features_in_ == 16
    assert article.n_features_in_ == 4
    assert not hasattr(article, "feature_names_in_")


def test_a_second_fit_replaces_the_first(untrained, numbers):
    detector = AutoencoderDetector(random_state=0).fit(pd.DataFrame(numbers, columns=list("abcd")))
    detector.fit(numbers[:, :3])
    assert detector.n_features_in_ == 3
    assert not hasattr(detector, "feature_names_in_")
    first_time = AutoencoderDetector(random_state=0).fit(numbers[:, :3])
    np.testing.assert_array_equal(detector.surprise(numbers[:, :3]), first_time.surprise(numbers[:, :3]))


@pytest.mark.parametrize("estimator", DETECTORS)
def test_parameters_are_stored_as_given_and_cloned_unfitted(untrained, numbers, estimator):
    given = {"settings": "article", "contamination": 0.25, "columns": {"x0": "number"}, "random_state": 7}
    detector = estimator(**given)
    assert given.items() <= detector.get_params().items()
    copy = clone(detector.fit(numbers))
    assert copy.get_params() == detector.get_params()
    assert not [name for name in vars(copy) if name.endswith("_")]
    np.testing.assert_array_equal(copy.fit(numbers).surprise(numbers), detector.surprise(numbers))


def test_a_pickled_detector_is_the_same(scored):
    detector, table = scored
    copy = pickle.loads(pickle.dumps(detector))  # noqa: S301 - its own pickle
    assert copy.surprise(table).tobytes() == detector.surprise(table).tobytes()
    assert copy.get_params() == detector.get_params()
    assert copy.offset_ == detector.offset_


@pytest.mark.parametrize(
    "ask",
    ["surprise", "p_value", "score_samples", "decision_function", "predict", "explain", "embed", "latent_map"],
)
def test_a_detector_that_is_not_fitted_says_so(ask):
    with pytest.raises(NotFittedError, match="VAEDetector instance is not fitted yet"):
        getattr(VAEDetector(), ask)([[1.0]])


@parametrize_with_checks([VAEDetector(), AutoencoderDetector(), VAEDetector(contamination=0.1)])
def test_scikit_learns_own_checks(untrained, estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([VAEDetector(settings="article"), AutoencoderDetector(settings="article")])
def test_scikit_learns_own_checks_with_training(estimator, check):
    check(estimator)


# A fit that is cut off -----------------------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("calibration", ["split", "cross"])
def test_a_fit_killed_and_resumed_is_the_uninterrupted_one(numbers, tmp_path, calibration):
    """With the cross-calibration's six fits, of which each has its own checkpoint."""
    folder = tmp_path / "kept"
    fixed = {"random_state": 0, "max_steps": 100, "calibration": calibration, "settings": "narrow"}
    kept = fixed | {"checkpoint": folder, "resume": True}
    parts = 6 if calibration == "cross" else 1

    def killed_at(step):
        def on_progress(done, at_most, loss):
            assert at_most == 100 * parts
            if done >= step:
                raise Killed

        return on_progress

    for step in (50, 100 * parts - 50):
        with pytest.raises(Killed):
            VAEDetector(**kept, on_progress=killed_at(step)).fit(numbers)
    assert len(list(folder.iterdir())) == parts
    resumed, whole = VAEDetector(**kept).fit(numbers), VAEDetector(**fixed).fit(numbers)
    assert resumed.surprise(numbers).tobytes() == whole.surprise(numbers).tobytes()
    assert not list(folder.iterdir())


def test_a_cross_calibration_that_ran_out_of_time_can_still_be_resumed(numbers, tmp_path):
    """Each fit gets a share of the time; those after one that was cut off begin anew."""
    folder = tmp_path / "kept"
    fixed = {"random_state": 0, "max_steps": 100, "calibration": "cross", "settings": "narrow"}
    short = VAEDetector(**fixed, checkpoint=folder, time_limit=1e-9).fit(numbers)
    assert short.health_.end == "time_limit"
    assert len(list(folder.iterdir())) == 1
    resumed = VAEDetector(**fixed, checkpoint=folder, resume=True).fit(numbers)
    assert resumed.surprise(numbers).tobytes() == VAEDetector(**fixed).fit(numbers).surprise(numbers).tobytes()


def test_a_checkpoint_needs_a_seed_and_steps_are_counted(numbers, tmp_path):
    with pytest.raises(SettingError, match="a checkpoint needs a random_state"):
        VAEDetector(checkpoint=tmp_path).fit(numbers)
    for steps in (0, 2.5, "many"):
        with pytest.raises(SettingError, match=r"max_steps is .*; give a whole number >= 1, or None"):
            VAEDetector(max_steps=steps).fit(numbers)


def test_health_is_that_of_the_fit_and_only_of_a_fit(vae):
    assert vae.health_ is vae.model_.network.health
    with pytest.raises(NotFittedError):
        VAEDetector().health_  # noqa: B018 - asking is the point


def test_column_names_are_compared_without_surrounding_blanks(vae, fresh):
    table = as_table(fresh)
    respelled = table.rename_columns([f" {name} " for name in table.column_names])
    with pytest.warns(UserWarning, match="names are compared without the blanks around them: ' .* ' is '"):
        assert (vae.surprise(respelled) == vae.surprise(table)).all()
    # a column of the very name goes before, whatever the other holds
    both = table.append_column(f" {table.column_names[0]}", pa.array([[1]] * table.num_rows))
    assert (vae.surprise(both) == vae.surprise(table)).all()
    with pytest.raises(SchemaMismatchError, match="missing"):
        vae.surprise(table.drop_columns(table.column_names[0]))


def test_rows_may_be_a_list_of_mappings(vae, fresh):
    rows = as_table(fresh).slice(0, 20).to_pylist()
    assert (vae.surprise(rows) == vae.surprise(as_table(fresh).slice(0, 20))).all()
    assert (vae.surprise(rows[0]) == vae.surprise(rows)[:1]).all()
