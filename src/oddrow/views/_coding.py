"""Values as codes: each number, flag or category of a column has few codes, so that pairs of them can be counted."""

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
class Part:
    """A part of a column that has a distribution of its own: a number, a flag, or a category.

    Attributes
    ----------
    features : the places of its features; of a category those of its names, and last that of a name never seen
    is_flag : whether it says only whether the column has a value
    """

    column: int
    features: tuple[int, ...]
    is_flag: bool = False

    @property
    def is_category(self) -> bool:
        return len(self.features) > 1


def parts_of(layout: FeatureLayout) -> tuple[Part, ...]:
    """The parts of all columns in the order of the likelihood's parts: numbers, flags, categories."""
    numbers = [
        Part(column, (feature,)) for feature, column in zip(layout.gaussian, layout.gaussian_column, strict=True)
    ]
    binary = zip(layout.binary, layout.binary_column, layout.is_presence_flag, strict=True)
    flags = [Part(column, (feature,), is_flag) for feature, column, is_flag in binary]
    groups = zip(layout.groups, layout.group_column, strict=True)
    return (*numbers, *flags, *(Part(column, tuple(range(group[0], group[-1] + 2))) for group, column in groups))


def code_edges(values: Floats, max_codes: int) -> Floats:
    """Ascending borders [k] between the codes of a number, from its training values [n].

    At most ``max_codes`` codes lie between the first and the last border. These two are half the width of the training
    range outside it: values beyond them have codes that no training row has.
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
    """The code of each part's value: its place among the borders of a number, or the name of a category.

    Attributes
    ----------
    parts : the parts of all columns
    edges : ascending borders between the codes of each part; none of a category
    """

    parts: tuple[Part, ...]
    edges: tuple[Floats, ...]

    @classmethod
    def learn(cls, parts: tuple[Part, ...], rows: npt.NDArray[np.float32], max_codes: int) -> Coding:
        """Learn the borders from training rows [n, d]."""
        return cls(parts, tuple(_edges(part, rows, max_codes) for part in parts))

    @cached_property
    def _numbers(self) -> Codes:
        """The places of numbers and flags, those with the most borders first."""
        places = [place for place, part in enumerate(self.parts) if not part.is_category]
        return np.array(sorted(places, key=lambda place: -len(self.edges[place])), np.int64)

    @cached_property
    def _features(self) -> Codes:
        return np.array([self.parts[place].features[0] for place in self._numbers], np.int64)

    @cached_property
    def _borders(self) -> tuple[Floats, ...]:
        """The first border of all numbers, the second of those that have two, and so on."""
        edges = [self.edges[place] for place in self._numbers]
        most = max(map(len, edges), default=0)
        return tuple(np.array([own[rank] for own in edges if len(own) > rank]) for rank in range(most))

    @cached_property
    def _valued(self) -> tuple[Codes, Codes, Codes]:
        """The numbers that may have no value: their places, columns, and the code for that."""
        places = [place for place in self._numbers if not self.parts[place].is_flag]
        columns = [self.parts[place].column for place in places]
        codes = [len(self.edges[place]) + 1 for place in places]
        return np.array(places, np.int64), np.array(columns, np.int64), np.array(codes, np.int64)

    def codes(self, rows: npt.NDArray[np.float32], presence: npt.NDArray[np.bool_]) -> Codes:
        """The code of each part [n, n_parts]; the last code stands for no value."""
        codes = np.empty((len(rows), len(self.parts)), np.int64)
        values = rows[:, self._features].astype(np.float64)
        # there are few borders: comparing all numbers with each is faster than a search for every number
        passed = np.zeros(values.shape, np.int8)
        for borders in self._borders:
            passed[:, : len(borders)] += values[:, : len(borders)] >= borders
        codes[:, self._numbers] = passed
        places, columns, missing = self._valued
        if not presence.all():
            codes[:, places] = np.where(presence[:, columns], codes[:, places], missing)
        for place, part in enumerate(self.parts):
            if part.is_category:
                taken = rows[:, part.features[0] : part.features[-1] + 1]
                codes[:, place] = np.where(taken.any(axis=1), np.argmax(taken, axis=1), len(part.features))
        return codes

    def graph(self, xp: GraphNamespace, rows: Value, presence: Value) -> Value:
        """The operations of :meth:`codes`: int64 [n, n_parts]."""
        numbers = [place for place, part in enumerate(self.parts) if not part.is_category]
        groups = [place for place, part in enumerate(self.parts) if part.is_category]
        codes = []
        if numbers:
            borders = [self.edges[place] for place in numbers]
            reached = borders_reached(xp, rows[:, [self.parts[place].features[0] for place in numbers]], borders)
            is_flag = np.array([self.parts[place].is_flag for place in numbers], np.bool_)
            is_judged = presence[:, [self.parts[place].column for place in numbers]] | is_flag
            missing = xp.broadcast_to([len(each) + 1 for each in borders], reached, INTEGER)
            codes.append(xp.where(is_judged, reached, missing))
        if groups:
            # at most one place is 1: the code is its number, or that of none
            last = np.array([len(self.parts[place].features) for place in groups])
            n_features = max(self.parts[place].features[-1] for place in groups) + 1
            number = np.zeros((n_features, len(groups)))
            for index, place in enumerate(groups):
                features = np.array(self.parts[place].features)
                number[features, index] = np.arange(len(features)) - len(features)
            codes.append((rows[:, :n_features] @ number + last).astype(INTEGER))
        return xp.concatenate(codes, axis=1)[:, np.argsort(numbers + groups)]

    @property
    def n_codes(self) -> list[int]:
        """Codes of each part, that of no value among them."""
        parts = zip(self.parts, self.edges, strict=True)
        return [len(part.features) + 1 if part.is_category else len(edges) + 2 for part, edges in parts]

    def packed(self) -> Arrays:
        """The borders, end to end."""
        return {
            "starts": piece_starts(map(len, self.edges)),
            "edges": np.concatenate([np.empty(0), *self.edges]),
        }

    @classmethod
    def unpacked(cls, store: ArrayStore, layout: FeatureLayout, constants: ScoringConstants) -> Coding:
        """The codes of the parts of such a layout."""
        parts = parts_of(layout)
        borders = store.take("edges", np.float64, (None,))
        slices = store.take_slices("starts", len(parts), len(borders), may_be_empty=True)
        edges = tuple(borders[piece] for piece in slices)
        if any(
            np.any(np.diff(own) <= 0) or (part.is_category and len(own)) for part, own in zip(parts, edges, strict=True)
        ):
            raise ModelFileError(f"the borders of {store.part!r} are not ascending, or those of a category")
        # a border between two codes, and one at either end
        if any(len(own) > constants.max_codes + 1 for own in edges):
            raise ModelFileError(f"a part of {store.part!r} has more than {constants.max_codes + 1} borders")
        return cls(parts, edges)


def frequent_codes(codes: Codes, n_codes: int) -> Codes:
    """Codes [n] renumbered by their frequency; from the place ``n_codes`` on they share one code."""
    counts = np.bincount(codes)
    rank = np.empty(len(counts), np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    return np.minimum(rank, n_codes)[codes]


def mutual_information(joint: Floats, n_rows: int) -> Floats:
    """Mutual information [a, b] of pairs in nats, from shares [a, b, codes, codes], less its bias.

    Independent parts of k and l codes show (k - 1)(l - 1) / 2n nats in n rows (Miller 1955).
    """
    one, other = joint.sum(axis=3, keepdims=True), joint.sum(axis=2, keepdims=True)
    ratio = np.divide(joint, one * other, out=np.ones_like(joint), where=joint > 0)
    degrees = ((one > 0).sum(axis=(2, 3)) - 1) * ((other > 0).sum(axis=(2, 3)) - 1)
    return np.asarray((joint * np.log(ratio)).sum(axis=(2, 3)) - degrees / (2.0 * n_rows))


def _edges(part: Part, rows: npt.NDArray[np.float32], max_codes: int) -> Floats:
    if part.is_category:
        return np.empty(0)
    return code_edges(rows[:, part.features[0]].astype(np.float64), max_codes)
