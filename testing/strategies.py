"""Any table at all: Hypothesis strategies, for the tests and for ``python -m benchmarks tables``.

Hypothesis draws what may matter (the kinds, a few values of each column, the names, the sizes) and a seed; NumPy
repeats those values over the rows. So a table of 200 rows costs no more draws than one of three, and shrinks as well.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import strategies as st

MAX_ROWS, MAX_COLUMNS = 200, 30

_UTF8 = st.characters(exclude_categories=["Cs"])
_STRANGE_WORDS = [
    "",
    " ",
    "\n",
    "\t,\"'",
    "\x00",
    "null",
    "NaN",
    "None",
    "0",
    "1",
    "1.0",
    "-0",
    "inf",
    "true",
    "(rare)",
]
_STRANGE_WORDS += [
    "\U0001f600",
    "👨‍👩‍👧",
    "e\u0301",
    "\u202eright to left",
    "x" * 5000,
    "2024-02-29",
    "2024-02-30",
    "9999-12-31T23:59:60Z",
]
WORDS = st.sampled_from(["a", "b", "red", "blue", "user 7", *_STRANGE_WORDS]) | st.text(_UTF8, max_size=12)
NAMES = st.sampled_from(["surprise", "reason_1", "(combination of columns)", "x0", *_STRANGE_WORDS]) | st.text(
    _UTF8, max_size=8
)

FINITE = st.floats(allow_infinity=False)
_INTS = {8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}
_UNSIGNED = {8: pa.uint8(), 16: pa.uint16(), 32: pa.uint32(), 64: pa.uint64()}
UNITS = ["s", "ms", "us", "ns"]
ZONES = [None, "UTC", "Europe/Paris", "Asia/Kathmandu", "+05:30", "-11:00"]
_PER_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


# Fields of text files -------------------------------------------------------------------------------------------------


def _grouped(whole: int, sign: str) -> str:
    return f"{whole:,}".replace(",", sign)


NUMBER_STYLES = {
    "1234.5": lambda whole, hundredths: f"{whole}.{hundredths:02d}",
    "1,234.5": lambda whole, hundredths: f"{whole:,}.{hundredths:02d}",
    "1234,5": lambda whole, hundredths: f"{whole},{hundredths:02d}",
    "1.234,5": lambda whole, hundredths: f"{_grouped(whole, '.')},{hundredths:02d}",
    "1 234.5": lambda whole, hundredths: f"{_grouped(whole, ' ')}.{hundredths:02d}",
    "1 234,5": lambda whole, hundredths: f"{_grouped(whole, chr(0xA0))},{hundredths:02d}",
    "1'234.5": lambda whole, hundredths: f"{_grouped(whole, chr(0x27))}.{hundredths:02d}",
}
"""Ways to write a number of hundredths, by the name that the source has for each."""
DATE_STYLES = {
    "ISO 8601": ("", "%Y-%m-%d"),
    "year first": ("ymd", "%Y/%m/%d"),
    "year first, with points": ("ymd", "%Y.%m.%d"),
    "day first": ("dmy", "%d/%m/%Y"),
    "day first, with points": ("dmy", "%d.%m.%Y"),
    "day first, two digits": ("dmy", "%d-%m-%y"),
    "day first, named": ("dmy", "%d %b %Y"),
    "month first": ("mdy", "%m/%d/%Y"),
    "month first, two digits": ("mdy", "%m/%d/%y"),
    "month first, named": ("mdy", "%B %d, %Y"),
    "eight digits": ("compact", "%Y%m%d"),
}
"""Ways to write a day: the form's name in the source, and the pattern of ``strftime``."""
MARKS = st.sampled_from(["", "NA", "n/a", "-", "?", "#N/A", "null", r"\N", "NaN", "inf", "."])
_DAYS = st.dates(dt.date(1970, 1, 1), dt.date(2068, 12, 31))


def _styled_numbers(style: str) -> st.SearchStrategy[str]:
    whole = st.integers(-(10**7), 10**7) | st.integers(-999, 9_999)
    return st.builds(NUMBER_STYLES[style], whole, st.integers(0, 99))


def _styled_dates(style: str) -> st.SearchStrategy[str]:
    return _DAYS.map(lambda day: day.strftime(DATE_STYLES[style][1]))


