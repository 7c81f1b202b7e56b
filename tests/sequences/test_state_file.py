"""A state file is read back as it was written, and any other file is refused with one kind of error."""

import json
import struct

import numpy as np
import pyarrow as pa
import pydantic
import pytest

from oddrow.container import Content, pack_file
from oddrow.exceptions import CheckpointError, OutputError
from oddrow.sequences import EntityHistory, HistoryPlan, SequenceState, read_state, write_state
from oddrow.sequences._state_file import STATE_FILE, plan_digest
from tests.sequences.test_history import PLAN, TABLE, fed

STATE = fed(PLAN, TABLE)[1].state


@pytest.fixture
def path(tmp_path):
    write_state(tmp_path / "cards.state", STATE, PLAN)
    return tmp_path / "cards.state"


def test_a_state_is_read_back(path):
    assert dict(read_state(path, PLAN).tables) == dict(STATE.tables)
    empty = PLAN.begin().state
    write_state(path, empty, PLAN)
    assert dict(read_state(path, PLAN).tables) == dict(empty.tables)


def test_two_files_with_the_state_between_them_are_one_pass(path):
    first, run = fed(PLAN, TABLE.slice(0, 200))
    write_state(path, run.state, PLAN)
    second, _ = fed(PLAN, TABLE.slice(200), state=read_state(path, PLAN))
    assert pa.concat_tables([first, second]).combine_chunks().equals(fed(PLAN, TABLE)[0].combine_chunks())


def test_a_plan_from_a_model_file_reads_the_state(path):
    kept = pydantic.TypeAdapter(HistoryPlan)
    read_state(path, kept.validate_json(kept.dump_json(PLAN)))


def test_a_state_of_another_plan_is_refused(path):
    other = EntityHistory("card", "at", amounts=()).learn(TABLE)
    with pytest.raises(CheckpointError, match=r"cards\.state: it belongs to another model"):
        read_state(path, other)


def test_a_file_that_is_missing_or_of_another_kind_is_refused(path, tmp_path):
    with pytest.raises(CheckpointError, match="cannot be read as a state file"):
        read_state(tmp_path / "none", PLAN)
    path.write_bytes(b"PAR1" + bytes(100))
    with pytest.raises(CheckpointError, match="not an oddrow state file"):
        read_state(path, PLAN)


def test_a_folder_is_not_replaced(tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        write_state(tmp_path, STATE, PLAN)


def test_flipped_bytes_and_cut_files_are_refused(path):
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in [*range(100), *rng.integers(len(whole), size=100).tolist()]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << int(rng.integers(8)))]) + whole[place + 1 :])
        with pytest.raises(CheckpointError):
            read_state(path, PLAN)
    for length in [*range(0, 110, 7), *rng.integers(len(whole), size=30).tolist()]:
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            read_state(path, PLAN)
    path.write_bytes(whole + b"\0")
    with pytest.raises(CheckpointError):
        read_state(path, PLAN)


def packed(manifest, body):
    """A file whose hashes agree, whatever it holds."""
    return b"".join(pack_file(STATE_FILE, Content(1, json.dumps(manifest).encode(), body)))


def test_damaged_tables_with_the_right_hash_are_refused_or_hold_a_state(path):
    """Who damages the tables can also write the hash that fits: no other error, and no crash."""
    whole = path.read_bytes()
    manifest_length, body_length = struct.unpack_from("<QQ", whole, 12)
    manifest, body = json.loads(whole[-body_length - manifest_length : -body_length]), whole[-body_length:]
    rng = np.random.default_rng(1)
    n_refused = 0
    for trial in range(600):
        damaged = bytearray(body)
        start = sum(size for _, size in manifest["tables"][: trial % 4])
        for place in rng.integers(manifest["tables"][trial % 4][1] if trial % 2 else 700, size=3).tolist():
            damaged[(start + place) % len(body)] = [0, 255, int(rng.integers(256))][trial % 3]
        path.write_bytes(packed(manifest, bytes(damaged)))
        try:
            run = PLAN.begin(read_state(path, PLAN))
        except CheckpointError:
            n_refused += 1
        else:
            run.state  # noqa: B018 - computing is the point
    assert n_refused > 200


