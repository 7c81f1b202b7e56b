"""The quality benchmark: what it splits, what it keeps, and the arithmetic of its tables."""

import importlib.util
import itertools

import numpy as np
import pytest
from scipy.stats import wilcoxon

from benchmarks.quality import quality
from benchmarks.quality._protocols import NoSplitError, SetFile, set_files
from benchmarks.quality._results import COLUMNS, Result, append, prepare, read
from benchmarks.quality._standings import aligned, grid, paired, table
from benchmarks.quality._versions import rival_version


@pytest.fixture
def adbench(tmp_path):
    """100 normal rows and 20 anomalies; the only column numbers the rows, in no order, so that a row is known again."""
    folder = tmp_path / "adbench"
    folder.mkdir()
    number = np.random.default_rng(0).permutation(120)
    np.savez(folder / "7_counted.npz", X=number[:, None] + 0.5, y=number >= 100)
    return SetFile(folder / "7_counted.npz")


def result(**changes):
    values = dict.fromkeys(COLUMNS, "") | {"protocol": "half", "seed": 0, "max_rows": 9, "n_train": 5, "n_test": 6}
    values |= {"n_features": 2, "anomaly_share": 0.25, "auroc": 0.5, "ap": 0.5, "fit_seconds": 1.0}
    return Result(**(values | {"score_seconds": 0.5, "set": "a/b", "method": "knn1", "commit": "c"} | changes))


def failed(**changes):
    return result(auroc=None, ap=None, fit_seconds=None, score_seconds=None, error="DataError: no", **changes)


def rows_of(part):
    return set(part[:, 0].astype(int))


def test_half_of_the_normal_rows_are_training_rows_and_all_others_are_test_rows(adbench):
    split = adbench.split("half", 0, 1_000)
    assert len(split.training) == 50 and rows_of(split.training) < set(range(100))
    assert rows_of(split.test) == set(range(120)) - rows_of(split.training)
    assert np.array_equal(split.is_anomaly, split.test[:, 0] >= 100)
    assert rows_of(adbench.split("half", 0, 1_000).training) == rows_of(split.training)
    assert rows_of(adbench.split("half", 1, 1_000).training) != rows_of(split.training)


def test_a_cap_keeps_the_share_of_anomalies(adbench):
    split = adbench.split("half", 0, 14)
    assert (len(split.training), len(split.test), int(split.is_anomaly.sum())) == (14, 28, 8)  # 20 of 70, 8 of 28
    assert not rows_of(split.training) & rows_of(split.test)
    split = adbench.split("contaminated", 0, 60)
    assert (len(split.training), int(split.is_anomaly.sum())) == (60, 10)
    assert split.training is split.test


def test_a_cap_keeps_at_least_one_row_of_each_label(tmp_path):
    np.savez(tmp_path / "rare.npz", X=np.arange(1000.0)[:, None], y=np.arange(1000) == 7)
    split = SetFile(tmp_path / "rare.npz").split("half", 0, 20)
    assert (len(split.test), int(split.is_anomaly.sum())) == (40, 1)


def test_the_shipped_split_is_kept(tmp_path):
    training, test = np.arange(10.0)[:, None], np.arange(10.0, 16.0)[:, None]
    training[3] = np.nan
    np.savez(tmp_path / "s.npz", X_train=training, X_test=test, y_test=np.array([0, 1, 0, 0, 1, 0], np.int8))
    file = SetFile(tmp_path / "s.npz")
    assert file.protocols == ("shipped",)
    split = file.split("shipped", 0, 100)
    assert np.array_equal(split.training, training, equal_nan=True) and np.array_equal(split.test, test)
    assert split.is_anomaly.tolist() == [False, True, False, False, True, False]
    assert len(file.split("shipped", 0, 4).training) == 4


def test_a_set_without_anomalies_has_no_split(tmp_path):
    np.savez(tmp_path / "calm.npz", X=np.zeros((9, 2)), y=np.zeros(9))
    with pytest.raises(NoSplitError, match=r"calm: 4 rows train and 0 of 5 in the test are anomalies"):
        SetFile(tmp_path / "calm.npz").split("half", 0, 100)


def test_sets_are_chosen_by_number_and_by_name(adbench):
    folder = adbench.path.parent
    np.savez(folder / "8_other.npz", X=np.zeros((2, 1)), y=np.zeros(2))
    assert [file.path.stem for file in set_files([folder], ["1"])] == ["7_counted"]
    for name in ("other", "8_other", "adbench/8_other"):
        assert [file.path.stem for file in set_files([folder], [name])] == ["8_other"]
    with pytest.raises(ValueError, match=r"no set 'third'"):
        set_files([folder], ["third"])
    with pytest.raises(ValueError, match=r"holds no \.npz file"):
        set_files([folder / "missing"], [])


