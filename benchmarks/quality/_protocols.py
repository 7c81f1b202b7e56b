"""Labelled sets in a folder of npz files, and what each protocol makes of one: rows that train, rows that are tested.

Two forms, told apart by what a file holds: ``X`` and ``y`` (1 = anomaly), as ADBench ships, and ``X_train`` (normal
rows), ``X_test`` and ``y_test``, as ODDBench ships. NaN is a missing value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

Protocol = Literal["half", "shipped", "contaminated"]
PROTOCOLS: tuple[Protocol, ...] = ("half", "shipped", "contaminated")
TESTED = 2
"""At most so many times as many rows are tested as train."""


class NoSplitError(ValueError):
    """A protocol has no meaning for a set."""


@dataclass(frozen=True)
class Split:
    """Rows that train, float64 [n, d], rows that are tested, float64 [m, d], and which of these are anomalies."""

    training: npt.NDArray[np.float64]
    test: npt.NDArray[np.float64]
    is_anomaly: npt.NDArray[np.bool_]

    @property
    def anomaly_share(self) -> float:
        """Share of the test that is anomalous: the average precision of a guess."""
        return float(self.is_anomaly.mean())


@dataclass(frozen=True)
class SetFile:
    """One file of a folder; its name is ``folder/stem``."""

    path: Path

    @property
    def name(self) -> str:
        """Unlike that of a set of another folder."""
        return f"{self.path.resolve().parent.name}/{self.path.stem}"

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """The protocols that the file's form allows; none for another form."""
        with np.load(self.path, allow_pickle=False) as stored:
            held = set(stored.files)
        if {"X", "y"} <= held:
            return ("half", "contaminated")
        return ("shipped",) if {"X_train", "X_test", "y_test"} <= held else ()

    def is_called(self, name: str) -> bool:
        """Whether ``name`` is the set's: with or without its folder, with or without a number in front."""
        return name in (self.name, self.path.stem, re.sub(r"^\d+_", "", self.path.stem))

    def split(self, protocol: Protocol, seed: int, max_rows: int) -> Split:
        """The rows of one protocol: at most ``max_rows`` train, at most twice as many are tested, drawn by the seed.

        Where not all rows are tested, the share of anomalies in the test stays what it is (at least one of either).

        Raises
        ------
        NoSplitError
            If the protocol has no meaning for the set, such as where it has no anomaly.
        """
        rng = np.random.default_rng(seed)
        with np.load(self.path, allow_pickle=False) as stored:
            if protocol == "shipped":
                split = _shipped(stored["X_train"], stored["X_test"], stored["y_test"] == 1, max_rows, rng)
            elif protocol == "half":
                split = _half(stored["X"], stored["y"] == 1, max_rows, rng)
            else:
                split = _contaminated(stored["X"], stored["y"] == 1, max_rows, rng)
        anomalies = int(split.is_anomaly.sum())
        if len(split.training) < 2 or not 0 < anomalies < len(split.is_anomaly):
            raise NoSplitError(
                f"{self.name}: {len(split.training)} rows train and {anomalies} of {len(split.is_anomaly)} in the test "
                "are anomalies; it takes at least 2, and both kinds"
            )
        return split


def set_files(folders: Sequence[Path], wanted: Sequence[str]) -> list[SetFile]:
    """The files of the folders by name: all, the first so many of each folder, or those that are named.

    Raises
    ------
    ValueError
        If a folder holds no npz file, or a named set is in none.
    """
    files = []
    for folder in folders:
        found = [SetFile(path) for path in sorted(folder.glob("*.npz"))]
        if not found:
            raise ValueError(f"{folder} holds no .npz file; give folders of them with --data")
        files += found[: int(wanted[0])] if len(wanted) == 1 and wanted[0].isdecimal() else found
    if not wanted or wanted[0].isdecimal():
        return files
    for name in wanted:
        if not any(file.is_called(name) for file in files):
            raise ValueError(f"there is no set {name!r} in {', '.join(map(str, folders))}")
    return [file for file in files if any(file.is_called(name) for name in wanted)]


def _half(
    rows: npt.NDArray[np.generic], is_anomaly: npt.NDArray[np.bool_], max_rows: int, rng: np.random.Generator
) -> Split:
    """A random half of the normal rows trains; the other half and all anomalies are the test."""
    normal = rng.permutation(np.flatnonzero(~is_anomaly))
    half = len(normal) // 2
    test = _drawn(np.concatenate([normal[half:], np.flatnonzero(is_anomaly)]), is_anomaly, TESTED * max_rows, rng)
    return Split(_float(rows[normal[:half][:max_rows]]), _float(rows[test]), is_anomaly[test])


def _shipped(
    training: npt.NDArray[np.generic],
    test: npt.NDArray[np.generic],
    is_anomaly: npt.NDArray[np.bool_],
    max_rows: int,
    rng: np.random.Generator,
) -> Split:
    """The split that the file holds."""
    trained = np.arange(len(training))
    if len(training) > max_rows:
        trained = np.sort(rng.permutation(len(training))[:max_rows])
    tested = _drawn(np.arange(len(test)), is_anomaly, TESTED * max_rows, rng)
    return Split(_float(training[trained]), _float(test[tested]), is_anomaly[tested])


def _contaminated(
    rows: npt.NDArray[np.generic], is_anomaly: npt.NDArray[np.bool_], max_rows: int, rng: np.random.Generator
) -> Split:
    """All rows train, anomalies too, and the same rows are tested."""
    drawn = _drawn(np.arange(len(rows)), is_anomaly, max_rows, rng)
    same = _float(rows[drawn])
    return Split(same, same, is_anomaly[drawn])


def _drawn(
    candidates: npt.NDArray[np.intp], is_anomaly: npt.NDArray[np.bool_], most: int, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """At most ``most`` of the candidates, with their share of anomalies, in ascending order."""
    if len(candidates) <= most:
        return np.sort(candidates)
    odd = rng.permutation(candidates[is_anomaly[candidates]])
    normal = rng.permutation(candidates[~is_anomaly[candidates]])
    n_odd = min(max(round(most * len(odd) / len(candidates)), min(1, len(odd))), most - min(1, len(normal)))
    return np.sort(np.concatenate([odd[:n_odd], normal[: most - n_odd]]))


def _float(rows: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    return rows.astype(np.float64)
