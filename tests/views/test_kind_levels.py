"""Levels of kinds: a higher score of a repeated kind is subtracted, a higher score of a few rows is not."""

import numpy as np
import pyarrow as pa
import pytest

from oddrow.columns import TableEncoding, TableSchema
from oddrow.views import KindLevels


def encoded(**columns):
    table = pa.table(columns)
    encoding = TableEncoding.learn(TableSchema.infer(table, {"shop": "category"} if "shop" in columns else {}), table)
    return encoding.layout, encoding.encode(table).rows


@pytest.fixture(scope="module")
def shops():
    """2,000 rows of three frequent shops and one that five rows have, and ordinary scores of all."""
    rng = np.random.default_rng(0)
    names = np.array(["grocer"] * 1_200 + ["baker"] * 675 + ["jeweller"] * 120 + ["astronomer"] * 5)
    layout, rows = encoded(shop=names.tolist(), amount=rng.normal(size=2_000))
    return names, layout, rows, rng.exponential(size=2_000)


def test_the_level_is_the_difference_of_all_rows_of_a_kind_to_the_typical_kind(shops):
    names, layout, rows, scores = shops
    levels = KindLevels.learn(layout, rows, scores + 4.0 * (names == "jeweller")).of(rows)
    assert set(levels[names == "jeweller"]) == {levels.max()}
    assert 3.0 < levels.max() < 4.5  # a standard error of .4 less, and sampling
    assert levels[names == "grocer"].max() < 0.3


def test_kinds_with_lower_scores_have_level_zero(shops):
    names, layout, rows, scores = shops
    levels = KindLevels.learn(layout, rows, scores - 4.0 * (names == "jeweller")).of(rows)
    assert (levels[names == "jeweller"] == 0).all()


def test_a_few_odd_rows_do_not_raise_the_level_of_their_kind(shops):
    names, layout, rows, scores = shops
    of_baker = np.flatnonzero(names == "baker")[:20]
    odd = scores.copy()
    odd[of_baker] += 50.0  # three percent of the bakers
    levels = KindLevels.learn(layout, rows, odd).of(rows)
    assert levels[of_baker].max() < 1.5


def test_a_kind_of_few_rows_has_a_lower_level(shops):
    names, layout, rows, scores = shops
    of_few, of_many = (
        KindLevels.learn(layout, rows, scores * 0.1 + scores.std() * (names == name)).of(rows)[names == name].max()
        for name in ("astronomer", "jeweller")
    )
    assert of_few < of_many


def test_a_table_of_numbers_has_no_kinds():
    layout, rows = encoded(x=np.random.default_rng(0).normal(size=100), y=np.arange(100.0))
    levels = KindLevels.learn(layout, rows, np.arange(100.0))
    assert (levels.of(rows) == 0).all()
    assert levels.highest == 0
    distances = np.random.default_rng(1).exponential(size=100)
    assert (KindLevels.of_distances(layout, rows, distances).relative(rows, distances) == distances).all()


def test_levels_are_computed_for_zero_rows_and_zero_distances(shops):
    _, layout, rows, _ = shops
    assert (KindLevels.learn(layout, rows[:0], np.zeros(0)).of(rows) == 0).all()
    nothing = np.zeros(len(rows))
    assert (KindLevels.of_distances(layout, rows, nothing).relative(rows, nothing) == 0).all()
