"""The input's rows in their order, and beside them what the detector says of each."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from oddrow.batch import scored_table as scored_with_decision
from oddrow.batch import shown
from oddrow.exceptions import DataError
from oddrow.policies import AlertBudget, FixedSurprise

SCORES = ["surprise", "p_value", "is_odd"]


def scored_table(model, table, top=None):
    return scored_with_decision(model, table, top).rows


def reason_names(top):
    return [f"reason_{k}{part}" for k in range(1, top + 1) for part in ("", "_value", "_expected", "_usual", "_share")]


@pytest.mark.parametrize("top", [None, 1, 3])
def test_scoring_keeps_the_rows_and_adds_columns(vae, labelled, top):
    scored = scored_table(vae.model_, labelled.table, top)
    assert scored.column_names == [*labelled.table.column_names, *SCORES, *reason_names(top or 0)]
    assert scored.select(labelled.table.column_names).equals(labelled.table)


@pytest.mark.parametrize("top", [None, 2])
def test_the_scores_are_the_detectors(detector, labelled, top):
    scored = scored_table(detector.model_, labelled.table, top)
    assert [scored.schema.field(name).type for name in SCORES] == [pa.float64(), pa.float64(), pa.bool_()]
    np.testing.assert_array_equal(scored["surprise"].to_numpy(), detector.surprise(labelled.table))
    np.testing.assert_array_equal(scored["p_value"].to_numpy(), detector.p_value(labelled.table))
    np.testing.assert_array_equal(scored["is_odd"].to_numpy(), detector.predict(labelled.table) == -1)


def test_the_reasons_are_the_explanations(detector, labelled):
    scored = scored_table(detector.model_, labelled.table, 2).to_pylist()
    for row, explanation in zip(scored, detector.explain(labelled.table, 2), strict=True):
        for place, reason in enumerate(explanation.of_at_least().reasons, start=1):
            assert row[f"reason_{place}"] == reason.column
            assert row[f"reason_{place}_value"] == shown(reason.value)
            assert row[f"reason_{place}_expected"] == shown(reason.expected)
            assert row[f"reason_{place}_share"] == reason.share


@pytest.mark.parametrize("policy", [FixedSurprise(2.0), AlertBudget(3, per=100)])
def test_another_policy_changes_only_the_decision(vae, labelled, policy):
    own, other = (scored_with_decision(vae.model_, labelled.table, 2, given) for given in (None, policy))
    assert other.rows.drop_columns("is_odd").equals(own.rows.drop_columns("is_odd"))
    np.testing.assert_array_equal(other.rows["is_odd"].to_numpy(), other.decision.is_odd)
    np.testing.assert_array_equal(other.decision.is_odd, vae.decide(labelled.table, policy).is_odd)
    assert not np.array_equal(own.decision.is_odd, other.decision.is_odd)


def test_more_reasons_than_columns_are_all_of_them(article, numbers):
    table = pa.table({f"x{j}": numbers[:10, j] for j in range(4)})
    assert scored_table(article.model_, table, 9).column_names == [*table.column_names, *SCORES, *reason_names(4)]


@pytest.mark.parametrize("top", [None, 2])
def test_no_rows_give_the_same_columns(vae, fresh, top):
    none, some = (scored_table(vae.model_, fresh.slice(0, count), top) for count in (0, 3))
    assert none.num_rows == 0
    assert none.schema.equals(some.schema)


def test_columns_that_the_model_does_not_use_are_kept(vae, fresh):
    table = fresh.append_column("ticket", pa.array(range(len(fresh))))
    scored = scored_table(vae.model_, table, 1)
    assert scored["ticket"].to_pylist() == list(range(len(fresh)))
    assert scored.drop_columns("ticket").equals(scored_table(vae.model_, fresh, 1))


@pytest.mark.parametrize("name", ["surprise", "is_odd", "reason_2_share"])
def test_a_column_of_a_name_that_scoring_adds_is_an_error(vae, fresh, name):
    table = fresh.slice(0, 3).append_column(name, pa.array([0.0] * 3))
    with pytest.raises(DataError, match=f"already has a column '{name}', which scoring adds; rename or drop it"):
        scored_table(vae.model_, table, 2)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("", ""),
        ("tcp", "tcp"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (1234567890, "1234567890"),
        (0.1 + 0.2, "0.3"),
        (1234.5678901, "1234.57"),
        (1e300, "1e+300"),
        (dt.datetime(2024, 2, 29, 12, 30), "2024-02-29 12:30:00"),
    ],
)
def test_values_are_shown_as_a_person_writes_them(value, text):
    assert shown(value) == text
