"""A fitted detector as a manifest and arrays, and back."""

from __future__ import annotations

import functools
import io
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Union

import numpy as np
import pydantic
import safetensors

from oddrow.artifact._arrays import (
    ascending,
    flags,
    packed_curves,
    packed_dependence,
    packed_expectations,
    taken_curves,
    taken_dependence,
    taken_expectations,
)
from oddrow.artifact._bounds import (
    MOST_COLUMNS,
    check_curve,
    check_encoding_size,
    check_network,
    check_range,
    check_shape,
    check_views,
)
from oddrow.calibration import Calibration, Source, TailCurve
from oddrow.columns import TableEncoding, check_encoding
from oddrow.container import (
    Arrays,
    ArrayStore,
    check_lengths,
    one_line,
    pack,
    parts_of,
    read_parts,
    strict_json,
    unpack_arrays,
)
from oddrow.density import (
    CopyingShare,
    DensityModel,
    FeatureRange,
    FitEnd,
    FittedNetwork,
    Gain,
    LearningCurve,
    MixedLikelihood,
    NetworkShape,
    Rollback,
    SquaredError,
    TrainingHealth,
)
from oddrow.exceptions import ModelFileError, OddrowError, OutputError, SettingError
from oddrow.files import Origin, atomic_write
from oddrow.fitted import FittedModel, LatentProjection
from oddrow.fitting import Cleaning, checked_calibration, checked_clean
from oddrow.policies import POLICIES, Policy, checked_contamination
from oddrow.surprise import EvidenceModel, ReconstructionEvidence, SurpriseModel, ViewEvidence
from oddrow.views import VIEWS, Marginals, Memory, Reach, Space, Views, ViewScales, checked_view_weights

if TYPE_CHECKING:
    from oddrow.detector import AutoencoderDetector, VAEDetector


@dataclass(frozen=True)
class _TailNumbers:
    scale: float
    shape: float


@dataclass(frozen=True)
class _HealthNumbers:
    """All of a fit's health but its learning curve; named as in :class:`TrainingHealth`."""

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
    device: str = "cpu"

    @classmethod
    def of(cls, health: TrainingHealth) -> _HealthNumbers:
        return cls(**{field.name: getattr(health, field.name) for field in fields(cls)})

    def with_curve(self, curve: LearningCurve, shape: NetworkShape) -> TrainingHealth:
        """The health whole, if its figures are those of such a network."""
        if len(curve.step) == 0:
            raise ModelFileError("the learning curve is empty")
        n_kl = shape.n_latent if shape.is_variational else 0
        if (len(self.kl), len(self.latent_variance)) != (n_kl, shape.n_latent):
            raise ModelFileError("the training's health does not fit the network")
        return TrainingHealth(learning_curve=curve, **{field.name: getattr(self, field.name) for field in fields(self)})


class _RegisteredPolicy:
    """The schema of a manifest's policy: one of those that are registered, told apart by their ``kind``."""

    def __get_pydantic_core_schema__(self, source: Any, handler: pydantic.GetCoreSchemaHandler) -> Any:
        return handler.generate_schema(Annotated[Union[tuple(POLICIES.values())], pydantic.Discriminator("kind")])  # noqa: UP007 - of a tuple


@dataclass(frozen=True)
class _Manifest:
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
    best_step: int
    health: _HealthNumbers
    evidence: Literal["views", "reconstruction"]
    tails: dict[str, _TailNumbers]
    calibration_source: Source
    calibration: Literal["split", "cross"]
    is_policy_given: bool
    policy: Annotated[Policy, _RegisteredPolicy()]
    clean: Literal["assume", "robust"]
    cleaning: Cleaning | None
    origin: Origin | None = None
    extrapolates: bool = True

    # A field of a later version would change what the others mean: it raises the protocol, and is never passed over.
    __pydantic_config__: ClassVar[pydantic.ConfigDict] = pydantic.ConfigDict(extra="forbid", allow_inf_nan=False)


def _manifest_type() -> pydantic.TypeAdapter[_Manifest]:
    """What parses and writes a manifest, with the policies that are registered now."""
    return _manifest_type_with(tuple(POLICIES.values()))


