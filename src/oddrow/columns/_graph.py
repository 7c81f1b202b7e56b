"""Encode raw columns in a graph: combine the operations of all kinds."""

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
    """The values of an :class:`EncodedTable` in a graph, in double precision.

    Attributes
    ----------
    rows : float64 [n, n_features], each rounded to float32 as in the encoded table
    presence : bool [n, n_columns]
    novelty : float64 [n, n_columns]
    is_refused : bool [n, 1], true where a number is infinite, which a table must not hold; None without number inputs
    """

    rows: Value
    presence: Value
    novelty: Value
    is_refused: Value | None


def check_exportable(encoding: TableEncoding, outputs: Sequence[str]) -> None:
    """Refuse columns whose names cannot be names of inputs of a graph with these outputs.

    Raises
    ------
    SettingError
        If there is such a column; the message names it and the remedy.
    """
    for name in encoding.sources:
        if name in outputs or not name:
            fault = "has the name of an output" if name else "has no name"
            raise SettingError(f"column {name!r} {fault} of the exported graph; rename it and fit again")


def encoded_values(graph: Graph, encoding: TableEncoding, missing_text: str) -> EncodedValues:
    """Add the inputs of all source columns to a graph, and the operations that encode them.

    Raises
    ------
    SettingError
        If a kind has no operations, if ``missing_text`` is a value of a column, or if two kinds read one table column
        as different types.
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
    is_unseen = _field_of_all(xp, blocks, "is_unseen", BOOLEAN)[:, order]
    numbers = list({value.name: value for sources in inputs for value in sources if value.dtype == FLOAT}.values())
    return EncodedValues(
        _features(xp, encoding, blocks, missing, starts).astype(np.float32).astype(FLOAT),
        ~(missing | is_unseen),
        _field_of_all(xp, blocks, "novelty", FLOAT)[:, order]
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


def _field_of_all(xp: GraphNamespace, blocks: Sequence[GraphBlock], name: str, dtype: DType) -> Value:
    """Return one field of all blocks as a matrix [n, n_columns]; a field that is None is filled with zeros."""
    values = (getattr(block, name) for block in blocks)
    filled = (
        xp.broadcast_to(np.zeros(1), block.missing, dtype) if value is None else value
        for block, value in zip(blocks, values, strict=True)
    )
    return xp.concatenate(list(filled), axis=1)


def _features(
    xp: GraphNamespace,
    encoding: TableEncoding,
    blocks: Sequence[GraphBlock],
    missing: Value,
    starts: npt.NDArray[np.int64],
) -> Value:
    """Return all features [n, n_features] in order: those of the blocks, and the presence flag of each column last."""
    found = [(block.values, block.features) for block in blocks if block.values is not None]
    flagged = [place for place, column in enumerate(encoding.columns) if any(is_flag for _, is_flag in column.binary)]
    if flagged:
        last = [starts[place] + encoding.columns[place].n_features - 1 for place in flagged]
        found.append(((~missing[:, flagged]).astype(FLOAT), np.array(last)))
    if not found:
        return xp.zeros((*missing.shape, 0))
    order = np.argsort(np.concatenate([np.asarray(features) for _, features in found]))
    return xp.concatenate([values for values, _ in found if values is not None], axis=1)[:, order]
