r"""The bytes of a model file: a header, a JSON manifest, safetensors arrays.

The file, in order (integers little-endian)::

    8 bytes    magic b"ODDROW\\r\\n"
    4 bytes    protocol number, uint32
    8 bytes    length of the manifest, uint64
    8 bytes    length of the arrays, uint64
    32 bytes   SHA-256 of the manifest
    32 bytes   SHA-256 of the arrays
    manifest   UTF-8 JSON
    arrays     safetensors

Nothing is read beyond the lengths that the file's own size confirms, nothing is parsed before its hash agrees, and
nothing is built before its size is known to be within the limits below.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from oddrow.exceptions import ModelFileError

PROTOCOL = 1
"""Raised by one when a file of this version could no longer be read by the version before."""

MAGIC = b"ODDROW\r\n"
HEADER = struct.Struct("<8sIQQ32s32s")

MOST_MANIFEST_BYTES = 16 * 2**20
MOST_ARRAYS_BYTES = 2**30
MOST_NAMES_BYTES = 4 * 2**20
"""Of the safetensors header: names, types and shapes of the arrays."""
MOST_VALUES = 1_000_000
"""Of a JSON text: numbers, strings, lists and objects together."""
MOST_NESTED = 100_000
"""Of a JSON text: lists and objects; a parser may spend some hundred bytes on an empty one."""
MOST_DIGITS = 100
"""Of a whole number: any such number is a finite one in double precision, too."""
DTYPES = {"F32": np.float32, "F64": np.float64, "I64": np.int64}
MOST_SHOWN = 300
"""Letters of what is wrong with a file that an error repeats."""

Arrays = dict[str, npt.NDArray[Any]]

# A string may lack its closing quote; were that no match, each quote in it would start a search to the end anew.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


def pack(manifest: bytes, arrays: Arrays) -> tuple[bytes, bytes, bytes]:
    """Header, manifest and arrays as a file holds them."""
    packed = safetensors.numpy.save({name: np.ascontiguousarray(value) for name, value in arrays.items()})
    hashes = hashlib.sha256(manifest).digest(), hashlib.sha256(packed).digest()
    return HEADER.pack(MAGIC, PROTOCOL, len(manifest), len(packed), *hashes), manifest, packed


def read_parts(path: Path) -> tuple[bytes, bytes]:
    """Manifest and arrays of a file, after sizes and hashes agree; neither is parsed.

    Raises
    ------
    ModelFileError
        If it is no regular file, foreign, truncated, damaged, of a newer protocol, or too large.
    """
    try:
        with _regular_file(path) as stream:
            return parts_of(stream, os.fstat(stream.fileno()).st_size)
    except (OSError, ValueError) as error:
        if isinstance(error, ModelFileError):
            raise
        reason = error.strerror or error if isinstance(error, OSError) else error
        raise ModelFileError(f"cannot be read as a model file ({reason})") from error


def parts_of(stream: BufferedReader, size: int) -> tuple[bytes, bytes]:
    """Manifest and arrays of so many bytes, after sizes and hashes agree; neither is parsed.

    Raises
    ------
    ModelFileError
        As :func:`read_parts`.
    """
    head = stream.read(HEADER.size)
    manifest_length, arrays_length = _checked_header(head, size)
    manifest_hash, arrays_hash = HEADER.unpack(head)[4:]
    manifest = stream.read(manifest_length)
    _check_hash("manifest", hashlib.sha256(manifest).digest(), manifest_hash)
    # through a small buffer first: junk as large as a file may be is never held
    _check_hash("arrays", hashlib.file_digest(stream, "sha256").digest(), arrays_hash)
    stream.seek(HEADER.size + manifest_length)
    packed = stream.read(arrays_length)
    if len(packed) != arrays_length:
        raise ModelFileError("the model file changed while it was read")
    return manifest, packed


@contextmanager
def _regular_file(path: Path) -> Iterator[BufferedReader]:
    """Open a regular file and nothing else: opening a pipe waits for a writer, opening a device may do anything."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise ModelFileError("cannot be read as a model file (it is not a regular file)")
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb") as stream:  # noqa: PTH123 - Path.open knows no descriptor
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):  # it was exchanged meanwhile
            raise ModelFileError("cannot be read as a model file (it is not a regular file)")
        yield stream