def test_results_are_read_back_without_broken_lines(tmp_path):
    path = tmp_path / "new" / "results.csv"
    prepare(path)
    kept = [result(seed=0), failed(seed=1), result(seed=2, error="")]
    for one in kept:
        append(path, one)
    whole = path.read_bytes()
    assert read(path) == kept
    for cut in (*range(0, len(whole), 11), len(whole) - 1, len(whole)):
        path.write_bytes(whole[:cut])
        prepare(path)
        append(path, result(seed=7))
        assert [one.seed for one in read(path)] == [*range(max(whole[:cut].count(b"\n") - 1, 0)), 7]


def test_the_last_result_of_a_run_counts(tmp_path):
    path = tmp_path / "results.csv"
    prepare(path)
    append(path, failed())
    append(path, result(auroc=0.75))
    assert [(one.auroc, one.error) for one in read(path)] == [(0.75, "")]


def test_a_file_that_holds_no_results_is_refused_and_not_changed(tmp_path):
    path = tmp_path / "notes.csv"
    for content in (b"a,b\n1,2\n", b"half a line"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="--results"):
            prepare(path)
        assert path.read_bytes() == content


def test_figures_are_means_over_seeds_that_all_methods_have():
    results = [
        result(set="one", method="x", seed=0, auroc=0.6, ap=0.2),
        result(set="one", method="x", seed=1, auroc=0.8, ap=0.4),
        result(set="one", method="x", seed=2, auroc=0.1, ap=0.1),  # which y has not
        result(set="one", method="y", seed=0, auroc=0.5, ap=0.5),
        result(set="one", method="y", seed=1, auroc=0.7, ap=0.7),
        result(set="two", method="x", auroc=0.9),
    ]
    compared = grid(results, ["x", "y"])
    assert compared.sets == ("one",) and compared.unfinished == ("two",)
    assert compared.auroc == pytest.approx(np.array([[0.7, 0.6]]))
    assert compared.ap == pytest.approx(np.array([[0.3, 0.6]]))
    assert compared.ranks("auroc").tolist() == [[1, 2]] and compared.ranks("ap").tolist() == [[2, 1]]


def test_a_method_that_fails_counts_as_a_guess_is_last_and_is_named():
    results = [
        failed(set="one", method="x"),
        result(set="one", method="y", auroc=0.3, ap=0.1),
        result(set="one", method="z", auroc=0.3, ap=0.1),
    ]
    compared = grid(results, ["x", "y", "z"])
    assert compared.auroc.tolist() == [[0.5, 0.3, 0.3]] and compared.ap.tolist() == [[0.25, 0.1, 0.1]]
    assert compared.ranks("auroc").tolist() == [[3, 1.5, 1.5]]
    assert "x failed on one: counted as a guess, and last in rank" in table(compared, "x")


def test_paired_differences_have_known_answers():
    other = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 0.4])
    gain = np.array([0.1, 0.2, 0.0003, -0.05, 0.03, 0.04])
    found = paired(other + gain, other)
    assert found.mean == pytest.approx(gain.mean())
    assert (found.wins, found.ties, found.losses) == (4, 1, 1)
    # every sign of the ranks 5, 6, 1, 4, 2, 3 is as likely: those at least as far from balance as rank sum 4 against 17
    sums = [sum(np.array([5, 6, 1, 4, 2, 3]) * signs) for signs in itertools.product([0, 1], repeat=6)]
    assert found.p == pytest.approx(np.mean([min(one, 21 - one) <= 4 for one in sums]))
    assert found.low < found.mean < found.high
    back = paired(other, other + gain)
    assert (back.mean, back.wins, back.losses, back.p) == (-found.mean, found.losses, found.wins, found.p)


def test_the_interval_is_the_one_of_the_mean():
    difference = np.random.default_rng(0).normal(0.02, 0.1, 200)
    found = paired(difference, np.zeros(200))
    error = difference.std() / np.sqrt(200)
    assert [found.low, found.high] == pytest.approx(difference.mean() + 1.96 * error * np.array([-1, 1]), abs=0.002)
    assert found.p == pytest.approx(wilcoxon(difference).pvalue)


