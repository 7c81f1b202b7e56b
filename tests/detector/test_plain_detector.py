"""A plain detector is the estimator of the same parameters, without scikit-learn."""

import inspect
from dataclasses import MISSING, fields

import pytest

from oddrow import AutoencoderDetector, VAEDetector, artifact
from oddrow.detector import PlainDetector

pytestmark = pytest.mark.usefixtures("untrained")

CLASSES = {
    "vae": (VAEDetector, {"is_variational": True, "kl_weight": 1.0}),
    "autoencoder": (AutoencoderDetector, {"is_variational": False, "kl_weight": 0.0}),
}


@pytest.mark.parametrize("estimator", [VAEDetector, AutoencoderDetector])
def test_its_parameters_and_their_defaults_are_those_of_the_estimators(estimator):
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(estimator).parameters.items()
        if name != "kl_weight"
    }
    ours = {field.name: field.default for field in fields(PlainDetector) if field.default is not MISSING}
    assert ours == defaults


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize(
    "parameters", [{}, {"settings": "article"}, {"clean": "robust", "contamination": 0.05}], ids=str
)
def test_it_learns_and_saves_the_model_of_the_estimator(kind, parameters, fresh):
    estimator, of_class = CLASSES[kind]
    rows = fresh.slice(0, 300)
    known = estimator(random_state=3, **parameters).fit_batches(rows.to_batches())
    found = PlainDetector(random_state=3, **of_class, **parameters).fit_batches(rows.to_batches())
    assert artifact.dumps(found) == artifact.dumps(known)
    assert (found.notes_, found.health_.figures) == (known.notes_, known.health_.figures)