@functools.lru_cache(maxsize=1)  # building it takes as long as reading a model
def _manifest_type_with(policies: tuple[type[Policy], ...]) -> pydantic.TypeAdapter[_Manifest]:  # noqa: ARG001 - the key
    return pydantic.TypeAdapter(_Manifest)


def save(detector: VAEDetector | AutoencoderDetector, path: str | Path, *, force: bool = False) -> None:
    """Write a fitted detector to one file, whole or not at all.

    Raises
    ------
    SettingError
        If the detector is not fitted.
    OutputError
        If the file exists and ``force`` is not set, or cannot be written, or the model is larger than a model
        file may be.

    Examples
    --------
    >>> import tempfile, numpy as np, oddrow
    >>> rows = np.random.default_rng(0).normal(size=(100, 2))
    >>> detector = oddrow.VAEDetector(random_state=0).fit(rows)
    >>> path = tempfile.mkdtemp() + "/m.oddrow"
    >>> oddrow.save(detector, path)
    >>> bool((oddrow.load(path).surprise(rows) == detector.surprise(rows)).all())
    True
    """
    try:
        parts = _file_parts(detector)
    except ModelFileError as error:  # said now, and not by the load that needs the file
        raise OutputError(f"{path}: this model does not go into a model file: {error}; nothing was written") from error
    with atomic_write(path, force) as stream:
        for part in parts:
            stream.write(part)


def dumps(detector: VAEDetector | AutoencoderDetector) -> bytes:
    """The bytes of the file that :func:`save` would write, for where a model travels and no file can.

    Raises
    ------
    SettingError
        If the detector is not fitted.
    OutputError
        If the model is larger than a model file may be.
    """
    try:
        return b"".join(_file_parts(detector))
    except ModelFileError as error:
        raise OutputError(f"this model does not go into a model file: {error}") from error


def _file_parts(detector: VAEDetector | AutoencoderDetector) -> tuple[bytes, bytes, bytes]:
    """Header, manifest and arrays, which have been read back."""
    if not hasattr(detector, "model_"):
        raise SettingError(f"this {type(detector).__name__} is not fitted; call fit before save")
    arrays, tails = _arrays(detector.model_)
    header, manifest, packed = pack(_manifest_type().dump_json(_manifest(detector, tails)), arrays)
    check_lengths(len(manifest), len(packed))
    _unpacked(manifest, packed)
    return header, manifest, packed


def load(path: str | Path) -> VAEDetector | AutoencoderDetector:
    """Read a detector that :func:`save` wrote; it scores as it did then, bit for bit.

    Its parameters ``columns``, ``encoding`` and ``device`` are not kept: fitted again, it judges the kinds of the
    columns anew.

    Raises
    ------
    ModelFileError
        If the file is missing, foreign, truncated, damaged or of a newer protocol; one line says which.
    """
    try:
        return _detector(*_unpacked(*read_parts(Path(path))))
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error


def load_model(path: str | Path) -> FittedModel:
    """Read what scores, without the estimator around it, and so without scikit-learn, which is slow to import.

    Raises
    ------
    ModelFileError
        As :func:`load`.
    """
    try:
        return _unpacked(*read_parts(Path(path)))[1]
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error


def loads_model(content: bytes) -> FittedModel:
    """What scores, from the bytes of a model file, as :func:`load_model` reads it.

    Raises
    ------
    ModelFileError
        If the bytes are no model file, or one that is truncated, damaged or of a newer protocol.
    """
    # as from a file: of a bare BytesIO, hashlib.file_digest takes all bytes, wherever its place is
    return _unpacked(*parts_of(io.BufferedReader(io.BytesIO(content)), len(content)))[1]


def _unpacked(manifest_bytes: bytes, packed: bytes) -> tuple[_Manifest, FittedModel]:
    """The manifest and the model of a file's parts; what comes back scores every table of its schema."""
    try:
        manifest = _parsed(manifest_bytes)
        _check_fit(manifest)
        return manifest, _model(manifest, ArrayStore(unpack_arrays(packed)))
    except (
        pydantic.ValidationError,
        safetensors.SafetensorError,
        OddrowError,
        ValueError,
        KeyError,
        TypeError,
    ) as error:
        raise ModelFileError(f"the parts of the model do not fit together ({one_line(_said(error))})") from error


