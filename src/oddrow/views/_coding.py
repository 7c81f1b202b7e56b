"""Discretise numbers, flags and categories into few codes each, so that pairs of codes can be counted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow.columns import FeatureLayout
from oddrow.container import Arrays, ArrayStore, piece_starts
from oddrow.exceptions import ModelFileError
from oddrow.graph import INTEGER, GraphNamespace, Value, borders_reached
from oddrow.scoring_constants import ScoringConstants

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Variable:
    """A number, a flag or a category of a column: a variable with its own distribution.

    Attributes
    ----------
    features : the indices of its features; for a category those of its names, and last that of an unseen name
    is_flag : whether it only indicates if the column has a value
    """

    column: int
    features: tuple[int, ...]
    is_flag: bool = False

    @property
    def is_category(self) -> bool:
        return len(self.features) > 1


def variables_of(layout: FeatureLayout) -> tuple[Variable, ...]:
    """Return the variables of all columns in the order of the likelihood: numbers, flags, categories."""
    numbers = [
        Variable(column, (feature,)) for feature, column in zip(layout.gaussian, layout.gaussian_column, strict=True)
    ]
    binary = zip(layout.binary, layout.binary_column, layout.is_presence_flag, strict=True)
    flags = [Variable(column, (feature,), is_flag) for feature, column, is_flag in binary]
    groups = zip(layout.groups, layout.group_column, strict=True)
    return (*numbers, *flags, *(Variable(column, tuple(range(group[0], group[-1] + 2))) for group, column in groups))


def code_edges(values: Floats, max_codes: int) -> Floats:
    """Return ascending borders [k] between the codes of a number, from its training values [n].

    At most ``max_codes`` codes lie between the first and the last border. These two lie outside the training range by
    half its width, so values beyond them have codes that no training row has.
    """
    distinct = np.unique(values)
    low, high = distinct[0], distinct[-1]
    margin = max(high - low, 1.0) / 2
    if len(distinct) <= max_codes:
        inner = (distinct[1:] + distinct[:-1]) / 2
    else:
        inner = np.unique(np.quantile(values, np.arange(1, max_codes) / max_codes))
    return np.concatenate([[low - margin], inner, [high + margin]])


@dataclass(frozen=True)
class Coding:
    """The code of each variable's value: the interval of a number between borders, or the name of a category.

    Attributes
    ----------
    variables : the variables of all columns
    edges : ascending borders between the codes of each variable; empty for a category
    """

    variables: tuple[Variable, ...]
    edges: tuple[Floats, ...]

    @classmethod
    def learn(cls, variables: tuple[Variable, ...], rows: npt.NDArray[np.float32], max_codes: int) -> Coding:
        """Learn the borders from training rows [n, d]."""
        return cls(variables, tuple(_edges(variable, rows, max_codes) for variable in variables))

    @cached_property
    def _numbers(self) -> Codes:
        """The indices of numbers and flags, in descending order of their number of borders."""
        places = [place for place, variable in enumerate(self.variables) if not variable.is_category]
        return np.array(sorted(places, key=lambda place: -len(self.edges[place])), np.int64)

    @cached_property
    def _features(self) -> Codes:
        return np.array([self.variables[place].features[0] for place in self._numbers], np.int64)

    @cached_property
    def _borders(self) -> tuple[Floats, ...]:
        """The first borders of all numbers, the second borders of the numbers that have two, and so on."""
        edges = [self.edges[place] for place in self._numbers]
        most = max(map(len, edges), default=0)
        return tuple(np.array([own[rank] for own in edges if len(own) > rank]) for rank in range(most))

    @cached_property
    def _valued(self) -> tuple[Codes, Codes, Codes]:
        """The numbers whose value may be missing: their indices, their columns, and their codes for a missing value."""
        places = [place for place in self._numbers if not self.variables[place].is_flag]
        columns = [self.variables[place].column for place in places]
        codes = [len(self.edges[place]) + 1 for place in places]
        return np.array(places, np.int64), np.array(columns, np.int64), np.array(codes, np.int64)

    def codes(self, rows: npt.NDArray[np.float32], presence: npt.NDArray[np.bool_]) -> Codes:
        """Return the code of each variable [n, n_variables]; the last code stands for a missing value."""
        codes = np.empty((len(rows), len(self.variables)), np.int64)
        values = rows[:, self._features].astype(np.float64)
        # comparing all numbers with each of the few borders is faster than a binary search for every number
        passed = np.zeros(values.shape, np.int8)
        for borders in self._borders:
            passed[:, : len(borders)] += values[:, : len(borders)] >= borders
        codes[:, self._numbers] = passed
        places, columns, missing = self._valued
        if not presence.all():
            codes[:, places] = np.where(presence[:, columns], codes[:, places], missing)
        for place, variable in enumerate(self.variables):
            if variable.is_category:
                taken = rows[:, variable.features[0] : variable.features[-1] + 1]
                codes[:, place] = np.where(taken.any(axis=1), np.argmax(taken, axis=1), len(variable.features))
        return codes

    def graph(self, xp: GraphNamespace, rows: Value, presence: Value) -> Value:
        """Add the operations of :meth:`codes` to a graph; return int64 [n, n_variables]."""
        numbers = [place for place, variable in enumerate(self.variables) if not variable.is_category]
        groups = [place for place, variable in enumerate(self.variables) if variable.is_category]
        codes = []
        if numbers:
            borders = [self.edges[place] for place in numbers]
            reached = borders_reached(xp, rows[:, [self.variables[place].features[0] for place in numbers]], borders)
            is_flag = np.array([self.variables[place].is_flag for place in numbers], np.bool_)
            is_judged = presence[:, [self.variables[place].column for place in numbers]] | is_flag
            missing = xp.broadcast_to([len(each) + 1 for each in borders], reached, INTEGER)
            codes.append(xp.where(is_judged, reached, missing))
        if groups:
            # at most one feature of a group is 1: the code is its index, or the last code if none is 1
            last = np.array([len(self.variables[place].features) for place in groups])
            n_features = max(self.variables[place].features[-1] for place in groups) + 1
            number = np.zeros((n_features, len(groups)))
            for index, place in enumerate(groups):
                features = np.array(self.variables[place].features)
                number[features, index] = np.arange(len(features)) - len(features)
            codes.append((rows[:, :n_features] @ number + last).astype(INTEGER))
        return xp.concatenate(codes, axis=1)[:, np.argsort(numbers + groups)]

    @property
    def n_codes(self) -> list[int]:
        """Return the number of codes of each variable, including the code for a missing value."""
        variables = zip(self.variables, self.edges, strict=True)
        return [len(variable.features) + 1 if variable.is_category else len(edges) + 2 for variable, edges in variables]

    def packed(self) -> Arrays:
        """Return the concatenated borders."""
        return {
            "starts": piece_starts(map(len, self.edges)),
            "edges": np.concatenate([np.empty(0), *self.edges]),
        }

    @classmethod
    def unpacked(cls, store: ArrayStore, layout: FeatureLayout, constants: ScoringConstants) -> Coding:
        """Rebuild the coding of a table with this layout."""
        variables = variables_of(layout)
        borders = store.take("edges", np.float64, (None,))
        slices = store.take_slices("starts", len(variables), len(borders), may_be_empty=True)
        edges = tuple(borders[piece] for piece in slices)
        if any(
            np.any(np.diff(own) <= 0) or (variable.is_category and len(own))
            for variable, own in zip(variables, edges, strict=True)
        ):
            raise ModelFileError(f"the borders of {store.component!r} are not ascending, or a category has borders")
        # one border between two codes, and one at each end
        if any(len(own) > constants.max_codes + 1 for own in edges):
            raise ModelFileError(f"a variable of {store.component!r} has more than {constants.max_codes + 1} borders")
        return cls(variables, edges)


def frequent_codes(codes: Codes, n_codes: int) -> Codes:
    """Return codes [n] renumbered by descending frequency; codes from ``n_codes`` on share one code."""
    counts = np.bincount(codes)
    rank = np.empty(len(counts), np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    return np.minimum(rank, n_codes)[codes]


def mutual_information(joint: Floats, n_rows: int) -> Floats:
    """Return the mutual information [a, b] of pairs in nats, from shares [a, b, codes, codes], minus its bias.

    For independent variables with k and l codes, the bias is (k - 1)(l - 1) / 2n nats in n rows (Miller 1955).
    """
    one, other = joint.sum(axis=3, keepdims=True), joint.sum(axis=2, keepdims=True)
    ratio = np.divide(joint, one * other, out=np.ones_like(joint), where=joint > 0)
    degrees = ((one > 0).sum(axis=(2, 3)) - 1) * ((other > 0).sum(axis=(2, 3)) - 1)
    return np.asarray((joint * np.log(ratio)).sum(axis=(2, 3)) - degrees / (2.0 * n_rows))


def _edges(variable: Variable, rows: npt.NDArray[np.float32], max_codes: int) -> Floats:
    if variable.is_category:
        return np.empty(0)
    return code_edges(rows[:, variable.features[0]].astype(np.float64), max_codes)
