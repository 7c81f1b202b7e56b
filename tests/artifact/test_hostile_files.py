"""A file that someone made to do harm gives one error of one line, soon, in little memory, and touches nothing else.

The limits are kept in a process of its own, see ``watched_loading.py``: 256 MB beyond what it held, a second of the
processor's time, and an audit hook that sees every import, process, socket and opened file.
"""

import copy
import json
import os
import pickle
import socket
import struct
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

import oddrow
from oddrow.exceptions import ModelFileError
from oddrow.views import VIEWS
from testing.model_files import (
    HEADER,
    MAGIC,
    PROTOCOL,
    golden,
    packed,
    parts,
    rebuilt,
    sections,
    tensors,
    with_header,
)

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of memory and /proc are Linux's")

VAE = golden("vae")
ARTICLE = golden("article")
SUBSETS = golden("subsets")
FEEDBACK = golden("feedback")
MANIFEST, ARRAYS = sections(VAE)


# Files that are no files ---------------------------------------------------------------------------------------------


def sparse(size, start=b""):
    """A file that claims much and takes nothing."""

    def make(path):
        path.write_bytes(start)
        os.truncate(path, size)

    return make


def listening(path):
    here = socket.socket(socket.AF_UNIX)
    here.bind(path.name)  # the folder's own path may be longer than a socket's may be
    here.close()


def linked_pipe(path):
    os.mkfifo(path.parent.parent / "pipe")
    path.symlink_to(path.parent.parent / "pipe")


