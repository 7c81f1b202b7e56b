"""The preparation in a manifest: a file that lies about it is refused, and what loads scores without a crash."""

import copy
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pytest

import oddrow
from oddrow import VAEDetector, artifact
from oddrow.exceptions import ModelFileError, OddrowError
from oddrow.sequences import EntityHistory, Windows
from testing.model_files import parts, rebuilt
from testing.untrained import no_training

SEQUENCES = {
    "windows": Windows("at", "machine", length=3),
    "windows of a span": Windows("at", span="2min", step="30s", max_gap="1h"),
    "history": EntityHistory("machine", "at"),
}


def make_rows(n_rows=40):
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "at": np.cumsum(rng.integers(1, 60, n_rows)),
            "machine": rng.choice(["a", "b"], n_rows),
            "pressure": rng.normal(50, 2, n_rows),
            "state": rng.choice(["ok", "warm", "hot"], n_rows),
            "open": pa.array(rng.random(n_rows) < 0.5),
        }
    )


TABLE = make_rows()


@pytest.fixture(scope="module")
def contents():
    """The bytes of a model of each preparation."""
    with no_training():
        detectors = {
            name: VAEDetector(sequences=spec, settings="article", calibration="split", random_state=0)
            for name, spec in SEQUENCES.items()
        }
        return {name: artifact.dumps(detector.fit(TABLE)) for name, detector in detectors.items()}


def with_entry(content, path, value):
    """The file with another value at this path of its preparation."""

    def change(manifest):
        place = manifest["preparation"]
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return rebuilt(content, change)


@pytest.mark.parametrize("name", SEQUENCES)
def test_the_file_of_a_preparation_holds_its_plan(contents, tmp_path, name):
    path = tmp_path / "model.oddrow"
    path.write_bytes(contents[name])
    loaded = oddrow.load(path)
    assert loaded.model_.preparation == SEQUENCES[name].learn(TABLE)
    assert loaded.sequences == loaded.model_.preparation
    assert artifact.dumps(loaded) == contents[name]


OF_WINDOWS = {
    "no length": ("shape", "length", None),
    "length below 2": ("shape", "length", 1),
    "negative length": ("shape", "length", -3),
    "huge length": ("shape", "length", 2**62),
    "length and span": ("shape", "span", 1_000_000),
    "no step": ("shape", "step", None),
    "step of no rows": ("shape", "step", 0),
    "step in rows and time": ("shape", "step_span", 1),
    "gap of no time": ("shape", "max_gap", 0),
    "gap that int64 does not hold": ("shape", "max_gap", 2**63),
    "unknown time": ("time", "when"),
    "time that is a category": ("time", "state"),
    "another time of windows": ("columns", "time", "pressure"),
    "unknown entity": ("entity", "card"),
    "entity that is a number": ("entity", "pressure"),
    "entity that is the time": ("entity", "at"),
    "usual step of no time": ("usual_step", 0),
    "unknown number": ("columns", "numbers", 0, "name", "depth"),
    "number that is a category": ("columns", "numbers", 0, "name", "state"),
    "number that is a flag": ("columns", "numbers", 0, "name", "open"),
    "number that is the entity": ("columns", "numbers", 0, "name", "machine"),
    "unknown statistic": ("columns", "numbers", 0, "features", ["kurtosis"]),
    "statistic that occurs twice": ("columns", "numbers", 0, "features", ["mean", "mean"]),
    "lag of a later row": ("columns", "numbers", 0, "lags", [-1]),
    "lag beyond the window": ("columns", "numbers", 0, "lags", [3]),
    "missing lags": ("columns", "numbers", 0, {"name": "pressure", "features": ["last"]}),
    "event that is a number": ("columns", "events", 0, "name", "pressure"),
    "counted type that is no type": ("columns", "events", 0, "counted", ["cold"]),
    "type that occurs twice": ("columns", "events", 0, "types", ["ok", "ok", "warm", "hot"]),
    "too many types": ("columns", "events", 0, "types", ["ok", "warm", "hot", *map(str, range(30))]),
    "flags of other types": ("columns", "events", 1, "types", ["no", "yes"]),
    "unknown feature of events": ("columns", "events", 0, "features", ["entropy"]),
    "unknown feature of times": ("columns", "time_features", ["hour"]),
    "unknown kind of a column": ("schema", "columns", 2, "kind", "colour"),
    "ignored column": ("schema", "columns", 2, "kind", "ignore"),
    "column that occurs twice": ("schema", "columns", 2, "name", "at"),
    "column that the table does not have": ("schema", "columns", 2, "sources", ["depth"]),
    "unknown field": ("shape", "padding", 3),
    "unknown preparation": ("kind", "spectrum"),
}


