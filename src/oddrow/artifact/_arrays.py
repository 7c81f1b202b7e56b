"""The arrays of a file, each taken once and checked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from oddrow.artifact._bounds import MOST_INPUT, MOST_NATS
from oddrow.columns import FeatureLayout, TableEncoding
from oddrow.container import Arrays, ArrayStore
from oddrow.exceptions import ModelFileError
from oddrow.expectations import Expectations, Statistic, Subject, n_given_codes, subjects_of
from oddrow.views import MOST_BORDERS, Dependence, PiecewiseCurve, parts_of


def taken_curves(store: ArrayStore, name: str, count: int) -> tuple[PiecewiseCurve, ...]:
    """So many curves, which lie end to end."""
    starts = store.take(f"{name}.starts", np.int64, (count + 1,))
    knots = store.take(f"{name}.knots", np.float64, (None,))
    values = store.take(f"{name}.values", np.float64, knots.shape)
    if starts[0] != 0 or starts[-1] != len(knots) or np.any(starts[1:] <= starts[:-1]):
        raise ModelFileError(f"the curves of {name!r} do not lie end to end")
    rising = np.ones(len(knots), np.bool_)
    rising[1:] = knots[1:] > knots[:-1]
    rising[starts[:-1]] = True
    if not rising.all():
        raise ModelFileError(f"the knots of {name!r} are not ascending")
    return tuple(PiecewiseCurve(knots[start:stop], values[start:stop]) for start, stop in pairwise(starts))


def taken_dependence(store: ArrayStore, layout: FeatureLayout) -> Dependence:
    """The tables of pairs, whose sizes follow from the borders between codes."""
    parts = parts_of(layout)
    telling = store.take("dependence.telling", np.int64, (len(parts),))
    starts = store.take("dependence.starts", np.int64, (len(parts) + 1,))
    borders = store.take("dependence.edges", np.float64, (None,))
    if starts[0] != 0 or starts[-1] != len(borders) or np.any(starts[1:] < starts[:-1]):
        raise ModelFileError("the borders of 'dependence' do not lie end to end")
    edges = tuple(borders[start:stop] for start, stop in pairwise(starts))
    if any(
        np.any(np.diff(own) <= 0) or (part.is_category and len(own)) for part, own in zip(parts, edges, strict=True)
    ):
        raise ModelFileError("the borders of 'dependence' are not ascending, or those of a category")
    if any(len(own) > MOST_BORDERS for own in edges):
        raise ModelFileError(f"a part of 'dependence' has more than {MOST_BORDERS} borders")
    if np.any(telling < -1) or np.any(telling >= len(parts)):
        raise ModelFileError("'dependence.telling' names a part that is none")
    shapes = Dependence.table_shapes(layout, edges, telling)
    total = sum(rows * columns for rows, columns in shapes)
    nats = store.take("dependence.nats", np.float32, (total,))
    if not (nats.min(initial=0.0) >= 0 and nats.max(initial=0.0) <= MOST_NATS):
        raise ModelFileError(f"'dependence.nats' has values below zero or beyond {MOST_NATS:g}")
    stops = np.cumsum([0, *(rows * columns for rows, columns in shapes)])
    tables = (nats[start:stop].reshape(shape) for (start, stop), shape in zip(pairwise(stops), shapes, strict=True))
    return Dependence(layout, edges, telling, tuple(tables))


def taken_expectations(store: ArrayStore, encoding: TableEncoding, dependence: Dependence) -> Expectations | None:
    """What is usual for each column; None in a file that was written before there was such."""
    if not any(name.startswith("expectations.") for name in store.names):
        return None
    layout = encoding.layout
    subjects = subjects_of(encoding, dependence.edges)
    given = store.take("expectations.given", np.int64, (len(subjects), 2))
    starts = store.take("expectations.starts", np.int64, (len(subjects) + 1,))
    codes = store.take("expectations.cells", np.int64, (None, 2))
    missing = store.take("expectations.missing", np.float32, (len(codes),))
    if starts[0] != 0 or starts[-1] != len(codes) or np.any(starts[1:] <= starts[:-1]):
        raise ModelFileError("the cells of 'expectations' do not lie end to end")
    if not (missing.min(initial=0.0) >= 0 and missing.max(initial=0.0) <= 1):
        raise ModelFileError("'expectations.missing' has shares that are not from 0 to 1")
    counts = np.diff(starts)
    widths = np.array([subject.statistic.width for subject in subjects], np.int64)
    stops = np.cumsum([0, *(counts * widths)])
    flat = store.take("expectations.values", np.float32, (int(stops[-1]),))
    cells = tuple(codes[start:stop] for start, stop in pairwise(starts))
    values = tuple(
        flat[start:stop].reshape(count, width)
        for (start, stop), count, width in zip(pairwise(stops), counts, widths, strict=True)
    )
    for column, subject in enumerate(subjects):
        _check_given(given[column], cells[column], column, subjects)
        _check_usual(values[column], subject)
    shares = tuple(missing[start:stop] for start, stop in pairwise(starts))
    return Expectations(layout, subjects, dependence.edges, given, cells, shares, values)


def packed_curves(name: str, curves: Sequence[PiecewiseCurve]) -> Arrays:
    """The arrays that :func:`taken_curves` reads."""
    starts = np.cumsum([0, *(len(curve.knots) for curve in curves)], dtype=np.int64)
    nothing = [np.empty(0)]  # where no column has a feature, there is no curve
    knots, values = (
        np.concatenate([*nothing, *(getattr(curve, part) for curve in curves)]) for part in ("knots", "values")
    )
    return {f"{name}.starts": starts, f"{name}.knots": knots, f"{name}.values": values}


def packed_dependence(dependence: Dependence) -> Arrays:
    """The arrays that :func:`taken_dependence` reads."""
    return {
        "dependence.telling": dependence.telling,
        "dependence.starts": np.cumsum([0, *map(len, dependence.edges)], dtype=np.int64),
        "dependence.edges": np.concatenate([np.empty(0), *dependence.edges]),
        "dependence.nats": np.concatenate([np.empty(0, np.float32), *(table.ravel() for table in dependence.tables)]),
    }


def packed_expectations(expectations: Expectations) -> Arrays:
    """The arrays that :func:`taken_expectations` reads."""
    nothing = np.empty(0, np.float32)
    return {
        "expectations.given": expectations.given,
        "expectations.starts": np.cumsum([0, *map(len, expectations.cells)], dtype=np.int64),
        "expectations.cells": np.concatenate([np.empty((0, 2), np.int64), *expectations.cells]),
        "expectations.missing": np.concatenate([nothing, *expectations.missing]),
        "expectations.values": np.concatenate([nothing, *(values.ravel() for values in expectations.values)]),
    }


def _check_given(
    given: npt.NDArray[np.int64], cells: npt.NDArray[np.int64], column: int, subjects: tuple[Subject, ...]
) -> None:
    """Refuse columns that cannot be given, and cells of codes that these do not have."""
    if np.any(given < -1) or np.any(given >= len(subjects)) or np.any(given == column):
        raise ModelFileError("'expectations.given' names a column that is none, or itself")
    if any(other >= 0 and not subjects[other].is_given for other in given) or (given[0] < 0 <= given[1]):
        raise ModelFileError("'expectations.given' names a column that cannot be given")
    n_codes = np.where(given >= 0, n_given_codes(subjects, given.tolist()), 0)
    if np.any(cells < -1) or np.any(cells >= n_codes) or np.any(cells[0] != -1) or np.any((cells[1:] < 0).all(axis=1)):
        raise ModelFileError("'expectations.cells' has codes that the given columns do not have")


def _check_usual(values: npt.NDArray[np.float32], subject: Subject) -> None:
    """Refuse what cannot be put into words."""
    if subject.statistic is Statistic.RANGE:
        fits = bool(np.all(np.diff(values, axis=1) >= 0) and np.abs(values).max(initial=0.0) <= MOST_INPUT)
    elif subject.statistic is Statistic.CLOCK:
        fits = bool(np.all(values >= 0) and np.all(values[:, :2] < 86_400) and np.all(values[:, 2] < 128))
    else:
        places, counts = values[:, :-1], values[:, -1:]
        n_places = max(len(subject.features), 2)
        fits = bool(np.all(places >= -1) and np.all(places < n_places) and np.all(counts >= 0))
        fits = fits and bool(np.all(counts <= n_places))
    if not fits:
        raise ModelFileError("'expectations.values' has values that are usual for no column of this kind")


def flags(name: str, values: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    if np.any((values != 0) & (values != 1)):
        raise ModelFileError(f"{name!r} has values that are neither 0 nor 1")
    return np.asarray(values == 1)


def ascending(name: str, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if len(values) == 0 or np.any(np.diff(values) < 0):
        raise ModelFileError(f"the scores of {name!r} are not ascending")
    return values
