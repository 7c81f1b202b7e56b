"""Open a table: a file, a folder of files, a pattern, a partitioned data set, or a stream of bytes."""

from __future__ import annotations

import sys
import tempfile
import weakref
from collections.abc import Collection
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias

from oddrow.exceptions import TableReadError
from oddrow.files._discovery import Discovered, discovered, given_packing
from oddrow.files._format_csv import CSV
from oddrow.files._formats import Packing
from oddrow.files._reading_options import CsvReading, ReadingOptions
from oddrow.files._table_file import Opening, SourceFile
from oddrow.files._table_stream import TableStream

__all__ = ["OnError", "open_table"]

OnError: TypeAlias = Literal["stop", "skip"]
_DEFAULT_OPTIONS = ReadingOptions()
_COPIED_BYTES = 1 << 20


def open_table(
    source: str | Path | BinaryIO,
    options: ReadingOptions = _DEFAULT_OPTIONS,
    *,
    on_error: OnError = "stop",
    may_be_empty: bool = False,
    expects: Collection[str] | None = None,
    may_lack: Collection[str] = (),
    like: CsvReading | None = None,
) -> TableStream:
    r"""Open a table of any size; exported as ``oddrow.files.open``.

    Iterate over the result for batches, or call :meth:`TableStream.read` for all rows at once.

    Columns of CSV and TSV are text: each field as it is written, and null where it is empty and not in quotes. The
    metadata of the schema says so. CSV is UTF-8, with or without a byte order mark; a row that is not UTF-8 is read as
    Windows-1252. Blank lines are skipped, except in a file of one column, where a blank line is a missing value. A
    column without a name is called ``column_N`` by its place.

    Columns of Parquet, Arrow and JSON lines have plain types, see :func:`oddrow.table.as_table`. Columns of lists,
    structs, maps or bytes come as they are, though nothing is learned from them. A column that pandas marked as the
    index of its data frame is left out.

    A name that occurs twice gets ``.1``, ``.2`` appended from the second time on. CSV and Parquet take the memory of a
    few batches, other formats that of the whole file.

    Parameters
    ----------
    source
        The path of a file, whose endings say its format: .csv .txt .data .dat .tsv .parquet .pq .arrow .feather .ipc
        .jsonl .ndjson .json, each also followed by .gz or .zst. Or a folder or a pattern such as
        ``"logs/*.parquet"``: its files are read in the order of their paths, folders named ``key=value`` give columns,
        and names that begin with a dot or an underscore are passed over. Or a binary file object, or ``"-"`` for
        standard input: both are CSV without another format in the options, and are copied to a temporary file.
    options
        How the table is read, where the file itself does not say.
    on_error
        "stop" at a row of CSV that cannot be read, or "skip" it: ``n_skipped`` then counts such rows, and
        :meth:`TableStream.located` gives them.
    may_be_empty
        Whether a table without rows is allowed. CSV still needs its header.
    expects
        The names of the columns that a model needs. The delimiter and the header of CSV are then those that give these
        columns, whatever lines stand before the header and whatever later rows look like; a column whose name differs
        by blanks around it or by its Unicode form gets the expected name.
    may_lack
        Expected columns that are missing values where no row of JSON lines has them, instead of an error.
    like
        How the training table of a model was read: a file without a header is read in the same way. The options go
        first.

    Raises
    ------
    TableReadError
        If the source cannot be read as a table or its files do not fit together. The error names the file, and the
        line where it is known.
    SettingError
        If an option has no meaning for the format.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for day, rows in {"1": "size\n1\n2\n", "2": "size\n2.50\n"}.items():
    ...         Path(folder, f"day={day}").mkdir()
    ...         _ = Path(folder, f"day={day}", "sizes.csv").write_text(rows)
    ...     table = open_table(folder)
    ...     [batch.to_pydict() for batch in table], table.read().num_rows
    ([{'size': ['1', '2'], 'day': ['1', '1']}, {'size': ['2.50'], 'day': ['2']}], 3)
    """
    opening = Opening(
        options,
        None if expects is None else tuple(expects),
        tuple(may_lack),
        like,
        skips_unreadable=on_error == "skip",
        may_be_empty=may_be_empty,
    )
    if isinstance(source, (str, Path)) and str(source) != "-":
        return _stream(str(source), discovered(source, options.format), opening)
    packing = given_packing(options.format) or Packing(CSV, None)
    label = _stream_label(source)
    spool = _spooled(source, label)
    try:
        files = (SourceFile(Path(spool.name), label, packing.compression, {}),)
        stream = _stream(label, Discovered(packing.format, files), opening, is_temporary=True)
    except BaseException:
        spool.close()
        raise
    weakref.finalize(stream, spool.close)
    return stream


def _stream(label: str, found: Discovered, opening: Opening, *, is_temporary: bool = False) -> TableStream:
    files = found.format.opened(found.files, opening)
    return TableStream.of(label, files, is_temporary=is_temporary, may_be_empty=opening.may_be_empty)


def _stream_label(source: object) -> str:
    """What errors call a source that is not a path."""
    if isinstance(source, (str, Path)):
        return "standard input"
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "the stream"


def _spooled(source: Any, label: str) -> Any:
    """A temporary file with the bytes of a stream: rows are read several times, and most streams only once."""
    stream = sys.stdin.buffer if isinstance(source, (str, Path)) else source
    spool = tempfile.NamedTemporaryFile(prefix="oddrow-")  # noqa: SIM115 - it lives as long as the table stream
    try:
        while block := stream.read(_COPIED_BYTES):
            if not isinstance(block, bytes):
                raise TableReadError(f"{label}: gives {type(block).__name__}, not bytes; open it in binary mode")
            spool.write(block)
        spool.flush()
    except BaseException:
        spool.close()
        raise
    return spool
