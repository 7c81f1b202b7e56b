"""Random draws and checks of arguments that the generators share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt

from oddrow.exceptions import SettingError

Array = npt.NDArray[Any]

# Ordinary bells end here, so that "beyond everything ordinary" is a certainty and not a matter of luck.
FARTHEST = 4.0


def draw(weights: Array, row: Array, rng: np.random.Generator) -> Array:
    """For each of ``row`` [n], draw a column of ``weights`` [r, c] in proportion to that row's weights."""
    total = np.cumsum(weights, axis=1)
    # Every row gets its own unit interval on one long line: one sorted search serves all rows at once. The
    # factor keeps a sum rounded up from landing in the next row's interval.
    line = (total / total[:, -1:] + np.arange(len(weights))[:, None]).ravel()
    place = row + rng.random(len(row)) * (1 - 1e-9)
    column: Array = np.searchsorted(line, place, side="right") - row * weights.shape[1]
    return column


def bell(n_rows: int, rng: np.random.Generator) -> Array:
    """Standard normal draws [n], cut off at ``FARTHEST`` standard deviations."""
    return np.clip(rng.standard_normal(n_rows), -FARTHEST, FARTHEST)


def _is_whole(value: object, smallest: int) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= smallest


def valid_n_rows(n_rows: int) -> int:
    """The number of rows, refused if it is not at least 1."""
    if not _is_whole(n_rows, smallest=1):
        raise SettingError(f"n_rows is {n_rows!r}: give a whole number of at least 1")
    return int(n_rows)


def valid_odd_share(odd_share: float) -> float:
    """The share, refused if it is not from 0 to 1."""
    if isinstance(odd_share, bool) or not isinstance(odd_share, Real) or not 0 <= float(odd_share) <= 1:
        raise SettingError(f"odd_share is {odd_share!r}: give a share from 0 to 1, such as 0.02")
    return float(odd_share)


def valid_kinds(kinds: Iterable[str] | None, known: Sequence[str]) -> tuple[str, ...]:
    """The wanted kinds in the order of the known ones; None means all."""
    if kinds is None:
        return tuple(known)
    if isinstance(kinds, str) or not isinstance(kinds, Iterable):
        raise SettingError(f"kinds is {kinds!r}: give a list such as [{known[1]!r}], or None for all kinds")
    wanted = tuple(kinds)
    if not wanted:
        raise SettingError("kinds is empty: name at least one, or give odd_share=0 for ordinary rows alone")
    for name in wanted:
        if name not in known:
            raise SettingError(f"kinds holds {name!r}, no kind of oddness: choose from {', '.join(known)}")
    return tuple(name for name in known if name in wanted)


def generator(random_state: int | np.random.Generator | None) -> np.random.Generator:
    """A generator of this seed."""
    known = random_state is None or isinstance(random_state, np.random.Generator)
    if not known and not _is_whole(random_state, smallest=0):
        raise SettingError(f"random_state is {random_state!r}: give a whole number of at least 0, a Generator or None")
    return np.random.default_rng(random_state)
