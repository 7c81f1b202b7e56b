"""Write and read model files; the protocol number of a file chooses its reader."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from oddrow.artifact import _protocol_1
from oddrow.artifact._readers import newest_protocol, read_content
from oddrow.container import FileKind, check_lengths, pack_file, read_bytes, read_file
from oddrow.exceptions import ModelFileError, OutputError, SettingError
from oddrow.files import atomic_write
from oddrow.fitted import FittedModel

if TYPE_CHECKING:
    from oddrow.detector import AutoencoderDetector, PlainDetector, VAEDetector

MODEL_FILE = FileKind(b"ODDROW\r\n", "model file", way_out="make one with: oddrow fit TABLE -o MODEL")


def save(detector: VAEDetector | AutoencoderDetector | PlainDetector, path: str | Path, *, force: bool = False) -> None:
    """Write a fitted detector to one file, atomically: an error leaves no incomplete file.

    Raises
    ------
    SettingError
        If the detector is not fitted.
    OutputError
        If the file exists and ``force`` is not set, or cannot be written, or the model exceeds a limit of model
        files.

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
        sections = _file_sections(detector)
    except ModelFileError as error:  # reported now, and not by the later load that needs the file
        raise OutputError(f"{path}: a model file cannot hold this model: {error}; nothing was written") from error
    with atomic_write(path, force) as stream:
        for section in sections:
            stream.write(section)


def dumps(detector: VAEDetector | AutoencoderDetector | PlainDetector) -> bytes:
    """Return the bytes that :func:`save` would write, to send a model to another process without a file.

    Raises
    ------
    SettingError
        If the detector is not fitted.
    OutputError
        If the model exceeds a limit of model files.
    """
    try:
        return b"".join(_file_sections(detector))
    except ModelFileError as error:
        raise OutputError(f"a model file cannot hold this model: {error}") from error


def load(path: str | Path) -> VAEDetector | AutoencoderDetector:
    """Read a detector that :func:`save` wrote; its scores equal those before saving, bit for bit.

    The file does not hold its parameters ``columns``, ``encoding`` and ``device``: a new fit infers the kinds of the
    columns again.

    Raises
    ------
    ModelFileError
        If the file is missing, no model file, truncated, damaged or of a newer protocol; the message is one line.
    """
    try:
        return read_content(read_file(Path(path), MODEL_FILE, newest_protocol())).detector()
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error


def load_model(path: str | Path) -> FittedModel:
    """Read only the fitted model, which scores. This does not import scikit-learn, which the estimator needs.

    Raises
    ------
    ModelFileError
        As :func:`load`.
    """
    try:
        return read_content(read_file(Path(path), MODEL_FILE, newest_protocol())).model
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error


def loads_model(content: bytes) -> FittedModel:
    """Return the fitted model from the bytes of a model file, as :func:`load_model` does from a file.

    Raises
    ------
    ModelFileError
        If the bytes are no model file, or a truncated or damaged one, or one of a newer protocol.
    """
    return read_content(read_bytes(content, MODEL_FILE, newest_protocol())).model


def _file_sections(detector: VAEDetector | AutoencoderDetector | PlainDetector) -> tuple[bytes, bytes, bytes]:
    """Return header, manifest and arrays, after reading them back as a check."""
    if not hasattr(detector, "model_"):
        raise SettingError(f"this {type(detector).__name__} is not fitted; call fit before save")
    content = _protocol_1.written(detector)
    check_lengths(MODEL_FILE, len(content.manifest), len(content.body))
    read_content(content)
    return pack_file(MODEL_FILE, content)
