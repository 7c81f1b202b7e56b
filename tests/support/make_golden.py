"""Writes the golden model files of this protocol, and the scores that every later version must get from them.

``python -m tests.support.make_golden`` writes ``tests/golden/protocol-N/``. Run it when a protocol is new, and never
again: a golden file that was written anew proves nothing about the files that users have. Files that a later version
added, because it writes arrays that the first files do not hold, are written alone, by their names:
``python -m tests.support.make_golden subsets``.
"""

import datetime as dt
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa

import oddrow
from oddrow.artifact import PROTOCOL
from oddrow.files import CsvReading, Origin
from oddrow.fitting import RECIPES

GOLDEN = Path(__file__).parents[1] / "golden"
TRAINING_ROWS, NEW_ROWS = 80, 12
HIDDEN, N_LATENT = (6, 5), 3
"""Narrow, so that the files stay small; all else is as users have it."""


def detectors() -> Mapping[str, Any]:
    """A detector of each kind that a model file holds, not fitted."""
    return {
        "vae": oddrow.VAEDetector(random_state=0),
        "autoencoder": oddrow.AutoencoderDetector(contamination=0.05, view_weights={"marginal": 2}, random_state=1),
        "article": oddrow.VAEDetector(settings="article", kl_weight=0.5, random_state=2),
    }


def columns(n_rows: int, seed: int) -> dict[str, list[Any]]:
    """Columns of every kind in what JSON can hold, with missing values and a heavy tail."""
    rng = np.random.default_rng(seed)
    moments = [dt.datetime(2024, 3, 1) + dt.timedelta(minutes=37 * int(row)) for row in rng.permutation(n_rows)]
    words = ["open", "close", "retry", "42", "GET /index", "naïve"]
    return {
        "bytes": [round(value, 3) for value in rng.lognormal(6, 2.5, n_rows).tolist()],
        "load": [None if rng.random() < 0.1 else round(float(value), 4) for value in rng.normal(size=n_rows)],
        "port": rng.choice([22, 80, 443], n_rows).tolist(),
        "zone": [None if rng.random() < 0.1 else zone for zone in rng.choice(["a", "b", "ç", "d"], n_rows).tolist()],
        "is_open": rng.choice([True, False], n_rows).tolist(),
        "at": [moment.isoformat() for moment in moments],
        "note": [f"{' '.join(rng.choice(words, rng.integers(1, 5)))} {row}" for row in range(n_rows)],
        "site": ["home"] * n_rows,
    }


def written_columns(n_rows: int, seed: int) -> dict[str, list[Any]]:
    """Columns as a German CSV file has them: numbers and dates as text, a counter and a clock that run on."""
    rng = np.random.default_rng(seed)
    start = dt.datetime(2024, 3, 1) + dt.timedelta(days=28 * seed)
    amounts = np.round(rng.lognormal(5, 1.5, n_rows), 2).tolist()
    return {
        "no": [str(1000 * (1 + seed) + row) for row in range(n_rows)],
        "booked": [(start + dt.timedelta(hours=7 * row)).strftime("%d.%m.%Y %H:%M") for row in range(n_rows)],
        "amount": [f"{amount:,.2f} EUR".translate(str.maketrans(",.", ".,")) for amount in amounts],
        "paid": [str(flag) for flag in rng.choice(["ja", "nein"], n_rows)],
        "shop": [None if rng.random() < 0.1 else str(shop) for shop in rng.choice(["A", "B", "C"], n_rows)],
    }


WRITTEN_KINDS = {
    "no": "counter",
    "booked": "timestamp; dates=dmy; runs on",
    "amount": "number; decimal=,; thousands=.",
}
WRITTEN_ORIGIN = Origin("2024-03-31T12:00:00+00:00", "0.1", "booked.csv", "0" * 64, CsvReading(delimiter=";", skip=2))


def new_written_rows() -> dict[str, list[Any]]:
    """Rows that follow, each kind of strangeness once."""
    rows = written_columns(NEW_ROWS, seed=1)
    rows["no"][0] = "7"
    rows["booked"][1] = "01.01.1999 03:00"
    rows["amount"][2] = "9.999.999,99 EUR"
    rows["paid"][3] = "vielleicht"
    rows["shop"][4] = "never seen"
    return rows


