import json

import numpy as np
import pyarrow as pa
import pytest

import oddrow
from oddrow.comparison import STATED_KINDS, Jitter, Recombined, StatedKind, Tail, Unseen
from oddrow.comparison._probe_ranking import ProbeRanking, ProbeRun
from oddrow.datasets import make_connections
from oddrow.exceptions import DataError, SettingError


class Blind:
    """A method that sees nothing: its scores are noise."""

    name = "blind"

    def fit(self, _, seed):
        rng = np.random.default_rng(seed)
        return lambda later: rng.random(later.n_rows)


class Failing:
    name = "failing"

    def fit(self, *_):
        raise ValueError("no luck")


class Watching:
    """Knows the rows it was fitted on and scored."""

    name = "watching"

    def __init__(self):
        self.trained, self.scored = [], []

    def fit(self, rows, _):
        self.trained.append(rows.table)
        self.scored.append([])

        def scorer(later):
            self.scored[-1].append(later.table)
            return np.zeros(later.n_rows)

        return scorer


@pytest.fixture(scope="module")
def dependent():
    """Three columns that are one up to noise: what is swapped is odd, though each value is ordinary."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(500, 1)) + 0.05 * rng.normal(size=(500, 3))


@pytest.fixture(scope="module")
def ranking(dependent):
    return oddrow.rank_without_labels(dependent, methods=["ecod", "knn1", Blind()], seeds=4)


def test_the_method_that_sees_the_dependence_is_first_and_the_blind_one_last(ranking):
    assert [rank.method for rank in ranking.ranking] == ["knn1", "ecod", "blind"]
    assert ranking.recommended == "knn1"
    swapped = {rank.method: rank.auroc["swapped"] for rank in ranking.ranking}
    assert swapped["knn1"] > 0.9 > 0.7 > swapped["ecod"]
    assert swapped["blind"] == pytest.approx(0.5, abs=0.1)
    assert ranking.not_told_apart == ()
    assert "knn1 is better than ecod, blind" in ranking.sentences[0]


def test_a_sentence_states_that_twins_do_not_differ(dependent):
    twins = oddrow.rank_without_labels(dependent, methods={"one": "knn1", "other": "knn1"}, seeds=3)
    assert twins.not_told_apart == ("other",)
    assert twins.sentences[0].startswith("no difference seen between one and other")
    single = oddrow.rank_without_labels(dependent, methods=["knn1", "ecod"], seeds=1)
    assert single.ranking[0].score.low is None
    assert "no interval" in single.sentences[0]
    assert single.not_told_apart == ("ecod",)


def test_the_score_is_the_weighted_mean_over_kinds(ranking):
    run = ranking.runs[0]
    total = sum(STATED_KINDS[kind].weight for kind in ranking.weights)
    by_hand = sum(STATED_KINDS[kind].weight * run.auroc[kind] for kind in ranking.weights) / total
    assert ranking.score_of(run) == pytest.approx(by_hand, abs=1e-12)
    first = ranking.ranking[0]
    scores = [ranking.score_of(run) for run in ranking.runs if run.method == first.method]
    assert first.score.mean == pytest.approx(np.mean(scores), abs=1e-12)
    assert first.score.low < first.score.mean < first.score.high


def test_each_row_is_used_once_and_no_probe_equals_a_row():
    x, y = (np.random.default_rng(seed).permutation(400) + 0.5 for seed in (1, 0))
    table = pa.table({"x": x, "y": y})
    watching = Watching()
    oddrow.rank_without_labels(table, methods=[watching], seeds=2)
    everything = set(zip(*table.to_pydict().values(), strict=True))
    for trained, (others, *probes) in zip(watching.trained, watching.scored, strict=True):
        kept, held = (set(zip(*part.to_pydict().values(), strict=True)) for part in (trained, others))
        assert (len(kept), len(held)) == (300, 50)
        assert not kept & held
        assert kept | held <= everything
        for probe in probes:
            assert not set(zip(*probe.to_pydict().values(), strict=True)) & everything
    assert not watching.trained[0].equals(watching.trained[1])


def test_the_same_arguments_give_the_same_ranking(dependent):
    first, again, other = (
        oddrow.rank_without_labels(dependent, methods=["knn1"], seeds=2, random_state=state) for state in (0, 0, 1)
    )
    assert first.to_table().equals(again.to_table())
    assert not first.to_table().equals(other.to_table())


def test_a_mixed_table_with_missing_values_has_all_kinds():
    table = make_connections(300, odd_share=0, random_state=0).table
    found = oddrow.rank_without_labels(table, methods=["knn1"], seeds=2)
    assert set(found.weights) == set(STATED_KINDS)
    assert found.ranking[0].auroc["unseen"] > 0.7


def test_a_ranking_converts_to_a_table_and_to_json(ranking):
    table = ranking.to_table()
    assert table.num_rows == len(ranking.runs) * len(ranking.weights)
    kept = json.loads(json.dumps(ranking.to_dict(), allow_nan=False))
    assert kept["recommended"] == "knn1"
    assert kept["ranking"][0]["score"]["mean"] == ranking.ranking[0].score.mean
    assert list(kept["skipped"]) == ["unseen"]
    assert any("'unseen': no column of categories" in sentence for sentence in ranking.sentences)


def test_a_method_that_fails_is_reported_and_the_others_go_on(dependent):
    found = oddrow.rank_without_labels(dependent, methods=[Failing(), "knn1"], seeds=2)
    assert [rank.method for rank in found.ranking] == ["knn1", "failing"]
    assert found.ranking[1].score is None
    assert "failing is not ranked, since it failed: ValueError: no luck" in found.sentences
    alone = oddrow.rank_without_labels(dependent, methods=[Failing()], seeds=2)
    assert alone.recommended is None
    assert alone.sentences[0] == "every method failed: there is no ranking"
    json.dumps(alone.to_dict(), allow_nan=False)


def test_the_test_corrects_for_the_overlap_of_splits():
    def not_told_apart(rows_held_out):
        scores = {"a": (0.82, 0.84, 0.86), "b": (0.80, 0.81, 0.82)}  # they differ by .02, .03, .04
        runs = tuple(
            ProbeRun(name, seed, {"tail": value}, {"tail": value}, 0.0, None)
            for name, values in scores.items()
            for seed, value in enumerate(values)
        )
        return ProbeRanking(runs, {"tail": 1.0}, {}, (0, 1, 2), 200, 100, rows_held_out).not_told_apart

    # t = 3 / sqrt(1 / 3 + held out / training), against 4.30 of two degrees of freedom
    assert not_told_apart(10) == ()  # 4.56
    assert not_told_apart(25) == ("b",)  # 3.93


def test_kinds_of_weight_zero_are_reported_and_not_in_the_score(dependent):
    kinds = {"tail": StatedKind(Tail(), 1.0, ""), "jitter": StatedKind(Jitter(), 0.0, "")}
    found = oddrow.rank_without_labels(dependent, methods=["knn1"], seeds=2, kinds=kinds)
    run = found.runs[0]
    assert set(run.auroc) == {"tail", "jitter"}
    assert found.score_of(run) == pytest.approx(run.auroc["tail"], abs=1e-12)
    only = oddrow.rank_without_labels(
        dependent, methods=["knn1"], seeds=2, kinds={**kinds, "tail": StatedKind(Unseen(), 1.0, "")}
    )
    assert only.score_of(only.runs[0]) == pytest.approx(only.runs[0].auroc["jitter"], abs=1e-12)


@pytest.mark.parametrize(
    ("table", "arguments", "error", "words"),
    [
        (np.zeros((19, 2)), {}, DataError, "19 rows; a ranking without labels needs at least 20"),
        ({"one": ["a", "b"] * 50}, {"kinds": {"s": StatedKind(Recombined(), 1.0, "")}}, DataError, "fewer than two"),
        (np.zeros((50, 2)), {"random_state": -1}, SettingError, "random_state is -1"),
        (np.zeros((50, 2)), {"max_rows": 0}, SettingError, "max_rows is 0"),
        (np.zeros((50, 2)), {"kinds": {}}, SettingError, "kinds is empty"),
        (np.zeros((50, 2)), {"seeds": 0}, SettingError, "seeds is 0"),
        (np.zeros((50, 2)), {"methods": ["magic"]}, SettingError, "'magic' is no method"),
    ],
)
def test_invalid_arguments_of_a_ranking_are_refused(table, arguments, error, words):
    with pytest.raises(error, match=words):
        oddrow.rank_without_labels(table, **{"methods": ["knn1"], **arguments})


def test_max_rows_draws_a_random_sample(dependent):
    found = oddrow.rank_without_labels(dependent, methods=["knn1"], seeds=1, max_rows=100)
    assert (found.rows, found.rows_train, found.rows_held_out) == (100, 75, 25)
