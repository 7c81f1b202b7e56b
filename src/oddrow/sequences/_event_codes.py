"""Values of event columns as numbers that depend on the value alone."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.table import Floats

MISSING = -1.0
FIRST_OTHER = 64.0
"""Codes of values that are no known type begin here."""
HASH_BITS = 52
"""The sum of a hash and ``FIRST_OTHER`` is a whole number that float64 holds exactly."""


def event_codes(column: Floats | pa.ChunkedArray, types: Sequence[str]) -> Floats:
    """Return the codes of a column float64 [n]: the place of a known type, -1 if missing, else 64 plus a hash.

    The hash has 52 bits: of 10,000 distinct values in a window, two share a code with a probability of about 1e-8.
    """
    if isinstance(column, np.ndarray):  # flags: 0, 1, and 2 for any other value
        return np.where(np.isnan(column), MISSING, column)
    encoded = column.dictionary_encode(null_encoding="encode").combine_chunks()
    distinct = encoded.dictionary
    place = pc.index_in(distinct, value_set=pa.array(types, pa.string()))
    codes = [
        MISSING if text is None else _hash_code(text) if known is None else float(known)
        for text, known in zip(distinct.to_pylist(), place.to_pylist(), strict=True)
    ]
    return np.asarray(np.array(codes, np.float64)[encoded.indices.to_numpy(zero_copy_only=False)], np.float64)


def _hash_code(text: str) -> float:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return FIRST_OTHER + (int.from_bytes(digest, "big") >> (64 - HASH_BITS))
