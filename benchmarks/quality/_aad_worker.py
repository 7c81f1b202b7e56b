"""AADForest of coniferest as a rival, in its own environment: ``python _aad_worker.py FILE``, see ``feedback``.

The file holds the rows to look at, their labels (1 = anomaly) and normal rows; the number of anomalies among the rows
that an oracle answered is printed as JSON, for forests that are grown from the rows to look at and from normal rows.
"""

import json
import sys

import numpy as np
from coniferest.aadforest import AADForest
from coniferest.label import Label


def found(grown_from, rows, is_odd, rounds, at_once, seed):
    """The number of anomalies among the rows asked: in each round the strangest ones that were not asked before."""
    forest = AADForest(random_seed=seed, n_jobs=1).fit(grown_from)
    asked = []
    for number in range(rounds):
        scores = forest.score_samples(rows).copy()  # low is strange
        scores[asked] = np.inf
        asked += np.argsort(scores, kind="stable")[: min(at_once, len(rows) - len(asked))].tolist()
        if number < rounds - 1 and len(asked) < len(rows):
            labels = np.where(is_odd[asked], Label.ANOMALY, Label.REGULAR)
            forest.fit_known(grown_from, rows[asked], labels)
    return int(is_odd[asked].sum())


def main(path, rounds, at_once, seed):
    with np.load(path, allow_pickle=False) as arrays:
        rows, is_odd, normal = arrays["rows"], arrays["is_odd"] == 1, arrays["normal"]
    answers = {
        name: found(grown, rows, is_odd, rounds, at_once, seed) for name, grown in (("rows", rows), ("normal", normal))
    }
    print(json.dumps(answers))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
