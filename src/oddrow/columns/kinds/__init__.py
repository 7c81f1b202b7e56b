"""The kinds of columns, one file for each kind, and their registry."""

from oddrow.columns.kinds._graph_columns import GraphBlock, GraphColumns
from oddrow.columns.kinds._novelty import presence_and_novelty, unseen_nats
from oddrow.columns.kinds._protocol import (
    ColumnEncoding,
    ColumnKind,
    Features,
    JointEncoder,
    PresenceAndNovelty,
    Values,
)
from oddrow.columns.kinds._registry import KINDS, encoding_classes, kinds_by_precedence

__all__ = [
    "KINDS",
    "ColumnEncoding",
    "ColumnKind",
    "Features",
    "GraphBlock",
    "GraphColumns",
    "JointEncoder",
    "PresenceAndNovelty",
    "Values",
    "encoding_classes",
    "kinds_by_precedence",
    "presence_and_novelty",
    "unseen_nats",
]
