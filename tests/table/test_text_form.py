"""A text is read by its column's form alone, whatever texts are beside it."""

import datetime as dt
from contextlib import suppress
from dataclasses import replace
from typing import get_args

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oddrow.columns._text_facts import NUMBER_FORMS
from oddrow.table._dates import parsed_dates
from oddrow.table._text_form import PLAIN, DateForm, TextForm, arrow_seconds
from testing.strategies import DATE_STYLES, FIELDS, ISO_TEXTS, NUMBER_STYLES

NAN = float("nan")
some = settings(max_examples=150, deadline=None)
FORMS = {
    **{f"numbers {name}": form for name, form in NUMBER_FORMS.items()},
    "plain": PLAIN,
    "own mark": TextForm(missing=("2024-01-31", " k.A. ", "1.5")),
    **{f"dates {name or 'iso'}": TextForm(dates=name) for name in get_args(DateForm)},
}


def column(values: list[str | None]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string())])


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@settings(some, max_examples=60)
@given(st.lists(st.none() | FIELDS | ISO_TEXTS, min_size=1, max_size=6), st.sampled_from([1, 1, 40]))
@example(["2024-01-31", "2024-1-31"], 1)
@example(["1", "+1"], 1)
def test_a_text_is_read_alike_alone_and_beside_others(form: TextForm, values: list[str | None], times: int) -> None:
    for read in (form.numbers, form.seconds):
        together, foreign = read(column(values * times))
        alone = [read(column([value])) for value in values]
        expected = np.concatenate([one for one, _ in alone] * times)
        assert together.tobytes() == expected.tobytes()
        np.testing.assert_array_equal(foreign, np.concatenate([one for _, one in alone] * times))


@some
@given(st.lists(ISO_TEXTS, min_size=1, max_size=20))
def test_arrow_reads_iso_8601_as_year_month_day_is_read(values: list[str]) -> None:
    taken, expected = [], []
    for value in values:
        with suppress(pa.ArrowInvalid):
            expected.append(arrow_seconds(column([value])))
            taken.append(value)
    found = parsed_dates(column(taken), "ymd") if taken else np.zeros(0)
    assert found.tobytes() == np.concatenate([*expected, np.zeros(0)]).tobytes()
    assert not taken or arrow_seconds(column(taken)).tobytes() == found.tobytes()


@pytest.mark.parametrize("style", NUMBER_STYLES)
@some
@given(st.integers(-(10**9), 10**9), st.integers(0, 99))
def test_a_number_comes_back_from_each_way_to_write_it(style: str, whole: int, hundredths: int) -> None:
    text = NUMBER_STYLES[style](whole, hundredths)
    values, foreign = NUMBER_FORMS[style].numbers(column([text, f" {text} €", None]))
    sign = "-" if whole < 0 else ""
    expected = float(f"{sign}{abs(whole)}.{hundredths:02d}")
    np.testing.assert_array_equal(values, [expected, expected, NAN])
    assert not foreign.any()


@pytest.mark.parametrize("style", DATE_STYLES)
@some
@given(st.dates(dt.date(1970, 1, 1), dt.date(2068, 12, 31)))
def test_a_date_comes_back_from_each_way_to_write_it(style: str, day: dt.date) -> None:
    form, pattern = DATE_STYLES[style]
    seconds, foreign = TextForm(dates=form).seconds(column([day.strftime(pattern), "no date"]))
    np.testing.assert_array_equal(seconds, [(day - dt.date(1970, 1, 1)).days * 86_400.0, NAN])
    np.testing.assert_array_equal(foreign, [False, True])


@pytest.mark.parametrize(
    ("form", "text", "seconds"),
    [
        ("dmy", "1.2.1970 13:30", 31 * 86_400 + 48_600),
        ("mdy", "2/1/70 1:30:05 PM", 31 * 86_400 + 48_605),
        ("mdy", "Sunday, February 1st, 1970 12:00 am", 31 * 86_400),
        ("ymd", "1970/02/01 00:00:00.5 +02:00", 31 * 86_400 - 7_200 + 0.5),
        ("ymd", "1970-02", 31 * 86_400),
        ("compact", "19700201133000", 31 * 86_400 + 48_600),
        ("time", "1:30 p.m.", 48_600),
        ("time", "13:30:00.25", 48_600.25),
        ("epoch ms", "1500", 1.5),
        ("dmy", "31/02/1970", NAN),
        ("dmy", "29/02/1970", NAN),
        ("mdy", "13/01/1970", NAN),
        ("time", "24:00", NAN),
        ("time", "13:30 pm", NAN),
    ],
)
def test_times_of_every_form(form: DateForm, text: str, seconds: float) -> None:
    np.testing.assert_array_equal(TextForm(dates=form).seconds(column([text]))[0], [seconds])


@pytest.mark.parametrize("text", ["1,23", "12,34,567", "1,2345", ",123", "1,234,56"])
def test_a_thousands_sign_in_another_place_makes_no_number(text: str) -> None:
    values, foreign = NUMBER_FORMS["1,234.5"].numbers(column([text]))
    assert np.isnan(values).all()
    assert foreign.all()


def test_a_mark_of_the_column_itself_is_missing_and_no_foreign_text() -> None:
    form = replace(PLAIN, missing=("-999", "k. A."))
    values, foreign = form.numbers(column(["-999", "1", " k. A. ", "-999.0", "NA"]))
    np.testing.assert_array_equal(values, [NAN, 1.0, NAN, -999.0, NAN])
    assert not foreign.any()
