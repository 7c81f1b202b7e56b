"""``docs/model_file.md`` says what the code does: every field, every array, every limit, and nothing else."""

import re
from pathlib import Path

import pytest

from oddrow import columns
from oddrow.artifact import PROTOCOL, _protocol_1, dumps
from oddrow.calibration import _calibration
from oddrow.container import MAX_NUMBER, _arrays, _files, _json
from oddrow.density import MAX_OUTPUT, _network
from testing.model_files import HEADER, golden, parts

PAGE = (Path(__file__).parents[2] / "docs" / "model_file.md").read_text(encoding="utf-8")
GOLDEN_ARRAYS = [
    array
    for name in ("vae", "autoencoder", "article", "subsets", "feedback")
    for array in parts(golden(name))[1].items()
]


def rows(heading):
    """The cells of every table row below a heading of the second level."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def names(rows):
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row[0])}


def test_the_page_on_the_model_file_states_this_protocol_and_the_header_size():
    assert PAGE.startswith(f"# The model file, protocol {PROTOCOL}\n")
    assert f"protocol number, unsigned: {PROTOCOL} |" in PAGE
    assert f"The header is {HEADER.size} bytes." in PAGE


def test_every_field_of_the_manifest_is_on_the_page_and_no_other():
    schema = _protocol_1.manifest_type().json_schema()
    objects = [schema, *schema["$defs"].values()]
    assert names(rows("The manifest")) == {field for one in objects for field in one.get("properties", ())}


def test_every_field_at_the_top_is_in_the_first_table():
    fields = _protocol_1.manifest_type().json_schema()["properties"]
    first = rows("The manifest")[: len(fields)]
    assert names(first) == fields.keys()


def test_every_array_is_on_the_page_with_its_type_and_shape_and_no_other(vae):
    described = {row[0].strip("`"): row[1:3] for row in rows("Arrays")}
    found = {}
    for name, array in [*GOLDEN_ARRAYS, *parts(dumps(vae))[1].items()]:
        kind = {"f": "F", "i": "I"}[array.dtype.kind] + str(8 * array.dtype.itemsize)
        pattern = re.sub(r"(?<=[._])\d+(?=[._])", "N", name)
        found[pattern] = [kind, array.ndim]
    assert {name: [kind, shape.count(",") + 1] for name, (kind, shape) in described.items()} == found


@pytest.mark.parametrize(
    "limit",
    [
        f"{_files.MAX_MANIFEST_BYTES:,} bytes",
        f"{_files.MAX_BODY_BYTES:,} bytes",
        f"{_arrays.MAX_NAMES_BYTES:,} bytes",
        f"{_json.MAX_VALUES:,}, of these {_json.MAX_NESTED:,}",
        f"columns | {columns.MAX_COLUMNS:,}",
        f"features | {columns.MAX_FEATURES:,}",
        f"layers | {_network.MAX_LAYERS}",
        f"latent | {_network.MAX_WIDTH:,}",
    ],
)
def test_the_page_on_the_model_file_lists_every_limit(limit):
    assert limit in PAGE


def test_the_page_on_the_model_file_lists_every_bound():
    for bound in (MAX_NUMBER, columns.MAX_ENCODED, MAX_OUTPUT, _calibration.HIGHEST_SCORE):
        assert f"{bound:g}".replace("e+", "e") in PAGE
