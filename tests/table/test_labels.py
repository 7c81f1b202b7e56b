"""The label column leaves the table; which rows are normal follows from it."""

import numpy as np
import pyarrow as pa
import pytest

from oddrow.exceptions import DataError
from oddrow.table import LocatedBatch, PlacedRows, TableRows, normal_batches, split_label

TABLE = pa.table({"x": [1, 2, 3, 4], "label": ["ok", "bad", None, "ok"], "y": ["a", "b", "c", "d"]})


def test_the_label_leaves_and_the_other_columns_stay_in_order() -> None:
    labelled = split_label(TABLE, "label", "ok")
    assert labelled.table.equals(TABLE.select(["x", "y"]))


def test_only_rows_with_the_given_value_are_normal() -> None:
    labelled = split_label(TABLE, "label", "ok")
    assert labelled.labels.tolist() == ["ok", "bad", "", "ok"]
    assert labelled.is_normal.dtype == np.bool_
    assert labelled.is_normal.tolist() == [True, False, False, True]
    assert labelled.normal_rows.to_pydict() == {"x": [1, 4], "y": ["a", "d"]}


@pytest.mark.parametrize(
    ("labels", "normal"),
    [
        (pa.array([0, 1, None, 0]), "0"),
        (pa.array([0.0, 1.0, None, 0.0]), "0"),
        (pa.array([False, True, None, False]), "false"),
        (pa.chunked_array([["0"], ["1", None, "0"]]), "0"),
    ],
    ids=["integers", "floats", "booleans", "chunks"],
)
def test_labels_of_every_type_are_compared_as_text(labels: pa.Array, normal: str) -> None:
    labelled = split_label(pa.table({"x": [1, 2, 3, 4], "label": labels}), "label", normal)
    assert labelled.is_normal.tolist() == [True, False, False, True]


@pytest.mark.parametrize("normal", ["1", "1.0", " 1 ", "+1", "1e0"])
def test_labels_that_are_numbers_are_compared_as_numbers(normal: str) -> None:
    labels = ["1", "1.0", " 1", "0", "1x", "", None, "01.", "-1"]
    is_normal = split_label(pa.table({"x": range(9), "label": labels}), "label", normal).is_normal
    assert is_normal.tolist() == [True, True, True, False, False, False, False, True, False]


def test_labels_are_compared_without_the_blanks_around_them() -> None:
    table = pa.table({"x": [1, 2, 3], "label": [" BENIGN", "BENIGN ", "benign"]})
    assert split_label(table, "label", "BENIGN").is_normal.tolist() == [True, True, False]


@pytest.mark.parametrize("normal", ["true", "True"])
def test_true_and_false_are_known_in_any_letters(normal: str) -> None:
    for labels in (["True", "false", "TRUE"], [True, False, True]):
        table = pa.table({"x": [1, 2, 3], "label": labels})
        assert split_label(table, "label", normal).is_normal.tolist() == [True, False, True]


def test_a_label_column_that_differs_by_blanks_is_named() -> None:
    with pytest.raises(DataError, match="there is no label column 'Label', but ' Label', which differs in blanks"):
        split_label(pa.table({"x": [1], " Label": ["a"]}), "Label", "a")


def test_normal_rows_know_their_place() -> None:
    batches = TABLE.to_batches(max_chunksize=3)
    located = [LocatedBatch(batch, TableRows("t.parquet", 3 * place, batch)) for place, batch in enumerate(batches)]
    kept = list(normal_batches(located, "label", "ok"))
    assert [(rows.rows.num_rows, rows.place.description(0)) for rows in kept] == [
        (1, "t.parquet, row 1"),
        (1, "t.parquet, row 4"),
    ]
    assert [row.line for row in kept[1].place.of({0: "why"})] == [4]
    whole = TABLE.to_batches()[0]
    (kept,) = normal_batches([LocatedBatch(whole, TableRows("t.parquet", 0, whole))], "label", "ok")
    assert [kept.place.description(row) for row in range(2)] == ["t.parquet, row 1", "t.parquet, row 4"]
    assert [row.line for row in kept.place.of({1: "why"})] == [4]


def test_an_error_names_the_row_of_the_file_while_and_after_rows_are_read() -> None:
    batches = TABLE.to_batches(max_chunksize=3)
    located = [LocatedBatch(batch, TableRows("t.parquet", 3 * place, batch)) for place, batch in enumerate(batches)]
    rows = PlacedRows(lambda: normal_batches(located, "label", "ok"))

    def fail(row: int) -> None:
        error = DataError(f"column 'x': row {row}, counted from 0, holds 4")
        error.row = row
        raise error

    with pytest.raises(DataError, match=r"^t\.parquet, row 4: column 'x': holds 4$"), rows.placing():
        list(rows)
        fail(1)  # of all rows together
    with pytest.raises(DataError, match=r"^t\.parquet, row 4: column 'x': holds 4$"), rows.placing():
        for number, _ in enumerate(rows):
            if number == 1:
                fail(0)  # of this batch
    with pytest.raises(DataError, match=r"^no row$"), rows.placing():
        raise DataError("no row")


def test_a_missing_label_can_mark_the_normal_rows() -> None:
    assert split_label(TABLE, "label", "").is_normal.tolist() == [False, False, True, False]


def test_an_unknown_label_column_is_named_beside_those_there_are() -> None:
    with pytest.raises(DataError, match=r"there is no label column 'lable'; the table has 'x', 'label', 'y'$"):
        split_label(TABLE, "lable", "ok")
    wide = pa.table({f"x{index}": [0] for index in range(10)})
    with pytest.raises(DataError, match=r"'x7' and 2 more$"):
        split_label(wide, "label", "ok")


def test_a_value_that_no_row_has_is_named_beside_those_there_are() -> None:
    with pytest.raises(DataError, match=r"column 'label' never has the value 'normal' .* it has '', 'bad', 'ok'$"):
        split_label(TABLE, "label", "normal")
    many = pa.table({"label": [f"l{index}" for index in range(9)]})
    with pytest.raises(DataError, match=r"'l7', \.\.\.$"):
        split_label(many, "label", "normal")


def test_the_given_table_is_left_as_it_was() -> None:
    split_label(TABLE, "label", "ok")
    assert TABLE.column_names == ["x", "label", "y"]


def located(batches: list[pa.RecordBatch]) -> list[LocatedBatch]:
    return [LocatedBatch(batch, TableRows("table.parquet", 0, batch)) for batch in batches]


def test_normal_rows_of_batches_are_those_of_the_table() -> None:
    batches = normal_batches(located(TABLE.to_batches(max_chunksize=1)), "label", "ok")
    rows = pa.Table.from_batches([batch.rows for batch in batches])
    assert rows.equals(split_label(TABLE, "label", "ok").normal_rows)


def test_batches_without_a_normal_row_are_refused_at_the_end() -> None:
    with pytest.raises(DataError, match="never has the value 'fine' that marks normal rows; it has '', 'bad', 'ok'"):
        list(normal_batches(located(TABLE.to_batches(max_chunksize=2)), "label", "fine"))
