"""The arrays of a report: one entry for each scored row, the strangest first, within a stated number of bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from oddrow.calibration import Calibration
from oddrow.pictures import MapWindow
from oddrow.report._byte_budget import SHADES, allowed
from oddrow.report._column_changes import ColumnComparison
from oddrow.report._packing import packed
from oddrow.report._promise_blocks import promise_blocks
from oddrow.report._scored_rows import ScoredRows
from oddrow.report._triage import Block, MapFacts

GRID: Final = 65_535
"""The largest coordinate of the latent map."""
COARSE: Final = 16
"""Step of the coordinates: 4,096 places on each axis are more than a screen has, and take a quarter fewer bytes."""
SIDES: Final = {"<": "to the left", ">": "to the right", "v": "below", "^": "above"}
AXES: Final = ("first direction of the latent space", "second direction of the latent space")

MAX_SHADES: Final = 24
"""Largest number of columns by which the map can be coloured."""


def row_blocks(
    rows: ScoredRows, calibration: Calibration, is_normal: npt.NDArray[np.bool_] | None
) -> tuple[dict[str, Block], MapFacts]:
    """Return the arrays of the scored rows apart from the shades, and what the map's window is.

    ``is_normal`` bool [m] are the labels of the rows; None without labels.
    """
    of_map, facts = _map(rows)
    blocks = {"row": (rows.row[rows.order] + 1).astype(np.uint32), **promise_blocks(rows, calibration), **of_map}
    if is_normal is not None:
        blocks["truth"] = (~is_normal[rows.order]).astype(np.uint8)
    if rows.prefix is None:
        blocks["flagged"] = rows.decision.is_odd[rows.order].astype(np.uint8)
    return blocks, facts


def _map(rows: ScoredRows) -> tuple[dict[str, Block], MapFacts]:
    """Return the coordinates of the rows on the latent map, and its window."""
    points = rows.latent_map
    if not len(points):
        nothing = np.zeros(0, np.uint16)
        return {"x": nothing, "y": nothing}, MapFacts(AXES, (0.0, 0.0), (1.0, 1.0), 0, "")
    window = MapWindow.around(points, bulk=~rows.decision.is_odd)
    sides = window.sides(points)
    counts = {words: int(np.sum(sides == side)) for side, words in SIDES.items()}
    inside = np.clip((points[rows.order] - window.low) / (window.high - window.low), 0.0, 1.0)
    grid = np.where(inside == 1.0, GRID, np.rint(inside * (GRID // COARSE)) * COARSE).astype(np.uint16)
    facts = MapFacts(
        AXES,
        (float(window.low[0]), float(window.low[1])),
        (float(window.high[0]), float(window.high[1])),
        sum(counts.values()),
        ", ".join(f"{count:,} {words}" for words, count in counts.items() if count),
    )
    return {"x": grid[:, 0], "y": grid[:, 1]}, facts


def shades_of(rows: ScoredRows, columns: Sequence[ColumnComparison]) -> dict[int, Block]:
    """Return the shades of columns by their index, those that bring most to the alerts first, within the budget."""
    room = allowed(SHADES, len(rows.row))
    shades: dict[int, Block] = {}
    for index in sorted(range(len(columns)), key=lambda index: -columns[index].brings):
        shade = columns[index].shade
        if shade is None:
            continue
        codes = shade.codes[rows.order]
        room -= len(packed(codes.tobytes()))
        if room < 0:
            break
        shades[index] = codes
    return shades
