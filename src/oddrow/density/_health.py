"""How a fit went: what was measured of it, and what is wrong with it in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow.container import Arrays, ArrayStore
from oddrow.exceptions import ModelFileError

ACTIVE_VARIANCE = 0.01
"""A latent unit whose mean varies more than this over the rows is active (Burda et al. 2016, section 4.2)."""
WATCHED_FOR_CERTAINTY = 50
"""Held-out rows below which a diagnosis may be chance: it is then listed, and not warned of."""
COLLAPSED_KL = 0.01
"""Nats a row; a code this short tells nothing of its row."""
STRONG_DEPENDENCE = 0.5
"""Correlation between two columns from which on a latent has something to say. Columns that do not depend on each other
rightly leave it unused: a code for one column alone costs what it saves."""
COPIED = 0.8
"""Share of the way from guessing each column by itself to an exact copy. Seen on 56 real tables: variational fits reach
0.85 on real rows and 0.37 on shuffled ones, autoencoders 0.8 on shuffled ones only where the latent is wider."""
FALLING_SHARE, FALLING_NATS = 0.05, 0.05
"""Share of the whole fall of the held-out loss, and nats a row, that make the last fifth of a fit a marked fall. Seen
on the same tables where all steps were done: at most 0.033 of it."""
CARRIED_SHARE = 0.5
"""Share of what was learned on training rows that must hold on held-out ones. Seen: at least 0.52, even of 47 rows."""
LEARNED_NATS = 0.5
"""Nats a row below which nothing much was learned, so that its share is noise."""


class FitEnd(StrEnum):
    """Why a fit ended."""

    PATIENCE = "patience"
    MAX_STEPS = "max_steps"
    TIME_LIMIT = "time_limit"
    INTERRUPTED = "interrupted"

    @property
    def is_final(self) -> bool:
        """Whether the fit ended by itself: one that was cut off could still go on."""
        return self in (FitEnd.PATIENCE, FitEnd.MAX_STEPS)

    @property
    def sentence(self) -> str:
        """The reason in words."""
        return _END_SENTENCES[self]


_END_SENTENCES = {
    FitEnd.PATIENCE: "the held-out loss had stopped falling",
    FitEnd.MAX_STEPS: "all its steps were done",
    FitEnd.TIME_LIMIT: "its time was over",
    FitEnd.INTERRUPTED: "it was interrupted",
}


@dataclass(frozen=True)
class LearningCurve:
    """Losses along the fit, one entry a check; nats per row.

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
    """The loss was not finite at ``step``: the fit went back to ``back_to`` and on with a lower ``learning_rate``."""

    step: int
    back_to: int
    learning_rate: float


@dataclass(frozen=True)
class CopyingShare:
    """How far reconstructions are on the way from a guess (0: each column by itself) to an exact copy (1).

    ``real`` of the watched rows, ``shuffled`` of the same with each column shuffled by itself. A model that knows which
    values belong together is good on the first and bad on the second; one that copies is good on both.
    """

    real: float
    shuffled: float


@dataclass(frozen=True)
class Gain:
    """Nats a row by which the model's loss is below that of guessing each column by itself; higher is better."""

    training: float
    held_out: float


@dataclass(frozen=True)
class Diagnosis:
    """One thing that is wrong with a fit.

    Attributes
    ----------
    name : "not_finite", "not_converged", "posterior_collapsed", "learned_identity" or "too_few_rows"
    text : what was seen, and the way out
    is_certain : whether enough held-out rows say so; then fitting warns of it, else it is only listed
    """

    name: str
    text: str
    is_certain: bool


@dataclass(frozen=True)
class TrainingHealth:
    """What was measured of a fit, at the weights it kept.

    Attributes
    ----------
    learning_curve : the losses by their parts, check by check
    end : why the fit ended
    steps_at_most : steps that it could have done
    rows_trained, rows_watched : rows that taught, and held-out rows that were watched (0: the training rows were)
    n_parameters : weights of the network
    kl_weight : factor of the KL term
    kl : nats of each latent unit, averaged over the rows; empty where nothing is sampled
    latent_variance : variance over the rows of each latent unit's mean
    strongest_dependence : largest absolute correlation between features of two different columns
    copying : how much of the reconstruction is copying
    gain : what was learned, on training rows and on held-out ones
    rollbacks : where the loss stopped being finite
    device : what trained, as "cpu"
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

    @property
    def figures(self) -> HealthFigures:
        """All of it that is not an array, for the model file."""
        names = [field.name for field in fields(HealthFigures) if field.name != "best_step"]
        return HealthFigures(self.learning_curve.best_step, **{name: getattr(self, name) for name in names})

    @cached_property
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """What is wrong, gravest first; empty when nothing is."""
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
    """Each diagnosis by name and text."""
    if health.rollbacks:
        yield "not_finite", _not_finite(health)
    is_unfinished = _is_unfinished(health)
    if is_unfinished:
        yield "not_converged", _not_converged(health)
    if _is_collapsed(health) and not (is_unfinished and health.kl_weight <= 1):  # it may still wake up
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
        f"the loss stopped being finite {often}, last at step {last.step:,}; the fit went on from step "
        f"{last.back_to:,} with learning rate {last.learning_rate:.3g}; look for extreme values in the table"
    )


def _is_unfinished(health: TrainingHealth) -> bool:
    """Whether a fit that was cut off was still falling markedly; one look alone is taken for falling."""
    if health.end is FitEnd.PATIENCE:
        return False
    loss = health.learning_curve.held_out_loss
    if len(loss) < 2:
        return True
    return _fall(loss) > max(FALLING_NATS, FALLING_SHARE * float(loss[0] - loss.min()))


def _fall(loss: npt.NDArray[np.float64]) -> float:
    """Nats by which the last fifth of the checks is better than all before."""
    last = max(1, len(loss) // 5)
    return float(loss[:-last].min() - loss[-last:].min())


def _not_converged(health: TrainingHealth) -> str:
    loss, steps = health.learning_curve.held_out_loss, int(health.learning_curve.step[-1])
    seen = "" if len(loss) < 2 else f", the loss still falling ({_fall(loss):.3g} nats a row in the last fifth)"
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
        f"{health.strongest_dependence:.2f}), so each column is judged by itself; "
        f"lower kl_weight from {health.kl_weight:g}" + ("" if health.kl_weight > 1 else ", or give more rows")
    )


def _identity(health: TrainingHealth) -> str:
    way_out = (
        f"raise kl_weight from {health.kl_weight:g} to 1" if health.is_variational else "use the variational detector"
    )
    return (
        f"the network learned to copy: it rebuilds rows whose columns were shuffled as well as real ones "
        f"({health.copying.shuffled:.0%} and {health.copying.real:.0%} of the way to an exact copy), so its "
        f"reconstruction does not tell odd rows; {way_out}"
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
        f"too few rows: what {health.n_parameters:,} weights learned from {health.rows_trained:,} rows does not carry "
        f"over (better than guessing each column by itself by {health.gain.training:.3g} nats a row on training rows, "
        f"{health.gain.held_out:.3g} on others); give more rows or fewer columns"
    )
