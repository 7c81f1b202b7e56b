"""Remembered rows that depend on a row are passed over, unless an equal row occurs elsewhere."""

import numpy as np

from oddrow.views._memory import Memory
from oddrow.views._occurrences import Moments, Occurrences
from oddrow.views._surroundings import Reach


def occurrences(positions, gap, group=None):
    """Each list holds the positions of the rows that equal one remembered row."""
    keys = [bytes([row]) for row, places in enumerate(positions) for _ in places]
    moments = Moments(np.concatenate(positions), gap) if group is None else Moments(None, 0, np.concatenate(group))
    return Occurrences.of(keys, [bytes([row]) for row in range(len(positions))], moments)


def test_rows_within_the_gap_depend_on_each_other():
    found = occurrences([np.array([place]) for place in (0, 2, 5)], gap=2).dependent_on(np.arange(3))
    assert found.tolist() == [[True, True, False], [True, True, False], [False, False, True]]


def test_a_row_that_also_occurs_elsewhere_is_evidence():
    found = occurrences([np.array([0]), np.array([1, 50])], gap=2).dependent_on(np.array([0]))
    assert found.tolist() == [[True, False]]


def test_rows_of_one_group_depend_on_each_other():
    places = [np.array([place]) for place in range(3)]
    found = occurrences(places, 0, [np.array([0]), np.array([0]), np.array([1])]).dependent_on(np.array([0]))
    assert found.tolist() == [[True, True, False]]


def test_neighbours_are_searched_beyond_the_gap():
    """Row i is at i: without a gap the nearest rows are the neighbours in time, with a gap of 3 those 4 steps apart."""
    memory = Memory.of(np.arange(40.0)[:, None])
    near = Reach.among(memory)
    found = occurrences([np.array([place]) for place in range(40)], gap=3)
    apart = Reach.among(memory, found)
    assert near.furthest[20] == 5.0
    assert apart.furthest[20] == 8.0
    assert apart.mean[20] == np.mean([4, 4, 5, 5, 6, 6, 7, 7, 8, 8])


def test_dependent_rows_are_taken_if_too_few_others_are_left():
    memory = Memory.of(np.arange(5.0)[:, None])
    dependent = np.array([[True, True, True, True, False]])
    assert memory.nearest(np.array([[2.2]]), 1, None, dependent).tolist() == [[4]]
    assert sorted(memory.nearest(np.array([[2.2]]), 2, None, dependent)[0].tolist()) == [2, 3]
