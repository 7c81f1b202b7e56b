"""A table beside normal rows: looked at as a whole, with valid p-values, and only where that is worth it."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

import oddrow
import oddrow.detector._batch_evidence as batch_evidence
from oddrow import VAEDetector
from oddrow.detector._batch_evidence import BatchEvidence, MixtureOdds, Separation
from oddrow.exceptions import DataError, SchemaMismatchError, SettingError
from oddrow.policies import FalseAlarmRate, FalseDiscoveryRate
from oddrow.scoring_constants import DEFAULT_CONSTANTS
from testing.untrained import no_training


def normal_rows(seed, n_rows=500):
    return np.random.default_rng(seed).normal(size=(n_rows, 3))


def shifted(rows, n_odd):
    """The same rows, of which the first lie in a small cluster that no column shows."""
    rows = rows.copy()
    rows[:n_odd, :2] = 0.2 * rows[:n_odd, :2] + [1.6, -1.6]
    return rows


@pytest.fixture(scope="module")
def differing():
    """500 normal rows, and a table of 300 rows of which 90 differ."""
    return normal_rows(0), shifted(normal_rows(1, 300), 90)


@pytest.fixture
def few_trees(monkeypatch):
    """Laws that hold however good the classifier."""
    monkeypatch.setattr(batch_evidence, "N_TREES", 5)


@pytest.fixture(scope="module")
def found(differing):
    with no_training():
        return oddrow.find(differing[1], normal=differing[0], top=300)


def test_rows_that_differ_together_are_found_better_than_one_by_one(found, differing, untrained):
    is_odd = np.arange(300) < 90
    alone = VAEDetector(random_state=0).fit(differing[0]).surprise(differing[1])
    assert found.batch.is_used
    assert roc_auc_score(is_odd, found.surprise) > roc_auc_score(is_odd, alone) + 0.05
    assert found.batch.low <= 0.3 <= found.batch.high
    assert "counts in the scores" in found.notes[-1]
    assert "as a whole" in repr(found)


def test_the_parts_of_a_surprise_add_up_to_it_and_the_table_is_one_of_them(found):
    for row in found.strangest:
        parts = sum(reason.nats for reason in row.reasons) + row.combination_nats + row.other_nats + row.batch_nats
        assert parts == pytest.approx(row.surprise, rel=1e-9)
        shares = sum(reason.share for reason in row.reasons) + row.combination_share + row.other_share + row.batch_share
        assert shares == pytest.approx(1.0)
        assert row.surprise == found.surprise[row.row]
        assert row.p_value == found.p_value[row.row]
        assert row.is_odd == found.is_odd[row.row]
    assert max(row.batch_share for row in found.strangest) > 0.2
    assert "the table as a whole" in repr(max(found.strangest, key=lambda row: row.batch_share))


@pytest.mark.parametrize("n_odd", [0, 6])
def test_where_few_rows_may_be_odd_the_result_is_the_detectors_to_the_bit(untrained, n_odd):
    normal, table = normal_rows(2), shifted(normal_rows(3, 300), n_odd)
    found = oddrow.find(table, normal=normal, top=2)
    detector = VAEDetector(random_state=0).fit(normal)
    assert not found.batch.is_used
    assert found.surprise.tobytes() == detector.surprise(table).tobytes()
    assert found.p_value.tobytes() == detector.p_value(table).tobytes()
    assert found.is_odd.tolist() == (detector.predict(table) < 0).tolist()
    assert found.promise == detector.decide(table).promise
    assert {row.batch_nats for row in found.strangest} == {0.0}
    assert "does not count" in found.notes[-1]


def test_the_order_of_the_tables_rows_does_not_matter(found, differing, untrained):
    order = np.random.default_rng(4).permutation(300)
    again = oddrow.find(differing[1][order], normal=differing[0], explain_all=False)
    assert again.surprise.tobytes() == found.surprise[order].tobytes()
    assert again.p_value.tobytes() == found.p_value[order].tobytes()
    assert again.batch == found.batch


def test_the_same_seed_gives_the_same_result_and_another_seed_other_folds(found, differing, untrained):
    again = oddrow.find(differing[1], normal=differing[0], explain_all=False)
    assert again.surprise.tobytes() == found.surprise.tobytes()
    other = oddrow.find(differing[1], VAEDetector(random_state=1), normal=differing[0], explain_all=False)
    assert other.surprise.tobytes() != found.surprise.tobytes()


def test_equal_rows_have_equal_odds_whichever_of_them_calibrates(few_trees):
    """The law that validity rests on: the odds are a function of the mixed rows as a set."""
    rng = np.random.default_rng(5)
    learned, mixed = (rng.integers(0, 4, size=(n_rows, 3)).astype(np.float32) for n_rows in (80, 60))
    odds = MixtureOdds.learn(learned, mixed, np.random.default_rng(6))
    order = rng.permutation(60)
    again = MixtureOdds.learn(learned, mixed[order], np.random.default_rng(6))
    assert again.normal.tobytes() == odds.normal.tobytes()
    assert again.mixed.tobytes() == odds.mixed[order].tobytes()
    distinct, place = np.unique(mixed, axis=0, return_inverse=True)
    assert len(np.unique(np.column_stack([place.reshape(-1), odds.mixed]), axis=0)) == len(distinct) < 60


@pytest.mark.parametrize("n_odd", [0, 40])
def test_normal_rows_of_the_table_have_valid_p_values_also_where_the_table_counts(untrained, few_trees, n_odd):
    """The share of p-values of normal rows at or below a level, over tables, calibrations and fits, is at most it."""
    shares, used = [], []
    for seed in range(16):
        rows = normal_rows(100 + seed, 160 + 60 + n_odd)
        found = oddrow.find(
            shifted(rows[160:], n_odd), VAEDetector(random_state=seed), normal=rows[:160], explain_all=False, top=1
        )
        p_values = found.p_value[n_odd:]
        assert len(p_values) == 60
        shares.append([float(np.mean(p_values <= level)) for level in (0.1, 0.2, 0.4)])
        used.append(found.batch.is_used)
    assert sum(used) >= 8 if n_odd else sum(used) <= 2
    mean, error = np.mean(shares, axis=0), np.std(shares, axis=0) / np.sqrt(len(shares))
    assert np.all(mean <= [0.1, 0.2, 0.4] + 2.6 * error), (mean, error)
    assert np.all(mean >= [0.04, 0.1, 0.25]), mean


def test_odds_alone_are_exactly_exchangeable_between_calibration_and_table(few_trees):
    """Without a detector: the rank of the table's normal row among the calibration rows is uniform."""
    ranks = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        learned, calibrating = rng.normal(size=(40, 2)), rng.normal(size=(19, 2))
        table = np.concatenate([rng.normal(size=(6, 2)), 3.0 + rng.normal(size=(6, 2))])
        mixed = np.concatenate([calibrating, table]).astype(np.float32)
        nats = MixtureOdds.learn(learned.astype(np.float32), mixed, rng).nats(DEFAULT_CONSTANTS)
        ranks += [(1 + np.sum(nats[:19] >= value)) / 20 for value in nats[19:25]]
    for level in (0.1, 0.25, 0.5):
        assert np.mean(np.array(ranks) <= level + 1e-9) <= level + 3 * np.sqrt(level * (1 - level) / 80)
        assert np.mean(np.array(ranks) <= level + 1e-9) >= 0.5 * level


