"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from oddrow.exceptions import OddrowError, OutputError
from oddrow.remedies import Setting, remedy

__all__ = ["atomic_folder", "atomic_write", "check_target"]


@contextmanager
def atomic_write(path: str | Path, force: bool = False) -> Iterator[BinaryIO]:
    """Yield a binary file that becomes ``path`` when the block ends without an error, and is removed otherwise.

    The bytes are written to a temporary file in the same folder and flushed to the disk before the file takes its
    name. An existing file of that name is replaced only with ``force``; the new file keeps its permissions.

    Raises
    ------
    OutputError
        If the file exists and ``force`` is not set, or the system cannot write it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_write(f"{folder}/model.bin") as file:
    ...         _ = file.write(b"all of it")
    ...     Path(folder, "model.bin").read_bytes()
    b'all of it'

    """
    check_target(path, force)
    target = _behind_links(path)
    temporary = target.with_name(f".oddrow-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _publish(path, temporary, target, force)
    except OddrowError:
        raise
    except OSError as error:
        raise _output_error(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def check_target(path: str | Path, force: bool = False) -> None:
    """Refuse a path that :func:`atomic_write` would refuse, before long work is done.

    Raises
    ------
    OutputError
        If the file exists and ``force`` is not set, its folder does not exist, or the path is not a regular file.

    Examples
    --------
    >>> check_target(".")
    Traceback (most recent call last):
        ...
    oddrow.exceptions.OutputError: .: is a folder; give the path of a file

    """
    target = _behind_links(path)
    if not target.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {target.parent}; create it first")
    if target.is_dir():
        raise OutputError(f"{path}: is a folder; give the path of a file")
    if target.exists():
        if not target.is_file():
            raise OutputError(f"{path}: is not a regular file, so it cannot be replaced by one")
        if not force:
            raise _exists(path)


@contextmanager
def atomic_folder(path: str | Path, pattern: str, force: bool = False) -> Iterator[Path]:
    """Yield an empty folder that becomes ``path`` when the block ends without an error, and is removed otherwise.

    Many processes may write into it by :func:`atomic_write`; temporary files of a process that was killed are removed.
    An existing folder of that name is replaced only with ``force``, and only if all its files have names that match
    ``pattern``, such as ``"part-*.parquet"``: other files belong to the user.

    Raises
    ------
    OutputError
        If the folder exists and ``force`` is not set, it holds other files, or the system cannot write it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     with atomic_folder(f"{place}/scored", "*.txt") as folder:
    ...         _ = (folder / "part-0.txt").write_text("all of it")
    ...     [path.name for path in Path(place, "scored").iterdir()]
    ['part-0.txt']

    """
    target = _behind_links(path)
    _check_folder(path, target, pattern, force)
    temporary = target.with_name(f".oddrow-{secrets.token_hex(8)}.tmp")
    try:
        temporary.mkdir()
        yield temporary
        for left_over in temporary.glob(".oddrow-*.tmp"):
            left_over.unlink()
        _check_folder(path, target, pattern, force)  # another process may have made one since
        replaced = temporary.with_suffix(".old")
        if target.exists():
            target.replace(replaced)
        temporary.replace(target)
        shutil.rmtree(replaced, ignore_errors=True)
    except OddrowError:
        raise
    except OSError as error:
        raise _output_error(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check_folder(path: str | Path, target: Path, pattern: str, force: bool) -> None:
    if not target.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {target.parent}; create it first")
    if not target.exists():
        return
    if not target.is_dir():
        raise OutputError(f"{path}: is a file, and a folder is to be written; choose another name")
    others = sorted(found.name for found in target.iterdir() if not found.match(pattern))
    if others:
        raise OutputError(f"{path}: the folder holds {others[0]!r}, which is no part of a table; choose another name")
    if not force:
        raise _exists(path)


def _behind_links(path: str | Path) -> Path:
    return Path(os.path.realpath(path))  # a link stays, and the file that it points to is replaced


def _publish(path: str | Path, temporary: Path, target: Path, force: bool) -> None:
    if force:
        with suppress(FileNotFoundError):
            shutil.copymode(target, temporary)
        temporary.replace(target)
    else:
        # A rename would replace a file that another process has made since; a hard link does not.
        try:
            target.hardlink_to(temporary)
        except FileExistsError as error:
            raise _exists(path) from error
        except OSError as error:  # a file system without hard links
            if target.exists():
                raise _exists(path) from error
            temporary.replace(target)
    with suppress(OSError):  # not every system can open a folder
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # without it, a power failure may undo the rename
        finally:
            os.close(folder)


def _exists(path: str | Path) -> OutputError:
    return OutputError(
        f"{path}: exists already", remedy=remedy("choose another name, or replace it with ", Setting("force", True))
    )


def _output_error(path: str | Path, error: OSError) -> OutputError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutputError(f"{path}: the disk is full; nothing was written")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OutputError(f"{path}: no permission to write in this folder; nothing was written")
    return OutputError(f"{path}: cannot be written: {error.strerror or error}; nothing was written")
