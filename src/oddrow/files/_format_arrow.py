"""Arrow IPC files and streams, Feather files among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from oddrow.exceptions import TableReadError
from oddrow.files._reading_options import reject_text_options
from oddrow.files._table_file import (
    Opening,
    SourceFile,
    TableFile,
    WholeTable,
    WriteRows,
    content_of,
    with_expected_names,
)

__all__ = ["ARROW"]


@dataclass(frozen=True)
class _Arrow:
    name: str = "arrow"
    endings: tuple[str, ...] = (".arrow", ".feather", ".ipc")

    def opened(self, files: Sequence[SourceFile], opening: Opening) -> Sequence[TableFile]:
        reject_text_options(files[0].label, self.name, opening.options)
        return [with_expected_names(WholeTable.of(file, _table_in(file), opening), opening) for file in files]

    @contextmanager
    def writer(self, stream: Any, schema: pa.Schema) -> Iterator[WriteRows]:
        with pa.ipc.new_file(stream, schema) as writer:
            yield writer.write_table


ARROW = _Arrow()


def _table_in(source: SourceFile) -> pa.Table:
    # Not memory-mapped: a file may be overwritten by the table that was read from it.
    data = content_of(source)
    if not data:
        raise TableReadError(f"{source.label}: the file is empty")
    open_it = pa.ipc.open_file if data.startswith(b"ARROW1") else pa.ipc.open_stream
    try:
        table = open_it(pa.BufferReader(data)).read_all()
        table.validate(full=True)  # the offsets in a damaged file may point outside of it
    except (pa.ArrowException, OSError) as error:
        raise TableReadError(f"{source.label}: is not an Arrow IPC file, or is damaged: {error}") from error
    return table
