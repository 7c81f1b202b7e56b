"""The normal rows that are shown beside an explained row are the nearest remembered ones, in original units."""

import numpy as np
import pytest

from oddrow import VAEDetector
from oddrow.columns import EncodedTable
from oddrow.exceptions import SettingError
from oddrow.explanation import value_text
from oddrow.report._nearest_rows import _within, nearest_rows
from oddrow.surprise import IsolationEvidence
from testing.untrained import no_training


@pytest.fixture(scope="module")
def encoded(vae, labelled):
    return vae.model_.encoding.encode(labelled.table)


def naive(model, encoded, count):
    """The squared distances [n, count] to the nearest remembered rows, by comparing every pair."""
    remembered = model.surprise_model.evidence_model.views.basis.normal_rows
    ours, theirs = (remembered.ranks.apply(rows).astype(np.float64) for rows in (encoded.rows, remembered.rows))
    squares = np.stack([((one - theirs) ** 2).sum(axis=1) for one in ours])
    return np.sort(squares, axis=1)[:, :count]


def test_neighbours_are_those_of_a_naive_search(vae, encoded):
    some = encoded.take(np.arange(150))
    found = vae.model_.surprise_model.nearest(some, 3)
    assert found.place.shape == found.distance.shape == (150, 3)
    np.testing.assert_allclose(found.distance**2, naive(vae.model_, some, 3), rtol=1e-9, atol=1e-9)
    assert (np.diff(found.distance, axis=1) >= 0).all()


def test_a_remembered_row_is_not_its_own_neighbour(vae):
    remembered = vae.model_.surprise_model.evidence_model.views.basis.normal_rows
    rows = remembered.rows[:50]
    known = EncodedTable(rows, np.ones((50, 16), np.bool_), np.zeros((50, 16)))
    found = vae.model_.surprise_model.nearest(known, 3)
    assert remembered.is_single[:50].all()
    assert (found.distance > 0).all()


def test_neighbours_do_not_depend_on_the_other_rows(vae, encoded):
    together = vae.model_.surprise_model.nearest(encoded, 3)
    for row in (0, 17, 999):
        alone = vae.model_.surprise_model.nearest(encoded.take(np.array([row])), 3)
        np.testing.assert_array_equal(alone.distance[0], together.distance[row])
        np.testing.assert_array_equal(alone.normal.rows[alone.place[0]], together.normal.rows[together.place[row]])


def test_cells_are_the_values_of_training_rows(vae, encoded, connections):
    found = nearest_rows(vae.model_, encoded.take(np.arange(40)))
    names = vae.model_.encoding.names
    exact = ("protocol", "service", "state", "source_port", "destination_port", "packets", "encrypted", "country")
    training = {
        tuple(None if row[name] is None else value_text(row[name]) for name in exact)
        for row in connections.select(exact).to_pylist()
    }
    shown = list(zip(*(found.values[names.index(name)] for name in exact), strict=True))
    assert len(shown) >= 40
    assert set(shown) <= training


def test_each_normal_row_is_given_once(vae, encoded):
    found = nearest_rows(vae.model_, encoded.take(np.arange(300)))
    n_normal = len(found.values[0])
    assert all(len(column) == n_normal for column in found.values)
    assert {place for row in found.of_row for place in row} == set(range(n_normal))
    assert all(len(row) == 3 == len(set(row)) for row in found.of_row)
    assert n_normal < 900


def test_the_shown_columns_are_those_asked_for(vae, encoded):
    every = nearest_rows(vae.model_, encoded.take(np.arange(20)))
    some = nearest_rows(vae.model_, encoded.take(np.arange(20)), [5, 2])
    assert some.columns == (5, 2)
    assert some.values == (every.values[5], every.values[2])
    assert some.of_row == every.of_row


def test_the_first_rows_get_what_the_budget_allows(vae, encoded):
    every = nearest_rows(vae.model_, encoded)
    few = nearest_rows(vae.model_, encoded, most_cells=16 * 100)
    assert every.of_at_most(16 * 100) == few
    assert len(few.values[0]) <= 100
    assert few.of_row[:33] == every.of_row[:33]
    assert () in few.of_row
    for ours, theirs in zip(few.of_row, every.of_row, strict=True):
        for one, two in zip(ours, theirs, strict=False):  # a row has all of its neighbours or none
            assert [column[one] for column in few.values] == [column[two] for column in every.values]
    assert len(few.of_row) == len(encoded.rows)
    first = nearest_rows(vae.model_, encoded, most_rows=7)
    assert [len(row) for row in first.of_row] == [3] * 7 + [0] * 993
    assert nearest_rows(vae.model_, encoded, most_cells=0).of_row == ((),) * 1_000


@pytest.fixture(scope="module")
def article(connections):
    with no_training():
        return VAEDetector(settings="article", random_state=0).fit(connections.slice(0, 400)).model_


def test_evidence_with_isolation_remembers_the_rows_of_its_views(vae, encoded):
    views = vae.model_.surprise_model.evidence_model
    isolating = IsolationEvidence.learn(views, encoded, np.random.default_rng(0))
    some = encoded.take(np.arange(20))
    ours, theirs = isolating.nearest(some, 3), views.nearest(some, 3)
    np.testing.assert_array_equal(ours.distance, theirs.distance)
    np.testing.assert_array_equal(ours.normal.rows[ours.place], theirs.normal.rows[theirs.place])


def test_a_model_without_remembered_rows_gives_none(article, labelled):
    found = nearest_rows(article, article.encoding.encode(labelled.table))
    assert found.of_row == ((),) * labelled.table.num_rows
    assert set(found.values) == {()}


def test_no_rows_have_no_neighbours(vae, encoded):
    assert nearest_rows(vae.model_, encoded.take(np.arange(0))).of_row == ()


def test_a_column_that_the_model_lacks_is_refused(vae, encoded):
    with pytest.raises(SettingError, match=r"columns has 16; give indices from 0 to 15"):
        nearest_rows(vae.model_, encoded, [16])


def test_a_row_without_room_for_its_neighbours_does_not_stop_later_ones():
    kept, of_row = _within([[7, 8, 9], [3, 4, 5], [9, 7, 2]], 4)
    assert kept == [7, 8, 9, 2]
    assert of_row == [(0, 1, 2), (), (2, 0, 3)]
