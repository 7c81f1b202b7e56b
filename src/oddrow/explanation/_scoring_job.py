"""The whole job on a table of any size: from its stream to a file of scored rows, and a count of what became of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from oddrow.exceptions import DataError
from oddrow.explanation._kept_parts import KeptParts
from oddrow.explanation._scored_stream import (
    OnProgress,
    ScoredPart,
    decide_each,
    decide_stream,
    decided,
    scored_parts,
)
from oddrow.scoring import Decision, FittedModel, Policy
from oddrow.table import TableStream, quarantine_writer, table_writer


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
    """

    top: int | None = None
    policy: Policy | None = None
    skips: bool = False
    quarantine: Path | None = None
    force: bool = False
    on_progress: OnProgress | None = None


@dataclass(frozen=True)
class ScoringCount:
    """What became of the rows: ``scored + skipped`` are all that there were.

    Attributes
    ----------
    decision : its threshold and promise; ``is_odd`` holds no rows where these were decided each by itself
    """

    scored: int
    odd: int
    skipped: int
    decision: Decision


def score_stream(
    model: FittedModel,
    stream: TableStream,
    target: str,
    options: ScoringOptions = ScoringOptions(),
    kept: KeptParts | None = None,
) -> ScoringCount:
    """Score a stream into a file as :func:`oddrow.explanation.scored_table` would the whole table.

    With ``kept`` its parts are kept until the file is there, and those that are there already are taken as they are.
    A policy that decides on all rows together keeps parts for a time beside the target, whose size they have.

    Raises
    ------
    DataError, SchemaMismatchError, SettingError, OutputError
        As :func:`scored_parts` and :func:`oddrow.table.table_writer`.
    """
    policy = options.policy or model.policy
    with ExitStack() as stack:
        if kept is None and policy.looks_at_batch:
            beside = None if target == "-" else Path(target).absolute().parent
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix=".oddrow-", dir=beside))
            kept = KeptParts(Path(folder))
        first = 0 if kept is None else kept.n_parts
        parts = scored_parts(model, stream, options.top, policy, skips=options.skips, first=first)
        done = sum(part.rows.num_rows for part in kept) if kept is not None and first else 0
        parts = _watched(parts, stream.n_rows, done, options.on_progress)
        if kept is not None:
            for _ in kept.keep(parts):
                pass
            parts = iter(kept)
        if kept is not None and policy.looks_at_batch:
            decision = decide_stream(model, kept, policy)
            parts = decided(parts, decision)
        else:
            decision = decide_each(model, policy)
        scored, odd, skipped = _write(parts, stream, target, options)
    return ScoringCount(scored, odd, skipped, decision)


def _watched(
    parts: Iterable[ScoredPart], n_rows: int, done: int, on_progress: OnProgress | None
) -> Iterator[ScoredPart]:
    for part in parts:
        yield part
        done += part.rows.num_rows
        if on_progress is not None:
            on_progress(done, n_rows)


def _write(
    parts: Iterator[ScoredPart], stream: TableStream, target: str, options: ScoringOptions
) -> tuple[int, int, int]:
    scored = odd = skipped = 0
    first = next(parts)
    with ExitStack() as stack:
        write = stack.enter_context(table_writer(target, first.rows.schema, force=options.force))
        tell = None
        if options.quarantine is not None:
            tell = stack.enter_context(quarantine_writer(options.quarantine, force=options.force))
        for part in chain([first], parts):
            write(pa.Table.from_batches([part.rows]))
            if tell is not None:
                tell(part.skipped)
            scored += part.rows.num_rows
            odd += pc.sum(part.rows.column("is_odd")).as_py() or 0
            skipped += len(part.skipped)
        if scored + skipped != stream.n_rows + stream.n_skipped:
            raise DataError(f"{stream.label}: has changed while it was read; leave it as it is, and begin anew")
    return scored, odd, skipped
