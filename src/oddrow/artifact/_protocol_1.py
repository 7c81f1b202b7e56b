"""Protocol 1 of the model file: a manifest, and the arrays that the parts of a model give by themselves."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Union

import numpy as np
import pydantic
import safetensors

from oddrow.artifact._saved_detector import SavedDetector
from oddrow.calibration import Calibration, Source
from oddrow.columns import MAX_COLUMNS, TableEncoding, TableReference, check_encoding, check_width
from oddrow.container import (
    ArrayStore,
    Content,
    Packable,
    one_line,
    pack_arrays,
    packed_parts,
    strict_json,
    unpack_arrays,
)
from oddrow.density import DensityModel, HealthFigures, MixedLikelihood, NetworkShape, SquaredError
from oddrow.exceptions import ModelFileError, OddrowError
from oddrow.expectations import Expectations
from oddrow.files import Origin
from oddrow.fitted import FittedModel, LatentProjection
from oddrow.fitting import Cleaning, checked_calibration, checked_clean
from oddrow.policies import POLICIES, Policy, checked_contamination
from oddrow.surprise import IsolationEvidence, ReconstructionEvidence, SurpriseModel, ViewEvidence
from oddrow.views import checked_view_weights

if TYPE_CHECKING:
    from oddrow.detector import AutoencoderDetector, VAEDetector

PROTOCOL = 1


class _RegisteredPolicy:
    """The schema of a manifest's policy: one of those that are registered, told apart by their ``kind``."""

    def __get_pydantic_core_schema__(self, source: Any, handler: pydantic.GetCoreSchemaHandler) -> Any:
        policies: Any = Union[tuple(POLICIES.values())]  # noqa: UP007 - of a tuple
        return handler.generate_schema(Annotated[policies, pydantic.Discriminator("kind")])


@dataclass(frozen=True)
class Manifest:
    """All of a fitted detector that is not an array."""

    detector: Literal["vae", "autoencoder"]
    settings: Literal["default", "narrow", "article"]
    contamination: float | Literal["auto"]
    kl_weight: float
    view_weights: dict[str, float] | None
    random_state: int | None
    max_steps: int | None
    feature_names: tuple[str, ...] | None
    n_features_in: int
    encoding: TableEncoding
    shape: NetworkShape
    health: HealthFigures
    evidence: Literal["views", "reconstruction"]
    calibration_source: Source
    extrapolates: bool
    calibration: Literal["split", "cross"]
    is_policy_given: bool
    policy: Annotated[Policy, _RegisteredPolicy()]
    clean: Literal["assume", "robust"]
    cleaning: Cleaning | None
    origin: Origin | None

    # A field of a later version would change what the others mean: it raises the protocol, and is never passed over.
    __pydantic_config__: ClassVar[pydantic.ConfigDict] = pydantic.ConfigDict(extra="forbid", allow_inf_nan=False)


def manifest_type() -> pydantic.TypeAdapter[Manifest]:
    """What reads and writes a manifest, with the policies that are registered now."""
    return _manifest_type_with(tuple(POLICIES.values()))


@functools.lru_cache(maxsize=1)  # building it takes as long as reading a model
def _manifest_type_with(policies: tuple[type[Policy], ...]) -> pydantic.TypeAdapter[Manifest]:  # noqa: ARG001 - the key
    return pydantic.TypeAdapter(Manifest)


# Writing -------------------------------------------------------------------------------------------------------------


def written(detector: VAEDetector | AutoencoderDetector) -> Content:
    """The manifest and the arrays of a fitted detector.

    Raises
    ------
    ModelFileError
        If its model is one that no file holds.
    """
    model = detector.model_
    evidence = model.surprise_model.evidence_model
    if isinstance(evidence, IsolationEvidence):
        raise ModelFileError("a model that ranks the rows of its own table by isolation scores no other rows")
    parts: dict[str, Packable] = {
        "projection": model.projection,
        "calibration": model.calibration,
        "reference": model.reference,
    }
    if model.expectations is not None:
        parts["expectations"] = model.expectations
    arrays = evidence.packed() | packed_parts(parts)
    return Content(PROTOCOL, manifest_type().dump_json(_manifest(detector)), pack_arrays(arrays))


def _manifest(detector: VAEDetector | AutoencoderDetector) -> Manifest:
    model = detector.model_
    names = getattr(detector, "feature_names_in_", None)
    random_state = detector.random_state
    return Manifest(
        detector="vae" if model.network.shape.is_variational else "autoencoder",
        settings=detector.settings,  # type: ignore[arg-type]  # checked by fit, and by what save reads back
        contamination="auto" if detector.contamination == "auto" else float(detector.contamination),
        kl_weight=float(getattr(detector, "kl_weight", 0.0)),
        view_weights=_floats(detector.view_weights),
        max_steps=None if detector.max_steps is None else int(detector.max_steps),
        random_state=int(random_state) if isinstance(random_state, int | np.integer) else None,
        feature_names=None if names is None else tuple(map(str, names)),
        n_features_in=detector.n_features_in_,
        encoding=model.encoding,
        shape=model.network.shape,
        health=model.network.health.figures,
        evidence="views" if isinstance(model.surprise_model.evidence_model, ViewEvidence) else "reconstruction",
        calibration_source=model.calibration.source,
        extrapolates=model.calibration.extrapolates,
        calibration=checked_calibration(detector.calibration),
        is_policy_given=detector.policy is not None,
        policy=model.policy,
        clean=checked_clean(detector.clean),
        cleaning=detector.cleaning_,
        origin=model.origin,
    )


