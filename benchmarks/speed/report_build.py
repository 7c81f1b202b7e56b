"""How long a triage report takes beside the scores of its rows, and how large its file is.

``python -m benchmarks report_build [ROWS ...]`` fits one detector to generated connections, and reports later ones, by
default 10,000 and 500,000 rows. Times are CPU seconds of one thread. "score" encodes, scores and decides the rows,
which a report needs as ``oddrow score`` does; "build" is everything else up to the bytes of the file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from threadpoolctl import threadpool_limits

import oddrow
from oddrow.datasets import make_connections
from oddrow.report._collect import ReportOptions, summary_of
from oddrow.report._page_file import page_of
from oddrow.report._scored_rows import score_rows

SIZES = (10_000, 500_000)
TRAINING_ROWS = 12_000
ResultT = TypeVar("ResultT")


def main(arguments: Sequence[str]) -> None:
    """Print a line for each number of rows."""
    with threadpool_limits(1):
        model = (
            oddrow.VAEDetector(random_state=0)
            .fit(make_connections(TRAINING_ROWS, odd_share=0, random_state=0).table)
            .model_
        )
        print("   rows   score s   build s   build/score      MB")
        for n_rows in map(int, arguments or SIZES):
            table = make_connections(n_rows, odd_share=0.01, random_state=1, weeks_later=4).table
            rows, score = _timed(lambda table=table: score_rows(model, table))
            content, build = _timed(lambda rows=rows: page_of(summary_of(rows, None, ReportOptions())))
            print(f"{n_rows:>7,} {score:9.1f} {build:9.1f} {build / score:13.2f} {len(content) / 1e6:7.2f}")


def _timed(work: Callable[[], ResultT]) -> tuple[ResultT, float]:
    started = time.process_time()
    result = work()
    return result, time.process_time() - started
