"""What is remembered of each entity from one batch, and one file, to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.exceptions import DataError
from oddrow.sequences._preparation import SequenceState

Floats = npt.NDArray[np.float64]

DAY = 86_400.0
MAX_VALUES = 64
"""Largest number of earlier values of an entity that its median takes."""
MAX_SEEN = 1_000
"""Largest number of categories that are remembered of an entity in each column: those that occurred last."""

_ENTITIES = pa.schema([("entity", pa.string())])
_VALUES = pa.schema([("entity", pa.int64()), ("number", pa.int64()), ("value", pa.float64())])
_SEEN = pa.schema([("entity", pa.int64()), ("category", pa.int64()), ("name", pa.string())])


@dataclass(slots=True, eq=False)
class EntityMemory:
    """What is remembered of one entity.

    Attributes
    ----------
    rows : float64 [k, 1 + m], times and m numbers of its rows of the last day, at least of its last row; NaN is missing
    values : for each of m number columns its last values, float64 [at most ``MAX_VALUES``]
    seen : for each category column its last ``MAX_SEEN`` categories, in the order of their last rows
    """

    rows: Floats
    values: list[Floats]
    seen: list[dict[str, None]]

    @classmethod
    def empty(cls, n_numbers: int, n_categories: int) -> EntityMemory:
        """Return the memory of an entity without rows."""
        return cls(np.zeros((0, 1 + n_numbers)), [np.zeros(0)] * n_numbers, [{} for _ in range(n_categories)])


Memories = dict[str | None, EntityMemory]
"""What is remembered of each entity; None is the entity of rows without one."""


def packed_memories(memories: Memories, n_numbers: int) -> SequenceState:
    """Return what is remembered as Arrow tables."""
    each = list(memories.values())
    rows = np.concatenate([one.rows for one in each] or [np.zeros((0, 1 + n_numbers))])
    entity = np.repeat(np.arange(len(each)), [len(one.rows) for one in each])
    values = [(e, c, found) for e, one in enumerate(each) for c, found in enumerate(one.values) if len(found)]
    seen = [(e, c, name) for e, one in enumerate(each) for c, names in enumerate(one.seen) for name in names]
    lengths = [len(found) for _, _, found in values]
    return SequenceState(
        {
            "entities": pa.table([pa.array(list(memories), pa.string())], schema=_ENTITIES),
            "rows": pa.table([entity, *map(_with_nulls, rows.T)], schema=_rows_schema(n_numbers)),
            "values": pa.table(
                [
                    np.repeat(np.array([e for e, _, _ in values], np.int64), lengths),
                    np.repeat(np.array([c for _, c, _ in values], np.int64), lengths),
                    np.concatenate([found for _, _, found in values] or [np.zeros(0)]),
                ],
                schema=_VALUES,
            ),
            "seen": pa.table([[one[place] for one in seen] for place in range(3)], schema=_SEEN),
        }
    )


def unpacked_memories(state: SequenceState, n_numbers: int, n_categories: int) -> Memories:
    """Return what :func:`packed_memories` has packed.

    Raises
    ------
    DataError
        If it cannot have packed this state.
    """
    schemas = {"entities": _ENTITIES, "rows": _rows_schema(n_numbers), "values": _VALUES, "seen": _SEEN}
    _check_tables(state.tables, schemas)
    tables = state.tables
    names = tables["entities"].column(0).to_pylist()
    _check(len(set(names)) == len(names), "an entity occurs twice")
    memories = {name: EntityMemory.empty(n_numbers, n_categories) for name in names}
    each = list(memories.values())
    rows = np.column_stack([column.to_numpy() for column in tables["rows"].columns[1:]])
    found = 0
    for entity, own in _pieces(_codes(tables["rows"], "entity", len(each))):
        each[entity].rows, found = rows[own], found + 1
    _check(found == len(each) and _are_rows([one.rows for one in each]), "its rows are not those of the last day")
    values = tables["values"].column("value").to_numpy()
    _check(bool(np.isfinite(values).all()), "a value is not finite")
    for key, own in _pieces(_keys(tables["values"], "number", len(each), n_numbers)):
        _check(own.stop - own.start <= MAX_VALUES, "an entity has too many values")
        each[key // n_numbers].values[key % n_numbers] = values[own]
    categories = tables["seen"].column("name").to_pylist()
    for key, own in _pieces(_keys(tables["seen"], "category", len(each), n_categories)):
        seen = dict.fromkeys(categories[own])
        _check(len(seen) == own.stop - own.start <= MAX_SEEN and None not in seen, "its categories are not distinct")
        each[key // n_categories].seen[key % n_categories] = seen
    return memories


def _with_nulls(values: Floats) -> pa.Array:
    return pa.array(values, from_pandas=True)


def _rows_schema(n_numbers: int) -> pa.Schema:
    numbers = [(f"number_{place}", pa.float64()) for place in range(n_numbers)]
    return pa.schema([("entity", pa.int64()), ("time", pa.float64()), *numbers])


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise DataError(f"the state is not one of these entity features: {what}; begin without it")


def _check_tables(tables: Mapping[str, pa.Table], schemas: Mapping[str, pa.Schema]) -> None:
    _check(tables.keys() == schemas.keys(), f"its tables are {', '.join(map(repr, tables))}")
    for name, schema in schemas.items():
        _check(tables[name].schema.equals(schema), f"the columns of its table {name!r} are others")
        for field, column in zip(schema, tables[name].columns, strict=True):
            may_be_null = (name, field.name) == ("entities", "entity") or field.name.startswith("number_")
            _check(may_be_null or not column.null_count, f"its table {name!r} has a null")


def _codes(table: pa.Table, name: str, count: int) -> npt.NDArray[np.int64]:
    codes = table.column(name).to_numpy()
    _check(not len(codes) or bool(codes.min() >= 0 and codes.max() < count), f"an index of {name!r} is out of range")
    return np.asarray(codes, np.int64)


def _keys(table: pa.Table, name: str, n_entities: int, count: int) -> npt.NDArray[np.int64]:
    return _codes(table, "entity", n_entities) * count + _codes(table, name, count)


def _pieces(keys: npt.NDArray[np.int64]) -> Iterator[tuple[int, slice]]:
    """Yield each key with the slice of its rows; keys [n] are ascending."""
    _check(bool(np.all(keys[1:] >= keys[:-1])), "its rows are not grouped by entity")
    bounds = np.flatnonzero(np.diff(keys, prepend=-1, append=-2)).tolist()
    for start, stop in pairwise(bounds):
        yield int(keys[start]), slice(start, stop)


def _are_rows(each: list[Floats]) -> bool:
    """Return whether times are finite, ascending and of one day, and numbers are finite or missing."""
    return all(
        bool(np.isfinite(rows[:, 0]).all() and not np.isinf(rows).any())
        and bool(np.all(np.diff(rows[:, 0]) >= 0) and rows[0, 0] >= rows[-1, 0] - DAY)
        for rows in each
    )
