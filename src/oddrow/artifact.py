r"""Save and load a fitted detector: one file, a JSON manifest and safetensors, a protocol number, no code.

The file, in order (integers little-endian)::

    8 bytes    magic b"ODDROW\\r\\n"
    4 bytes    protocol number, uint32
    8 bytes    length of the manifest, uint64
    8 bytes    length of the arrays, uint64
    32 bytes   SHA-256 of the manifest
    32 bytes   SHA-256 of the arrays
    manifest   UTF-8 JSON: the detector's parameters, schema, encoding, network shape, calibration, threshold
    arrays     safetensors: weights, memory, calibration scores, learning curve

Nothing is read beyond the lengths that the file's own size confirms, and nothing is parsed before its hash agrees.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pydantic
import safetensors
import safetensors.numpy

from oddrow.detector import AutoencoderDetector, VAEDetector
from oddrow.exceptions import ModelFileError, OddrowError, SettingError
from oddrow.model import FittedNetwork, LearningCurve, MixedLikelihood, NetworkShape, SquaredError
from oddrow.scoring import (
    Calibration,
    EvidenceModel,
    FeatureRange,
    FittedModel,
    LatentProjection,
    Memory,
    ReconstructionEvidence,
    SurpriseModel,
    TailCurve,
    Threshold,
    ViewEvidence,
)
from oddrow.table import TableEncoding, atomic_write

PROTOCOL = 1
"""Raised by one when a file of this version could no longer be read by the version before."""

MAGIC = b"ODDROW\r\n"
_HEADER = struct.Struct("<8sIQQ32s32s")
MOST_MANIFEST_BYTES = 256 * 2**20

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class _TailNumbers:
    scale: float
    shape: float


@dataclass(frozen=True)
class _Manifest:
    """All of a fitted detector that is not an array."""

    detector: Literal["vae", "autoencoder"]
    settings: str
    contamination: float | Literal["auto"]
    kl_weight: float
    random_state: int | None
    feature_names: tuple[str, ...] | None
    n_features_in: int
    encoding: TableEncoding
    shape: NetworkShape
    best_step: int
    evidence: Literal["views", "reconstruction"]
    tails: dict[str, _TailNumbers]
    threshold: Threshold


_MANIFEST = pydantic.TypeAdapter(_Manifest)


def save(detector: VAEDetector | AutoencoderDetector, path: str | Path, *, force: bool = False) -> None:
    """Write a fitted detector to one file, whole or not at all.

    Raises
    ------
    SettingError
        If the detector is not fitted.
    OutputError
        If the file exists and ``force`` is not set, or cannot be written.

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
    if not hasattr(detector, "model_"):
        raise SettingError(f"this {type(detector).__name__} is not fitted; call fit before save")
    arrays, tails = _arrays(detector.model_)
    manifest = _MANIFEST.dump_json(_manifest(detector, tails))
    packed = safetensors.numpy.save(arrays)
    header = _HEADER.pack(
        MAGIC,
        PROTOCOL,
        len(manifest),
        len(packed),
        hashlib.sha256(manifest).digest(),
        hashlib.sha256(packed).digest(),
    )
    with atomic_write(path, force) as stream:
        stream.write(header)
        stream.write(manifest)
        stream.write(packed)


def load(path: str | Path) -> VAEDetector | AutoencoderDetector:
    """Read a detector that :func:`save` wrote; it scores as it did then, bit for bit.

    Raises
    ------
    ModelFileError
        If the file is missing, foreign, truncated, damaged or of a newer protocol; one line says which.
    """
    manifest_bytes, packed = _checked_parts(Path(path))
    try:
        manifest = _MANIFEST.validate_json(manifest_bytes)
        return _detector(manifest, safetensors.numpy.load(packed))
    except (
        pydantic.ValidationError,
        safetensors.SafetensorError,
        OddrowError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
    ) as error:
        raise ModelFileError(f"{path}: the parts of the model do not fit together ({_first_line(error)})") from error


def _checked_parts(path: Path) -> tuple[bytes, bytes]:
    """Manifest and arrays, after sizes and hashes agree."""
    try:
        with path.open("rb") as stream:
            size = path.stat().st_size
            head = stream.read(_HEADER.size)
            lengths = _checked_header(path, head, size)
            manifest, packed = stream.read(lengths[0]), stream.read(lengths[1])
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read as a model file ({error.strerror or error})") from error
    expected = _HEADER.unpack(head)[4:]
    for part, name, digest in zip((manifest, packed), ("manifest", "arrays"), expected, strict=True):
        if hashlib.sha256(part).digest() != digest:
            raise ModelFileError(f"{path}: the model file is damaged: its {name} do not have the recorded hash")
    return manifest, packed


