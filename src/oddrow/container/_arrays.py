"""Named arrays as bytes: safetensors, with the checks that its own reader leaves out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from oddrow.container._json import strict_json

MAX_NAMES_BYTES = 4 * 2**20
"""Maximum size of the safetensors header, which holds names, types and shapes of the arrays."""
DTYPES = {"F32": np.float32, "F64": np.float64, "I32": np.int32, "I64": np.int64}

Arrays = dict[str, npt.NDArray[Any]]


def pack_arrays(arrays: Arrays) -> bytes:
    """Return named arrays as bytes."""
    packed: bytes = safetensors.numpy.save({name: np.asarray(value, order="C") for name, value in arrays.items()})
    return packed


def unpack_arrays(packed: bytes) -> Arrays:
    """Return the arrays by name.

    safetensors itself refuses overlaps, gaps, offsets out of range, and shapes that do not fit their offsets. It
    accepts two arrays of one name (and returns the last), any type, and a header of up to 100 MB; these are refused
    here.

    Raises
    ------
    ValueError, safetensors.SafetensorError
        If :func:`pack_arrays` cannot have made these bytes.
    """
    length = int.from_bytes(packed[:8], "little")
    if len(packed) < 8 or length > len(packed) - 8 or length > MAX_NAMES_BYTES:
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