ISO_TEXTS = st.builds(
    "{}{}{}".format,
    _DAYS.map(str) | st.from_regex(r"[0-2][0-9]{3}-[01][0-9]-[0-3][0-9]", fullmatch=True),
    st.sampled_from(["", "T12", " 12:30", "T12:30:59", " 23:59:60", "T00:00:00.5", " 12:30:00.123456"])
    | st.sampled_from(["T12:30:00.123456789", "T24:00", " 1:30", "T1230", "T12:30:00,5"]),
    st.sampled_from(["", "Z", "z", "+02:00", "-0530", "+14", " UTC", "+99:99", " -02"]),
)
"""Dates and times of ISO 8601, and texts that are nearly such."""
FIELD_POOLS = {
    **{f"numbers as {style}": _styled_numbers(style) for style in NUMBER_STYLES},
    **{f"dates, {style}": _styled_dates(style) for style in DATE_STYLES},
    "whole numbers": st.integers(-20, 20).map(str) | st.integers(-(2**70), 2**70).map(str),
    "amounts": st.integers(0, 10**4).map("${:,}.00".format) | st.integers(0, 99).map("{} €".format),
    "shares": st.integers(0, 100).map("{}%".format),
    "flags": st.sampled_from(["true", "false", "True", "FALSE"]),
    "letters for flags": st.sampled_from(["y", "n", "yes", "no"]),
    "times of day": st.times().map(lambda time: time.strftime("%H:%M")),
    "moments": ISO_TEXTS,
    "epochs": st.integers(1_600_000_000, 1_700_000_000).map(str),
    "identifiers": st.integers(0, 10**6).map("A{:07d}".format),
    "digits with zeros": st.integers(0, 99_999).map("{:05d}".format),
    "marks": MARKS,
    "words": WORDS,
    "odd numbers": st.sampled_from(
        ["+1", "1e5", "1E-3", ".5", "5.", "1e999", "0x1F", "1_000", "--1", " 7 ", "1.0", "1"]
    ),
}
"""Values of a column of a text file, each kind by its name."""
FIELDS = st.one_of(*FIELD_POOLS.values())


def _clock(n_rows: int, rng: np.random.Generator, unit: str = "s") -> np.ndarray:
    """Moments that run on, with steps of any length, perhaps a little out of order."""
    start, step = int(rng.integers(10**9, 1_800_000_000)), int(rng.choice([1, 60, 3_600, 86_400]))
    steps = rng.integers(0, 3, n_rows) if rng.random() < 0.5 else np.ones(n_rows, np.int64)
    seconds = start + step * np.cumsum(steps)
    if rng.random() < 0.3:
        seconds = seconds[np.argsort(np.arange(n_rows) + rng.normal(0, 2, n_rows))]
    return (seconds.astype("datetime64[s]"))[:: int(rng.choice([1, -1]))].astype(f"datetime64[{unit}]")


def _texts_of(times: np.ndarray, pattern: str) -> list[str]:
    return [time.strftime(pattern) for time in times.astype("datetime64[s]").astype(object)]


RUNNING_FIELDS = {
    "clock": lambda n, rng: _texts_of(_clock(n, rng), "%Y-%m-%d %H:%M:%S"),
    "clock, ISO 8601": lambda n, rng: _texts_of(_clock(n, rng), "%Y-%m-%dT%H:%M:%SZ"),
    "days, day first": lambda n, rng: _texts_of(_clock(n, rng), "%d/%m/%Y"),
    "days, month first": lambda n, rng: _texts_of(_clock(n, rng), "%m/%d/%y"),
    "days, eight digits": lambda n, rng: _texts_of(_clock(n, rng), "%Y%m%d"),
    "epoch s": lambda n, rng: [str(tick) for tick in _clock(n, rng).astype(np.int64)],
    "epoch ms": lambda n, rng: [str(tick) for tick in _clock(n, rng, "ms").astype(np.int64)],
    "counter": lambda n, rng: [str(number) for number in rng.integers(10**6) + np.arange(n)],
    "counter with gaps": lambda n, rng: [f"{number:,}" for number in np.cumsum(rng.integers(1, 9, n)) + 10**4],
    "shuffled numbers": lambda n, rng: [str(number) for number in rng.permutation(n)],
    "identifiers": lambda n, rng: [f"A{number:06d}" for number in rng.permutation(n)],
    "normal": lambda n, rng: [f"{value:.3f}" for value in rng.normal(size=n)],
    "single precision": lambda n, rng: [str(value) for value in rng.normal(size=n).astype(np.float32)],
    "sorted": lambda n, rng: [f"{value:.3f}" for value in np.sort(rng.normal(size=n))],
}
"""Columns of a text file whose values are nearly all different, each by its name."""


