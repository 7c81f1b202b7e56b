"""Methods side by side: the same split for all, figures that are right, and words that say no more than was seen."""

import json
import warnings

import numpy as np
import pyarrow as pa
import pytest

import oddrow
from oddrow.comparison import MethodRows, encoded_rows, labelled_table
from oddrow.exceptions import DataError, SettingError
from oddrow.metrics import detection_metrics

CHEAP = ["knn1", "pca", "ecod"]


@pytest.fixture(scope="module")
def table():
    """200 rows of two numbers that go together and a name; the last 20 break the bond."""
    rng = np.random.default_rng(0)
    first = rng.normal(size=200)
    second = first + 0.1 * rng.normal(size=200)
    second[180:] = rng.normal(size=20)
    return pa.table({"a": first, "b": second, "c": ["x", "y"] * 100, "label": [0] * 180 + [1] * 20})


@pytest.fixture(scope="module")
def comparison(table):
    return oddrow.compare(table, "label", methods=CHEAP, seeds=4)


class Spy:
    """A method that keeps what it was given, and scores by a column that tells the row."""

    def __init__(self, name="spy", oddness=lambda rows: rows.table.column("a").to_numpy()):
        self.name, self.oddness, self.fits, self.scored = name, oddness, [], []

    def fit(self, rows: MethodRows, seed: int):
        self.fits.append((rows, seed))

        def score(later):
            self.scored.append(later)
            return np.asarray(self.oddness(later), float)

        return score


def keys(rows):
    return set(rows.table.column("a").to_pylist())


def test_half_of_the_normal_rows_are_training_rows_and_all_others_are_test_rows(table):
    spy = Spy()
    found = oddrow.compare(table, "label", methods=[spy], seeds=3)
    normal, odd = (set(table.column("a").to_pylist()[part]) for part in (slice(180), slice(180, 200)))
    splits = set()
    for fit in range(3):
        train, test = keys(spy.fits[2 * fit][0]), keys(spy.scored[3 * fit])
        assert len(train) == 90 == found.rows_train
        assert train < normal
        assert test == (normal - train) | odd
        splits.add(frozenset(train))
        # the second fit, and its threshold, see training rows alone
        smaller, calibration = keys(spy.fits[2 * fit + 1][0]), keys(spy.scored[3 * fit + 1])
        assert smaller | calibration == train
        assert (len(smaller), len(calibration)) == (72, 18)
    assert len(splits) == 3
    assert found.rows_test == 110


def test_all_methods_get_the_same_rows(table):
    spies = [Spy("one"), Spy("two")]
    oddrow.compare(table, "label", methods=spies, seeds=2)
    for first, second in zip(spies[0].fits, spies[1].fits, strict=True):
        assert first[1] == second[1]
        np.testing.assert_array_equal(first[0].encoded, second[0].encoded)
        assert first[0].table.equals(second[0].table)
    for train, _ in spies[0].fits[::2]:
        np.testing.assert_allclose(train.encoded.mean(axis=0)[:2], 0, atol=1e-12)
    assert "label" not in spies[0].fits[0][0].table.column_names


def test_the_encoding_is_learned_from_the_training_rows(table):
    rows = encoded_rows(table.drop_columns("label"), np.arange(50))
    np.testing.assert_allclose(rows.encoded[:50, :2].mean(axis=0), 0, atol=1e-12)
    assert abs(rows.encoded[:, 0].mean()) > 1e-3
    empty = table.append_column("late", pa.array([None] * 100 + list(range(100)), pa.float64()))
    assert "late" not in encoded_rows(empty, np.arange(50)).table.column_names


def test_labels_are_used_only_to_measure(table):
    spies = []
    for labels in (table.column("label").to_numpy(), np.r_[[0] * 180, [1, 2] * 10]):
        spies.append(Spy())
        oddrow.compare(table.drop_columns("label"), labels, normal=0, methods=[spies[-1]], seeds=1)
    for first, second in zip(spies[0].scored, spies[1].scored, strict=True):
        np.testing.assert_array_equal(first.encoded, second.encoded)


def test_metrics_are_computed_from_the_scores(table):
    truth = {row["a"]: row["label"] for row in table.to_pylist()}
    perfect = Spy("perfect", lambda rows: [truth[key] for key in rows.table.column("a").to_pylist()])
    inverse = Spy("inverse", lambda rows: [-truth[key] for key in rows.table.column("a").to_pylist()])
    spy = Spy()
    found = oddrow.compare(table, "label", methods=[inverse, spy, perfect], seeds=2)
    assert [row.method for row in found.summary] == ["perfect", "spy", "inverse"]
    best, _, worst = found.summary
    assert (best.auroc.mean, best.average_precision.mean, best.recall.mean) == (1.0, 1.0, 1.0)
    assert (worst.auroc.mean, worst.recall.mean) == (0.0, 0.0)
    for run, test in zip([run for run in found.runs if run.method == "spy"], spy.scored[::3], strict=True):
        scores = test.table.column("a").to_numpy()
        is_anomaly = np.array([truth[key] == 1 for key in scores.tolist()])
        assert run.figures.auroc == detection_metrics(is_anomaly, scores, scores > 9).auroc


