"""The estimators: a variational autoencoder, and the plain autoencoder as its baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import Tags
from sklearn.utils.metadata_routing import UNUSED

from oddrow.columns import TableEncoding
from oddrow.density import TrainingHealth
from oddrow.detector import _feedback, _learning, _reporting, _scoring
from oddrow.fitted import FittedModel
from oddrow.fitting import Cleaning, OrderTest
from oddrow.policies import Policy
from oddrow.sequences import EntityHistory, Preparation, Windows


class VAEDetector(OutlierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A variational autoencoder over the rows of a mixed table.

    Trained on normal rows, it returns for every later row a surprise in nats, a p-value, a decision, and the columns
    that contribute to it. Kingma and Welling, *Auto-Encoding Variational Bayes* (2014).

    Parameters
    ----------
    settings : {"default", "narrow", "article"}
        "narrow" is the default with a network of a quarter of its width and of its latent size; "article" is the
        network, encoding, loss, training and score of the experiment oddrow starts from.
    kl_weight : float
        Factor of the KL term, in nats of loss per nat of KL. 1.0 makes the loss the negative evidence lower
        bound; the KL is summed over the latent dimensions and the reconstruction over the columns, both averaged
        over the rows.
    contamination : "auto" or float
        "auto" flags about one normal row in a hundred (above the 99th percentile of held-out rows; with fewer than 99,
        their second strangest); a number from 0 to 0.5 flags exactly that share of the training rows, except for ties.
    policy : FalseAlarmRate, AlertBudget, FalseDiscoveryRate, FixedSurprise or Cost, optional
        The policy that decides instead of ``contamination``; see :meth:`set_policy`.
    view_weights : mapping of view to number, optional
        Weights of the views of a row, 1 for each view that is not named: "likelihood", "marginal", "dependence",
        "sparseness", "rank_sparseness", "latent_nearest", "random_subsets", "related_subsets", "nearest",
        "rank_nearest". 0 leaves a view out. The article's setting has no views.
    calibration : {"auto", "split", "cross", "blocks"}
        "auto" is "blocks" if ``time``, ``group`` or ``sequences`` is given, else "split". "split" holds a fifth of the
        rows out to calibrate: p-values are valid in finite samples, for rows like those that were not set aside.
        "cross" lets every row train and calibrate, at the cost of five further fits: use it for small tables, where a
        fifth is too few rows for a false-alarm rate of 1 %. "blocks" does the same for rows that depend on each other:
        it holds out contiguous blocks of time, or whole groups; give ``time`` or ``group``.
    time : str, optional
        With ``calibration="blocks"``, the column by whose times or numbers the rows are ordered; "order" means the
        order of the rows in the table.
    group : str, optional
        With ``calibration="blocks"``, a column of customers, machines, patients, ... Without ``time``, whole groups are
        held out: later rows may come from new groups. With ``time``, later rows come from the same groups. The column
        is not learned from, unless ``columns`` gives it a kind.
    gap : int, optional
        With ``time``, the number of time steps between the held-out rows and the rows that a fit learns from; by
        default it is estimated from the autocorrelation of the columns.
    sequences : Windows or EntityHistory, optional
        What derives the rows that are scored from the ordered rows of a table, see :mod:`oddrow.sequences`: windows of
        the last rows of an entity, or features of a row from the earlier rows of its entity. A learned one (a
        ``WindowPlan`` or a ``HistoryPlan``) is taken as it is. Its time is also ``time``, if that is not given.
    clean : {"assume", "robust"}
        "assume" learns from every row. "robust" is for tables of which a few percent may be odd: rows that stand out
        by their distance to random others are set aside before anything is learned, see ``cleaning_``.
    columns : mapping of column name to kind, optional
        Kinds set by hand ("number", "boolean", "category", "timestamp", "text", "constant", "ignore").
    encoding : TableEncoding, optional
        An encoding learned elsewhere; by default it is learned from the training rows.
    random_state : int, Generator, RandomState or None
        Source of all randomness of the fit; the same seed gives the same model.
    max_steps : int, optional
        Maximum number of training steps; by default that of the settings.
    time_limit : float, optional
        Seconds of training after which the best weights so far are kept (after at least one check of the held-out
        rows). Without a limit the model does not depend on the clock.
    checkpoint : path, optional
        A folder that keeps the state of the fit while it runs. A fit that was killed and resumed gives the same model,
        bit for bit. The file is deleted when the fit ends by itself. Requires a ``random_state``.
    resume : bool
        Whether to continue from the checkpoint; if there is none, the fit begins anew.
    on_progress : callable, optional
        Called as ``on_progress(steps_done, steps_at_most, training_loss)`` while fitting.
    on_interrupt : callable, optional
        Called at the next check of the held-out rows after Ctrl-C: True keeps the best weights so far, False continues
        training. Without it Ctrl-C raises KeyboardInterrupt.
    on_phase : callable, optional
        Called as ``on_phase(name)`` when a phase of the fit begins: "cleaning" (with ``clean="robust"``), "fitting" and
        "calibrating", the last two as often as there are fits.
    device : str
        The device that trains: "auto", an accelerator if JAX finds one, or a platform of JAX ("cpu", "gpu", "tpu"). The
        same seed gives the same model on one kind of device; scoring never needs one. ``health_.device`` says which it
        was.

    Attributes
    ----------
    model_ : FittedModel
    cleaning_ : Cleaning or None
        With ``clean="robust"``, the estimated share of odd rows, its interval, and the indices of the rows set aside;
        with ``sequences``, those of derived rows.
    order_test_ : OrderTest or None
        With ``calibration="split"``, whether the held-out rows depend on their order in the table; None if they are too
        few, and in a detector from a file.
    health_ : TrainingHealth
        How the fit went: its learning curve, why it ended, active latent units, and what is wrong with it.
    offset_ : float
        ``-threshold`` in nats; NaN where the policy's threshold depends on the batch.
    notes_ : tuple of str
        Sentences about columns with special treatment, for example columns that were left out.
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

    __metadata_request__fit = {"start_from": UNUSED}  # noqa: RUF012 - scikit-learn's: no metadata that a pipeline routes

    model_: FittedModel
    cleaning_: Cleaning | None
    order_test_: OrderTest | None
    offset_: float
    n_features_in_: int
    feature_names_in_: npt.NDArray[np.object_]

    def __init__(
        self,
        *,
        settings: str = "default",
        kl_weight: float = 1.0,
        contamination: str | float = "auto",
        policy: Policy | None = None,
        view_weights: Mapping[str, float] | None = None,
        calibration: str = "auto",
        time: str | None = None,
        group: str | None = None,
        gap: int | None = None,
        sequences: Windows | EntityHistory | Preparation | None = None,
        clean: str = "assume",
        columns: Mapping[str, str] | None = None,
        encoding: TableEncoding | None = None,
        random_state: int | np.random.Generator | np.random.RandomState | None = None,
        max_steps: int | None = None,
        time_limit: float | None = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        on_progress: Callable[[int, int, float], None] | None = None,
        on_interrupt: Callable[[], bool] | None = None,
        on_phase: Callable[[str], None] | None = None,
        device: str = "auto",
    ) -> None:
        self.settings = settings
        self.kl_weight = kl_weight
        self.contamination = contamination
        self.policy = policy
        self.view_weights = view_weights
        self.calibration = calibration
        self.time = time
        self.group = group
        self.gap = gap
        self.sequences = sequences
        self.clean = clean
        self.columns = columns
        self.encoding = encoding
        self.random_state = random_state
        self.max_steps = max_steps
        self.time_limit = time_limit
        self.checkpoint = checkpoint
        self.resume = resume
        self.on_progress = on_progress
        self.on_interrupt = on_interrupt
        self.on_phase = on_phase
        self.device = device

    @property
    def is_variational(self) -> bool:
        """Whether the latent is sampled: always, in this class."""
        return True

    # Both estimators have these methods, which are written once, as functions.
    fit = _learning.fit
    fit_batches = _learning.fit_batches
    fit_sampled = _learning.fit_sampled
    sampling = _learning.sampling
    set_policy = _scoring.set_policy
    with_feedback = _feedback.with_feedback
    without_rules = _feedback.without_rules
    without_weights = _feedback.without_weights
    surprise = _scoring.surprise
    p_value = _scoring.p_value
    score_samples = _scoring.score_samples
    decision_function = _scoring.decision_function
    predict = _scoring.predict
    decide = _scoring.decide
    explain = _scoring.explain
    embed = _scoring.embed
    latent_map = _scoring.latent_map
    report = _reporting.report
    plot_map = _scoring.plot_map
    _repr_html_ = _scoring.html
    _repr_mimebundle_ = _scoring.mimebundle

    @property
    def health_(self) -> TrainingHealth:
        """How the fit went: a frozen value, with a diagnosis in words where something is wrong."""
        return _scoring.health(self)

    @property
    def notes_(self) -> tuple[str, ...]:
        """Sentences about columns with special treatment, for example columns that were left out."""
        return _scoring.notes(self)

    def __sklearn_tags__(self) -> Tags:
        """Return the tags by which scikit-learn's checks choose the input."""
        return takes_mixed_tables(super().__sklearn_tags__())


