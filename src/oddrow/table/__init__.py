"""Rows come in: any table to named columns, their schema, and their encoding."""

from oddrow.table._atomic import atomic_folder, atomic_write, check_target
from oddrow.table._column_schema import ColumnSchema, Kind
from oddrow.table._csv import is_as_written
from oddrow.table._encoding import EncodedTable, EncodingStyle, FeatureLayout, TableEncoding
from oddrow.table._files import read_table
from oddrow.table._frame import ReadableTable, as_table, readable_table
from oddrow.table._given_kinds import ALL_COLUMNS, AUTO, checked_kinds, is_ignored
from oddrow.table._inspection import InspectedColumn, Inspection, Suspicion, inspect_table
from oddrow.table._labels import LabelledTable, is_normal_row, normal_batches, normal_located, split_label
from oddrow.table._located import LocatedBatch, PlacedRows, RowPlace, SkippedRow, TableRows
from oddrow.table._origin import CsvReading, Origin
from oddrow.table._parquet import without_pandas_index
from oddrow.table._quarantine import quarantine_writer
from oddrow.table._reading import ReadingOptions, same_names
from oddrow.table._row_sample import SampleBounds
from oddrow.table._running_encodings import AHEAD, BACK, CIRCLE_GRID, MOST_EXCESS
from oddrow.table._sampling import SampledTable, Sampling, sampled
from oddrow.table._schema import TableSchema, column_kinds
from oddrow.table._sketch import NOTHING_ELSE, TableSketch
from oddrow.table._soundness import check_encoding
from oddrow.table._streams import OnError, TableStream, open_stream
from oddrow.table._values import as_texts, day_numbers, python_values
from oddrow.table._writing import table_writer, write_table

__all__ = [
    "AHEAD",
    "ALL_COLUMNS",
    "AUTO",
    "BACK",
    "CIRCLE_GRID",
    "MOST_EXCESS",
    "NOTHING_ELSE",
    "ColumnSchema",
    "CsvReading",
    "EncodedTable",
    "EncodingStyle",
    "FeatureLayout",
    "InspectedColumn",
    "Inspection",
    "Kind",
    "LabelledTable",
    "LocatedBatch",
    "OnError",
    "Origin",
    "PlacedRows",
    "ReadableTable",
    "ReadingOptions",
    "RowPlace",
    "SampleBounds",
    "SampledTable",
    "Sampling",
    "SkippedRow",
    "Suspicion",
    "TableEncoding",
    "TableRows",
    "TableSchema",
    "TableSketch",
    "TableStream",
    "as_table",
    "as_texts",
    "atomic_folder",
    "atomic_write",
    "check_encoding",
    "check_target",
    "checked_kinds",
    "column_kinds",
    "day_numbers",
    "inspect_table",
    "is_as_written",
    "is_ignored",
    "is_normal_row",
    "normal_batches",
    "normal_located",
    "open_stream",
    "python_values",
    "quarantine_writer",
    "read_table",
    "readable_table",
    "same_names",
    "sampled",
    "split_label",
    "table_writer",
    "without_pandas_index",
    "write_table",
]
