"""Raw columns become features: the encodings of a table, as operations of a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from oddrow.columns import AHEAD, BACK, CIRCLE_GRID, MOST_EXCESS, Kind, TableEncoding
from oddrow.exceptions import SettingError
from oddrow.export._scaling import excess, standardised
from oddrow.graph import BOOLEAN, FLOAT, INTEGER, TEXT, DType, Graph, GraphNamespace, Value
from oddrow.remedies import Setting, remedy

ColumnEncoding: TypeAlias = Any
"""One of those of :mod:`oddrow.table`, told apart by its ``kind``."""

DAY, WEEK = 86_400.0, 7 * 86_400.0
MISSING, UNLISTED = -1, -2
"""Codes of the text that stands for a missing value, and of one that the encoding does not list."""
RANGE_MARGIN = 0.5
"""As in the encoding of numbers: so many widths outside the range seen are no news."""

INPUT_TYPES: Mapping[Kind, DType] = {
    Kind.NUMBER: FLOAT,
    Kind.BOOLEAN: FLOAT,
    Kind.TIMESTAMP: FLOAT,
    Kind.COUNTER: FLOAT,
    Kind.CATEGORY: TEXT,
    Kind.CONSTANT: TEXT,
}


@dataclass(frozen=True)
class EncodedValues:
    """As :class:`oddrow.columns.EncodedTable`, in a graph and in double precision.

    Attributes
    ----------
    rows : float64 [n, n_features], each rounded to float32 as the encoded table holds it
    presence : bool [n, n_columns]
    novelty : float64 [n, n_columns]
    is_refused : bool [n, 1], where a number is infinite, which no table may hold; None where there are no numbers
    """

    rows: Value
    presence: Value
    novelty: Value
    is_refused: Value | None


@dataclass(frozen=True)
class _Columns:
    """Columns of one kind: their places, what encodes them, where their features start, and what comes in.

    ``inputs`` are columns [n, 1], numbers with NaN where missing, or texts.
    """

    xp: GraphNamespace
    n_rows: int
    missing_text: str
    places: Sequence[int]
    encodings: Sequence[ColumnEncoding]
    starts: npt.NDArray[np.int64]
    inputs: Sequence[Value]

    @property
    def never_seen(self) -> float:
        """Nats of what so many rows never showed."""
        return float(np.log(self.n_rows + 1.0))

    def joined(self) -> Value:
        """The inputs side by side [n, k]."""
        return self.xp.concatenate(self.inputs, axis=1)

    def codes(self, listed: Sequence[Mapping[str, int]], unlisted: Sequence[int]) -> Value:
        """Codes int64 [n, k] of texts; ``MISSING`` where a value is."""
        encoded = []
        for value, codes, other in zip(self.inputs, listed, unlisted, strict=True):
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

    def of_each(self, name: str) -> npt.NDArray[np.float64]:
        """A number of each encoding."""
        return np.array([getattr(each, name) for each in self.encodings], np.float64)


@dataclass(frozen=True)
class _Block:
    """What columns of one kind give, side by side.

    Attributes
    ----------
    missing : bool [n, k]
    values, features : float64 [n, f], and the place of each; presence flags are not among them
    is_strange : bool [n, k], a value of a kind never seen: there is none to judge
    novelty : float64 [n, k], beside that of a missing value
    """

    missing: Value
    values: Value | None = None
    features: npt.NDArray[np.int64] | None = None
    is_strange: Value | None = None
    novelty: Value | None = None


def check_exportable(encoding: TableEncoding, missing_text: str, outputs: Sequence[str]) -> None:
    """Refuse columns that ONNX has no operations for, or whose names or values would be taken for others.

    Raises
    ------
    SettingError
        Names the column and the way out.
    """
    for schema, column in zip(encoding.schema.used, encoding.columns, strict=True):
        name = schema.name
        if column.kind == "text":
            raise SettingError(
                f"column {name!r} is text, which ONNX has no operations to encode",
                remedy=remedy(
                    "fit without it (",
                    Setting("columns", {name: "ignore"}),
                    ") or as names (",
                    Setting("columns", {name: "category"}),
                    ")",
                ),
            )
        if name in outputs or not name:
            fault = "has the name of an output" if name else "has no name"
            raise SettingError(f"column {name!r} {fault} of the exported graph; rename it and fit again")
        if INPUT_TYPES[schema.kind] is TEXT and missing_text in _texts(column):
            raise SettingError(
                f"column {name!r}: {missing_text!r} is one of its values and cannot stand for a missing one",
                remedy=remedy("choose another text with ", Setting("missing_text")),
            )


def _texts(column: ColumnEncoding) -> tuple[str | None, ...]:
    """The texts that an encoding of names lists."""
    if column.kind == "category":
        return (*column.frequent, *column.rare)
    return tuple(column.categories) if column.kind == "one-hot" else (column.value,)


def encoded_values(graph: Graph, encoding: TableEncoding, missing_text: str) -> EncodedValues:
    """Inputs of the graph for all columns, and what their encoding makes of them."""
    xp = GraphNamespace(graph)
    inputs = [graph.input(schema.name, INPUT_TYPES[schema.kind]) for schema in encoding.schema.used]
    starts = np.cumsum([0, *(column.n_features for column in encoding.columns)])[:-1]
    groups: dict[tuple[str, DType], list[int]] = {}
    for place, (column, value) in enumerate(zip(encoding.columns, inputs, strict=True)):
        groups.setdefault((column.kind, value.dtype), []).append(place)
    blocks = []
    for (kind, _), places in groups.items():
        encodings = [encoding.columns[place] for place in places]
        values = [inputs[place] for place in places]
        columns = _Columns(xp, encoding.n_rows, missing_text, places, encodings, starts[places], values)
        blocks.append(_BLOCKS[kind](columns))
    order = np.argsort(np.concatenate(list(groups.values())))
    missing = xp.concatenate([block.missing for block in blocks], axis=1)[:, order]
    is_strange = _side_by_side(xp, blocks, "is_strange", BOOLEAN)[:, order]
    unheard = [not getattr(column, "has_missing", True) for column in encoding.columns]
    numbers = [value for value in inputs if value.dtype == FLOAT]
    return EncodedValues(
        _features(xp, encoding, blocks, missing, starts).astype(np.float32).astype(FLOAT),
        ~(missing | is_strange),
        _side_by_side(xp, blocks, "novelty", FLOAT)[:, order]
        + missing.astype(FLOAT) * (np.array(unheard) * np.log(encoding.n_rows + 1.0)),
        _any_infinite(xp, numbers) if numbers else None,
    )


def _any_infinite(xp: GraphNamespace, numbers: Sequence[Value]) -> Value:
    return xp.isinf(xp.concatenate(numbers, axis=1)).astype(INTEGER).max(axis=1, keepdims=True) > 0


def _side_by_side(xp: GraphNamespace, blocks: Sequence[_Block], name: str, dtype: DType) -> Value:
    """What the blocks give for their columns [n, n_columns]; nothing is zeros."""
    parts = (getattr(block, name) for block in blocks)
    filled = (
        xp.broadcast_to(np.zeros(1), block.missing, dtype) if part is None else part
        for block, part in zip(blocks, parts, strict=True)
    )
    return xp.concatenate(list(filled), axis=1)


def _features(
    xp: GraphNamespace,
    encoding: TableEncoding,
    blocks: Sequence[_Block],
    missing: Value,
    starts: npt.NDArray[np.int64],
) -> Value:
    """All features in their order [n, n_features]: the blocks', and the presence flags, each its column's last."""
    parts = [(block.values, block.features) for block in blocks if block.values is not None]
    flagged = [place for place, column in enumerate(encoding.columns) if getattr(column, "has_missing", False)]
    if flagged:
        last = [starts[place] + encoding.columns[place].n_features - 1 for place in flagged]
        parts.append(((~missing[:, flagged]).astype(FLOAT), np.array(last)))
    if not parts:
        return xp.zeros((*missing.shape, 0))
    order = np.argsort(np.concatenate([np.asarray(features) for _, features in parts]))
    return xp.concatenate([values for values, _ in parts if values is not None], axis=1)[:, order]


def _numbers(columns: _Columns) -> _Block:
    xp, values = columns.xp, columns.joined()
    missing = xp.isnan(values)
    scalings = [each.scaling for each in columns.encodings]
    scaled = standardised(xp, xp.where(missing, 0.0, values), scalings)
    beyond = xp.maximum(excess(xp, scaled, scalings) - RANGE_MARGIN, 0.0)
    novelty = xp.where(missing, 0.0, xp.log1p(beyond * columns.n_rows))
    return _Block(missing, xp.where(missing, 0.0, scaled), columns.starts, novelty=novelty)


def _timestamps(columns: _Columns) -> _Block:
    xp, values = columns.xp, columns.joined()
    missing = xp.isnan(values)
    scalings = [each.scaling for each in columns.encodings]
    seconds = xp.where(missing, 0.0, values)
    elapsed = standardised(xp, seconds, scalings)
    lows, highs = ([getattr(scaling, end) for scaling in scalings] for end in ("low", "high"))
    parts = [xp.clip(elapsed, lows, highs)]
    for period in (DAY, WEEK):
        angle = xp.mod(seconds, period) * (2 * np.pi) / period
        parts += [xp.sin(angle), xp.cos(angle)]
    beyond = xp.maximum(excess(xp, elapsed, scalings) - float(np.log(2.0)), 0.0)
    return _Block(
        missing,
        xp.concatenate([xp.where(missing, 0.0, part) for part in parts], axis=1),
        np.concatenate([columns.starts + offset for offset in range(len(parts))]),
        novelty=xp.where(missing, 0.0, xp.log1p(beyond * columns.n_rows)),
    )


def _counters(columns: _Columns) -> _Block:
    xp, values = columns.xp, columns.joined()
    missing = xp.isnan(values)
    return _Block(missing, novelty=xp.where(missing, 0.0, _jump_nats(columns, xp.where(missing, 0.0, values))))


def _clocks(columns: _Columns) -> _Block:
    xp, values = columns.xp, columns.joined()
    missing = xp.isnan(values)
    seconds = xp.where(missing, 0.0, values)
    parts, features = [], []
    for place, each in enumerate(columns.encodings):
        for circle, period in enumerate(each.periods):
            angle = xp.mod(seconds[:, [place]], period) * (2 * np.pi) / period
            for offset, turned in enumerate((xp.sin(angle), xp.cos(angle))):
                parts.append(xp.where(missing[:, [place]], 0.0, xp.rint(turned * CIRCLE_GRID) / CIRCLE_GRID))
                features.append(columns.starts[place] + 2 * circle + offset)
    novelty = xp.where(missing, 0.0, _jump_nats(columns, seconds))
    if not parts:
        return _Block(missing, novelty=novelty)
    return _Block(missing, xp.concatenate(parts, axis=1), np.array(features, np.int64), novelty=novelty)


def _jump_nats(columns: _Columns, values: Value) -> Value:
    """As :func:`oddrow.columns._running_encodings.jump`, in nats."""
    xp = columns.xp
    half_low, half_high = columns.of_each("low") / 2, columns.of_each("high") / 2
    steps = np.array([getattr(each, "step", 0.0) for each in columns.encodings]) / 2
    width = np.maximum(half_high - half_low + steps, np.finfo(float).tiny)
    ahead = (values / 2.0 - half_high) / width - AHEAD
    back = (half_low - values / 2.0) / width - BACK
    excess_widths = xp.clip(xp.maximum(ahead, back), np.zeros(len(width)), np.full(len(width), MOST_EXCESS))
    return xp.log1p(excess_widths * columns.n_rows)


def _booleans(columns: _Columns) -> _Block:
    xp, values = columns.xp, columns.joined()
    missing = xp.isnan(values)
    is_true = values.equals(1.0)
    is_strange = ~(missing | is_true | values.equals(0.0))
    return _Block(
        missing, is_true.astype(FLOAT), columns.starts, is_strange, is_strange.astype(FLOAT) * columns.never_seen
    )


def _categories(columns: _Columns) -> _Block:
    listed, sizes = [], []
    for each in columns.encodings:
        rare = len(each.frequent)
        listed.append({name: place for place, name in enumerate(each.frequent)} | dict.fromkeys(each.rare, rare))
        sizes.append(rare + 2)
    never_seen = np.array(sizes) - 1
    codes = columns.codes(listed, never_seen.tolist())
    is_unseen = codes.equals(never_seen)
    once = columns.of_each("seen_once")
    nats = -np.log((once + 1.0) / (columns.n_rows + 1.0 + once))
    values, features = _one_hot(columns, codes, sizes)
    return _Block(codes.equals(MISSING), values, features, is_unseen, is_unseen.astype(FLOAT) * nats)


def _one_hot(columns: _Columns, codes: Value, sizes: Sequence[int]) -> tuple[Value, npt.NDArray[np.int64]]:
    """A place for each code from 0 of each column, and the features that these are."""
    owner = np.repeat(np.arange(len(sizes)), sizes)
    code = np.concatenate([np.arange(size) for size in sizes])
    return codes[:, owner].equals(code).astype(FLOAT), columns.starts[owner] + code


def _constants(columns: _Columns) -> _Block:
    listed = [{} if each.value is None else {each.value: 0} for each in columns.encodings]
    codes = columns.codes(listed, [UNLISTED] * len(listed))
    return _Block(codes.equals(MISSING), novelty=codes.equals(UNLISTED).astype(FLOAT) * columns.never_seen)


def _article_numbers(columns: _Columns) -> _Block:
    xp, values = columns.xp, columns.joined()
    missing = xp.isnan(values)
    half_low = columns.of_each("low") / 2
    half_width = columns.of_each("high") / 2 - half_low
    scaled = (values / 2.0 - half_low) / np.where(half_width > 0, half_width, 1.0)
    has_width = (half_width > 0).astype(np.float64)  # in a range of no width all numbers are 0
    scaled = xp.clip(xp.where(missing, 0.0, scaled), -1e6, 1e6) * has_width
    return _Block(missing, scaled, columns.starts)


def _article_names(columns: _Columns) -> _Block:
    listed = [{name: place for place, name in enumerate(each.categories)} for each in columns.encodings]
    if columns.inputs[0].dtype is TEXT:
        codes = columns.codes(listed, [UNLISTED] * len(listed))
        missing = codes.equals(MISSING)
    else:
        codes, missing = _flag_codes(columns, listed)
    values, features = _one_hot(columns, codes, [len(each) for each in listed])
    return _Block(missing, values, features, is_strange=codes < 0)


def _flag_codes(columns: _Columns, listed: Sequence[Mapping[str, int]]) -> tuple[Value, Value]:
    """Codes of flags, which the article's encoding names "0", "1", and "2" for a value that is neither."""
    xp, values = columns.xp, columns.joined()
    missing = xp.isnan(values)
    zero, one, neither = (
        xp.broadcast_to([each.get(name, UNLISTED) for each in listed], missing, INTEGER) for name in ("0", "1", "2")
    )
    codes = xp.where(values.equals(0.0), zero, xp.where(values.equals(1.0), one, neither))
    return xp.where(missing, MISSING, codes), missing


_BLOCKS: Mapping[str, Callable[[_Columns], _Block]] = {
    "number": _numbers,
    "timestamp": _timestamps,
    "boolean": _booleans,
    "category": _categories,
    "constant": _constants,
    "counter": _counters,
    "clock": _clocks,
    "range": _article_numbers,
    "one-hot": _article_names,
}