def _parsed(manifest: bytes) -> _Manifest:
    """The manifest, of exactly its fields and types; each parser lets something pass that the other refuses."""
    # An error that pydantic finds in a text holds a copy of all that stands around it, for each field that is missing;
    # of objects it holds none. So what the second look may still find wrong is a number alone.
    _manifest_type().validate_python(strict_json(manifest))
    return _manifest_type().validate_json(manifest, strict=True)


def _manifest(detector: VAEDetector | AutoencoderDetector, tails: dict[str, _TailNumbers]) -> _Manifest:
    model = detector.model_
    names = getattr(detector, "feature_names_in_", None)
    random_state = detector.random_state
    return _Manifest(
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
        best_step=model.network.learning_curve.best_step,
        health=_HealthNumbers.of(model.network.health),
        evidence="views" if isinstance(model.surprise_model.evidence_model, ViewEvidence) else "reconstruction",
        tails=tails,
        calibration_source=model.calibration.source,
        calibration=checked_calibration(detector.calibration),
        is_policy_given=detector.policy is not None,
        policy=model.policy,
        clean=checked_clean(detector.clean),
        cleaning=detector.cleaning_,
        origin=model.origin,
        extrapolates=model.calibration.extrapolates,
    )


def _floats(weights: Mapping[str, float] | None) -> dict[str, float] | None:
    return None if weights is None else {name: float(weight) for name, weight in weights.items()}


def _arrays(model: FittedModel) -> tuple[Arrays, dict[str, _TailNumbers]]:
    """Every array of a fitted model by name, and the numbers of its tail calibrations."""
    evidence = model.surprise_model.evidence_model
    curve = model.network.learning_curve
    arrays: Arrays = {f"weight.{name}": value for name, value in model.network.parameters.items()}
    arrays |= {f"curve.{name}": getattr(curve, name) for name in _CURVE}
    arrays |= {"range.low": evidence.density.feature_range.low, "range.high": evidence.density.feature_range.high}
    arrays |= {"projection.center": model.projection.center, "projection.axes": model.projection.axes}
    arrays["calibration"] = model.surprise_model.calibration.scores
    tails: dict[str, TailCurve] = {}
    if isinstance(evidence, ViewEvidence):
        views, scales = evidence.views, evidence.scales
        arrays |= {
            "memory": views.memory,
            "single": views.is_single.astype(np.int64),
            "reach.mean": views.reach.mean,
            "reach.furthest": views.reach.furthest,
            "rank_reach.mean": views.rank_reach.mean,
            "rank_reach.furthest": views.rank_reach.furthest,
            "whitening": views.whitening,
            "latent_memory": views.latent_memory.rows,
        }
        curves = {"standard": views.standard.curves, "ranks": views.ranks.curves, "marginal": views.marginals.curves}
        for name, several in curves.items():
            arrays |= packed_curves(name, several)
        arrays |= packed_dependence(views.dependence)
        if model.expectations is not None:
            arrays |= packed_expectations(model.expectations)
        tails |= {name: getattr(scales, name) for name in VIEWS}
        tails |= {f"column.{index}": tail for index, tail in enumerate(scales.column_tails)}
        tails |= {f"alone.{index}": tail for index, tail in enumerate(scales.marginal_tails)}
        tails |= {f"beside.{index}": tail for index, tail in enumerate(scales.dependence_tails)}
    for name, tail in tails.items():
        arrays |= {f"tail.{name}.knots": tail.knots, f"tail.{name}.nats": tail.nats}
    numbers = {name: _TailNumbers(tail.scale, tail.shape) for name, tail in tails.items()}
    return {name: np.ascontiguousarray(value) for name, value in arrays.items()}, numbers


_CURVE = ("step", "training_loss", "held_out_loss", "reconstruction", "kl", "learning_rate")


