"""A scoring job on a table of any size: it reads a stream, writes a file of scored rows, and counts all rows."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.batch._event_file import StreamEvents, write_events
from oddrow.batch._kept_parts import KeptParts
from oddrow.batch._scored_stream import OnProgress, ScoredPart, decide_each, decide_stream, decided, scored_parts
from oddrow.batch._scored_table import EVENT_REASONS, MUTED_BY
from oddrow.exceptions import DataError
from oddrow.files import TableStream, check_target, quarantine_writer, table_writer
from oddrow.fitted import FittedModel
from oddrow.policies import Decision, Policy, RareRows
from oddrow.sequences import PreparationRun

MAX_SORTED_BYTES = 1 << 28
"""Maximum number of bytes of the rows that are sorted in memory at once."""


@dataclass(frozen=True)
class ScoringOptions:
    """How a stream is scored.

    Attributes
    ----------
    top : number of reasons added to each row, None for none
    policy : the policy that decides, None for the model's own
    skips : whether a row that the model cannot score is left out, instead of ending the job with an error
    quarantine : file for the rows left out, None for no file
    force : whether existing outputs are replaced
    on_progress : see :data:`OnProgress`
    with_row : whether each row's number in its file is added, see :func:`scored_parts`
    only_odd : whether only odd rows are written
    by_surprise : whether rows are written by descending surprise, else in their own order
    events : file for the events, see :class:`StreamEvents`; None for no file
    run : the pass of the model's preparation over the rows; None begins one
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
    events: Path | None = None
    run: PreparationRun | None = None


@dataclass(frozen=True)
class ScoringCount:
    """The result of a scoring job; ``scored + unscored + skipped`` is the number of all rows.

    Attributes
    ----------
    scored, odd, skipped : number of scored rows, of odd rows among them, of rows left out
    decision : threshold, promise and note; its ``is_odd`` is empty if the policy decides each row by itself
    written : number of rows in the output
    unscored : number of rows at which no window ends, and which have no score
    events : number of events; None if they were not asked for
    muted : each mute rule in force, in words, with the number of alerts that it hid
    """

    scored: int
    odd: int
    skipped: int
    decision: Decision
    written: int
    unscored: int = 0
    events: int | None = None
    muted: tuple[tuple[str, int], ...] = ()


