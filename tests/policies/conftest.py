"""Rows to decide on: from raw scores, or from their surprise alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from oddrow.calibration import Calibration
from oddrow.policies import Policy, RowScores


@pytest.fixture(scope="session")
def scored() -> Callable[..., RowScores]:
    """``scored(calibration, raw, day)``: rows with these raw scores, and with their days where these are given."""

    def row_scores(calibration: Calibration, raw: npt.ArrayLike, day: npt.ArrayLike | None = None) -> RowScores:
        raw = np.asarray(raw, float)
        return RowScores(calibration.surprise(raw), calibration.p_value(raw), None if day is None else np.asarray(day))

    return row_scores


@pytest.fixture(scope="session")
def flagged() -> Callable[..., npt.NDArray[np.bool_]]:
    """``flagged(policy, surprise)``: which of these rows a policy flags that needs no calibration."""

    def is_odd(policy: Policy, surprise: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        surprise = np.asarray(surprise, float)
        return policy.decide(RowScores(surprise, np.exp(-surprise)), Calibration(np.arange(10.0))).is_odd

    return is_odd
