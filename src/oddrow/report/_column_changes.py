"""Each column in the normal rows, in the rows of a table and in its alerts, and where these differ noticeably."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns import REFERENCE_LEVELS, ColumnEncoding, ColumnReference, ColumnSchema, Kind, Values
from oddrow.exceptions import SettingError
from oddrow.fitted import FittedModel
from oddrow.report._distribution_bars import (
    HIDDEN,
    MISSING,
    Bars,
    Codes,
    NormalQuantiles,
    counts_to,
    moment_text,
    name_bars,
    name_places,
    name_shade,
    number_bars,
    number_shade,
    number_text,
)
from oddrow.report._share_changes import ShareEvents, largest_change, percent

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

SHADE_LEVELS: Final = (0, 0.2, 0.4, 0.6, 0.8, 1)
"""Places of the quantiles that label a shade: codes 0, 50, 100, 150, 200 and 250."""


@dataclass(frozen=True)
class ColumnShade:
    """The code of each row by which a column's values colour a map.

    Attributes
    ----------
    labels : of a column of names, the name of each code; () for numbers
    edges : of a column of numbers, the texts of the values at the codes 0, 50 ... 250; () for names
    codes : uint8 [n]; 254 for a name without a code, 255 where the value is missing
    """

    labels: tuple[str, ...]
    edges: tuple[str, ...]
    codes: Codes


@dataclass(frozen=True)
class ColumnComparison:
    """One column of the model: normal rows against the rows of a table.

    Attributes
    ----------
    name, kind : of the column
    note : a sentence about a special treatment; "" if there is none
    labels, normal, current, alerts : the bars of the distribution and the shares of the rows with a value in each;
        () if the column has none
    bar : int [k], the index of the bar of each explained row; -1 where it has none
    missing_normal, missing_current : shares of the rows without a value
    unseen : share of the rows with a value never seen in training
    brings : share of the alerts' surprise that the column brings
    change : a sentence where the rows differ noticeably from the normal ones; None where they do not
    shade : colours for a map; None if not asked for, or if the column has none
    """

    name: str
    kind: str
    note: str
    labels: tuple[str, ...]
    normal: tuple[float, ...]
    current: tuple[float, ...]
    alerts: tuple[float, ...]
    bar: tuple[int, ...]
    missing_normal: float
    missing_current: float
    unseen: float
    brings: float
    change: str | None
    shade: ColumnShade | None


def brought(column_part: Floats, surprise: Floats) -> Floats:
    """Return the share [n_columns] of the rows' surprise [k] that each column brings, from its parts [k, n_columns]."""
    total = float(surprise.sum())
    return np.asarray(column_part.sum(axis=0) / total) if total > 0 else np.zeros(column_part.shape[1])


def compare_columns(
    model: FittedModel,
    table: pa.Table,
    novelty: Floats,
    is_alert: Flags,
    brings: Floats,
    *,
    explained: npt.NDArray[np.int64],
    shaded: Collection[int] | None = None,
    worth: float = 1.0,
    has_values: bool = True,
) -> tuple[ColumnComparison, ...]:
    """Compare each column of the model in the rows of a table with its reference of the normal rows.

    A change is mentioned where the share of an event differs noticeably, as ``_share_changes`` says. The events are:
    the value is missing, was never seen in training, is one of the counted names, or is below or above one of the
    normal quantiles. Of several noticeable events of a column that with the largest difference is mentioned. For a
    quantile the reference holds a bound of the normal share, and the difference from the bound is tested.

    Parameters
    ----------
    model, table
        The model, and the rows [n, ...].
    novelty
        float64 [n, n_columns], nats of values unlike all training values, of the encoded rows.
    is_alert
        bool [n], the flagged rows.
    brings
        float64 [n_columns], see :func:`brought`.
    explained
        int64 [k], the rows whose bars are returned.
    shaded
        Indices of the columns with a shade; None for all.
    worth
        Number of independent rows that one row is worth, at most 1: less where rows depend on each other.
    has_values
        Whether labels and sentences may hold values.

    Raises
    ------
    SettingError
        If the numbers of rows or columns differ.
    """
    n_columns = len(model.encoding.columns)
    if novelty.shape != (table.num_rows, n_columns) or len(is_alert) != table.num_rows or len(brings) != n_columns:
        raise SettingError(
            f"the table has {table.num_rows} rows and the model {n_columns} columns, but novelty has the shape "
            f"{novelty.shape}, is_alert {is_alert.shape} and brings {brings.shape}"
        )
    values = model.encoding.schema.values(table)
    known = model.reference.columns or tuple(ColumnReference(name, 1, 0) for name in model.encoding.names)
    facts = [
        _Facts(schema, encoding, reference, values[schema.name], novelty[:, index] > 0)
        for index, (schema, encoding, reference) in enumerate(
            zip(model.encoding.schema.used, model.encoding.columns, known, strict=True)
        )
    ]
    events = [list(one.events()) if model.reference.columns and table.num_rows else [] for one in facts]
    n_events = max(sum(len(some.normal) for column in events for some in column), 1)
    return tuple(
        _comparison(
            one,
            float(brings[index]),
            is_alert,
            explained,
            largest_change(events[index], n_events, worth, has_values=has_values),
            shaded is None or index in shaded,
            has_values=has_values,
        )
        for index, one in enumerate(facts)
    )


