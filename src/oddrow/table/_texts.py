"""How a text looks: its length, and the shares of kinds of letters in it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.table._values import Floats

LETTER_SHARES = {
    "digits": r"\d",
    "capitals": r"\p{Lu}",
    "spaces": r"\s",
    "signs": r"[^\p{L}\d\s]",
    "not ASCII": r"[^\x00-\x7F]",
}


def text_features(values: pa.ChunkedArray) -> tuple[Floats, list[Floats]]:
    """ln(1 + length) and the share of each kind of letter; NaN where missing."""
    length = pc.fill_null(pc.cast(pc.utf8_length(values), pa.float64()), float("nan")).to_numpy()
    counts = [
        pc.fill_null(pc.cast(pc.count_substring_regex(values, pattern), pa.float64()), float("nan")).to_numpy()
        for pattern in LETTER_SHARES.values()
    ]
    return np.log1p(length), [count / np.maximum(length, 1.0) for count in counts]


def n_words(values: pa.ChunkedArray) -> int:
    """Words of all texts together; each has at least one."""
    return int(pc.sum(words(values)).as_py() or 0)


def words(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Words of each text [n]."""
    return pc.add(pc.count_substring_regex(pc.cast(values, pa.string()), r"\s+"), 1)
