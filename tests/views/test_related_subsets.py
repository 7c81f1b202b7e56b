"""Related subsets hold a column with those that depend on it, so a broken combination is far from every row."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

import oddrow
from oddrow.columns import TableEncoding, TableSchema
from oddrow.scoring_constants import DEFAULT_CONSTANTS
from oddrow.table import as_table
from oddrow.views._related_subsets import RelatedSubsetsView
from oddrow.views._subset_neighbours import random_members
from testing.untrained import no_training
from tests.support.view_rows import basis_of, context_of, rows_of

HALVES = replace(DEFAULT_CONSTANTS, min_subset_share=0.5, max_subset_share=0.5, related_subsets=8)


def learned(table, constants=DEFAULT_CONSTANTS, **settings):
    encoding = TableEncoding.learn(TableSchema.infer(table), table)
    encoded = encoding.encode(table)
    basis = basis_of(encoding, encoded, constants)
    context = context_of(basis, encoded, **settings)
    return encoding, basis, context, RelatedSubsetsView.learn(context)


def two_blocks(n_rows, rng):
    """float64 [n, 8]: even columns depend on each other, and odd ones."""
    sources = rng.normal(size=(n_rows, 2))
    return np.tile(sources, 4) + 0.1 * rng.normal(size=(n_rows, 8))


def test_a_subset_holds_columns_that_depend_on_each_other():
    _, _, _, view = learned(as_table(two_blocks(500, np.random.default_rng(0))), HALVES)
    assert view.neighbours.members.astype(int).tolist() in ([[1, 0] * 4, [0, 1] * 4], [[0, 1] * 4, [1, 0] * 4])


def test_a_combination_that_never_occurs_is_far_from_all_rows():
    rng = np.random.default_rng(1)
    encoding, basis, _, view = learned(as_table(two_blocks(800, rng)), HALVES)
    rows = two_blocks(100, rng)
    ordinary = view.score(rows_of(basis, encoding.encode(as_table(rows))))
    rows[:, 2] *= -1.0
    is_broken = np.abs(rows[:, 2]) > 0.7
    broken = view.score(rows_of(basis, encoding.encode(as_table(rows))))
    assert (broken.total[is_broken] > np.quantile(ordinary.total, 0.9)).all()
    shares = broken.by_column / broken.by_column.sum(axis=1, keepdims=True)
    assert np.median(shares[is_broken, 0::2].sum(axis=1)) > 0.9
    assert np.median(shares[is_broken].argmax(axis=1)) == 2


def test_between_dependent_rows_the_subsets_are_random():
    table = as_table(two_blocks(300, np.random.default_rng(2)))
    _, _, context, view = learned(table, is_dependent=True)
    expected = random_members(context, DEFAULT_CONSTANTS.related_subsets, np.random.default_rng(1))
    np.testing.assert_array_equal(view.neighbours.members, expected)
    assert not np.array_equal(learned(table)[3].neighbours.members, expected)


@pytest.mark.parametrize("n_columns", [1, 2, 3])
def test_few_columns_have_few_subsets(n_columns):
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(200, 1)) + 0.05 * rng.normal(size=(200, n_columns))
    encoding, basis, _, view = learned(as_table(rows))
    assert 1 <= len(view.neighbours.members) <= n_columns
    assert n_columns != 2 or view.neighbours.members.all()
    score = view.score(rows_of(basis, encoding.encode(as_table(rows + 1e-3))))
    assert np.isfinite(score.total).all() and (score.total > 0).all()


def test_constant_columns_are_in_no_subset_and_alone_make_none():
    rng = np.random.default_rng(4)
    mixed = pa.table({"site": ["home"] * 90, "a": rng.normal(size=90), "zone": rng.choice(list("xyz"), 90)})
    assert not learned(mixed)[3].neighbours.members[:, 0].any()
    encoding, basis, _, view = learned(pa.table({"site": ["home"] * 90, "owner": ["me"] * 90}))
    assert view.neighbours.members.shape == (0, 2)
    assert not view.score(rows_of(basis, encoding.encode(pa.table({"site": ["away"], "owner": ["me"]})))).total.any()


def test_many_variables_are_searched_in_a_sample():
    constants = replace(DEFAULT_CONSTANTS, search_parts=3)
    members = learned(as_table(two_blocks(200, np.random.default_rng(5))), constants)[3].neighbours.members
    assert (members.sum(axis=1) <= 4).all()  # the column and the candidates
    assert len(members) >= 1


def test_the_subsets_are_saved_with_the_model(tmp_path):
    rows = two_blocks(200, np.random.default_rng(6))
    with no_training():
        detector = oddrow.VAEDetector(random_state=0).fit(rows)
    oddrow.save(detector, tmp_path / "m.oddrow")
    loaded = oddrow.load(tmp_path / "m.oddrow")
    one, other = (
        each.model_.surprise_model.evidence_model.views.named("related_subsets").neighbours
        for each in (detector, loaded)
    )
    np.testing.assert_array_equal(one.members, other.members)
    assert detector.surprise(rows).tobytes() == loaded.surprise(rows).tobytes()
