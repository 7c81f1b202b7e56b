"""Random draws and argument checks that the generators share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt

from oddrow.exceptions import SettingError

Array = npt.NDArray[Any]

MAX_DEVIATIONS = 4.0
"""Normal draws are cut off at so many standard deviations, so that ordinary values have a known maximum."""


def draw(weights: Array, row: Array, rng: np.random.Generator) -> Array:
    """Draw a column of ``weights`` [r, c] for each row number in ``row`` [n], with that row's weights as odds."""
    total = np.cumsum(weights, axis=1)
    # Every row of weights gets its own unit interval on one line, so that one sorted search serves all draws. The
    # factor 1 - 1e-9 keeps a sum that was rounded up out of the next row's interval.
    line = (total / total[:, -1:] + np.arange(len(weights))[:, None]).ravel()
    place = row + rng.random(len(row)) * (1 - 1e-9)
    column: Array = np.searchsorted(line, place, side="right") - row * weights.shape[1]
    return column


def truncated_normal(n_rows: int, rng: np.random.Generator) -> Array:
    """Draw standard normal values [n], clipped to plus and minus ``MAX_DEVIATIONS``."""
    return np.clip(rng.standard_normal(n_rows), -MAX_DEVIATIONS, MAX_DEVIATIONS)


def is_whole(value: object, smallest: int) -> bool:
    """Return whether a value is a whole number of at least ``smallest``."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= smallest


def valid_n_rows(n_rows: int) -> int:
    """Return the number of rows, or raise SettingError if it is not a whole number of at least 1."""
    if not is_whole(n_rows, smallest=1):
        raise SettingError(f"n_rows is {n_rows!r}: give a whole number of at least 1")
    return int(n_rows)


def valid_odd_share(odd_share: float) -> float:
    """Return the share, or raise SettingError if it is not a number from 0 to 1."""
    if isinstance(odd_share, bool) or not isinstance(odd_share, Real) or not 0 <= float(odd_share) <= 1:
        raise SettingError(f"odd_share is {odd_share!r}: give a share from 0 to 1, such as 0.02")
    return float(odd_share)


def valid_kinds(kinds: Iterable[str] | None, known: Sequence[str]) -> tuple[str, ...]:
    """Return the wanted kinds in the order of the known ones; None means all."""
    if kinds is None:
        return tuple(known)
    if isinstance(kinds, str) or not isinstance(kinds, Iterable):
        raise SettingError(f"kinds is {kinds!r}: give a list such as [{known[1]!r}], or None for all kinds")
    wanted = tuple(kinds)
    if not wanted:
        raise SettingError("kinds is empty: name at least one, or give odd_share=0 for ordinary rows only")
    for name in wanted:
        if name not in known:
            raise SettingError(f"kinds contains {name!r}, which is no kind of oddness: choose from {', '.join(known)}")
    return tuple(name for name in known if name in wanted)


def generator(random_state: int | np.random.Generator | None) -> np.random.Generator:
    """Return the generator that ``random_state`` gives or seeds."""
    known = random_state is None or isinstance(random_state, np.random.Generator)
    if not known and not is_whole(random_state, smallest=0):
        raise SettingError(f"random_state is {random_state!r}: give a whole number of at least 0, a Generator or None")
    return np.random.default_rng(random_state)
