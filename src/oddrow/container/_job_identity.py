"""The identity of a resumable job, which decides whether it may continue from a stored state."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Fact: TypeAlias = str | int | dict[str, str]

MAX_NAMED = 3
"""Maximum number of entries of one fact that a difference names."""


@dataclass(frozen=True)
class JobIdentity:
    """Named facts that must be equal for a job to continue from a stored state, the most informative ones first.

    A fact is a string (usually a :func:`digest`), a count, or named strings that a reader can compare. All of them are
    JSON values.

    Examples
    --------
    >>> kept = JobIdentity({"options": {"top": "3"}, "model": digest("one")})
    >>> kept.difference(JobIdentity({"options": {"top": "5"}, "model": digest("one")}))
    'other options (top 3 there and 5 here)'
    >>> kept.difference(JobIdentity({"options": {"top": "3"}, "model": digest("two")}))
    'another model'
    """

    facts: Mapping[str, Fact]

    def difference(self, here: JobIdentity) -> str | None:
        """Return the first difference between this job, whose state was stored, and the job ``here``; None if equal."""
        for name in dict.fromkeys((*here.facts, *self.facts)):
            kept, own = self.facts.get(name), here.facts.get(name)
            if kept == own:
                continue
            if isinstance(kept, dict) and isinstance(own, dict):
                entries = [entry for entry in dict.fromkeys((*own, *kept)) if kept.get(entry) != own.get(entry)]
                named = [f"{entry} {kept.get(entry)} there and {own.get(entry)} here" for entry in entries[:MAX_NAMED]]
                return f"other {name} ({', '.join(named)})"
            if isinstance(kept, int) and isinstance(own, int):
                return f"another {name} ({kept:,} there, {own:,} here)"
            return f"another {name}"
        return None


def digest(*parts: str | bytes | npt.NDArray[np.generic]) -> str:
    """Return the SHA-256 of several strings, bytes or arrays, each with its length, as hexadecimal digits."""
    whole = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            content: bytes | memoryview = np.ascontiguousarray(part).reshape(-1).view(np.uint8).data
        else:
            content = part.encode() if isinstance(part, str) else part
        whole.update(len(content).to_bytes(8, "little"))
        whole.update(content)
    return whole.hexdigest()
