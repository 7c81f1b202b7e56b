"""How many bytes the parts of a report's file may take, so that 10,000 rows need at most 1 MB and 500,000 at most 8 MB.

The numbers of rows, their levels and their places on the map take about 8 bytes a row and are always complete. The
other parts have a budget each: a part that is larger is thinned, from its least strange rows on.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final, TypeVar

from oddrow.report._packing import as_json

PartT = TypeVar("PartT")

CELLS: Final = (100_000, 0.4)
"""Bytes of the cells of the strangest rows, and further bytes for each row of the table."""
LATER_DETAILS: Final = (280_000, 0.5)
"""Bytes of the reasons of the rows that are not among the strangest thousand."""
NORMAL_ROWS: Final = (50_000, 0.2)
"""Bytes of the cells of the nearest normal rows."""
SHADES: Final = (40_000, 3.0)
"""Bytes of all shades together."""
MAX_TRIES: Final = 6


def allowed(part: tuple[int, float], n_rows: int) -> int:
    """Return the bytes that a part of the file may take if the table has so many scored rows."""
    return int(part[0] + part[1] * n_rows)


def bytes_of(value: object) -> int:
    """Return about the number of bytes that a frozen value takes in the file, seldom fewer.

    The file is compressed at a higher level, which takes longer.
    """
    return 4 * len(zlib.compress(as_json(value), 6)) // 3


def thinned(make: Callable[[int], PartT], count: int, most_bytes: int) -> tuple[PartT, int]:
    """Return ``make(count)`` with the largest count, at most the given one, for which it takes few enough bytes.

    The count is found by trying: each try takes the share of the last one that the bytes allow. Also returns the count.
    """
    part = make(count)
    for _ in range(MAX_TRIES):
        size = bytes_of(part)
        if size <= most_bytes or count == 0:
            return part, count
        count = int(count * min(0.97 * most_bytes / size, 0.97))
        part = make(count)
    return make(0), 0
