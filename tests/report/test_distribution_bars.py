"""Every row with a value is in one bar, and bars of the normal rows themselves are as the normal rows."""

import numpy as np
import pyarrow as pa
import pytest

from oddrow.columns import TableEncoding, TableReference, TableSchema
from oddrow.report._distribution_bars import (
    HIDDEN,
    MISSING,
    UNLISTED,
    NormalQuantiles,
    name_bars,
    name_shade,
    number_bars,
    number_shade,
)

NOBODY = np.zeros(0, np.bool_)


def learned(values, kind):
    table = pa.table({"x": values})
    encoding = TableEncoding.learn(TableSchema.infer(table, {"x": kind}), table)
    return encoding, TableReference.learn(encoding, table).columns[0]


def numbers(rng, name, count=5_000):
    return {
        "continuous": rng.normal(3, 100, count),
        "heavy": rng.lognormal(2, 3, count),
        "few": rng.poisson(0.2, count).astype(float),
        "wide": np.round(rng.lognormal(6, 2, count)),
        "one": np.full(count, 7.0),
        "half zeros": np.where(rng.random(count) < 0.5, 0.0, rng.normal(size=count)),
        "huge": rng.choice([-1e300, 1e300, 0.0, 1.0], count),
    }[name]


NAMES = ("continuous", "heavy", "few", "wide", "one", "half zeros", "huge")


@pytest.mark.parametrize("name", NAMES)
def test_every_number_is_in_the_bar_that_its_label_says(name):
    rng = np.random.default_rng(1)
    training = numbers(rng, name)
    _, reference = learned(training, "number")
    rows = np.concatenate([numbers(rng, name, 500), [np.nan, training.min() - 1e5, training.max() + 1e5]])
    bars = number_bars(reference, rows, "number", is_whole=name in ("few", "wide", "one"))
    assert (bars.bar == MISSING).tolist() == np.isnan(rows).tolist()
    assert bars.bar[~np.isnan(rows)].max() < len(bars.labels)
    assert bars.shares().sum() == pytest.approx(1)
    assert bars.normal.sum() == pytest.approx(1)
    assert (bars.normal >= 0).all()
    order = np.argsort(rows)[: np.isfinite(rows).sum()]
    assert (np.diff(bars.bar[order].astype(int)) >= 0).all()  # bars ascend with the numbers
    if name != "huge":  # there a step of 1e5 changes nothing
        assert bars.labels[bars.bar[-2]].startswith("below ")
        assert bars.labels[bars.bar[-1]].startswith("above ")
    assert len(set(bars.labels)) == len(bars.labels)


@pytest.mark.parametrize("name", NAMES)
def test_the_training_rows_have_the_shares_of_the_normal_rows(name):
    training = numbers(np.random.default_rng(2), name)
    _, reference = learned(training, "number")
    bars = number_bars(reference, training, "number")
    np.testing.assert_allclose(bars.shares(), bars.normal, atol=0.003)
    assert not any(label.startswith(("below", "above")) for label in bars.labels)


def test_labels_name_the_whole_numbers_of_a_bar():
    training = np.repeat([0.0, 1.0, 2.0, 5.0], [600, 250, 100, 50])
    _, reference = learned(training, "number")
    bars = number_bars(reference, np.array([0.0, 1.0, 3.0, 9.0, -1.0]), "number", is_whole=True)
    assert bars.labels == ("below 0", "0", "1", "2", "3 to 5", "above 5")
    assert [bars.labels[bar] for bar in bars.bar] == ["0", "1", "3 to 5", "above 5", "below 0"]


def test_a_difference_that_is_shown_for_a_frequent_number_exists():
    # the reference knows only that between 90 and 95 % of the normal rows are 0
    _, reference = learned(np.repeat([0.0, 1.0, 2.0], [930, 50, 20]), "number")
    same = number_bars(reference, np.repeat([0.0, 1.0, 2.0], [930, 50, 20]), "number", is_whole=True)
    np.testing.assert_allclose(same.normal, same.shares(), atol=1e-9)
    fewer = number_bars(reference, np.repeat([0.0, 1.0, 2.0], [500, 480, 20]), "number", is_whole=True)
    assert fewer.normal[0] == pytest.approx(0.9)


