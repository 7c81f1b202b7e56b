"""Good model files changed at random, and loaded: each must be refused as one error, or score finitely.

``python -m benchmarks fuzz [INPUTS] [--start N]``; a million by default, 20,000 in the suite. Input number N is always
the same: it is printed when something escapes, and ``--start N`` with one input repeats it.

Changes are made on four levels, for whoever can write a file can hash it:

- *file*: bytes of the file itself, below the hashes;
- *bytes*: bytes of the manifest or the arrays, hashed again, so that the parsers see them;
- *manifest*: entries of the manifest, and of the arrays' table of names, as JSON;
- *arrays*: numbers, types and shapes of the arrays.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import random
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import safetensors.numpy

import oddrow
from oddrow.exceptions import ModelFileError, SchemaMismatchError, SettingError
from testing.model_files import HEADER, golden, golden_rows, packed, parts, sections, tensors, with_header

INPUTS = 1_000_000
SCORED_SHARE = 1 / 25
"""Of the files that load: scoring takes ten times as long."""
MEMORY = 512 * 2**20
"""Bytes beyond what the process holds at the start."""
SECONDS = 600
"""After which 200 inputs are taken for a hang."""

WHOLES = (0, 1, -1, 2, 3, 7, 255, 2**15, 2**31, 2**32 - 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1, 10**30, -(10**400))
REALS = (0.0, -0.0, 0.5, 5e-324, 1e-300, 1e-30, 1e6, 1e30, 3.5e38, 1e100, 1e300, 1.7e308, float("inf"), float("nan"))
WORDS = ("", "x", "\0", "\n", "\ud800", "../../x", "NaN", "1", "true", "vae", "x" * 5000, "\N{GRINNING FACE}")
BYTES = (
    b"\0",
    b"\xff",
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\xff" * 8,
    b"\0" * 8,
    b"[[[[",
    b'{"a":',
    b"1e999",
)


POLICIES = (
    {"rate": 0.25, "conservative": True, "kind": "false-discovery-rate"},
    {"alerts": 1, "per": 3, "column": None, "kind": "alert-budget"},
    {"alerts": 1, "per": "day", "column": "at", "kind": "alert-budget"},
    {"surprise": 2.0, "kind": "fixed-surprise"},
    {"share": 0.05, "at": 1.5, "kind": "training-share"},
    {"miss": 10.0, "alarm": 1.0, "at": 2.0, "counts": [5, 1, 9, 2], "kind": "cost"},
)


def changed(index: int, seeds: list[Seed]) -> tuple[str, bytes]:
    """The level and the bytes of one input."""
    draw = random.Random(index)  # noqa: S311 - not for secrets
    seed = draw.choice(seeds)
    level = draw.choices(tuple(LEVELS), (2, 3, 5, 5))[0]
    return level, LEVELS[level](draw, seed)


class Seed:
    """A good file and its parts."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.manifest, self.packed = sections(content)
        self.arrays = parts(content)[1]
        self.table, self.data = tensors(self.packed)


def changed_file(draw: random.Random, seed: Seed) -> bytes:
    """Bytes anywhere; half of the time in the header, where few of them are."""
    if draw.random() < 0.5:
        return changed_bytes(draw, seed.content[: HEADER.size]) + seed.content[HEADER.size :]
    return changed_bytes(draw, seed.content)


def changed_sections(draw: random.Random, seed: Seed) -> bytes:
    """Bytes of the manifest, of the arrays' table of names, or of the arrays, and the hashes that fit."""
    where = draw.random()
    if where < 0.6:
        return packed(changed_bytes(draw, seed.manifest), seed.packed)
    if where < 0.9:
        stop = len(seed.packed) - len(seed.data)
        return packed(seed.manifest, changed_bytes(draw, seed.packed[:stop]) + seed.data)
    return packed(seed.manifest, changed_bytes(draw, seed.packed))


