"""What must hold for any table at all, checked here once for the tests and for ``python -m benchmarks tables``.

Each check returns how the fit ended, ``"fitted"`` or the name of one of oddrow's errors, and the containers that took
part. A broken law is an ``AssertionError``; any error that is not oddrow's, and any warning, comes through as it is.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

import oddrow
from oddrow import files
from oddrow.batch import scored_table
from oddrow.columns import TableEncoding, TableSchema
from oddrow.exceptions import DataError, OddrowError
from oddrow.table import as_table
from testing.strategies import AnyTables, ObjectTable, TextFile, taken
from testing.typed_reading import read_table

_ADDED = {"surprise", "p_value", "is_odd"} | {
    f"reason_{place}{part}" for place in (1, 2) for part in ("", "_value", "_expected", "_usual", "_share")
}
"""What scoring adds to a table, and therefore refuses to find there."""


@dataclass(frozen=True)
class Outcome:
    """How the fit ended, how the later table was met, and which containers could hold the table."""

    fit: str
    later: str = "not asked"
    containers: tuple[str, ...] = ()


def check_tables(tables: AnyTables) -> Outcome:
    """Every law of one Arrow table, its later table and a column that it does not have."""
    rng = np.random.default_rng(tables.seed)
    detector = _detector(rng)
    try:
        detector.fit(tables.training)
    except OddrowError as error:
        _check_error(error, tables.training.column_names)
        return Outcome(type(error).__name__)
    surprise = check_scores(detector, tables.training)
    check_rows_alone(detector, tables.training, rng)
    backwards = tables.training.select(tables.training.column_names[::-1])
    assert _bits(detector.surprise(backwards)) == _bits(surprise), "the order of columns matters"
    wider = tables.training.add_column(0, tables.extra_name, tables.extra)
    if tables.extra_name not in tables.training.column_names:
        assert _bits(detector.surprise(wider)) == _bits(surprise), "a further column matters"
    containers = check_containers(detector, tables.training, surprise, rng)
    check_saved(detector, tables.training, surprise)
    try:
        detector.surprise(tables.later)
    except DataError as error:
        _check_error(error, tables.training.column_names)
        return Outcome("fitted", type(error).__name__, containers)
    check_scores(detector, tables.later)
    check_rows_alone(detector, tables.later, rng)
    return Outcome("fitted", "scored", containers)


def check_objects(objects: ObjectTable) -> Outcome:
    """Every law of one table of Python objects: the same outcome and the same bits in any container of objects."""
    rng = np.random.default_rng(objects.seed)
    names, n_rows = list(objects.columns), len(next(iter(objects.columns.values())))
    containers = {"mapping": objects.columns}
    for name, convert in _OBJECT_CONTAINERS.items():
        with suppress(Exception):  # a foreign library that cannot hold these objects
            containers[name] = convert(objects.columns)
    read = {name: _outcome(lambda X=X: as_table(X)) for name, X in containers.items()}
    for name, found in read.items():
        assert _same_reading(found, read["mapping"]), f"{name} is read otherwise than a mapping: {found!s:.200}"
    detector = _detector(rng)
    try:
        detector.fit(objects.columns)
    except OddrowError as error:
        _check_error(error, names)
        return Outcome(type(error).__name__)
    surprise = check_scores(detector, objects.columns)
    order = rng.permutation(n_rows)
    permuted = {name: [values[place] for place in order] for name, values in objects.columns.items()}
    assert _bits(detector.surprise(permuted)) == _bits(surprise[order]), "the order of rows matters"
    for name, X in containers.items():
        assert _bits(detector.surprise(X)) == _bits(surprise), f"{name} is scored otherwise than a mapping"
    return Outcome("fitted", "not asked", tuple(containers))


def check_text_file(drawn: TextFile) -> Outcome:
    """A row of a text file is scored alike alone and beside any others, read whole and as a stream."""
    detector = oddrow.VAEDetector(random_state=0)
    try:
        detector.fit(read_table(io.BytesIO(drawn.content(drawn.rows)), as_written=True))
    except OddrowError as error:
        return Outcome(type(error).__name__)
    rng = np.random.default_rng(drawn.seed)
    some = [drawn.rows[place] for place in rng.integers(0, len(drawn.rows), 4)]
    alone = {row: _text_surprise(detector, drawn.content([row])) for row in {*some, *drawn.later}}
    assert not any(isinstance(alone[row], str) for row in some), "a training row is refused"
    fitting = [row for row, found in alone.items() if not isinstance(found, str)]
    for _ in range(3):
        rows = [fitting[place] for place in rng.integers(0, len(fitting), rng.integers(1, 12))]
        assert _text_surprise(detector, drawn.content(rows)) == [alone[row][0] for row in rows]
    whole = _text_surprise(detector, drawn.content([*drawn.rows, *fitting]))
    assert whole[len(drawn.rows) :] == [alone[row][0] for row in fitting]
    assert _text_surprise(detector, drawn.content(drawn.rows)) == whole[: len(drawn.rows)]
    return Outcome("fitted", "scored")


# The laws, one by one -------------------------------------------------------------------------------------------------


def check_scores(detector: Any, X: Any) -> np.ndarray:
    """Finite scores in the order of the rows, whose explanations add up; returns the surprise."""
    table = as_table(X, reads=set(detector.model_.encoding.names).__contains__)
    surprise, p_value = detector.surprise(X), detector.p_value(X)
    assert surprise.shape == p_value.shape == (table.num_rows,)
    assert np.isfinite(surprise).all() and (surprise >= 0).all(), f"surprise of {surprise.min()} to {surprise.max()}"
    assert (p_value > 0).all() and (p_value <= 1).all(), f"p-values of {p_value.min()} to {p_value.max()}"
    order = np.lexsort((surprise, -p_value))
    less = np.flatnonzero(np.diff(p_value[order]) < 0) + 1  # where a next smaller p-value begins
    before = np.maximum.accumulate(surprise[order])[less - 1]
    assert (surprise[order][less] >= before - 1e-9 * (1 + before)).all(), "a stranger row has a larger p-value"
    assert np.isfinite(detector.latent_map(X)).all(), "a place on the map is not finite"
    predicted = detector.predict(X)
    for top in (None, 2):
        explanations = detector.explain(X, top=top)
        assert [row.row for row in explanations] == list(range(table.num_rows))
        for row in explanations:
            parts = [row.combination_nats, row.other_nats, *(reason.nats for reason in row.reasons)]
            assert min(parts) >= 0, f"a part of {min(parts)} nats"
            assert abs(sum(parts) - row.surprise) <= 1e-9 * max(1.0, row.surprise), f"{sum(parts)} for {row.surprise}"
            assert (row.surprise, row.p_value) == (surprise[row.row], p_value[row.row])
            assert row.is_odd == (predicted[row.row] == -1)
    if not _ADDED & set(table.column_names):
        written = scored_table(detector.model_, table, top=2).rows
        assert written.column_names[: table.num_columns] == table.column_names
        assert _bits(written["surprise"].to_numpy()) == _bits(surprise)
    return surprise


def check_rows_alone(detector: Any, table: pa.Table, rng: np.random.Generator) -> None:
    """A row's surprise is its own: the same bits in any order of rows and in any part of the table."""
    surprise = detector.surprise(table)
    order = rng.permutation(table.num_rows)
    assert _bits(detector.surprise(taken(table, pa.array(order)))) == _bits(surprise[order]), (
        "the order of rows matters"
    )
    middle = table.num_rows // 2
    halves = [detector.surprise(table.slice(0, middle)), detector.surprise(table.slice(middle))]
    assert _bits(np.concatenate(halves)) == _bits(surprise), "the other rows matter"