def test_shades_of_numbers_are_their_places_among_the_normal_rows():
    training = np.random.default_rng(3).normal(size=20_000)
    _, reference = learned(training, "number")
    quantiles = NormalQuantiles.of(reference)
    rows = np.random.default_rng(4).normal(size=2_000)
    shade = number_shade(quantiles, rows)
    ranks = np.searchsorted(np.sort(training), rows) / len(training)
    np.testing.assert_allclose(shade / 250, ranks, atol=0.02)
    ends = number_shade(quantiles, np.array([-1e9, training.min(), training.max(), 1e9, np.nan]))
    assert ends.tolist() == [0, 0, 250, 250, 255]


def test_the_shade_of_a_frequent_number_is_the_middle_of_its_places():
    _, reference = learned(np.repeat([0.0, 1.0, 2.0], [400, 400, 200]), "number")
    shade = number_shade(NormalQuantiles.of(reference), np.array([0.0, 0.5, 1.0, 2.0]))
    assert shade.tolist() == sorted(shade.tolist())
    assert int(shade[0]) == pytest.approx(50, abs=1)
    assert int(shade[2]) == pytest.approx(160, abs=15)


def arrow(values):
    return pa.chunked_array([pa.array(values, pa.string())])


def test_names_have_a_bar_each_and_the_rest_share_two():
    training = ["a"] * 60 + ["b"] * 30 + ["c"] * 10
    _, reference = learned(training, "category")
    rows = ["a", "b", "b", None, "new"]
    is_unseen = np.array([False, False, False, False, True])
    bars = name_bars(reference, arrow(rows), is_unseen, np.zeros(5, np.bool_))
    assert bars.labels == ("a", "b", "c", "never seen")
    assert bars.bar.tolist() == [0, 1, 1, MISSING, 3]
    np.testing.assert_allclose(bars.shares(), [0.25, 0.5, 0, 0.25])
    np.testing.assert_allclose(bars.normal, [0.6, 0.3, 0.1, 0])
    assert name_shade(bars).tolist() == [0, 1, 1, MISSING, UNLISTED]


def test_of_many_names_the_frequent_ones_have_bars():
    rng = np.random.default_rng(5)
    names = np.array([f"n{number:03}" for number in range(300)])
    weights = 1 / np.arange(1, 301)
    training = rng.choice(names, 5_000, p=weights / weights.sum())
    _, reference = learned(training.tolist(), "category")
    rows = np.array(["n250"] * 300 + ["n001"] * 500 + ["n050"] * 10)
    is_alert = rows == "n050"
    bars = name_bars(reference, arrow(rows.tolist()), np.zeros(len(rows), np.bool_), is_alert)
    assert bars.n_named == 12
    assert "n050" in bars.labels  # frequent among the alerts
    assert "n000" in bars.labels  # frequent among the normal rows
    assert bars.labels[bars.bar[0]] in ("n250", "other")
    assert bars.normal.sum() == pytest.approx(1)
    assert bars.shares().sum() == pytest.approx(1)
    assert bars.shares(is_alert)[bars.labels.index("n050")] == 1


def test_flags_are_names():
    _, reference = learned([True, False, True, True], "boolean")
    bars = name_bars(
        reference, np.array([0.0, 1.0, 2.0, np.nan]), np.array([0, 0, 1, 0], np.bool_), np.zeros(4, np.bool_)
    )
    assert bars.labels == ("false", "true", "never seen")
    assert bars.bar.tolist() == [0, 1, 2, MISSING]


def test_hidden_labels_hold_no_value():
    _, reference = learned(["secret"] * 9 + ["b"], "category")
    bars = name_bars(
        reference, arrow(["secret", "x"]), np.array([False, True]), np.zeros(2, np.bool_), has_values=False
    )
    assert bars.labels == (HIDDEN, HIDDEN, "never seen")
    _, reference = learned([1.0, 2.0, 4711.0], "number")
    assert set(number_bars(reference, np.array([1.0, 99.0]), "number", has_values=False).labels) == {HIDDEN}


def test_no_rows_have_no_shares():
    _, reference = learned([1.0, 2.0, 3.0], "number")
    assert number_bars(reference, np.zeros(0), "number").shares().sum() == 0
    bars = number_bars(reference, np.array([1.0, np.nan]), "number")
    assert bars.shares(np.array([False, True])).sum() == 0