def test_the_share_of_the_five_best_sets_is_of_the_sum_of_all_differences():
    gain = np.array([0.05, -0.02, 0.01, 0.04, 0.03, 0.02, -0.04, 0.01])  # the five largest: .15, all: .10
    assert paired(gain, np.zeros(8)).best_share == pytest.approx(1.5)
    assert paired(np.full(20, 0.01), np.zeros(20)).best_share == pytest.approx(0.25)
    assert paired(gain[:3], np.zeros(3)).best_share == pytest.approx(1.0)  # fewer sets than five are all of them


def test_there_is_no_share_of_a_gain_where_there_is_no_gain():
    gain = np.array([0.5, -0.25, -0.25, 0.0, 0.0, 0.0])
    assert paired(gain, np.zeros(6)).best_share is None
    assert paired(gain - 0.01, np.zeros(6)).best_share is None


def test_a_table_shows_medians_and_shares_beside_means():
    figures = {"x": (0.9, 0.9, 0.6), "y": (0.7, 0.5, 0.5)}
    results = [
        result(set=f"a/{at}", method=name, auroc=auroc, ap=auroc / 2)
        for name, of in figures.items()
        for at, auroc in enumerate(of)
    ]
    heading, first, second = (line.split() for line in table(grid(results, ["x", "y"]), "x"))
    assert heading[:5] == ["method", "AUROC", "median", "AP", "median"]
    assert first[:5] == ["x", "80.00", "90.00", "40.00", "45.00"]
    assert second[:5] == ["y", "56.67", "50.00", "28.33", "25.00"]
    assert second[-4:] == ["100", "%", "100", "%"]


def test_cells_stand_under_their_headings():
    assert aligned([["name", "n"], ["a", "100"], ["b"]]) == ["name    n", "a     100", "b   "]


def test_equal_figures_are_ties_with_a_p_value_of_one():
    found = paired(np.full(5, 0.1 + 0.2), np.full(5, 0.3))
    assert (found.mean, found.ties, found.p) == (0.0, 5, 1.0)


def test_the_version_of_a_rival_changes_only_with_its_code(tmp_path):
    source = '''
"""Methods."""
FACTOR = {factor}
OTHER = {other}
def learn(rows, seed):
    """{said}"""
    return lambda later: FACTOR * later[:, 0]
def unused():
    return OTHER
'''

    def versioned(factor=1, other=1, said="first"):
        path = tmp_path / "rival.py"
        path.write_text(source.format(factor=factor, other=other, said=said))
        module = importlib.util.module_from_spec(spec := importlib.util.spec_from_file_location("rival", path))
        spec.loader.exec_module(module)
        return rival_version(module)

    first = versioned()
    assert versioned(other=2, said="the same, said better") == first
    assert versioned(factor=2) != first


def test_a_benchmark_goes_on_where_it_was_killed(adbench, tmp_path, capsys):
    path = tmp_path / "results.csv"

    def printed(*arguments):
        folder = str(adbench.path.parent)
        quality.main(["--data", folder, "--results", str(path), "--jobs", "1", *arguments])
        return capsys.readouterr().out

    chosen = ["--methods", "knn1,pca", "--reference", "knn1", "--protocol", "half", "--seeds", "2"]
    first = printed(*chosen)
    assert "4 runs to do" in first and "### half: 1 sets, up to 2 seeds" in first
    assert [one.auroc for one in read(path) if one.method == "pca"] == [1.0, 1.0]  # which are the furthest out
    path.write_bytes(path.read_bytes()[:-9])
    again = printed(*chosen)
    assert "1 runs to do" in again and "seed 1  pca" in again
    assert "0 runs to do" in printed(*chosen)
    assert "1 runs to do" not in printed(*chosen, "--summary-only")
    assert "2 runs to do" in printed(*chosen[:-1], "1", "--max-rows", "20")


def test_a_method_that_raises_is_recorded_as_a_failed_result(adbench, tmp_path, monkeypatch, capsys):
    class Broken:
        name = "broken"

        def fit(self, *_):
            raise ArithmeticError("two\nlines")

    monkeypatch.setattr("benchmarks.quality._runs.method_of", lambda _: Broken())
    path = tmp_path / "results.csv"
    arguments = ["--data", str(adbench.path.parent), "--results", str(path), "--jobs", "1", "--methods", "broken"]
    quality.main([*arguments, "--protocol", "contaminated"])
    assert [(one.method, one.auroc, one.error) for one in read(path)] == [
        ("broken", None, "ArithmeticError: two lines")
    ]
    assert "broken failed on adbench/7_counted" in capsys.readouterr().out
