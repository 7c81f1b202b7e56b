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
"""The kinds by name. A kind that is added here can be judged, given, saved, loaded and exported like these."""


def kinds_by_precedence() -> tuple[ColumnKind, ...]:
    """Return the kinds in the order in which they judge a column."""
    return tuple(sorted(KINDS.values(), key=lambda kind: kind.precedence))


def encoding_classes() -> tuple[type[ColumnEncoding], ...]:
    """Return all classes that encode columns of registered kinds, without duplicates."""
    return tuple(dict.fromkeys(encoding for kind in KINDS.values() for encoding in kind.encodings))
