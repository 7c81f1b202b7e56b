"""Files of triage reports, read as the page reads them."""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

TYPES = {"row": "<u4", "level": "<u4", "calibration": "<u4", "above": "<u4", "x": "<u2", "y": "<u2"}
TYPES |= {"low": "<f8", "high": "<f8"}
BLOCK = re.compile(rb'<script type="text/plain" id="data-([\w-]+)">([A-Za-z0-9+/=]*)</script>')


@dataclass(frozen=True)
class ReportFile:
    """The content of a file: its bytes, its summary, and its arrays; levels are not differences any more."""

    content: bytes
    summary: dict[str, Any]
    blocks: dict[str, npt.NDArray[Any]]
    inflated: dict[str, bytes]

    def above(self, name: str, level: int) -> int:
        """The number of rows, or of calibration rows, above a level."""
        return int(np.sum(self.blocks[name] > level))


def read_report(content: bytes | str) -> ReportFile:
    """Read the bytes of a file."""
    content = content.encode() if isinstance(content, str) else content
    inflated = {name.decode(): zlib.decompress(base64.b64decode(text)) for name, text in BLOCK.findall(content)}
    blocks = {name: np.frombuffer(data, TYPES.get(name, "u1")) for name, data in inflated.items() if name != "summary"}
    for name in ("level", "calibration"):
        steps = blocks[name].astype(np.int64)
        blocks[name] = np.concatenate([steps[:1], steps[:1] - np.cumsum(steps[1:])]) if len(steps) else steps
    return ReportFile(content, json.loads(inflated["summary"]), blocks, inflated)
