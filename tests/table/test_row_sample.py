"""A sample is uniform, keeps its bounds, and does not depend on how the rows come."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddrow.columns import sampled
from oddrow.table import SampleBounds
from oddrow.table._row_sample import RowSample, priorities, row_bytes

N_ROWS = 300


def rows_of(n_rows=N_ROWS):
    """Rows that tell their number, of very different lengths."""
    return pa.table({"row": np.arange(n_rows), "text": ["x" * (row % 7) ** 2 for row in range(n_rows)]})


def part(rows, start, stop, bounds, seed=0):
    return RowSample.of(rows.slice(start, stop - start), np.arange(start, stop, dtype=np.uint64), seed, bounds)


def lowest(rows, bounds, seed=0):
    """The rows of the lowest priorities within the bounds, one after another."""
    order = np.argsort(priorities(seed, np.arange(rows.num_rows, dtype=np.uint64)))
    sizes, kept, room = row_bytes(rows), [], bounds.bytes
    for row in order:
        room -= sizes[row]
        if room < 0 or len(kept) == bounds.rows:
            break
        kept.append(int(row))
    return sorted(kept)


bounds_of_either_kind = st.builds(
    SampleBounds, rows=st.integers(1, N_ROWS + 5), bytes=st.sampled_from([500, 3_000, 2**20])
)


@given(bounds_of_either_kind, st.lists(st.integers(0, N_ROWS), max_size=12), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_sample_is_the_same_however_rows_are_cut_and_merged(bounds, cuts, random):
    rows = rows_of()
    edges = [0, *sorted(cuts), N_ROWS]
    parts = [part(rows, *edge, bounds) for edge in pairwise(edges)]
    left_out = []
    while len(parts) > 1:  # any two of them, in any order
        random.shuffle(parts)
        merged, others = parts.pop().joined(parts.pop())
        left_out += others["row"].to_pylist()
        parts.append(merged)
    sample, others = parts[0].settled()
    left_out += others["row"].to_pylist()
    kept = sample.ordered["row"].to_pylist()
    assert kept == lowest(rows, bounds)
    assert sorted(kept + left_out) == list(range(N_ROWS))
    assert sample.is_whole == (not left_out)


def test_while_it_grows_a_sample_keeps_near_its_bounds():
    bounds, rows = SampleBounds(rows=40, bytes=2_000), rows_of()
    sample = part(rows, 0, 10, bounds)
    for start in range(10, N_ROWS, 10):
        sample, _ = sample.joined(part(rows, start, start + 10, bounds))
        assert sample.rows.num_rows <= 1.25 * 40
        assert row_bytes(sample.rows).sum() <= 1.25 * 2_000


def test_every_row_is_as_likely_to_be_in_the_sample():
    position = np.arange(60, dtype=np.uint64)
    times = np.zeros(60)
    for seed in range(2_000):
        times[np.argsort(priorities(seed, position))[:15]] += 1
    # 2,000 draws of probability 1/4: a deviation of 19.4; of 60 such the furthest hardly lies beyond 4.5 of them
    assert np.abs(times - 500).max() < 4.5 * 19.4
    assert 0.6 < np.var(times) / 19.4**2 < 1.5


def test_neighbouring_rows_are_in_the_sample_independently():
    chosen = priorities(7, np.arange(40_000, dtype=np.uint64)) < np.uint64(2**62)  # a quarter
    both = np.mean(chosen[1:] & chosen[:-1])
    assert both == pytest.approx(1 / 16, abs=0.005)


def test_another_seed_draws_other_rows():
    batches = rows_of().to_batches()
    bounds = SampleBounds(rows=20)
    draws = [sampled(batches, seed, bounds=bounds).sample.ordered["row"].to_pylist() for seed in (0, 0, 1)]
    assert draws[0] == draws[1]
    assert len(set(draws[0]) & set(draws[2])) < 10


def test_a_part_that_does_not_know_its_place_is_known_by_a_digest():
    """Positions wrap around, so any whole number will do, and rows stay in order within the part."""
    bounds = SampleBounds(rows=50)
    parts = [sampled(rows_of(100).to_batches(), 0, bounds=bounds, first_row=digest) for digest in (2**64 - 3, 10**30)]
    merged = [one.merged(other).settled() for one, other in (parts, parts[::-1])]
    assert len(merged[0].sample.ordered) == 50
    assert merged[0].sample.ordered.equals(merged[1].sample.ordered)
    assert merged[0].n_rows == 200


def test_the_bytes_of_a_row_are_its_own():
    rows = pa.table({"a": pa.array([1, None], pa.int64()), "b": ["xyz", None], "c": [True, False], "d": pa.nulls(2)})
    assert row_bytes(rows).tolist() == [8 + 7 + 1, 8 + 4 + 1]
    assert row_bytes(rows.slice(1)).tolist() == [13]
