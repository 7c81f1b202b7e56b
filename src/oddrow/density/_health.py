"""The health of a fit: its measurements, and the diagnoses that follow from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow._notebook import panel
from oddrow.container import Arrays, ArrayStore
from oddrow.exceptions import ModelFileError

ACTIVE_VARIANCE = 0.01
"""A latent unit whose mean varies more than this over the rows is active (Burda et al. 2016, section 4.2)."""
WATCHED_FOR_CERTAINTY = 50
"""Minimum number of held-out rows for a certain diagnosis. With fewer rows it may be chance, so no warning is given."""
COLLAPSED_KL = 0.01
"""KL in nats per row below which the latent carries no information about the row."""
STRONG_DEPENDENCE = 0.5
"""Correlation between two columns above which an unused latent is a fault. Where columns do not depend on each other,
an unused latent is right: encoding one column alone costs as many nats as it saves."""
COPIED = 0.8
"""Copying share above which a network has learned to copy. On 56 real tables variational fits reach 0.85 on real rows
and 0.37 on shuffled rows; autoencoders reach 0.8 on shuffled rows only where the latent is wide."""
FALLING_SHARE, FALLING_NATS = 0.05, 0.05
"""A fit is still falling if the last fifth of its checks lowers the held-out loss by more than both thresholds: a share
of the whole fall, and nats per row. On the same 56 tables, after all steps, the share is at most 0.033."""
CARRIED_SHARE = 0.5
"""Minimum share of the gain on training rows that must remain on held-out rows. On the same tables it is at least 0.52,
even with 47 rows."""
LEARNED_NATS = 0.5
"""Gain in nats per row on training rows below which too little was learned for its share to mean anything."""


class FitEnd(StrEnum):
    """Why a fit ended."""

    PATIENCE = "patience"
    MAX_STEPS = "max_steps"
    TIME_LIMIT = "time_limit"
    INTERRUPTED = "interrupted"

    @property
    def is_final(self) -> bool:
        """Whether the fit ended by itself; after a time limit or an interrupt it could go on."""
        return self in (FitEnd.PATIENCE, FitEnd.MAX_STEPS)

    @property
    def sentence(self) -> str:
        """The reason in words, as the end of a sentence."""
        return _END_SENTENCES[self]


_END_SENTENCES = {
    FitEnd.PATIENCE: "the held-out loss had stopped falling",
    FitEnd.MAX_STEPS: "all its steps were done",
    FitEnd.TIME_LIMIT: "its time limit was reached",
    FitEnd.INTERRUPTED: "it was interrupted",
}


@dataclass(frozen=True)
class LearningCurve:
    """Losses along the fit, one entry per check, in nats per row.

    ``reconstruction`` and ``kl`` are the unweighted parts of ``held_out_loss``; ``learning_rate`` is the step size that
    the check's last step used. The weights kept are those of ``best_step``.
    """

    step: npt.NDArray[np.int64]
    training_loss: npt.NDArray[np.float64]
    held_out_loss: npt.NDArray[np.float64]
    reconstruction: npt.NDArray[np.float64]
    kl: npt.NDArray[np.float64]
    learning_rate: npt.NDArray[np.float64]
    best_step: int

    def packed(self) -> Arrays:
        """All but ``best_step``."""
        return {name: getattr(self, name) for name in ("step", *_LOSSES)}

    @classmethod
    def unpacked(cls, store: ArrayStore, best_step: int) -> LearningCurve:
        """A curve of at least one check, one of which is the best."""
        steps = store.take("step", np.int64, (None,))
        losses = {name: store.take(name, np.float64, steps.shape) for name in _LOSSES}
        if len(steps) == 0:
            raise ModelFileError("the learning curve is empty")
        return cls(step=steps, best_step=best_step, **losses)


_LOSSES = ("training_loss", "held_out_loss", "reconstruction", "kl", "learning_rate")


@dataclass(frozen=True)
class Rollback:
    """A loss that was not finite at ``step``: the fit returned to step ``back_to`` and a lower ``learning_rate``."""

    step: int
    back_to: int
    learning_rate: float


@dataclass(frozen=True)
class CopyingShare:
    """How far reconstructions are from the best constant prediction (0) to an exact copy of the row (1).

    ``real`` is measured on the watched rows, ``shuffled`` on the same rows with each column shuffled by itself. A model
    that has learned which values belong together is high on real rows and low on shuffled rows; a model that copies is
    high on both.
    """

    real: float
    shuffled: float


@dataclass(frozen=True)
class Gain:
    """Nats per row by which the model's loss is below that of the best constant prediction; higher is better."""

    training: float
    held_out: float


