"""What a kind needs to write its encoding as operations of a graph, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oddrow.columns._scaling import Scaling
from oddrow.exceptions import SettingError
from oddrow.graph import FLOAT, INTEGER, GraphNamespace, Value
from oddrow.remedies import Setting, remedy

MISSING, UNLISTED = -1, -2
"""Codes of the text that stands for a missing value, and of one that the encoding does not list."""
MAX_SCALED = 1e300
"""Bound of a number in robust scales, as in the encoding."""


@dataclass(frozen=True)
class GraphColumns:
    """Columns of one encoding class in a graph.

    Attributes
    ----------
    n_rows : training rows that the encodings were learned from
    missing_text : the text that stands for a missing value
    names : of the columns [k]
    starts : int64 [k], the first feature of each
    inputs : of each column, its sources [n, 1]: numbers with NaN where missing, or texts
    """

    xp: GraphNamespace
    n_rows: int
    missing_text: str
    names: Sequence[str]
    starts: npt.NDArray[np.int64]
    inputs: Sequence[Sequence[Value]]

    @property
    def never_seen(self) -> float:
        """Nats of what so many rows never showed."""
        return float(np.log(self.n_rows + 1.0))

    def joined(self, source: int = 0) -> Value:
        """One source of every column, side by side [n, k]."""
        return self.xp.concatenate([sources[source] for sources in self.inputs], axis=1)

    def codes(self, listed: Sequence[Mapping[str, int]], unlisted: Sequence[int]) -> Value:
        """Codes int64 [n, k] of texts; ``MISSING`` where a value is.

        Raises
        ------
        SettingError
            If the text that stands for a missing value is a value of a column.
        """
        encoded = []
        for name, (value,), codes, other in zip(self.names, self.inputs, listed, unlisted, strict=True):
            if self.missing_text in codes:
                raise SettingError(
                    f"column {name!r}: {self.missing_text!r} is one of its values and cannot stand for a missing one",
                    remedy=remedy("choose another text with ", Setting("missing_text")),
                )
            known = {**codes, self.missing_text: MISSING}
            encoded.append(
                self.xp.graph.apply(
                    "LabelEncoder",
                    value,
                    dtype=INTEGER,
                    domain="ai.onnx.ml",
                    keys_strings=list(known),
                    values_int64s=list(known.values()),
                    default_int64=other,
                )
            )
        return self.xp.concatenate(encoded, axis=1)

    def one_hot(self, codes: Value, sizes: Sequence[int]) -> tuple[Value, npt.NDArray[np.int64]]:
        """A place for each code from 0 of each column, and the features that these are."""
        owner = np.repeat(np.arange(len(sizes)), sizes)
        code = np.concatenate([np.arange(size) for size in sizes])
        return codes[:, owner].equals(code).astype(FLOAT), self.starts[owner] + code


@dataclass(frozen=True)
class GraphBlock:
    """What the columns of one encoding class give, side by side.

    Attributes
    ----------
    missing : bool [n, k]
    values, features : float64 [n, f], and the place of each; presence flags are not among them
    is_strange : bool [n, k], a value of a kind never seen: there is none to judge
    novelty : float64 [n, k], beside that of a missing value
    never_missing : bool [k], whether a missing value is evidence, since training had none; () where none is
    """

    missing: Value
    values: Value | None = None
    features: npt.NDArray[np.int64] | None = None
    is_strange: Value | None = None
    novelty: Value | None = None
    never_missing: Sequence[bool] = ()


def standardised(xp: GraphNamespace, values: Value, scalings: Sequence[Scaling]) -> Value:
    """Numbers [n, k] as :meth:`Scaling.apply` gives them, operation by operation."""
    center, scale, mean, deviation = (_of_each(scalings, name) for name in ("center", "scale", "mean", "deviation"))
    curved = xp.clip((values / 2.0 - center / 2) / (scale / 2), -MAX_SCALED, MAX_SCALED)
    heavy = np.array([scaling.heavy for scaling in scalings])
    if heavy.any():
        curved = xp.where(heavy, xp.arcsinh(curved), curved)
    whole = (curved - mean) / deviation
    inside = _inside(xp, whole, scalings)
    beyond, span = whole - inside, _of_each(scalings, "span")
    return inside + xp.sign(beyond) * span * xp.log1p(xp.abs(beyond) / span)


def excess(xp: GraphNamespace, standard: Value, scalings: Sequence[Scaling]) -> Value:
    """How far standardised numbers [n, k] lie outside the range of training, in its widths."""
    return xp.abs(standard - _inside(xp, standard, scalings)) / _of_each(scalings, "span")


def _inside(xp: GraphNamespace, standard: Value, scalings: Sequence[Scaling]) -> Value:
    return xp.clip(standard, _of_each(scalings, "low"), _of_each(scalings, "high"))


def _of_each(scalings: Sequence[Scaling], name: str) -> npt.NDArray[np.float64]:
    return np.array([getattr(scaling, name) for scaling in scalings], np.float64)
