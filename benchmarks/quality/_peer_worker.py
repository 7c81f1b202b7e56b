"""Detectors of other packages, in a process of their own: ``python _peer_worker.py`` with the Python that has them.

It imports nothing of ours, as its environment need not hold oddrow. Each line of standard input is a request, a JSON
object: which class (``module``, ``name``) with which ``settings``, the ``seed``, the files of the ``training`` and
``test`` rows (npy, float64 [n, d] and [m, d]), and the file that its ``scores`` (npy, float64 [m], higher is odder) go
to. Each line of standard output is the answer: ``fit_seconds`` and ``score_seconds``, or ``error``.
"""

import importlib
import inspect
import json
import os
import queue
import random
import sys
import threading
import time
import warnings

import numpy as np


def main():
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the packages print is no answer
    warnings.simplefilter("ignore")
    requests = queue.SimpleQueue()
    threading.Thread(target=read, args=(requests,), daemon=True).start()
    while True:
        request = requests.get()
        try:
            answer = run(request)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def read(requests):
    """Read requests; when the process that sends them is gone, this one ends, whatever it is doing."""
    for line in sys.stdin:
        requests.put(json.loads(line))
    os._exit(0)


def run(request):
    """Fit the detector and score the test rows; imports are not in the seconds."""
    kind = getattr(importlib.import_module(request["module"]), request["name"])
    training, test, seed = np.load(request["training"]), np.load(request["test"]), request["seed"]
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what these packages draw from
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
    known = {"random_state": seed} if "random_state" in inspect.signature(kind.__init__).parameters else {}
    detector = kind(**known, **request["settings"])
    started = time.perf_counter()
    detector.fit(training)
    fitted = time.perf_counter()
    # the scores that it gave to its own rows, in which it may not have counted a row as its own neighbour
    own = np.array_equal(training, test)
    scores = detector.decision_scores_ if own else detector.decision_function(test)
    scored = time.perf_counter()
    np.save(request["scores"], np.asarray(scores, np.float64).ravel())
    return {"fit_seconds": fitted - started, "score_seconds": scored - fitted}


if __name__ == "__main__":
    main()
