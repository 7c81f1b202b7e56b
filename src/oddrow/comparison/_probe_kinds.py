"""The kinds of probes: each breaks one property of normal rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns import Kind
from oddrow.comparison._probes import Floats, NoProbes, Normals, NumberColumn, ProbeKind, Probes, changed, with_numbers

DRAWS = 10
"""Number of attempts to draw values that differ from the row's own; rows still unchanged after them are left out."""


@dataclass(frozen=True)
class Recombined:
    """Values replaced by those of other rows, which breaks the dependence between columns.

    Attributes
    ----------
    share : share of the varying columns that are replaced in each row, at least one and not all; None for exactly one
    together : whether a row takes all its new values from one other row, or each from a different one
    """

    share: float | None = None
    together: bool = True

    def make(self, normals: Normals, rng: np.random.Generator) -> Probes | NoProbes:
        n_rows, n_columns = normals.codes.shape
        if n_columns < 2:
            return NoProbes("fewer than two columns vary, and a value of another row is by itself not odd")
        count = 1 if self.share is None else int(np.clip(round(self.share * n_columns), 1, n_columns - 1))
        origin = np.tile(np.arange(n_rows)[:, None], (1, n_columns))
        todo = np.arange(n_rows)
        for _ in range(DRAWS):
            chosen = np.argsort(rng.random((len(todo), n_columns)), axis=1)[:, :count]
            donor = rng.integers(n_rows, size=(len(todo), 1 if self.together else count))
            own = normals.codes[todo[:, None], chosen]
            differs = (normals.codes[np.broadcast_to(donor, chosen.shape), chosen] != own).any(axis=1)
            origin[todo[differs, None], chosen[differs]] = np.broadcast_to(donor, chosen.shape)[differs]
            todo = todo[~differs]
        columns = {
            column.name: normals.rows.column(column.name).take(pa.array(origin[:, place]))
            for place, column in enumerate(normals.varying)
        }
        return changed(normals, columns, np.setdiff1d(np.arange(n_rows), todo), "other rows have the same values")


@dataclass(frozen=True)
class Tail:
    """Numbers moved into their tail or just past it: beyond the 1 % or the 99 % quantile.

    Attributes
    ----------
    reach : maximum distance beyond the quantile, in distances from the median to that quantile
    share : share of the number columns that are moved in each row; None for exactly one
    """

    reach: float = 1.0
    share: float | None = None

    def make(self, normals: Normals, rng: np.random.Generator) -> Probes | NoProbes:
        if not normals.numbers:
            return NoProbes("no column of numbers varies")
        n_columns = len(normals.numbers)
        count = 1 if self.share is None else int(np.clip(round(self.share * n_columns), 1, n_columns))
        present = np.column_stack([~np.isnan(column.values) for column in normals.numbers])
        order = np.argsort(np.where(present, rng.random(present.shape), 2.0), axis=1)[:, :count]
        is_pushed = np.zeros_like(present)
        np.put_along_axis(is_pushed, order, True, axis=1)
        is_pushed &= present
        columns = {}
        for place, column in enumerate(normals.numbers):
            name = normals.rows.column_names[column.place]
            values = self._pushed(column, rng)
            columns[name] = with_numbers(normals.rows.column(name), values, is_pushed[:, place], column.is_whole)
        return changed(normals, columns, np.flatnonzero(is_pushed.any(axis=1)), "no row has a number")

    def _pushed(self, column: NumberColumn, rng: np.random.Generator) -> Floats:
        width = np.array([column.middle - column.low, column.high - column.middle])
        if not width.any():
            width = np.array([column.scale, column.scale])
        upper = rng.random(len(column.values)) < (0.5 if width.all() else float(width[1] > 0))
        edge, sign = np.where(upper, column.high, column.low), np.where(upper, 1.0, -1.0)
        with np.errstate(over="ignore"):
            pushed: Floats = edge + sign * self.reach * rng.random(len(edge)) * np.where(upper, width[1], width[0])
        if column.is_whole:
            pushed = np.rint(pushed)
            pushed = np.where(pushed == column.values, pushed + sign, pushed)
        return pushed


@dataclass(frozen=True)
class Jitter:
    """Noise on all numbers of a row, which moves it off the surface of normal rows, but not far.

    Attributes
    ----------
    size : size of the noise, in units of ``scale``
    scale : "neighbour" for the row's distance to its nearest normal row, "column" for the column's standard deviation
    """

    size: float = 1.0
    scale: Literal["neighbour", "column"] = "neighbour"

    def make(self, normals: Normals, rng: np.random.Generator) -> Probes | NoProbes:
        if not normals.numbers:
            return NoProbes("no column of numbers varies")
        n_rows = normals.rows.num_rows
        present = np.column_stack([~np.isnan(column.values) for column in normals.numbers])
        noise = np.where(present, rng.standard_normal(present.shape), 0.0)
        if self.scale == "neighbour":
            length = np.linalg.norm(noise, axis=1, keepdims=True)
            noise *= normals.neighbour_distance[:, None] / np.where(length > 0, length, 1.0)
        columns = {}
        for place, column in enumerate(normals.numbers):
            name = normals.rows.column_names[column.place]
            with np.errstate(over="ignore"):
                values = column.values + self.size * column.scale * noise[:, place]
            columns[name] = with_numbers(normals.rows.column(name), values, present[:, place], column.is_whole)
        return changed(normals, columns, np.arange(n_rows), "no row has a number")