def _checked_header(path: Path, head: bytes, size: int) -> tuple[int, int]:
    if head[: len(MAGIC)] != MAGIC[: len(head)] or not head:
        raise ModelFileError(f"{path}: not an oddrow model file; make one with: oddrow fit TABLE -o MODEL")
    if len(head) < _HEADER.size:
        raise ModelFileError(f"{path}: the model file is truncated: {size:,} bytes, too short for its header")
    _, protocol, manifest_length, arrays_length, *_ = _HEADER.unpack(head)
    if protocol > PROTOCOL:
        raise ModelFileError(
            f"{path}: model file protocol {protocol} is newer than this oddrow reads ({PROTOCOL}); upgrade oddrow"
        )
    if protocol < 1:
        raise ModelFileError(f"{path}: the model file is damaged: protocol {protocol} never existed")
    claimed = _HEADER.size + manifest_length + arrays_length
    if claimed != size or manifest_length > MOST_MANIFEST_BYTES:
        raise ModelFileError(
            f"{path}: the model file is truncated or damaged: {size:,} bytes, its header claims {claimed:,}"
        )
    return manifest_length, arrays_length


def _manifest(detector: VAEDetector | AutoencoderDetector, tails: dict[str, _TailNumbers]) -> _Manifest:
    model = detector.model_
    names = getattr(detector, "feature_names_in_", None)
    random_state = detector.random_state
    return _Manifest(
        detector="vae" if isinstance(detector, VAEDetector) else "autoencoder",
        settings=detector.settings,
        contamination="auto" if detector.contamination == "auto" else float(detector.contamination),
        kl_weight=float(getattr(detector, "kl_weight", 0.0)),
        random_state=int(random_state) if isinstance(random_state, int | np.integer) else None,
        feature_names=None if names is None else tuple(map(str, names)),
        n_features_in=detector.n_features_in_,
        encoding=model.encoding,
        shape=model.network.shape,
        best_step=model.network.learning_curve.best_step,
        evidence="views" if isinstance(model.surprise_model.evidence_model, ViewEvidence) else "reconstruction",
        tails=tails,
        threshold=model.threshold,
    )


def _arrays(model: FittedModel) -> tuple[Arrays, dict[str, _TailNumbers]]:
    """Every array of a fitted model by name, and the numbers of its tail calibrations."""
    evidence = model.surprise_model.evidence_model
    curve = model.network.learning_curve
    arrays: Arrays = {f"weight.{name}": value for name, value in model.network.parameters.items()}
    arrays |= {f"curve.{name}": getattr(curve, name) for name in _CURVE}
    arrays |= {"range.low": evidence.feature_range.low, "range.high": evidence.feature_range.high}
    arrays |= {"projection.center": model.projection.center, "projection.axes": model.projection.axes}
    arrays["calibration"] = model.surprise_model.calibration.scores
    tails: dict[str, TailCurve] = {}
    if isinstance(evidence, ViewEvidence):
        arrays |= {
            "memory": evidence.memory.rows,
            "latent_memory": evidence.latent_memory.rows,
        }
        tails |= {name: getattr(evidence, f"{name}_tail") for name in _VIEWS}
        tails |= {f"column.{index}": tail for index, tail in enumerate(evidence.column_tails)}
    for name, tail in tails.items():
        arrays |= {f"tail.{name}.knots": tail.knots, f"tail.{name}.nats": tail.nats}
    numbers = {name: _TailNumbers(tail.scale, tail.shape) for name, tail in tails.items()}
    return {name: np.ascontiguousarray(value) for name, value in arrays.items()}, numbers


_CURVE = ("step", "training_loss", "held_out_loss", "reconstruction", "kl")
_VIEWS = ("likelihood", "neighbour", "latent")


def _detector(manifest: _Manifest, arrays: Arrays) -> VAEDetector | AutoencoderDetector:
    detector: VAEDetector | AutoencoderDetector
    common: dict[str, Any] = {
        "settings": manifest.settings,
        "contamination": manifest.contamination,
        "random_state": manifest.random_state,
    }
    if manifest.detector == "vae":
        detector = VAEDetector(kl_weight=manifest.kl_weight, **common)
    else:
        detector = AutoencoderDetector(**common)
    detector.model_ = _model(manifest, _Store(arrays))
    detector.offset_ = -manifest.threshold.surprise
    detector.n_features_in_ = manifest.n_features_in
    if manifest.feature_names is not None:
        detector.feature_names_in_ = np.asarray(manifest.feature_names, dtype=object)
    return detector


