"""How many independent rows the calibration rows of a dependent folding are worth."""

import numpy as np
import pytest

from oddrow.calibration import effective_rows
from oddrow.exceptions import DataError
from oddrow.fitting._folding import Folding, _stretches
from oddrow.fitting._folds import Fold, block_folds
from oddrow.scoring_constants import DEFAULT_CONSTANTS


def worth(scores, position, gap):
    folds = block_folds(position, gap)
    folding = Folding(folds, "block cross-fitted", clusters=_stretches(position, gap))
    return folding.calibration([scores[fold.held_out] for fold in folds], DEFAULT_CONSTANTS).n_effective


@pytest.mark.parametrize(
    ("n_times", "gap", "lengths"),
    [(3_000, 0, [60, 150]), (3_000, 20, [60, 100, 150]), (3_000, 100, [60, 100, 150, 200, 500]), (10, 0, [1])],
)
def test_stretches_are_as_long_as_gaps_and_as_parts_of_the_time(n_times, gap, lengths):
    position = np.arange(n_times)[::-1]
    assert [np.bincount(cluster)[0] for cluster in _stretches(position, gap)] == lengths


def test_the_stretches_that_show_the_most_dependence_count():
    rng = np.random.default_rng(0)
    level = np.repeat(rng.normal(size=30), 100)  # lasts longer than the gap
    scores, position = level + rng.normal(size=3_000), np.arange(3_000)
    each = [effective_rows(scores, cluster) for cluster in _stretches(position, 10)]
    assert worth(scores, position, 10) == pytest.approx(min(each))
    assert min(each) < 0.8 * max(each)


def test_the_order_of_the_rows_in_the_table_does_not_matter():
    rng = np.random.default_rng(0)
    scores, position = np.repeat(rng.normal(size=100), 20), np.arange(2_000)
    shuffled = rng.permutation(2_000)
    assert worth(scores[shuffled], position[shuffled], 5) == pytest.approx(worth(scores, position, 5))


def test_rows_of_a_random_folding_are_worth_themselves():
    folds = [Fold(np.arange(5), np.arange(5, 10)), Fold(np.arange(5, 10), np.arange(5))]
    calibration = Folding(folds, "cross-fitted").calibration([np.arange(5.0), np.arange(5.0)], DEFAULT_CONSTANTS)
    assert calibration.n_effective is None


def test_a_gap_that_leaves_no_row_to_learn_from_is_refused():
    with pytest.raises(DataError, match=r"a gap of 1,000 leaves no row to learn from .* 60 times"):
        block_folds(np.arange(60), 1_000)