@dataclass(frozen=True)
class _Facts:
    """What is known of one column in the normal rows and in the rows."""

    schema: ColumnSchema
    encoding: ColumnEncoding
    reference: ColumnReference
    values: Values
    is_new: Flags

    @property
    def is_running(self) -> bool:
        """Whether later rows have later values, which are no change."""
        return self.schema.runs_on or self.schema.orders or self.schema.kind == Kind.COUNTER

    @cached_property
    def missing(self) -> Flags:
        if isinstance(self.values, np.ndarray):
            is_nan = np.isnan(self.values)
            return np.asarray(is_nan if is_nan.ndim == 1 else is_nan.any(axis=1))
        return np.asarray(self.values.is_null().to_numpy())

    @cached_property
    def numbers(self) -> Floats | None:
        """The numbers [n] whose quantiles the reference holds, for a text its length; None if it holds none."""
        if not self.reference.quantiles:
            return None
        if isinstance(self.values, np.ndarray):
            return self.values if self.values.ndim == 1 else None
        lengths = pc.utf8_length(self.values).to_numpy()
        return np.asarray(lengths, np.float64)

    @property
    def is_named(self) -> bool:
        return not self.reference.quantiles and (bool(self.reference.values) or self.schema.kind == Kind.CONSTANT)

    @cached_property
    def is_unseen(self) -> Flags:
        """Which rows have a name, a flag or a text unlike those of training; a number is never unseen."""
        is_number = isinstance(self.values, np.ndarray) and not self.reference.values
        return np.zeros(len(self.is_new), np.bool_) if is_number else self.is_new & ~self.missing

    @property
    def missing_share(self) -> float:
        """The share of the rows without a value; 0 without rows."""
        return np.count_nonzero(self.missing) / max(len(self.missing), 1)

    @property
    def unseen_share(self) -> float:
        """The share of the rows with a value never seen in training; 0 without rows."""
        return np.count_nonzero(self.is_unseen) / max(len(self.is_unseen), 1)

    def events(self) -> Iterator[ShareEvents]:
        """Yield the events of the column that are compared."""
        normal = np.array([self.reference.missing_share, self._expected_unseen()])
        shares = np.array([self.missing_share, self.unseen_share])
        words = partial(_missing_or_unseen, normal, shares)
        yield ShareEvents(normal, shares, self.reference.n_rows, len(self.is_new), words)
        present = len(self.missing) - int(np.count_nonzero(self.missing))
        if present and self.numbers is not None and not self.is_running:
            yield self._number_events(self.numbers, present)
        elif present and self.is_named:
            yield self._name_events(present)

    def _expected_unseen(self) -> float:
        """Return the share of normal rows with a value not seen before, estimated by Good and Turing (1953)."""
        once = [getattr(self.encoding, name, 0) or 0 for name in ("seen_once", "templates_once", "shapes_once")]
        return min(float(sum(once)) / self.reference.n_rows, 1.0)

    def _number_events(self, numbers: Floats, present: int) -> ShareEvents:
        quantiles, n_normal = NormalQuantiles.of(self.reference), self.reference.n_rows - self.reference.n_missing
        smaller, up_to = (counts / present for counts in counts_to(quantiles.values, numbers))
        # each quantile has two events: below it, and above it
        normal = np.stack([quantiles.below, 1.0 - quantiles.up_to], axis=1).ravel()
        shares = np.stack([smaller, 1.0 - up_to], axis=1).ravel()

        def words(event: int, has_values: bool) -> str:
            place, is_above = divmod(event, 2)
            # a level bounds the normal share, which is smaller if the value is frequent: only more is a difference
            is_bound = quantiles.up_to[place] > quantiles.below[place] or getattr(self.encoding, "is_whole", False)
            bound = "at most " if is_bound and normal[event] else ""
            rows = f"{percent(shares[event])} of the rows, {bound}{percent(normal[event])} of the normal rows"
            if not has_values:
                return f"{'large' if is_above else 'small'} values: {rows}"
            unit = " characters" if self.schema.kind == Kind.TEXT else ""
            text = moment_text if self.schema.kind == Kind.TIMESTAMP else number_text
            return f"{'above' if is_above else 'below'} {text(quantiles.values[place])}{unit}: {rows}"

        return ShareEvents(normal, np.maximum(shares, normal), n_normal, present, words)

    def _name_events(self, present: int) -> ShareEvents:
        places = name_places(self.reference, self.values)
        counts = np.bincount(places[places >= 0], minlength=len(self.reference.values) + 1)[:-1]
        n_counted = sum(self.reference.counts) + self.reference.n_others
        normal, shares = np.array(list(self.reference.shares.values())), counts / present

        def words(place: int, has_values: bool) -> str:
            what = self.reference.values[place] if has_values else "one value"
            return f"{what}: {percent(shares[place])} of the rows, {percent(normal[place])} of the normal rows"

        return ShareEvents(normal, shares, n_counted, present, words)


