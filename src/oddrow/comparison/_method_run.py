"""A run of one method on one split: fit, scores, decision, metrics and times."""

from __future__ import annotations

import time
import warnings
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from oddrow.comparison._methods import DecidingScorer, Method, MethodRows
from oddrow.comparison._plain_encoding import Floats
from oddrow.metrics import DetectionMetrics, detection_metrics

FALSE_ALARMS = 0.01
"""False-alarm rate that the threshold of every method is set for."""
CALIBRATION_SHARE = 0.2
"""Share of the training rows held out from the second fit of a method without a decision of its own."""


@dataclass(frozen=True)
class MethodRun:
    """The result of one method on one split.

    Attributes
    ----------
    method, seed : name of the method, seed of the split
    figures : the metrics; None if the method failed
    fit_seconds, score_seconds : time of the fit that the scores come from, time of scoring the test rows
    error : the error if the method failed, else None
    warnings : texts of the method's warnings, each once
    """

    method: str
    seed: int
    figures: DetectionMetrics | None
    fit_seconds: float | None
    score_seconds: float | None
    error: str | None
    warnings: tuple[str, ...] = ()

    def values(self) -> dict[str, Any]:
        """Return the run as a flat dict of plain values; the metrics of a failed run are None."""
        names = DetectionMetrics.__dataclass_fields__
        figures = dict.fromkeys(names) if self.figures is None else asdict(self.figures)
        return {
            "method": self.method,
            "seed": self.seed,
            **figures,
            "fit_seconds": self.fit_seconds,
            "score_seconds": self.score_seconds,
            "error": self.error,
        }


def run_method(
    method: Method,
    training: MethodRows,
    test: MethodRows,
    is_anomaly: npt.NDArray[np.bool_],
    *,
    seed: int,
    fit_seed: int,
    tests_training: bool = False,
) -> MethodRun:
    """Fit, score, decide and measure one method; an error that it raises is reported in the result.

    Parameters
    ----------
    method
        The method to run.
    training, test
        Rows to learn from, and rows to measure on.
    is_anomaly
        True labels of the test rows, bool [n]; used only for the metrics.
    seed, fit_seed
        Seed of the split, for the report; seed of the method's random draws.
    tests_training
        Whether the test rows are the training rows. A method without a decision of its own then flags the 1 % of rows
        with the highest scores.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            started = time.perf_counter()
            scorer = method.fit(training, fit_seed)
            fit_seconds = time.perf_counter() - started
            started = time.perf_counter()
            scores = scorer(test)
            score_seconds = time.perf_counter() - started
            if isinstance(scorer, DecidingScorer):
                is_odd = scores > scorer.threshold
            elif tests_training:
                is_odd = scores > conformal_threshold(scores)
            else:
                is_odd = _second_fit_decides(method, training, test, fit_seed)
            figures = detection_metrics(is_anomaly, scores, is_odd)
        except Exception as error:  # a method is foreign code; any error of it must not stop the other methods
            text = " ".join(f"{type(error).__name__}: {error}".split())
            return MethodRun(method.name, seed, None, None, None, text, _texts(caught))
    return MethodRun(method.name, seed, figures, fit_seconds, score_seconds, None, _texts(caught))


def conformal_threshold(scores: Floats, rate: float = FALSE_ALARMS) -> float:
    """Return the threshold that the score of a new normal row exceeds with a probability of at most ``rate``.

    ``scores`` [n] are those of the calibration rows. If n is too small for the rate, the threshold is the second
    highest score, as in oddrow's detectors.

    Examples
    --------
    >>> conformal_threshold(np.arange(199.0)), conformal_threshold(np.arange(50.0))
    (197.0, 48.0)
    """
    count = int(np.floor(rate * (len(scores) + 1) + 1e-9)) or min(2, len(scores))
    return float(np.sort(scores)[-count])


def _second_fit_decides(method: Method, training: MethodRows, test: MethodRows, fit_seed: int) -> npt.NDArray[np.bool_]:
    """Decide by a second fit to 80 % of the training rows, with a split-conformal threshold from the other 20 %."""
    order = np.random.default_rng(fit_seed).permutation(training.n_rows)
    n_calibration = max(1, round(CALIBRATION_SHARE * training.n_rows))
    scorer = method.fit(training.take(np.sort(order[n_calibration:])), fit_seed)
    threshold = conformal_threshold(scorer(training.take(np.sort(order[:n_calibration]))))
    return np.asarray(scorer(test) > threshold)


def _texts(caught: list[warnings.WarningMessage]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(" ".join(str(warning.message).split()) for warning in caught))
