"""Recognise learned values that a later table stores in another floating-point precision."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]

MAX_LEARNED = 20
"""Largest number of distinct values of a column of fractions that are remembered; with more, none are compared."""
_DIGITS = {np.float32: 9, np.float16: 5}
"""Number of decimal digits that distinguish all values of a floating-point type (IEEE 754). A number that needs more
digits in double precision, and that the narrower type represents exactly, was stored in the narrower type."""


def few_values(values: Floats) -> tuple[float, ...]:
    """Return the distinct values, ascending, if they are few and not all whole; else ().

    Examples
    --------
    >>> few_values(np.array([0.5, 0.1, 0.5, np.nan])), few_values(np.array([1.0, 2.0]))
    ((0.1, 0.5), ())
    """
    distinct = np.unique(values[~np.isnan(values)])
    if len(distinct) > MAX_LEARNED or np.all(distinct == np.floor(distinct)):
        return ()
    return tuple(distinct.tolist())


def as_learned(values: Floats, learned: Floats, is_single: bool) -> Floats:
    """Return the values [n]; a value equal to one learned value [k] at the narrower of their precisions becomes it.

    A value has a narrower precision than double if its column ``is_single``, or if half or single precision represents
    it exactly and its decimal text in double precision is longer than any value of that type needs. The same rule
    applies to the learned values, the type of whose column is unknown. A value that equals a learned value is
    unchanged, and so is one to which two learned values round. The result for a value does not depend on the others.

    Examples
    --------
    >>> as_learned(np.array([np.float32(0.1), 0.3, 0.25]), np.array([0.1, float(np.float32(0.3))]), False).tolist()
    [0.1, 0.30000001192092896, 0.25]
    """
    others = np.flatnonzero(~np.isin(values, learned) & np.isfinite(values))
    if not len(others):
        return values
    distinct, places = np.unique(values[others], return_inverse=True)
    found = distinct.copy()
    with np.errstate(over="ignore"):
        for width, digits in _DIGITS.items():
            rounded, learned_rounded = distinct.astype(width), learned.astype(width)
            is_narrow = _is_of(distinct, rounded, digits)
            if width is np.float32 and is_single:
                is_narrow[:] = True
            is_learned_narrow = _is_of(learned, learned_rounded, digits)
            for place in np.flatnonzero(found == distinct):
                same = learned_rounded == rounded[place]
                if not is_narrow[place]:
                    same &= is_learned_narrow
                if np.count_nonzero(same) == 1:
                    found[place] = learned[same][0]
    replaced = values.copy()
    replaced[others] = found[places]
    return replaced


def as_learned_texts(texts: pa.ChunkedArray, learned: Sequence[str], is_single: bool) -> pa.ChunkedArray:
    """Return texts of numbers with the replacements of :func:`as_learned`; some learned names may not be numbers."""
    distinct = texts.unique().drop_null()
    others = distinct.filter(pc.invert(pc.is_in(distinct, pa.array(learned, pa.string()))))
    by_number = {number: text for text in learned if np.isfinite(number := _number(text))}
    if not len(others) or not by_number:
        return texts
    values = np.array([_number(text) for text in others.to_pylist()])
    known = np.array(list(by_number))
    replaced = as_learned(values, known, is_single)
    found = [(text, by_number[new]) for text, new in zip(others.to_pylist(), replaced, strict=True) if new in by_number]
    if not found:
        return texts
    index = pc.index_in(texts, pa.array([text for text, _ in found], pa.string()))
    return pc.coalesce(pc.take(pa.array([name for _, name in found], pa.string()), index), texts)


def _is_of(values: Floats, rounded: npt.NDArray[np.floating], digits: int) -> npt.NDArray[np.bool_]:
    """Return which values [n] were stored in the type of ``rounded``: exact there, and long in double precision."""
    is_held: npt.NDArray[np.bool_] = rounded.astype(np.float64) == values
    is_held[is_held] = [_n_digits(value) > digits for value in values[is_held].tolist()]
    return is_held


def _n_digits(value: float) -> int:
    return len(f"{value!r}".partition("e")[0].replace(".", "").lstrip("-0").rstrip("0"))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan
