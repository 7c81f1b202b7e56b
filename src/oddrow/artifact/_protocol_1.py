"""Protocol 1 of the model file: a JSON manifest, and the arrays that the components of a model pack."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Union

import numpy as np
import pydantic
import safetensors

from oddrow.artifact._saved_detector import SavedDetector
from oddrow.calibration import Calibration, Source
from oddrow.columns import (
    MAX_COLUMNS,
    ColumnEncoding,
    TableEncoding,
    TableReference,
    check_encoding,
    check_width,
    encoding_classes,
)
from oddrow.container import (
    ArrayStore,
    Content,
    Packable,
    one_line,
    pack_arrays,
    packed_components,
    strict_json,
    unpack_arrays,
)
from oddrow.density import DensityModel, HealthFigures, MixedLikelihood, NetworkShape, SquaredError
from oddrow.exceptions import ModelFileError, OddrowError
from oddrow.expectations import Expectations
from oddrow.feedback import Feedback
from oddrow.files import Origin
from oddrow.fitted import FittedModel, LatentProjection
from oddrow.fitting import Cleaning, checked_calibration, checked_clean, checked_dependence
from oddrow.policies import POLICIES, Policy, checked_contamination
from oddrow.scoring_constants import ScoringConstants
from oddrow.sequences import HistoryPlan, WindowPlan
from oddrow.surprise import (
    IsolationEvidence,
    ReconstructionEvidence,
    Reweighting,
    ScoreParts,
    SurpriseModel,
    ViewEvidence,
)

if TYPE_CHECKING:
    from oddrow.detector import AutoencoderDetector, PlainDetector, VAEDetector

PROTOCOL = 1
ADDED_CONSTANTS: Mapping[str, Any] = {
    "random_subsets": 2,
    "related_subsets": 3,
    "min_subset_share": 0.3,
    "max_subset_share": 0.7,
    "subset_rows": 2_000,
}
"""Constants that files of earlier versions lack, with the values they are read as. No score depends on them: only a
fit reads them."""


class _RegisteredPolicy:
    """The schema of the policy in a manifest: one of the registered policies, by its ``kind``."""

    def __get_pydantic_core_schema__(self, source: Any, handler: pydantic.GetCoreSchemaHandler) -> Any:
        policies: Any = Union[tuple(POLICIES.values())]  # noqa: UP007 - of a tuple
        return handler.generate_schema(Annotated[policies, pydantic.Discriminator("kind")])


@dataclass(frozen=True)
class Manifest:
    """The state of a fitted detector apart from its arrays."""

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
    views: tuple[str, ...]
    calibration_source: Source
    extrapolates: bool
    calibration: Literal["auto", "split", "cross", "blocks"]
    is_policy_given: bool
    policy: Annotated[Policy, _RegisteredPolicy()]
    clean: Literal["assume", "robust"]
    cleaning: Cleaning | None
    origin: Origin | None
    constants: ScoringConstants
    time: str | None = None
    group: str | None = None
    gap: int | None = None
    n_effective: float | None = None
    preparation: Annotated[WindowPlan | HistoryPlan, pydantic.Discriminator("kind")] | None = None
    feedback: Feedback | None = None

    # An unknown field could change the meaning of the others, so it is refused; a new field needs a new protocol.
    __pydantic_config__: ClassVar[pydantic.ConfigDict] = pydantic.ConfigDict(extra="forbid", allow_inf_nan=False)


def manifest_type() -> pydantic.TypeAdapter[Manifest]:
    """Return the pydantic type of a manifest, with the policies and the kinds of columns that are registered now."""
    return _manifest_type_with(tuple(POLICIES.values()), encoding_classes())


@functools.lru_cache(maxsize=1)  # building the type takes as long as reading a model
def _manifest_type_with(
    policies: tuple[type[Policy], ...],  # noqa: ARG001 - a key of the cache
    encodings: tuple[type[ColumnEncoding], ...],  # noqa: ARG001 - a key of the cache
) -> pydantic.TypeAdapter[Manifest]:
    return pydantic.TypeAdapter(Manifest)


# Writing -------------------------------------------------------------------------------------------------------------


def written(detector: VAEDetector | AutoencoderDetector | PlainDetector) -> Content:
    """Return the manifest and the arrays of a fitted detector.

    Raises
    ------
    ModelFileError
        If its evidence is that of isolation, which scores only its own table.
    """
    model = detector.model_
    evidence = model.surprise_model.evidence_model
    if isinstance(evidence, IsolationEvidence):
        raise ModelFileError("a model that ranks the rows of its own table by isolation cannot score other rows")
    surprise_model = model.surprise_model
    components: dict[str, Packable | None] = {
        "projection": model.projection,
        "calibration": _default_calibration(model),
        "reference": model.reference,
        "expectations": model.expectations,
        "calibration.parts": surprise_model.parts,
        "reweighting": surprise_model.reweighting,
    }
    present = {name: component for name, component in components.items() if component is not None}
    arrays = evidence.packed() | packed_components(present)
    return Content(PROTOCOL, manifest_type().dump_json(_manifest(detector)), pack_arrays(arrays))


def _default_calibration(model: FittedModel) -> Calibration:
    """Return the calibration with the default weights; that with learned weights follows from the parts."""
    return model.surprise_model.default_calibration or model.calibration


def _manifest(detector: VAEDetector | AutoencoderDetector | PlainDetector) -> Manifest:
    model = detector.model_
    evidence = model.surprise_model.evidence_model
    names = getattr(detector, "feature_names_in_", None)
    random_state = detector.random_state
    return Manifest(
        detector="vae" if model.network.shape.is_variational else "autoencoder",
        settings=detector.settings,  # type: ignore[arg-type]  # checked by fit, and by save, which reads the file back
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
        evidence="views" if isinstance(evidence, ViewEvidence) else "reconstruction",
        views=evidence.views.names if isinstance(evidence, ViewEvidence) else (),
        calibration_source=model.calibration.source,
        extrapolates=model.calibration.extrapolates,
        calibration=detector.calibration,  # type: ignore[arg-type]  # checked by fit
        is_policy_given=detector.policy is not None,
        policy=model.policy,
        clean=checked_clean(detector.clean),
        cleaning=detector.cleaning_,
        origin=model.origin,
        constants=model.constants,
        time=detector.time,
        group=detector.group,
        gap=None if detector.gap is None else int(detector.gap),
        n_effective=_default_calibration(model).n_effective,
        preparation=model.preparation,  # type: ignore[arg-type]  # those that exist, and save reads the file back
        feedback=model.feedback,  # type: ignore[arg-type]  # the only class of rules
    )


def _floats(weights: Mapping[str, float] | None) -> dict[str, float] | None:
    return None if weights is None else {name: float(weight) for name, weight in weights.items()}


# Reading -------------------------------------------------------------------------------------------------------------


def read(content: Content) -> SavedDetector:
    """Return the detector that a file of this protocol holds; its model scores every table of its schema.

    Raises
    ------
    ModelFileError
        If the components do not fit together, or the scores of some row could overflow.
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
        raise ModelFileError(f"the components of the model do not fit together ({one_line(_reason(error))})") from error
    return SavedDetector(
        model,
        manifest.detector,
        _parameters(manifest),
        manifest.feature_names,
        manifest.n_features_in,
        manifest.cleaning,
    )


def _parsed(manifest: bytes) -> Manifest:
    """Return the manifest, with exactly its fields and types; two parsers check it, since each misses some faults."""
    # An error of pydantic's JSON parser contains a copy of the surrounding text for each missing field; an error of its
    # validation of objects does not. So the objects are validated first, and the parser finds only invalid numbers.
    objects = strict_json(manifest)
    manifest_type().validate_python(objects)
    # a value that the file lacks must not be replaced by a default of this version
    lacking = {
        name: {field.name for field in fields(kind)} - objects[name].keys()
        for name, kind in {"shape": NetworkShape, "constants": ScoringConstants}.items()
    }
    added = {key: value for key, value in ADDED_CONSTANTS.items() if key in lacking["constants"]}
    for name, missing in (lacking | {"constants": lacking["constants"] - added.keys()}).items():
        if missing:
            raise ModelFileError(f"{name}.{min(missing)} is missing")
    parsed = manifest_type().validate_json(manifest, strict=True)
    return replace(parsed, constants=replace(parsed.constants, **added))


def _parameters(manifest: Manifest) -> dict[str, Any]:
    """Return the parameters of the detector."""
    parameters: dict[str, Any] = {
        "settings": manifest.settings,
        "contamination": manifest.contamination,
        "policy": manifest.policy if manifest.is_policy_given else None,
        "view_weights": manifest.view_weights,
        "calibration": manifest.calibration,
        "time": manifest.time,
        "group": manifest.group,
        "gap": manifest.gap,
        "sequences": manifest.preparation,
        "clean": manifest.clean,
        "random_state": manifest.random_state,
        "max_steps": manifest.max_steps,
    }
    return parameters | ({"kl_weight": manifest.kl_weight} if manifest.detector == "vae" else {})


def _check_fit(manifest: Manifest) -> None:
    """Refuse parameters that no fit can have, and column names that no later table can have."""
    is_vae, is_article = manifest.detector == "vae", manifest.settings == "article"
    if is_vae != manifest.shape.is_variational or is_article != (manifest.evidence == "reconstruction"):
        raise ModelFileError("the network and the evidence are not those of this detector and its settings")
    checked_contamination(manifest.contamination)
    time, preparation = manifest.time, manifest.preparation
    depends = any(value is not None for value in (time, manifest.group, preparation))
    calibration = checked_calibration(manifest.calibration, depends=depends)
    if preparation is not None and calibration == "blocks" and time is None and manifest.group is None:
        time = preparation.time
    checked_dependence(calibration, time, manifest.group, manifest.gap)
    if is_article and (manifest.view_weights is not None or manifest.views):
        raise ModelFileError("the article's settings have no views, and no weights of views")
    if manifest.kl_weight < 0 or (manifest.random_state is not None and manifest.random_state < 0):
        raise ModelFileError("kl_weight or random_state is negative")
    if not 1 <= manifest.n_features_in <= MAX_COLUMNS:
        raise ModelFileError(f"n_features_in is {manifest.n_features_in}, which is not from 1 to {MAX_COLUMNS:,}")
    names = manifest.feature_names
    if names is None:  # the names of the columns of an array
        names = tuple(f"x{index}" for index in range(manifest.n_features_in))
    if len(names) != manifest.n_features_in or len(set(names)) != len(names):
        raise ModelFileError(f"{len(names):,} feature_names for {manifest.n_features_in:,} columns, or one name twice")
    unknown = _read_columns(manifest) - set(names)
    if unknown:
        raise ModelFileError(f"column {min(unknown)!r} of the schema is not among the features")


def _read_columns(manifest: Manifest) -> set[str]:
    """Return the columns of a table that are read, after a check of what derives rows from them."""
    encoded, preparation = set(manifest.encoding.sources), manifest.preparation
    if preparation is None:
        return encoded
    preparation.check()
    raw = {name for name in encoded if not preparation.derives(name)}
    absent = {name for name in raw if not preparation.keeps(name)}
    if absent:
        raise ModelFileError(f"column {min(absent)!r} of the schema is not a column of the derived rows")
    return raw | set(preparation.sources)


def _model(manifest: Manifest, store: ArrayStore) -> FittedModel:
    encoding = manifest.encoding
    check_width(len(encoding.schema.columns), sum(column.n_features for column in encoding.columns))
    check_encoding(encoding)
    manifest.constants.check()
    if manifest.feedback is not None:
        manifest.feedback.check(encoding.names)
    evidence: ViewEvidence | ReconstructionEvidence
    expectations = None
    if manifest.evidence == "views":
        mixed = MixedLikelihood(encoding.layout, manifest.constants)
        density = DensityModel.unpacked(store, mixed, manifest.shape, manifest.health)
        evidence = ViewEvidence.unpacked(store, density, manifest.views, manifest.view_weights)
        expectations = Expectations.unpacked(store.under("expectations"), encoding, evidence.views.basis.coding.edges)
    else:
        squared = SquaredError(encoding.layout)
        evidence = ReconstructionEvidence(DensityModel.unpacked(store, squared, manifest.shape, manifest.health))
    projection = LatentProjection.unpacked(store.under("projection"), manifest.shape.n_latent)
    calibration = Calibration.unpacked(
        store.under("calibration"),
        manifest.calibration_source,
        manifest.constants,
        extrapolates=manifest.extrapolates,
    )
    if manifest.n_effective is not None:
        if not 1 <= manifest.n_effective <= calibration.n_rows:
            raise ModelFileError(f"n_effective is not from 1 to the {calibration.n_rows:,} calibration rows")
        calibration = calibration.worth(manifest.n_effective)
    reference = TableReference.unpacked(store.under("reference"), encoding)
    surprise_model = _with_learned_weights(SurpriseModel(evidence, calibration), manifest, store)
    manifest.policy.promise(surprise_model.calibration)  # raises an error if it cannot support the policy
    store.check_empty()
    return FittedModel(
        encoding,
        surprise_model,
        projection,
        manifest.policy,
        manifest.origin,
        expectations=expectations,
        reference=reference,
        preparation=manifest.preparation,
        feedback=manifest.feedback,
    )


def _with_learned_weights(surprise_model: SurpriseModel, manifest: Manifest, store: ArrayStore) -> SurpriseModel:
    """Return the model with the parts of its calibration scores and the learned weights, if the file has them."""
    evidence = surprise_model.evidence_model
    labels = () if manifest.feedback is None else manifest.feedback.labels
    if isinstance(evidence, ViewEvidence) and store.under("calibration.parts").names:
        shape = (len(manifest.views), len(manifest.encoding.columns), manifest.constants.max_nats)
        parts = ScoreParts.unpacked(store.under("calibration.parts"), *shape)
        if len(parts) > surprise_model.calibration.n_rows:
            raise ModelFileError(f"{len(parts):,} calibration.parts for {surprise_model.calibration.n_rows:,} rows")
        surprise_model = replace(surprise_model, parts=parts)
        if labels:
            reweighting = Reweighting.unpacked(store.under("reweighting"), *shape)
            if len(reweighting.learned_from) != len(labels):
                raise ModelFileError(f"{len(reweighting.learned_from):,} reweighting rows for {len(labels):,} labels")
            surprise_model = surprise_model.reweighted(reweighting)
    elif labels:
        raise ModelFileError("feedback.labels need calibration.parts")
    return surprise_model


def _reason(error: Exception) -> str:
    """Return what is wrong, without text of the file."""
    if isinstance(error, pydantic.ValidationError):
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc'][:4]))}: {first['msg']}"
    return str(error) or type(error).__name__
