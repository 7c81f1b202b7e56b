"""Reasons are not computed afterwards: they are the surprise, split; and they name the column that did it."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from oddrow import VAEDetector
from oddrow.exceptions import SettingError

EVERYTHING = {"rtol": 0, "atol": 1e-9}


def changed(table, name, value, kind=None):
    """The table with one value throughout a column."""
    index = table.column_names.index(name)
    return table.set_column(index, name, pa.array([value] * len(table), kind or table.column(name).type))


def test_all_reasons_and_the_combination_are_the_surprise(scored):
    detector, table = scored
    explanations = detector.explain(table, top=None)
    reasons = np.array([[reason.nats for reason in row.reasons] for row in explanations])
    shares = np.array([[reason.share for reason in row.reasons] for row in explanations])
    combination = np.array([row.combination_nats for row in explanations])
    surprise = detector.surprise(table)
    np.testing.assert_allclose(reasons.sum(axis=1) + combination, surprise, **EVERYTHING)
    np.testing.assert_array_equal([row.other_nats for row in explanations], 0.0)
    np.testing.assert_allclose(shares.sum(axis=1) + [row.combination_share for row in explanations], 1.0, **EVERYTHING)
    assert (reasons >= 0).all()
    assert (combination >= 0).all()
    assert (np.diff(reasons, axis=1) <= 0).all()


@pytest.mark.parametrize("top", [1, 3])
def test_the_parts_of_columns_not_shown_complete_the_sum(scored, top):
    detector, table = scored
    for short, whole in zip(detector.explain(table, top), detector.explain(table, None), strict=True):
        assert short.reasons == whole.reasons[:top]
        shown = sum(reason.nats for reason in short.reasons)
        assert shown + short.combination_nats + short.other_nats == pytest.approx(short.surprise, abs=1e-9)
        share = sum(reason.share for reason in short.reasons)
        assert share + short.combination_share + short.other_share == pytest.approx(1.0, abs=1e-9)
        hidden = sum(reason.nats for reason in whole.reasons[top:])
        assert short.other_nats == pytest.approx(hidden, abs=1e-9)
        assert short.other_nats >= 0


def test_every_column_is_a_reason_once(scored):
    detector, table = scored
    names = set(detector.model_.encoding.names)
    for row in detector.explain(table[:20] if isinstance(table, np.ndarray) else table.slice(0, 20), top=None):
        assert len(row.reasons) == len(names)
        assert {reason.column for reason in row.reasons} == names


def test_shares_are_of_the_whole_surprise(detector, fresh):
    for row in detector.explain(fresh.slice(0, 50)):
        for reason in row.reasons:
            assert reason.share == pytest.approx(reason.nats / row.surprise)
        assert row.combination_share == pytest.approx(row.combination_nats / row.surprise)
        assert row.other_share == pytest.approx(row.other_nats / row.surprise)


def test_an_explanation_has_the_scores_of_the_detector(detector, labelled):
    explanations = detector.explain(labelled.table)
    assert [row.row for row in explanations] == list(range(len(labelled.table)))
    np.testing.assert_array_equal([row.surprise for row in explanations], detector.surprise(labelled.table))
    np.testing.assert_array_equal([row.p_value for row in explanations], detector.p_value(labelled.table))
    np.testing.assert_array_equal([row.is_odd for row in explanations], detector.predict(labelled.table) == -1)
    assert 0 < sum(row.is_odd for row in explanations) < len(explanations)


def test_a_reason_shows_the_value_that_the_row_holds(detector, labelled):
    table = labelled.table.slice(0, 40)
    for row in detector.explain(table, top=None):
        values = table.slice(row.row, 1).to_pylist()[0]
        assert {reason.column: reason.value for reason in row.reasons} == values


def test_a_row_is_explained_alike_alone_and_among_others(detector, fresh):
    whole = detector.explain(fresh.slice(0, 300))
    for number in (0, 17, 255, 256, 299):
        (alone,) = detector.explain(fresh.slice(number, 1))
        assert (alone.surprise, alone.reasons) == (whole[number].surprise, whole[number].reasons)


def test_the_index_of_a_data_frame_is_kept(vae, fresh):
    frame = fresh.slice(0, 4).to_pandas()
    frame.index = [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    assert [(row.row, row.index) for row in vae.explain(frame)] == list(enumerate(frame.index))
    assert vae.explain(fresh.slice(0, 1))[0].index is None


def test_no_rows_have_no_explanations(detector, fresh):
    assert detector.explain(fresh.slice(0, 0)) == ()


@pytest.mark.parametrize("top", [0, -1])
def test_a_top_below_one_is_refused(vae, fresh, top):
    with pytest.raises(SettingError, match=f"top is {top}; give 1 or more columns, or None for all"):
        vae.explain(fresh, top)


def test_more_reasons_than_columns_are_all_of_them(vae, fresh):
    few = fresh.slice(0, 5)
    assert vae.explain(few, top=999) == vae.explain(few, top=None)


STRANGE = {
    "an unseen category": ("service", "telnet", None),
    "an unseen category where some are missing": ("country", "Atlantis", None),
    "an empty name": ("state", "", None),
    "a missing category where none was": ("state", None, None),
    "a missing number where none was": ("failed_logins", None, None),
    "a missing flag where none was": ("is_internal", None, None),
    "a missing time where none was": ("started", None, None),
    "a missing constant": ("interface_version", None, None),
    "a number far above the range": ("bytes_sent", 10**18, None),
    "a number farther above than floats multiply": ("duration_s", 1e308, None),
    "a number far below the range": ("round_trip_ms", -1e9, None),
    "a whole number far above the range": ("failed_logins", 10**6, None),
    "a changed constant": ("interface_version", "v9", None),
    "a flag that is neither": ("encrypted", "perhaps", pa.string()),
    "a flag that is another number": ("is_internal", 2, pa.int64()),
    "the last year of the calendar": ("started", dt.datetime(9999, 12, 31), None),
    "the first year of the calendar": ("started", dt.datetime(1, 1, 1), None),
}


@pytest.mark.parametrize(("name", "value", "kind"), STRANGE.values(), ids=STRANGE)
def test_a_strange_value_raises_the_part_of_its_column(detector, fresh, name, value, kind):
    """Whatever the row otherwise: stranger than every ordinary row, and for this reason first."""
    table = changed(fresh.slice(0, 60), name, value, kind)
    assert detector.surprise(table).min() > detector.surprise(fresh).max()
    for row in detector.explain(table):
        assert row.reasons[0].column == name
        assert row.reasons[0].value == value


def test_the_expected_value_is_in_the_columns_own_units(detector, fresh):
    countries, services = ({*fresh.column(name).to_pylist()} for name in ("country", "service"))
    for row in detector.explain(fresh.slice(0, 200), top=None):
        expected = {reason.column: reason.expected for reason in row.reasons}
        assert expected["service"] in services - {None}
        assert expected["country"] in countries  # None where a missing value is expected
        assert expected["interface_version"] == "v2"
        assert type(expected["encrypted"]) is bool
        for name in ("source_port", "destination_port", "bytes_sent", "packets", "failed_logins"):
            assert type(expected[name]) is int
        assert type(expected["duration_s"]) is float
        assert expected["round_trip_ms"] is None or 0 < expected["round_trip_ms"] < 1000
        assert isinstance(expected["started"], dt.time)


def test_a_strange_value_is_expected_to_be_an_ordinary_one(detector, fresh):
    """What is expected in place of a value never seen comes from the rest of the row: mostly what was there."""
    rows = fresh.slice(0, 300)
    explanations = detector.explain(changed(rows, "service", "telnet"), top=1)
    expected = [row.reasons[0].expected for row in explanations]
    agreement = np.mean([one == other for one, other in zip(expected, rows.column("service").to_pylist(), strict=True)])
    assert agreement > 0.7


def test_a_missing_value_is_expected_where_it_is_usual(detector, fresh):
    """A name resolution over UDP has no round trip; where no 40 such rows went to the country, that is not known."""
    is_udp = np.array(fresh.column("protocol").to_pylist()) == "udp"
    expected = [
        next(reason.expected for reason in row.reasons if reason.column == "round_trip_ms")
        for row in detector.explain(fresh, top=None)
    ]
    is_missing = np.array([value is None for value in expected])
    assert is_missing[is_udp].mean() > 0.7
    assert is_missing[~is_udp].mean() < 0.1


def test_the_expected_number_is_near_the_usual_values(article):
    """The article's model takes about the middle; a value far out is expected back inside the learned range."""
    (row,) = article.explain([[50.0, 0.0, 0.0, 0.0]])
    assert row.reasons[0].column == "x0"
    assert row.reasons[0].value == 50.0
    assert -5 < row.reasons[0].expected < 5


def test_reasons_find_the_columns_that_were_made_odd(detector, labelled):
    explanations = detector.explain(labelled.table)
    odd = np.flatnonzero(labelled.is_odd)
    first = np.mean([explanations[row].reasons[0].column in labelled.reasons[row] for row in odd])
    any_of_three = np.mean(
        [any(reason.column in labelled.reasons[row] for reason in explanations[row].reasons) for row in odd]
    )
    assert first > 0.8
    assert any_of_three > 0.93


def test_a_value_that_python_cannot_hold_is_shown_as_text(untrained):
    days = pa.array([*range(40), 2**31 - 1], pa.int32()).view(pa.date32())
    detector = VAEDetector(random_state=0).fit(pa.table({"day": days}))
    *ordinary, far = detector.explain(pa.table({"day": days}), top=None)
    assert ordinary[1].reasons[0].value == dt.date(1970, 1, 2)
    assert far.reasons[0].value == "<value out of range: 2147483647>"
