r"""The state file: what a preparation remembers of the rows that it has read, from one file of rows to the next.

It is a file of :mod:`oddrow.container` with the magic ``ODDROWSQ``. Its manifest is a JSON object with ``plan``, the
digest of the preparation, and ``tables``, the name and the number of bytes of each table; its body is the tables, one
after the other, as Arrow IPC streams without compression.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from oddrow.container import Content, FileKind, check_lengths, digest, one_line, pack_file, read_file, strict_json
from oddrow.exceptions import CheckpointError, DataError
from oddrow.files import atomic_write
from oddrow.sequences._preparation import Preparation, SequenceState

STATE_FILE = FileKind(b"ODDROWSQ", "state file", body="tables", error=CheckpointError, max_body=2**36)
PROTOCOL = 1
MAX_TABLES = 100


def write_state(path: str | Path, state: SequenceState, plan: Preparation) -> None:
    """Write what a preparation remembers to a file, atomically; an existing file is replaced.

    Raises
    ------
    OutputError
        If the file cannot be written; the file that was there is unchanged.
    """
    pieces = {name: _packed(table) for name, table in state.tables.items()}
    manifest = {"plan": plan_digest(plan), "tables": [[name, len(piece)] for name, piece in pieces.items()]}
    content = Content(PROTOCOL, json.dumps(manifest).encode(), b"".join(pieces.values()))
    check_lengths(STATE_FILE, len(content.manifest), len(content.body))
    with atomic_write(path, force=True) as stream:
        for part in pack_file(STATE_FILE, content):
            stream.write(part)


def read_state(path: str | Path, plan: Preparation) -> SequenceState:
    """Read what :func:`write_state` has written for this preparation.

    Raises
    ------
    CheckpointError
        If the file cannot be read, is damaged or no state file, or belongs to another preparation.
    """
    try:
        content = read_file(Path(path), STATE_FILE, PROTOCOL)
        manifest = _checked_manifest(strict_json(content.manifest), len(content.body))
        if manifest["plan"] != plan_digest(plan):
            raise CheckpointError(
                "it belongs to another model; give the state file that was written with this model, or begin a new one"
            )
        state = SequenceState(_tables(manifest["tables"], content.body))
        plan.begin(state)  # raises if the tables are not those of the plan
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    except (DataError, pa.ArrowException, ValueError, TypeError, OSError) as error:
        raise CheckpointError(f"{path}: the state file is damaged ({one_line(str(error))})") from error
    return state


def plan_digest(plan: Preparation) -> str:
    """Return a digest of all fields of a preparation."""
    return digest(json.dumps(dataclasses.asdict(plan), sort_keys=True))


def _packed(table: pa.Table) -> bytes:
    body = pa.BufferOutputStream()
    with pa.ipc.new_stream(body, table.schema) as writer:
        writer.write_table(table)
    packed: bytes = body.getvalue().to_pybytes()
    return packed


def _checked_manifest(manifest: Any, length: int) -> dict[str, Any]:
    if not isinstance(manifest, dict) or manifest.keys() != {"plan", "tables"}:
        raise ValueError("its manifest does not hold plan and tables")
    tables = manifest["tables"]
    if not isinstance(tables, list) or len(tables) > MAX_TABLES:
        raise ValueError("its tables are not listed")
    for entry in tables:
        if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str) and type(entry[1]) is int):
            raise ValueError("a table has no name and length")
    if len({name for name, _ in tables}) != len(tables):
        raise ValueError("a table occurs twice")
    if any(size < 0 for _, size in tables) or sum(size for _, size in tables) != length:
        raise ValueError("the lengths of its tables do not add up")
    return manifest


def _tables(listed: list[tuple[str, int]], body: bytes) -> dict[str, pa.Table]:
    tables, start, whole = {}, 0, pa.py_buffer(body)
    for name, size in listed:
        with pa.ipc.open_stream(whole.slice(start, size)) as reader:
            batches = []
            for batch in reader:
                if batch.nbytes > size:  # a few compressed bytes can be gigabytes
                    raise ValueError(f"its table {name!r} is larger than its bytes")
                batches.append(batch)
            tables[name] = pa.Table.from_batches(batches, reader.schema)
        tables[name].validate(full=True)
        start += size
    return tables