@dataclass(frozen=True)
class TextFile:
    """A table as the fields of a text file, and further rows of the same columns.

    Attributes
    ----------
    header, rows, later : fields as they stand in the file, quoted where needed
    families : the kind of each column, for whoever reads a counterexample
    seed : for what the laws choose
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    later: tuple[tuple[str, ...], ...]
    families: tuple[str, ...]
    seed: int

    def content(self, rows: tuple[tuple[str, ...], ...] | list[tuple[str, ...]]) -> bytes:
        """A file of the header and these rows."""
        return "".join(",".join(row) + "\n" for row in [self.header, *rows]).encode()


def as_field(text: str) -> str:
    """A field as it stands in a file of commas."""
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n\r') else text


@st.composite
def text_files(draw: st.DrawFn, family: str | None = None) -> TextFile:
    """Any text file of up to six columns; the values of one are of one pool, but for a few strange ones and marks.

    With ``family`` the first column is of this kind.
    """
    n_rows = draw(st.integers(2, 20) | st.integers(30, 120))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    families = draw(st.lists(st.sampled_from([*FIELD_POOLS, *RUNNING_FIELDS]), min_size=1, max_size=6))
    if family is not None:
        families[0] = family
    strange = draw(st.lists(FIELDS | MARKS, min_size=3, max_size=8))
    columns, laters = [], []
    for family in families:
        if family in RUNNING_FIELDS:
            values = RUNNING_FIELDS[family](n_rows + 8, rng)
            values, later = values[:n_rows], values[n_rows:]
        else:
            pool = draw(st.lists(FIELD_POOLS[family], min_size=1, max_size=12))
            values = [pool[place] for place in rng.integers(0, len(pool), n_rows)]
            later = [*pool, *draw(st.lists(FIELD_POOLS[family], max_size=3))]
        odd = rng.random(n_rows) < rng.choice([0.0, 0.0, 0.02, 0.2])
        columns.append(
            [strange[rng.integers(len(strange))] if one else value for value, one in zip(values, odd, strict=True)]
        )
        laters.append([*later, *strange])
    later_rows = [[later[rng.integers(len(later))] for later in laters] for _ in range(8)]
    rows = tuple(tuple(map(as_field, row)) for row in zip(*columns, strict=True))
    return TextFile(
        tuple(f"c{place}" for place in range(len(families))),
        rows,
        tuple(tuple(map(as_field, row)) for row in later_rows),
        tuple(families),
        seed,
    )


# Columns of one Arrow type: a few values, to be repeated --------------------------------------------------------------


def _pool(kind: pa.DataType, values: st.SearchStrategy) -> st.SearchStrategy[pa.Array]:
    return st.lists(values, min_size=1, max_size=6).map(lambda drawn: pa.array(drawn, kind))


def _whole(low: int, high: int) -> st.SearchStrategy[int]:
    near = st.integers(max(low, -9), min(high, 9))
    return near | st.sampled_from([low, high, low + 1, high - 1]) | st.integers(low, high)


def _ticks(bits: int) -> st.SearchStrategy[int]:
    """Counts of days, seconds, ...: some of this century, some at the ends of what an integer holds."""
    return _whole(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _counted(kind: pa.DataType, counts: st.SearchStrategy[int], carrier: pa.DataType) -> st.SearchStrategy[pa.Array]:
    return _pool(carrier, counts).map(lambda array: array.view(kind))


@st.composite
def _timestamps(draw: st.DrawFn) -> pa.Array:
    unit, zone = draw(st.sampled_from(UNITS)), draw(st.sampled_from(ZONES))
    day = _PER_DAY[unit]
    of_this_century = st.integers(0, 36_500).map(lambda days: days * day) | st.integers(0, 36_500 * day)
    counts = draw(st.sampled_from([of_this_century, _ticks(64)]))
    return draw(_counted(pa.timestamp(unit, zone), counts, pa.int64()))


@st.composite
def _times_of_day(draw: st.DrawFn) -> pa.Array:
    unit = draw(st.sampled_from(UNITS))
    kind, carrier = (pa.time32(unit), pa.int32()) if unit in ("s", "ms") else (pa.time64(unit), pa.int64())
    return draw(_counted(kind, st.integers(0, _PER_DAY[unit] - 1), carrier))


@st.composite
def _decimals(draw: st.DrawFn) -> pa.Array:
    kind = draw(
        st.sampled_from([pa.decimal128(38, 10), pa.decimal128(5, 2), pa.decimal256(76, 20), pa.decimal128(9, 0)])
    )
    digits = min(kind.precision, 38 if isinstance(kind, pa.Decimal128Type) else 76)
    top = 10**digits - 1
    whole = draw(st.lists(_whole(-top, top), min_size=1, max_size=6))
    return pa.array([Decimal((int(n < 0), tuple(map(int, str(abs(n)))), -kind.scale)) for n in whole], kind)


def _encoded(pools: st.SearchStrategy[pa.Array]) -> st.SearchStrategy[pa.Array]:
    return pools.map(lambda pool: pool.dictionary_encode())


_PLAIN_POOLS = {
    "flags": _pool(pa.bool_(), st.booleans()),
    **{f"int{bits}": _pool(kind, _whole(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)) for bits, kind in _INTS.items()},
    **{f"uint{bits}": _pool(kind, _whole(0, 2**bits - 1)) for bits, kind in _UNSIGNED.items()},
    "small counts": _pool(pa.int64(), st.integers(0, 3)),
    "float16": _pool(pa.float16(), st.floats(width=16, allow_infinity=False).map(np.float16)),
    "float32": _pool(pa.float32(), st.floats(width=32, allow_infinity=False)),
    "float64": _pool(pa.float64(), FINITE),
    "huge": _pool(pa.float64(), st.sampled_from([1e308, -1e308, 1.7976931348623157e308, 1e300, -1.0])),
    "tiny": _pool(pa.float64(), st.sampled_from([5e-324, -5e-324, 1e-310, 2.2250738585072014e-308, 0.0, -0.0])),
    "all magnitudes": _pool(pa.float64(), st.sampled_from([1e308, -1e308, 5e-324, 0.0, -0.0, 1.0, float("nan")])),
    "words": _pool(pa.string(), WORDS),
    "large words": _pool(pa.large_string(), WORDS),
    "viewed words": _pool(pa.string_view(), WORDS),
    "emoji": _pool(pa.string(), st.sampled_from(["😀", "👨‍👩‍👧", "🇫🇷", "❤️", "❤"])),
    "dates as words": _pool(pa.string(), st.dates().map(str) | st.datetimes().map(str)),
    "numbers as words": _pool(pa.string(), FINITE.map(str) | st.integers().map(str)),
    "numbers as they are written": st.sampled_from(list(NUMBER_STYLES)).flatmap(
        lambda style: _pool(pa.string(), _styled_numbers(style) | MARKS)
    ),
    "dates as they are written": st.sampled_from(list(DATE_STYLES)).flatmap(
        lambda style: _pool(pa.string(), _styled_dates(style) | MARKS)
    ),
    "dates": _counted(pa.date32(), st.integers(0, 36_500), pa.int32()),
    "dates out of range": _counted(pa.date32(), _ticks(32), pa.int32()),
    "date64": _counted(pa.date64(), st.integers(-(10**6), 10**6).map(lambda days: days * 86_400_000), pa.int64()),
    "timestamps": _timestamps(),
    "times of day": _times_of_day(),
    "durations": st.sampled_from(UNITS).flatmap(lambda unit: _counted(pa.duration(unit), _ticks(64), pa.int64())),
    "decimals": _decimals(),
    "dictionary of words": _encoded(_pool(pa.string(), WORDS)),
    "dictionary of floats": _encoded(_pool(pa.float64(), FINITE)),
    "dictionary of ints": _encoded(_pool(pa.int64(), _ticks(64))),
    "bool8": _pool(pa.int8(), st.integers(0, 1)).map(lambda pool: pa.ExtensionArray.from_storage(pa.bool8(), pool)),
}

_REFUSED_POOLS = {
    "infinities": _pool(pa.float64(), st.sampled_from([float("inf"), float("-inf"), 1.0])),
    "date64 within a day": _counted(pa.date64(), _ticks(64), pa.int64()),
    "zone unknown": _counted(pa.timestamp("s", "Mars/Olympus"), st.integers(0, 10**9), pa.int64()),
    "bytes": _pool(pa.binary(), st.binary(max_size=4)),
    "fixed bytes": _pool(pa.binary(2), st.binary(min_size=2, max_size=2)),
    "lists": _pool(pa.list_(pa.int64()), st.lists(st.integers(0, 9), max_size=3)),
    "views of lists": _pool(pa.list_view(pa.int64()), st.lists(st.integers(0, 9), max_size=3)),
    "structs": _pool(pa.struct([("a", pa.int64())]), st.fixed_dictionaries({"a": st.integers(0, 9)})),
    "maps": _pool(pa.map_(pa.string(), pa.int64()), st.just([("k", 1)])),
    "intervals": _pool(pa.month_day_nano_interval(), st.just(pa.MonthDayNano([1, 2, 3]))),
    "UUIDs": _pool(pa.binary(16), st.just(b"x" * 16)).map(lambda pool: pa.ExtensionArray.from_storage(pa.uuid(), pool)),
    "not UTF-8": _pool(pa.binary(), st.sampled_from([b"\xff\xfe", b"good"])).map(
        lambda pool: pa.StringArray.from_buffers(len(pool), pool.buffers()[1], pool.buffers()[2])
    ),
}


def taken(values: pa.Array | pa.ChunkedArray | pa.Table, rows: pa.Array) -> pa.Array | pa.ChunkedArray | pa.Table:
    """``values.take(rows)``, also where Arrow has none: for views."""
    if isinstance(values, pa.Table):
        return pa.Table.from_arrays([taken(column, rows) for column in values.columns], schema=values.schema)
    if not (pa.types.is_string_view(values.type) or pa.types.is_list_view(values.type)):
        return values.take(rows)
    listed = values.to_pylist()
    return pa.array([None if row is None else listed[row] for row in rows.to_pylist()], values.type)


# From a few values to a column ----------------------------------------------------------------------------------------

_MISSING_SHARES = st.sampled_from([0.0, 0.0, 0.0, 0.1, 0.6])


def _repeated(pool: pa.Array, n_rows: int, missing: float, rng: np.random.Generator) -> pa.Array:
    """The pool's values in any order, some null; now and then nearly always the first."""
    index = rng.integers(0, len(pool), n_rows)
    if rng.random() < 0.2:
        index = np.where(rng.random(n_rows) < 0.9, 0, index)
    return taken(pool, pa.array(index, mask=rng.random(n_rows) < missing))


