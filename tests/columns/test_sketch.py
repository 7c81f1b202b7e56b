"""The sketch of rows no longer in memory equals that of the rows, in whatever order they are merged."""

from dataclasses import replace
from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddrow.columns import Kind, TableEncoding, TableSchema, TableSketch, sampled
from oddrow.columns import _schema as schemas
from oddrow.columns import _sketch as sketches
from oddrow.columns import _table_sketch as table_sketches
from oddrow.exceptions import DataError
from oddrow.table import SampleBounds, as_table
from testing.strategies import any_tables

FEW = SampleBounds(rows=8)
INFINITE = float("inf")


def known(sketch):
    """Return the content of the sketch of each column, with the distinct values sorted."""
    said = {}
    for name, column in sketch.columns.items():
        counts = None
        if column.counts is not None:
            texts = column.counts.as_texts
            counts = dict(zip(texts.values.to_pylist(), texts.counts.tolist(), strict=True))
        others = replace(column, counts=None).__dict__
        said[name] = ({**others, "texts": column.texts.__dict__}, counts)
    return sketch.n_rows, said


def cut(table, cuts):
    edges = [0, *sorted(place % (table.num_rows + 1) for place in cuts), table.num_rows]
    return [table.slice(start, stop - start) for start, stop in pairwise(edges)]


def plain(drawn):
    try:
        return as_table(drawn.training)
    except DataError:
        return None


@given(any_tables(), st.lists(st.integers(0, 10**6), max_size=5), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=30)
def test_merged_sketches_of_parts_equal_the_sketch_of_the_whole(drawn, cuts, random):
    table = plain(drawn)
    if table is None or table.num_rows == 0:
        return
    parts = [TableSketch().extended(rows) for rows in cut(table, cuts)]
    while len(parts) > 1:
        random.shuffle(parts)
        parts.append(parts.pop().merged(parts.pop()))
    assert known(parts[0]) == known(TableSketch().extended(table))


def test_a_part_of_times_adds_no_range_to_a_column_of_words():
    table = as_table({"at": ["2024-02-29", "2024-02-29", "2024-03-01", "word"]})
    parts = [TableSketch().extended(rows) for rows in cut(table, [3])]
    for one, other in (parts, parts[::-1]):
        assert known(one.merged(other)) == known(TableSketch().extended(table))


@given(any_tables(), st.lists(st.integers(0, 10**6), max_size=5))
@settings(deadline=None, max_examples=40)
def test_columns_are_judged_as_if_the_whole_table_were_there(drawn, cuts):
    with patch.object(schemas, "with_order", as_it_is):  # the order of rows is judged of the sample alone
        check_judged_as_whole(drawn, cuts)


def as_it_is(columns, *_):
    return tuple(columns)


def has_huge_integers(table):
    """Sketches hold numbers as float64, which do not tell whole numbers beyond 2**53 from their neighbours."""
    whole = [column.drop_null() for column in table.columns if pa.types.is_integer(column.type)]
    return any(max(map(abs, column.to_pylist()), default=0) > 2**53 for column in whole)


def check_judged_as_whole(drawn, cuts):
    table = plain(drawn)
    if table is None or table.num_rows == 0 or has_huge_integers(table):
        return
    try:
        whole = TableSchema.infer(table)
    except DataError as error:
        with pytest.raises(DataError, match=r"infinity|no column is left"):
            of_parts(cut(table, cuts))
        assert any(word in str(error) for word in ("infinity", "no column is left"))
        return
    judged, _ = of_parts(cut(table, cuts))
    assert [(column.name, column.kind) for column in judged.columns] == [
        (column.name, column.kind) for column in whole.columns
    ]
    for one, other in zip(judged.columns, whole.columns, strict=True):
        assert one.why == other.why or one.why.startswith("at least")


def of_parts(parts, kinds=None):
    gathered = sampled(parts, 0, kinds=kinds, bounds=FEW)
    return TableSchema.infer(gathered.sample.ordered, kinds, gathered.rest), gathered


def encoded(table, kinds=None, style="standard"):
    """Return the encoding of each column, by a sample of 8 rows with a sketch of the others, and by all rows."""
    schema, gathered = of_parts(table.to_batches(max_chunksize=50), kinds)
    mine = TableEncoding.learn(schema, gathered.sample.ordered, style, gathered.rest)
    whole = TableEncoding.learn(TableSchema.infer(table, kinds), table, style)
    return mine, whole