def changed_json(draw: random.Random, seed: Seed) -> bytes:
    """Entries of the manifest, or of the arrays' table of names."""
    if draw.random() < 0.75:
        manifest = json.loads(seed.manifest)
        if draw.random() < 0.1:
            manifest["policy"] = dict(draw.choice(POLICIES))
        for _ in range(times(draw)):
            change_tree(draw, manifest)
        return packed(written(draw, manifest), seed.packed)
    table = json.loads(json.dumps(seed.table))
    for _ in range(times(draw)):
        change_tree(draw, table)
    return packed(seed.manifest, with_header(written(draw, table), seed.data))


def changed_arrays(draw: random.Random, seed: Seed) -> bytes:
    """Numbers, types and shapes."""
    arrays = dict(seed.arrays)
    for _ in range(times(draw)):
        name = draw.choice(sorted(arrays))
        if draw.random() < 0.1:
            arrays[draw.choice([*sorted(arrays), "surplus"])] = arrays.pop(name)
        else:
            arrays[name] = changed_array(draw, arrays[name], arrays[draw.choice(sorted(arrays))])
        if not arrays:
            break
    return packed(seed.manifest, safetensors.numpy.save({name: np.ascontiguousarray(a) for name, a in arrays.items()}))


LEVELS: dict[str, Callable[[random.Random, Seed], bytes]] = {
    "file": changed_file,
    "bytes": changed_sections,
    "manifest": changed_json,
    "arrays": changed_arrays,
}


def times(draw: random.Random) -> int:
    """How many changes: mostly one, as the first that is refused hides the others."""
    return draw.choices((1, 2, 3, 5), (8, 3, 1, 1))[0]


def changed_bytes(draw: random.Random, content: bytes) -> bytes:
    """Flips, cuts, splices."""
    changed = bytearray(content)
    for _ in range(times(draw)):
        place = draw.randrange(len(changed) + 1)
        length = min(draw.choice((1, 1, 2, 4, 8, 30, 500)), len(changed) - place)
        other = draw.randrange(len(changed) + 1)
        match draw.randrange(6):
            case 0:
                if place < len(changed):
                    changed[place] ^= 1 << draw.randrange(8)
            case 1:
                changed[place : place + length] = draw.randbytes(length)
            case 2:
                del changed[place : place + length]
            case 3:
                changed[place:place] = draw.choice(BYTES)
            case 4:
                changed[place : place + length] = changed[other : other + draw.choice((length, 2 * length))]
            case 5:
                del changed[place if draw.random() < 0.2 else len(changed) - length :]
    return bytes(changed)


def change_tree(draw: random.Random, tree: Any) -> None:
    """One entry, anywhere in it."""
    holder = tree
    while True:
        if not isinstance(holder, dict | list) or not holder:
            return
        key = draw.choice(sorted(holder)) if isinstance(holder, dict) else draw.randrange(len(holder))
        below = holder[key]
        if not isinstance(below, dict | list) or not below or draw.random() < 0.15:
            break
        holder = below
    match draw.randrange(8):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, list):
            holder.insert(key, below)
        case 1:
            holder[draw.choice(WORDS)] = below
        case 2:
            other = draw.choice(sorted(holder)) if isinstance(holder, dict) else draw.randrange(len(holder))
            holder[key], holder[other] = holder[other], below
        case 3:
            holder[key] = draw.choice((None, True, False, [], {}, [[]], {"a": 1}, [below], {"a": below}, [[[[below]]]]))
        case 4:
            holder[key] = draw.choice(WORDS)
        case _:
            holder[key] = changed_number(draw, below)


def changed_number(draw: random.Random, value: Any) -> Any:
    """A number near the old one, of another size or sign, or one that is known to make trouble."""
    if isinstance(value, bool) or not isinstance(value, int | float) or draw.random() < 0.3:
        return draw.choice((*WHOLES, *REALS))
    if isinstance(value, int):
        return draw.choice(
            (value + 1, value - 1, -value, 2 * value, value << 40, float(max(-(2**1000), min(value, 2**1000))))
        )
    return draw.choice(
        (-value, value * 10.0 ** draw.randint(-320, 300), value + draw.gauss(0, 1), np.nextafter(value, 0))
    )