def test_the_estimated_share_is_the_smallest_that_explains_the_separation():
    rng = np.random.default_rng(7)
    normal, mixed = rng.normal(size=3000), rng.normal(size=2000)
    mixed[:200] += 50.0
    certain = Separation.of(normal, mixed, n_table=1000)
    assert certain.low < 0.2 < certain.high
    assert certain.share == pytest.approx(0.2, abs=0.05)
    mixed[:200] = rng.normal(size=200) + 1.0  # AUROC of 76 % instead of 100 %: about half the share is seen
    assert 0.03 < Separation.of(normal, mixed, n_table=1000).share < certain.share * 0.8
    assert not Separation.of(normal, mixed[200:], n_table=1000).is_enough


def test_one_of_two_separations_is_enough():
    none, some = Separation(0.02, 0.0, 0.06), Separation(0.2, 0.1, 0.3)
    assert BatchEvidence.of(none, some) == BatchEvidence(0.2, 0.1, 0.3, is_used=True)
    assert not BatchEvidence.of(none, Separation(0.2, 0.0, 0.5)).is_used
    assert not BatchEvidence.of(none, Separation(0.04, 0.02, 0.06)).is_used


def test_columns_may_be_in_another_order_and_further_ones_are_ignored(untrained, few_trees, differing):
    names = ("a", "b", "c")
    normal = pa.table(dict(zip(names, differing[0].T, strict=True)))
    table = pa.table({"name": [f"row {row}" for row in range(300)]} | dict(zip(names, differing[1].T, strict=True)))
    plain = oddrow.find(table.select(names), normal=normal, top=1, explain_all=False)
    found = oddrow.find(table.select(["name", "c", "b", "a"]), normal=normal, top=1)
    assert found.surprise.tobytes() == plain.surprise.tobytes()
    assert found.scored.column_names[:4] == ["name", "c", "b", "a"]


