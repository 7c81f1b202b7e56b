r"""The binary container: a header, a JSON manifest and a body.

A file contains, in this order (integers little-endian)::

    8 bytes    magic, which identifies the kind of file
    4 bytes    protocol number, uint32
    8 bytes    length of the manifest, uint64
    8 bytes    length of the body, uint64
    32 bytes   SHA-256 of the manifest
    32 bytes   SHA-256 of the body
    manifest   UTF-8 JSON
    body       bytes whose format depends on the kind of file, usually safetensors

A reader first checks that the lengths agree with the size of the file and are within the limits of its kind, then
checks each hash, and only then returns the manifest and the body to be parsed.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from oddrow.exceptions import ModelFileError

HEADER = struct.Struct("<8sIQQ32s32s")
MAX_MANIFEST_BYTES = 16 * 2**20
MAX_BODY_BYTES = 2**30


@dataclass(frozen=True)
class FileKind:
    """One kind of file: the model file, the checkpoint of a fit, a part of a scoring job.

    Attributes
    ----------
    magic : its first 8 bytes
    name : what errors call the file
    body : what errors call its body
    error : the class of the errors that are raised if it cannot be read
    way_out : advice that ends an error about a file of another kind; "" for none
    max_manifest, max_body : maximum sizes in bytes
    """

    magic: bytes
    name: str
    body: str = "arrays"
    error: type[ModelFileError] = ModelFileError
    way_out: str = ""
    max_manifest: int = MAX_MANIFEST_BYTES
    max_body: int = MAX_BODY_BYTES


class Content(NamedTuple):
    """The protocol number of a file, and its manifest and body, which are not parsed yet."""

    protocol: int
    manifest: bytes
    body: bytes


def pack_file(kind: FileKind, content: Content) -> tuple[bytes, bytes, bytes]:
    """Return header, manifest and body as they follow each other in a file."""
    protocol, manifest, body = content
    hashes = hashlib.sha256(manifest).digest(), hashlib.sha256(body).digest()
    return HEADER.pack(kind.magic, protocol, len(manifest), len(body), *hashes), manifest, body


def read_file(path: Path, kind: FileKind, newest: int) -> Content:
    """Return the content of a file of one kind, after checking sizes and hashes.

    ``newest`` is the highest protocol number that the caller can read.

    Raises
    ------
    ModelFileError
        Or the subclass of it that the kind names, if the path is no regular file, or the file is of another kind,
        truncated, damaged, of a newer protocol, or too large.
    """
    try:
        with _regular_file(path) as stream:
            return _content(stream, os.fstat(stream.fileno()).st_size, kind, newest)
    except (OSError, ValueError) as error:
        if isinstance(error, ModelFileError):
            raise kind.error(str(error)) from error
        reason = error.strerror or error if isinstance(error, OSError) else error
        raise kind.error(f"cannot be read as a {kind.name} ({reason})") from error


def read_bytes(content: bytes, kind: FileKind, newest: int) -> Content:
    """Return the content of a file from its bytes; checks and errors are those of :func:`read_file`."""
    try:
        # hashlib.file_digest hashes all bytes of a bare BytesIO, not only those from its current position on
        return _content(io.BufferedReader(io.BytesIO(content)), len(content), kind, newest)
    except ModelFileError as error:
        raise kind.error(str(error)) from error


def check_lengths(kind: FileKind, manifest_length: int, body_length: int) -> None:
    """Refuse a manifest or a body that is too large for this kind of file."""
    for section, length, most in (
        ("manifest", manifest_length, kind.max_manifest),
        (kind.body, body_length, kind.max_body),
    ):
        if length > most:
            raise ModelFileError(f"the {section} take {length:,} bytes; a {kind.name} holds at most {most:,}")


def _content(stream: BufferedReader, size: int, kind: FileKind, newest: int) -> Content:
    head = stream.read(HEADER.size)
    protocol, manifest_length, body_length = _checked_header(head, size, kind, newest)
    check_lengths(kind, manifest_length, body_length)
    manifest_hash, body_hash = HEADER.unpack(head)[4:]
    manifest = stream.read(manifest_length)
    _check_hash(kind, "manifest", hashlib.sha256(manifest).digest(), manifest_hash)
    # the first pass uses a small buffer, so that a body with a wrong hash is never held in memory
    _check_hash(kind, kind.body, hashlib.file_digest(stream, "sha256").digest(), body_hash)
    stream.seek(HEADER.size + manifest_length)
    body = stream.read(body_length)
    if len(body) != body_length:
        raise ModelFileError(f"the {kind.name} changed while it was read")
    return Content(protocol, manifest, body)


@contextmanager
def _regular_file(path: Path) -> Iterator[BufferedReader]:
    """Open a regular file only: opening a pipe waits for a writer, and opening a device can have side effects."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("it is not a regular file")
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb") as stream:  # noqa: PTH123 - Path.open takes no descriptor
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):  # it was replaced meanwhile
            raise OSError("it is not a regular file")
        yield stream


def _check_hash(kind: FileKind, section: str, found: bytes, expected: bytes) -> None:
    if found != expected:
        raise ModelFileError(f"the {kind.name} is damaged: its {section} do not have the recorded hash")


def _checked_header(head: bytes, size: int, kind: FileKind, newest: int) -> tuple[int, int, int]:
    """Return the protocol number and the lengths of manifest and body."""
    if head[: len(kind.magic)] != kind.magic[: len(head)] or not head:
        raise ModelFileError(f"not an oddrow {kind.name}" + (f"; {kind.way_out}" if kind.way_out else ""))
    if len(head) < HEADER.size:
        raise ModelFileError(f"the {kind.name} is truncated: {size:,} bytes, too short for its header")
    _, protocol, manifest_length, body_length, *_ = HEADER.unpack(head)
    if protocol > newest:
        raise ModelFileError(
            f"{kind.name} protocol {protocol} is newer than this oddrow reads ({newest}); upgrade oddrow"
        )
    if protocol < 1:
        raise ModelFileError(f"the {kind.name} is damaged: protocol {protocol} never existed")
    claimed = HEADER.size + manifest_length + body_length
    if claimed != size:
        raise ModelFileError(f"the {kind.name} is truncated or damaged: {size:,} bytes, its header claims {claimed:,}")
    return protocol, manifest_length, body_length
