"""Features of a text: its template and shape, its length, and the shares of kinds of characters in it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.table import Floats

LETTER_SHARES = {
    "digits": r"\d",
    "capitals": r"\p{Lu}",
    "spaces": r"\s",
    "signs": r"[^\p{L}\d\s]",
    "not ASCII": r"[^\x00-\x7F]",
}
MAX_CHARACTERS = 120
"""Largest length of a template or a shape, which the model file holds; longer ones are cut."""


def text_features(values: pa.ChunkedArray) -> tuple[Floats, list[Floats]]:
    """Return ln(1 + length) and the share of each kind of character; NaN for a missing text."""
    length = pc.fill_null(pc.cast(pc.utf8_length(values), pa.float64()), float("nan")).to_numpy()
    counts = [
        pc.fill_null(pc.cast(pc.count_substring_regex(values, pattern), pa.float64()), float("nan")).to_numpy()
        for pattern in LETTER_SHARES.values()
    ]
    return np.log1p(length), [count / np.maximum(length, 1.0) for count in counts]


def templates(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts with each run of digits replaced by one ``#``, so that texts that differ only in numbers are equal.

    Examples
    --------
    >>> templates(pa.chunked_array([["REWE SAGT DANKE 4821", "12:30", None]])).to_pylist()
    ['REWE SAGT DANKE #', '#:#', None]
    """
    return pc.utf8_slice_codeunits(pc.replace_substring_regex(values, r"\p{Nd}+", "#"), 0, MAX_CHARACTERS)


def shapes(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts with each sequence of words replaced by ``a`` and each run of digits by ``0``.

    Examples
    --------
    >>> shapes(pa.chunked_array([["REWE SAGT DANKE 4821", "Müller, Köln", "a1-b22", None]])).to_pylist()
    ['a 0', 'a, a', 'a0-a0', None]
    """
    masked = pc.replace_substring_regex(values, r"\p{L}[\p{L}\p{M}]*", "a")
    masked = pc.replace_substring_regex(masked, r"\p{Nd}+", "0")
    masked = pc.utf8_trim_whitespace(pc.replace_substring_regex(masked, r"\s+", " "))
    masked = pc.replace_substring_regex(masked, r"a( a)+", "a")
    return pc.utf8_slice_codeunits(masked, 0, MAX_CHARACTERS)


def n_words(values: pa.ChunkedArray) -> int:
    """Return the total number of words; a text has at least one."""
    return int(pc.sum(words(values)).as_py() or 0)


def words(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the number of words of each text [n]."""
    return pc.add(pc.count_substring_regex(pc.cast(values, pa.string()), r"\s+"), 1)
