"""A uniform sample, without replacement, of the rows of a table that nobody holds whole."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Whole = npt.NDArray[np.uint64]

HIGHEST = np.uint64(2**64 - 1)
SLACK = 1.25
"""A sample may grow to so many times its bounds before rows are sorted out: sorting them out copies the others."""


@dataclass(frozen=True)
class SampleBounds:
    """How large a sample may be: in rows, and in bytes of Arrow."""

    rows: int = 400_000
    bytes: int = 2**28

    def cutoff(self, n_rows: int) -> np.uint64:
        """A priority that the sample of a table of ``n_rows`` stays below, but once in a thousand million times.

        Parts that are sampled far from each other need not send what will be sorted out when they are merged. Below it
        are about as many rows as the bound allows and six standard deviations of a binomial more.
        """
        share = (self.rows + 6 * np.sqrt(self.rows)) / max(n_rows, 1)
        return HIGHEST if share >= 1 else np.uint64(share * 2.0**64)


def priorities(seed: int, position: Whole) -> Whole:
    """Random numbers uint64 [n], each of one seed and one row's position alone.

    The output function of SplitMix64 (Steele, Lea and Flood 2014), which maps different positions to different numbers.
    """
    mixed = position * np.uint64(0x9E3779B97F4A7C15) + _mixed(np.array([seed % 2**64], np.uint64))
    return _mixed(mixed)


def _mixed(z: Whole) -> Whole:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@dataclass(frozen=True, eq=False)
class RowSample:
    """The rows of the lowest priorities, as many as the bounds allow: bottom-k sampling (Cohen and Kaplan 2007).

    Whether a row is among them depends on its own priority and on how many rows, of how many bytes, have lower ones:
    not on the order in which rows come, nor on how they are cut into parts.

    Attributes
    ----------
    rows : table of n rows, in any order
    position, priority : uint64 [n], which row each is, and its random number
    size : int64 [n], bytes of each
    cutoff : no row of this priority, or of a higher one, is here or can come in any more
    """

    rows: pa.Table
    position: Whole
    priority: Whole
    size: npt.NDArray[np.int64]
    bounds: SampleBounds
    cutoff: np.uint64 = HIGHEST

    @classmethod
    def of(cls, rows: pa.Table, position: Whole, seed: int, bounds: SampleBounds) -> RowSample:
        """All of some rows, at positions [n] in the table that they are from."""
        return cls(rows, position, priorities(seed, position), row_bytes(rows), bounds)

    @property
    def is_whole(self) -> bool:
        """Whether no row has been left out so far."""
        return bool(self.cutoff == HIGHEST)

    @property
    def ordered(self) -> pa.Table:
        """The rows in the order of their positions."""
        if np.all(self.position[1:] > self.position[:-1]):
            return self.rows
        return self.rows.take(pa.array(np.argsort(self.position, kind="stable")))

    def joined(self, other: RowSample) -> tuple[RowSample, pa.Table]:
        """The sample of both, perhaps larger than its bounds by the ``SLACK``, and the rows that are left out."""
        cutoff = min(self.cutoff, other.cutoff)
        parts = [sample.below(cutoff) for sample in (self, other)]
        both = RowSample(
            pa.concat_tables([kept.rows for kept, _ in parts]),
            np.concatenate([kept.position for kept, _ in parts]),
            np.concatenate([kept.priority for kept, _ in parts]),
            np.concatenate([kept.size for kept, _ in parts]),
            self.bounds,
            cutoff,
        )
        left_out = [rows for _, rows in parts]
        if both._exceeds(SLACK):
            both, more = both.settled()
            left_out.append(more)
        return both, pa.concat_tables(left_out)

    def below(self, cutoff: np.uint64) -> tuple[RowSample, pa.Table]:
        """The sample of a lower cutoff, and the rows that it leaves out."""
        is_kept = self.priority < cutoff
        if is_kept.all():
            return replace(self, cutoff=min(cutoff, self.cutoff)), self.rows.slice(0, 0)
        mask = pa.array(is_kept)
        kept = replace(
            self,
            rows=self.rows.filter(mask).combine_chunks(),
            position=self.position[is_kept],
            priority=self.priority[is_kept],
            size=self.size[is_kept],
            cutoff=cutoff,
        )
        return kept, self.rows.filter(pc.invert(mask))

    def settled(self) -> tuple[RowSample, pa.Table]:
        """The sample within its bounds, and the rows that are left out."""
        if not self._exceeds(1.0):
            return self, self.rows.slice(0, 0)
        order = np.argsort(self.priority, kind="stable")
        fits = np.cumsum(self.size[order]) <= self.bounds.bytes
        fits[self.bounds.rows :] = False
        return self.below(self.priority[order[int(np.argmin(fits))]])

    def _exceeds(self, times: float) -> bool:
        return len(self.size) > times * self.bounds.rows or int(self.size.sum()) > times * self.bounds.bytes


def row_bytes(rows: pa.Table) -> npt.NDArray[np.int64]:
    """Bytes of each row [n] of a plain table, as a function of the row alone."""
    total = np.zeros(rows.num_rows, np.int64)
    for column in rows.columns:
        if pa.types.is_string(column.type):
            total += pc.fill_null(pc.binary_length(column), 0).to_numpy() + 4
        elif not pa.types.is_null(column.type):
            total += max(column.type.bit_width // 8, 1)
    return total
