"""The kind of times: seconds elapsed, and the hour and the weekday as points on two circles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns._column_facts import ColumnFacts, ReadAs
from oddrow.columns._column_schema import ColumnSchema, EncodingStyle, Kind
from oddrow.columns._scaling import UNSOUND_SCALING, Scaling
from oddrow.columns._sketch import NO_ROWS, ColumnSketch
from oddrow.columns.kinds._graph_columns import GraphBlock, GraphColumns, excess, standardised
from oddrow.columns.kinds._novelty import presence_and_novelty
from oddrow.columns.kinds._protocol import ColumnEncoding, Features, PresenceAndNovelty
from oddrow.columns.kinds._reference_values import present_numbers
from oddrow.columns.kinds._running import DAY, WEEK, moment
from oddrow.columns.kinds.clock import ClockEncoding
from oddrow.graph import FLOAT
from oddrow.table import Floats, TextForm, as_seconds, shortened

_ORDER_WORDS = {
    "ymd": "year, month, day",
    "dmy": "day, month, year",
    "mdy": "month, day, year",
    "compact": "year, month, day without signs",
    "time": "hours, minutes",
}


class TimestampKind:
    """The kind of columns of dates, times and times of day; :class:`ClockEncoding` encodes those that run on."""

    name = "timestamp"
    precedence = 30
    n_sources = 1
    sketches_names = False
    input_type = FLOAT

    @property
    def encodings(self) -> tuple[type[ColumnEncoding], ...]:
        return (TimestampEncoding, ClockEncoding)

    def judge(self, facts: ColumnFacts) -> ColumnSchema | None:
        """Accept times; leave them out if day and month cannot be told apart."""
        reading = facts.reading
        if reading.read_as is not ReadAs.TIMES:
            return None
        if not facts.is_text:
            return ColumnSchema(facts.name, self.name, f"{facts.values.type}{reading.missing}")
        form = facts.one_date_form(reading.dates)
        example = shortened(next((text for text in facts.distinct.to_pylist() if text and text.strip()), ""))
        if form is None:
            return ColumnSchema(
                facts.name,
                Kind.IGNORE,
                f"dates as in {example}{reading.missing}",
                note=f"{shortened(facts.name)} looks like dates as {example}, but day and month cannot be told apart: "
                "it is left out; say which comes first with the kind 'timestamp; dates=dmy' or 'timestamp; dates=mdy'",
            )
        kind = "time of day" if form == "time" else "ISO 8601 date or time" if form == "" else "date or time"
        every = "nearly every" if reading.is_lenient else "every"
        why = f"{every} value is a{'n' if form == '' else ''} {kind}"
        shown = "" if form == "" else f", written as in {example} ({_ORDER_WORDS.get(form, form)})"
        written = facts.given.form(TextForm(dates=form, is_lenient=reading.is_lenient))
        return ColumnSchema(facts.name, self.name, f"{why}{shown}{reading.missing}", written, note=reading.note)

    def given(self, name: str, facts: Sequence[ColumnFacts]) -> ColumnSchema:
        (one,) = facts
        if one.is_text:
            form = one.given.form(TextForm(dates=one.given_dates(), is_lenient=True))
        elif one.given.dates is None and not pa.types.is_temporal(one.values.type):
            form = one.given.form(TextForm(dates=one.given_dates()))
        else:
            form = one.typed_form()
        return ColumnSchema(name, self.name, "as given", form, runs_on=one.given.runs_on)

    def convert(self, sources: Sequence[pa.ChunkedArray], form: TextForm) -> Floats:
        (values,) = sources
        return as_seconds(values, form)

    def typed(self, texts: pa.ChunkedArray, form: TextForm) -> pa.ChunkedArray:
        seconds = as_seconds(texts, form)
        ticks = pa.array(np.round(seconds * 1e6), from_pandas=True)
        return pc.cast(pc.cast(pa.chunked_array([ticks]), pa.int64()), pa.timestamp("us"))

    def encoding(
        self,
        column: ColumnSchema,
        style: EncodingStyle,
    ) -> type[TimestampEncoding] | type[ClockEncoding]:
        return ClockEncoding if column.runs_on else TimestampEncoding

    def sketched(self, column: ColumnSchema, rest: Sequence[ColumnSketch]) -> ColumnSketch:
        return rest[0].read_as_times(column.form)

    def counted(self, encoding: ColumnEncoding) -> tuple[str, ...]:
        return ()

    def measured(self, values: Floats, rest: ColumnSketch) -> tuple[Floats, Floats]:
        return present_numbers(values, rest)


@dataclass(frozen=True)
class TimestampEncoding:
    """The encoding of a point in time: seconds elapsed, and the hour and the weekday as points on two circles.

    Later rows may have later times, so a time up to one width outside the training range is encoded as the nearest end
    of the range and has no novelty; only times further outside have novelty.
    """

    scaling: Scaling
    has_missing: bool
    kind: Literal["timestamp"] = "timestamp"

    gaussian: ClassVar[tuple[int, ...]] = (0, 1, 2, 3, 4)
    group: ClassVar[tuple[int, ...]] = ()
    curved: ClassVar[Mapping[int, Scaling]] = {}
    known: ClassVar[tuple[float, ...]] = ()

    @classmethod
    def learn(cls, values: Floats, rest: ColumnSketch = NO_ROWS) -> Self:
        """Learn from seconds float64 [n] and the sketch of training rows outside the sample."""
        return cls(Scaling.learn(values, rest.range.ends), bool(np.isnan(values).any() or rest.n_missing))

    @property
    def n_features(self) -> int:
        return 5 + self.has_missing

    @property
    def binary(self) -> tuple[tuple[int, bool], ...]:
        return ((5, True),) if self.has_missing else ()

    def encode(self, values: Floats, out: Features, n_rows: int) -> PresenceAndNovelty:
        missing = np.isnan(values)
        seconds = np.where(missing, 0.0, values)
        elapsed = self.scaling.apply(seconds)
        beyond = np.maximum(
            self.scaling.excess(elapsed) - np.log(2.0), 0.0
        )  # ln 2 is one width on the logarithmic scale outside the range
        out[:, 0] = np.clip(elapsed, self.scaling.low, self.scaling.high)
        for offset, period in ((1, DAY), (3, WEEK)):
            angle = 2 * np.pi * (seconds % period) / period
            out[:, offset], out[:, offset + 1] = np.sin(angle), np.cos(angle)
        out[missing, :5] = 0.0
        presence, novelty = presence_and_novelty(missing, out[:, 5] if self.has_missing else None, n_rows)
        novelty[presence] += np.log1p(n_rows * beyond[presence])
        return presence, novelty

    def decode(self, features: Features) -> list[object]:
        seconds = self.scaling.invert(features[:, 0].astype(np.float64))
        return [moment(second) for second in seconds.tolist()]

    def check(self, n_rows: int) -> str:
        return "" if self.scaling.is_sound else UNSOUND_SCALING

    @classmethod
    def graph(cls, encodings: Sequence[Self], columns: GraphColumns) -> GraphBlock:
        xp, values = columns.xp, columns.joined()
        missing = xp.isnan(values)
        scalings = [each.scaling for each in encodings]
        seconds = xp.where(missing, 0.0, values)
        elapsed = standardised(xp, seconds, scalings)
        lows, highs = [scaling.low for scaling in scalings], [scaling.high for scaling in scalings]
        encoded = [xp.clip(elapsed, lows, highs)]
        for period in (DAY, WEEK):
            angle = xp.mod(seconds, period) * (2 * np.pi) / period
            encoded += [xp.sin(angle), xp.cos(angle)]
        beyond = xp.maximum(excess(xp, elapsed, scalings) - float(np.log(2.0)), 0.0)
        return GraphBlock(
            missing,
            xp.concatenate([xp.where(missing, 0.0, value) for value in encoded], axis=1),
            np.concatenate([columns.starts + offset for offset in range(len(encoded))]),
            novelty=xp.where(missing, 0.0, xp.log1p(beyond * columns.n_rows)),
            never_missing=[not each.has_missing for each in encodings],
        )

    @classmethod
    def together(cls, encodings: Sequence[Self], places: Sequence[int], starts: Sequence[int]) -> None:
        return None