TERABYTE = 2**40
NO_FILES = {
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
    "link to a pipe": linked_pipe,
    "link to nothing": lambda path: path.symlink_to("nothing here"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "link to a folder": lambda path: path.symlink_to(path.parent),
    "link to zeros without end": lambda path: path.symlink_to("/dev/zero"),
    "link to nothing at all": lambda path: path.symlink_to("/dev/null"),
    "link to a terminal": lambda path: path.symlink_to("/dev/tty"),
    "link to memory": lambda path: path.symlink_to("/proc/self/mem"),
    "link to passwords": lambda path: path.symlink_to("/etc/passwd"),
    "socket": listening,
    "a terabyte of zeros": sparse(TERABYTE),
    "a terabyte of arrays": sparse(
        HEADER.size + TERABYTE, HEADER.pack(MAGIC, PROTOCOL, 0, TERABYTE, bytes(32), bytes(32))
    ),
    "a terabyte of manifest": sparse(
        HEADER.size + TERABYTE, HEADER.pack(MAGIC, PROTOCOL, TERABYTE, 0, bytes(32), bytes(32))
    ),
    "arrays of 300 MB with another hash": sparse(
        HEADER.size + len(MANIFEST) + 300 * 2**20,
        packed(MANIFEST, b"", lengths=(len(MANIFEST), 300 * 2**20)),
    ),
}


# Headers -------------------------------------------------------------------------------------------------------------


def archive(name):
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr(name, MANIFEST)
    return content.getvalue()


class Malice:
    """Unpickled, it would run a command."""

    def __reduce__(self):
        return os.system, ("touch /tmp/harmed",)


HEADERS = {
    "empty": b"",
    "one byte": VAE[:1],
    "magic alone": MAGIC,
    "header cut": VAE[: HEADER.size - 1],
    "header alone": VAE[: HEADER.size],
    "manifest cut": VAE[: HEADER.size + 100],
    "last byte cut": VAE[:-1],
    "one byte more": VAE + b"\0",
    "twice itself": VAE + VAE,
    "line ends translated": VAE.replace(b"\r\n", b"\n", 1),
    "zeros": bytes(4096),
    "archive that climbs": archive("../../../../tmp/harmed"),
    "archive behind the magic": MAGIC + archive("a"),
    "pickle": pickle.dumps(Malice()),
    "pickle for a manifest": packed(pickle.dumps(Malice()), ARRAYS),
    "pickle for arrays": packed(MANIFEST, pickle.dumps(Malice())),
    "next protocol": packed(MANIFEST, ARRAYS, protocol=PROTOCOL + 1),
    "last protocol": packed(MANIFEST, ARRAYS, protocol=2**32 - 1),
    "protocol 0": packed(MANIFEST, ARRAYS, protocol=0),
    "lengths of -1": packed(MANIFEST, ARRAYS, lengths=(2**64 - 1, 2**64 - 1)),
    "lengths whose sum wraps around": packed(MANIFEST, ARRAYS, lengths=(2**63, 2**63 + len(MANIFEST + ARRAYS))),
    "lengths exchanged": packed(MANIFEST, ARRAYS, lengths=(len(ARRAYS), len(MANIFEST))),
    "all is manifest": packed(MANIFEST, ARRAYS, lengths=(len(MANIFEST + ARRAYS), 0)),
    "hashes of nothing": VAE[: HEADER.size - 64] + bytes(64) + VAE[HEADER.size :],
    "hashes exchanged": VAE[: HEADER.size - 64] + VAE[60:92] + VAE[28:60] + VAE[HEADER.size :],
    "manifest changed": VAE.replace(b'"vae"', b'"vaE"', 1),
    "manifest of 17 MB": packed(MANIFEST + b" " * (17 * 2**20), ARRAYS),
}


# Manifests, rightly hashed -------------------------------------------------------------------------------------------


def with_manifest(text):
    return packed(text, ARRAYS)


def spliced(old, new):
    """The manifest with its first ``old`` replaced as bytes: for what no JSON writer would write."""
    assert old in MANIFEST, old
    return packed(MANIFEST.replace(old, new, 1), ARRAYS)


def at(*keys):
    """A setter of one entry of a manifest."""

    def setter(value):
        def change(manifest):
            for key in keys[:-1]:
                manifest = manifest[key]
            manifest[keys[-1]] = value(manifest[keys[-1]]) if callable(value) else value

        return change

    return setter


def set_entry(keys, value, content=VAE):
    """The file with one entry of the manifest replaced; ``json`` writes what is no number of JSON, too."""
    return rebuilt(content, at(*keys)(value))


def column_of(kind, content=VAE):
    columns = parts(content)[0]["encoding"]["columns"]
    return next(index for index, column in enumerate(columns) if column["kind"] == kind)


def set_column(kind, key, value, content=VAE):
    return set_entry(("encoding", "columns", column_of(kind, content), *key), value, content)


def repeat_column(manifest):
    columns = manifest["encoding"]["schema"]["columns"]
    columns[1]["name"] = columns[0]["name"]


def many_columns(manifest):
    """Constants take no feature and no array: nothing else in the file grows."""
    new = [{"name": f"c{index}", "kind": "constant", "why": ""} for index in range(20_000)]
    encodings = [{"value": "v", "has_missing": False, "kind": "constant"}] * 20_000
    manifest["encoding"]["schema"]["columns"] += new
    manifest["encoding"]["columns"] += encodings
    names = [column["name"] for column in manifest["encoding"]["schema"]["columns"]]
    manifest["feature_names"], manifest["n_features_in"] = names, len(names)


def many_categories(manifest):
    columns = manifest["encoding"]["columns"]
    columns[column_of("category")]["frequent"] = [f"c{index}" for index in range(200_000)]


def exchange_kinds(manifest):
    columns = manifest["encoding"]["columns"]
    number, category = column_of("number"), column_of("category")
    columns[number], columns[category] = columns[category], columns[number]


JSON_TEXTS = {
    "no text": b"",
    "null": b"null",
    "a list": b"[]",
    "a number": b"1",
    "a word": b'"vae"',
    "an empty object": b"{}",
    "lists 100,000 deep": b"[" * 100_000,
    "lists 50,000 deep and closed": b"[" * 50_000 + b"]" * 50_000,
    "objects 90,000 deep": b'{"a":' * 90_000,
    "not UTF-8": MANIFEST[:-1] + b"\xff}",
    "UTF-16": MANIFEST.decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + MANIFEST,
    "a word without end": b'{"detector": "vae',
    "quotes without end": b'{"a": "' + b'\\"' * 2_000_000,
    "a million words": b"[" + b'"",' * 1_100_000 + b'""]',
    "five million lists": b"[" + b"[]," * 5_000_000 + b"[]]",
    "eight million numbers": b"[" + b"1," * 8_000_000 + b"1]",
    "a wide word of 16 MB": b'{"a": "' + "\N{GRINNING FACE}".encode() + b"x" * (16 * 2**20 - 100) + b'"}',
    "as much as is read at all": MANIFEST[:-1]
    + b',"x":["'
    + "\N{GRINNING FACE}".encode()
    + b"x" * (12 * 2**20)
    + b'"'
    + b",[]" * 90_000
    + b",1.5" * 800_000
    + b"]}",
    "a comma at the end": MANIFEST[:-1] + b",}",
    "more behind it": MANIFEST + b"{}",
    "a comment": b"// vae\n" + MANIFEST,
    "single quotes": MANIFEST.replace(b'"', b"'"),
    "a zero byte": MANIFEST.replace(b'"vae"', b'"v\0e"', 1),
    "a control character": MANIFEST.replace(b'"vae"', b'"v\x1be"', 1),
    "a key for Python": MANIFEST[:-1] + b',"__class__":"os.system"}',
    "a key for a pickle": MANIFEST[:-1] + b',"py/reduce":[{"py/function":"os.system"},["touch /tmp/harmed"]]}',
    "an unknown key": MANIFEST[:-1] + b',"future":1}',
    "a key of many lines": MANIFEST[:-1] + b',"a\\nb\\u001b[2J\\r\\n":1}',
    "a key of 4 MB": MANIFEST[:-1] + b',"' + b"k" * (4 * 2**20) + b'":1}',
    "a key twice": MANIFEST[:-1] + b',"detector":"vae"}',
    "a key twice, once escaped": MANIFEST[:-1] + b',"d\\u0065tector":"vae"}',
    "a key twice, deep": MANIFEST.replace(b'"schema":{', b'"schema":{"columns":[],', 1),
}

MANIFESTS = {
    **{f"manifest: {name}": with_manifest(text) for name, text in JSON_TEXTS.items()},
    "NaN": set_column("number", ("scaling", "mean"), float("nan")),
    "infinity": set_column("number", ("scaling", "mean"), float("inf")),
    "minus infinity": set_column("number", ("scaling", "low"), float("-inf")),
    "a number beyond any": spliced(b'"scaling":{"center":', b'"scaling":{"center":1e999,"x":'),
    "a whole number of 5,000 digits": spliced(b'"n_features_in":', b'"n_features_in":' + b"9" * 5000 + b',"x":'),
    "rows of 400 digits": set_entry(("encoding", "n_rows"), 10**400),
    "a lone surrogate in a name": set_entry(("encoding", "schema", "columns", 0, "name"), "\ud800"),
    "a lone surrogate in a category": set_column("category", ("frequent", 0), "\udfff"),
    "truth for a number": set_entry(("n_features_in",), True),
    "a word for a number": set_entry(("n_features_in",), "8"),
    "a fraction for a whole number": set_entry(("n_features_in",), 8.0),
    "a number for truth": set_column("number", ("has_missing",), 0),
    "a number for a name": set_entry(("encoding", "schema", "columns", 0, "name"), 7),
    "an object for a list": set_entry(("encoding", "columns"), {}),
    "no columns": set_entry(("encoding", "columns"), []),
    "a column too few": set_entry(("encoding", "columns"), lambda columns: columns[:-1]),
    "a column too many in the schema": set_entry(("encoding", "schema", "columns"), lambda columns: columns * 2),
    "two columns of one name": rebuilt(VAE, repeat_column),
    "columns out of order": set_entry(("encoding", "columns"), lambda columns: columns[::-1]),
    "a number's encoding for a category": rebuilt(VAE, exchange_kinds),
    "an unknown kind": set_entry(("encoding", "schema", "columns", 0, "kind"), "pickle"),
    "an unknown encoding": set_entry(("encoding", "columns", 0, "kind"), "pickle"),
    "another style": set_entry(("encoding", "style"), "article"),
    "the article's manifest": packed(sections(ARTICLE)[0], ARRAYS),
    "every column ignored": rebuilt(
        VAE, lambda m: [column.update(kind="ignore") for column in m["encoding"]["schema"]["columns"]]
    ),
    "20,000 columns": rebuilt(ARTICLE, many_columns),
    "200,000 categories": rebuilt(VAE, many_categories),
    "no training rows": set_entry(("encoding", "n_rows"), 0),
    "fewer than no training rows": set_entry(("encoding", "n_rows"), -5),
    "a scale of zero": set_column("number", ("scaling", "scale"), 0.0),
    "a scale below zero": set_column("number", ("scaling", "scale"), -1.0),
    "a scale that is hardly there": set_column("number", ("scaling", "scale"), 5e-324),
    "a deviation of zero": set_column("number", ("scaling", "deviation"), 0.0),
    "a deviation that is hardly there": set_column("timestamp", ("scaling", "deviation"), 1e-300),
    "a mean far out": set_column("text", ("length", "mean"), 1e308),
    "a range turned round": set_column("number", ("scaling", "low"), 1e5),
    "the article's range turned round": set_column("range", ("low",), 1e307, ARTICLE),
    "a share of letters too few": set_column("text", ("shares",), lambda shares: shares[:-1]),
    "a share of letters too many": set_column("text", ("shares",), lambda shares: [*shares, shares[0]]),
    "no shares of letters": set_column("text", ("shares",), []),
    "a category twice": set_column("category", ("frequent", 1), parts(VAE)[0]["encoding"]["columns"][3]["frequent"][0]),
    "fewer than no categories seen once": set_column("category", ("seen_once",), -1),
    "more categories seen once than rows": set_column("category", ("seen_once",), 2**40),
    "a name too few": set_entry(("feature_names",), lambda names: names[:-1]),
    "a name twice": set_entry(("feature_names",), lambda names: [names[0], *names[:-1]]),
    "other names": set_entry(("feature_names",), lambda names: [f"{name}?" for name in names]),
    "no names": set_entry(("feature_names",), None),
    "fewer than no columns": set_entry(("n_features_in",), -1),
    "columns without end": set_entry(("n_features_in",), 2**70),
    "a false share": set_entry(("contamination",), 7.5),
    "a weight below zero": set_entry(("kl_weight",), -1.0),
    "a view's weight below zero": set_entry(("view_weights",), {"nearest": -1.0}),
    "a weight of no view": set_entry(("view_weights",), {"far": 1.0}),
    "no views": set_entry(("views",), []),
    "a view that is not registered": set_entry(("views",), lambda views: [*views[:-1], "astrology"]),
    "a view twice": set_entry(("views",), lambda views: [*views[:-1], views[0]]),
    "a view too few": set_entry(("views",), lambda views: views[:-1]),
    "views of the article": set_entry(("views",), ["likelihood"], ARTICLE),
    "a weight of a view that the file lacks": set_entry(("view_weights",), {"astrology": 1.0}),
    "no constants": set_entry(("constants",), {}),
    "a constant too few": set_entry(("constants",), lambda constants: dict(list(constants.items())[1:])),
    "no bound of the latent variance": rebuilt(VAE, lambda manifest: manifest["shape"].pop("log_variance_bound")),
    "a constant that is a word": set_entry(("constants", "power"), "1/4"),
    "a power of nothing": set_entry(("constants", "power"), 0.0),
    "a power that overflows": set_entry(("constants", "power"), 1e300),
    "nats that overflow": set_entry(("constants", "max_nats"), 1e6),
    "neighbours without end": set_entry(("constants", "neighbours"), 10**9),
    "no neighbours": set_entry(("constants", "neighbours"), 0),
    "a reach of nothing": set_entry(("constants", "min_reach"), 0.0),
    "a variance that overflows": set_entry(("constants", "min_log_variance"), -1e6),
    "a latent variance that overflows": set_entry(("shape", "log_variance_bound"), 1e4),
    "no view that counts": set_entry(("view_weights",), dict.fromkeys(VIEWS, 0.0)),
    "weights in a list": set_entry(("view_weights",), [1.0] * 8),
    "a rule of no column": set_entry(("feedback", "rules", 0, "column"), "gone", FEEDBACK),
    "a rule twice": set_entry(("feedback", "rules"), lambda rules: rules * 2, FEEDBACK),
    "a rule of an unknown direction": set_entry(("feedback", "rules", 0, "direction"), "sideways", FEEDBACK),
    "rules without end": set_entry(("feedback", "rules"), lambda rules: rules * 2000, FEEDBACK),
    "a rule that ends on no day": set_entry(("feedback", "rules", 0, "expires"), "2027-02-31", FEEDBACK),
    "a rule up to less than no nats": set_entry(("feedback", "rules", 0, "up_to"), -1.0, FEEDBACK),
    "a rule up to NaN": set_entry(("feedback", "rules", 0, "up_to"), float("nan"), FEEDBACK),
    "a note of 20,000 letters": set_entry(("feedback", "rules", 0, "note"), "a" * 20_000, FEEDBACK),
    "fewer than no verdicts": set_entry(("feedback", "reports", 0, "rows_real"), -1, FEEDBACK),
    "a label too few": set_entry(("feedback", "labels"), lambda labels: labels[:-1], FEEDBACK),
    "no labels, but weights": set_entry(("feedback", "labels"), [], FEEDBACK),
    "a label twice": set_entry(("feedback", "labels", 1), lambda label: label | {"row": 1}, FEEDBACK),
    "labels out of order": set_entry(("feedback", "labels"), lambda labels: labels[::-1], FEEDBACK),
    "labels without end": set_entry(("feedback", "labels"), lambda labels: labels * 2000, FEEDBACK),
    "a label of row 0": set_entry(("feedback", "labels", 0, "row"), 0, FEEDBACK),
    "no feedback, but weights": set_entry(("feedback",), None, FEEDBACK),
    "shares of subsets turned round": set_entry(("constants", "min_subset_share"), 0.9, SUBSETS),
    "a share of a subset beyond all columns": set_entry(("constants", "max_subset_share"), 1.5, SUBSETS),
    "subsets without end": set_entry(("constants", "random_subsets"), 10**9, SUBSETS),
    "more subsets than the constants allow": set_entry(("constants", "random_subsets"), 1, SUBSETS),
    "weights of the article's views": set_entry(("view_weights",), {"nearest": 2.0}, ARTICLE),
    "a seed below zero": set_entry(("random_state",), -1),
    "other settings": set_entry(("settings",), "../../etc/passwd"),
    "the article's settings": set_entry(("settings",), "article"),
    "the other detector": set_entry(("detector",), "autoencoder"),
    "the other evidence": set_entry(("evidence",), "reconstruction"),
    "an unknown policy": set_entry(("policy",), {"kind": "builtins.eval", "rate": 0.1}),
    "no policy": set_entry(("policy",), None),
    "a promise that nothing supports": set_entry(("policy",), {"kind": "false-alarm-rate", "rate": 1e-300}),
    "a budget beyond counting": set_entry(("policy",), {"kind": "alert-budget", "alerts": 1, "per": 10**30}),
    "a cost learned from nothing": set_entry(
        ("policy",), {"kind": "cost", "miss": 1.0, "alarm": 1.0, "at": 1.0, "counts": [0, 0, 0, 0]}
    ),
    "a cost never learned": set_entry(("policy",), {"kind": "cost", "miss": 1.0, "alarm": 1.0}),
    "hidden layers of a terabyte": set_entry(("shape", "hidden"), [2**20, 2**20]),
    "hidden layers beyond counting": set_entry(("shape", "hidden"), [2**62, 2**62]),
    "hidden layers of 10**30": set_entry(("shape", "hidden"), [10**30]),
    "hidden layers of less than nothing": set_entry(("shape", "hidden"), [-6, -5]),
    "hidden layers of nothing": set_entry(("shape", "hidden"), [0, 0]),
    "no hidden layers": set_entry(("shape", "hidden"), []),
    "90,000 hidden layers": set_entry(("shape", "hidden"), [1] * 90_000),
    "no latent": set_entry(("shape", "n_latent"), 0),
    "a latent of a terabyte": set_entry(("shape", "n_latent"), 2**37),
    "inputs that the encoding does not give": set_entry(("shape", "n_inputs"), lambda n: n + 1),
    "outputs that nothing reads": set_entry(("shape", "n_outputs"), lambda n: n + 1),
    "outputs without end": set_entry(("shape", "n_outputs"), 2**63),
    "no log-variance": set_entry(("shape", "is_variational"), False),
}


# Arrays, rightly hashed ----------------------------------------------------------------------------------------------

TABLE, DATA = tensors(ARRAYS)


def with_arrays(arrays):
    return packed(MANIFEST, arrays)


def with_table(change, data=DATA):
    """The arrays with their table changed."""
    table = copy.deepcopy(TABLE)
    change(table)
    return with_arrays(with_header(json.dumps(table).encode(), data))


def entry(key, value, name="views.normal_rows.rows"):
    return with_table(lambda table: table[name].update({key: value}))


def set_array(name, change, content=VAE):
    """The file with one array replaced."""

    def replace(arrays):
        arrays[name] = change(arrays[name].copy())

    return rebuilt(content, None, replace)


def filled(value, place=0):
    def fill(array):
        array.flat[place] = value
        return array

    return fill


CONSTANT = 1 << column_of("constant", SUBSETS)
"""The bit of the column that has no feature."""


def of_row(columns):
    """The first subset has the columns whose bits are set."""

    def fill(array):
        array[0] = [columns >> column & 1 for column in range(array.shape[1])]
        return array

    return fill


def twice_the_parts(arrays):
    for name in ("nats", "novelty", "shares"):
        arrays[f"calibration.parts.{name}"] = np.concatenate([arrays[f"calibration.parts.{name}"]] * 3)


def moved(by):
    """The memory's bytes begin elsewhere, and are as many as before."""
    return entry("data_offsets", [offset + by for offset in TABLE["views.normal_rows.rows"]["data_offsets"]])


def no_gap(table):
    """The last array is left out: its bytes belong to nothing."""
    del table[max(table, key=lambda name: table[name]["data_offsets"])]


def same_bytes(table):
    """Two arrays of one shape share their bytes, so that others belong to nothing."""
    table["network.decoder_0_bias"] = dict(table["network.encoder_1_bias"])


ARRAY_TEXT = json.dumps(TABLE).encode()
TWICE = ARRAY_TEXT[:-1] + b"," + json.dumps({"views.normal_rows.rows": TABLE["views.normal_rows.rows"]}).encode()[1:]
EMPTY = {"dtype": "F32", "shape": [0], "data_offsets": [len(DATA), len(DATA)]}

ARRAY_FILES = {
    "no arrays": with_arrays(b""),
    "arrays of 7 bytes": with_arrays(bytes(7)),
    "a table of nothing": with_arrays(bytes(8)),
    "a table beyond counting": with_arrays(with_header(ARRAY_TEXT, DATA, 2**63)),
    "a table of -1": with_arrays(with_header(ARRAY_TEXT, DATA, 2**64 - 1)),
    "a table longer than the file": with_arrays(with_header(ARRAY_TEXT, DATA, len(ARRAYS))),
    "a table of one byte too many": with_arrays(with_header(ARRAY_TEXT, DATA, len(ARRAY_TEXT) + 1)),
    "a table of 5 MB": with_arrays(with_header(ARRAY_TEXT + b" " * (5 * 2**20), DATA)),
    "a table that is a list": with_arrays(with_header(b"[]", DATA)),
    "a table that is null": with_arrays(with_header(b"null", DATA)),
    "a table that is no JSON": with_arrays(with_header(b"\x80\x04." * 10, DATA)),
    "a table 1,000,000 deep": with_arrays(with_header(b'{"a":' * 700_000, DATA)),
    "an array twice": with_arrays(with_header(TWICE, DATA)),
    "words for an array": with_table(lambda table: table.update({"views.normal_rows.rows": "all of it"})),
    "metadata": with_table(lambda table: table.update(__metadata__={"format": "pt"})),
    "an array without offsets": with_table(lambda table: table["views.normal_rows.rows"].pop("data_offsets")),
    "an array with a note": entry("note", "hello"),
    "overlap": moved(-4),
    "shared bytes": with_table(same_bytes),
    "a gap": with_table(no_gap),
    "bytes at the end": with_arrays(ARRAYS + bytes(8)),
    "bytes cut": with_arrays(ARRAYS[:-8]),
    "offsets beyond the end": moved(len(DATA)),
    "offsets beyond counting": entry("data_offsets", [2**63, 2**64 - 1]),
    "offsets too large for any": entry("data_offsets", [10**30, 10**30 + 4]),
    "offsets below zero": entry("data_offsets", [-8, 0]),
    "offsets turned round": entry("data_offsets", TABLE["views.normal_rows.rows"]["data_offsets"][::-1]),
    "three offsets": entry("data_offsets", [0, 4, 8]),
    "offsets in fractions": entry(
        "data_offsets", [float(offset) for offset in TABLE["views.normal_rows.rows"]["data_offsets"]]
    ),
    "a shape of terabytes": entry("shape", [2**40, 2**10]),
    "a shape that wraps around": entry("shape", [2**32, 2**32]),
    "a shape that wraps around to itself": entry("shape", [2**63, 2, *TABLE["views.normal_rows.rows"]["shape"]]),
    "a shape below zero": entry("shape", [-1, *TABLE["views.normal_rows.rows"]["shape"]]),
    "two sides below zero": entry("shape", [-side for side in TABLE["views.normal_rows.rows"]["shape"]]),
    "a shape in fractions": entry("shape", [float(side) for side in TABLE["views.normal_rows.rows"]["shape"]]),
    "a shape of truths": entry("shape", [True, True]),
    "a shape of 100 sides": entry("shape", [1] * 98 + TABLE["views.normal_rows.rows"]["shape"]),
    "a shape that is a number": entry("shape", 4),
    "a null shape": entry("shape", None),
    "an unknown type": entry("dtype", "F65"),
    "objects": entry("dtype", "O"),
    "a type by number": entry("dtype", 32),
    "a type by list": entry("dtype", ["F32"]),
    "half precision": set_array("views.normal_rows.rows", lambda array: array.astype(np.float16)),
    "truths": set_array("views.normal_rows.rows", lambda array: array > 0),
    "whole numbers": set_array("views.normal_rows.rows", lambda array: array.astype(np.int32)),
    "brain floats": entry("dtype", "BF16"),
    "double precision": set_array("views.normal_rows.rows", lambda array: array.astype(np.float64)),
    "single precision for scores": set_array("calibration.scores", lambda array: array.astype(np.float32)),
    "fractions of steps": set_array("network.curve.step", lambda array: array.astype(np.float64)),
    "weights that are NaN": set_array("network.encoder_1_weight", filled(np.nan, 7)),
    "biases that are infinite": set_array("network.decoder_0_bias", filled(-np.inf)),
    "weights that overflow": set_array("network.encoder_1_weight", lambda array: np.full_like(array, 3e38)),
    "one weight that overflows": set_array("network.encoder_0_weight", filled(3e38)),
    "a bias that overflows": set_array("network.decoder_2_bias", filled(3e38)),
    "weights turned round": set_array("network.encoder_1_weight", lambda array: array.T.copy()),
    "weights in a row": set_array("network.encoder_1_weight", np.ravel),
    "the article's weights that overflow": set_array("network.encoder_0_weight", lambda a: a * 1e30, ARTICLE),
    "a memory of NaN": set_array("views.normal_rows.rows", filled(np.nan)),
    "a memory of no rows": set_array("views.normal_rows.rows", lambda array: array[:0]),
    "a memory too wide": set_array("views.normal_rows.rows", lambda array: np.pad(array, ((0, 0), (0, 1)))),
    "a memory too narrow": set_array("views.normal_rows.rows", lambda array: array[:, 1:]),
    "a memory of one number": set_array("views.normal_rows.rows", lambda array: array[0, 0]),
    "a memory further out than any row": set_array("views.normal_rows.rows", filled(1e20)),
    "a reach below zero": set_array("views.normal_rows.reach.mean", filled(-1.0)),
    "a reach too short": set_array("views.normal_rows.reach.mean", lambda array: array[1:]),
    "a reach among the ranks below zero": set_array("views.normal_rows.rank_reach.mean", filled(-1.0)),
    "a row that is there half": set_array("views.normal_rows.is_single", filled(2)),
    "a furthest neighbour below zero": set_array("views.normal_rows.rank_reach.furthest", filled(-1.0)),
    "an informative variable that does not exist": set_array("views.dependence.informative", filled(10**6)),
    "an informative part below none": set_array("views.dependence.informative", filled(-2)),
    "a part too few": set_array("views.dependence.informative", lambda array: array[1:]),
    "borders that begin elsewhere": set_array("views.coding.starts", filled(1, 0)),
    "borders that overlap": set_array("views.coding.starts", lambda array: array[::-1].copy()),
    "borders turned round": set_array("views.coding.edges", lambda array: array[::-1].copy()),
    "borders of terabytes": set_array("views.coding.starts", filled(2**50, -1)),
    "a table of pairs too short": set_array("views.dependence.nats", lambda array: array[1:]),
    "pairs of negative nats": set_array("views.dependence.nats", filled(-1.0)),
    "pairs of nats beyond all": set_array("views.dependence.nats", filled(1e30)),
    "a factor of zero": set_array("reweighting.columns", filled(0.0), FEEDBACK),
    "a factor below zero": set_array("reweighting.views", filled(-1.0), FEEDBACK),
    "a factor beyond all": set_array("reweighting.views", filled(1e9), FEEDBACK),
    "a factor that is no number": set_array("reweighting.columns", filled(np.nan), FEEDBACK),
    "a factor too few": set_array("reweighting.columns", lambda array: array[1:], FEEDBACK),
    "a share of a labelled row below zero": set_array("reweighting.shares", filled(-0.5), FEEDBACK),
    "labelled rows of other views": set_array("reweighting.nats", lambda array: array[:, 1:], FEEDBACK),
    "no labelled rows": set_array("reweighting.nats", lambda array: array[:0], FEEDBACK),
    "nats of a calibration row beyond all": set_array("calibration.parts.nats", filled(1e6), FEEDBACK),
    "nats of a calibration row below zero": set_array("calibration.parts.nats", filled(-1.0), FEEDBACK),
    "a share above one": set_array("calibration.parts.shares", filled(2.0), FEEDBACK),
    "novelty without end": set_array("calibration.parts.novelty", filled(1e50), FEEDBACK),
    "parts of more rows than calibrate": rebuilt(FEEDBACK, None, twice_the_parts),
    "parts in single precision": set_array("calibration.parts.nats", lambda array: array.astype(np.float32), FEEDBACK),
    "a column that is half in a subset": set_array("views.random_subsets.members", filled(2), SUBSETS),
    "a column less than out of a subset": set_array("views.related_subsets.members", filled(-1), SUBSETS),
    "a subset of no columns": set_array("views.random_subsets.members", of_row(0), SUBSETS),
    "a subset of a column without features": set_array("views.related_subsets.members", of_row(CONSTANT), SUBSETS),
    "a million subsets": set_array(
        "views.random_subsets.members", lambda a: np.ones((10**6, a.shape[1]), a.dtype), SUBSETS
    ),
    "subsets of a column too few": set_array("views.random_subsets.members", lambda array: array[:, 1:], SUBSETS),
    "subsets in fractions": set_array("views.random_subsets.members", lambda array: array.astype(np.float64), SUBSETS),
    "subsets in a row": set_array("views.related_subsets.members", np.ravel, SUBSETS),
    "no subsets, but curves": set_array("views.related_subsets.members", lambda array: array[:0], SUBSETS),
    "a subset more than curves": set_array("views.related_subsets.members", lambda array: array[1:], SUBSETS),
    "curves of subsets turned round": set_array(
        "views.random_subsets.tails.knots", lambda array: array[::-1].copy(), SUBSETS
    ),
    "curves of subsets that overlap": set_array(
        "views.random_subsets.tails.starts", lambda array: array[::-1].copy(), SUBSETS
    ),
    "nats of a subset of zero": set_array("views.random_subsets.tails.nats", filled(0.0), SUBSETS),
    "nats of a subset beyond all": set_array("views.random_subsets.tails.nats", filled(1e300, -1), SUBSETS),
    "a tail of a subset of no scale": set_array("views.related_subsets.tails.beyond", filled(0.0), SUBSETS),
    "a tail of a subset too few": set_array("views.related_subsets.tails.beyond", lambda array: array[1:], SUBSETS),
    "a view that is used half": set_array("views.sparseness.is_used", filled(2), SUBSETS),
    "a view that is used twice": set_array("views.rank_sparseness.is_used", lambda _: np.zeros(2, np.int64), SUBSETS),
    "a whitening that overflows": set_array("views.latent_nearest.whitening", filled(1e90)),
    "a whitening that is not square": set_array("views.latent_nearest.whitening", lambda array: array[1:]),
    "a latent memory further out than any row": set_array("views.latent_nearest.memory", filled(3e38)),
    "curves that begin elsewhere": set_array("views.normal_rows.standard.starts", filled(1, 0)),
    "curves that end elsewhere": set_array("views.normal_rows.ranks.starts", filled(2**62, -1)),
    "curves that overlap": set_array("views.marginal.starts", lambda array: array[::-1].copy()),
    "too few curves": set_array("views.marginal.starts", lambda array: array[1:]),
    "curves of knots turned round": set_array("views.normal_rows.standard.knots", lambda array: array[::-1].copy()),
    "a knot beyond the next": set_array("views.normal_rows.standard.knots", filled(1e9)),
    "curves of values unlike their knots": set_array("views.normal_rows.ranks.values", lambda array: array[1:]),
    "curves so steep that they overflow": set_array("views.normal_rows.standard.values", filled(1e60, -1)),
    "curves of values beyond all": set_array("views.marginal.values", filled(1e99)),
    "a latent memory of no rows": set_array("views.latent_nearest.memory", lambda array: array[:0]),
    "a latent memory too wide": set_array("views.latent_nearest.memory", lambda array: np.pad(array, ((0, 0), (0, 1)))),
    "a range of NaN": set_array("range.low", filled(np.nan)),
    "a range without end": set_array("range.high", filled(np.inf)),
    "a range turned round in the arrays": set_array("range.low", filled(1e5)),
    "the article's range of NaN": set_array("range.low", filled(np.nan), ARTICLE),
    "the article's range beyond all": set_array("range.low", filled(np.inf), ARTICLE),
    "no held-out rows": set_array("calibration.scores", lambda array: array[:0]),
    "held-out rows turned round": set_array("calibration.scores", lambda array: array[::-1].copy()),
    "held-out rows of NaN": set_array("calibration.scores", filled(np.nan)),
    "held-out rows beyond all": set_array("calibration.scores", filled(1e308, -1)),
    "held-out rows hardly apart": set_array("calibration.scores", lambda _: np.arange(300) * 5e-324),
    "a curve of no knots": rebuilt(
        VAE, None, lambda a: a.update({f"scales.latent_nearest.total.{end}": np.zeros(0) for end in ("knots", "nats")})
    ),
    "knots turned round": set_array("scales.latent_nearest.total.knots", lambda array: array[::-1].copy()),
    "knots beyond all": set_array("scales.latent_nearest.total.knots", filled(-1e308)),
    "knots and nats unlike": set_array("scales.latent_nearest.total.nats", lambda array: array[1:]),
    "a tail of no scale": set_array("scales.nearest.total.beyond", filled(0.0)),
    "a tail that turns round": set_array("scales.latent_nearest.total.beyond", filled(-1.0)),
    "a tail so thin that it overflows": set_array("scales.likelihood.total.beyond", filled(5e-324)),
    "a tail of no shape": set_array("scales.nearest.total.beyond", filled(0.0, 1)),
    "a column's tail of no scale": set_array("scales.dependence.parts.beyond", filled(0.0)),
    "a column's tail that overflows": set_array("scales.marginal.parts.beyond", filled(5e-324)),
    "a column's tail too few": set_array("scales.likelihood.parts.beyond", lambda array: array[1:]),
    "columns' tails that begin elsewhere": set_array("scales.likelihood.parts.starts", filled(1)),
    "columns' tails that overlap": set_array("scales.marginal.parts.starts", lambda array: array[::-1].copy()),
    "columns' tails without end": set_array("scales.marginal.parts.starts", filled(2**62, -1)),
    "columns' tails of knots turned round": set_array(
        "scales.dependence.parts.knots", lambda array: array[::-1].copy()
    ),
    "no tail of a view": rebuilt(VAE, None, lambda a: a.pop("scales.sparseness.total.beyond")),
    "nats of zero": set_array("scales.likelihood.parts.nats", filled(0.0)),
    "nats below zero": set_array("scales.likelihood.parts.nats", filled(-1.0)),
    "nats beyond all": set_array("scales.likelihood.parts.nats", filled(1e300, -1)),
    "axes beyond all": set_array("projection.axes", filled(1e300)),
    "a centre of NaN": set_array("projection.center", filled(np.nan)),
    "a reference of no rows": set_array("reference.rows", filled(0)),
    "a reference of rows beyond counting": set_array("reference.rows", filled(2**62)),
    "a reference of fewer than no missing values": set_array("reference.rows", filled(-1, 1)),
    "a reference of more missing values than rows": set_array("reference.rows", filled(10**6, 1)),
    "a reference of a column too few": set_array("reference.rows", lambda array: array[1:]),
    "quantiles of NaN": set_array("reference.quantiles", filled(np.nan)),
    "quantiles that are infinite": set_array("reference.quantiles", filled(np.inf, -1)),
    "quantiles turned round": set_array("reference.quantiles", lambda array: array[::-1].copy()),
    "a quantile too few": set_array("reference.quantiles", lambda array: array[1:]),
    "quantiles that begin elsewhere": set_array("reference.quantiles.starts", filled(3)),
    "quantiles of terabytes": set_array("reference.quantiles.starts", filled(2**50, -1)),
    "quantiles at other levels": set_array("reference.quantiles.starts", filled(1, 1)),
    "counts below zero": set_array("reference.counts", filled(-1)),
    "counts beyond all rows": set_array("reference.counts", filled(2**40)),
    "counts whose sum wraps around": set_array("reference.counts", lambda array: np.full_like(array, 2**62)),
    "a count too few": set_array("reference.counts", lambda array: array[1:]),
    "counts of another column": set_array("reference.counts.starts", lambda array: array[::-1].copy()),
    "no reference": rebuilt(VAE, None, lambda a: [a.pop(name) for name in list(a) if name.startswith("reference.")]),
    "a weight missing": rebuilt(VAE, None, lambda arrays: arrays.pop("network.encoder_0_bias")),
    "an array too many": rebuilt(VAE, None, lambda arrays: arrays.update(surplus=np.zeros(3))),
    "10,000 empty arrays": with_table(lambda table: table.update({f"a{index}": EMPTY for index in range(10_000)})),
    "the article's arrays": packed(MANIFEST, sections(ARTICLE)[1]),
    "an executable": with_arrays(b"\x7fELF" + bytes(4096)),
}

BYTES = {**HEADERS, **MANIFESTS, **ARRAY_FILES}
HOSTILE = sorted({**NO_FILES, **BYTES})


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What became of every file: the kind of the error, its text, the processor's time, and what was noted."""
    base = tmp_path_factory.mktemp("hostile")
    folder = base / "files"
    folder.mkdir()
    assert not BYTES.keys() & NO_FILES.keys()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, make in NO_FILES.items():
            make(folder / name.replace("/", "|"))
    for name, content in BYTES.items():
        (folder / name).write_bytes(content)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}
    command = [sys.executable, "-m", "tests.support.watched_loading", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_there_are_at_least_60_hostile_files():
    assert len(HOSTILE) >= 60


# Seconds of processor time. What is hashed to the end takes as long as its bytes do, at 100 MB a second or more.
LIMIT = 1.0
LONGER = {"arrays of 300 MB with another hash": 3.0}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gives_one_error_of_one_line_and_touches_nothing(outcomes, name):
    outcome = outcomes[name]
    assert outcome["kind"] == "ModelFileError", outcome
    assert outcome["text"].isprintable()
    assert f"{name}: " in outcome["text"]
    assert len(outcome["text"]) < 700
    assert outcome["seconds"] < LONGER.get(name, LIMIT)
    assert outcome["events"] == []


def test_the_watch_notes_imports_files_sockets_and_processes(tmp_path):
    """Or the test above would pass whatever a file does."""
    (tmp_path / "good").write_bytes(VAE)
    script = (
        "import sys; from pathlib import Path; from tests.support.watched_loading import *\n"
        "watch, file = Watch(), Path(sys.argv[1]); watch.file = file\n"
        "import tests.support.make_golden, socket, subprocess\n"
        "open('/dev/null'); socket.socket(); subprocess.run(['true'])\n"
        "oddrow.load(file); watch.file = None; print(json.dumps(watch.events))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}
    command = [sys.executable, "-c", script, str(tmp_path / "good")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    seen = {event.split()[0] for event in json.loads(done.stdout)}
    assert {"import", "open", "socket.__new__", "subprocess.Popen"} <= seen
    assert not any("good" in event for event in json.loads(done.stdout))


def test_a_path_that_no_system_has_is_the_same_error():
    for path in ("a\0b", "x" * 5000):
        with pytest.raises(ModelFileError, match="cannot be read as a model file"):
            oddrow.load(path)


def test_the_order_of_names_in_the_table_of_arrays_has_no_meaning(tmp_path):
    """So what is refused above is refused for what it says."""
    table = dict(reversed(TABLE.items()))
    (tmp_path / "turned").write_bytes(with_arrays(with_header(json.dumps(table).encode(), DATA)))
    (tmp_path / "plain").write_bytes(VAE)
    turned, plain = (oddrow.load(tmp_path / name).model_ for name in ("turned", "plain"))
    for name, weight in plain.network.parameters.items():
        np.testing.assert_array_equal(turned.network.parameters[name], weight)


def test_a_link_to_a_model_file_is_followed(tmp_path):
    (tmp_path / "real").write_bytes(VAE)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert oddrow.load(tmp_path / "link").n_features_in_ == oddrow.load(tmp_path / "real").n_features_in_


def test_safetensors_itself_accepts_a_header_above_the_limit_of_a_model_file():
    """What the library reads without harm may still be too much for us: its limit is 100 MB."""
    packed_arrays = safetensors.numpy.save({"a": np.zeros(1)}, {"note": "x" * (5 * 2**20)})
    assert struct.unpack("<Q", packed_arrays[:8])[0] > 4 * 2**20


def test_more_borders_than_max_codes_allows_are_refused(tmp_path):
    """Scoring compares each number with each border."""
    path = tmp_path / "m.oddrow"
    path.write_bytes(VAE)
    oddrow.load(path)
    path.write_bytes(set_entry(("constants", "max_codes"), 2))
    with pytest.raises(ModelFileError, match="has more than 3 borders"):
        oddrow.load(path)