def check_containers(detector: Any, table: pa.Table, surprise: np.ndarray, rng: np.random.Generator) -> tuple[str, ...]:
    """The same bits and the same encoding from some of the containers that can hold the table; returns which.

    Whether it can is asked of the container alone: if it gives back another table than it was given (pandas makes
    whole numbers beside missing ones floats, polars has no seconds, Python no year 10,000), it is left out.
    """
    encoding, read = _encoding(table), as_table(table)
    for name, convert in _some(_EXACT, rng):
        converted = convert(table)
        assert _bits(detector.surprise(converted)) == _bits(surprise), f"the container matters: {name}"
        if not hasattr(converted, "collect"):
            assert _encoding(converted) == encoding, f"the container matters to the encoding: {name}"
    held = []
    for name, (convert, back) in _some(_CONTAINERS, rng):
        converted = _if_held(table, convert, back)
        if converted is None:
            continue
        held.append(name)
        assert _bits(detector.surprise(converted)) == _bits(surprise), f"the container matters: {name}"
        if not isinstance(converted, np.ndarray) and not _is_read_as(read, converted):
            assert _encoding(converted) == encoding, f"the container matters to the encoding: {name}"
    if held and rng.random() < 0.2:
        convert, _ = _CONTAINERS[held[int(rng.integers(len(held)))]]
        again = type(detector)(**detector.get_params()).fit(convert(table))
        assert _bits(again.score_samples(convert(table))) == _bits(-surprise), "the container matters to the fit"
    return tuple(held)