ROWS = 400
AS_NUMBERS = {"hole": "number", "part": "number", "moment": "timestamp"}  # whether they run on, eight rows cannot tell
LONG = pa.table(
    {
        "size": np.r_[np.random.default_rng(0).lognormal(3, 2, ROWS - 1), 1e9],
        "hole": [None, *range(ROWS - 1)],
        "name": ["seen twice", *["a", "b"] * (ROWS // 2 - 1), "seen twice"],
        "part": [0.5 if row == 17 else float(row) for row in range(ROWS)],
        "moment": pa.array(np.arange(ROWS) * 3600, pa.timestamp("s")),
        "flag": [row == 99 for row in range(ROWS)],
        "text": [f"door {'!' * (row % 5)} number {row}" for row in range(ROWS)],
    }
)


def test_counts_ranges_and_what_is_missing_are_those_of_all_rows():
    mine, whole = encoded(LONG, AS_NUMBERS)
    of = dict(zip(mine.names, zip(mine.columns, whole.columns, strict=True), strict=True))
    assert mine.n_rows == whole.n_rows == ROWS
    assert of["name"][0] == of["name"][1]
    assert of["name"][0].frequent == ("a", "b", "seen twice")
    assert of["flag"][0] == of["flag"][1]
    assert [one.has_missing for one in mine.columns] == [one.has_missing for one in whole.columns]
    assert of["hole"][0].has_missing
    assert not of["part"][0].is_whole
    assert of["hole"][0].is_whole
    for name in ("size", "hole", "part", "moment"):
        ends = [one.scaling.invert(np.array([one.scaling.low, one.scaling.high])) for one in of[name]]
        np.testing.assert_allclose(ends[0], ends[1], rtol=1e-9, atol=1e-9)
    assert of["size"][0].scaling.heavy


def test_values_of_rows_outside_the_sample_have_no_novelty():
    mine, _ = encoded(LONG, AS_NUMBERS)
    assert mine.encode(LONG).novelty.max() == 0.0
    stranger = LONG.slice(5, 1).set_column(2, "name", pa.array(["never seen"]))
    assert mine.encode(stranger).novelty[0, 2] > 5


def test_the_articles_encoding_has_the_values_of_rows_outside_the_sample():
    mine, whole = encoded(LONG.drop_columns(["text", "moment"]), {"hole": "number", "part": "number"}, style="article")
    assert mine.columns == whole.columns


@pytest.mark.parametrize("kind", ["category", "constant", "boolean", "text", "number"])
@pytest.mark.parametrize("style", ["standard", "article"])
def test_a_column_is_summarised_by_its_given_kind(kind, style):
    table = pa.table({"c": [str(row % 3) if row != 250 else None for row in range(ROWS)], "x": np.arange(ROWS)})
    mine, whole = encoded(table, {"c": kind}, style)
    if kind in ("text", "number") or (kind == "constant" and style == "standard"):
        assert mine.columns[0].kind == whole.columns[0].kind
        assert mine.encode(table).novelty[:, 0].max() == whole.encode(table).novelty[:, 0].max()
    else:
        assert mine.columns[0] == whole.columns[0]


def test_a_constant_may_occur_only_outside_the_sample():
    table = pa.table({"c": [None] * 399 + [7.0], "x": np.arange(400)})
    mine, whole = encoded(table)
    assert mine.columns[0] == whole.columns[0]
    assert mine.columns[0].value == "7"


def test_more_names_than_can_be_kept_make_a_text(monkeypatch):
    monkeypatch.setattr(table_sketches, "MAX_COLUMN_NAMES", 50)
    table = pa.table({"c": [f"n{row // 4}" for row in range(ROWS)], "x": np.arange(ROWS)})
    assert TableSchema.infer(table).columns[0].kind == Kind.CATEGORY
    schema, _ = of_parts(table.to_batches(max_chunksize=30))
    assert schema.columns[0].kind == Kind.TEXT
    assert "over 50 distinct values" in schema.columns[0].why


@pytest.mark.parametrize(("last", "kind"), [("2030-01-01", Kind.TIMESTAMP), ("soon", Kind.TEXT)])
def test_of_more_strings_than_can_be_kept_every_one_must_be_a_time(monkeypatch, last, kind):
    monkeypatch.setattr(table_sketches, "MAX_COLUMN_NAMES", 50)
    days = [str(np.datetime64("2024-01-01") + row) for row in range(ROWS - 1)]
    schema, gathered = of_parts(pa.table({"c": [*days, last]}).to_batches(max_chunksize=30))
    assert last not in gathered.sample.rows["c"].to_pylist()
    assert schema.columns[0].kind == kind


def test_the_words_of_all_rows_distinguish_names_from_sentences():
    sentences = [f"the door number {row} was opened twice" for row in range(30)]
    table = pa.table({"c": [sentences[row % 30] for row in range(ROWS)]})
    schema, _ = of_parts(table.to_batches(max_chunksize=30))
    assert schema == TableSchema.infer(table)
    assert schema.columns[0].kind == Kind.TEXT


def test_the_novelty_of_an_unseen_name_follows_from_the_sample_if_names_are_too_many_to_keep(monkeypatch):
    """The novelty of a given category follows from the Good-Turing estimate of the share of unknown names."""
    monkeypatch.setattr(table_sketches, "MAX_COLUMN_NAMES", 50)
    rng = np.random.default_rng(0)
    names = [f"n{number}" for number in rng.integers(0, 4_000, 20_000)]
    table = pa.table({"c": names, "x": np.arange(20_000)})
    gathered = sampled(table.to_batches(max_chunksize=1_000), 0, kinds={"c": "category"}, bounds=SampleBounds(2_000))
    schema = TableSchema.infer(gathered.sample.ordered, {"c": "category"}, gathered.rest)
    encoding = TableEncoding.learn(schema, gathered.sample.ordered, rest=gathered.rest)
    novelty = encoding.encode(table).novelty[:, 0]
    share = np.mean(novelty > 0)
    assert share > 0.5
    # the encoding estimates once / n as (once + 1) / (n + once + 1)
    assert np.exp(-novelty.max()) == pytest.approx(share / (1 + share), abs=0.05)


def test_long_names_are_too_many_before_short_ones(monkeypatch):
    monkeypatch.setattr(sketches, "NAME_BYTES", 1_000)
    table = pa.table({"c": [f"{'long' * 20}{row % 40}" for row in range(ROWS)], "x": np.arange(ROWS)})
    schema, _ = of_parts(table.to_batches(max_chunksize=30))
    assert schema.columns[0].kind == Kind.TEXT


WRONG = {
    "infinity": (
        [{"x": [1.0, 2.0]}, {"x": [3.0, INFINITE]}],
        None,
        r"column 'x', row 1, counted from 0: infinity .* \(rows are counted from row 2 on\)",
    ),
    "another column": ([{"x": [1]}, {"y": [1]}], None, r"batch from row 1 on has the columns \['y'\].*\['x'\]"),
    "another type": ([{"x": [1]}, {"x": ["a"]}], None, r"the type string in column 'x', those before it int64"),
    "no batch": ([], None, "there is no batch"),
}


@pytest.mark.parametrize(("batches", "kinds", "said"), WRONG.values(), ids=WRONG)
def test_a_batch_that_cannot_be_learned_from_is_named(batches, kinds, said):
    with pytest.raises(DataError, match=said):
        sampled([pa.table(batch) for batch in batches], 0, kinds=kinds)


def test_an_infinite_value_is_refused_also_where_no_batch_shows_a_finite_one():
    batches = [pa.table({"x": [INFINITE] * 20, "y": range(20)}), pa.table({"x": [1.0] * 20, "y": range(20)})]
    with pytest.raises(DataError, match=r"column 'x'.* infinity is not a value"):
        of_parts(batches)


def test_columns_that_are_ignored_may_hold_anything():
    batches = [pa.table({"x": [1.0, 2.0], "y": [b"\xff", None]}), pa.table({"x": [3.0, 4.0], "y": [b"1", b"2"]})]
    gathered = sampled(batches, 0, kinds={"y": "ignore"}, reads=lambda name: name != "y", bounds=SampleBounds(rows=2))
    assert list(gathered.rest.columns) == ["x"]
    assert gathered.n_rows == 4


def test_numbers_of_further_rows_are_read_in_the_form_of_the_column():
    table = pa.table({"size": ["1,5", "2,5", "3,25"] * 200, "zone": ["a", "b", "c"] * 200})
    kinds = {"size": "number; decimal=,"}
    rest = TableSketch(kinds).extended(table.slice(300))
    sample = table.slice(0, 300)
    encoding = TableEncoding.learn(TableSchema.infer(sample, kinds, rest), sample, rest=rest)
    assert encoding.columns == TableEncoding.learn(TableSchema.infer(table, kinds), table).columns
