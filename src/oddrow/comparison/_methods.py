"""The protocol of a detection method, and adapters for oddrow, scikit-learn, PyOD and the rival methods."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.base import clone

from oddrow.comparison._plain_encoding import PlainEncoding
from oddrow.comparison._rivals import RIVALS, Floats, Oddness
from oddrow.detector import AutoencoderDetector, VAEDetector
from oddrow.exceptions import MissingExtraError, OddrowError, SettingError

__all__ = [
    "METHODS",
    "DecidingScorer",
    "DetectorMethod",
    "EstimatorMethod",
    "Method",
    "MethodRows",
    "PlainEncoding",
    "RivalMethod",
    "Scorer",
    "method_of",
]

Detector: TypeAlias = VAEDetector | AutoencoderDetector


@dataclass(frozen=True, eq=False)
class MethodRows:
    """The same rows as a table, for oddrow's detectors, and as a matrix, for all other methods.

    Attributes
    ----------
    table : Arrow table of n rows
    encoded : float64 [n, d], finite; see :class:`PlainEncoding`
    """

    table: pa.Table
    encoded: Floats

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.table.num_rows)

    def take(self, index: npt.NDArray[np.int64]) -> MethodRows:
        """Return the rows with the numbers ``index``, in that order."""
        return MethodRows(self.table.take(index), self.encoded[index])


class Scorer(Protocol):
    """A function from rows to scores: float64 [n], finite; higher is odder."""

    def __call__(self, rows: MethodRows) -> Floats: ...


@runtime_checkable
class DecidingScorer(Protocol):
    """A scorer with a decision of its own: a row is odd if its score is above the threshold."""

    @property
    def threshold(self) -> float: ...

    def __call__(self, rows: MethodRows) -> Floats: ...


@runtime_checkable
class Method(Protocol):
    """A detection method with a name."""

    @property
    def name(self) -> str: ...

    def fit(self, rows: MethodRows, seed: int) -> Scorer:
        """Fit the method to rows; the same rows and seed give the same scorer."""


@dataclass(frozen=True)
class DetectorScorer:
    """A fitted detector of oddrow: its score is the surprise in nats."""

    detector: Detector
    threshold: float

    def __call__(self, rows: MethodRows) -> Floats:
        return self.detector.surprise(rows.table)


@dataclass(frozen=True)
class DetectorMethod:
    """One of oddrow's detectors: it reads the table itself and has a decision of its own.

    ``pattern`` is an unfitted detector, which is copied for each fit.
    """

    name: str
    pattern: Detector

    def fit(self, rows: MethodRows, seed: int) -> DetectorScorer:
        """Fit a copy of the pattern; the score is the surprise in nats."""
        policy = self.pattern.policy
        if policy is not None and policy.needs.all_rows:
            raise SettingError(
                f"{self.name}: its policy looks at a whole batch, and a comparison takes one threshold for all rows; "
                "give it a policy that decides a row by itself"
            )
        detector: Detector = clone(self.pattern).set_params(random_state=seed).fit(rows.table)
        return DetectorScorer(detector, -float(detector.offset_))


@dataclass(frozen=True)
class _EncodedScorer:
    """A scorer of encoded rows that checks the number of scores and that they are finite."""

    name: str
    oddness: Oddness

    def __call__(self, rows: MethodRows) -> Floats:
        scores = np.asarray(self.oddness(rows.encoded), np.float64)
        if scores.shape != (rows.n_rows,):
            raise OddrowError(f"{self.name} gives scores of shape {scores.shape} for {rows.n_rows} rows")
        if not np.isfinite(scores).all():
            bad = int(np.argmin(np.isfinite(scores)))
            raise OddrowError(f"{self.name} gives row {bad}, counted from 0, the score {scores[bad]}")
        return scores


@dataclass(frozen=True)
class RivalMethod:
    """One of the methods of :mod:`oddrow.comparison._rivals`."""

    name: str
    learn: Callable[[Floats, int], Oddness]

    def fit(self, rows: MethodRows, seed: int) -> Scorer:
        """Fit the method to the encoded rows."""
        return _EncodedScorer(self.name, self.learn(rows.encoded, seed))


@dataclass(frozen=True)
class EstimatorMethod:
    """An estimator with ``fit`` and ``score_samples`` or ``decision_function``.

    Attributes
    ----------
    name : name in the report
    pattern : the estimator, copied for each fit; its ``random_state`` is set to the seed, its ``novelty`` to True
    higher_is_odder : sign of the scores: True for PyOD, False for scikit-learn
    """

    name: str
    pattern: Any
    higher_is_odder: bool = False

    def fit(self, rows: MethodRows, seed: int) -> Scorer:
        """Fit a copy of the pattern to the encoded rows."""
        estimator = clone(self.pattern, safe=False)
        parameters = estimator.get_params() if hasattr(estimator, "get_params") else {}
        known = {"random_state": seed, "novelty": True}
        settings = {key: value for key, value in known.items() if key in parameters}
        if settings:
            estimator.set_params(**settings)
        estimator.fit(rows.encoded)
        score = getattr(estimator, "score_samples", None)
        if score is None or self.higher_is_odder:
            score = estimator.decision_function
        sign = 1.0 if self.higher_is_odder else -1.0
        return _EncodedScorer(self.name, lambda later: sign * np.asarray(score(later), np.float64))


METHODS: Mapping[str, Method] = {
    "oddrow": DetectorMethod("oddrow", VAEDetector()),
    "oddrow-article": DetectorMethod("oddrow-article", VAEDetector(settings="article")),
    "oddrow-autoencoder": DetectorMethod("oddrow-autoencoder", AutoencoderDetector()),
    **{name: RivalMethod(name, learn) for name, learn in RIVALS.items()},
}
"""The methods by name: oddrow's detectors, and the rival methods."""