def _floats(weights: Mapping[str, float] | None) -> dict[str, float] | None:
    return None if weights is None else {name: float(weight) for name, weight in weights.items()}


# Reading -------------------------------------------------------------------------------------------------------------


def read(content: Content) -> SavedDetector:
    """What a file of this protocol holds; the model scores every table of its schema.

    Raises
    ------
    ModelFileError
        If the parts do not fit together, or some row could overflow in them.
    """
    try:
        manifest = _parsed(content.manifest)
        _check_fit(manifest)
        model = _model(manifest, ArrayStore(unpack_arrays(content.body)))
    except (
        pydantic.ValidationError,
        safetensors.SafetensorError,
        OddrowError,
        ValueError,
        KeyError,
        TypeError,
    ) as error:
        raise ModelFileError(f"the parts of the model do not fit together ({one_line(_reason(error))})") from error
    return SavedDetector(
        model,
        manifest.detector,
        _parameters(manifest),
        manifest.feature_names,
        manifest.n_features_in,
        manifest.cleaning,
    )


def _parsed(manifest: bytes) -> Manifest:
    """The manifest, of exactly its fields and types; each parser lets something pass that the other refuses."""
    # An error that pydantic finds in a text holds a copy of all that stands around it, for each field that is missing;
    # of objects it holds none. So what the second look may still find wrong is a number alone.
    manifest_type().validate_python(strict_json(manifest))
    return manifest_type().validate_json(manifest, strict=True)


def _parameters(manifest: Manifest) -> dict[str, Any]:
    """The parameters of the detector."""
    parameters: dict[str, Any] = {
        "settings": manifest.settings,
        "contamination": manifest.contamination,
        "policy": manifest.policy if manifest.is_policy_given else None,
        "view_weights": manifest.view_weights,
        "calibration": manifest.calibration,
        "clean": manifest.clean,
        "random_state": manifest.random_state,
        "max_steps": manifest.max_steps,
    }
    return parameters | ({"kl_weight": manifest.kl_weight} if manifest.detector == "vae" else {})


def _check_fit(manifest: Manifest) -> None:
    """Refuse parameters that no fit has, and names that no later table could have."""
    is_vae, is_article = manifest.detector == "vae", manifest.settings == "article"
    if is_vae != manifest.shape.is_variational or is_article != (manifest.evidence == "reconstruction"):
        raise ModelFileError("the network and the evidence are not those of this detector and its settings")
    checked_contamination(manifest.contamination)
    if is_article and manifest.view_weights is not None:
        raise ModelFileError("the article's setting has no views to be weighted")
    if manifest.kl_weight < 0 or (manifest.random_state is not None and manifest.random_state < 0):
        raise ModelFileError("kl_weight or random_state is negative")
    if not 1 <= manifest.n_features_in <= MAX_COLUMNS:
        raise ModelFileError(f"n_features_in is {manifest.n_features_in}, and not from 1 to {MAX_COLUMNS:,}")
    names = manifest.feature_names
    if names is None:  # as an array's columns are named
        names = tuple(f"x{index}" for index in range(manifest.n_features_in))
    if len(names) != manifest.n_features_in or len(set(names)) != len(names):
        raise ModelFileError(f"{len(names):,} feature_names for {manifest.n_features_in:,} columns, or one name twice")
    unknown = set(manifest.encoding.names) - set(names)
    if unknown:
        raise ModelFileError(f"column {min(unknown)!r} of the schema is not among the features")


def _model(manifest: Manifest, store: ArrayStore) -> FittedModel:
    encoding = manifest.encoding
    check_width(len(encoding.schema.columns), sum(column.n_features for column in encoding.columns))
    check_encoding(encoding)
    evidence: ViewEvidence | ReconstructionEvidence
    expectations = None
    if manifest.evidence == "views":
        mixed = MixedLikelihood(encoding.layout)
        density = DensityModel.unpacked(store, mixed, manifest.shape, manifest.health)
        evidence = ViewEvidence.unpacked(store, density, checked_view_weights(manifest.view_weights))
        expectations = Expectations.unpacked(store.under("expectations"), encoding, evidence.views.dependence.edges)
    else:
        squared = SquaredError(encoding.layout)
        evidence = ReconstructionEvidence(DensityModel.unpacked(store, squared, manifest.shape, manifest.health))
    projection = LatentProjection.unpacked(store.under("projection"), manifest.shape.n_latent)
    calibration = Calibration.unpacked(
        store.under("calibration"), manifest.calibration_source, extrapolates=manifest.extrapolates
    )
    reference = TableReference.unpacked(store.under("reference"), encoding)
    store.check_empty()
    manifest.policy.promise(calibration)  # refuses what the calibration cannot support
    surprise_model = SurpriseModel(evidence, calibration)
    return FittedModel(
        encoding,
        surprise_model,
        projection,
        manifest.policy,
        manifest.origin,
        expectations=expectations,
        reference=reference,
    )


def _reason(error: Exception) -> str:
    """What is wrong, without the file's own text."""
    if isinstance(error, pydantic.ValidationError):
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc'][:4]))}: {first['msg']}"
    return str(error) or type(error).__name__
