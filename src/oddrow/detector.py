"""The estimators: they compose table, model, training, scoring and explanation, and hold no numerics."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from oddrow.exceptions import DataError, SchemaMismatchError, SettingError
from oddrow.explanation import Explanation, explain
from oddrow.model import MixedLikelihood, NetworkShape, SquaredError
from oddrow.scoring import (
    Calibration,
    FeatureRange,
    FittedModel,
    LatentProjection,
    ReconstructionEvidence,
    Surprise,
    SurpriseModel,
    ViewEvidence,
    checked_contamination,
    false_alarm_threshold,
    training_share_threshold,
)
from oddrow.table import EncodedTable, EncodingStyle, TableEncoding, TableSchema, as_table

if TYPE_CHECKING:
    from oddrow.training import TrainingSettings

AUTO_FALSE_ALARMS = 0.01
"""``contamination="auto"`` flags what one normal row in a hundred reaches."""


@dataclass(frozen=True)
class DetectorSettings:
    """One named choice of encoding, network and hold-out.

    ``stopping_share`` of the training table is watched for early stopping and sets the scale of the views,
    ``calibration_share`` calibrates the surprise; neither trains. Both zero: the training rows calibrate, as in the
    article.
    """

    style: EncodingStyle
    hidden: tuple[int, ...]
    n_latent: int
    stopping_share: float
    calibration_share: float


SETTINGS: Mapping[str, DetectorSettings] = {
    "default": DetectorSettings("standard", (128, 128), 16, stopping_share=0.1, calibration_share=0.2),
    "article": DetectorSettings("article", (60,), 40, stopping_share=0.0, calibration_share=0.0),
}


class _Detector(OutlierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """What the detectors share; they differ in whether the latent is sampled."""

    settings: str
    contamination: str | float
    columns: Mapping[str, str] | None
    encoding: TableEncoding | None
    random_state: int | np.random.Generator | np.random.RandomState | None
    on_progress: Callable[[int, int, float], None] | None
    model_: FittedModel
    offset_: float
    n_features_in_: int
    feature_names_in_: npt.NDArray[np.object_]

    @property
    @abstractmethod
    def _is_variational(self) -> bool: ...

    @property
    @abstractmethod
    def _kl_weight(self) -> float: ...

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Learn from normal rows.

        Parameters
        ----------
        X
            Table [n, n_columns] with at least 2 rows: pandas, polars, Arrow, anything narwhals understands, or a
            2-D array (its columns are named x0, x1, ...). Missing values are welcome, infinite ones are not.
        y
            Ignored.

        Raises
        ------
        DataError
            If the table cannot be learned from; the text names the column and the way out.
        SettingError
            If a parameter has no meaning.
        TrainingError
            If the loss stops being finite.
        """
        settings = _checked_settings(self.settings)
        contamination = checked_contamination(self.contamination)
        table = self._as_table(X, reset=True)
        if table.num_rows < 2:
            raise DataError(
                f"the table has n_samples={table.num_rows} row; fitting needs at least 2 (1 sample is no sample)"
            )
        schema = TableSchema.infer(table, self.columns) if self.encoding is None else self.encoding.schema
        rng = _generator(self.random_state)
        parts = _split(table.num_rows, settings, rng)
        encoding = self.encoding or TableEncoding.learn(schema, table.take(parts.training), settings.style)
        encoded = encoding.encode(table)
        surprise_model, projection = self._learn(settings, encoding, _select(encoded, parts), rng)
        if contamination is None:
            n_calibration = len(surprise_model.calibration.scores)
            threshold = false_alarm_threshold(AUTO_FALSE_ALARMS, n_calibration, held_out=settings.calibration_share > 0)
        else:
            threshold = training_share_threshold(contamination, surprise_model.score(encoded).surprise)
        self.model_ = FittedModel(encoding, surprise_model, projection, threshold)
        self.offset_ = -threshold.surprise
        return self

    def _learn(
        self, settings: DetectorSettings, encoding: TableEncoding, parts: _Encoded, rng: np.random.Generator
    ) -> tuple[SurpriseModel, LatentProjection]:
        from oddrow.training import fit_network  # JAX is loaded here and nowhere else

        is_article = settings.style == "article"
        likelihood = SquaredError(encoding.layout) if is_article else MixedLikelihood(encoding.layout)
        shape = NetworkShape(
            encoding.layout.n_features,
            settings.hidden,
            settings.n_latent,
            likelihood.n_outputs,
            self._is_variational,
        )
        training_settings = self._training_settings(is_article)
        network = fit_network(
            shape, likelihood, parts.training, parts.stopping, training_settings, rng, self.on_progress
        )
        evidence_model: ViewEvidence | ReconstructionEvidence
        if isinstance(likelihood, SquaredError):
            unbounded = FeatureRange.unbounded(encoding.layout.n_features)
            evidence_model = ReconstructionEvidence(network, likelihood, unbounded)
        else:
            scale_rows = parts.stopping or parts.calibration
            evidence_model = ViewEvidence.learn(network, likelihood, parts.training, scale_rows, rng)
        calibration = Calibration.learn(evidence_model.evidence(parts.calibration).raw)
        surprise_model = SurpriseModel(evidence_model, calibration)
        return surprise_model, LatentProjection.learn(surprise_model.read(parts.training).latent)

    def _training_settings(self, is_article: bool) -> TrainingSettings:
        from oddrow.training import ARTICLE_TRAINING, DEFAULT_TRAINING

        return (ARTICLE_TRAINING if is_article else DEFAULT_TRAINING).with_kl_weight(self._kl_weight)

    def surprise(self, X: Any) -> npt.NDArray[np.float64]:
        """Surprise of each row in nats, float64 [n]; higher is stranger.

        ``-ln(share of normal rows at least this strange)``: 4.6 is one normal row in a hundred, 6.9 one in a thousand.
        """
        return self._score(X).surprise

    def p_value(self, X: Any) -> npt.NDArray[np.float64]:
        """Conformal p-value of each row, float64 [n]; lower is stranger, the lowest is 1 / (held-out rows + 1)."""
        return self._score(X).p_value

    def score_samples(self, X: Any) -> npt.NDArray[np.float64]:
        """Negative surprise, float64 [n]; higher is more normal (scikit-learn's sign)."""
        return -self.surprise(X)

    def decision_function(self, X: Any) -> npt.NDArray[np.float64]:
        """``score_samples(X) - offset_``, float64 [n]; negative where the row is odd."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> npt.NDArray[np.int64]:
        """+1 for a normal row, -1 for an odd one; int [n]."""
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def explain(self, X: Any, top: int | None = 3) -> tuple[Explanation, ...]:
        """Why each row has its surprise: its ``top`` strongest columns (None: all), see :class:`Explanation`."""
        table = self._as_table(X, reset=False)
        return explain(self.model_, table, top)

    def embed(self, X: Any) -> npt.NDArray[np.float64]:
        """Latent means of the rows, float64 [n, n_latent]."""
        table = self._as_table(X, reset=False)
        return self.model_.latent(table)

    def latent_map(self, X: Any) -> npt.NDArray[np.float64]:
        """The rows on the first two principal components of the training rows' latent means, float64 [n, 2]."""
        latent = self.embed(X)  # first, for it says so where the detector is not fitted
        return self.model_.projection.apply(latent)

    def _score(self, X: Any) -> Surprise:
        table = self._as_table(X, reset=False)
        return self.model_.score(table)

    def _as_table(self, X: Any, *, reset: bool) -> pa.Table:
        """The table and, when fitting, its names; when scoring, an array must have as many columns as in training."""
        if not reset:
            check_is_fitted(self, "model_")
        table = as_table(X)
        is_array = not _has_column_names(X)
        if reset:
            self.n_features_in_ = table.num_columns
            if hasattr(self, "feature_names_in_"):
                del self.feature_names_in_
            if not is_array:
                self.feature_names_in_ = np.asarray(table.column_names, dtype=object)
        elif is_array and table.num_columns != self.n_features_in_:
            raise SchemaMismatchError(
                f"X has {table.num_columns} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        elif is_array and hasattr(self, "feature_names_in_"):
            table = table.rename_columns([str(name) for name in self.feature_names_in_])
        return table

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


class VAEDetector(_Detector):
    """A variational autoencoder over the rows of a mixed table.

    Trained on normal rows, it gives every later row a surprise in nats, a p-value, a decision, and the columns that
    caused it. Kingma and Welling, *Auto-Encoding Variational Bayes* (2014).

    Parameters
    ----------
    settings : {"default", "article"}
        "article" is the network, encoding, loss, training and score of the experiment oddrow starts from.
    kl_weight : float
        Factor of the KL term, in nats of loss per nat of KL. 1.0 makes the loss the negative evidence lower
        bound; the KL is summed over the latent dimensions and the reconstruction over the columns, both averaged
        over the rows.
    contamination : "auto" or float
        "auto" flags what one normal row in a hundred reaches (99th percentile of held-out rows); a number from 0 to 0.5
        flags exactly that share of the training rows, ties excepted.
    columns : mapping of column name to kind, optional
        Kinds given by hand ("number", "boolean", "category", "timestamp", "text", "constant", "ignore").
    encoding : TableEncoding, optional
        An encoding learned elsewhere; by default it is learned from the training rows.
    random_state : int, Generator, RandomState or None
        Source of all randomness of the fit; the same seed gives the same model.
    on_progress : callable, optional
        Called as ``on_progress(steps_done, steps_at_most, training_loss)`` while fitting.

    Attributes
    ----------
    model_ : FittedModel
    offset_ : float
        ``-threshold`` in nats.
    n_features_in_, feature_names_in_
        As in scikit-learn; the names only where the table had some.

    Examples
    --------
    >>> import oddrow
    >>> connections = oddrow.datasets.make_connections(600, odd_share=0.0, random_state=0)
    >>> detector = oddrow.VAEDetector(random_state=0).fit(connections.table)
    >>> detector.surprise(connections.table).shape
    (600,)
    """

    def __init__(
        self,
        *,
        settings: str = "default",
        kl_weight: float = 1.0,
        contamination: str | float = "auto",
        columns: Mapping[str, str] | None = None,
        encoding: TableEncoding | None = None,
        random_state: int | np.random.Generator | np.random.RandomState | None = None,
        on_progress: Callable[[int, int, float], None] | None = None,
    ) -> None:
        self.settings = settings
        self.kl_weight = kl_weight
        self.contamination = contamination
        self.columns = columns
        self.encoding = encoding
        self.random_state = random_state
        self.on_progress = on_progress

    @property
    def _is_variational(self) -> bool:
        return True

    @property
    def _kl_weight(self) -> float:
        if not (np.isfinite(self.kl_weight) and self.kl_weight >= 0):
            raise SettingError(f"kl_weight is {self.kl_weight!r}; give a finite number >= 0 (1.0 is the true bound)")
        return float(self.kl_weight)


class AutoencoderDetector(_Detector):
    """The same network without sampling and KL: the rival that the experiment starts from.

    Parameters and attributes are those of :class:`VAEDetector`, without ``kl_weight``.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(200, 3))
    >>> int(AutoencoderDetector(random_state=0).fit(rows).predict([[0.0, 0.0, 40.0]])[0])
    -1
    """

    def __init__(
        self,
        *,
        settings: str = "default",
        contamination: str | float = "auto",
        columns: Mapping[str, str] | None = None,
        encoding: TableEncoding | None = None,
        random_state: int | np.random.Generator | np.random.RandomState | None = None,
        on_progress: Callable[[int, int, float], None] | None = None,
    ) -> None:
        self.settings = settings
        self.contamination = contamination
        self.columns = columns
        self.encoding = encoding
        self.random_state = random_state
        self.on_progress = on_progress

    @property
    def _is_variational(self) -> bool:
        return False

    @property
    def _kl_weight(self) -> float:
        return 0.0


@dataclass(frozen=True)
class _Parts:
    """Indices of the rows that train, that are watched, and that calibrate."""

    training: npt.NDArray[np.int64]
    stopping: npt.NDArray[np.int64]
    calibration: npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Encoded:
    """The encoded rows of each part; ``stopping`` is None where there are none."""

    training: EncodedTable
    stopping: EncodedTable | None
    calibration: EncodedTable


def _split(n_rows: int, settings: DetectorSettings, rng: np.random.Generator) -> _Parts:
    """A random split; the rows of each part stay in the order of the table."""
    if settings.calibration_share == 0:
        everything = np.arange(n_rows)
        return _Parts(everything, everything[:0], everything)
    n_calibration = max(1, round(settings.calibration_share * n_rows))
    n_stopping = max(1, round(settings.stopping_share * n_rows)) if n_rows > 2 else 0
    order = rng.permutation(n_rows)
    held_out = n_calibration + n_stopping
    return _Parts(np.sort(order[held_out:]), np.sort(order[n_calibration:held_out]), np.sort(order[:n_calibration]))


def _select(encoded: EncodedTable, parts: _Parts) -> _Encoded:
    stopping = encoded.take(parts.stopping) if len(parts.stopping) else None
    return _Encoded(encoded.take(parts.training), stopping, encoded.take(parts.calibration))


def _checked_settings(name: str) -> DetectorSettings:
    if name not in SETTINGS:
        raise SettingError(f"settings is {name!r}; choose from {', '.join(map(repr, SETTINGS))}")
    return SETTINGS[name]


def _has_column_names(X: Any) -> bool:
    """Whether a table names its columns itself; asked of the type, since a lazy frame would resolve its plan."""
    named = ("columns", "column_names", "__arrow_c_stream__")
    return isinstance(X, Mapping) or any(hasattr(type(X), name) for name in named)


def _generator(random_state: int | np.random.Generator | np.random.RandomState | None) -> np.random.Generator:
    """A generator of its own: an int always starts anew, a generator or RandomState moves on."""
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31))
    try:
        return np.random.default_rng(random_state)
    except (TypeError, ValueError) as error:
        raise SettingError(
            f"random_state is {random_state!r}; give a whole number >= 0, a Generator or None"
        ) from error
