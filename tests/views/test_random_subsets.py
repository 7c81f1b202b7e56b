"""Random subsets find what is odd in few of many columns, and are the same ones in every fit."""

from dataclasses import replace

import numpy as np
import pytest

import oddrow
from oddrow.columns import TableEncoding, TableSchema
from oddrow.scoring_constants import DEFAULT_CONSTANTS
from oddrow.table import as_table
from oddrow.views._random_subsets import RandomSubsetsView
from oddrow.views._subset_neighbours import SubsetNeighbours
from testing.untrained import no_training
from tests.support.view_rows import basis_of, context_of, rows_of


def learned(rows, seed=0, constants=DEFAULT_CONSTANTS):
    table = as_table(rows)
    encoding = TableEncoding.learn(TableSchema.infer(table), table)
    encoded = encoding.encode(table)
    basis = basis_of(encoding, encoded, constants)
    context = context_of(basis, encoded, seed=seed)
    return encoding, basis, context, RandomSubsetsView.learn(context)


def test_every_second_subset_is_searched_among_the_ranks():
    constants = replace(DEFAULT_CONSTANTS, random_subsets=5)
    view = learned(np.random.default_rng(3).normal(size=(60, 10)), constants=constants)[3]
    assert view.neighbours.is_ranked.tolist() == [True, False, True, False, True]


def totals(view, basis, encoded):
    return view.score(rows_of(basis, encoded)).total


def test_a_row_odd_in_2_of_40_columns_is_found():
    """Among numbers with heavy tails; within all columns together fewer of these rows are found."""
    rng = np.random.default_rng(0)
    encoding, basis, context, view = learned(rng.standard_t(2, size=(1_500, 40)))
    rows = rng.standard_t(2, size=(600, 40))
    for row in range(300):
        rows[row, rng.choice(40, 2, replace=False)] = rng.choice([-40.0, 40.0], 2)
    encoded = encoding.encode(as_table(rows))
    whole = SubsetNeighbours.learn(context, np.ones((1, 40), np.bool_), np.ones(1, np.bool_))

    def separation(scores):
        return np.mean(scores[:300, None] > scores[300:])

    within = separation(totals(view, basis, encoded))
    assert within > separation(totals(whole, basis, encoded)) + 0.01
    assert within > 0.9
    parts = view.score(rows_of(basis, encoded)).by_column[:300]
    odd = np.abs(rows[:300]) == 40.0
    assert np.median(parts[odd].reshape(300, 2).sum(axis=1) / parts.sum(axis=1)) > 2 * 2 / 40


def test_every_fit_has_the_same_subsets():
    rng = np.random.default_rng(1)
    found = [learned(rng.normal(size=(100, 12)), seed)[3].neighbours.members for seed in range(3)]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    assert len(found[0]) == DEFAULT_CONSTANTS.random_subsets


@pytest.mark.parametrize("parameters", [{"calibration": "cross"}, {"calibration": "blocks", "time": "order"}])
def test_all_fits_of_a_cross_calibration_have_the_same_subsets(monkeypatch, parameters):
    learn, members = RandomSubsetsView.learn, []

    def noted(context):
        view = learn(context)
        members.append(view.neighbours.members)
        return view

    monkeypatch.setattr(RandomSubsetsView, "learn", noted)
    with no_training():
        oddrow.VAEDetector(random_state=0, **parameters).fit(np.random.default_rng(0).normal(size=(200, 9)))
    assert len(members) == 6
    for other in members[1:]:
        np.testing.assert_array_equal(members[0], other)


@pytest.mark.parametrize(("n_columns", "n_subsets"), [(1, 1), (2, 2), (3, 6)])
def test_few_columns_have_few_subsets(n_columns, n_subsets):
    rows = np.random.default_rng(2).normal(size=(80, n_columns))
    encoding, basis, _, view = learned(rows, constants=replace(DEFAULT_CONSTANTS, random_subsets=40))
    assert len(view.neighbours.members) == n_subsets
    score = view.score(rows_of(basis, encoding.encode(as_table(rows + 1e-3))))
    assert np.isfinite(score.total).all() and (score.total > 0).all()
    assert (score.by_column.max(axis=0) > 0).all()


def test_the_number_and_the_size_of_the_subsets_are_constants_of_the_model():
    constants = replace(DEFAULT_CONSTANTS, random_subsets=3, min_subset_share=0.5, max_subset_share=0.5)
    members = learned(np.random.default_rng(3).normal(size=(60, 10)), constants=constants)[3].neighbours.members
    assert members.shape == (3, 10)
    assert (members.sum(axis=1) == 5).all()


def test_the_same_seed_gives_the_same_bits_and_a_loaded_model_too(tmp_path):
    rng = np.random.default_rng(4)
    rows, new = rng.normal(size=(300, 6)), rng.normal(size=(50, 6))
    with no_training():
        one, again = (oddrow.VAEDetector(random_state=7).fit(rows) for _ in range(2))
    oddrow.save(one, tmp_path / "m.oddrow")
    loaded = oddrow.load(tmp_path / "m.oddrow")
    assert one.surprise(new).tobytes() == again.surprise(new).tobytes() == loaded.surprise(new).tobytes()
    assert oddrow.artifact.dumps(one) == oddrow.artifact.dumps(again)


def test_where_many_rows_have_duplicates_an_equal_row_has_no_distance():
    rows = np.random.default_rng(5).integers(0, 5, (400, 3)).astype(float)
    encoding, basis, _, view = learned(rows)
    encoded = encoding.encode(as_table(rows))
    assert not basis.normal_rows.has_few_duplicates
    score = view.score(rows_of(basis, encoded))
    assert not score.by_column.any()
    assert totals(view, basis, encoding.encode(as_table(np.array([[0.0, 3.5, 0.5]])))) > score.total.max()