def score_stream(
    model: FittedModel,
    stream: TableStream,
    target: str,
    options: ScoringOptions = ScoringOptions(),
    kept: KeptParts | None = None,
) -> ScoringCount:
    """Score a stream into a file, with the result of :func:`oddrow.batch.scored_table` on the whole table.

    With ``kept``, scored parts are kept in its folder until the file is written, and parts that are already there are
    not scored again. A policy that decides on all rows together, and an output in the order of surprise, keep the parts
    in a temporary folder next to the target, which takes as much space as the target. A stream without rows gives a
    file without rows.

    Raises
    ------
    DataError, SchemaMismatchError, SettingError, OutputError
        As :func:`scored_parts` and :func:`oddrow.files.table_writer`.
    """
    model, policy, events = model.dated(), options.policy or model.policy, None
    if options.events is not None:
        events = StreamEvents(model)
        check_target(options.events, options.force)
    with ExitStack() as stack:
        if kept is None and (policy.needs.all_rows or options.by_surprise):
            beside = None if target == "-" else Path(target).absolute().parent
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix=".oddrow-", dir=beside))
            kept = KeptParts(Path(folder))
        first = 0 if kept is None else kept.n_parts
        parts = scored_parts(
            model,
            stream,
            options.top,
            policy,
            skips=options.skips,
            first=first,
            with_row=options.with_row,
            run=options.run,
            with_events=options.events is not None,
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
        counting = _Counting(events)
        if kept is not None and options.by_surprise:
            parts = _strangest_first(kept, decision, counting, only_odd=options.only_odd)
        else:
            parts = counting.counted(parts)
        written = _write(parts, stream, counting, target, options)
    decision = model.noted(decision or decide_each(model, policy), counting.rare, policy)
    n_events = None
    if options.events is not None and events is not None:
        n_events = write_events(options.events, events.table(), force=options.force)
    rules = () if model.feedback is None else model.feedback.in_force
    muted = tuple((rule, counting.muted[rule]) for rule in rules)
    counts = counting.scored, counting.odd, counting.skipped
    return ScoringCount(*counts, decision, written, counting.unscored, n_events, muted)


class _Counting:
    """Counters of the rows of all parts that pass through ``counted``."""

    def __init__(self, events: StreamEvents | None) -> None:
        self.scored = self.unscored = self.odd = self.skipped = 0
        self.rare = RareRows()
        self.muted: Counter[str] = Counter()
        self.events = events

    def counted(self, parts: Iterable[ScoredPart]) -> Iterator[ScoredPart]:
        for part in parts:
            self.unscored += part.rows.column("surprise").null_count
            self.scored += part.rows.num_rows - part.rows.column("surprise").null_count
            self.odd += pc.sum(part.rows.column("is_odd")).as_py() or 0
            self.skipped += len(part.skipped)
            if MUTED_BY in part.rows.schema.names:
                self.muted.update(part.rows.column(MUTED_BY).drop_null().to_pylist())
            self.rare += part.rare
            if self.events is not None:
                self.events.feed(part.rows)
            yield part._replace(rows=_without_event_reasons(part.rows))


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
    """Yield the rows of kept parts by descending surprise.

    All parts are read once for every ``MAX_SORTED_BYTES`` of rows, which are then sorted in memory.
    """

    def parts() -> Iterator[ScoredPart]:
        return iter(kept) if decision is None else decided(kept, decision)

    surprises, n_bytes = [], 0
    for part in counting.counted(parts()):
        rows = _only_odd(part.rows) if only_odd else part.rows
        surprises.append(rows.column("surprise").to_numpy(zero_copy_only=False))
        n_bytes += rows.nbytes
        yield ScoredPart(rows.slice(0, 0), part.skipped, part.rare)  # rows left out are reported in their own order
    surprise = np.concatenate(surprises)
    rank = np.empty(len(surprise), np.int64)
    rank[np.argsort(-surprise, kind="stable")] = np.arange(len(surprise))
    at_once = max(MAX_SORTED_BYTES * len(surprise) // max(n_bytes, 1), 1)
    for first in range(0, len(surprise), at_once):
        found, ranks, start = [], [], 0
        for part in parts():
            rows = _only_odd(part.rows) if only_odd else part.rows
            of_part = rank[start : start + rows.num_rows]
            start += rows.num_rows
            is_next = (first <= of_part) & (of_part < first + at_once)
            if is_next.any():
                found.append(_without_event_reasons(rows).filter(pa.array(is_next)))
                ranks.append(of_part[is_next])
        ordered = pa.Table.from_batches(found).take(np.argsort(np.concatenate(ranks)))
        for batch in ordered.combine_chunks().to_batches():
            yield ScoredPart(batch, (), RareRows())


def _without_event_reasons(rows: pa.RecordBatch) -> pa.RecordBatch:
    return rows.drop_columns([EVENT_REASONS]) if EVENT_REASONS in rows.schema.names else rows


def _only_odd(rows: pa.RecordBatch) -> pa.RecordBatch:
    return rows.filter(rows.column("is_odd"))


def _write(
    parts: Iterator[ScoredPart], stream: TableStream, counting: _Counting, target: str, options: ScoringOptions
) -> int:
    """Write the parts, and return the number of rows written."""
    written = 0
    first = next(parts)
    with ExitStack() as stack:
        write = stack.enter_context(table_writer(target, first.rows.schema, force=options.force))
        write_skipped = None
        if options.quarantine is not None:
            write_skipped = stack.enter_context(quarantine_writer(options.quarantine, force=options.force))
        for part in chain([first], parts):
            rows = _only_odd(part.rows) if options.only_odd else part.rows
            if rows.num_rows:
                write(pa.Table.from_batches([rows]))
            if write_skipped is not None:
                write_skipped(part.skipped)
            written += rows.num_rows
        if counting.scored + counting.unscored + counting.skipped != stream.n_rows + stream.n_skipped:
            raise DataError(f"{stream.label}: the file changed while it was read; score it again without changing it")
    return written