def written(draw: random.Random, tree: Any) -> bytes:
    """JSON, now and then with a number that Python would not write, or a key twice."""
    text = json.dumps(tree, ensure_ascii=draw.random() < 0.5, default=float).encode("utf-8", "surrogatepass")
    if draw.random() < 0.05:
        text = text.replace(b"Infinity", b"1e999").replace(b"NaN", b"-0e-0")
    if draw.random() < 0.05 and text.startswith(b"{") and b"," in text:
        first = text[1 : text.index(b",")]
        text = b"{" + first + b"," + text[1:]
    return text


def changed_array(draw: random.Random, array: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Another array of mostly the same type and shape."""
    with np.errstate(all="ignore"):
        change = draw.choices((changed_numbers, changed_size, changed_form), (3, 3, 4))[0]
        return draw.choices((change(draw, array.copy()), other), (12, 1))[0]


def changed_numbers(draw: random.Random, array: np.ndarray) -> np.ndarray:
    """Single numbers of an array."""
    for _ in range(draw.choice((1, 1, 3)) if array.size else 0):
        value = draw.choice((*REALS, -1.0, 1.0, float(array.flat[draw.randrange(array.size)])))
        array.flat[draw.randrange(array.size)] = np.asarray(value).astype(array.dtype)
    return array


def changed_size(draw: random.Random, array: np.ndarray) -> np.ndarray:
    """All numbers of an array, alike."""
    match draw.randrange(3):
        case 0:
            return (array * 10.0 ** draw.randint(-40, 40)).astype(array.dtype)
        case 1:
            return (array + draw.choice((1e-3, 1.0, -1.0, 1e6))).astype(array.dtype)
        case _:
            return np.full(array.shape, draw.choice((0, 1, -1, 100))).astype(array.dtype)


def changed_form(draw: random.Random, array: np.ndarray) -> np.ndarray:
    """Type, length, order, axes."""
    match draw.randrange(5):
        case 0:
            return array.astype(
                draw.choice((np.float16, np.float32, np.float64, np.int64, np.int32, np.bool_, np.uint8))
            )
        case 1 if array.ndim:
            return array[: draw.randrange(len(array) + 1)]
        case 2 if array.ndim:
            return np.concatenate([array, array[: draw.randrange(len(array) + 1)]])
        case 3:
            return draw.choice((array.T, array.ravel(), array[..., None], array[::-1] if array.ndim else array))
        case _:
            return np.sort(array, axis=None).reshape(array.shape)


def extreme_table() -> pa.Table:
    """The golden rows, and rows as far out as a value can be."""
    rows = golden_rows()
    largest = sys.float_info.max
    for name, values in {
        "bytes": (largest, -largest, 5e-324, None),
        "load": (-largest, largest, None, 0.0),
        "port": (2**53, -(2**53), 0, None),
        "zone": ("", None, "z" * 1000, "a"),
        "is_open": (None, True, False, None),
        "at": ("0001-01-01", "9999-12-31", None, "1970-01-01"),
        "note": ("", None, "9" * 5000, "\N{GRINNING FACE}"),
        "site": ("", None, "home", "HOME"),
    }.items():
        rows[name] += values
    return pa.table(rows)


def extreme_written_table() -> pa.Table:
    """The rows of the golden file of a table as text, and rows as far out as text can say."""
    rows = golden_rows("written")
    for name, values in {
        "no": ("0", "-9" * 15, "9" * 300, None),
        "booked": ("01.01.0001", "31.12.9999 23:59", None, "29.02.2024"),
        "amount": ("1,7e308", "-9.999.999,99 EUR", None, "0,00 EUR"),
        "paid": (None, "ja", "", "JA"),
        "shop": (None, "", "s" * 1000, "A"),
    }.items():
        rows[name] += values
    return pa.table(rows)


def check_scores(detector: Any, table: pa.Table) -> None:
    """Whatever loads must score: finitely, without a warning, with reasons that add up."""
    surprise = detector.surprise(table)
    if not (np.isfinite(surprise).all() and (surprise >= 0).all()):
        raise ArithmeticError(f"surprise is {surprise}")
    for values in (detector.p_value(table), detector.latent_map(table), detector.predict(table)):
        if not np.isfinite(values).all():
            raise ArithmeticError(f"not finite: {values}")
    if not all(diagnosis.text.isprintable() for diagnosis in detector.model_.network.health.diagnoses):
        raise ValueError("a diagnosis of several lines")
    for row, reasons in zip(surprise, detector.explain(table, top=2), strict=True):
        total = sum(reason.nats for reason in reasons.reasons) + reasons.combination_nats + reasons.other_nats
        if not np.isclose(total, row, rtol=1e-6, atol=1e-200):
            raise ArithmeticError(f"parts of {total}, surprise of {row}")


def fuzz(start: int, inputs: int, scored_share: float, path: Path) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Counts by level and outcome, and a line for each escape."""
    seeds = [Seed(golden(name)) for name in ("vae", "autoencoder", "article", "written", "subsets")]
    tables = (extreme_table(), extreme_written_table())
    counts: Counter[tuple[str, str]] = Counter()
    escapes = []
    for index in range(start, start + inputs):
        if index % 200 == 0:
            faulthandler.dump_traceback_later(SECONDS, exit=True)
        level, content = changed(index, seeds)
        path.write_bytes(content)
        try:
            outcome = tried(path, tables, random.Random(-index).random() < scored_share)  # noqa: S311
        except Exception as error:
            outcome = "escaped"
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(last.filename).name}:{last.lineno}"
            escapes.append(f"{index:>9} {level:<9} {type(error).__name__} at {place}: {str(error)[:200]}")
        counts[level, outcome] += 1
    faulthandler.cancel_dump_traceback_later()
    return counts, escapes