def test_the_false_alarm_rate_is_the_requested_one():
    rng = np.random.default_rng(0)
    labels = np.arange(3000) >= 2990
    found = oddrow.compare(rng.normal(size=(3000, 2)), labels, methods=["pca", "ecod", "OneClassSVM"], seeds=8)
    for row in found.summary:
        assert 0.004 < row.false_alarm_rate.mean < 0.017, row


def test_a_method_that_fails_is_reported_and_the_others_go_on(table):
    def refuse(rows):
        raise ValueError("not\ntoday")

    lazy = Spy("lazy", lambda _: [1.0])
    found = oddrow.compare(table, "label", methods=[Spy("bad", refuse), "pca", lazy], seeds=2)
    bad = next(row for row in found.summary if row.method == "bad")
    assert (bad.n_runs, bad.n_failed, bad.auroc, bad.error) == (0, 2, None, "ValueError: not today")
    assert "bad failed on 2 of 2 seeds: ValueError: not today" in found.sentences
    assert found.summary[0].method == "pca"
    assert found.summary[0].n_runs == 2
    assert len([run for run in found.runs if run.error is not None]) == 4


def test_a_sentence_states_that_no_difference_is_seen(table):
    twin = Spy("twin", lambda rows: rows.encoded[:, 0])
    found = oddrow.compare(table, "label", methods=[Spy("one", twin.oddness), twin], seeds=3)
    assert found.summary[1].p_auroc == 1.0
    assert any(text.startswith("AUROC: no difference seen between one and twin (") for text in found.sentences)
    assert not any("better" in text for text in found.sentences)


def test_a_sentence_states_a_difference(table):
    bond = Spy("bond", lambda rows: np.abs(rows.encoded[:, 0] - rows.encoded[:, 1]))
    found = oddrow.compare(table, "label", methods=["ecod", bond], seeds=5)
    assert found.best() == "bond"
    assert found.summary[1].p_auroc < 0.05
    assert any(text.startswith("AUROC: bond is better than ecod (") for text in found.sentences)
    assert not any(text.startswith("AUROC: no difference") for text in found.sentences)
    assert found.summary[0].p_auroc is None


def test_with_one_seed_a_sentence_states_that_there_is_no_interval(table):
    found = oddrow.compare(table, "label", methods=CHEAP, seeds=1)
    assert all(row.auroc.low is None and row.p_auroc is None for row in found.summary)
    assert found.sentences == ("one seed: no interval and no test of a difference; give several seeds for both",)


def test_several_seeds_give_intervals_around_the_mean(comparison):
    for row in comparison.summary:
        runs = [run.figures.auroc for run in comparison.runs if run.method == row.method]
        assert row.auroc.mean == pytest.approx(np.mean(runs))
        assert row.auroc.low <= row.auroc.mean <= row.auroc.high
        assert row.n_runs == 4


def test_contaminated_means_that_all_rows_are_training_rows_and_test_rows(table):
    spy = Spy()
    found = oddrow.compare(table, "label", methods=[spy, "knn1"], seeds=2, contaminated=True)
    assert keys(spy.fits[0][0]) == keys(spy.scored[0]) == set(table.column("a").to_pylist())
    assert found.rows_train == found.rows_test == 200
    assert found.summary[0].auroc.low is None
    assert [row.p_auroc for row in found.summary] == [None, None]
    assert "all rows were training rows and test rows" in found.sentences[0]
    nearest = next(row for row in found.summary if row.method == "knn1")
    assert nearest.auroc.mean > 0.8  # were each row its own neighbour, it would be 0.5
    flagged = [run.figures.flagged_share for run in found.runs if run.method == "knn1"]
    assert flagged == [
        0.005,
        0.005,
    ]  # 1 % by the conformal rule: 201 / 100 rows down to 2, of which the first lies above


def test_the_same_call_gives_the_same_figures(table, comparison):
    again = oddrow.compare(table, "label", methods=CHEAP, seeds=4)
    assert [run.figures for run in again.runs] == [run.figures for run in comparison.runs]
    other = oddrow.compare(table, "label", methods=CHEAP, seeds=4, random_state=1)
    assert [run.figures for run in other.runs] != [run.figures for run in comparison.runs]
    some = oddrow.compare(table, "label", methods=CHEAP, seeds=[3])
    assert [run.figures for run in some.runs] == [run.figures for run in comparison.runs if run.seed == 3]


