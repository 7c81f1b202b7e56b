"""The search finds the same rows as the distances of all, whichever way it finds candidates."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from threadpoolctl import threadpool_limits

from oddrow.views import Memory, _leaves, _products, _search

COUNTS = (1, 2, 10)
TOLERANCE = 1e-11


def by_all_distances(memory, rows, count, own):
    """Nearest rows by sorting all squared distances; of tied ones the first."""
    count = min(count, max(len(memory) - 1, 1))
    wide, found = memory.astype(float), []
    for row, own_place in zip(rows.astype(float), own, strict=True):
        squares = ((row - wide) ** 2).sum(axis=1)
        if own_place >= 0:
            squares[own_place] = np.inf
        last = np.argsort(squares, kind="stable")[count - 1]
        border = squares[last]
        margin = TOLERANCE * (border if count == 1 else (row**2).sum() + (wide[last] ** 2).sum())
        nearer, tied = squares < border - margin, (squares >= border - margin) & (squares <= border + margin)
        found.append(np.sort(np.concatenate([np.flatnonzero(nearer), np.flatnonzero(tied)])[:count]))
    return np.array(found)


def kinds_of_rows():
    rng = np.random.default_rng(0)
    normal = rng.normal
    outlying, apart = normal(size=(700, 5)), normal(size=(700, 3))
    outlying[::50] *= 1e15
    apart[::2] += 1e5
    return {
        "normal": (normal(size=(1_500, 6)), normal(size=(90, 6))),
        "grid": (rng.integers(0, 3, (900, 6)), rng.integers(0, 3, (90, 6))),
        "grid of inexact numbers": (rng.integers(0, 3, (900, 6)) * 0.7, rng.integers(0, 3, (90, 6)) * 0.7),
        "one-hot": (np.eye(12)[rng.integers(0, 12, 800)], np.eye(12)[rng.integers(0, 12, 40)]),
        "equal": (np.zeros((600, 4)), normal(size=(20, 4))),
        "duplicates": (np.repeat(normal(size=(80, 4)), 9, axis=0), normal(size=(40, 4))),
        "huge": (normal(size=(700, 5)) * 1e15, normal(size=(40, 5)) * 1e15),
        "near the largest number": (normal(size=(500, 3)) * 3e37, normal(size=(40, 3)) * 3e37),
        "tiny": (normal(size=(700, 4)) * 1e-30, normal(size=(40, 4)) * 1e-30),
        "subnormal": (normal(size=(700, 4)) * 1e-42, normal(size=(40, 4)) * 1e-42),
        "remembered outliers": (outlying, normal(size=(40, 5))),
        "far rows": (normal(size=(700, 5)), normal(size=(40, 5)) * 1e8),
        "very far rows": (normal(size=(700, 5)), normal(size=(40, 5)) * 1e20),
        "far from zero": (1e4 + 1e-3 * normal(size=(700, 3)), 1e4 + 1e-3 * normal(size=(40, 3))),
        "two clusters far apart": (apart, np.concatenate([normal(size=(20, 3)), 1e5 + normal(size=(20, 3))])),
        "one column": (normal(size=(900, 1)), normal(size=(60, 1))),
        "many columns": (normal(size=(150, 700)), normal(size=(40, 700))),
        **{f"{n_rows} rows": (normal(size=(n_rows, 4)), normal(size=(20, 4))) for n_rows in (2, 3, 11, 12, 97)},
    }


KINDS = {name: tuple(np.asarray(part, np.float32) for part in parts) for name, parts in kinds_of_rows().items()}


@pytest.fixture(params=["products", "leaves", "double precision", "without products"])
def way(request, monkeypatch):
    """Find candidates in this way, for few and for many rows."""
    monkeypatch.setattr(_search, "MAX_DIRECT", 1 << 30 if request.param == "without products" else 0)
    if request.param == "leaves":
        monkeypatch.setattr(_search, "MIN_LEAF_QUERIES", 1)
        monkeypatch.setattr(_search, "MIN_LEAVES_ROWS", 100)
        monkeypatch.setattr(_search, "MAX_SHARE", 9.0)
        monkeypatch.setattr(_leaves, "MAX_LEAF_ROWS", 64)
    if request.param == "double precision":
        monkeypatch.setattr(_search, "MAX_CANDIDATES", 0)
    return request.param


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", COUNTS)
def test_the_nearest_are_those_of_all_distances(kind, count):
    remembered, rows = KINDS[kind]
    rng = np.random.default_rng(1)
    own = np.where(np.arange(len(rows)) % 2, rng.integers(0, len(remembered), len(rows)), -1)
    memory = Memory.of(remembered)
    for asked in (rows, np.where(own[:, None] >= 0, remembered[own], rows)):
        for places in (np.full(len(rows), -1), own):
            found = memory.nearest(asked, count, places)
            np.testing.assert_array_equal(found, by_all_distances(remembered, asked, count, places))


@pytest.mark.usefixtures("way")
@settings(max_examples=40, deadline=None)
@given(
    arrays(
        np.float32, st.tuples(st.integers(2, 30), st.just(2)), elements=st.sampled_from([-3e30, -1.5, 0, 0.1, 7, 1e20])
    ),
    arrays(np.float32, st.tuples(st.integers(1, 5), st.just(2)), elements=st.floats(-(2.0**100), 2.0**100, width=32)),
    st.sampled_from(COUNTS),
)
def test_values_of_all_sizes_have_the_nearest_of_all_distances(remembered, rows, count):
    nowhere = np.full(len(rows), -1)
    expected = by_all_distances(remembered, rows, count, nowhere)
    np.testing.assert_array_equal(Memory.of(remembered).nearest(rows, count), expected)


def test_leaves_are_searched_and_leave_out_most_of_the_memory(monkeypatch):
    """Otherwise the tests above would compare one way with itself."""
    rng = np.random.default_rng(2)
    memory = Memory.of(rng.normal(size=(4_000, 3)))
    searched = []
    candidates = _leaves.Leaves.candidates

    def watched(leaves, asked, *rest, **held):
        found, is_left = candidates(leaves, asked, *rest, **held)
        searched.append(is_left.mean())
        return found, is_left

    monkeypatch.setattr(_leaves.Leaves, "candidates", watched)
    rows = rng.normal(size=(2_100, 3)).astype(np.float32)
    found = memory.nearest(rows, 10)
    assert len(searched) == 1
    assert searched[0] < 0.1
    few = np.concatenate([memory.nearest(rows[at : at + 100], 10) for at in range(0, 2_100, 100)])
    assert len(searched) == 1
    np.testing.assert_array_equal(found, few)


def test_leaves_are_not_searched_where_most_of_them_would_be_needed():
    rng = np.random.default_rng(3)
    memory = Memory.of(rng.normal(size=(3_000, 40)))
    rows = rng.normal(size=(2_100, 40)).astype(np.float32)
    found = memory.nearest(rows, 10)
    assert not any(memory._search._saves.values())
    np.testing.assert_array_equal(found[:50], memory.nearest(rows[:50], 10))


@pytest.mark.parametrize("count", COUNTS)
def test_neighbours_do_not_depend_on_blocks_and_threads(count):
    rng = np.random.default_rng(4)
    remembered, rows = rng.normal(size=(3_000, 8)), rng.normal(size=(2_100, 8)).astype(np.float32)
    whole = Memory.of(remembered).nearest(rows, count)
    for size in (1, 7, 256, 1_024):
        with threadpool_limits(1 + size % 2):
            parts = [Memory.of(remembered).nearest(rows[:64][at : at + size], count) for at in range(0, 64, size)]
        np.testing.assert_array_equal(np.concatenate(parts), whole[:64])
    memory = Memory.of(remembered)
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda at: memory.nearest(rows[at:], count), range(8))
        for at, places in enumerate(found):
            np.testing.assert_array_equal(places, whole[at:])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_all_rows_as_near_as_the_last_neighbour_are_candidates(kind, dtype):
    """The bound of the errors holds: a product never hides a neighbour."""
    remembered, rows = KINDS[kind]
    count = min(10, len(remembered))
    products = _products.Products.of(remembered, dtype)
    search = _search.Search(remembered, TOLERANCE)
    asked = _products.Asked(rows, np.full(len(rows), -1), None)
    found, _ = products.candidates(asked, count, search._margin, held=_products.Held(), most=0)
    squares = ((rows[:, None].astype(float) - remembered) ** 2).sum(axis=2)
    last = np.sort(squares, axis=1)[:, count - 1]
    near = np.nonzero(squares <= last[:, None])
    assert set(zip(*near, strict=True)) <= set(zip(found.row.tolist(), found.place.tolist(), strict=True))


@pytest.mark.usefixtures("way")
def test_dependent_rows_are_passed_over_if_others_are_left():
    rng = np.random.default_rng(5)
    remembered = rng.normal(size=(200, 3)).astype(np.float32)
    own, dependent = np.arange(200), np.abs(np.arange(200)[:, None] - np.arange(200)) <= 20
    dependent[7] = True
    found = Memory.of(remembered).nearest(remembered, 10, own, dependent)
    squares = ((remembered[:, None].astype(float) - remembered) ** 2).sum(axis=2)
    squares[own, own] = np.inf
    squares[dependent & (own != 7)[:, None]] = np.inf
    np.testing.assert_array_equal(found, np.sort(np.argsort(squares, axis=1)[:, :10], axis=1))


@pytest.mark.parametrize("count", COUNTS)
def test_thousands_of_equal_rows_are_searched_as_their_first_copies(count):
    """As in a subset of flags: the first of equal rows are neighbours, and a row is not its own."""
    rng = np.random.default_rng(4)
    memory = rng.integers(0, 2, (2_000, 3)).astype(np.float32)
    own = np.arange(0, 2_000, 20)
    rows = memory[own]
    asked = Memory.of(memory)
    expected = by_all_distances(memory, rows, count, own)
    np.testing.assert_array_equal(np.sort(asked.nearest(rows, count, own), axis=1), expected)
    kept, _ = asked._search._fewer[count + 1]
    assert len(kept) == 8 * (count + 1)
    one_by_one = np.concatenate([asked.nearest(rows[[at]], count, own[[at]]) for at in range(len(rows))])
    np.testing.assert_array_equal(np.sort(one_by_one, axis=1), expected)