def _detector(manifest: _Manifest, model: FittedModel) -> VAEDetector | AutoencoderDetector:
    from oddrow.detector import AutoencoderDetector, VAEDetector  # loads scikit-learn: only for who wants an estimator

    detector: VAEDetector | AutoencoderDetector
    common: dict[str, Any] = {
        "settings": manifest.settings,
        "contamination": manifest.contamination,
        "policy": manifest.policy if manifest.is_policy_given else None,
        "view_weights": manifest.view_weights,
        "calibration": manifest.calibration,
        "clean": manifest.clean,
        "random_state": manifest.random_state,
        "max_steps": manifest.max_steps,
    }
    if manifest.detector == "vae":
        detector = VAEDetector(kl_weight=manifest.kl_weight, **common)
    else:
        detector = AutoencoderDetector(**common)
    detector.model_ = model
    detector.cleaning_ = manifest.cleaning
    threshold = model.threshold
    detector.offset_ = np.nan if threshold is None else -threshold
    detector.n_features_in_ = manifest.n_features_in
    if manifest.feature_names is not None:
        detector.feature_names_in_ = np.asarray(manifest.feature_names, dtype=object)
    return detector


def _check_fit(manifest: _Manifest) -> None:
    """Refuse parameters that no fit has, and names that no later table could have."""
    is_vae, is_article = manifest.detector == "vae", manifest.settings == "article"
    if is_vae != manifest.shape.is_variational or is_article != (manifest.evidence == "reconstruction"):
        raise ModelFileError("the network and the evidence are not those of this detector and its settings")
    checked_contamination(manifest.contamination)
    if is_article and manifest.view_weights is not None:
        raise ModelFileError("the article's setting has no views to be weighted")
    if manifest.kl_weight < 0 or (manifest.random_state is not None and manifest.random_state < 0):
        raise ModelFileError("kl_weight or random_state is negative")
    if not 1 <= manifest.n_features_in <= MOST_COLUMNS:
        raise ModelFileError(f"n_features_in is {manifest.n_features_in}, and not from 1 to {MOST_COLUMNS:,}")
    names = manifest.feature_names
    if names is None:  # as an array's columns are named
        names = tuple(f"x{index}" for index in range(manifest.n_features_in))
    if len(names) != manifest.n_features_in or len(set(names)) != len(names):
        raise ModelFileError(f"{len(names):,} feature_names for {manifest.n_features_in:,} columns, or one name twice")
    unknown = set(manifest.encoding.names) - set(names)
    if unknown:
        raise ModelFileError(f"column {min(unknown)!r} of the schema is not among the features")
    n_columns = len(manifest.encoding.columns)
    kinds = ("column", "alone", "beside")
    columns = (f"{name}.{index}" for name in kinds for index in range(n_columns + (name == "column")))
    surplus = manifest.tails.keys() - (set() if is_article else {*VIEWS, *columns})
    if surplus:
        raise ModelFileError(f"the tail {min(surplus)!r} is not part of any model")