def _missing_or_unseen(normal: Floats, shares: Floats, event: int, _: bool) -> str:
    if event:
        return f"{percent(shares[1])} of the rows have a value never seen in training"
    return f"{percent(shares[0])} of the rows have no value, {percent(normal[0])} of the normal rows"


def _comparison(
    facts: _Facts,
    brings: float,
    is_alert: Flags,
    explained: npt.NDArray[np.int64],
    change: str | None,
    is_shaded: bool,
    *,
    has_values: bool,
) -> ColumnComparison:
    bars = _bars(facts, is_alert, has_values=has_values)
    n_rows = len(facts.is_new)
    own = bars.bar[explained].astype(np.int64) if bars else np.full(len(explained), MISSING)
    return ColumnComparison(
        facts.schema.name,
        facts.schema.kind,
        _note(facts),
        bars.labels if bars else (),
        tuple(bars.normal.tolist()) if bars else (),
        tuple(bars.shares().tolist()) if bars else (),
        tuple(bars.shares(is_alert).tolist()) if bars else (),
        tuple(np.where(own == MISSING, -1, own).tolist()),
        facts.reference.missing_share,
        facts.missing_share,
        facts.unseen_share,
        brings,
        change,
        _shade(facts, bars, has_values=has_values) if is_shaded and n_rows else None,
    )


def _note(facts: _Facts) -> str:
    running = "its values are not compared, since later rows have later ones" if facts.is_running else ""
    return "; ".join(filter(None, (facts.schema.note, running)))


def _bars(facts: _Facts, is_alert: Flags, *, has_values: bool) -> Bars | None:
    numbers = facts.numbers
    if facts.is_running:
        return None
    if numbers is not None:
        is_whole = bool(getattr(facts.encoding, "is_whole", False)) or facts.schema.kind == Kind.TEXT
        return number_bars(facts.reference, numbers, facts.schema.kind, is_whole=is_whole, has_values=has_values)
    if facts.is_named:
        return name_bars(facts.reference, facts.values, facts.is_unseen, is_alert, has_values=has_values)
    return None


def _shade(facts: _Facts, bars: Bars | None, *, has_values: bool) -> ColumnShade | None:
    if bars is not None and facts.is_named:
        return ColumnShade(bars.labels[: bars.n_named], (), name_shade(bars))
    numbers = facts.numbers
    if numbers is None:
        return None
    reference = facts.reference
    if facts.is_running:
        # the place among the normal rows would be the last for nearly all later rows
        present = numbers[~np.isnan(numbers)]
        if not len(present):
            return None
        reference = _of_rows(reference, present)
    quantiles = NormalQuantiles.of(reference)
    ends = [reference.quantiles[REFERENCE_LEVELS.index(level)] for level in SHADE_LEVELS]
    text = moment_text if facts.schema.kind == Kind.TIMESTAMP else number_text
    edges = tuple(text(end) if has_values else HIDDEN for end in ends)
    return ColumnShade((), edges, number_shade(quantiles, numbers))


def _of_rows(reference: ColumnReference, present: Floats) -> ColumnReference:
    levels = np.quantile(present, REFERENCE_LEVELS, method="inverted_cdf")
    return ColumnReference(reference.name, len(present), 0, tuple(levels.tolist()))
