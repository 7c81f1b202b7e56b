"""Others' time for the searches of ``benchmarks.neighbours``, in an environment of their own: prints a JSON object.

``python _neighbour_peers.py ROWS.npz ROUNDS``: ``memory_0`` to ``memory_2`` float32 [m, d] are remembered, and
``rows_0`` to ``rows_2`` sought among them, with 10, 10 and 1 neighbours. Printed are microseconds a row of all three
searches. Trees take long in many columns, so they are asked for few rows.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable

import faiss
import numpy as np
from pyod.models.knn import KNN
from sklearn.neighbors import NearestNeighbors

COUNTS = (10, 10, 1)
FEW_ROWS = 512


def flat_search(memory: np.ndarray, count: int) -> Callable[[np.ndarray], object]:
    index = faiss.IndexFlatL2(memory.shape[1])
    index.add(memory)
    return lambda rows: index.search(rows, count)


def main(path: str, rounds: int) -> None:
    faiss.omp_set_num_threads(1)
    warnings.simplefilter("ignore")
    with np.load(path) as stored:
        spaces = [(stored[f"memory_{at}"], stored[f"rows_{at}"], count) for at, count in enumerate(COUNTS)]
    seconds: dict[str, float] = {}
    for memory, rows, count in spaces:
        few = rows[:FEW_ROWS]
        runs = {"FAISS flat": (rows, flat_search(memory, count))}
        for method in ("brute", "kd_tree", "ball_tree"):
            found = NearestNeighbors(n_neighbors=count, algorithm=method, n_jobs=1).fit(memory)
            runs[f"scikit-learn {method}"] = (rows if method == "brute" else few, found.kneighbors)
        detector = KNN(n_neighbors=count, n_jobs=1).fit(memory)
        runs["PyOD KNN"] = (few, detector.decision_function)
        taken: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(rounds + 1):
            for name, (asked, run) in runs.items():
                started = time.process_time()
                run(asked)
                taken[name].append((time.process_time() - started) / len(asked) * 1e6)
        for name, each in taken.items():
            seconds[name] = seconds.get(name, 0.0) + min(each[1:])
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
