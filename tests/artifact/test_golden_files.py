"""What an earlier version saved, this one loads, and gets the same scores from it."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import oddrow
from oddrow.artifact import PROTOCOL
from oddrow.columns import KINDS
from oddrow.table import PLAIN

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = sorted(GOLDEN.glob("*/*.oddrow"))


def test_every_protocol_up_to_this_one_has_golden_files_of_each_kind():
    for protocol in range(1, PROTOCOL + 1):
        names = {path.stem for path in FILES if path.parent.name == f"protocol-{protocol}"}
        assert names >= {"vae", "autoencoder", "article", "written", "subsets", "feedback"}


def rows_and_scores(path):
    """The new rows of a golden file, and what it gave for them."""
    own = path.with_suffix(".json")
    golden = json.loads((own if own.exists() else path.parent / "scores.json").read_text(encoding="utf-8"))
    return pa.table(golden["rows"]), golden["scores"][path.stem]


def test_the_golden_files_hold_every_kind_of_column():
    found = {
        (column.kind, column.runs_on, column.form != PLAIN)
        for path in FILES
        for column in oddrow.load(path).model_.encoding.schema.used
    }
    assert {kind for kind, _, _ in found} == set(KINDS)
    assert ("timestamp", True, True) in found
    assert ("number", False, True) in found


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_golden_file_scores_as_recorded(path):
    table, expected = rows_and_scores(path)
    detector = oddrow.load(path)
    # another processor's matrix products may round otherwise in the last places
    np.testing.assert_allclose(detector.surprise(table), expected["surprise"], rtol=1e-7)
    np.testing.assert_allclose(detector.embed(table), expected["latent"], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(detector.p_value(table), expected["p_value"], rtol=1e-12)
    assert (detector.predict(table) < 0).tolist() == expected["is_odd"]
    assert [row.reasons[0].column for row in detector.explain(table, top=1)] == expected["reason"]


def test_the_golden_file_with_feedback_has_a_rule_that_hides_an_alert_and_learned_weights():
    path = GOLDEN / "protocol-1" / "feedback.oddrow"
    detector, (table, _) = oddrow.load(path), rows_and_scores(path)
    assert (detector.decide(table).muted.rule >= 0).sum() == 1
    assert detector.model_.surprise_model.reweighting.columns.min() < 0.9


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_golden_file_can_be_saved_again(path, tmp_path):
    detector = oddrow.load(path)
    oddrow.save(detector, tmp_path / "again.oddrow")
    oddrow.save(oddrow.load(tmp_path / "again.oddrow"), tmp_path / "third.oddrow")
    assert (tmp_path / "third.oddrow").read_bytes() == (tmp_path / "again.oddrow").read_bytes()
    table, _ = rows_and_scores(path)
    assert oddrow.load(tmp_path / "again.oddrow").surprise(table).tobytes() == detector.surprise(table).tobytes()
