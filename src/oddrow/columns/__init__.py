"""The schema of a table, what is known of its columns, and their encoding as features."""

from oddrow.columns._column_schema import ColumnSchema, Kind
from oddrow.columns._encoding import EncodedTable, EncodingStyle, FeatureLayout, TableEncoding
from oddrow.columns._encoding_checks import check_encoding
from oddrow.columns._given_kinds import ALL_COLUMNS, AUTO, checked_kinds, is_ignored
from oddrow.columns._inspection import Inspection, Suspicion, inspect_table
from oddrow.columns._limits import MAX_COLUMNS, MAX_ENCODED, MAX_FEATURES, check_width
from oddrow.columns._reference import NO_REFERENCE, REFERENCE_LEVELS, ColumnReference, TableReference
from oddrow.columns._running_encodings import AHEAD, BACK, CIRCLE_GRID, MOST_EXCESS
from oddrow.columns._sampling import SampledTable, Sampling, sampled
from oddrow.columns._schema import TableSchema, column_kinds
from oddrow.columns._sketch import NOTHING_ELSE, TableSketch

__all__ = [
    "AHEAD",
    "ALL_COLUMNS",
    "AUTO",
    "BACK",
    "CIRCLE_GRID",
    "MAX_COLUMNS",
    "MAX_ENCODED",
    "MAX_FEATURES",
    "MOST_EXCESS",
    "NOTHING_ELSE",
    "NO_REFERENCE",
    "REFERENCE_LEVELS",
    "ColumnReference",
    "ColumnSchema",
    "EncodedTable",
    "EncodingStyle",
    "FeatureLayout",
    "Inspection",
    "Kind",
    "SampledTable",
    "Sampling",
    "Suspicion",
    "TableEncoding",
    "TableReference",
    "TableSchema",
    "TableSketch",
    "check_encoding",
    "check_width",
    "checked_kinds",
    "column_kinds",
    "inspect_table",
    "is_ignored",
    "sampled",
]
