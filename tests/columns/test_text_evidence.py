"""What a column may be is told by each of its texts alone: the evidence of parts, merged, is that of the whole."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oddrow.columns._text_evidence import MOST_STRANGE, TextEvidence
from testing.strategies import FIELDS


def evidence_of(values: list[str]) -> TextEvidence:
    counted = pa.chunked_array([pa.array(values, pa.string())]).combine_chunks().value_counts()
    return TextEvidence.of(counted.field("values"), counted.field("counts").to_numpy())


@settings(max_examples=150, deadline=None)
@given(st.lists(FIELDS, max_size=20), st.lists(st.integers(0, 20), max_size=4), st.randoms(use_true_random=False))
@example(["2024-01-31", "2024-02-31"], [1], np.random)
@example(["2024-01-31", "2024-1-31"], [1], np.random)
def test_the_evidence_of_parts_in_any_order_is_that_of_the_whole(values: list[str], cuts: list[int], random) -> None:
    edges = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
    parts = [evidence_of(values[start:stop]) for start, stop in pairwise(edges)]
    random.shuffle(parts)
    merged = parts[0]
    for part in parts[1:]:
        merged = part.merged(merged)
    assert merged.__dict__ == evidence_of(values).__dict__


def test_many_strange_texts_are_counted_and_not_named() -> None:
    words = [f"word{row}" for row in range(MOST_STRANGE + 1)]
    halves = evidence_of(words[:60]).merged(evidence_of(words[60:]))
    for evidence in (halves, evidence_of(words)):
        assert (evidence.no_number.n, evidence.no_number.counts) == (MOST_STRANGE + 1, None)
    assert evidence_of(["b", "a", "b"]).no_number.most_frequent == [("b", 2), ("a", 1)]


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
def test_the_way_in_which_numbers_are_written_is_found(values: list[str], form: str) -> None:
    name, taken = evidence_of(values).number_form()
    assert (name, taken.n) == (form, len(values))


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
def test_the_way_in_which_dates_are_written_is_found(values: list[str], forms: tuple[str, ...]) -> None:
    assert evidence_of(values).date_forms[0] == forms