def _is_read_as(read: pa.Table, X: Any) -> bool:
    """Whether a container is read as this very table, chunk by chunk: then an encoding of it is the same call again."""
    other = as_table(X)
    return read.equals(other) and _places(read) == _places(other)


def _places(table: pa.Table) -> list[list[tuple[int, int]]]:
    return [[(chunk.offset, len(chunk)) for chunk in column.chunks] for column in table.columns]


def check_saved(detector: Any, table: pa.Table, surprise: np.ndarray) -> None:
    """A model goes through its file, whatever its columns are called and hold."""
    with tempfile.TemporaryDirectory() as folder:
        oddrow.save(detector, Path(folder) / "model.oddrow")
        assert _bits(oddrow.load(Path(folder) / "model.oddrow").surprise(table)) == _bits(surprise), "the file matters"


# Containers -----------------------------------------------------------------------------------------------------------


class Capsule:
    """Any object of another library that hands over Arrow data."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


def _chunked(table: pa.Table) -> pa.Table:
    middle = table.num_rows // 3
    return pa.concat_tables([table.slice(0, middle), table.slice(middle)])


def _beside_others(table: pa.Table) -> pa.Table:
    """The same rows as a part of a longer table: Arrow remembers only where it starts."""
    return pa.concat_tables([table.slice(0, 3), table]).combine_chunks().slice(min(3, table.num_rows))


def _dictionaries(table: pa.Table) -> pa.Table:
    encoded = [c.dictionary_encode() if pa.types.is_string(c.type) else c for c in table.columns]
    return pa.Table.from_arrays(encoded, table.column_names)


def _runs(table: pa.Table) -> pa.Table:
    encoded = [pc.run_end_encode(c) if pa.types.is_integer(c.type) else c for c in table.columns]
    return pa.Table.from_arrays(encoded, table.column_names)


_EXACT: dict[str, Callable[[pa.Table], Any]] = {
    "chunks": _chunked,
    "part of a table": _beside_others,
    "dictionaries": _dictionaries,
    "runs": _runs,
    "mapping of Arrow": lambda table: dict(zip(table.column_names, table.columns, strict=True)),
}


def _from_pandas(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pandas(frame, schema=schema, preserve_index=False)


_NULLABLE = {
    pa.bool_(): pd.BooleanDtype(),
    pa.int8(): pd.Int8Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.float32(): pd.Float32Dtype(),
    pa.float64(): pd.Float64Dtype(),
    pa.string(): pd.StringDtype(),
}


def _with_categories(table: pa.Table) -> pd.DataFrame:
    texts = [field.name for field in table.schema if pa.types.is_string(field.type)]
    return table.to_pandas().astype(dict.fromkeys(texts, "category"))


def _without_categories(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype({name: object for name in frame if isinstance(frame[name].dtype, pd.CategoricalDtype)})


def _from_lists(columns: dict[str, list[object]], schema: pa.Schema) -> pa.Table:
    return pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)


def _objects(values: Any) -> np.ndarray:
    array = np.empty(len(values), object)
    for place, value in enumerate(values):
        array[place] = value
    return array


def _object_array(table: pa.Table) -> np.ndarray:
    return np.stack([_objects(column.to_pylist()) for column in table.columns], axis=1)


def _from_object_array(array: np.ndarray, schema: pa.Schema) -> pa.Table:
    return pa.table([pa.array(array[:, j].tolist(), field.type) for j, field in enumerate(schema)], schema=schema)


def _polars(table: pa.Table) -> pl.DataFrame:
    if any("\x00" in name for name in table.column_names) or any(map(pa.types.is_decimal256, table.schema.types)):
        raise ValueError("polars would panic, and print that")
    if pa.uuid() in table.schema.types:
        raise ValueError("polars would keep the bytes alone")
    return pl.from_arrow(table)


_CONTAINERS: dict[str, tuple[Callable[[pa.Table], Any], Callable[[Any, pa.Schema], pa.Table]]] = {
    "capsule": (Capsule, lambda capsule, _: pa.table(capsule)),
    "pandas": (lambda table: table.to_pandas(), _from_pandas),
    "pandas with categories": (
        _with_categories,
        lambda frame, schema: _from_pandas(_without_categories(frame), schema),
    ),
    "nullable pandas": (lambda table: table.to_pandas(types_mapper=_NULLABLE.get), _from_pandas),
    "pandas on Arrow": (lambda table: table.to_pandas(types_mapper=pd.ArrowDtype), _from_pandas),
    "polars": (_polars, lambda frame, schema: frame.to_arrow().cast(schema)),
    "lazy polars": (lambda table: _polars(table).lazy(), lambda frame, schema: frame.collect().to_arrow().cast(schema)),
    "mapping of lists": (lambda table: table.to_pydict(), _from_lists),
    "array of objects": (_object_array, _from_object_array),
}


def _if_held(table: pa.Table, convert: Callable[[pa.Table], Any], back: Callable[[Any, pa.Schema], pa.Table]) -> Any:
    try:
        converted = convert(table)
        returned = back(converted, table.schema)
    except Exception:
        return None
    return converted if _without_nan(returned).equals(_without_nan(table)) else None


def _without_nan(table: pa.Table) -> pa.Table:
    """NaN as null, for NaN equals nothing; dictionaries by their values, for their order is no value."""
    return pa.Table.from_arrays([_values_of(column) for column in table.columns], table.column_names)


def _values_of(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        return _values_of(column.cast(column.type.value_type))
    if not pa.types.is_floating(column.type):
        return column
    floats = pc.cast(column, pa.float64())
    return pc.if_else(pc.is_nan(floats), None, floats)


def _polars_objects(columns: dict[str, list[object]]) -> pl.DataFrame:
    if any(isinstance(value, Enum) for values in columns.values() for value in values):
        raise ValueError("polars would take the values that the names stand for")
    return pl.DataFrame({name: pl.Series(name, values, dtype=pl.Object) for name, values in columns.items()})


_OBJECT_CONTAINERS: dict[str, Callable[[dict[str, list[object]]], Any]] = {
    "mapping of arrays": lambda columns: {name: _objects(values) for name, values in columns.items()},
    "pandas": lambda columns: pd.DataFrame({name: pd.Series(_objects(v), dtype=object) for name, v in columns.items()}),
    "polars": _polars_objects,
    "array": lambda columns: np.stack([_objects(values) for values in columns.values()], axis=1),
}


# The rest -------------------------------------------------------------------------------------------------------------


def _detector(rng: np.random.Generator) -> Any:
    estimator = [oddrow.VAEDetector, oddrow.AutoencoderDetector][int(rng.integers(2))]
    settings = "article" if rng.random() < 0.2 else "default"
    return estimator(settings=settings, contamination=["auto", 0.1][int(rng.integers(2))], random_state=0)


def _encoding(X: Any) -> tuple[Any, ...]:
    """What a fit would learn of the columns; how their types are called in words is the container's own."""
    table = as_table(X)
    return TableEncoding.learn(TableSchema.infer(table), table).columns


