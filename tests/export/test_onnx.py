"""In ONNX Runtime a graph gives what oddrow gives."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import onnx
import pyarrow as pa
import pytest

import oddrow
from oddrow import VAEDetector, export_onnx
from oddrow.exceptions import MissingExtraError, OutputError, SettingError
from oddrow.export import IR_VERSION, ML_OPSET, OPSET
from oddrow.export import _onnx as exporting
from oddrow.views import VIEWS
from testing.onnx_sessions import feeds, outputs, session
from tests.support.mixed_tables import TRAINING_ROWS, mixed_table, strange_table

PARITY = 1e-9
"""Asked of a relative difference; the promise is 1e-5."""


def check_parity(detector, table, **settings):
    model = detector.model_
    found = outputs(session(detector, **settings), feeds(model, table, settings.get("missing_text", "")))
    scored = model.score(table)
    np.testing.assert_allclose(found["surprise"], scored.surprise, rtol=PARITY)
    np.testing.assert_array_equal(found["p_value"], scored.p_value)
    np.testing.assert_array_equal(found["is_odd"], model.decide(scored, table).is_odd)
    return found, scored


@pytest.mark.parametrize("table", [mixed_table(TRAINING_ROWS, 0), mixed_table(500, 1), strange_table(500, 2)])
def test_a_graph_scores_as_oddrow_does(detector, table):
    """Rows of the training table too: what is remembered of them is passed over."""
    check_parity(detector, table)


def test_the_parts_are_those_of_the_explanation(detector):
    found, scored = check_parity(detector, strange_table(300, 3), parts=True)
    parts = np.column_stack([scored.column_part, scored.combination_part])
    given = np.column_stack([found["column_part"], found["combination_part"]])
    np.testing.assert_allclose(given, parts, rtol=1e-6, atol=1e-9 * parts.max())
    np.testing.assert_allclose(given.sum(axis=1), found["surprise"], rtol=PARITY)


def test_a_graph_scores_with_learned_weights_as_oddrow_does(untrained, monkeypatch):
    monkeypatch.setattr("oddrow.surprise._reweighting._ranked", lambda *_: 1.0)  # whether they help does not matter
    detector = VAEDetector(random_state=0).fit(mixed_table(TRAINING_ROWS, seed=0))
    answers = {row: ("real", "false alarm")[row % 2] for row in range(12)}
    weighed = detector.with_feedback(answers, strange_table(300, 3))
    found, scored = check_parity(weighed, strange_table(300, 4), parts=True)
    assert not np.allclose(scored.surprise, detector.surprise(strange_table(300, 4)))
    np.testing.assert_allclose(
        np.column_stack([found["column_part"], found["combination_part"]]),
        np.column_stack([scored.column_part, scored.combination_part]),
        rtol=1e-6,
        atol=1e-9 * scored.surprise.max(),
    )


def test_a_row_alone_scores_as_among_others(detector):
    table = strange_table(20, 4)
    graph, columns = session(detector), feeds(detector.model_, table)
    among = outputs(graph, columns)["surprise"]
    alone = [outputs(graph, {name: column[[row]] for name, column in columns.items()})["surprise"] for row in range(20)]
    np.testing.assert_allclose(np.concatenate(alone), among, rtol=PARITY)


def test_a_row_with_an_infinite_number_scores_nan_and_is_odd(detector):
    columns = feeds(detector.model_, mixed_table(4, 5))
    columns |= {name: columns[name].copy() for name in ("level", "bytes")}
    columns["level"][1], columns["bytes"][2] = np.inf, -np.inf
    found = outputs(session(detector, parts=True), columns)
    for name in ("surprise", "p_value", "column_part", "combination_part"):
        is_nan = np.isnan(found[name]).reshape(4, -1)
        assert is_nan[1:3].all() and not is_nan[[0, 3]].any()
    assert found["is_odd"][1:3].all()


@pytest.mark.parametrize("value", [2.0, -1.0, 0.5, 7.0])
def test_a_flag_other_than_0_and_1_scores_as_a_value_that_is_neither(detector, value):
    model = detector.model_
    columns = feeds(model, mixed_table(5, 6))
    columns["open"] = np.full((5, 1), value)
    table = mixed_table(5, 6).set_column(5, "open", pa.array(["neither"] * 5))
    found = outputs(session(detector), columns)["surprise"]
    np.testing.assert_allclose(found, model.score(table).surprise, rtol=PARITY)


ONLY_SUBSETS = dict.fromkeys(VIEWS, 0) | {"random_subsets": 1, "related_subsets": 1}


@pytest.mark.parametrize(
    "parameters",
    [{"view_weights": {"nearest": 3, "marginal": 0}}, {"view_weights": ONLY_SUBSETS}, {"contamination": 0.1}],
)
def test_the_graph_scores_as_a_detector_of_any_parameters_does(parameters, untrained):
    detector = VAEDetector(random_state=0, **parameters).fit(mixed_table(TRAINING_ROWS, 0))
    check_parity(detector, strange_table(200, 7))


def test_a_graph_selects_the_same_ones_of_equally_far_neighbours(untrained):
    """In a table of names and grades many remembered rows are equally far, and the tenth is one of many."""
    rng = np.random.default_rng(0)
    names = {f"name {k}": rng.choice(list("abcdef"), 1500) for k in range(6)}
    names |= {f"grade {k}": rng.integers(1, 6, 1500) for k in range(3)}
    detector = VAEDetector(random_state=0).fit(pa.table(names).slice(0, 900))
    found = outputs(session(detector), feeds(detector.model_, pa.table(names)))
    scored = detector.model_.score(pa.table(names))
    np.testing.assert_allclose(found["surprise"], scored.surprise, rtol=1e-7)
    np.testing.assert_array_equal(found["p_value"], scored.p_value)


@pytest.mark.filterwarnings("ignore::oddrow.exceptions.DependenceWarning")
@pytest.mark.parametrize("n_twice", [0, 20, 400], ids=["no duplicates", "few", "many"])
@pytest.mark.parametrize("view_weights", [ONLY_SUBSETS, None], ids=["subsets", "all views"])
def test_the_parts_are_the_same_among_ties_and_duplicates(n_twice, view_weights, untrained):
    """Grades are often equally far from two remembered rows; the numbers keep the rows from being duplicates."""
    rng = np.random.default_rng(1)
    columns = {f"grade {k}": rng.integers(1, 5, 900) for k in range(4)}
    columns |= {"name": rng.choice(list("abc"), 900), "level": rng.normal(size=900), "size": rng.normal(size=900)}
    table = pa.table(columns)
    training = pa.concat_tables([table.slice(0, 500), table.slice(0, n_twice)]).take(rng.permutation(500 + n_twice))
    detector = VAEDetector(random_state=0, view_weights=view_weights).fit(training)
    found, scored = check_parity(detector, table, parts=True)
    parts = np.column_stack([scored.column_part, scored.combination_part])
    given = np.column_stack([found["column_part"], found["combination_part"]])
    np.testing.assert_allclose(given, parts, rtol=1e-6, atol=1e-9 * parts.max())


def test_the_given_missing_text_is_a_missing_value_of_the_graph(detector):
    columns = feeds(detector.model_, mixed_table(20, 9), missing_text="?")
    graph = session(detector, missing_text="?")
    by_text = outputs(graph, columns | {"zone": np.full((20, 1), "?", object)})["surprise"]
    table = mixed_table(20, 9).set_column(7, "zone", pa.nulls(20, pa.string()))
    np.testing.assert_allclose(by_text, detector.model_.score(table).surprise, rtol=PARITY)


@pytest.mark.parametrize(
    "columns",
    [
        {"x": np.linspace(-1, 1, 40)},
        {"tiny": np.linspace(1, 2, 40) ** 2 * 1e-200},
        {"one": np.linspace(1 - 1e-7, 1 + 1e-7, 40)},
        {"same": ["home"] * 40, "other": [1] * 40},
        {"flag": [True, False] * 20},
        {"name": list("abcd") * 10},
    ],
)
def test_a_table_of_one_or_two_columns_scores_the_same_in_onnx(columns, untrained, settings):
    """Constants of one element are where ONNX Runtime rounds numbers away; where nothing varies, no feature is left."""
    table = pa.table(columns)
    detector = VAEDetector(settings=settings, random_state=0).fit(table)
    scored = detector.model_.score(table).surprise
    found = outputs(session(detector), feeds(detector.model_, table))["surprise"]
    np.testing.assert_allclose(found, scored, rtol=1e-6)


def test_the_onnx_file_states_its_versions_inputs_threshold_and_model(detector, tmp_path):
    graph, saved = tmp_path / "model.onnx", tmp_path / "model.oddrow"
    export_onnx(detector, graph)
    oddrow.save(detector, saved)
    model = onnx.load(graph)
    assert {each.domain: each.version for each in model.opset_import} == {"": OPSET, "ai.onnx.ml": ML_OPSET}
    assert model.ir_version == IR_VERSION
    assert [value.name for value in model.graph.input] == mixed_table(1, 0).column_names
    described = {each.key: each.value for each in model.metadata_props}
    assert described["oddrow.model_sha256"] == hashlib.sha256(saved.read_bytes()).hexdigest()
    assert float(described["oddrow.threshold"]) == detector.model_.threshold
    assert described["oddrow.version"] == model.producer_version


def test_the_same_detector_gives_the_same_bytes(detector, tmp_path):
    for name in ("one", "other"):
        export_onnx(detector, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_a_graph_without_parts_is_smaller(detector, tmp_path):
    export_onnx(detector, tmp_path / "plain")
    export_onnx(detector, tmp_path / "parts", parts=True)
    assert (tmp_path / "plain").stat().st_size < (tmp_path / "parts").stat().st_size


def test_text_cannot_be_exported(untrained, tmp_path):
    table = mixed_table(100, 0).append_column("note", pa.array([f"row {row} of it" for row in range(100)]))
    detector = VAEDetector(random_state=0).fit(table)
    with pytest.raises(SettingError, match=r"column 'note' is text.*columns={'note': 'ignore'}"):
        export_onnx(detector, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_policy_that_looks_at_all_rows_cannot_be_exported(detector, tmp_path):
    from dataclasses import replace

    for policy in (oddrow.FalseDiscoveryRate(0.1), oddrow.AlertBudget(2, per=100)):
        model = replace(detector.model_, policy=policy)
        with pytest.raises(SettingError, match=rf"'{policy.kind}' decides on all rows.*policy=\.\.\."):
            exporting.scoring_graph(model)


def test_a_missing_text_that_is_a_value_of_a_column_is_refused(detector, tmp_path):
    with pytest.raises(SettingError, match="column 'zone': 'a' is one of its values"):
        export_onnx(detector, tmp_path / "model.onnx", missing_text="a")
    check_parity(detector, mixed_table(50, 8), missing_text="(none)")


@pytest.mark.parametrize(("name", "fault"), [("surprise", "the name of an output"), ("", "no name")])
def test_a_column_must_have_a_name_of_its_own(name, fault, untrained, tmp_path):
    detector = VAEDetector(random_state=0).fit(pa.table({name: np.arange(20.0)}))
    with pytest.raises(SettingError, match=f"column '{name}' has {fault}.*rename"):
        export_onnx(detector, tmp_path / "model.onnx")


def test_nothing_is_replaced_without_force(detector, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists already"):
        export_onnx(detector, path)
    assert path.read_bytes() == b"mine"
    export_onnx(detector, path, force=True)
    onnx.checker.check_model(onnx.load(path))


def test_a_graph_too_large_for_protobuf_is_refused(detector, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "MAX_BYTES", 1000)
    with pytest.raises(OutputError, match="larger than 2 GiB"):
        export_onnx(detector, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_detector_must_be_fitted(tmp_path):
    with pytest.raises(SettingError, match="not fitted"):
        export_onnx(VAEDetector(), tmp_path / "model.onnx")


def test_the_error_without_onnx_names_the_install_command(detector, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'oddrow\[onnx\]'"):
        export_onnx(detector, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_importing_oddrow_loads_no_onnx():
    code = "import sys, oddrow, oddrow.cli; assert not {'onnx', 'onnxruntime', 'google.protobuf'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def running_table(n_rows, shift):
    """Clocks and a counter from ``shift`` seconds on, and columns that do not run on."""
    rng = np.random.default_rng(shift % 1_000)
    seconds = np.arange(n_rows) * 7_200 + shift
    return pa.table(
        {
            "at": pa.array(1_704_067_200 + seconds, pa.timestamp("s")),
            "number": np.arange(n_rows) + shift,
            "epoch": pa.array([None if row % 9 == 0 else 1.7e9 + row * 60.0 + shift for row in range(n_rows)]),
            "level": rng.normal(size=n_rows),
            "zone": rng.choice(["a", "b"], n_rows),
        }
    )


@pytest.mark.parametrize("shift", [0, 400 * 7_200, 5 * 10**7, -5 * 10**7], ids=["seen", "next", "ahead", "back"])
def test_columns_that_run_on_score_as_in_oddrow(shift, untrained):
    detector = VAEDetector(random_state=0).fit(running_table(400, 0))
    kinds = [column.kind for column in detector.model_.encoding.columns]
    assert kinds == ["clock", "counter", "clock", "number", "category"]
    check_parity(detector, running_table(300, shift))