def test_policies_decide_and_the_detector_is_kept(untrained, differing):
    normal, table = differing
    detector = VAEDetector(policy=FalseAlarmRate(0.05), random_state=0)
    found = oddrow.find(table, detector, normal=normal, keep=True, explain_all=False)
    assert found.is_odd.tolist() == (found.p_value <= 5 / 101).tolist()
    assert found.detector.surprise(table).tobytes() == VAEDetector(random_state=0).fit(normal).surprise(table).tobytes()
    by_batch = VAEDetector(policy=FalseDiscoveryRate(0.2), random_state=0)
    batch = oddrow.find(table, by_batch, normal=normal, explain_all=False)
    assert batch.is_odd.sum() > 40
    assert batch.is_odd[90:].sum() <= 0.4 * batch.is_odd.sum()  # 0.2 on average over tables


def test_rows_that_the_detector_sets_aside_neither_calibrate_nor_are_normal(untrained, differing):
    normal = differing[0].copy()
    normal[::20] += 7.0
    robust = VAEDetector(clean="robust", random_state=0)
    found = oddrow.find(differing[1], robust, normal=normal, explain_all=False)
    n_aside = len(robust.fit(normal).cleaning_.rows_set_aside)
    assert n_aside > 10
    assert found.batch.is_used
    assert found.promise.n_rows == round(0.2 * (500 - n_aside))
    assert found.p_value.min() <= 0.03  # the rows set aside would be stranger than all


@pytest.mark.parametrize(
    ("table", "normal", "error", "text"),
    [
        (np.zeros((0, 3)), normal_rows(0), DataError, "the table has no rows"),
        (normal_rows(0), normal_rows(0, 19), DataError, "there are 19 normal rows.* at least 20"),
        (normal_rows(0)[:, :2], normal_rows(0), SchemaMismatchError, "the table has 2 columns.* have 3"),
        ({"a": [1.0]}, {"a": np.arange(30) / 7, "b": np.arange(30) / 3}, SchemaMismatchError, "no column 'b'"),
    ],
)
def test_wrong_tables_are_refused_before_the_long_work(table, normal, error, text):
    with pytest.raises(error, match=text):
        oddrow.find(table, normal=normal)


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"contamination": 0.1}, "contamination=0.1"),
        ({"calibration": "cross"}, "calibration='split'"),
        ({"settings": "article"}, "settings='article'"),
        ({"time": "order"}, "depend on each other"),
    ],
)
def test_detectors_that_cannot_calibrate_this_are_refused(parameters, text):
    with pytest.raises(SettingError, match=text):
        oddrow.find(normal_rows(1), VAEDetector(**parameters), normal=normal_rows(0))