def _check_error(error: OddrowError, names: list[str]) -> None:
    """An error is short, and names a column where one is at fault."""
    text = str(error)
    assert 10 < len(text) < 2000, f"an error of {len(text)} characters"
    assert "\n" not in text, f"an error of several lines: {text}"
    if "column '" in text:
        assert any(repr(name)[1:20] in text for name in names), f"an error that names no column: {text}"


def _outcome(read: Callable[[], pa.Table]) -> pa.Table | OddrowError:
    try:
        return read()
    except OddrowError as error:
        return error


def _some(containers: dict[str, Any], rng: np.random.Generator) -> list[tuple[str, Any]]:
    """Half of them: over many examples each has its turn."""
    chosen = rng.permutation(len(containers))[: len(containers) // 2]
    return [list(containers.items())[place] for place in sorted(chosen)]


def _same_reading(found: pa.Table | OddrowError, other: pa.Table | OddrowError) -> bool:
    """The same columns or the same kind of error; an array calls its columns otherwise, so names are left out."""
    if isinstance(found, pa.Table) and isinstance(other, pa.Table):
        return found.rename_columns(other.column_names).equals(other)
    return type(found) is type(other)


def _bits(values: np.ndarray) -> bytes:
    return np.ascontiguousarray(values).tobytes()


def _text_surprise(detector, content):
    """The bits of each row's surprise, or the error, of the file read whole and as a stream."""
    found, tables = [], []
    for read in (_read_whole, _read_stream):
        try:
            tables.append(read(content, detector))
            if len(tables) == 2 and tables[0].equals(tables[1]):
                break  # the same call again
            found.append([row.tobytes() for row in detector.surprise(tables[-1])])
        except DataError as error:
            found.append(type(error).__name__)
    assert found[0] == found[-1], f"read whole {found[0]}, as a stream {found[-1]}"
    return found[0]


def _read_whole(content, _):
    return read_table(io.BytesIO(content), as_written=True)


def _read_stream(content, detector):
    stream = files.open(io.BytesIO(content), expects=detector.model_.encoding.names)
    return pa.Table.from_batches(stream, stream.schema)
