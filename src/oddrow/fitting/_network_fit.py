"""One network fitted to the training rows of a split, with the encoding learned from these rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from oddrow.columns import EncodedTable, FeatureLayout, TableEncoding
from oddrow.density import FittedNetwork, MixedLikelihood, NetworkShape, SquaredError
from oddrow.fitting._plan import FitPlan
from oddrow.fitting._splits import SplitTable

if TYPE_CHECKING:
    from oddrow.training import TrainingSettings

LikelihoodT_co = TypeVar("LikelihoodT_co", bound=MixedLikelihood | SquaredError, covariant=True)


@dataclass(frozen=True)
class NetworkFit(Generic[LikelihoodT_co]):
    """A fitted network, the encoding of its rows, the likelihood of its columns, and the encoded training rows."""

    encoding: TableEncoding
    network: FittedNetwork
    likelihood: LikelihoodT_co
    training: EncodedTable


def fit_to_split(
    plan: FitPlan,
    split: SplitTable,
    likelihood_of: Callable[[FeatureLayout], LikelihoodT_co],
    settings: TrainingSettings,
    rng: np.random.Generator,
) -> NetworkFit[LikelihoodT_co]:
    """Learn the encoding and the network from the training rows; the stopping rows decide when to stop."""
    from oddrow.training import fit_network  # loads JAX

    recipe, data, control = plan.recipe, plan.data, plan.control
    trained = split.table.take(split.training)
    encoding = data.encoding or TableEncoding.learn(data.schema, trained, recipe.style, data.rest)
    training = encoding.encode(trained)
    stopping = encoding.encode(split.table.take(split.stopping)) if len(split.stopping) else None
    layout = encoding.layout
    likelihood = likelihood_of(layout)
    shape = NetworkShape(layout.n_features, recipe.hidden, recipe.n_latent, likelihood.n_outputs, recipe.is_variational)
    control.begin("fitting")
    network = fit_network(
        shape,
        likelihood,
        training,
        stopping,
        settings.with_kl_weight(recipe.kl_weight).with_max_steps(control.max_steps),
        rng,
        control.on_progress,
        control.interruption(),
        control.device,
        data.start,
    )
    control.begin("calibrating")
    return NetworkFit(encoding, network, likelihood, training)
