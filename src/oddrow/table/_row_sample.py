"""A uniform sample, without replacement, of the rows of a table that need not be in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Whole = npt.NDArray[np.uint64]

HIGHEST = np.uint64(2**64 - 1)
SLACK = 1.25
"""A sample may grow to so many times its bounds before rows are removed: removing rows copies the others."""


@dataclass(frozen=True)
class SampleBounds:
    """The largest size of a sample, in rows and in bytes of Arrow."""

    rows: int = 400_000
    bytes: int = 2**28

    def cutoff(self, n_rows: int) -> np.uint64:
        """A priority below which the sample of a table of ``n_rows`` lies, with a failure rate of 1e-9.

        Parts that are sampled by different processes need not send rows that the merge would remove. The number of
        rows below it is about the bound and six standard deviations of a binomial.
        """
        share = (self.rows + 6 * np.sqrt(self.rows)) / max(n_rows, 1)
        return HIGHEST if share >= 1 else np.uint64(share * 2.0**64)


def priorities(seed: int, position: Whole) -> Whole:
    """Random numbers uint64 [n], each a function of the seed and of one row's position alone.

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
    """The rows with the lowest priorities, as many as the bounds allow: bottom-k sampling (Cohen and Kaplan 2007).

    Whether a row is in the sample depends on its own priority and on the number and the bytes of rows with lower ones.
    It does not depend on the order of the rows, nor on how they are split into parts.

    Attributes
    ----------
    rows : table of n rows, in any order
    position, priority : uint64 [n], the position of each row in its table, and its random number
    size : int64 [n], the bytes of each row
    cutoff : no row with this priority or a higher one is in the sample or can be added
    """

    rows: pa.Table
    position: Whole
    priority: Whole
    size: npt.NDArray[np.int64]
    bounds: SampleBounds
    cutoff: np.uint64 = HIGHEST

    @classmethod
    def of(cls, rows: pa.Table, position: Whole, seed: int, bounds: SampleBounds) -> RowSample:
        """A sample of all these rows; ``position`` [n] gives their positions in their table."""
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
        """The sample of both, up to ``SLACK`` times its bounds, and the rows that are left out."""
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
        """The sample with a lower cutoff, and the rows that it leaves out."""
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
