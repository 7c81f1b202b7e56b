"""The reference of a column is the distribution of all its training rows, in the sample or outside it."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

import oddrow
from oddrow.columns import REFERENCE_LEVELS, TableEncoding, TableReference, TableSchema, TableSketch
from oddrow.container import ArrayStore
from oddrow.exceptions import ModelFileError

N_ROWS = 2_000
MOMENTS = [dt.datetime(2024, 3, 1) + dt.timedelta(hours=row) for row in range(N_ROWS)]
KINDS = {
    "amount": "number",
    "load": "number",
    "flag": "boolean",
    "zone": "category",
    "shop": "category",
    "at": "timestamp",
    "serial": "counter",
    "note": "text",
    "site": "constant",
    "id": "ignore",
}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "amount": rng.lognormal(3, 2, N_ROWS),
            "load": [None if rng.random() < 0.25 else value for value in rng.normal(size=N_ROWS).tolist()],
            "flag": [None if rng.random() < 0.1 else bool(flag) for flag in rng.random(N_ROWS) < 0.3],
            "zone": rng.choice(["a", "b", "c"], N_ROWS, p=[0.2, 0.7, 0.1]).tolist(),
            "shop": [f"s{int(rng.exponential(60))}" for _ in range(N_ROWS)],
            "at": MOMENTS,
            "serial": list(range(N_ROWS)),
            "note": [None if row % 10 == 0 else "x" * (row % 7) + " paid" for row in range(N_ROWS)],
            "site": ["home"] * N_ROWS,
            "id": [f"id {row}" for row in range(N_ROWS)],
        }
    )


@pytest.fixture(scope="module")
def encoding(table):
    return TableEncoding.learn(TableSchema.infer(table, KINDS), table)


@pytest.fixture(scope="module")
def reference(encoding, table):
    return TableReference.learn(encoding, table)


def by_name(reference):
    return {column.name: column for column in reference.columns}


def test_every_column_that_is_not_ignored_has_a_reference(reference, table):
    assert [column.name for column in reference.columns] == [name for name in table.column_names if name != "id"]
    assert all(column.n_rows == N_ROWS for column in reference.columns)


@pytest.mark.parametrize("name", ["amount", "load", "flag", "zone", "note"])
def test_missing_values_are_counted(reference, table, name):
    assert by_name(reference)[name].missing_share == table[name].null_count / N_ROWS


@pytest.mark.parametrize("name", ["amount", "load", "serial"])
def test_quantiles_are_observed_values_that_the_share_of_their_level_does_not_exceed(reference, table, name):
    values = np.sort(table[name].drop_null().to_numpy().astype(np.float64))
    quantiles = np.array(by_name(reference)[name].quantiles)
    assert np.isin(quantiles, values).all()
    assert (quantiles[0], quantiles[-1]) == (values[0], values[-1])
    at_most = np.searchsorted(values, quantiles, side="right") / len(values)
    assert (at_most >= np.array(REFERENCE_LEVELS) - 1e-12).all()
    assert (at_most <= np.array(REFERENCE_LEVELS) + 1.5 / len(values)).all()


def test_times_are_in_seconds_and_texts_by_their_length(reference):
    columns = by_name(reference)
    assert columns["at"].quantiles[0] == MOMENTS[0].replace(tzinfo=dt.UTC).timestamp()
    assert (columns["note"].quantiles[0], columns["note"].quantiles[-1]) == (5.0, 11.0)


def test_names_are_counted_the_most_frequent_first(reference, table):
    columns = by_name(reference)
    for name in ("zone", "shop"):
        values = table[name].to_pylist()
        column = columns[name]
        assert column.counts == tuple(values.count(value) for value in column.values)
        assert list(column.counts) == sorted(column.counts, reverse=True)
        assert sum(column.counts) + column.n_others == N_ROWS
    assert columns["zone"].values == ("b", "a", "c")
    assert len(columns["shop"].values) == 100
    assert columns["shop"].n_others > 0
    assert columns["site"].shares == {"home": 1.0}
    flags = table["flag"].to_pylist()
    assert columns["flag"].values == ("false", "true")
    assert columns["flag"].counts == (flags.count(False), flags.count(True))


def test_the_reference_holds_only_values_that_the_encoding_holds(reference, encoding):
    for column, encoded in zip(reference.columns, encoding.columns, strict=True):
        known = {"false", "true"} | set(encoded.known) | set(getattr(encoded, "frequent", ()))
        assert set(column.values) <= known


def test_counts_missing_values_and_extremes_cover_the_rows_outside_the_sample(table):
    rest = TableSketch(KINDS).extended(table.slice(500))
    sample = table.slice(0, 500)
    encoding = TableEncoding.learn(TableSchema.infer(sample, KINDS, rest), sample, rest=rest)
    part = TableReference.learn(encoding, sample, rest)
    whole = TableReference.learn(TableEncoding.learn(TableSchema.infer(table, KINDS), table), table)
    for found, expected in zip(part.columns, whole.columns, strict=True):
        assert (found.n_rows, found.n_missing) == (expected.n_rows, expected.n_missing)
        assert found.quantiles[:1] == expected.quantiles[:1]
        assert found.quantiles[-1:] == expected.quantiles[-1:]
        if found.name != "note":
            assert (found.values, found.counts, found.n_others) == (expected.values, expected.counts, expected.n_others)


def test_marks_of_missing_values_outside_the_sample_count_as_missing():
    table = pa.table({"zone": ["a", "b", "-", None] * 50, "flag": ["yes", "no", "-", None] * 50})
    kinds = {"zone": "category; missing=-", "flag": "boolean; missing=-"}
    rest = TableSketch(kinds).extended(table.slice(40))
    sample = table.slice(0, 40)
    encoding = TableEncoding.learn(TableSchema.infer(sample, kinds, rest), sample, rest=rest)
    reference = TableReference.learn(encoding, sample, rest)
    for column in reference.columns:
        assert sum(column.counts) + column.n_others + column.n_missing <= column.n_rows == 200
    assert TableReference.unpacked(ArrayStore(reference.packed()), encoding) == reference


@pytest.mark.parametrize("values", [[1e308, -1e308, 1.0], [None, None, None], [0.0]])
def test_the_reference_of_an_extreme_or_empty_column_is_unchanged_after_a_round_trip(values):
    table = pa.table({"a": pa.array(values * 20, pa.float64()), "b": list(range(20 * len(values)))})
    encoding = TableEncoding.learn(TableSchema.infer(table, {"a": "number", "b": "number"}), table)
    reference = TableReference.learn(encoding, table)
    assert np.isfinite(reference.columns[0].quantiles).all()
    assert TableReference.unpacked(ArrayStore(reference.packed()), encoding) == reference


def test_a_reference_is_unchanged_after_a_round_trip(reference, encoding):
    assert TableReference.unpacked(ArrayStore(reference.packed()), encoding) == reference


def test_counts_of_more_rows_than_the_training_rows_are_refused(reference, encoding):
    arrays = reference.packed()
    arrays["rows"] = arrays["rows"].copy()
    arrays["rows"][3, 1] = N_ROWS
    with pytest.raises(ModelFileError, match="counts more rows than the training had"):
        TableReference.unpacked(ArrayStore(arrays), encoding)


@pytest.mark.filterwarnings("ignore::oddrow.exceptions.DependenceWarning")  # the values follow a cycle
def test_a_fit_learns_the_reference_and_a_model_file_keeps_it(untrained, table, tmp_path):
    detector = oddrow.VAEDetector(columns=KINDS, random_state=0).fit(table)
    zones = table["zone"].to_pylist()
    assert by_name(detector.model_.reference)["zone"].counts == tuple(zones.count(zone) for zone in "bac")
    oddrow.save(detector, tmp_path / "m.oddrow")
    assert oddrow.load(tmp_path / "m.oddrow").model_.reference == detector.model_.reference
