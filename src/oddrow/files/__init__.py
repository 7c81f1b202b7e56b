"""Files become batches of Arrow rows, and results become files."""

from oddrow.files._atomic import atomic_folder, atomic_write, check_target
from oddrow.files._origin import CsvReading, Origin
from oddrow.files._parquet import without_pandas_index
from oddrow.files._quarantine import quarantine_writer
from oddrow.files._read_table import read_table
from oddrow.files._reading_options import ReadingOptions
from oddrow.files._table_stream import OnError, TableStream, open_stream
from oddrow.files._writing import table_writer, write_table

__all__ = [
    "CsvReading",
    "OnError",
    "Origin",
    "ReadingOptions",
    "TableStream",
    "atomic_folder",
    "atomic_write",
    "check_target",
    "open_stream",
    "quarantine_writer",
    "read_table",
    "table_writer",
    "without_pandas_index",
    "write_table",
]
