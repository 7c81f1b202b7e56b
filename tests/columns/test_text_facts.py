"""The facts of a column of texts: merged facts of parts equal the facts of the whole."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oddrow.columns._text_facts import MAX_COUNTED_TEXTS, TextFacts
from testing.strategies import FIELDS


def facts_of(values: list[str]) -> TextFacts:
    counted = pa.chunked_array([pa.array(values, pa.string())]).combine_chunks().value_counts()
    return TextFacts.of(counted.field("values"), counted.field("counts").to_numpy())


@settings(max_examples=150, deadline=None)
@given(st.lists(FIELDS, max_size=20), st.lists(st.integers(0, 20), max_size=4), st.randoms(use_true_random=False))
@example(["2024-01-31", "2024-02-31"], [1], np.random)
@example(["2024-01-31", "2024-1-31"], [1], np.random)
def test_merged_facts_of_parts_equal_the_facts_of_the_whole(values: list[str], cuts: list[int], random) -> None:
    edges = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
    parts = [facts_of(values[start:stop]) for start, stop in pairwise(edges)]
    random.shuffle(parts)
    merged = parts[0]
    for part in parts[1:]:
        merged = part.merged(merged)
    assert merged.__dict__ == facts_of(values).__dict__


def test_too_many_unparsed_texts_are_counted_and_not_named() -> None:
    words = [f"word{row}" for row in range(MAX_COUNTED_TEXTS + 1)]
    halves = facts_of(words[:60]).merged(facts_of(words[60:]))
    for facts in (halves, facts_of(words)):
        assert (facts.not_numbers.n, facts.not_numbers.counts) == (MAX_COUNTED_TEXTS + 1, None)
    assert facts_of(["b", "a", "b"]).not_numbers.most_frequent == [("b", 2), ("a", 1)]


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (["1.5", "2", "-3e5"], "1234.5"),
        (["1,234", "22", "1,234,567.5"], "1,234.5"),
        (["1,5", "22", "1234,25"], "1234,5"),
        (["1.234,5", "22", "1.234"], "1.234,5"),
        (["1 234.5", "22"], "1 234.5"),
        (["1\u00a0234,5", "22"], "1 234,5"),
        (["1'234.5", "1\u2019000"], "1'234.5"),
        (["1'234,5", "1\u2019000"], "1'234,5"),
    ],
)
def test_the_form_of_numbers_is_found(values: list[str], form: str) -> None:
    name, parsed = facts_of(values).number_form()
    assert (name, parsed.n) == (form, len(values))


@pytest.mark.parametrize(
    ("values", "forms"),
    [
        (["2024-01-31", "2024-01-31T12:30:00Z"], ("",)),
        (["2024/01/31", "2024-1-5"], ("ymd",)),
        (["31/01/2024", "01/02/2024"], ("dmy",)),
        (["01/31/2024", "01/02/2024"], ("mdy",)),
        (["01/02/2024", "03/04/2024"], ("dmy", "mdy")),
        (["20240131", "20240201"], ("compact",)),
        (["12:30", "1:05 pm"], ("time",)),
        (["1 Feb 2024", "3-Mar-24"], ("dmy",)),
        (["Feb 1, 2024", "March 3rd, 2024"], ("mdy",)),
        (["red", "12"], ()),
    ],
)
def test_the_form_of_dates_is_found(values: list[str], forms: tuple[str, ...]) -> None:
    assert facts_of(values).date_forms[0] == forms