def _model(manifest: _Manifest, store: ArrayStore) -> FittedModel:
    check_encoding_size(manifest.encoding)
    check_encoding(manifest.encoding)
    check_shape(manifest.shape)
    layout = manifest.encoding.layout
    shape = manifest.shape
    weights = {}
    for name, (n_in, n_out) in shape.layers.items():
        weights[f"{name}_weight"] = store.take(f"weight.{name}_weight", np.float32, (n_in, n_out))
        weights[f"{name}_bias"] = store.take(f"weight.{name}_bias", np.float32, (n_out,))
    steps = store.take("curve.step", np.int64, (None,))
    losses = {name: store.take(f"curve.{name}", np.float64, steps.shape) for name in _CURVE[1:]}
    curve = LearningCurve(step=steps, best_step=manifest.best_step, **losses)
    network = FittedNetwork(shape, weights, manifest.health.with_curve(curve, shape))
    is_views = manifest.evidence == "views"
    likelihood = MixedLikelihood(layout) if is_views else SquaredError(layout)
    if (shape.n_inputs, shape.n_outputs) != (layout.n_features, likelihood.n_outputs):
        raise ModelFileError("the network does not fit the encoding")
    width = (layout.n_features,)
    ends = [store.take(f"range.{end}", np.float32, width, finite=is_views) for end in ("low", "high")]
    feature_range = FeatureRange(*ends)
    check_range(feature_range)
    check_network(network, feature_range)
    evidence = _evidence(manifest, store, DensityModel(network, likelihood, feature_range))
    projection = LatentProjection(
        store.take("projection.center", np.float64, (shape.n_latent,)),
        store.take("projection.axes", np.float64, (shape.n_latent, 2)),
    )
    scores = ascending("calibration", store.take("calibration", np.float64, (None,)))
    calibration = Calibration(scores, manifest.calibration_source, manifest.extrapolates)
    check_curve("calibration", calibration)
    expectations = None
    if isinstance(evidence, ViewEvidence):
        expectations = taken_expectations(store, manifest.encoding, evidence.views.dependence)
    store.check_empty()
    manifest.policy.promise(calibration)  # refuses what the calibration cannot support
    surprise_model = SurpriseModel(evidence, calibration)
    return FittedModel(
        manifest.encoding, surprise_model, projection, manifest.policy, manifest.origin, expectations=expectations
    )


def _evidence(
    manifest: _Manifest, store: ArrayStore, density: DensityModel[MixedLikelihood | SquaredError]
) -> EvidenceModel:
    network, likelihood, feature_range = density.network, density.likelihood, density.feature_range
    if isinstance(likelihood, SquaredError):
        return ReconstructionEvidence(DensityModel(network, likelihood, feature_range))
    layout = manifest.encoding.layout
    n_features, n_latent = layout.n_features, network.shape.n_latent
    memory = store.take("memory", np.float32, (None, n_features))
    n_rows = len(memory)
    views = Views(
        DensityModel(network, likelihood, feature_range),
        Marginals(taken_curves(store, "marginal", n_features)),
        taken_dependence(store, layout),
        Space(taken_curves(store, "standard", n_features), goes_on=True),
        Space(taken_curves(store, "ranks", n_features), goes_on=False),
        memory,
        flags("single", store.take("single", np.int64, (n_rows,))),
        _reach(store, "reach", n_rows),
        _reach(store, "rank_reach", n_rows),
        store.take("whitening", np.float64, (n_latent, n_latent)),
        Memory(store.take("latent_memory", np.float32, (n_rows, n_latent))),
    )
    check_views(views)
    n_columns = layout.n_columns
    column_tails = tuple(_tail(manifest, store, f"column.{index}") for index in range(n_columns + 1))
    marginal_tails = tuple(_tail(manifest, store, f"alone.{index}") for index in range(n_columns))
    dependence_tails = tuple(_tail(manifest, store, f"beside.{index}") for index in range(n_columns))
    views_tails = (_tail(manifest, store, name) for name in VIEWS)
    weights = checked_view_weights(manifest.view_weights)
    return ViewEvidence(views, ViewScales(weights, column_tails, marginal_tails, dependence_tails, *views_tails))


def _reach(store: ArrayStore, name: str, n_rows: int) -> Reach:
    return Reach(*(store.take(f"{name}.{each}", np.float64, (n_rows,)) for each in ("mean", "furthest")))


def _tail(manifest: _Manifest, store: ArrayStore, name: str) -> TailCurve:
    knots = ascending(name, store.take(f"tail.{name}.knots", np.float64, (None,)))
    nats = ascending(name, store.take(f"tail.{name}.nats", np.float64, knots.shape))
    if name not in manifest.tails:
        raise ModelFileError(f"the tail {name!r} is missing")
    numbers = manifest.tails[name]
    if not min(numbers.scale, numbers.shape, nats[0]) > 0:
        raise ModelFileError(f"the tail {name!r} has no positive scale, shape and nats")
    tail = TailCurve(knots, nats, numbers.scale, numbers.shape)
    check_curve(f"tail {name}", tail)
    return tail


def _said(error: Exception) -> str:
    if isinstance(error, pydantic.ValidationError):
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc'][:4]))}: {first['msg']}"
    return str(error) or type(error).__name__
