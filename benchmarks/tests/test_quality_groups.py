"""Groups and halves of sets in the quality benchmark."""

import numpy as np
import pytest

from benchmarks.quality import quality
from benchmarks.quality._groups import GROUPINGS, SetProperties, group_table
from benchmarks.quality._results import COLUMNS, Result
from benchmarks.quality._standings import grid


def test_copies_are_rows_that_equal_another_in_all_columns():
    rows = np.array([[1, 2], [1, 2], [1, 3], [np.nan, 0.0], [np.nan, -0.0], [2, 1]])
    assert SetProperties.of(rows).copied_share == pytest.approx(4 / 6)
    assert SetProperties.of(np.arange(10.0)[:, None]).copied_share == 0
    assert SetProperties.of(np.zeros((10, 3))).copied_share == 1


def test_a_column_is_discrete_with_at_most_20_values_missing_ones_not_counted():
    numbers = np.arange(100.0)
    missing = np.where(numbers % 21 == 20, np.nan, numbers % 21)
    of = SetProperties.of(np.column_stack([numbers, numbers % 20, numbers % 21, missing]))
    assert (of.n_rows, of.n_columns, of.discrete_share) == (100, 4, 0.5)


def test_properties_do_not_depend_on_the_order_of_rows():
    rows = np.random.default_rng(0).integers(3, size=(200, 5)).astype(float)
    assert SetProperties.of(rows) == SetProperties.of(rows[::-1])


@pytest.mark.parametrize("grouping", GROUPINGS)
def test_each_set_is_in_one_group(grouping):
    shares = (0.0, 0.049, 0.05, 0.3, 1 / 3, 0.4, 0.41, 0.5, 2 / 3, 0.67, 1.0)
    every = [SetProperties(share, count, count, share) for share in shares for count in (1, 5, 6, 10, 11, 30, 31, 499)]
    every += [SetProperties(0.0, 1, count, 0.0) for count in (500, 2_000, 2_001, 10_000)]
    for of in every:
        assert sum(belongs(of) for _, belongs in GROUPINGS[grouping]) == 1


def test_5_and_40_percent_of_copies_are_in_the_middle_group():
    groups = GROUPINGS["rows that have a copy"]
    found = [[label for label, belongs in groups if belongs(SetProperties(share, 2, 9, 0))] for share in (0.05, 0.4)]
    assert found == [["5-40 %"], ["5-40 %"]]


def test_a_group_is_compared_on_its_own_sets():
    figures = {"a": (0.9, 0.8), "b": (0.7, 0.4), "c": (0.5, 0.9)}
    values = dict.fromkeys(COLUMNS, "") | {"protocol": "half", "seed": 0, "max_rows": 9, "fit_seconds": 1.0}
    values |= {"n_train": 5, "n_test": 6, "n_features": 2, "anomaly_share": 0.5, "score_seconds": 1.0, "commit": "c"}
    results = [
        Result(**(values | {"set": name, "method": method, "auroc": auroc, "ap": auroc}))
        for name, both in figures.items()
        for method, auroc in zip(("x", "y"), both, strict=True)
    ]
    like = {"a": SetProperties(0.0, 3, 100, 0.0), "b": SetProperties(0.2, 3, 600, 0.0)}
    like["c"] = SetProperties(0.2, 40, 600, 0.5)
    lines = group_table(grid(results, ["x", "y"]), like, "x", "y")[1:]
    assert [line[: line.index("  ")] for line in lines] == [
        "rows that have a copy < 5 %",
        "rows that have a copy 5-40 %",
        "columns <= 5",
        "columns > 30",
        "training rows < 500",
        "training rows 500-2,000",
        "columns of at most 20 values < 1/3",
        "columns of at most 20 values 1/3-2/3",
    ]
    assert lines[1].split()[7:11] == ["2", "60.00", "65.00", "-5.00"]  # of b and c: sets, both means, difference


@pytest.fixture
def folders(tmp_path):
    for folder, names in {"first": "dacb", "second": "xy"}.items():
        (tmp_path / folder).mkdir()
        for name in names:
            np.savez(tmp_path / folder / f"{name}.npz", X=np.arange(6.0)[:, None], y=np.arange(6) == 5)
    return [str(tmp_path / "first"), str(tmp_path / "second")]


def chosen_names(folders, *arguments):
    return [file.name for file in quality.files_of(quality.options(["--data", *folders, *arguments]))]


def test_halves_are_every_second_set_of_each_folder_by_name(folders):
    assert chosen_names(folders, "--half", "even") == ["first/a", "first/c", "second/x"]
    assert chosen_names(folders, "--half", "odd") == ["first/b", "first/d", "second/y"]
    assert len(chosen_names(folders)) == 6


def test_a_half_does_not_depend_on_which_sets_are_wanted(folders):
    assert chosen_names(folders, "--half", "even", "--sets", "c", "b") == ["first/c"]
    assert chosen_names(folders, "--half", "odd", "--sets", "2") == ["first/b", "second/y"]
    with pytest.raises(ValueError, match=r"none of the sets b is in the even half; give --half all"):
        chosen_names(folders, "--half", "even", "--sets", "b")


def test_a_summary_of_a_half_shows_its_sets_alone(folders, tmp_path, capsys):
    arguments = ["--data", *folders, "--results", str(tmp_path / "r.csv"), "--jobs", "1", "--protocol", "contaminated"]
    arguments += ["--methods", "knn1,knn5", "--reference", "knn5"]
    quality.main(arguments)
    whole = capsys.readouterr().out
    assert "### contaminated: 6 sets" in whole and "knn5 against knn1 by group of sets" in whole
    quality.main([*arguments, "--half", "odd", "--summary-only"])
    half = capsys.readouterr().out
    assert "### contaminated: 3 sets" in half
    assert [line.split()[3] for line in half.splitlines() if line.startswith("columns <= 5")] == ["3"]
