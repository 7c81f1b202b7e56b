"""Free text to features, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa

from oddrow.table._columns import Evidence, Features, _evidence
from oddrow.table._scaling import Scaling
from oddrow.table._sketch import NO_ROWS, ColumnSketch
from oddrow.table._texts import LETTER_SHARES, text_features

MOST_LOG_LENGTH = 40.0


@dataclass(frozen=True)
class TextEncoding:
    """Free text by how it looks: its length, and the shares of kinds of letters in it."""

    length: Scaling
    shares: tuple[Scaling, ...]
    has_missing: bool
    kind: Literal["text"] = "text"

    n_shares: ClassVar[int] = len(LETTER_SHARES)

    @classmethod
    def learn(cls, values: pa.ChunkedArray, rest: ColumnSketch = NO_ROWS) -> TextEncoding:
        length, shares = text_features(values)
        features = zip((length, *shares), rest.looks, strict=True)
        scalings = tuple(Scaling.learn(feature, look.ends) for feature, look in features)
        return cls(scalings[0], scalings[1:], bool(values.null_count or rest.n_missing))

    @property
    def n_features(self) -> int:
        return 1 + len(self.shares) + self.has_missing

    @property
    def gaussian(self) -> tuple[int, ...]:
        return tuple(range(1 + len(self.shares)))

    @property
    def binary(self) -> tuple[tuple[int, bool], ...]:
        return ((1 + len(self.shares), True),) if self.has_missing else ()

    @property
    def group(self) -> tuple[int, ...]:
        return ()

    def encode(self, values: pa.ChunkedArray, out: Features, n_rows: int) -> Evidence:
        length, shares = text_features(values)
        missing = np.isnan(length)
        furthest = np.zeros(len(length))
        for offset, (scaling, feature) in enumerate(zip((self.length, *self.shares), (length, *shares), strict=True)):
            standardised = scaling.apply(np.where(missing, scaling.center, feature))
            out[:, offset] = np.where(missing, 0.0, standardised)
            furthest = np.maximum(furthest, scaling.excess(standardised))
        presence, novelty = _evidence(missing, out[:, 1 + len(self.shares)] if self.has_missing else None, n_rows)
        novelty[presence] += np.log1p(n_rows * furthest[presence])
        return presence, novelty

    def decode(self, features: Features) -> list[object]:
        # no text is longer than memory: without a bound a feature far out would have no length at all
        lengths = np.expm1(np.minimum(self.length.invert(features[:, 0].astype(np.float64)), MOST_LOG_LENGTH))
        digits = np.clip(self.shares[0].invert(features[:, 1].astype(np.float64)), 0, 1)
        return [
            f"text of about {max(round(length), 0)} characters, {share:.0%} digits"
            for length, share in zip(lengths.tolist(), digits.tolist(), strict=True)
        ]
