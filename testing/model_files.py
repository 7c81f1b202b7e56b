"""The bytes of a model file by a second implementation, for the tests and the fuzzer that write bad ones.

It follows ``docs/model_file.md`` and shares no code with oddrow; whoever writes a bad file knows how to hash.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

HEADER = struct.Struct("<8sIQQ32s32s")
MAGIC = b"ODDROW\r\n"
PROTOCOL = 1
GOLDEN = Path(__file__).parents[1] / "tests" / "golden"


def packed(
    manifest: bytes,
    arrays: bytes,
    magic: bytes = MAGIC,
    protocol: int = PROTOCOL,
    lengths: tuple[int, int] | None = None,
) -> bytes:
    """A file's bytes with hashes that agree."""
    hashes = hashlib.sha256(manifest).digest(), hashlib.sha256(arrays).digest()
    return HEADER.pack(magic, protocol, *(lengths or (len(manifest), len(arrays))), *hashes) + manifest + arrays


def sections(content: bytes) -> tuple[bytes, bytes]:
    """The bytes of manifest and arrays."""
    start = HEADER.size + HEADER.unpack(content[: HEADER.size])[2]
    return content[HEADER.size : start], content[start:]


def parts(content: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Manifest and arrays."""
    manifest, arrays = sections(content)
    return json.loads(manifest), safetensors.numpy.load(arrays)


def rebuilt(
    content: bytes,
    change_manifest: Callable[[Any], Any] | None = None,
    change_arrays: Callable[[Any], Any] | None = None,
) -> bytes:
    """The file with its parts changed, and hashed again."""
    manifest, arrays = parts(content)
    if change_manifest is not None:
        change_manifest(manifest)
    if change_arrays is not None:
        change_arrays(arrays)
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return packed(json.dumps(manifest).encode(), safetensors.numpy.save(contiguous))


def tensors(arrays: bytes) -> tuple[dict[str, Any], bytes]:
    """The header of safetensors as JSON and the bytes behind it."""
    stop = 8 + int.from_bytes(arrays[:8], "little")
    return json.loads(arrays[8:stop]), arrays[stop:]


def with_header(header: bytes, data: bytes, length: int | None = None) -> bytes:
    """Safetensors with whatever header."""
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def golden(name: str) -> bytes:
    """A golden file of the newest protocol."""
    return max(GOLDEN.glob(f"protocol-*/{name}.oddrow"), key=lambda path: int(path.parent.name[9:])).read_bytes()


def golden_rows(name: str = "scores") -> dict[str, list[Any]]:
    """Rows that the golden files of the newest protocol score; those of "written" are its own."""
    path = max(GOLDEN.glob(f"protocol-*/{name}.json"), key=lambda path: int(path.parent.name[9:]))
    rows: dict[str, list[Any]] = json.loads(path.read_text(encoding="utf-8"))["rows"]
    return rows