def _ramp_of_floats(n_rows: int, rng: np.random.Generator) -> pa.Array:
    return pa.array(rng.normal(size=n_rows) * 10.0 ** rng.integers(-300, 300))


def _running_texts(
    make: Callable[[int, np.random.Generator], list[str]], n_rows: int, rng: np.random.Generator
) -> pa.Array:
    return pa.array(make(n_rows, rng), pa.string())


_ALL_DIFFERENT = {
    "normal": _ramp_of_floats,
    "heavy": lambda n_rows, rng: pa.array(np.exp(5 * rng.normal(size=n_rows))),
    "ports": lambda n_rows, rng: pa.array(rng.integers(0, 65_536, n_rows)),
    "identifiers": lambda n_rows, rng: pa.array(np.arange(n_rows) + int(rng.integers(2**62))),
    "named users": lambda n_rows, rng: pa.array([f"user {number} 🙂" for number in rng.integers(0, 10**6, n_rows)]),
    "a clock": lambda n_rows, rng: pa.array(10**15 + rng.integers(0, 10**12, n_rows)).cast(pa.timestamp("us")),
    "a clock in words": lambda n_rows, rng: pc.strftime(
        pa.array(10**9 + rng.integers(0, 10**8, n_rows)).cast(pa.timestamp("s")), "%Y-%m-%dT%H:%M:%SZ"
    ),
    "a clock in order": lambda n_rows, rng: pa.array(_clock(n_rows, rng, "us")),
    **{f"text: {name}": partial(_running_texts, make) for name, make in RUNNING_FIELDS.items()},
    "steps of one bit": lambda n_rows, rng: pa.array(1.0 + np.spacing(1.0) * rng.integers(0, 9, n_rows)),
}


