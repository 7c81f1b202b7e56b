"""Which files a source names, and the values that their folders give to their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from oddrow.exceptions import SettingError, TableReadError
from oddrow.files._formats import KNOWN_FORMATS, Packing, packing_of
from oddrow.files._table_file import FileFormat, SourceFile, read_error

__all__ = ["Discovered", "discovered", "given_packing"]

_WILDCARDS = "*?["


class Discovered(NamedTuple):
    """The files of one table, in the order of their paths, and their format."""

    format: FileFormat
    files: tuple[SourceFile, ...]


def discovered(source: str | Path, given: str | None) -> Discovered:
    """The files that a path, a folder or a pattern names.

    Every file in a folder and in the folders below it counts, unless its name or the name of one of these folders
    begins with a dot or an underscore. A folder named ``key=value`` gives a column to its rows.

    ``given`` is the name of the format, where the user gave one.

    Raises
    ------
    TableReadError
        If there is no file, the files have several formats, or the name of one says no known format.
    SettingError
        If the format given is unknown.
    """
    path = Path(source)
    if path.is_dir():
        return _data_set(str(path), path, _files_below(path), given)
    if path.exists():
        packing = given_packing(given) or packing_of(path.name)
        if packing is None:
            raise TableReadError(
                f"{source}: the ending of the name is not that of a known format; known are {KNOWN_FORMATS}"
            )
        return Discovered(packing.format, (SourceFile(path, str(source), packing.compression, {}),))
    if not _is_pattern(str(source)):
        raise read_error(str(source), FileNotFoundError())
    # pyarrow.dataset knows no patterns.
    base = Path(*takewhile(lambda part: not _is_pattern(part), path.parts))
    found = base.glob(str(path.relative_to(base)))
    paths = {file for one in found for file in (_files_below(one) if one.is_dir() else [one])}
    if not paths:
        raise TableReadError(f"{source}: no file matches this pattern")
    return _data_set(str(source), base, sorted(paths, key=str), given)


def given_packing(given: str | None) -> Packing | None:
    """The format and compression that a user gave, such as ``csv.gz``; None where the user gave none.

    Raises
    ------
    SettingError
        If the format is unknown.
    """
    if given is None:
        return None
    packing = packing_of(f"table.{given.removeprefix('.')}")
    if packing is None:
        raise SettingError(f"format {given!r} is unknown; known are {KNOWN_FORMATS}")
    return packing


def _is_pattern(text: str) -> bool:
    return any(sign in text for sign in _WILDCARDS)


def _files_below(folder: Path) -> list[Path]:
    """The files of a folder and of those below it, in the order of their paths, as ``pyarrow.dataset`` finds them."""
    from pyarrow import dataset, fs

    try:
        # With a schema given, no file is opened: the format stands for any.
        found = dataset.dataset(
            str(folder),
            schema=pa.schema([]),
            format="parquet",
            filesystem=fs.LocalFileSystem(),
            ignore_prefixes=[".", "_"],
        )
    except OSError as error:
        raise read_error(str(folder), error) from error
    return [Path(path) for path in found.files]


def _data_set(label: str, base: Path, paths: Sequence[Path], given: str | None) -> Discovered:
    """The files of a data set, after a check that they are of one format and below folders of the same keys."""
    if not paths:
        raise TableReadError(f"{label}: the folder holds no file")
    asked = given_packing(given)
    packings = [asked or packing_of(path.name) for path in paths]
    known: list[Packing] = []
    for path, packing in zip(paths, packings, strict=True):
        if packing is None:
            raise TableReadError(
                f"{path}: the ending of the name is not that of a table; choose the tables by a pattern such as "
                f"{base}/*.csv (known are {KNOWN_FORMATS})"
            )
        known.append(packing)
    other = next((place for place, packing in enumerate(known) if packing.format != known[0].format), None)
    if other is not None:
        raise TableReadError(
            f"{label}: holds files of two formats, {paths[0].name} and {paths[other].name}; "
            f"choose those of one by a pattern such as {base}/*{paths[0].suffix}"
        )
    files = tuple(
        SourceFile(path, str(path), packing.compression, _partition(path.relative_to(base)))
        for path, packing in zip(paths, known, strict=True)
    )
    _check_same_keys(label, files)
    return Discovered(known[0].format, files)


def _check_same_keys(label: str, files: Sequence[SourceFile]) -> None:
    first = files[0]
    odd = next((file for file in files if set(file.partition) != set(first.partition)), None)
    if odd is not None:
        keys, other_keys = (", ".join(map(repr, file.partition)) or "nothing" for file in (first, odd))
        raise TableReadError(
            f"{label}: the folders of {first.path} name {keys}, those of {odd.path} {other_keys}; "
            "each file must lie below folders of the same keys"
        )


def _partition(path: Path) -> Mapping[str, str | None]:
    """The values of the folders ``key=value`` of a path, read as text by ``pyarrow.dataset``."""
    keys = [part.partition("=")[0] for part in path.parts[:-1] if "=" in part.lstrip("=")]
    if not keys:
        return {}
    from pyarrow import dataset

    # As text, not in the types that pyarrow would infer: those turn the post code 02134 into 2134.
    partitioning = dataset.partitioning(pa.schema([(key, pa.string()) for key in dict.fromkeys(keys)]), flavor="hive")
    values = dataset.get_partition_keys(partitioning.parse(str(path)))
    return {key: values.get(key) for key in dict.fromkeys(keys)}
