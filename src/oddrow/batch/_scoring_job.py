"""The whole job on a table of any size: from its stream to a file of scored rows, and a count of what became of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.batch._kept_parts import KeptParts
from oddrow.batch._scored_stream import OnProgress, ScoredPart, decide_each, decide_stream, decided, scored_parts
from oddrow.exceptions import DataError
from oddrow.files import TableStream, quarantine_writer, table_writer
from oddrow.fitted import FittedModel
from oddrow.policies import Decision, Policy, RareRows

MOST_SORTED_BYTES = 1 << 28
"""Of the rows that are put in order at once."""


@dataclass(frozen=True)
class ScoringOptions:
    """How a stream is scored.

    Attributes
    ----------
    top : the strongest reasons that are added to each row, None for none
    policy : what decides, None for the model's own
    skips : whether a row that cannot be judged is left out
    quarantine : where the rows left out are written, None for nowhere
    force : whether outputs that exist are replaced
    on_progress : see :data:`OnProgress`
    with_row : whether each row's number in its file is added, see :func:`scored_parts`
    only_odd : whether only odd rows are written
    by_surprise : whether the strangest row is written first, of equal ones the earlier; else rows keep their order
    """

    top: int | None = None
    policy: Policy | None = None
    skips: bool = False
    quarantine: Path | None = None
    force: bool = False
    on_progress: OnProgress | None = None
    with_row: bool = False
    only_odd: bool = False
    by_surprise: bool = False


@dataclass(frozen=True)
class ScoringCount:
    """What became of the rows: ``scored + skipped`` are all that there were.

    Attributes
    ----------
    decision : its threshold, promise and note; ``is_odd`` holds no rows where these were decided each by itself
    written : rows in the output
    """

    scored: int
    odd: int
    skipped: int
    decision: Decision
    written: int


def score_stream(
    model: FittedModel,
    stream: TableStream,
    target: str,
    options: ScoringOptions = ScoringOptions(),
    kept: KeptParts | None = None,
) -> ScoringCount:
    """Score a stream into a file as :func:`oddrow.batch.scored_table` would the whole table.

    With ``kept`` its parts are kept until the file is there, and those that are there already are taken as they are.
    A policy that decides on all rows together, and an output in the order of surprise, keep parts for a time beside the
    target, whose size they have. A stream without rows gives a file without rows.

    Raises
    ------
    DataError, SchemaMismatchError, SettingError, OutputError
        As :func:`scored_parts` and :func:`oddrow.files.table_writer`.
    """
    policy = options.policy or model.policy
    with ExitStack() as stack:
        if kept is None and (policy.needs.all_rows or options.by_surprise):
            beside = None if target == "-" else Path(target).absolute().parent
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix=".oddrow-", dir=beside))
            kept = KeptParts(Path(folder))
        first = 0 if kept is None else kept.n_parts
        parts = scored_parts(
            model, stream, options.top, policy, skips=options.skips, first=first, with_row=options.with_row
        )
        done = sum(part.rows.num_rows for part in kept) if kept is not None and first else 0
        parts = _watched(parts, stream.n_rows, done, options.on_progress)
        if kept is not None:
            for _ in kept.keep(parts):
                pass
            parts = iter(kept)
        decision = None
        if kept is not None and policy.needs.all_rows:
            decision = decide_stream(model, kept, policy)
            parts = decided(parts, decision)
        counting = _Counting()
        if kept is not None and options.by_surprise:
            parts = _strangest_first(kept, decision, counting, only_odd=options.only_odd)
        else:
            parts = counting.counted(parts)
        written = _write(parts, stream, counting, target, options)
    decision = model.noted(decision or decide_each(model, policy), counting.rare, policy)
    return ScoringCount(counting.scored, counting.odd, counting.skipped, decision, written)


class _Counting:
    """What the parts of a job hold, counted as they pass."""

    def __init__(self) -> None:
        self.scored = self.odd = self.skipped = 0
        self.rare = RareRows()

    def counted(self, parts: Iterable[ScoredPart]) -> Iterator[ScoredPart]:
        for part in parts:
            self.scored += part.rows.num_rows
            self.odd += pc.sum(part.rows.column("is_odd")).as_py() or 0
            self.skipped += len(part.skipped)
            self.rare += part.rare
            yield part


def _watched(
    parts: Iterable[ScoredPart], n_rows: int, done: int, on_progress: OnProgress | None
) -> Iterator[ScoredPart]:
    for part in parts:
        yield part
        done += part.rows.num_rows
        if on_progress is not None:
            on_progress(done, n_rows)


def _strangest_first(
    kept: KeptParts, decision: Decision | None, counting: _Counting, *, only_odd: bool
) -> Iterator[ScoredPart]:
    """The rows of kept parts, the strangest first: as many at once as memory has room for, found part by part."""

    def parts() -> Iterator[ScoredPart]:
        return iter(kept) if decision is None else decided(kept, decision)

    surprises, n_bytes = [], 0
    for part in counting.counted(parts()):
        rows = _only_odd(part.rows) if only_odd else part.rows
        surprises.append(rows.column("surprise").to_numpy())
        n_bytes += rows.nbytes
        yield ScoredPart(rows.slice(0, 0), part.skipped, part.rare)  # the rows left out are told in their own order
    surprise = np.concatenate(surprises)
    rank = np.empty(len(surprise), np.int64)
    rank[np.argsort(-surprise, kind="stable")] = np.arange(len(surprise))
    at_once = max(MOST_SORTED_BYTES * len(surprise) // max(n_bytes, 1), 1)
    for first in range(0, len(surprise), at_once):
        found, ranks, start = [], [], 0
        for part in parts():
            rows = _only_odd(part.rows) if only_odd else part.rows
            of_part = rank[start : start + rows.num_rows]
            start += rows.num_rows
            is_next = (first <= of_part) & (of_part < first + at_once)
            if is_next.any():
                found.append(rows.filter(pa.array(is_next)))
                ranks.append(of_part[is_next])
        ordered = pa.Table.from_batches(found).take(np.argsort(np.concatenate(ranks)))
        for batch in ordered.combine_chunks().to_batches():
            yield ScoredPart(batch, (), RareRows())


def _only_odd(rows: pa.RecordBatch) -> pa.RecordBatch:
    return rows.filter(rows.column("is_odd"))


def _write(
    parts: Iterator[ScoredPart], stream: TableStream, counting: _Counting, target: str, options: ScoringOptions
) -> int:
    """Write the parts; how many rows that were."""
    written = 0
    first = next(parts)
    with ExitStack() as stack:
        write = stack.enter_context(table_writer(target, first.rows.schema, force=options.force))
        tell = None
        if options.quarantine is not None:
            tell = stack.enter_context(quarantine_writer(options.quarantine, force=options.force))
        for part in chain([first], parts):
            rows = _only_odd(part.rows) if options.only_odd else part.rows
            if rows.num_rows:
                write(pa.Table.from_batches([rows]))
            if tell is not None:
                tell(part.skipped)
            written += rows.num_rows
        if counting.scored + counting.skipped != stream.n_rows + stream.n_skipped:
            raise DataError(f"{stream.label}: has changed while it was read; leave it as it is, and begin anew")
    return written