COLUMN_FAMILIES = (*_PLAIN_POOLS, *_ALL_DIFFERENT, *_REFUSED_POOLS, "never a value")
"""The kinds of columns of Arrow tables; from the last of them no detector can learn."""


@dataclass(frozen=True)
class Recipe:
    """How a column is made: the same recipe gives other rows of the same kind, from the same or from other values."""

    family: str
    pool: pa.Array | None
    other_pool: pa.Array | None
    missing: float

    def column(self, n_rows: int, rng: np.random.Generator, *, other: bool = False) -> pa.Array:
        if self.family == "never a value":
            return pa.nulls(n_rows, self.pool.type)
        if self.pool is None:
            return _ALL_DIFFERENT[self.family](n_rows, rng)
        return _repeated(self.other_pool if other else self.pool, n_rows, self.missing, rng)


@st.composite
def recipes(draw: st.DrawFn, *, may_be_refused: bool, family: str | None = None) -> Recipe:
    """A column of any kind, or of this ``family``; with ``may_be_refused`` also such as no detector can learn from."""
    families = [*_PLAIN_POOLS, *_ALL_DIFFERENT]
    if may_be_refused:
        families += [*_REFUSED_POOLS, "never a value"]
    family = family or draw(st.sampled_from(families))
    if family in _ALL_DIFFERENT:
        return Recipe(family, None, None, 0.0)
    if family == "never a value":
        kinds = [pa.null(), pa.float64(), pa.string(), pa.timestamp("us"), pa.dictionary(pa.int8(), pa.string())]
        return Recipe(family, pa.nulls(0, draw(st.sampled_from(kinds))), None, 1.0)
    pools = (_PLAIN_POOLS | _REFUSED_POOLS)[family]
    return Recipe(family, draw(pools), draw(pools), draw(_MISSING_SHARES))