def _check_hash(part: str, found: bytes, expected: bytes) -> None:
    if found != expected:
        raise ModelFileError(f"the model file is damaged: its {part} do not have the recorded hash")


def _checked_header(head: bytes, size: int) -> tuple[int, int]:
    """Lengths of manifest and arrays."""
    if head[: len(MAGIC)] != MAGIC[: len(head)] or not head:
        raise ModelFileError("not an oddrow model file; make one with: oddrow fit TABLE -o MODEL")
    if len(head) < HEADER.size:
        raise ModelFileError(f"the model file is truncated: {size:,} bytes, too short for its header")
    _, protocol, manifest_length, arrays_length, *_ = HEADER.unpack(head)
    if protocol > PROTOCOL:
        raise ModelFileError(
            f"model file protocol {protocol} is newer than this oddrow reads ({PROTOCOL}); upgrade oddrow"
        )
    if protocol < 1:
        raise ModelFileError(f"the model file is damaged: protocol {protocol} never existed")
    claimed = HEADER.size + manifest_length + arrays_length
    if claimed != size:
        raise ModelFileError(f"the model file is truncated or damaged: {size:,} bytes, its header claims {claimed:,}")
    check_lengths(manifest_length, arrays_length)
    return manifest_length, arrays_length


def check_lengths(manifest_length: int, arrays_length: int) -> None:
    """Refuse parts larger than a model file may hold."""
    for part, length, most in (
        ("manifest", manifest_length, MOST_MANIFEST_BYTES),
        ("arrays", arrays_length, MOST_ARRAYS_BYTES),
    ):
        if length > most:
            raise ModelFileError(f"the {part} take {length:,} bytes; a model file holds at most {most:,}")


def strict_json(text: bytes) -> Any:
    """Parse JSON that no two readers could understand differently, and that is within the limits.

    Raises
    ------
    ValueError
        For a key that is there twice, NaN, infinity, a whole number of more than ``MOST_DIGITS``, what is not UTF-8,
        more values than a model has, or no JSON.
    """
    bare = _STRING.sub(b"", text)
    nested = bare.count(b"[") + bare.count(b"{")
    values = nested + bare.count(b",") + bare.count(b":")
    if nested > MOST_NESTED or values > MOST_VALUES:
        raise ValueError(f"{values:,} values in JSON, of these {nested:,} nested, are more than a model has")
    del bare
    try:
        return json.loads(text.decode(), object_pairs_hook=_unique, parse_constant=_refuse, parse_int=_whole)
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice!r} is there twice")
    return unique


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a whole number of {len(digits):,} digits is no number of a model")
    return int(digits)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number of JSON")


def unpack_arrays(packed: bytes) -> Arrays:
    """The arrays by name.

    safetensors itself refuses overlaps, gaps, offsets out of range, and shapes that do not fit their offsets; it takes
    the last of two arrays of one name, any type, and a header of up to 100 MB.

    Raises
    ------
    ValueError, safetensors.SafetensorError
        If these bytes are not what :func:`pack` makes.
    """
    length = int.from_bytes(packed[:8], "little")
    if len(packed) < 8 or length > len(packed) - 8 or length > MOST_NAMES_BYTES:
        raise ValueError(f"the arrays' header claims {length:,} bytes")
    entries = strict_json(packed[8 : 8 + length])
    if not isinstance(entries, dict):
        raise TypeError("the arrays' header is not an object")
    for name, entry in entries.items():
        if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
            raise ValueError(f"array {name!r} is not described by dtype, shape and data_offsets")
        if entry["dtype"] not in DTYPES:
            raise ValueError(f"array {name!r} is of type {entry['dtype']!r}; choose from {', '.join(DTYPES)}")
    loaded: Arrays = safetensors.numpy.load(packed)
    return loaded


def one_line(text: str) -> str:
    r"""What an error may repeat of a file that nobody has vouched for: one short line without control characters.

    Examples
    --------
    >>> one_line("a\nb\x1b[2J")
    'a b?[2J'
    """
    shown = "".join(letter if letter.isprintable() else "?" for letter in " ".join(text[: 4 * MOST_SHOWN].split()))
    return shown if len(shown) <= MOST_SHOWN else shown[: MOST_SHOWN - 3] + "..."
