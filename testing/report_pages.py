"""Report pages of made-up rows, for tests and benchmarks of the page: a summary, its blocks, and the file of both."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import oddrow
from oddrow.calibration import Calibration
from oddrow.policies import ROWS, FalseAlarmRate, Policy, RowScores
from oddrow.policies._promise import NOT_COVERED, count_text, exceedance_interval

BUNDLE = Path(oddrow.__file__).parent / "report" / "page" / "bundle"
LEVELS = 1024
GRID = 65535
COLUMNS = ("country", "amount", "bytes sent", "started", "user agent", "failed logins")


@dataclass
class MadeUpReport:
    """A summary with its blocks, and what Python decides on the same rows."""

    summary: dict[str, Any]
    blocks: dict[str, np.ndarray]
    calibration: Calibration
    scores: RowScores
    """of the rows in the order of the blocks"""
    by_name: dict[str, Any] = field(default_factory=dict)

    def decide(self, policy: Policy) -> Any:
        return policy.decide(self.scores, self.calibration)

    def write(self, path: Path) -> Path:
        path.write_text(page(self.summary, self.blocks), encoding="utf-8")
        return path


def made_up_report(
    n_rows: int = 1000,
    n_calibration: int = 999,
    *,
    seed: int = 0,
    n_effective: float | None = None,
    source: str = "held-out",
    names: tuple[str, ...] = COLUMNS,
    value: Any = None,
    truth: bool = True,
    n_details: int = 5000,
    policy: Policy | None = None,
) -> MadeUpReport:
    """Make a report of rows in two clouds, a fiftieth of which is odd; ``value(column, rank)`` gives the cells."""
    rng = np.random.default_rng(seed)
    odd = rng.random(n_rows) < 0.02
    raw = rng.exponential(size=n_rows) + odd * rng.uniform(2, 12, n_rows)
    calibration = Calibration(np.sort(rng.exponential(size=n_calibration)), source=source, n_effective=n_effective)  # type: ignore[arg-type]
    surprise = calibration.surprise(raw)
    order = np.lexsort((np.arange(n_rows), -surprise))
    scores = RowScores(surprise[order], calibration.p_value(raw[order]))
    policy = policy or FalseAlarmRate(0.01)
    decision = policy.decide(scores, calibration)
    flagged = int(decision.is_odd.sum())
    value = value or _plain_value(rng)
    depth = min(n_rows, n_details)
    summary = {
        "format": "oddrow-report",
        "version": 1,
        "id": hashlib.sha256(surprise.tobytes() + repr(names).encode()).hexdigest()[:16],
        "made": "2026-11-28 04:30 UTC",
        "oddrow": "0.1.0",
        "title": "Made-up connections",
        "table": {
            "name": "connections.csv",
            "rows": n_rows,
            "scored": n_rows,
            "columns": len(names),
            "ids": [names[0]],
        },
        "valuesHidden": False,
        "notes": ["started is a timestamp: its hour and weekday are compared, not its date"],
        "policy": {
            "kind": policy.kind,
            "words": "a false-alarm rate of 0.01",
            "command": "oddrow decide model.oddrow --false-alarms 0.01",
            "python": "detector.set_policy(oddrow.FalseAlarmRate(0.01))",
            "promise": str(decision.promise),
            "note": decision.note,
            "alerts": flagged,
            "threshold": float(decision.threshold),
            "prefix": flagged,
            "commandTemplate": "oddrow decide model.oddrow {policy}",
        },
        "calibration": _calibration_facts(calibration),
        "truth": {
            "column": "label",
            "normal": "normal",
            "anomalies": int(odd.sum()),
            "figures": [{"name": "AUROC", "value": "0.98"}],
        }
        if truth
        else None,
        "map": {
            "axes": ["first direction of the latent space (71 % of its variance)", "second direction (22 %)"],
            "low": [-4.0, -4.0],
            "high": [4.0, 4.0],
            "outside": 3,
            "outsideSides": "2 to the right, 1 above",
        },
        "columns": [_column(names, index, rng) for index in range(len(names))],
        **_details(rng, names, scores, depth, value),
        "model": _model(rng),
    }
    blocks = {**_row_blocks(rng, order, odd, scores, calibration, truth=truth), **_shades(rng, names, n_rows)}
    return MadeUpReport(summary, blocks, calibration, scores)


def page(summary: dict[str, Any], blocks: dict[str, np.ndarray]) -> str:
    """Return the file of a report, as the package writes it."""
    script = (BUNDLE / "page.js").read_text(encoding="utf-8")
    style = (BUNDLE / "page.css").read_text(encoding="utf-8")
    texts = {"summary": json.dumps(summary, ensure_ascii=False).encode()}
    texts |= {name: np.ascontiguousarray(block).tobytes() for name, block in blocks.items()}
    data = "\n".join(
        f'<script type="text/plain" id="data-{name}">{base64.b64encode(zlib.compress(text, 9)).decode()}</script>'
        for name, text in texts.items()
    )
    rules = f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"{rules}; base-uri 'none'; form-action 'none'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f'<meta name="referrer" content="no-referrer"><title>Triage report</title><style>{style}</style></head><body>'
        f'<noscript>This report needs JavaScript.</noscript><div id="report"></div>\n{data}\n'
        f"<script>{script}</script></body></html>"
    )


def delta_levels(surprise: np.ndarray) -> np.ndarray:
    """Return descending surprise in levels of 1/1024 nats: the first level, then the steps down."""
    levels = np.ceil(surprise * LEVELS).astype(np.int64)
    return np.concatenate([levels[:1], -np.diff(levels)]).astype("<u4")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _row_blocks(
    rng: np.random.Generator,
    order: np.ndarray,
    odd: np.ndarray,
    scores: RowScores,
    calibration: Calibration,
    *,
    truth: bool,
) -> dict[str, np.ndarray]:
    n_rows, m = len(order), calibration.n_rows
    place = rng.normal([[0.0, 0.0]], 0.7, (n_rows, 2))
    place[rng.random(n_rows) < 0.3] += [1.8, -1.2]
    place[odd] = rng.normal([[-2.4, 2.2]], 0.25, (int(odd.sum()), 2)) * np.where(
        rng.random((int(odd.sum()), 1)) < 0.5, 1, -1
    )
    grid = np.clip(np.round((place + 4) / 8 * GRID), 0, GRID).astype("<u2")[order]
    normal = calibration.surprise(calibration.scores)[::-1]
    interval = [exceedance_interval(count, m, calibration.n_effective) for count in range(m)]
    blocks = {
        "row": (order + 1).astype("<u4"),
        "level": delta_levels(scores.surprise),
        "x": grid[:, 0],
        "y": grid[:, 1],
        "calibration": delta_levels(normal),
        "above": np.searchsorted(-scores.surprise, -normal, side="left").astype("<u4"),
        "low": np.array([low for low, _ in interval], "<f8"),
        "high": np.array([high for _, high in interval], "<f8"),
    }
    return blocks | ({"truth": odd[order].astype(np.uint8)} if truth else {})


def _shades(rng: np.random.Generator, names: tuple[str, ...], n_rows: int) -> dict[str, np.ndarray]:
    return {
        f"shade-{index}": rng.integers(0, 251 if index % 2 else 4, n_rows).astype(np.uint8)
        for index in range(min(len(names), 4))
    }


def _column(names: tuple[str, ...], index: int, rng: np.random.Generator) -> dict[str, Any]:
    is_number = index % 2 == 1
    shares = rng.dirichlet(np.full(12 if is_number else 5, 2.0), 3)
    labels = (
        [f"{place} to {place + 1}" for place in range(12)] if is_number else ["DE", "FR", "NL", "other", "never seen"]
    )
    shade: dict[str, Any] = (
        {"type": "number", "edges": ["0", "1.5", "4", "9", "30", "120"]}
        if is_number
        else {"type": "category", "labels": ["DE", "FR", "NL", "GB"]}
    )
    return {
        "name": names[index],
        "kind": "number" if is_number else "category",
        "note": None,
        "shade": shade if index < 4 else None,
        "distribution": {
            "labels": labels,
            "normal": shares[0].round(5).tolist(),
            "current": shares[1].round(5).tolist(),
            "alerts": shares[2].round(5).tolist(),
        },
        "missing": {"normal": 0.0, "current": 0.02 if index == 1 else 0.0},
        "unseen": 0.0 if is_number else 0.004,
        "brings": float(0.5 ** (index + 1)),
        "change": "amount is higher than in training: its median is 41, normally 27" if index == 1 else None,
    }


def _plain_value(rng: np.random.Generator) -> Any:
    numbers = rng.lognormal(3, 1, 5000).round(2).tolist()

    def value(column: int, rank: int) -> str | None:
        if (column + rank) % 31 == 0:
            return None
        return (
            f"{numbers[(7 * column + rank) % 5000]:,}"
            if column % 2
            else ("DE", "FR", "NL", "KP", "US")[(column + rank) % 5]
        )

    return value


def _details(
    rng: np.random.Generator, names: tuple[str, ...], scores: RowScores, depth: int, value: Any
) -> dict[str, Any]:
    kinds = [
        {"column": column, "direction": "above" if column % 2 else "unseen", "value": None if column % 2 else "KP"}
        for column in range(min(len(names), 4))
    ]
    details = []
    members: list[list[int]] = [[] for _ in kinds]
    for rank in range(depth):
        surprise = float(scores.surprise[rank])
        shares = rng.dirichlet([6, 3, 1, 1, 0.5])
        first = int(rng.integers(0, len(names)))
        chosen = [first, *(other for other in range(len(names)) if other != first)][:3]
        kind = first if first < len(kinds) else -1
        if kind >= 0:
            members[kind].append(rank)
        reasons = [
            {
                "c": column,
                "nats": surprise * float(share),
                "value": value(column, rank),
                "expected": value(column, rank + 3),
                "usual": f"17 to 44 (for {names[0][:20]})" if column % 2 else "DE, FR, NL",
                "place": int(rng.integers(0, 5)),
            }
            for column, share in zip(chosen, shares, strict=False)
        ]
        given = sum(reason["nats"] for reason in reasons)
        combination = (surprise - given) * 0.7
        details.append(
            {
                "p": float(scores.p_value[rank]),
                "surprise": surprise,
                "kind": kind,
                "reasons": reasons,
                "combination": combination,
                "other": surprise - given - combination,
                "nearest": [rank % 7, 7 + rank % 5, 12 + rank % 3],
            }
        )
    for kind, ranks in zip(kinds, members, strict=True):
        how = "above its usual values" if kind["direction"] == "above" else "KP, which training never showed"
        kind["sentence"] = f"{names[int(str(kind['column']))]} is {how}"
        kind["also"] = None
        kind |= {"count": len(ranks), "typical": ranks[len(ranks) // 2] if ranks else 0, "brings": 0.55}
    if len(names) > 4:  # differs from the second kind by its second reason alone
        also = {"column": 3, "direction": "below"}
        refined = {**kinds[1], "also": also, "sentence": f"{kinds[1]['sentence']}, and {names[3]} is below"}
        kinds.append(refined)
        for rank, detail in enumerate(details):
            if detail["kind"] == 1 and rank % 2:
                detail["kind"] = len(kinds) - 1
    return {
        "details": details,
        "kinds": kinds,
        "cells": {
            "columns": list(names),
            "rows": depth,
            "values": [[value(c, r) for r in range(depth)] for c in range(len(names))],
        },
        "normalRows": {
            "columns": list(names),
            "values": [[value(c, 10_000 + r) for r in range(15)] for c in range(len(names))],
        },
    }


def _calibration_facts(calibration: Calibration) -> dict[str, Any]:
    worth = calibration.n_effective
    text = f"{calibration.n_rows:,} {ROWS[calibration.source]}"
    if worth is not None:
        text += f", worth {count_text(worth)} independent rows"
    return {
        "rows": calibration.n_rows,
        "worth": worth,
        "source": calibration.source,
        "rowsText": text,
        "after": f"; {NOT_COVERED}" if worth is not None and calibration.source == "block cross-fitted" else "",
    }


def _model(rng: np.random.Generator) -> dict[str, Any]:
    step = list(range(0, 2000, 50))
    loss = [8 + 20 * float(np.exp(-place / 200)) for place in step]
    expected = [10.0**-power for power in np.linspace(3, 0, 25)]
    return {
        "name": "model.oddrow",
        "hash": hashlib.sha256(b"model").hexdigest(),
        "trainingRows": 20_000,
        "settings": [{"name": "latent dimensions", "value": "8"}, {"name": "hidden units", "value": "128, 64"}],
        "health": {"sentence": "The fit is healthy.", "diagnoses": ["2 of 8 latent dimensions carry no information"]},
        "curve": {
            "step": step,
            "training": loss,
            "heldOut": [value + 0.4 + 0.1 * float(rng.normal()) for value in loss],
            "reconstruction": [0.8 * value for value in loss],
            "kl": [0.2 * value for value in loss],
            "best": step[-4],
        },
        "calibrationPlot": {
            "expected": expected,
            "observed": [min(value * 1.1, 1.0) for value in expected],
            "low": [value * 0.6 for value in expected],
            "high": [min(value * 1.5, 1.0) for value in expected],
            "sentence": "The normal rows of the table are as often strange as promised.",
        },
    }