def new_rows() -> dict[str, list[Any]]:
    """Rows that no detector has seen, half of them odd: each kind of strangeness once."""
    rows = columns(NEW_ROWS, seed=1)
    rows["bytes"][0] = 1e300
    rows["load"][1] = -40.0
    rows["zone"][2] = "never seen"
    rows["is_open"][3] = None
    rows["at"][4] = "1970-01-01T00:00:00"
    rows["note"][5] = "?" * 200
    rows["site"][6] = "away"
    return rows


def scores(detector: Any, rows: dict[str, list[Any]]) -> dict[str, Any]:
    """What a version must get from a file: of each row surprise, p-value, decision, and its strongest column."""
    table = pa.table(rows)
    return {
        "surprise": detector.surprise(table).tolist(),
        "p_value": detector.p_value(table).tolist(),
        "is_odd": (detector.predict(table) < 0).tolist(),
        "reason": [row.reasons[0].column for row in detector.explain(table, top=1)],
        "latent": detector.embed(table).tolist(),
    }


def write_written(folder: Path) -> None:
    """The file of a table as it is written, with rows and scores of its own."""
    narrow = {name: replace(recipe, hidden=HIDDEN, n_latent=N_LATENT) for name, recipe in RECIPES.items()}
    with mock.patch.dict(RECIPES, narrow):
        detector = oddrow.VAEDetector(columns=WRITTEN_KINDS, random_state=3)
        detector.fit(pa.table(written_columns(TRAINING_ROWS, seed=0)))
    detector.model_ = replace(detector.model_, origin=WRITTEN_ORIGIN)
    oddrow.save(detector, folder / "written.oddrow", force=True)
    rows = new_written_rows()
    text = json.dumps({"rows": rows, "scores": {"written": scores(detector, rows)}}, ensure_ascii=False, indent=1)
    (folder / "written.json").write_text(text + "\n", encoding="utf-8")


def write_subsets(folder: Path) -> None:
    """The file of a table with many duplicates, with the views within subsets of the columns."""
    narrow = {name: replace(recipe, hidden=HIDDEN, n_latent=N_LATENT) for name, recipe in RECIPES.items()}
    table = pa.table(columns(TRAINING_ROWS, seed=0))
    with mock.patch.dict(RECIPES, narrow):
        detector = oddrow.VAEDetector(random_state=4).fit(pa.concat_tables([table, table.slice(0, 20)]))
    oddrow.save(detector, folder / "subsets.oddrow", force=True)
    rows = new_rows()
    text = json.dumps({"rows": rows, "scores": {"subsets": scores(detector, rows)}}, ensure_ascii=False, indent=1)
    (folder / "subsets.json").write_text(text + "\n", encoding="utf-8")


ADDED = {"subsets": write_subsets}


def main(names: Sequence[str]) -> None:
    folder = GOLDEN / f"protocol-{PROTOCOL}"
    folder.mkdir(parents=True, exist_ok=True)
    if names:
        for name in names:
            ADDED[name](folder)
        return
    narrow = {name: replace(recipe, hidden=HIDDEN, n_latent=N_LATENT) for name, recipe in RECIPES.items()}
    rows, expected = new_rows(), {}
    with mock.patch.dict(RECIPES, narrow):
        for name, detector in detectors().items():
            detector.fit(pa.table(columns(TRAINING_ROWS, seed=0)))
            oddrow.save(detector, folder / f"{name}.oddrow", force=True)
            expected[name] = scores(detector, rows)
    text = json.dumps({"rows": rows, "scores": expected}, ensure_ascii=False, indent=1)
    (folder / "scores.json").write_text(text + "\n", encoding="utf-8")
    write_written(folder)
    write_subsets(folder)
    for path in sorted(folder.iterdir()):
        print(f"{path.stat().st_size:>8,}  {path.relative_to(GOLDEN)}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
