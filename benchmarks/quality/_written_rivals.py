"""Rivals of recent papers, written anew: small enough to need no package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.covariance import ledoit_wolf
from sklearn.neighbors import NearestNeighbors

from oddrow.comparison import MethodRows, Scorer

Floats = npt.NDArray[np.float64]
DTE_NEIGHBOURS = 5
DVM_TAIL = 0.1


@dataclass(frozen=True)
class WrittenMethod:
    """A function from encoded training rows and a seed to a function that scores later rows, as a method."""

    name: str
    learn: Callable[[Floats, int], Callable[[Floats], Floats]]

    def fit(self, rows: MethodRows, seed: int) -> Scorer:
        """Learn from the encoded rows."""
        score = self.learn(rows.encoded, seed)
        return lambda later: score(later.encoded)


def diffusion_time(training: Floats, seed: int) -> Callable[[Floats], Floats]:  # noqa: ARG001 - nothing is random
    """DTE-NP, non-parametric diffusion time estimation (Livernoche et al. 2024).

    The paper's posterior of a row's diffusion time is an inverse gamma density of the noise variance, whose scale is
    half of the mean squared distance to the 5 nearest training rows. Its mean grows with that distance and with nothing
    else, so that the distance gives the same order of rows; the sum over the paper's 500 times would only make distant
    rows equal. A training row is not its own neighbour when the training rows themselves are scored.
    """
    n_neighbours = min(DTE_NEIGHBOURS, max(len(training) - 1, 1))
    neighbours = NearestNeighbors(n_neighbors=n_neighbours).fit(training)

    def oddness(rows: Floats) -> Floats:
        are_training_rows = len(training) > 1 and np.array_equal(rows, training)
        distances, _ = neighbours.kneighbors(None if are_training_rows else rows)
        return np.asarray((distances**2).mean(axis=1))

    return oddness


def discriminant_vectors(training: Floats, seed: int) -> Callable[[Floats], Floats]:  # noqa: ARG001 - as above
    """DVM-AD, discriminant vector machine for anomaly detection (ICML 2026).

    One artificial row, the largest value of each column, is a class of its own beside the training rows. A direction's
    eigenvalue is the share of the (Ledoit-Wolf shrunk) total scatter that lies within the class; kept are directions
    below 0.1 and above 0.9. The score is the distance to the nearest training row, or to the artificial one, in these
    directions. Written from the paper's abstract and its authors' published program. That takes the eigenvectors of
    ``pinv(S_total) S_within``, in the basis of ``S_total``, from the lower triangle of the matrix, so that they are
    orthonormal; so does this. The paper's last step, which brings scores to a bounded scale, leaves their order.
    A training row is not its own neighbour when the training rows themselves are scored.
    """
    marked = np.vstack([training, training.max(axis=0)])
    centred = training - training.mean(axis=0)
    within = centred.T @ centred
    total = ledoit_wolf(marked)[0] * (len(marked) - 1)
    values, basis = np.linalg.eigh(total)
    floor = np.finfo(np.float64).eps * len(values) * values.max()
    inverse = np.divide(1.0, values, out=np.zeros_like(values), where=values > floor)
    shares, directions = np.linalg.eigh(inverse[:, None] * (basis.T @ within @ basis), UPLO="L")
    is_kept = (shares < DVM_TAIL) | (shares > 1 - DVM_TAIL)
    projection = basis @ (directions[:, is_kept] if is_kept.any() else directions)
    neighbours = NearestNeighbors(n_neighbors=1).fit(marked @ projection)

    def oddness(rows: Floats) -> Floats:
        if np.array_equal(rows, training):
            distances, _ = neighbours.kneighbors(None)
            distances = distances[: len(training)]
        else:
            distances, _ = neighbours.kneighbors(rows @ projection)
        return np.asarray(distances[:, 0])

    return oddness


WRITTEN = {"dte-np": WrittenMethod("dte-np", diffusion_time), "dvm-ad": WrittenMethod("dvm-ad", discriminant_vectors)}
"""The methods by name."""