def test_a_table_that_is_compressed_is_refused(path):
    schema = STATE.tables["rows"].schema
    zeros = pa.table([np.zeros(10**6, np.int64), *[np.zeros(10**6)] * 2], schema=schema)
    body = pa.BufferOutputStream()
    with pa.ipc.new_stream(body, schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(zeros)
    packed_rows = body.getvalue().to_pybytes()
    path.write_bytes(packed({"plan": plan_digest(PLAN), "tables": [["rows", len(packed_rows)]]}, packed_rows))
    with pytest.raises(CheckpointError, match="its table 'rows' is larger than its bytes"):
        read_state(path, PLAN)


@pytest.mark.parametrize(
    "manifest",
    [
        [],
        {},
        {"plan": plan_digest(PLAN), "tables": {}},
        {"plan": plan_digest(PLAN), "tables": [["rows", -1], ["seen", 1]]},
        {"plan": plan_digest(PLAN), "tables": [["rows", 10**30]]},
        {"plan": plan_digest(PLAN), "tables": [["rows", 0.0]]},
        {"plan": plan_digest(PLAN), "tables": [["rows", 0]]},
        {"plan": plan_digest(PLAN), "tables": [["rows", 0], ["rows", 0]]},
        {"plan": plan_digest(PLAN), "tables": [[f"rows-{place}", 0] for place in range(101)]},
        {"plan": plan_digest(PLAN), "tables": []},
        {"plan": None, "tables": []},
    ],
)
def test_a_manifest_of_another_form_is_refused(path, manifest):
    path.write_bytes(packed(manifest, b""))
    with pytest.raises(CheckpointError, match=r"cards\.state: "):
        read_state(path, PLAN)


def changed(name, column, values):
    table = STATE.tables[name]
    place = table.column_names.index(column)
    return {**STATE.tables, name: table.set_column(place, column, pa.array(values))}


ROWS = STATE.tables["rows"]
HOSTILE = {
    "no tables": {},
    "a table more": {**STATE.tables, "more": ROWS},
    "a column more": {**STATE.tables, "rows": ROWS.append_column("more", ROWS["time"])},
    "another type": {**STATE.tables, "rows": ROWS.set_column(1, "time", ROWS["time"].cast(pa.float32()))},
    "no entity of a row": changed("rows", "entity", [10**12] * len(ROWS)),
    "an index below 0": changed("rows", "entity", [-1, *ROWS["entity"].to_pylist()[1:]]),
    "rows in no order": changed("rows", "entity", ROWS["entity"].to_pylist()[::-1]),
    "an entity without rows": {**STATE.tables, "rows": ROWS.slice(0, 1)},
    "times that fall": changed("rows", "time", ROWS["time"].to_pylist()[::-1]),
    "times of many days": changed("rows", "time", np.arange(len(ROWS)) * 1e6),
    "an infinite time": changed("rows", "time", np.full(len(ROWS), np.inf)),
    "a missing time": changed("rows", "time", np.full(len(ROWS), np.nan)),
    "a null": changed("rows", "time", pa.nulls(len(ROWS), pa.float64())),
    "an infinite number": changed("rows", "number_0", np.full(len(ROWS), np.inf)),
    "an entity twice": {**STATE.tables, "entities": pa.concat_tables([STATE.tables["entities"]] * 2)},
    "values in no order": {**STATE.tables, "values": STATE.tables["values"].sort_by([("entity", "descending")])},
    "a missing value": changed("values", "value", np.full(len(STATE.tables["values"]), np.nan)),
    "a number that is not there": changed("values", "number", np.full(len(STATE.tables["values"]), 1)),
    "too many values": changed("values", "entity", np.zeros(len(STATE.tables["values"]), np.int64)),
    "a category twice": changed("seen", "name", ["food"] * len(STATE.tables["seen"])),
    "a missing category": changed("seen", "name", pa.nulls(len(STATE.tables["seen"]), pa.string())),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_tables_that_are_no_state_are_refused(path, name):
    write_state(path, SequenceState(HOSTILE[name]), PLAN)
    with pytest.raises(CheckpointError, match="the state file is damaged"):
        read_state(path, PLAN)