_ONE_IN_SIX = st.sampled_from([False] * 5 + [True])


def _sizes(least: int, most: int) -> st.SearchStrategy[int]:
    return st.integers(least, min(most, 8)) | st.integers(least, most)


@dataclass(frozen=True)
class AnyTables:
    """Tables to fit and to score.

    Attributes
    ----------
    training : Arrow table
    later : of the same columns with other values, and now and then a column of another kind; in another order
    extra : a column, of any kind whatever, to be added to the training table
    extra_name : its name, which the table does not have
    seed : for what the laws choose (an order of rows, which estimator)
    families : the kind of each column, for whoever reads a counterexample
    """

    training: pa.Table
    later: pa.Table
    extra: pa.Array
    extra_name: str
    seed: int
    families: tuple[str, ...]


@st.composite
def any_tables(draw: st.DrawFn, family: str | None = None) -> AnyTables:
    """Any table that Arrow can hold, and a later one; with ``family`` its first column is of this kind."""
    may_be_refused = draw(_ONE_IN_SIX)
    n_rows = draw(_sizes(0 if may_be_refused else 2, MAX_ROWS))
    n_columns = draw(_sizes(0 if may_be_refused and family is None else 1, MAX_COLUMNS))
    names = draw(
        st.lists(
            NAMES, min_size=n_columns + 1, max_size=n_columns + 1, unique=not may_be_refused or draw(st.booleans())
        )
    )
    named = [family] + [None] * (n_columns - 1) if n_columns else []
    chosen = [draw(recipes(may_be_refused=may_be_refused, family=name)) for name in named]
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    training = pa.Table.from_arrays([recipe.column(n_rows, rng) for recipe in chosen], names[:n_columns])
    if n_columns and draw(st.sampled_from([False, False, True])):  # rows many times over
        training = taken(training, pa.array(rng.integers(0, max(1, n_rows // 10), n_rows)))
    n_later = draw(st.integers(0, 20))
    fresh = [draw(recipes(may_be_refused=True)) if rng.random() < 0.03 else recipe for recipe in chosen]
    columns = [recipe.column(n_later, rng, other=bool(rng.random() < 0.5)) for recipe in fresh]
    later = pa.Table.from_arrays(columns, names[:n_columns])
    later = later.select([int(place) for place in rng.permutation(n_columns)])
    extra = draw(recipes(may_be_refused=True)).column(n_rows, rng)
    families = tuple(recipe.family for recipe in chosen)
    return AnyTables(training, later, extra, names[n_columns], seed, families)


# Columns of Python objects ------------------------------------------------------------------------------------------


class Colour(Enum):
    """An object of no special kind."""

    RED = 1
    BLUE = 2


_NOON = dt.datetime(2024, 2, 29, 12)
_OBJECTS = {
    "numbers": st.integers(-9, 9)
    | FINITE
    | st.sampled_from([2**53 + 1, 2**63, 2**64 - 1, -(2**63), 2**70, 10**400, 10**5000]),
    "NumPy numbers": st.sampled_from(
        [np.int8(1), np.float32(0.1), np.float64(0.1), np.longdouble(1) / 3, np.bool_(True)]
    ),
    "exact numbers": st.fractions()
    | st.decimals(allow_infinity=False)
    | st.sampled_from([Decimal("1e400"), Decimal("1E-999")]),
    "flags": st.booleans(),
    "words": WORDS | st.sampled_from(["\ud800", np.str_("numpy")]),
    "nothing": st.sampled_from(
        [None, float("nan"), pd.NA, pd.NaT, np.datetime64("NaT"), Decimal("NaN"), Decimal("sNaN")]
    ),
    "days": st.dates(),
    "moments": st.datetimes()
    | st.datetimes(timezones=st.timezones())
    | st.just(dt.datetime.max.replace(tzinfo=dt.UTC)),
    "pandas moments": st.sampled_from(
        [pd.Timestamp(_NOON), pd.Timestamp(1, unit="ns"), pd.Timestamp(_NOON, tz="Asia/Tokyo")]
    ),
    "NumPy moments": st.sampled_from(
        [np.datetime64("2024-02-29"), np.datetime64(1, "ns"), np.datetime64("-9999-01-01")]
    ),
    "times": st.times(),
    "durations": st.timedeltas() | st.sampled_from([np.timedelta64(1, "D"), pd.Timedelta(1, "ns")]),
    "others": st.sampled_from([uuid.UUID(int=7), Colour.RED, Colour.BLUE, pd.Period("2024-02"), pd.Interval(0, 1)]),
}
_REFUSED_OBJECTS = {
    "infinities": st.sampled_from([float("inf"), Decimal("-inf"), np.float32("inf")]),
    "bytes": st.sampled_from([b"a", bytearray(b"b"), memoryview(b"c"), np.bytes_(b"d")]),
    "complex": st.sampled_from([1j, np.complex64(1)]),
    "nested": st.sampled_from([[1], (1, 2), {"a": 1}, {1}, frozenset({1}), np.ones(2)]),
}


@dataclass(frozen=True)
class ObjectTable:
    """A table of Python objects, by column name, and the seed for what the laws choose."""

    columns: dict[str, list[object]]
    seed: int


@st.composite
def object_tables(draw: st.DrawFn) -> ObjectTable:
    """Columns of one or several kinds of Python objects, in any order."""
    may_be_refused = draw(_ONE_IN_SIX)
    kinds = _OBJECTS | _REFUSED_OBJECTS if may_be_refused else _OBJECTS
    n_rows = draw(_sizes(2, MAX_ROWS))
    rng = np.random.default_rng(seed := draw(st.integers(0, 2**32 - 1)))
    columns = {}
    for name in draw(st.lists(NAMES, min_size=1, max_size=6, unique=True)):
        mixed = draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=3, unique=True))
        pool = draw(st.lists(st.one_of([kinds[kind] for kind in mixed]), min_size=1, max_size=6))
        columns[name] = [pool[place] for place in rng.integers(0, len(pool), n_rows)]
    return ObjectTable(columns, seed)
