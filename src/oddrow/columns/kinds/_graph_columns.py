"""The input of a kind's encoding in a graph, the resulting block, and operations that several kinds share."""

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
"""The codes of the text that stands for a missing value, and of a text that the encoding does not list."""
MAX_SCALED = 1e300
"""Bound of a number in robust scales, as in :class:`Scaling`."""


@dataclass(frozen=True)
class GraphColumns:
    """The columns of one encoding class in a graph.

    Attributes
    ----------
    n_rows : number of training rows from which the encodings were learned
    missing_text : the text that stands for a missing value
    names : the names of the columns [k]
    starts : int64 [k], the index of the first feature of each column
    inputs : for each column its sources [n, 1]: numbers with NaN for missing values, or texts
    """

    xp: GraphNamespace
    n_rows: int
    missing_text: str
    names: Sequence[str]
    starts: npt.NDArray[np.int64]
    inputs: Sequence[Sequence[Value]]

    @property
    def unseen_nats(self) -> float:
        """The novelty in nats of an event that no training row shows; see ``unseen_nats`` in ``_novelty.py``."""
        return float(np.log(self.n_rows + 1.0))

    def joined(self, source: int = 0) -> Value:
        """Return one source of every column as a matrix [n, k]."""
        return self.xp.concatenate([sources[source] for sources in self.inputs], axis=1)

    def codes(self, listed: Sequence[Mapping[str, int]], unlisted: Sequence[int]) -> Value:
        """Return codes int64 [n, k] of texts; ``MISSING`` for a missing value.

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
        """Return one-hot features for the codes >= 0 of each column, and the indices of these features."""
        owner = np.repeat(np.arange(len(sizes)), sizes)
        code = np.concatenate([np.arange(size) for size in sizes])
        return codes[:, owner].equals(code).astype(FLOAT), self.starts[owner] + code


@dataclass(frozen=True)
class GraphBlock:
    """The encoded columns of one encoding class, side by side.

    Attributes
    ----------
    missing : bool [n, k]
    values, features : float64 [n, f] and the index of each feature; presence flags are not included
    is_unseen : bool [n, k], whether a value has no likelihood because no training row has one like it
    novelty : float64 [n, k], without that of missing values
    never_missing : bool [k], whether a missing value has novelty because no training value is missing; () for none
    """

    missing: Value
    values: Value | None = None
    features: npt.NDArray[np.int64] | None = None
    is_unseen: Value | None = None
    novelty: Value | None = None
    never_missing: Sequence[bool] = ()


def standardised(xp: GraphNamespace, values: Value, scalings: Sequence[Scaling]) -> Value:
    """Return the operations of :meth:`Scaling.apply` on numbers [n, k]."""
    center, scale, mean, deviation = (_stacked(scalings, name) for name in ("center", "scale", "mean", "deviation"))
    curved = xp.clip((values / 2.0 - center / 2) / (scale / 2), -MAX_SCALED, MAX_SCALED)
    heavy = np.array([scaling.heavy for scaling in scalings])
    if heavy.any():
        curved = xp.where(heavy, xp.arcsinh(curved), curved)
    whole = (curved - mean) / deviation
    inside = _clipped_to_range(xp, whole, scalings)
    beyond, span = whole - inside, _stacked(scalings, "span")
    return inside + xp.sign(beyond) * span * xp.log1p(xp.abs(beyond) / span)


def excess(xp: GraphNamespace, standard: Value, scalings: Sequence[Scaling]) -> Value:
    """Return the distance of standardised numbers [n, k] outside the training range, in widths of that range."""
    return xp.abs(standard - _clipped_to_range(xp, standard, scalings)) / _stacked(scalings, "span")


def _clipped_to_range(xp: GraphNamespace, standard: Value, scalings: Sequence[Scaling]) -> Value:
    return xp.clip(standard, _stacked(scalings, "low"), _stacked(scalings, "high"))


def _stacked(scalings: Sequence[Scaling], name: str) -> npt.NDArray[np.float64]:
    return np.array([getattr(scaling, name) for scaling in scalings], np.float64)
