"""The registry of the kinds of columns."""

from __future__ import annotations

from oddrow.columns.kinds._protocol import ColumnEncoding, ColumnKind
from oddrow.columns.kinds.boolean import BooleanKind
from oddrow.columns.kinds.category import CategoryKind
from oddrow.columns.kinds.constant import ConstantKind
from oddrow.columns.kinds.counter import CounterKind
from oddrow.columns.kinds.number import NumberKind
from oddrow.columns.kinds.text import TextKind
from oddrow.columns.kinds.timestamp import TimestampKind

_BUILT_IN: tuple[ColumnKind, ...] = (
    NumberKind(),
    BooleanKind(),
    CategoryKind(),
    TimestampKind(),
    TextKind(),
    ConstantKind(),
    CounterKind(),
)
KINDS: dict[str, ColumnKind] = {kind.name: kind for kind in _BUILT_IN}
"""Every kind by its name; a further one that is put in here is judged, given, saved, loaded and exported as these."""


def kinds_by_precedence() -> tuple[ColumnKind, ...]:
    """The kinds in the order in which they are asked whether a column is of theirs."""
    return tuple(sorted(KINDS.values(), key=lambda kind: kind.precedence))


def encoding_classes() -> tuple[type[ColumnEncoding], ...]:
    """Every class that encodes a column of a registered kind, each once."""
    return tuple(dict.fromkeys(encoding for kind in KINDS.values() for encoding in kind.encodings))
