"""The number of each row in its file, counted from 1 without the header; rows that are left out count too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from oddrow.table import LocatedBatch


class NumberedBatch(NamedTuple):
    """A batch, the file of its rows, and the number of each row in that file, int64 [n], from 1."""

    located: LocatedBatch
    file: str
    numbers: npt.NDArray[np.int64]


def numbered(batches: Iterable[LocatedBatch]) -> Iterator[NumberedBatch]:
    """Number the rows of a stream's batches.

    A row that is left out because it cannot be read counts too, so no row of a batch has its number.
    """
    file, passed = "", 0
    left_out: list[int] = []  # lines of rows left out that may precede rows not yet numbered
    for located in batches:
        n_rows = located.rows.num_rows
        first = located.place.of({0: ""})[:1] if n_rows else located.skipped[:1]
        if first and first[0].file != file:
            file, passed, left_out = first[0].file, 0, []
        left_out += [row.line for row in located.skipped]
        numbers = passed + 1 + np.arange(n_rows, dtype=np.int64)
        if n_rows and left_out:
            lines = [row.line for row in located.place.of(dict.fromkeys(range(n_rows), ""))]
            n_before = np.searchsorted(left_out, lines)
            numbers += n_before
            left_out = left_out[int(n_before[-1]) :]
        passed = int(numbers[-1]) if n_rows else passed
        yield NumberedBatch(located, file, numbers)
