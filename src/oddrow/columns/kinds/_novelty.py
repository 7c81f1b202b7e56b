"""The improbability of what training never showed, in nats."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from oddrow.table import Floats


def nats_of_never(n_rows: int) -> float:
    """Improbability of what n rows never showed, by the rule of succession."""
    return float(np.log(n_rows + 1.0))


def nats_of_new(n_once: int, n_rows: int) -> float:
    """Improbability of a name never seen, where so many names were seen once in n rows (Good and Turing)."""
    return float(-np.log((n_once + 1.0) / (n_rows + 1.0 + n_once)))


def presence_and_novelty(
    missing: npt.NDArray[np.bool_], flag: npt.NDArray[np.float32] | None, n_rows: int
) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Presence [n], and the novelty [n] of a value missing from a column that had none missing in training.

    ``flag`` is the presence feature to fill, where training had values missing.
    """
    novelty = np.zeros(len(missing))
    if flag is None:
        novelty[missing] = nats_of_never(n_rows)
    else:
        flag[:] = ~missing
    return ~missing, novelty
