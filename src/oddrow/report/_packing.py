"""The data blocks of a report's file: base64 of zlib-compressed bytes, which the page inflates."""

from __future__ import annotations

import base64
import json
import math
import re
import zlib
from dataclasses import fields
from functools import cache
from typing import Any, Final

import numpy as np

from oddrow.report._triage import Block, TriageSummary

FORMAT: Final = "oddrow-report"
VERSION: Final = 1
_TEXTS: Final = frozenset((str, type(None)))


def packed_blocks(summary: TriageSummary) -> dict[str, bytes]:
    """Return the blocks of a summary by name, compressed: its facts as JSON, and its arrays, little endian."""
    blocks = {"summary": packed(facts_json(summary))}
    return blocks | {name: packed(array_bytes(block)) for name, block in summary.blocks.items()}


def facts_json(summary: TriageSummary) -> bytes:
    """Return everything but the arrays as JSON.

    It holds ASCII only: a lone surrogate of a Python string has no UTF-8 form, but has one in JSON.
    """
    values = {"format": FORMAT, "version": VERSION, **plain(summary)}
    return json.dumps(values, separators=(",", ":"), allow_nan=False).encode("ascii")


def array_bytes(block: Block) -> bytes:
    """Return the bytes of an array, little endian."""
    return np.ascontiguousarray(block, block.dtype.newbyteorder("<")).tobytes()


def packed(content: bytes) -> bytes:
    """Return content compressed and as base64."""
    return base64.b64encode(zlib.compress(content, 9))


def plain(value: Any) -> Any:
    """Return a frozen value as plain values with names in camel case; a number that is not finite is None."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, tuple):
        # a column of cells is the largest part of a report, and needs no look at each
        return value if _TEXTS.issuperset(map(type, value)) else [plain(one) for one in value]
    return {shown: plain(getattr(value, name)) for name, shown in _names(value.__class__)}


@cache
def _names(kind: Any) -> tuple[tuple[str, str], ...]:
    """Return the names of the fields of a dataclass, and these in camel case; arrays, which have no ``repr``, aside."""
    return tuple(
        (one.name, re.sub(r"_(\w)", lambda found: found[1].upper(), one.name)) for one in fields(kind) if one.repr
    )
