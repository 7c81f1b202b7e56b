"""Any container of rows becomes plain named columns; the values, texts, labels and samples of such tables."""

from oddrow.table._as_written import AS_WRITTEN, is_as_written
from oddrow.table._dates import DATE_ORDERS, LIKE_A_DATE, parsed_dates
from oddrow.table._frame import ReadableTable, as_table, readable_table
from oddrow.table._labels import LabelledTable, is_normal_row, normal_batches, split_label
from oddrow.table._located_batch import (
    MAX_BATCH_BYTES,
    MAX_BATCH_ROWS,
    LocatedBatch,
    PlacedRows,
    SkippedRow,
    SomeRows,
    TableRows,
    one_batch,
)
from oddrow.table._names import same_names, unrepeated
from oddrow.table._row_sample import HIGHEST, RowSample, SampleBounds
from oddrow.table._text_form import CURRENCIES, EPOCH_UNITS, PLAIN, DateForm, TextForm
from oddrow.table._values import (
    Floats,
    UnfitValueError,
    as_booleans,
    as_names,
    as_numbers,
    as_seconds,
    as_texts,
    day_numbers,
    floats_of,
    is_string,
    python_values,
    shortened,
)

__all__ = [
    "AS_WRITTEN",
    "CURRENCIES",
    "DATE_ORDERS",
    "EPOCH_UNITS",
    "HIGHEST",
    "LIKE_A_DATE",
    "MAX_BATCH_BYTES",
    "MAX_BATCH_ROWS",
    "PLAIN",
    "DateForm",
    "Floats",
    "LabelledTable",
    "LocatedBatch",
    "PlacedRows",
    "ReadableTable",
    "RowSample",
    "SampleBounds",
    "SkippedRow",
    "SomeRows",
    "TableRows",
    "TextForm",
    "UnfitValueError",
    "as_booleans",
    "as_names",
    "as_numbers",
    "as_seconds",
    "as_table",
    "as_texts",
    "day_numbers",
    "floats_of",
    "is_as_written",
    "is_normal_row",
    "is_string",
    "normal_batches",
    "one_batch",
    "parsed_dates",
    "python_values",
    "readable_table",
    "same_names",
    "shortened",
    "split_label",
    "unrepeated",
]
