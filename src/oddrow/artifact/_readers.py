"""The readers of model files, by the protocol number that stands in a file's header."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from oddrow.artifact import _protocol_1
from oddrow.artifact._saved_detector import SavedDetector
from oddrow.container import Content

Reader: TypeAlias = Callable[[Content], SavedDetector]
"""Gives what a file holds, or raises :class:`oddrow.exceptions.ModelFileError`; what it gives scores every table."""

READERS: dict[int, Reader] = {_protocol_1.PROTOCOL: _protocol_1.read}
"""A protocol that has been released keeps its reader for good."""


def newest_protocol() -> int:
    """The highest protocol number that can be read."""
    return max(READERS)


def read_content(content: Content) -> SavedDetector:
    """What the reader of a file's protocol makes of the file."""
    return READERS[content.protocol](content)
