"""The public labelled sets, read in place from $ODDROW_DATA: adbench (X, y), oddbench (X_train, X_test, y_test)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

FOLDER = Path(os.environ.get("ODDROW_DATA", "../shared/data"))


@dataclass(frozen=True)
class PublicSet:
    """One data set, its normal rows and its anomalies apart, float64 [n, d] each."""

    name: str
    normals: npt.NDArray[np.float64]
    anomalies: npt.NDArray[np.float64]


def public_sets(collection: str, most_rows: int, seed: int = 0, most_columns: int = 200) -> Iterator[PublicSet]:
    """The sets of "adbench" or "oddbench" by name, with at most so many normals and anomalies drawn at random."""
    for path in sorted((FOLDER / collection).glob("*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            if collection == "adbench":
                rows, is_anomaly = arrays["X"], arrays["y"] == 1
            else:
                rows = np.concatenate([arrays["X_train"], arrays["X_test"]])
                is_anomaly = np.concatenate([np.zeros(len(arrays["X_train"]), bool), arrays["y_test"] == 1])
        if rows.shape[1] > most_columns:
            continue
        rng = np.random.default_rng(seed)
        drawn = [rows[rng.permutation(np.flatnonzero(which))[:most_rows]] for which in (~is_anomaly, is_anomaly)]
        yield PublicSet(path.stem, *(part.astype(np.float64) for part in drawn))