@dataclass(frozen=True)
class Diagnosis:
    """One fault of a fit.

    Attributes
    ----------
    name : "not_finite", "not_converged", "posterior_collapsed", "learned_identity" or "too_few_rows"
    text : what was measured, and what to do
    is_certain : whether enough held-out rows support it; fitting then warns of it, otherwise it is only listed
    """

    name: str
    text: str
    is_certain: bool


@dataclass(frozen=True)
class TrainingHealth:
    """Measurements of a fit, at the weights that it kept.

    Attributes
    ----------
    learning_curve : losses at each check, in total and by part
    end : why the fit ended
    steps_at_most : maximum number of steps
    rows_trained, rows_watched : number of training rows, number of held-out rows (0: training rows were watched)
    n_parameters : number of weights of the network
    kl_weight : factor of the KL term
    kl : KL of each latent unit in nats, averaged over the rows; empty for a network that is not variational
    latent_variance : variance over the rows of each latent unit's mean
    strongest_dependence : largest absolute correlation between features of two different columns
    copying : how much of the reconstruction is copying, see :class:`CopyingShare`
    gain : nats per row that were learned, on training rows and on held-out rows
    rollbacks : each step at which the loss was not finite
    device : device that the fit ran on, such as "cpu"
    """

    learning_curve: LearningCurve
    end: FitEnd
    steps_at_most: int
    rows_trained: int
    rows_watched: int
    n_parameters: int
    kl_weight: float
    kl: tuple[float, ...]
    latent_variance: tuple[float, ...]
    strongest_dependence: float
    copying: CopyingShare
    gain: Gain
    rollbacks: tuple[Rollback, ...] = ()
    device: str = "cpu"

    @property
    def n_active(self) -> int:
        """Active latent units: those whose mean varies by more than 0.01 over the rows (Burda et al. 2016)."""
        return sum(variance > ACTIVE_VARIANCE for variance in self.latent_variance)

    @property
    def is_variational(self) -> bool:
        return bool(self.kl)

    def __repr__(self) -> str:
        wrong = "; ".join(diagnosis.name for diagnosis in self.diagnoses) or "none"
        return (
            f"<TrainingHealth: {self.end.sentence}; best of {int(self.learning_curve.step[-1]):,} steps: "
            f"{self.learning_curve.best_step:,}; {self.rows_trained:,} rows trained, {self.rows_watched:,} watched; "
            f"{self.n_active} of {len(self.latent_variance)} latent units active; diagnoses: {wrong}>"
        )

    def _repr_html_(self) -> str:
        curve = self.learning_curve
        rows = [
            ("end", self.end.sentence),
            ("best step", f"{curve.best_step:,} of {int(curve.step[-1]):,}"),
            ("held-out loss at the best step", f"{curve.held_out_loss[curve.step == curve.best_step][-1]:.4g} nats"),
            ("rows trained, watched", f"{self.rows_trained:,}, {self.rows_watched:,}"),
            ("active latent units", f"{self.n_active} of {len(self.latent_variance)}"),
            ("weights", f"{self.n_parameters:,}"),
            ("device", self.device),
        ]
        faults = [diagnosis.text for diagnosis in self.diagnoses]
        return panel("Health of the fit", faults or ["No fault was found."], ("measurement", "value"), rows)

    @property
    def figures(self) -> HealthFigures:
        """All of it that is not an array, for the model file."""
        names = [field.name for field in fields(HealthFigures) if field.name != "best_step"]
        return HealthFigures(self.learning_curve.best_step, **{name: getattr(self, name) for name in names})

    @cached_property
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """The faults of the fit, the most serious first; empty if there is none."""
        certain = self.rows_watched >= WATCHED_FOR_CERTAINTY
        return tuple(Diagnosis(name, text, certain or name == "not_finite") for name, text in _found(self))


@dataclass(frozen=True)
class HealthFigures:
    """The figures of a fit's health as a model file holds them; named as in :class:`TrainingHealth`.

    Its ``learning_curve`` is arrays, but for ``best_step``.
    """

    best_step: int
    end: FitEnd
    steps_at_most: int
    rows_trained: int
    rows_watched: int
    n_parameters: int
    kl_weight: float
    kl: tuple[float, ...]
    latent_variance: tuple[float, ...]
    strongest_dependence: float
    copying: CopyingShare
    gain: Gain
    rollbacks: tuple[Rollback, ...]
    device: str

    def with_curve(self, curve: LearningCurve, n_latent: int, is_variational: bool) -> TrainingHealth:
        """The whole health, if its figures are those of a network with such a latent.

        Raises
        ------
        ModelFileError
            If they are not.
        """
        if (len(self.kl), len(self.latent_variance)) != (n_latent if is_variational else 0, n_latent):
            raise ModelFileError("the training's health does not fit the network")
        names = [field.name for field in fields(self) if field.name != "best_step"]
        return TrainingHealth(learning_curve=curve, **{name: getattr(self, name) for name in names})


