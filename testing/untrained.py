"""Fits that take no time: for laws that hold whatever the weights, and for those that hold however good the fit."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import numpy as np

import oddrow.training
from oddrow.density import CopyingShare, FitEnd, FittedNetwork, Gain, LearningCurve, TrainingHealth, initial_parameters
from oddrow.exceptions import TrainingHealthWarning


@contextmanager
def no_training() -> Iterator[None]:
    """Weights as they are drawn: no step at all, nothing is compiled."""

    def drawn(shape, likelihood, training, held_out, settings, rng, *given, **named):
        none = np.zeros(1)
        curve = LearningCurve(np.zeros(1, np.int64), none, none, none, none, none, best_step=0)
        parameters = initial_parameters(shape, rng)
        health = TrainingHealth(
            learning_curve=curve,
            end=FitEnd.PATIENCE,
            steps_at_most=1,
            rows_trained=len(training.rows),
            rows_watched=0 if held_out is None else len(held_out.rows),
            n_parameters=sum(value.size for value in parameters.values()),
            kl_weight=settings.kl_weight,
            kl=(1.0,) * shape.n_latent if shape.is_variational else (),
            latent_variance=(1.0,) * shape.n_latent,
            strongest_dependence=0.0,
            copying=CopyingShare(0.0, 0.0),
            gain=Gain(0.0, 0.0),
        )
        return FittedNetwork(shape, parameters, health)

    with patch.object(oddrow.training, "fit_network", drawn):
        yield


@contextmanager
def hundred_steps() -> Iterator[None]:
    """A hundred steps of the training that is otherwise the default, and no warning that they are few."""
    short = replace(oddrow.training.DEFAULT_TRAINING, max_steps=100)
    with patch.object(oddrow.training, "DEFAULT_TRAINING", short), warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingHealthWarning)
        yield
