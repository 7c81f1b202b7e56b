"""Raw columns become features in a graph: the operations of every kind, put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oddrow.columns._encoding import TableEncoding
from oddrow.columns.kinds import KINDS, ColumnEncoding, GraphBlock, GraphColumns
from oddrow.exceptions import SettingError
from oddrow.graph import BOOLEAN, FLOAT, INTEGER, DType, Graph, GraphNamespace, Value


@dataclass(frozen=True)
class EncodedValues:
    """As :class:`EncodedTable`, in a graph and in double precision.

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


def check_exportable(encoding: TableEncoding, outputs: Sequence[str]) -> None:
    """Refuse columns whose names cannot be those of inputs of a graph with such outputs.

    Raises
    ------
    SettingError
        Names the column and the way out.
    """
    for name in encoding.sources:
        if name in outputs or not name:
            fault = "has the name of an output" if name else "has no name"
            raise SettingError(f"column {name!r} {fault} of the exported graph; rename it and fit again")


def encoded_values(graph: Graph, encoding: TableEncoding, missing_text: str) -> EncodedValues:
    """Inputs of the graph for all table columns that are read, and what their encoding makes of them.

    Raises
    ------
    SettingError
        If a kind has no operations, ``missing_text`` is a value of a column, or two kinds read a table column as
        different types.
    """
    xp = GraphNamespace(graph)
    inputs = [_inputs(graph, schema.reads, KINDS[schema.kind].input_type) for schema in encoding.schema.used]
    starts = np.cumsum([0, *(column.n_features for column in encoding.columns)])[:-1]
    groups: dict[tuple[type[ColumnEncoding], DType], list[int]] = {}
    for place, (column, sources) in enumerate(zip(encoding.columns, inputs, strict=True)):
        groups.setdefault((type(column), sources[0].dtype), []).append(place)
    blocks, is_novel = [], np.zeros(len(encoding.columns), np.bool_)
    for (kind, _), places in groups.items():
        columns = GraphColumns(
            xp,
            encoding.n_rows,
            missing_text,
            [encoding.names[place] for place in places],
            starts[places],
            [inputs[place] for place in places],
        )
        block = kind.graph([encoding.columns[place] for place in places], columns)
        blocks.append(block)
        is_novel[places] = block.never_missing or False
    order = np.argsort(np.concatenate(list(groups.values())))
    missing = xp.concatenate([block.missing for block in blocks], axis=1)[:, order]
    is_strange = _side_by_side(xp, blocks, "is_strange", BOOLEAN)[:, order]
    numbers = list({value.name: value for sources in inputs for value in sources if value.dtype == FLOAT}.values())
    return EncodedValues(
        _features(xp, encoding, blocks, missing, starts).astype(np.float32).astype(FLOAT),
        ~(missing | is_strange),
        _side_by_side(xp, blocks, "novelty", FLOAT)[:, order]
        + missing.astype(FLOAT) * (is_novel * np.log(encoding.n_rows + 1.0)),
        _any_infinite(xp, numbers) if numbers else None,
    )


def _inputs(graph: Graph, names: Sequence[str], dtype: DType) -> list[Value]:
    for name in names:
        if graph.inputs.get(name, dtype) is not dtype:
            raise SettingError(f"column {name!r} is read as text by one column of the model and as a number by another")
    return [graph.input(name, dtype) for name in names]


def _any_infinite(xp: GraphNamespace, numbers: Sequence[Value]) -> Value:
    return xp.isinf(xp.concatenate(numbers, axis=1)).astype(INTEGER).max(axis=1, keepdims=True) > 0


def _side_by_side(xp: GraphNamespace, blocks: Sequence[GraphBlock], name: str, dtype: DType) -> Value:
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
    blocks: Sequence[GraphBlock],
    missing: Value,
    starts: npt.NDArray[np.int64],
) -> Value:
    """All features in their order [n, n_features]: the blocks', and the presence flags, each its column's last."""
    parts = [(block.values, block.features) for block in blocks if block.values is not None]
    flagged = [place for place, column in enumerate(encoding.columns) if any(is_flag for _, is_flag in column.binary)]
    if flagged:
        last = [starts[place] + encoding.columns[place].n_features - 1 for place in flagged]
        parts.append(((~missing[:, flagged]).astype(FLOAT), np.array(last)))
    if not parts:
        return xp.zeros((*missing.shape, 0))
    order = np.argsort(np.concatenate([np.asarray(features) for _, features in parts]))
    return xp.concatenate([values for values, _ in parts if values is not None], axis=1)[:, order]