def _found(health: TrainingHealth) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each diagnosis."""
    if health.rollbacks:
        yield "not_finite", _not_finite(health)
    is_unfinished = _is_unfinished(health)
    if is_unfinished:
        yield "not_converged", _not_converged(health)
    # at a KL weight of at most 1, a latent that is unused in an unfinished fit may still come into use
    if _is_collapsed(health) and not (is_unfinished and health.kl_weight <= 1):
        yield "posterior_collapsed", _collapsed(health)
    if min(health.copying.real, health.copying.shuffled) >= COPIED:
        yield "learned_identity", _identity(health)
    if _is_memorised(health):
        yield "too_few_rows", _too_few_rows(health)


def _not_finite(health: TrainingHealth) -> str:
    last = health.rollbacks[-1]
    times = len(health.rollbacks)
    often = "once" if times == 1 else f"{times} times"
    return (
        f"the loss was not finite {often}, last at step {last.step:,}; the fit went on from step "
        f"{last.back_to:,} with learning rate {last.learning_rate:.3g}; look for extreme values in the table"
    )


def _is_unfinished(health: TrainingHealth) -> bool:
    """Whether the held-out loss was still falling when the fit ended; a single check counts as falling."""
    if health.end is FitEnd.PATIENCE:
        return False
    loss = health.learning_curve.held_out_loss
    if len(loss) < 2:
        return True
    return _fall(loss) > max(FALLING_NATS, FALLING_SHARE * float(loss[0] - loss.min()))


def _fall(loss: npt.NDArray[np.float64]) -> float:
    """Return by how many nats the best of the last fifth of the checks is below the best of the earlier checks."""
    last = max(1, len(loss) // 5)
    return float(loss[:-last].min() - loss[-last:].min())


def _not_converged(health: TrainingHealth) -> str:
    loss, steps = health.learning_curve.held_out_loss, int(health.learning_curve.step[-1])
    seen = "" if len(loss) < 2 else f", and the loss was still falling ({_fall(loss):.3g} nats a row in the last fifth)"
    way_out = {
        FitEnd.MAX_STEPS: "give it more steps (max_steps)",
        FitEnd.TIME_LIMIT: "give it more time (time_limit), or resume it from its checkpoint",
        FitEnd.INTERRUPTED: "let it run on, or resume it from its checkpoint",
    }[health.end]
    return f"not converged: {health.end.sentence} after {steps:,} of {health.steps_at_most:,} steps{seen}; {way_out}"


def _is_collapsed(health: TrainingHealth) -> bool:
    is_silent = health.n_active == 0 or sum(health.kl) < COLLAPSED_KL
    return health.is_variational and is_silent and health.strongest_dependence >= STRONG_DEPENDENCE


def _collapsed(health: TrainingHealth) -> str:
    return (
        f"the posterior collapsed: {health.n_active} of {len(health.kl)} latent units are active "
        f"(KL {sum(health.kl):.2g} nats a row) although columns depend on each other (correlation up to "
        f"{health.strongest_dependence:.2f}), so the likelihood judges each column by itself; "
        f"lower kl_weight from {health.kl_weight:g}" + ("" if health.kl_weight > 1 else ", or give more rows")
    )


def _identity(health: TrainingHealth) -> str:
    way_out = (
        f"raise kl_weight from {health.kl_weight:g} to 1" if health.is_variational else "use the variational detector"
    )
    return (
        f"the network learned to copy: it reconstructs rows whose columns were shuffled as well as real rows "
        f"({health.copying.shuffled:.0%} and {health.copying.real:.0%} of the way to an exact copy), so its "
        f"reconstruction error does not find odd rows; {way_out}"
    )


def _is_memorised(health: TrainingHealth) -> bool:
    gain = health.gain
    return (
        health.rows_trained < health.n_parameters
        and gain.training > LEARNED_NATS
        and gain.held_out < CARRIED_SHARE * gain.training
    )


def _too_few_rows(health: TrainingHealth) -> str:
    return (
        f"too few rows: what {health.n_parameters:,} weights learned from {health.rows_trained:,} training rows does "
        f"not hold for held-out rows (better than the best constant prediction by {health.gain.training:.3g} nats a "
        f"row on training rows, by {health.gain.held_out:.3g} on held-out rows); give more rows or fewer columns"
    )