class AutoencoderDetector(OutlierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """The same network without sampling and KL term: the baseline with which the experiment starts.

    Parameters and attributes are those of :class:`VAEDetector`, without ``kl_weight``.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(200, 3))
    >>> int(AutoencoderDetector(random_state=0).fit(rows).predict([[0.0, 0.0, 40.0]])[0])
    -1
    """

    __metadata_request__fit = {"start_from": UNUSED}  # noqa: RUF012 - scikit-learn's: no metadata that a pipeline routes

    model_: FittedModel
    cleaning_: Cleaning | None
    order_test_: OrderTest | None
    offset_: float
    n_features_in_: int
    feature_names_in_: npt.NDArray[np.object_]

    kl_weight = 0.0
    """The latent is not sampled, so the loss has no KL term."""

    def __init__(
        self,
        *,
        settings: str = "default",
        contamination: str | float = "auto",
        policy: Policy | None = None,
        view_weights: Mapping[str, float] | None = None,
        calibration: str = "auto",
        time: str | None = None,
        group: str | None = None,
        gap: int | None = None,
        sequences: Windows | EntityHistory | Preparation | None = None,
        clean: str = "assume",
        columns: Mapping[str, str] | None = None,
        encoding: TableEncoding | None = None,
        random_state: int | np.random.Generator | np.random.RandomState | None = None,
        max_steps: int | None = None,
        time_limit: float | None = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        on_progress: Callable[[int, int, float], None] | None = None,
        on_interrupt: Callable[[], bool] | None = None,
        on_phase: Callable[[str], None] | None = None,
        device: str = "auto",
    ) -> None:
        self.settings = settings
        self.contamination = contamination
        self.policy = policy
        self.view_weights = view_weights
        self.calibration = calibration
        self.time = time
        self.group = group
        self.gap = gap
        self.sequences = sequences
        self.clean = clean
        self.columns = columns
        self.encoding = encoding
        self.random_state = random_state
        self.max_steps = max_steps
        self.time_limit = time_limit
        self.checkpoint = checkpoint
        self.resume = resume
        self.on_progress = on_progress
        self.on_interrupt = on_interrupt
        self.on_phase = on_phase
        self.device = device

    @property
    def is_variational(self) -> bool:
        """Whether the latent is sampled: never, in this class."""
        return False

    # Both estimators have these methods, which are written once, as functions.
    fit = _learning.fit
    fit_batches = _learning.fit_batches
    fit_sampled = _learning.fit_sampled
    sampling = _learning.sampling
    set_policy = _scoring.set_policy
    with_feedback = _feedback.with_feedback
    without_rules = _feedback.without_rules
    without_weights = _feedback.without_weights
    surprise = _scoring.surprise
    p_value = _scoring.p_value
    score_samples = _scoring.score_samples
    decision_function = _scoring.decision_function
    predict = _scoring.predict
    decide = _scoring.decide
    explain = _scoring.explain
    embed = _scoring.embed
    latent_map = _scoring.latent_map
    report = _reporting.report
    plot_map = _scoring.plot_map
    _repr_html_ = _scoring.html
    _repr_mimebundle_ = _scoring.mimebundle

    @property
    def health_(self) -> TrainingHealth:
        """How the fit went: a frozen value, with a diagnosis in words where something is wrong."""
        return _scoring.health(self)

    @property
    def notes_(self) -> tuple[str, ...]:
        """Sentences about columns with special treatment, for example columns that were left out."""
        return _scoring.notes(self)

    def __sklearn_tags__(self) -> Tags:
        """Return the tags by which scikit-learn's checks choose the input."""
        return takes_mixed_tables(super().__sklearn_tags__())


def takes_mixed_tables(tags: Tags) -> Tags:
    """Return the tags of an estimator whose tables may have missing values, texts and categories."""
    tags.input_tags.allow_nan = True
    tags.input_tags.string = True
    tags.input_tags.categorical = True
    return tags
