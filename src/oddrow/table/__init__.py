"""Rows come in: any table to named columns, their schema, and their encoding."""

from oddrow.table._atomic import atomic_folder, atomic_write, check_target
from oddrow.table._encoding import EncodedTable, EncodingStyle, FeatureLayout, TableEncoding
from oddrow.table._files import read_table, write_table
from oddrow.table._frame import as_table
from oddrow.table._labels import LabelledTable, split_label
from oddrow.table._schema import ColumnSchema, Kind, TableSchema, column_kinds
from oddrow.table._soundness import check_encoding
from oddrow.table._values import as_texts, day_numbers, python_values

__all__ = [
    "ColumnSchema",
    "EncodedTable",
    "EncodingStyle",
    "FeatureLayout",
    "Kind",
    "LabelledTable",
    "TableEncoding",
    "TableSchema",
    "as_table",
    "as_texts",
    "atomic_folder",
    "atomic_write",
    "check_encoding",
    "check_target",
    "column_kinds",
    "day_numbers",
    "python_values",
    "read_table",
    "split_label",
    "write_table",
]
