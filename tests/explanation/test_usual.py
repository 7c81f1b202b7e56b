"""Reasons say what is usual given other columns, in original units and in words."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

import oddrow
from oddrow.batch import scored_table
from oddrow.columns import TableEncoding, TableSchema
from oddrow.explanation import MIN_SHARE, explain, reason_text, usual_cell
from oddrow.explanation._reasons import Reason
from oddrow.explanation._usual import Usual, _clock, _ranges, in_words, running_on


def column(values):
    table = pa.table({"x": values})
    return TableEncoding.learn(TableSchema.infer(table), table).columns[0]


def changed(table, name, value):
    place = table.column_names.index(name)
    return table.set_column(place, name, pa.array([value] * len(table), table.column(name).type))


def reasons_for(detector, table, name):
    return [next(one for one in row.reasons if one.column == name) for row in detector.explain(table, top=None)]


@pytest.mark.parametrize(
    ("name", "value"),
    [("bytes_sent", 10**15), ("service", "telnet"), ("started", dt.datetime(2100, 1, 1)), ("round_trip_ms", None)],
)
def test_the_expected_value_does_not_depend_on_the_columns_own_value(vae, fresh, name, value):
    rows = fresh.slice(0, 100)
    before, after = (reasons_for(vae, table, name) for table in (rows, changed(rows, name, value)))
    assert [(one.expected, one.usual, one.given) for one in after] == [
        (one.expected, one.usual, one.given) for one in before
    ]
    assert {one.value for one in after} == {value}


def test_given_values_are_values_of_other_columns_of_the_row(vae, fresh):
    rows = fresh.slice(0, 60)
    given = [(row, one) for row, each in enumerate(vae.explain(rows, top=None)) for one in each.reasons if one.given]
    assert given
    for row, reason in given:
        values = rows.slice(row, 1).to_pylist()[0]
        assert len(reason.given) <= 2
        for name, value in reason.given:
            assert name != reason.column
            assert values[name] == value


def test_the_usual_range_of_a_reason_covers_90_percent_of_new_values(vae, fresh):
    reasons = vae.explain(fresh, top=None)
    expectations, encoding = vae.model_.expectations, vae.model_.encoding
    encoded = encoding.encode(fresh)
    cells = expectations.look_up(encoded)
    place = encoding.names.index("bytes_sent")
    usual = expectations.values[place][cells[:, place]]
    value = encoded.rows[:, expectations.subjects[place].features[0]]
    assert 0.85 < np.mean((value >= usual[:, 0]) & (value <= usual[:, 2])) < 0.95
    assert len(reasons) == len(fresh)


def test_a_model_without_expectations_shows_the_value_of_its_network(article, vae, fresh):
    (row,) = article.explain([[50.0, 0.0, 0.0, 0.0]])
    assert (row.reasons[0].usual, row.reasons[0].given) == (None, ())
    assert "expected" in reason_text(row.reasons[0])
    older = replace(vae.model_, expectations=None)
    (row,) = explain(older, fresh.slice(0, 1), top=1)
    assert row.reasons[0].usual is None


def test_small_reasons_are_left_out_of_what_is_printed_and_the_parts_still_add_up(vae, labelled):
    for row in vae.explain(labelled.table, top=None):
        printed = row.of_at_least()
        assert all(reason.share >= MIN_SHARE for reason in printed.reasons)
        assert printed.reasons == tuple(reason for reason in row.reasons if reason.share >= MIN_SHARE)
        nats = sum(reason.nats for reason in printed.reasons) + printed.combination_nats + printed.other_nats
        assert nats == pytest.approx(row.surprise, abs=1e-9)
        share = sum(reason.share for reason in printed.reasons) + printed.combination_share + printed.other_share
        assert share == pytest.approx(1.0, abs=1e-9)


def test_a_reason_that_is_left_out_leaves_its_fields_empty(vae, labelled):
    scored = scored_table(vae.model_, labelled.table, 3).rows.to_pylist()
    fields = ("", "_value", "_expected", "_usual", "_share")
    n_left_out = 0
    for row, explained in zip(scored, vae.explain(labelled.table, top=3), strict=True):
        for place, reason in enumerate(explained.reasons, start=1):
            found = [row[f"reason_{place}{field}"] for field in fields]
            if reason.share < MIN_SHARE:
                n_left_out += 1
                assert found == [None] * 5
            else:
                assert found[0] == reason.column
                assert found[3] == usual_cell(reason)
                assert found[4] == reason.share
    assert n_left_out > 0


def test_a_reason_reads_as_a_sentence():
    reason = Reason("amount", 3705.9, 27.34, 8.2, 0.981, "17 to 44", (("merchant_category", "grocery"),))
    assert reason_text(reason) == "amount 3,705.90 (usual for grocery: 17 to 44) 98 %"
    assert usual_cell(reason) == "17 to 44 (for grocery)"
    flag = replace(reason, given=(("online", True), ("port", 443)))
    assert "usual for online true and port 443: 17 to 44" in reason_text(flag)
    assert "(usual: 17 to 44)" in reason_text(replace(reason, given=()))
    long = replace(reason, given=(("memo", "x" * 500),))
    assert len(reason_text(long)) < 120
    assert reason_text(replace(reason, value=None)).startswith("amount missing (")


def test_numbers_are_formatted_with_few_digits():
    assert [in_words(value) for value in (0.0, 17.04, 443.6, 65535.2, 0.00123)] == [
        "0",
        "17",
        "444",
        "65,535",
        "0.00123",
    ]
    assert [in_words(value) for value in (2024, 65535, -12345, 10**20)] == ["2024", "65,535", "-12,345", "1e+20"]
    assert [in_words(value) for value in (True, None, "a")] == ["true", "missing", "a"]


MOMENTS = [dt.datetime(2024, 1, 1, hour) + dt.timedelta(days=day) for day in range(60) for hour in (9, 17)]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((8 * 3600 + 600, 17 * 3600 + 2400, 0b0011111), "08:10 to 17:40 on weekdays"),
        ((22 * 3600, 3600, 0b1100000), "22:00 to 01:00 on weekends"),
        ((22 * 3600, 3600, 0b1111111), "22:00 to 01:00"),
        ((0, 0, 0b0000001), "on Mon"),
        ((0, 86_000, 0b1111111), "from 2024-01-01 to 2024-02-29, running on"),
        ((3600, 3600, 0b0010100), "01:00 on Wed, Fri"),
        ((3600, 7200, 0b0111111), "01:00 to 02:00 on Mon to Sat"),
    ],
)
def test_a_usual_time_is_described_by_hours_and_weekdays(values, words):
    assert _clock(column(MOMENTS), np.array(values, np.float32)).words == words


def test_the_expected_time_is_the_middle_of_the_usual_one():
    found = _clock(column(MOMENTS), np.array([22 * 3600, 2 * 3600, 127], np.float32))
    assert found.expected == dt.time(0, 0)


def test_a_running_column_is_described_by_its_training_range():
    assert running_on(column(np.arange(100) * 0.5)) == "from 0 to 49.5, running on"
    assert running_on(column(["x"] * 9)) is None


def test_rare_names_are_listed_last():
    names = pa.array(["a"] * 50 + [f"rare{k}" for k in range(60)])
    table = pa.table({"x": names, "y": range(110)})
    detector = oddrow.VAEDetector(random_state=0, max_steps=20, columns={"x": "category"})
    model = detector.fit(table).model_
    (row,) = explain(model, table.slice(0, 1), top=None)
    reason = next(one for one in row.reasons if one.column == "x")
    assert reason.expected == "a"
    assert reason.usual.endswith("rare ones")


@pytest.mark.filterwarnings("ignore::oddrow.exceptions.TrainingHealthWarning")
@pytest.mark.filterwarnings("ignore::oddrow.exceptions.DependenceWarning")  # the table is sorted by name
def test_rare_names_do_not_count_as_a_single_name():
    names = [f"name{k}" for k in range(40) for _ in range(20)] + [f"rare{k}" for k in range(100)]
    table = pa.table({"x": names, "y": np.random.default_rng(0).normal(size=len(names))})
    model = oddrow.VAEDetector(random_state=0, max_steps=20, columns={"x": "category"}).fit(table).model_
    (row,) = explain(model, table.slice(0, 1), top=None)
    found = next(one for one in row.reasons if one.column == "x")
    column = model.encoding.names.index("x")
    n_places = int(model.expectations.values[column][0, -1])
    assert found.usual == f"one of {n_places - 1} names, or a rare one"
    assert found.expected.startswith("name")


def test_a_text_is_described_by_its_length():
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefgh "), rng.integers(10, 30))) for _ in range(300)]
    (found,) = _ranges(column(words), np.array([[-1.0, 0.0, 1.0]], np.float32))
    assert isinstance(found, Usual)
    assert found.words.endswith("characters")


def test_the_repr_of_a_detector_and_its_results_is_short(vae, labelled):
    scored = vae.model_.score(labelled.table)
    found = [vae.explain(labelled.table)[0], vae.health_, vae.model_, vae.decide(labelled.table), scored]
    for one in found:
        assert len(repr(one)) < 500
        assert "array(" not in repr(one)
    assert "3,000 rows" not in repr(scored)
    assert "1,000 rows" in repr(scored)
    assert f"{vae.health_.rows_trained:,} rows trained" in repr(vae.health_)


def test_the_repr_of_a_find_is_short():
    rows = np.random.default_rng(0).normal(size=(300, 2))
    rows[5] = [50.0, 0.0]
    found = oddrow.find(rows, oddrow.VAEDetector(random_state=0, max_steps=50, clean="robust"), top=9)
    assert "row 5: surprise" in repr(found)
    assert "and 6 more explained" in repr(found)
    assert len(repr(found)) < 1500
    assert len(repr(found.cleaning)) < 200
