"""Model files: written, and read by the reader of their protocol."""

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
    from oddrow.detector import AutoencoderDetector, VAEDetector

MODEL_FILE = FileKind(b"ODDROW\r\n", "model file", way_out="make one with: oddrow fit TABLE -o MODEL")


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
    except ModelFileError as error:  # the error comes now, and not from the load that needs the file
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
        return read_content(read_file(Path(path), MODEL_FILE, newest_protocol())).detector()
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
        return read_content(read_file(Path(path), MODEL_FILE, newest_protocol())).model
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error


def loads_model(content: bytes) -> FittedModel:
    """What scores, from the bytes of a model file, as :func:`load_model` reads it.

    Raises
    ------
    ModelFileError
        If the bytes are no model file, or one that is truncated, damaged or of a newer protocol.
    """
    return read_content(read_bytes(content, MODEL_FILE, newest_protocol())).model


def _file_parts(detector: VAEDetector | AutoencoderDetector) -> tuple[bytes, bytes, bytes]:
    """Header, manifest and arrays, which have been read back."""
    if not hasattr(detector, "model_"):
        raise SettingError(f"this {type(detector).__name__} is not fitted; call fit before save")
    content = _protocol_1.written(detector)
    check_lengths(MODEL_FILE, len(content.manifest), len(content.body))
    read_content(content)
    return pack_file(MODEL_FILE, content)
