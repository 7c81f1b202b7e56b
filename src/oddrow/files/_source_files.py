"""Which files a source names: one, those of a folder, those of a pattern; and what their folders say of their rows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from oddrow.exceptions import TableReadError
from oddrow.files._file_formats import KNOWN_FORMS, Form, form_of, not_found, source_form

__all__ = ["SourceFile", "source_files"]

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_WILD = "*?["


class SourceFile(NamedTuple):
    """One file of a table, its form, and what the folders above it say of all its rows, as text."""

    path: Path
    form: Form
    partition: dict[str, str | None]


def source_files(source: str | Path, given: str | None) -> tuple[SourceFile, ...]:
    """The files of a table in the order of their paths.

    In a folder, and in those below it, every file counts whose name and whose folders' names do not begin with a dot
    or an underscore. A folder named ``key=value`` says that all its rows have that value.

    Raises
    ------
    TableReadError
        If there is none, they are not of one form, or one is no table.
    """
    path = Path(source)
    if path.is_dir():
        return _of_one_form(str(path), path, sorted(_below(path)), given)
    if not path.exists() and not _is_name(str(source)):
        base = Path(*takewhile(_is_name, path.parts))
        found = base.glob(str(path.relative_to(base)))
        files = {file for one in found for file in (_below(one) if one.is_dir() else [one])}
        if not files:
            raise TableReadError(f"{source}: no file has a name of this pattern")
        return _of_one_form(str(source), base, sorted(files), given)
    if not path.exists():
        raise not_found(str(source))
    return (SourceFile(path, source_form(path, str(source), given), {}),)


def _is_name(part: str) -> bool:
    return not any(sign in part for sign in _WILD)


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        is_hidden = any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
        if not is_hidden and path.is_file():
            yield path


def _of_one_form(label: str, base: Path, paths: list[Path], given: str | None) -> tuple[SourceFile, ...]:
    if not paths:
        raise TableReadError(f"{label}: the folder holds no file")
    files = []
    for path in paths:
        form = form_of(path.name) if given is None else source_form(path, str(path), given)
        if form is None:
            raise TableReadError(
                f"{path}: is no table by its suffix; name those that are by a pattern such as {base}/*.csv "
                f"(known are {KNOWN_FORMS})"
            )
        files.append(SourceFile(path, form, _partition(path.relative_to(base))))
    other = next((file for file in files if file.form.name != files[0].form.name), None)
    if other is not None:
        raise TableReadError(
            f"{label}: holds files of two forms, {files[0].path.name} and {other.path.name}; "
            f"name those of one by a pattern such as {base}/*{files[0].path.suffix}"
        )
    odd = next((file for file in files if set(file.partition) != set(files[0].partition)), None)
    if odd is not None:
        raise TableReadError(
            f"{label}: the folders of {files[0].path} name {_named(files[0])}, those of {odd.path} {_named(odd)}; "
            "each file must lie below folders of the same keys"
        )
    return tuple(files)


def _named(file: SourceFile) -> str:
    return ", ".join(map(repr, file.partition)) or "nothing"


def _partition(path: Path) -> dict[str, str | None]:
    pairs = (part.partition("=") for part in path.parts[:-1])
    values = {unquote(key): unquote(value) for key, sign, value in pairs if sign and key}
    return {key: None if value == _NO_VALUE else value for key, value in values.items()}
