"""The kinds of columns, the schema of a table, and the encoding of its rows as features."""

from oddrow.columns._column_schema import ColumnSchema, EncodingStyle, Kind
from oddrow.columns._encoding import EncodedTable, FeatureLayout, TableEncoding
from oddrow.columns._encoding_checks import check_encoding, check_schema
from oddrow.columns._given_kinds import ALL_COLUMNS, AUTO, checked_kinds, given_sources, is_ignored
from oddrow.columns._graph import EncodedValues, check_exportable, encoded_values
from oddrow.columns._inspection import Inspection, Suspicion, inspect_table
from oddrow.columns._limits import MAX_COLUMNS, MAX_ENCODED, MAX_FEATURES, check_width
from oddrow.columns._order_column import order_values
from oddrow.columns._order_proposals import GroupProposal, OrderProposals
from oddrow.columns._reference import NO_REFERENCE, REFERENCE_LEVELS, ColumnReference, TableReference
from oddrow.columns._sampling import SampledTable, Sampling, sampled
from oddrow.columns._schema import TableSchema, column_kinds
from oddrow.columns._table_sketch import NOTHING_ELSE, TableSketch
from oddrow.columns.kinds import KINDS, ColumnEncoding, ColumnKind, Values, encoding_classes

__all__ = [
    "ALL_COLUMNS",
    "AUTO",
    "KINDS",
    "MAX_COLUMNS",
    "MAX_ENCODED",
    "MAX_FEATURES",
    "NOTHING_ELSE",
    "NO_REFERENCE",
    "REFERENCE_LEVELS",
    "ColumnEncoding",
    "ColumnKind",
    "ColumnReference",
    "ColumnSchema",
    "EncodedTable",
    "EncodedValues",
    "EncodingStyle",
    "FeatureLayout",
    "GroupProposal",
    "Inspection",
    "Kind",
    "OrderProposals",
    "SampledTable",
    "Sampling",
    "Suspicion",
    "TableEncoding",
    "TableReference",
    "TableSchema",
    "TableSketch",
    "Values",
    "check_encoding",
    "check_exportable",
    "check_schema",
    "check_width",
    "checked_kinds",
    "column_kinds",
    "encoded_values",
    "encoding_classes",
    "given_sources",
    "inspect_table",
    "is_ignored",
    "order_values",
    "sampled",
]
