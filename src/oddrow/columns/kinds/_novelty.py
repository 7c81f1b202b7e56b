"""The novelty, in nats, of values and events that no training row shows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from oddrow.table import Floats


def unseen_nats(n_rows: int) -> float:
    """Return -ln of the probability of an event that n rows do not show, by the rule of succession."""
    return float(np.log(n_rows + 1.0))


def unseen_name_nats(n_once: int, n_rows: int) -> float:
    """Return -ln of the probability of an unseen name, if ``n_once`` names occur once in n rows (Good and Turing)."""
    return float(-np.log((n_once + 1.0) / (n_rows + 1.0 + n_once)))


def presence_and_novelty(
    missing: npt.NDArray[np.bool_], flag: npt.NDArray[np.float32] | None, n_rows: int
) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Return presence [n], and the novelty [n] of missing values in a column without missing training values.

    ``flag`` is the presence feature to fill if training values were missing; such a column has no novelty here.
    """
    novelty = np.zeros(len(missing))
    if flag is None:
        novelty[missing] = unseen_nats(n_rows)
    else:
        flag[:] = ~missing
    return ~missing, novelty
