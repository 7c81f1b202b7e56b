"""Files become batches of Arrow rows, and results become files."""

from oddrow.files._atomic import atomic_folder, atomic_write, check_target
from oddrow.files._open_table import OnError
from oddrow.files._open_table import open_table as open  # noqa: A004 - read as files.open, never imported by itself
from oddrow.files._origin import Origin
from oddrow.files._pandas_index import without_pandas_index
from oddrow.files._quarantine import quarantine_writer
from oddrow.files._reading_options import CsvReading, ReadingOptions
from oddrow.files._table_stream import TableStream
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
    "open",
    "quarantine_writer",
    "table_writer",
    "without_pandas_index",
    "write_table",
]