@pytest.mark.parametrize("entry", OF_WINDOWS.values(), ids=OF_WINDOWS)
def test_windows_that_no_fit_learns_are_refused(contents, tmp_path, entry):
    *path, value = entry
    _refused(with_entry(contents["windows"], path, value), tmp_path)


OF_HISTORY = {
    "unknown time": ("columns", "time", "when"),
    "entity that is a number": ("columns", "entity", "pressure"),
    "unknown number": ("columns", "numbers", 0, "name", "depth"),
    "number that is a category": ("columns", "numbers", 0, "name", "state"),
    "number that occurs twice": ("columns", "numbers", [{"name": "pressure", "unit": -58, "is_ratio": True}] * 2),
    "no number": ("columns", "numbers", []),
    "unit beyond float64": ("columns", "numbers", 0, "unit", 2**40),
    "kind that gives no feature": ("columns", "schema", "columns", 3, "kind", "timestamp"),
    "time that is the entity": ("columns", "time", "machine"),
    "unknown field": ("columns", "numbers", 0, "scale", 1.0),
}


@pytest.mark.parametrize("entry", OF_HISTORY.values(), ids=OF_HISTORY)
def test_entity_features_that_no_fit_learns_are_refused(contents, tmp_path, entry):
    *path, value = entry
    _refused(with_entry(contents["history"], path, value), tmp_path)


def _refused(content, tmp_path):
    path = tmp_path / "broken.oddrow"
    path.write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        oddrow.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_an_encoding_of_columns_that_no_derived_row_has_is_refused(contents, tmp_path):
    def rename(manifest):
        for one in manifest["encoding"]["schema"]["columns"]:
            if one["name"] == "pressure.mean":
                one["name"] = "pressure"

    _refused(rebuilt(contents["windows"], rename), tmp_path)


def test_a_preparation_of_other_columns_than_the_encoding_is_refused(contents, tmp_path):
    plan = parts(contents["windows of a span"])[0]["preparation"]
    _refused(rebuilt(contents["windows"], lambda manifest: manifest.update(preparation=plan)), tmp_path)
    _refused(rebuilt(contents["windows"], lambda manifest: manifest.update(preparation=None)), tmp_path)


def entries(value, path=()):
    """The path of every entry of a preparation; of lists the first two."""
    is_list = isinstance(value, list)
    below = enumerate(value[:2]) if is_list else value.items() if isinstance(value, dict) else ()
    for key, child in below:
        yield (*path, key)
        yield from entries(child, (*path, key))


@pytest.mark.parametrize("value", [None, "x", "at", -1, 1, 2**70, [], True])
@pytest.mark.parametrize("name", SEQUENCES)
def test_any_changed_entry_of_a_preparation_is_refused_or_scores(contents, tmp_path, name, value):
    path = tmp_path / "changed.oddrow"
    plan = parts(contents[name])[0]["preparation"]
    for entry in entries(plan):
        if entry[-1] in ("why", "note"):
            continue
        path.write_bytes(with_entry(contents[name], entry, copy.copy(value)))
        with suppress(ModelFileError):
            loaded = oddrow.load(path)
            with suppress(OddrowError):
                loaded.surprise(TABLE)
                loaded.explain(TABLE)
