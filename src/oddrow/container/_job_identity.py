"""Which job a kept state belongs to: it is no state of any other job."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Fact: TypeAlias = str | int | dict[str, str]

MAX_TOLD = 3
"""Entries of one fact that a difference names at most."""


@dataclass(frozen=True)
class JobIdentity:
    """What must be the same for a job to go on from a state that was kept: named facts, the most telling ones first.

    A fact is a text (mostly a :func:`digest`), a count, or named texts that a reader can compare. All of them are JSON.

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
        """What tells the job that asks (``here``) from this one, whose state was kept; None where nothing does."""
        for name in dict.fromkeys((*here.facts, *self.facts)):
            kept, own = self.facts.get(name), here.facts.get(name)
            if kept == own:
                continue
            if isinstance(kept, dict) and isinstance(own, dict):
                entries = [entry for entry in dict.fromkeys((*own, *kept)) if kept.get(entry) != own.get(entry)]
                told = [f"{entry} {kept.get(entry)} there and {own.get(entry)} here" for entry in entries[:MAX_TOLD]]
                return f"other {name} ({', '.join(told)})"
            if isinstance(kept, int) and isinstance(own, int):
                return f"another {name} ({kept:,} there, {own:,} here)"
            return f"another {name}"
        return None


def digest(*parts: str | bytes | npt.NDArray[np.generic]) -> str:
    """SHA-256 of several texts, bytes or arrays, each with its length, as hexadecimal digits."""
    whole = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            content: bytes | memoryview = np.ascontiguousarray(part).reshape(-1).view(np.uint8).data
        else:
            content = part.encode() if isinstance(part, str) else part
        whole.update(len(content).to_bytes(8, "little"))
        whole.update(content)
    return whole.hexdigest()