def _model(manifest: _Manifest, store: _Store) -> FittedModel:
    layout = manifest.encoding.layout
    shape = manifest.shape
    weights = {}
    for name, (n_in, n_out) in shape.layers.items():
        weights[f"{name}_weight"] = store.take(f"weight.{name}_weight", np.float32, (n_in, n_out))
        weights[f"{name}_bias"] = store.take(f"weight.{name}_bias", np.float32, (n_out,))
    steps = store.take("curve.step", np.int64, (None,))
    losses = {name: store.take(f"curve.{name}", np.float64, steps.shape) for name in _CURVE[1:]}
    network = FittedNetwork(shape, weights, LearningCurve(step=steps, best_step=manifest.best_step, **losses))
    is_views = manifest.evidence == "views"
    likelihood = MixedLikelihood(layout) if is_views else SquaredError(layout)
    if (shape.n_inputs, shape.n_outputs) != (layout.n_features, likelihood.n_outputs):
        raise ModelFileError("the network does not fit the encoding")
    width = (layout.n_features,)
    bounds = [store.take(f"range.{end}", np.float32, width, finite=is_views) for end in ("low", "high")]
    evidence = _evidence(manifest, store, network, likelihood, FeatureRange(*bounds))
    projection = LatentProjection(
        store.take("projection.center", np.float64, (shape.n_latent,)),
        store.take("projection.axes", np.float64, (shape.n_latent, 2)),
    )
    calibration = Calibration(_ascending("calibration", store.take("calibration", np.float64, (None,))))
    store.check_empty()
    return FittedModel(manifest.encoding, SurpriseModel(evidence, calibration), projection, manifest.threshold)


def _evidence(
    manifest: _Manifest,
    store: _Store,
    network: FittedNetwork,
    likelihood: MixedLikelihood | SquaredError,
    feature_range: FeatureRange,
) -> EvidenceModel:
    if isinstance(likelihood, SquaredError):
        return ReconstructionEvidence(network, likelihood, feature_range)
    layout = manifest.encoding.layout
    return ViewEvidence(
        network,
        likelihood,
        feature_range,
        Memory(store.take("memory", np.float32, (None, layout.n_features))),
        Memory(store.take("latent_memory", np.float32, (None, network.shape.n_latent))),
        tuple(_tail(manifest, store, f"column.{index}") for index in range(layout.n_columns + 1)),
        *(_tail(manifest, store, name) for name in _VIEWS),
    )


def _tail(manifest: _Manifest, store: _Store, name: str) -> TailCurve:
    knots = _ascending(name, store.take(f"tail.{name}.knots", np.float64, (None,)))
    nats = _ascending(name, store.take(f"tail.{name}.nats", np.float64, knots.shape))
    numbers = manifest.tails[name]
    if not (0 < numbers.scale < np.inf and 0 < numbers.shape < np.inf and nats[0] > 0):
        raise ModelFileError(f"the tail {name!r} has no positive scale, shape and nats")
    return TailCurve(knots, nats, numbers.scale, numbers.shape)


def _ascending(name: str, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if len(values) == 0 or np.any(np.diff(values) < 0):
        raise ModelFileError(f"the scores of {name!r} are not ascending")
    return values


class _Store:
    """Arrays of a file, each taken once by name and checked for type, shape and finite values."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = dict(arrays)

    def take(self, name: str, dtype: Any, shape: tuple[int | None, ...], *, finite: bool = True) -> npt.NDArray[Any]:
        if name not in self._arrays:
            raise ModelFileError(f"array {name!r} is missing")
        array = self._arrays.pop(name)
        fits = array.ndim == len(shape) and all(
            wanted in (None, found) for wanted, found in zip(shape, array.shape, strict=True)
        )
        if array.dtype != dtype or not fits:
            raise ModelFileError(f"array {name!r} is {array.dtype}{list(array.shape)}, which does not fit the model")
        if finite and not np.isfinite(array).all():
            raise ModelFileError(f"array {name!r} has values that are not finite")
        return array

    def check_empty(self) -> None:
        if self._arrays:
            raise ModelFileError(f"array {next(iter(self._arrays))!r} is not part of any model")


def _first_line(error: Exception) -> str:
    if isinstance(error, pydantic.ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc'][:4]))}: {first['msg']}"
    return str(error).splitlines()[0] if str(error) else type(error).__name__
