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
LEVEL: Final = 7
"""Level of compression: the highest one, 9, takes about three times as long and saves a hundredth of the bytes."""
_TEXTS: Final = frozenset((str, type(None)))
_AS_IS: Final = frozenset((str, int, bool, type(None)))


def packed_blocks(summary: TriageSummary) -> dict[str, bytes]:
    """Return the blocks of a summary by name, compressed: its facts as JSON, and its arrays, little endian."""
    blocks = {"summary": packed(facts_json(summary))}
    return blocks | {name: packed(array_bytes(block)) for name, block in summary.blocks.items()}


def facts_json(summary: TriageSummary) -> bytes:
    """Return everything but the arrays as JSON."""
    return as_json({"format": FORMAT, "version": VERSION, **_fields(summary)})


def as_json(value: Any) -> bytes:
    """Return frozen values as JSON, with names in camel case; a number that is not finite is null.

    It holds ASCII only: a lone surrogate of a Python string has no UTF-8 form, but has one in JSON.
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, check_circular=False, default=_fields)
    return text.encode("ascii")


def array_bytes(block: Block) -> bytes:
    """Return the bytes of an array, little endian."""
    return np.ascontiguousarray(block, block.dtype.newbyteorder("<")).tobytes()


def packed(content: bytes) -> bytes:
    """Return content compressed and as base64."""
    return base64.b64encode(zlib.compress(content, LEVEL))


def _fields(value: Any) -> dict[str, Any]:
    """Return the fields of a frozen value; the encoder asks for those of each value inside, one at a time."""
    named = ((shown, getattr(value, name)) for name, shown in _names(value.__class__))
    return {shown: one if one.__class__ in _AS_IS else _finite(one) for shown, one in named}


def _finite(value: Any) -> Any:
    """Return a field's value, with None in place of each number that is not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    # a column of cells is the largest part of a report, and needs no look at each
    if isinstance(value, tuple) and not _TEXTS.issuperset(map(type, value)):
        return [_finite(one) for one in value]
    return value


@cache
def _names(kind: Any) -> tuple[tuple[str, str], ...]:
    """Return the names of the fields of a dataclass, and these in camel case; arrays, which have no ``repr``, aside."""
    return tuple(
        (one.name, re.sub(r"_(\w)", lambda found: found[1].upper(), one.name)) for one in fields(kind) if one.repr
    )