def test_max_rows_keeps_the_share_of_anomalies(table):
    found = oddrow.compare(table, "label", methods=["pca"], seeds=1, max_rows=100)
    assert (found.rows, found.anomalies) == (100, 10)


def test_a_comparison_converts_to_plain_values(comparison):
    values = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert {row["method"] for row in values["summary"]} == set(CHEAP)
    assert len(values["runs"]) == 12 == comparison.to_table().num_rows
    assert values["runs"][5]["auroc"] == comparison.to_table().column("auroc")[5].as_py()
    assert comparison.to_table().column_names[:4] == ["method", "seed", "rows", "anomalies"]


def test_oddrows_detectors_use_their_own_decision(table, untrained):
    pattern = oddrow.VAEDetector(policy=oddrow.FixedSurprise(1e-9))
    found = oddrow.compare(table, "label", methods={"all odd": pattern, "vae": "oddrow"}, seeds=1)
    flagged = {run.method: run.figures.flagged_share for run in found.runs}
    assert flagged["all odd"] == 1.0
    assert flagged["vae"] < 1.0


def test_warnings_are_kept_with_the_run(table):
    def warn(rows):
        warnings.warn("mind the gap", UserWarning, stacklevel=1)
        return rows.encoded[:, 0]

    found = oddrow.compare(table, "label", methods=[Spy("loud", warn)], seeds=1)
    assert found.runs[0].warnings == ("mind the gap",)


def test_infinite_numbers_fail_only_the_methods_that_cannot_take_them(untrained):
    rows = np.random.default_rng(0).normal(size=(60, 2))
    rows[3, 0] = np.inf
    found = oddrow.compare(rows, np.arange(60) >= 50, methods=["oddrow", "knn1"], seeds=[0, 1, 2])
    errors = {row.method: row.error for row in found.summary}
    assert errors["knn1"] is None
    assert "infinity is not a value" in errors["oddrow"]


@pytest.mark.parametrize(
    ("labels", "normal", "expected"),
    [
        ([0, 1, 1, 0], None, "0110"),
        ([True, False, True, True], None, "1011"),
        ([1, -1, 1, 1], None, "0100"),
        (["ok", "bad", "worse", "ok"], "ok", "0110"),
        ([7, 8, 7, 9], 7, "0101"),
        ([0.5, 0.5, 1.5, None], 0.5, "0011"),
        ([True, False, False, True], True, "0110"),
    ],
)
def test_which_labels_are_normal(labels, normal, expected):
    labelled = labelled_table({"x": range(4)}, labels, normal)
    assert "".join("01"[not normal] for normal in labelled.is_normal) == expected
    assert labelled.table.column_names == ["x"]


def rows_and(labels):
    return {"x": np.arange(len(labels), dtype=float)}, labels


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        (rows_and(["a", "b"] * 20), {}, SettingError, "which label is normal"),
        (rows_and(["a", "b"] * 20), {"normal": "c"}, DataError, "never has the value 'c'"),
        (rows_and([0] * 9 + [1] * 9), {}, DataError, "9 normal rows; a comparison needs at least 10"),
        (rows_and([0] * 20), {"normal": 0}, DataError, "every row is labelled normal"),
        (({"x": range(5)}, [0, 1]), {}, DataError, "2 labels, and the table has 5 rows"),
        (({"x": range(5)}, "y"), {}, DataError, "no label column 'y'"),
        (rows_and([0, 1] * 20), {"methods": []}, SettingError, "methods is empty"),
        (rows_and([0, 1] * 20), {"methods": ["pca", "pca"]}, SettingError, "several methods are named pca"),
        (rows_and([0, 1] * 20), {"methods": ["nothing"]}, SettingError, "'nothing' is no method"),
        (rows_and([0, 1] * 20), {"seeds": 0}, SettingError, "seeds is 0"),
        (rows_and([0, 1] * 20), {"seeds": [1, 1]}, SettingError, "give each seed once"),
        (rows_and([0, 1] * 20), {"test_share": 1.0}, SettingError, "test_share is 1.0"),
        (rows_and([0, 1] * 20), {"random_state": -1}, SettingError, "random_state is -1"),
        (rows_and([0, 1] * 20), {"max_rows": 0}, SettingError, "max_rows is 0"),
    ],
)
def test_invalid_arguments_of_compare_are_refused(arguments, options, error, words):
    with pytest.raises(error, match=words):
        oddrow.compare(*arguments, **{"methods": ["pca"], **options})
