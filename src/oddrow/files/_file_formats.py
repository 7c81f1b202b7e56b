"""Which form a file has, and what an error calls it."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, NamedTuple

from oddrow.exceptions import SettingError, TableReadError

__all__ = ["KNOWN_FORMS", "Form", "form_of", "not_found", "reject_folder", "source_form", "source_label"]


class Form(NamedTuple):
    """What a suffix says: the form by its name, and the compression around it."""

    name: str
    compression: str | None

    @property
    def suffix(self) -> str:
        """As ``format`` names it."""
        packed = [suffix for suffix, compression in _COMPRESSIONS.items() if compression == self.compression]
        return "".join([self.name, *packed])


_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "csv",
    ".data": "csv",
    ".dat": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
KNOWN_FORMS = f"{', '.join(_SUFFIXES)}, each also with {' or '.join(_COMPRESSIONS)} behind it"


def form_of(name: str) -> Form | None:
    """The form that a file's name tells; None where it tells none.

    Examples
    --------
    >>> form_of("logs/monday.CSV.gz")
    Form(name='csv', compression='gzip')
    """
    stem, compression = Path(name.lower()), None
    if stem.suffix in _COMPRESSIONS:
        stem, compression = stem.with_suffix(""), _COMPRESSIONS[stem.suffix]
    form = _SUFFIXES.get(stem.suffix)
    return Form(form, compression) if form else None


def source_label(source: str | Path | BinaryIO) -> str:
    """What errors call a source."""
    if isinstance(source, (str, Path)):
        return "standard input" if str(source) == "-" else str(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "the stream"


def source_form(source: str | Path | BinaryIO, label: str, given: str | None) -> Form:
    """The form that is given, or that the name of a file tells; CSV for what has no name.

    Raises
    ------
    SettingError
        If the form given is none.
    TableReadError
        If the name tells none, or there is no such file.
    """
    if given is not None:
        form = form_of(f"table.{given.removeprefix('.')}")
        if form is None:
            raise SettingError(f"format {given!r} is unknown; known are {KNOWN_FORMS}")
        return form
    if not isinstance(source, (str, Path)) or str(source) == "-":
        return Form("csv", None)
    form = form_of(str(source))
    if form is not None:
        return form
    if Path(source).exists():
        reject_folder(Path(source))
        raise TableReadError(f"{label}: the suffix tells no known form; known are {KNOWN_FORMS}")
    raise not_found(label)


def reject_folder(path: Path) -> None:
    """Refuse a folder where a file is needed."""
    if path.is_dir():
        raise TableReadError(f"{path}: is a folder; give the path of one file in it")


def not_found(label: str) -> TableReadError:
    """The error for a file that is not there."""
    return TableReadError(f"{label}: there is no such file")
