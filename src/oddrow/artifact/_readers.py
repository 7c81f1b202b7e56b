"""The readers of model files, by the protocol number in the header of a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from oddrow.artifact import _protocol_1
from oddrow.artifact._saved_detector import SavedDetector
from oddrow.container import Content

Reader: TypeAlias = Callable[[Content], SavedDetector]
"""Returns the detector of a file, which scores every table, or raises :class:`oddrow.exceptions.ModelFileError`."""

READERS: dict[int, Reader] = {_protocol_1.PROTOCOL: _protocol_1.read}
"""The reader of each protocol. The reader of a released protocol is never removed."""


def newest_protocol() -> int:
    """Return the highest protocol number that can be read."""
    return max(READERS)


def read_content(content: Content) -> SavedDetector:
    """Read a file with the reader of its protocol."""
    return READERS[content.protocol](content)
