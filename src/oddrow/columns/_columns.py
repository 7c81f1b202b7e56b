"""One class a kind of column: how its values become features, and back.

Each class has ``learn(values, rest)`` (``rest`` is what is known of further rows), ``encode(values, out, n_rows) ->
presence, novelty`` (fills ``out`` float32 [n, n_features]), ``decode(features)`` (a list of values in original units),
and says how its features are distributed: ``gaussian`` offsets, ``binary`` offsets with whether each is the presence
flag, and the ``group`` that is one-hot together.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns._numbers import Numbers, nats_of_never
from oddrow.columns._precision import few_values
from oddrow.columns._scaling import Scaling
from oddrow.columns._sketch import NO_ROWS, ColumnSketch, ValueCounts
from oddrow.table import Floats, as_booleans, as_numbers, as_texts

Features: TypeAlias = npt.NDArray[np.float32]
Evidence: TypeAlias = tuple[npt.NDArray[np.bool_], Floats]

RARE = "(rare)"
NEVER_SEEN = "(never seen)"
MOST_CATEGORIES = 64
"""Categories with a feature of their own; the less frequent ones share the place of the rare."""
RARE_COUNT = 2
"""A category with fewer rows than this shares the place of the rare ones."""


def _evidence(missing: npt.NDArray[np.bool_], flag: Features | None, n_rows: int) -> Evidence:
    """Presence, and the novelty of a value missing from a column that had none missing in training."""
    novelty = np.zeros(len(missing))
    if flag is None:
        novelty[missing] = nats_of_never(n_rows)
    else:
        flag[:] = ~missing
    return ~missing, novelty


@dataclass(frozen=True)
class NumberEncoding:
    """A quantity: one standardised feature."""

    scaling: Scaling
    has_missing: bool
    is_whole: bool
    few: tuple[float, ...] = ()
    """All values of training where they are few and not whole: the same ones in another precision are known by them."""
    kind: Literal["number"] = "number"

    @classmethod
    def learn(cls, values: Floats, rest: ColumnSketch = NO_ROWS) -> NumberEncoding:
        missing = np.isnan(values)
        present = values[~missing]
        is_whole = rest.is_whole and bool(np.all(present == np.floor(present)))
        few: tuple[float, ...] = ()
        if rest.counts is not None:
            few = few_values(np.concatenate([present, as_numbers(pa.chunked_array([rest.counts.values]))]))
        return cls(Scaling.learn(values, rest.range.ends), bool(missing.any() or rest.n_missing), is_whole, few)

    @property
    def n_features(self) -> int:
        return 1 + self.has_missing

    @property
    def gaussian(self) -> tuple[int, ...]:
        return (0,)

    @property
    def binary(self) -> tuple[tuple[int, bool], ...]:
        return ((1, True),) if self.has_missing else ()

    @property
    def group(self) -> tuple[int, ...]:
        return ()

    def encode(self, values: Floats, out: Features, n_rows: int) -> Evidence:
        encoded = Numbers((self.scaling,), (self.has_missing,)).encode(values[None], n_rows)
        (features,), (missing,) = encoded.features, encoded.missing
        out[:, 0] = features
        if self.has_missing:
            out[:, 1] = ~missing
        return ~missing, np.zeros(len(values)) if encoded.novelty is None else encoded.novelty[0]

    def decode(self, features: Features) -> list[object]:
        values = self.scaling.invert(features[:, 0].astype(np.float64))
        if self.is_whole:
            return [int(value) if abs(value) < 2**63 else value for value in np.round(values).tolist()]
        return list(values.tolist())


@dataclass(frozen=True)
class BooleanEncoding:
    """A flag: one feature, 0 or 1."""

    has_missing: bool
    kind: Literal["boolean"] = "boolean"

    @classmethod
    def learn(cls, values: Floats, rest: ColumnSketch = NO_ROWS) -> BooleanEncoding:
        return cls(bool(np.isnan(values).any() or rest.n_missing))

    @property
    def n_features(self) -> int:
        return 1 + self.has_missing

    @property
    def gaussian(self) -> tuple[int, ...]:
        return ()

    @property
    def binary(self) -> tuple[tuple[int, bool], ...]:
        return ((0, False), (1, True)) if self.has_missing else ((0, False),)

    @property
    def group(self) -> tuple[int, ...]:
        return ()

    def encode(self, values: Floats, out: Features, n_rows: int) -> Evidence:
        missing = np.isnan(values)
        neither = ~missing & (values > 1)
        out[:, 0] = np.where(missing | neither, 0.0, values)
        presence, novelty = _evidence(missing, out[:, 1] if self.has_missing else None, n_rows)
        novelty[neither] = nats_of_never(n_rows)
        return presence & ~neither, novelty

    def decode(self, features: Features) -> list[object]:
        return list((features[:, 0] >= 0.5).tolist())


@dataclass(frozen=True)
class CategoryEncoding:
    """One of several names: a place for each frequent one, one for the rare, one for those never seen."""

    frequent: tuple[str, ...]
    rare: tuple[str, ...]
    seen_once: int
    has_missing: bool
    kind: Literal["category"] = "category"

    @classmethod
    def learn(cls, values: pa.ChunkedArray, rest: ColumnSketch = NO_ROWS) -> CategoryEncoding:
        counted = ValueCounts.of(values)
        times = 1.0
        if rest.counts is not None:
            counted = counted.merged(rest.counts.as_texts)
        else:  # of names too many to be kept the values at hand know a part, and as many of all rows are new to it
            times = 1.0 + rest.n_rows / len(values)
        ordered = sorted(zip(counted.values.to_pylist(), counted.counts.tolist(), strict=True), key=_by_count)
        # in a table so short that nothing repeats, "rare" would be all there is
        least = RARE_COUNT if ordered and ordered[0][1] >= RARE_COUNT else 1
        frequent = tuple(name for name, count in ordered[:MOST_CATEGORIES] if count >= least)
        rare = tuple(name for name, _ in ordered[len(frequent) :])
        once = round(times * int(np.sum(counted.counts == 1)))
        return cls(frequent, rare, once, bool(values.null_count or rest.n_missing))

    @property
    def names(self) -> tuple[str, ...]:
        """All names of training."""
        return self.frequent + self.rare

    @property
    def n_features(self) -> int:
        return len(self.frequent) + 2 + self.has_missing

    @property
    def gaussian(self) -> tuple[int, ...]:
        return ()

    @property
    def binary(self) -> tuple[tuple[int, bool], ...]:
        return ((len(self.frequent) + 2, True),) if self.has_missing else ()

    @property
    def group(self) -> tuple[int, ...]:
        """The frequent places and the rare one; the place of the never seen has no likelihood, but evidence."""
        return tuple(range(len(self.frequent) + 1))

    def encode(self, values: pa.ChunkedArray, out: Features, n_rows: int) -> Evidence:
        missing = values.is_null().to_numpy()
        places = len(self.frequent)
        known = pa.array(self.frequent + self.rare, pa.string())
        index = pc.fill_null(pc.index_in(values, known), len(known)).to_numpy()
        unseen = ~missing & (index == len(known))
        place = np.where(unseen, places + 1, np.minimum(index, places))
        there = np.flatnonzero(~missing)
        out[there, place[there]] = 1.0
        presence, novelty = _evidence(missing, out[:, places + 2] if self.has_missing else None, n_rows)
        novelty[unseen] = -np.log((self.seen_once + 1.0) / (n_rows + 1.0 + self.seen_once))
        return presence & ~unseen, novelty

    def decode(self, features: Features) -> list[object]:
        names = (*self.frequent, RARE if len(self.rare) != 1 else self.rare[0], NEVER_SEEN)
        places = np.argmax(features[:, : len(names)], axis=1)
        return [names[place] for place in places]


def _by_count(entry: tuple[str, int]) -> tuple[int, str]:
    """The most frequent first, then by name."""
    return -entry[1], entry[0]


_DAY = 86_400.0


@dataclass(frozen=True)
class TimestampEncoding:
    """A point in time: seconds elapsed, and the hour and weekday as points on two circles.

    Later rows are later: time running on is no evidence. Within one width of the learned range on either side a time
    counts as its nearest border; only beyond that it is out of range.
    """

    scaling: Scaling
    has_missing: bool
    kind: Literal["timestamp"] = "timestamp"

    @classmethod
    def learn(cls, values: Floats, rest: ColumnSketch = NO_ROWS) -> TimestampEncoding:
        return cls(Scaling.learn(values, rest.range.ends), bool(np.isnan(values).any() or rest.n_missing))

    @property
    def n_features(self) -> int:
        return 5 + self.has_missing

    @property
    def gaussian(self) -> tuple[int, ...]:
        return (0, 1, 2, 3, 4)

    @property
    def binary(self) -> tuple[tuple[int, bool], ...]:
        return ((5, True),) if self.has_missing else ()

    @property
    def group(self) -> tuple[int, ...]:
        return ()

    def encode(self, values: Floats, out: Features, n_rows: int) -> Evidence:
        missing = np.isnan(values)
        seconds = np.where(missing, 0.0, values)
        elapsed = self.scaling.apply(seconds)
        excess = np.maximum(self.scaling.excess(elapsed) - np.log(2.0), 0.0)  # ln 2: one width, on the curve outside
        out[:, 0] = np.clip(elapsed, self.scaling.low, self.scaling.high)
        # the day of 1970-01-01 is a Thursday; which angle it has does not matter
        for offset, period in ((1, _DAY), (3, 7 * _DAY)):
            angle = 2 * np.pi * (seconds % period) / period
            out[:, offset], out[:, offset + 1] = np.sin(angle), np.cos(angle)
        out[missing, :5] = 0.0
        presence, novelty = _evidence(missing, out[:, 5] if self.has_missing else None, n_rows)
        novelty[presence] += np.log1p(n_rows * excess[presence])
        return presence, novelty

    def decode(self, features: Features) -> list[object]:
        seconds = self.scaling.invert(features[:, 0].astype(np.float64))
        return [_moment(second) for second in seconds.tolist()]


def _moment(seconds: float) -> dt.datetime | None:
    """A UTC time without a zone; None beyond the calendar."""
    try:
        return dt.datetime(1970, 1, 1) + dt.timedelta(seconds=round(seconds))
    except OverflowError:
        return None


@dataclass(frozen=True)
class ConstantEncoding:
    """A column that never changed: no feature, only evidence when it does."""

    value: str | None
    has_missing: bool
    kind: Literal["constant"] = "constant"

    @classmethod
    def learn(cls, values: pa.ChunkedArray, rest: ColumnSketch = NO_ROWS) -> ConstantEncoding:
        present = values.drop_null()
        if not len(present) and rest.counts is not None:
            present = rest.counts.as_texts.values
        return cls(present[0].as_py() if len(present) else None, bool(values.null_count or rest.n_missing))

    @property
    def names(self) -> tuple[str, ...]:
        """The only value, where there is one."""
        return () if self.value is None else (self.value,)

    @property
    def n_features(self) -> int:
        return int(self.has_missing)

    @property
    def gaussian(self) -> tuple[int, ...]:
        return ()

    @property
    def binary(self) -> tuple[tuple[int, bool], ...]:
        return ((0, True),) if self.has_missing else ()

    @property
    def group(self) -> tuple[int, ...]:
        return ()

    def encode(self, values: pa.ChunkedArray, out: Features, n_rows: int) -> Evidence:
        missing = values.is_null().to_numpy()
        presence, novelty = _evidence(missing, out[:, 0] if self.has_missing else None, n_rows)
        same = missing if self.value is None else pc.fill_null(pc.equal(values, self.value), True).to_numpy()
        novelty[~same] = nats_of_never(n_rows)
        return presence, novelty

    def decode(self, features: Features) -> list[object]:
        return [self.value] * len(features)


@dataclass(frozen=True)
class RangeEncoding:
    """The article's encoding of a number: its range onto [0, 1]. What is missing is 0."""

    low: float
    high: float
    kind: Literal["range"] = "range"

    @classmethod
    def learn(cls, values: Floats, rest: ColumnSketch = NO_ROWS) -> RangeEncoding:
        present = np.concatenate([values[~np.isnan(values)], rest.range.ends])
        return cls(float(present.min()), float(present.max())) if present.size else cls(0.0, 0.0)

    n_features: ClassVar[int] = 1
    gaussian: ClassVar[tuple[int, ...]] = (0,)
    binary: ClassVar[tuple[tuple[int, bool], ...]] = ()
    group: ClassVar[tuple[int, ...]] = ()

    def encode(self, values: Floats, out: Features, n_rows: int) -> Evidence:  # noqa: ARG002 - the protocol
        with np.errstate(over="ignore"):
            scaled = (values / 2 - self.low / 2) / self._half_width if self._half_width > 0 else np.zeros_like(values)
        out[:, 0] = np.clip(np.where(np.isnan(values), 0.0, scaled), -1e6, 1e6)
        return ~np.isnan(values), np.zeros(len(values))

    def decode(self, features: Features) -> list[object]:
        with np.errstate(over="ignore"):
            values = 2 * (features[:, 0].astype(np.float64) * self._half_width + self.low / 2)
        return list(np.clip(values, -np.finfo(float).max, np.finfo(float).max).tolist())

    @property
    def _half_width(self) -> float:
        # halves: the width of a range of huge numbers overflows
        return self.high / 2 - self.low / 2


