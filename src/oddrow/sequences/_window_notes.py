"""What a run of windows says about the rows that it has read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from oddrow.remedies import Advice, Setting, remedy
from oddrow.sequences._durations import duration_words
from oddrow.sequences._window_columns import WindowShape
from oddrow.sequences._window_ends import SortedRows, WindowEnds

LONG_GAP = 10
"""A gap is long if it is more than this many times the usual time between two rows of an entity."""


@dataclass
class WindowNotes:
    """Counts of rows, windows, entities and gaps, and the sentences about them.

    Attributes
    ----------
    shape : where windows begin and end
    usual_step : the usual time in microseconds between two rows of an entity; None if it is not known
    has_entities : whether the rows have entities
    continues : whether the run began with a state
    """

    shape: WindowShape
    usual_step: int | None
    has_entities: bool
    continues: bool
    rows: int = 0
    windows: int = 0
    early: int = 0
    entities: int = 0
    new_entities: int = 0
    gaps: int = 0
    gaps_split: int = 0
    longest_gap: int = 0

    def count(self, rows: SortedRows, ends: WindowEnds) -> None:
        """Count the new rows and the windows that end at them."""
        self.rows += int(rows.is_new.sum())
        self.windows += len(ends.windows.start)
        self.early += int(ends.is_early.sum())
        if self.usual_step is None:
            return
        gaps = rows.since[rows.is_new & (rows.since > LONG_GAP * self.usual_step)]
        self.gaps += len(gaps)
        self.longest_gap = max(self.longest_gap, int(gaps.max(initial=0)))
        self.gaps_split += int((gaps > self.shape.max_gap).sum()) if self.shape.max_gap is not None else 0

    @property
    def sentences(self) -> tuple[str, ...]:
        """The notes of the run."""
        return tuple(self._sentences())

    def _sentences(self) -> Iterator[str]:
        of_entities = f" of {_many(self.entities, 'entity', 'entities')}" if self.has_entities else ""
        yield f"{_many(self.windows, 'window')} {self.shape.words}, from {_many(self.rows, 'row')}{of_entities}"
        if self.early:
            first = "the first full window" + (" of their entity" if self.has_entities else "")
            or_after = "" if self.shape.max_gap is None else " or after a gap"
            yield f"{_many(self.early, 'row')} without a window, as they come before {first}{or_after}"
        if self.has_entities and self.continues and self.new_entities:
            yield f"{_many(self.new_entities, 'entity', 'entities')} seen for the first time"
        if self.gaps and self.usual_step is not None:
            yield self._of_gaps(self.usual_step)

    def _of_gaps(self, usual_step: int) -> str:
        gaps = (
            f"{_many(self.gaps, 'gap')} longer than {LONG_GAP} times the usual {duration_words(usual_step)} between "
            f"rows, the longest {duration_words(self.longest_gap)}"
        )
        if self.gaps_split == self.gaps:
            return f"{gaps}: windows begin anew after each"
        if self.gaps_split:
            return f"{gaps}: windows begin anew after {self.gaps_split:,} of them, and contain the others"
        limit = duration_words(LONG_GAP * usual_step).replace(" ", "")
        begin_anew = remedy("windows begin anew after such gaps with ", Setting("max_gap", limit))
        return Advice(f"{gaps}: windows contain them", begin_anew)


def _many(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"