PYOD = "pyod:"


def method_of(what: Any) -> Method:
    """Return the method that a name or an object means.

    Parameters
    ----------
    what
        A name in :data:`METHODS`; the class name of a scikit-learn outlier detector, such as "EllipticEnvelope";
        "pyod:NAME" for a detector of PyOD (the extra ``oddrow[pyod]``), such as "pyod:COPOD"; an estimator with
        ``fit`` and ``score_samples`` or ``decision_function`` (with scikit-learn's sign, unless it is PyOD's); an
        object with the protocol :class:`Method`.

    Raises
    ------
    SettingError
        If there is no such method; the message lists the names.
    MissingExtraError
        If PyOD is not installed.

    Examples
    --------
    >>> method_of("knn1").name
    'knn1'
    >>> from sklearn.ensemble import IsolationForest
    >>> method_of(IsolationForest(n_estimators=10)).name
    'IsolationForest(n_estimators=10)'
    """
    if isinstance(what, str):
        return _named(what)
    if isinstance(what, VAEDetector | AutoencoderDetector):
        return DetectorMethod(_one_line(what), what)
    if not isinstance(what, type) and hasattr(what, "fit"):
        if isinstance(what, Method):
            return what
        scores = any(hasattr(what, name) for name in ("score_samples", "decision_function"))
        # a LocalOutlierFactor has no score methods until novelty is True
        if scores or "novelty" in getattr(what, "get_params", dict)():
            return EstimatorMethod(_one_line(what), what, _is_pyod(what))
    raise SettingError(
        f"{what!r:.60} is no method: give an object (no class) with fit, and with score_samples or decision_function; "
        f"or choose from {_choices()}"
    )


def _named(name: str) -> Method:
    if name in METHODS:
        return METHODS[name]
    if name.startswith(PYOD):
        return EstimatorMethod(name, _pyod_class(name)(), higher_is_odder=True)
    estimators = _sklearn_outlier_detectors()
    if name in estimators:
        return EstimatorMethod(name, estimators[name]())
    raise SettingError(
        f"{name!r} is no method; choose from {_choices()}; from scikit-learn {', '.join(estimators)}; "
        "or give pyod:NAME for a detector of PyOD"
    )


def _choices() -> str:
    return ", ".join(METHODS)


def _sklearn_outlier_detectors() -> dict[str, type]:
    from sklearn.base import OutlierMixin
    from sklearn.utils import all_estimators  # imports all of scikit-learn, so only for a name that is not ours

    return {name: one for name, one in all_estimators() if issubclass(one, OutlierMixin)}


def _pyod_class(name: str) -> type:
    try:
        models = importlib.import_module("pyod.models")
    except ImportError as error:
        raise MissingExtraError(
            f"{name} needs PyOD, which cannot be imported; run: pip install 'oddrow[pyod]'"
        ) from error
    wanted = name.removeprefix(PYOD).lower()
    modules = [wanted]
    modules += [found.name for found in pkgutil.iter_modules(getattr(models, "__path__", []))]
    for module in dict.fromkeys(modules):
        if module.replace("_", "") != wanted:
            continue
        try:
            contents = vars(importlib.import_module(f"pyod.models.{module}"))
        except ModuleNotFoundError as error:
            if error.name == f"pyod.models.{module}":
                continue
            raise MissingExtraError(f"{name} needs {error.name}, which PyOD does not install; install it") from error
        for key, value in contents.items():
            if key.lower() == wanted and isinstance(value, type):
                return value
    raise SettingError(
        f"PyOD has no detector {name.removeprefix(PYOD)!r}; give the name of its class, such as pyod:COPOD"
    )


def _is_pyod(estimator: Any) -> bool:
    return any(base.__module__.split(".")[0] == "pyod" for base in type(estimator).__mro__)


def _one_line(estimator: Any) -> str:
    """Return the repr of the estimator on one line; it shows the settings that differ from the defaults."""
    return " ".join(repr(estimator).split())
