"""CSV and TSV files."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from oddrow.exceptions import SettingError
from oddrow.files._csv import write_header, write_rows
from oddrow.files._csv_files import CsvFile
from oddrow.files._reading_options import ReadingOptions, checked_delimiter
from oddrow.files._table_file import Opening, SourceFile, TableFile, WriteRows, filled_files

__all__ = ["CSV", "TSV"]


@dataclass(frozen=True)
class _Csv:
    """CSV; ``delimiter`` is the one that is written, and read where ``is_fixed``."""

    name: str
    endings: tuple[str, ...]
    delimiter: str
    is_fixed: bool

    def opened(self, files: Sequence[SourceFile], opening: Opening) -> Sequence[TableFile]:
        """Open each file. Without a model, the columns of the first file are expected in those that follow."""
        options = self._checked(files[0].label, opening)
        expects, like = opening.expects, opening.like
        opened: list[TableFile] = []
        for source in filled_files(files):
            file = CsvFile.at(source, options, skips_unreadable=opening.skips_unreadable, expects=expects, like=like)
            opened.append(file)
            if expects is None:
                expects, like = file.dialect.names, file.dialect.reading
        return opened

    def _checked(self, label: str, opening: Opening) -> ReadingOptions:
        options = opening.options
        names = options.column_names
        if names is not None and len(names) == 0:
            raise SettingError(f"{label}: the list of column names is empty")
        if names is not None and options.has_header:
            raise SettingError(f"{label}: column names are for a file without a header; to replace one, skip its line")
        if options.skip is not None and options.skip < 0:
            raise SettingError(f"skip is {options.skip}; give the number of lines before the header, 0 or more")
        if options.encoding is not None:
            _check_encoding(options.encoding)
        is_fixed = self.is_fixed and options.delimiter is None
        encoding = options.encoding or (None if opening.like is None else opening.like.encoding)
        delimiter = self.delimiter if is_fixed else checked_delimiter(options.delimiter)
        return replace(options, delimiter=delimiter, encoding=encoding)

    @contextmanager
    def writer(self, stream: Any, schema: pa.Schema) -> Iterator[WriteRows]:
        write_header(schema.names, stream, self.delimiter)
        yield lambda table: write_rows(table, stream, self.delimiter)


CSV = _Csv("csv", (".csv", ".txt", ".data", ".dat"), ",", is_fixed=False)
TSV = _Csv("tsv", (".tsv",), "\t", is_fixed=True)


def _check_encoding(encoding: str) -> None:
    try:
        codecs.lookup(encoding)
        "a".encode(encoding)
    except (LookupError, UnicodeError) as error:
        raise SettingError(
            f"encoding {encoding!r} is unknown; as examples utf-8, windows-1252, utf-16, shift_jis"
        ) from error