@dataclass(frozen=True)
class OneHotEncoding:
    """The article's encoding of a name, a flag or a constant: one feature for each value seen, none for any other."""

    categories: tuple[str, ...]
    kind: Literal["one-hot"] = "one-hot"

    @classmethod
    def learn(cls, values: pa.ChunkedArray | Floats, rest: ColumnSketch = NO_ROWS) -> OneHotEncoding:
        names = _names(values).drop_null().unique().to_pylist()
        if rest.counts is not None:
            others = pa.chunked_array([rest.counts.values])
            names += _names(as_booleans(others) if isinstance(values, np.ndarray) else as_texts(others)).to_pylist()
        return cls(tuple(sorted(set(names))))

    @property
    def names(self) -> tuple[str, ...]:
        """All values of training."""
        return self.categories

    @property
    def n_features(self) -> int:
        return len(self.categories)

    @property
    def gaussian(self) -> tuple[int, ...]:
        return tuple(range(len(self.categories)))

    binary: ClassVar[tuple[tuple[int, bool], ...]] = ()
    group: ClassVar[tuple[int, ...]] = ()

    def encode(self, values: pa.ChunkedArray | Floats, out: Features, n_rows: int) -> Evidence:  # noqa: ARG002
        if isinstance(values, np.ndarray):
            # by the number itself, for no text of it need be written: 0, 1, 2 for neither, and missing
            place_of = np.array([self._place(name) for name in ("0", "1", "2", None)])
            places = place_of[np.where(np.isnan(values), 3.0, values).astype(np.int64)]
        else:
            found = pc.index_in(values, pa.array(self.categories, pa.string()))
            places = pc.fill_null(found, -1).to_numpy()
        known = places >= 0
        there = np.flatnonzero(known)
        out[there, places[there]] = 1.0
        return known, np.zeros(len(known))

    def _place(self, name: str | None) -> int:
        return self.categories.index(name) if name in self.categories else -1

    def decode(self, features: Features) -> list[object]:
        if not self.categories:
            return [None] * len(features)
        return [self.categories[place] for place in np.argmax(features, axis=1)]


def _names(values: pa.ChunkedArray | Floats) -> pa.ChunkedArray:
    """Strings, also of a flag's 0, 1 and NaN."""
    if isinstance(values, np.ndarray):
        flags = pa.array(values, mask=np.isnan(values)).cast(pa.int64())
        return pa.chunked_array([flags.cast(pa.string())])
    return values