def tried(path: Path, tables: tuple[pa.Table, ...], is_scored: bool) -> str:
    """What became of a file; anything but a proper refusal is raised."""
    try:
        detector = oddrow.load(path)
    except ModelFileError as error:
        if not str(error).isprintable():
            raise ValueError(f"an error of several lines: {error!r}") from error
        return "refused"
    if not is_scored:
        return "loaded"
    for table in tables:
        try:
            check_scores(detector, table)
        except (SchemaMismatchError, SettingError):  # other columns, or one was renamed, or the policy wants one
            continue
        return "scored"
    return "loaded"


def main(arguments: Sequence[str]) -> None:
    """Print a row a level: how many inputs were refused, loaded, and scored, and each that escaped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("inputs", nargs="?", type=int, default=INPUTS)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--scored", type=float, default=SCORED_SHARE, help="share of what loads that is scored, too")
    chosen = parser.parse_args(arguments)
    warnings.simplefilter("error")
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:  # noqa: S108
        path = Path(folder, "model.oddrow")
        path.write_bytes(golden("vae"))
        check_scores(oddrow.load(path), extreme_table())
        path.write_bytes(golden("written"))
        check_scores(oddrow.load(path), extreme_written_table())
        if sys.platform == "linux":
            held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, resource.RLIM_INFINITY))
        began = time.perf_counter()
        counts, escapes = fuzz(chosen.start, chosen.inputs, chosen.scored, path)
        seconds = time.perf_counter() - began
    print(f"## Model files changed at random ({chosen.inputs:,} inputs, {chosen.inputs / seconds:,.0f} a second)")
    outcomes = ("refused", "loaded", "scored", "escaped")
    print(f"{'level':<10}" + "".join(f"{outcome:>10}" for outcome in outcomes))
    for level in (*LEVELS, "all"):
        row = [sum(n for (at, what), n in counts.items() if what == one and level in (at, "all")) for one in outcomes]
        print(f"{level:<10}" + "".join(f"{count:>10,}" for count in row))
    print(*escapes[:50], sep="\n")
    if escapes:
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
