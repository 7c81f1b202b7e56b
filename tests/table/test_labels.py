"""The label column leaves the table; which rows are normal follows from it."""

import numpy as np
import pyarrow as pa
import pytest

from oddrow.exceptions import DataError
from oddrow.table import normal_batches, split_label

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


def test_normal_rows_of_batches_are_those_of_the_table() -> None:
    batches = TABLE.to_batches(max_chunksize=1)
    rows = pa.concat_tables(normal_batches(batches, "label", "ok"))
    assert rows.equals(split_label(TABLE, "label", "ok").normal_rows)


def test_batches_without_a_normal_row_are_refused_at_the_end() -> None:
    with pytest.raises(DataError, match="never has the value 'fine' that marks normal rows; it has '', 'bad', 'ok'"):
        list(normal_batches(TABLE.to_batches(max_chunksize=2), "label", "fine"))
