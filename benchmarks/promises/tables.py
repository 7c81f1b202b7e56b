"""Any table at all: the laws of ``testing/table_laws.py`` on thousands of tables, with every outcome counted.

``python -m benchmarks tables [EXAMPLES] [SEED]``; 20,000 tables and as many text files unless said otherwise.
"""

from __future__ import annotations

import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy
from threadpoolctl import threadpool_limits

from testing.strategies import any_tables, object_tables, text_files
from testing.table_laws import Outcome, check_objects, check_tables, check_text_file
from testing.untrained import no_training

EXAMPLES, AT_ONCE, OBJECTS_SHARE = 20_000, 500, 0.25
TEXT_SHARE = 1.0
"""Text files beside the tables, as a share of these: 20,000 of each."""
SHOWN = 20
"""Broken laws shown at most, one of each place."""


class Count:
    """What became of the examples so far."""

    def __init__(self) -> None:
        self.examples = 0
        self.fits: Counter[str] = Counter()
        self.later: Counter[str] = Counter()
        self.containers: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()
        self.seconds = 0.0

    def look(self, check: Callable[[Any], Outcome], example: Any) -> None:
        """Check one example; a broken law is counted by where it broke, and the first of each is shown."""
        self.examples += 1
        started = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                outcome = check(example)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            self._break(error, example)
        else:
            self.fits[outcome.fit] += 1
            self.later[outcome.later] += 1
            self.containers.update(outcome.containers)
        self.seconds += time.perf_counter() - started

    def _break(self, error: BaseException, example: Any) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "oddrow" in frame.filename or "table_laws" in frame.filename]
        where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
        place = f"{type(error).__name__} at {where}: {str(error).partition(chr(10))[0]:.100}"
        self.broken[place] += 1
        if self.broken[place] == 1 and len(self.broken) <= SHOWN:
            print(f"broken: {place}\n  {getattr(example, 'families', None) or example!r:.300}", flush=True)


def main(arguments: Sequence[str]) -> None:
    """Check so many examples, print what became of them; leave with 1 if one broke a law."""
    examples, first_seed = (*map(int, arguments), *(EXAMPLES, 0)[len(arguments) :])
    count = Count()
    print(f"## Any table at all ({examples:,} examples from seed {first_seed})", flush=True)
    objects = round(OBJECTS_SHARE * examples)
    for strategy, check, wanted in (
        (any_tables(), check_tables, examples - objects),
        (object_tables(), check_objects, objects),
        (text_files(), check_text_file, round(TEXT_SHARE * examples)),
    ):
        for start in range(0, wanted, AT_ONCE):
            with no_training(), threadpool_limits(1):
                _examples(strategy, partial(count.look, check), min(AT_ONCE, wanted - start), first_seed + start)
    print(f"{count.examples:,} examples in {count.seconds:.0f} s of checking")
    print("fits:       " + ", ".join(f"{name} {number:,}" for name, number in count.fits.most_common()))
    print("later rows: " + ", ".join(f"{name} {number:,}" for name, number in count.later.most_common()))
    print("containers: " + ", ".join(f"{name} {number:,}" for name, number in count.containers.most_common()))
    print(f"laws broken: {sum(count.broken.values()):,}")
    for place, number in count.broken.most_common():
        print(f"  {number:>6,}  {place}")
    if count.broken:
        sys.exit(1)


def _examples(strategy: SearchStrategy[Any], look: Callable[[Any], None], number: int, first_seed: int) -> None:
    every = settings(
        max_examples=number,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    @seed(first_seed)
    @every
    @given(strategy)
    def run(example: Any) -> None:
        look(example)

    run()
