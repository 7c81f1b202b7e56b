"""The state of a fit between two checks, with all that is needed to resume it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from oddrow.density import FitEnd, LearningCurve, Rollback
from oddrow.exceptions import SettingError

RATE_FALL = 4.0
"""Factor by which a rollback divides the learning rate."""


class Check(NamedTuple):
    """The losses at one check; ``reconstruction`` and ``kl`` are the unweighted parts of ``held_out_loss``."""

    step: float
    training_loss: float
    held_out_loss: float
    reconstruction: float
    kl: float
    learning_rate: float


@dataclass(frozen=True)
class GeneratorState:
    """The state of NumPy's default generator (PCG64), as whole numbers."""

    state: int
    inc: int
    has_uint32: int
    uinteger: int

    @classmethod
    def of(cls, rng: np.random.Generator) -> GeneratorState:
        """Return the state of a generator.

        Raises
        ------
        SettingError
            If the generator is not NumPy's default one (PCG64).
        """
        found: Any = rng.bit_generator.state
        if found["bit_generator"] != "PCG64":
            raise SettingError(
                f"random_state draws from {found['bit_generator']}; a checkpoint needs a whole number or "
                f"numpy.random.default_rng"
            )
        inner = found["state"]
        return cls(int(inner["state"]), int(inner["inc"]), int(found["has_uint32"]), int(found["uinteger"]))

    def put(self, rng: np.random.Generator) -> None:
        """Set a generator to this state."""
        rng.bit_generator.state = {
            "bit_generator": "PCG64",
            "state": {"state": self.state, "inc": self.inc},
            "has_uint32": self.has_uint32,
            "uinteger": self.uinteger,
        }


@dataclass(frozen=True)
class FitState:
    """The state of a fit after a check.

    Attributes
    ----------
    weights, optimiser : flat float32 vector of the weights, state of the Optax optimiser
    best_weights, best : the best weights so far, and the index of their check (-1 before the first check)
    checks : the losses at every check so far
    rollbacks : each step at which the loss was not finite
    end : why the fit has ended by itself, None while it has not
    """

    weights: Any
    optimiser: Any
    best_weights: npt.NDArray[np.float32]
    best: int = -1
    checks: tuple[Check, ...] = ()
    rollbacks: tuple[Rollback, ...] = ()
    end: FitEnd | None = None

    @property
    def done(self) -> int:
        """Number of steps done."""
        return int(self.checks[-1].step) if self.checks else 0

    @property
    def rate_factor(self) -> float:
        """Share of the learning rate that is left after the rollbacks."""
        return float(RATE_FALL ** -len(self.rollbacks))

    @property
    def checks_since_best(self) -> int:
        return len(self.checks) - 1 - self.best

    def after(self, weights: Any, optimiser: Any, check: Check, *, keep_last: bool) -> FitState:
        """Return the state after one more check; with ``keep_last`` the last weights always count as the best."""
        is_best = keep_last or self.best < 0 or check.held_out_loss < self.checks[self.best].held_out_loss
        return replace(
            self,
            weights=weights,
            optimiser=optimiser,
            checks=(*self.checks, check),
            best=len(self.checks) if is_best else self.best,
            best_weights=np.asarray(weights) if is_best else self.best_weights,
        )

    def rolled_back(self, step: int, learning_rate: float) -> FitState:
        """Return the state with the same weights and a lower learning rate; ``step`` is where the loss failed."""
        rollback = Rollback(step, self.done, learning_rate * self.rate_factor / RATE_FALL)
        return replace(self, rollbacks=(*self.rollbacks, rollback))

    def curve(self) -> LearningCurve:
        """Return the losses so far as a learning curve."""
        columns = np.array(self.checks, np.float64).T
        curve = dict(zip(Check._fields, columns, strict=True))
        step = curve.pop("step").astype(np.int64)
        return LearningCurve(step=step, best_step=int(step[self.best]), **curve)