@dataclass(frozen=True)
class Unseen:
    """One category replaced by one that no normal row has."""

    def make(self, normals: Normals, rng: np.random.Generator) -> Probes | NoProbes:
        named = [column.name for column in normals.schema.used if column.kind is Kind.CATEGORY]
        new = {name: _unseen_value(normals.both.column(name)) for name in named}
        new = {name: value for name, value in new.items() if value is not None}
        if not new:
            return NoProbes("no column of categories")
        n_rows = normals.rows.num_rows
        chosen = rng.integers(len(new), size=n_rows)
        columns = {
            name: pc.if_else(pa.array(chosen == place), value, normals.rows.column(name))
            for place, (name, value) in enumerate(new.items())
        }
        return changed(normals, columns, np.arange(n_rows), "no column of categories")


@dataclass(frozen=True)
class Cluster:
    """Odd rows of another kind, each repeated with small noise: a dense cluster far from the normal rows.

    Attributes
    ----------
    kind : kind of the repeated rows
    copies : number of rows of a cluster
    noise : noise on each number, in standard deviations of its column
    """

    kind: ProbeKind
    copies: int = 20
    noise: float = 0.02

    def make(self, normals: Normals, rng: np.random.Generator) -> Probes | NoProbes:
        centres = self.kind.make(normals, rng)
        if isinstance(centres, NoProbes):
            return centres
        n_rows = normals.rows.num_rows
        drawn = rng.permutation(centres.table.num_rows)[: max(1, n_rows // self.copies)]
        repeated = np.repeat(drawn, self.copies)[:n_rows]
        rows = centres.table.take(pa.array(repeated))
        noisy = Jitter(self.noise, "column").make(replace(normals, rows=rows), rng)
        # without a column of numbers there is no noise, and the copies are exact
        table = rows if isinstance(noisy, NoProbes) else noisy.table
        return Probes(table, centres.made_from[repeated])


@dataclass(frozen=True)
class Between:
    """All numbers between those of two rows: inside the range of every column, but often where no normal row lies.

    Attributes
    ----------
    nearest : minimum share of the way to the other row; the maximum is ``1 - nearest``
    """

    nearest: float = 0.3

    def make(self, normals: Normals, rng: np.random.Generator) -> Probes | NoProbes:
        if not normals.numbers:
            return NoProbes("no column of numbers varies")
        n_rows = normals.rows.num_rows
        other = rng.permutation(n_rows)
        share = rng.uniform(self.nearest, 1.0 - self.nearest, n_rows)
        columns = {}
        for column in normals.numbers:
            name = normals.rows.column_names[column.place]
            values = (1.0 - share) * column.values + share * column.values[other]
            present = ~np.isnan(values)
            columns[name] = with_numbers(normals.rows.column(name), values, present, column.is_whole)
        return changed(normals, columns, np.arange(n_rows), "no row has a number")


@dataclass(frozen=True)
class StatedKind:
    """A kind of probes with its weight and its description.

    Attributes
    ----------
    kind : how the probes are made
    weight : weight of their AUROC in the score of a method; with 0 it is only reported
    what : description in words
    """

    kind: ProbeKind
    weight: float
    what: str


STATED_KINDS: Mapping[str, StatedKind] = {
    "swapped": StatedKind(Recombined(), 1.0, "one value is another row's"),
    "permuted": StatedKind(Recombined(0.5), 1.0, "half of the values are another row's"),
    "tail": StatedKind(Tail(1.0, share=0.2), 3.0, "a fifth of the numbers lie in their tails or just past them"),
    "between": StatedKind(Between(), 3.0, "all numbers lie between those of two rows"),
    "jitter": StatedKind(Jitter(1.0), 0.0, "noise as large as the distance to the nearest row"),
    "unseen": StatedKind(Unseen(), 1.0, "a category that no other row has"),
    "cluster": StatedKind(Cluster(Tail(1.0, share=0.2)), 1.0, "rows with numbers in their tails, in groups of twenty"),
}
"""The kinds of probes that methods are ranked by. Their parameters and weights were chosen on one half of the labelled
data sets of the benchmark ``probes``, which measures them on the other half."""


def _unseen_value(column: pa.ChunkedArray) -> pa.Scalar | None:
    kind = column.type
    present = column.drop_null()
    if len(present) == 0:
        return None
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        beyond = float(pc.max(present).as_py()) + 1.0
        new = with_numbers(column.slice(0, 1), np.array([beyond]), np.array([True]), True)[0]
        return None if pc.any(pc.equal(present, new)).as_py() else new
    if not pa.types.is_string(kind):
        return None
    seen = set(pc.unique(present).to_pylist())
    name = "never seen"
    while name in seen:
        name += "'"
    return pa.scalar(name, kind)
