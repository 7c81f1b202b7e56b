"""The processes whose later rows are measured, and how they are measured."""

import json

import numpy as np
import pytest

from benchmarks.promises import processes

RNG_SEED = 0


def test_there_are_forty_processes_a_quarter_of_them_windows():
    assert len(processes.processes()) == 40
    assert len(processes.window_processes()) == 10


def test_autoregressive_columns_have_variance_one_and_the_correlation_of_their_coefficient():
    rows = processes.autoregressive(200_000, np.random.default_rng(RNG_SEED), width=2, phi=0.9)
    assert np.allclose(rows.var(axis=0), 1.0, atol=0.05)
    assert np.allclose(np.mean(rows[1:] * rows[:-1], axis=0), 0.9, atol=0.05)
    firsts = [processes.autoregressive(1, np.random.default_rng(s), width=1, phi=0.98)[0, 0] for s in range(500)]
    assert np.var(firsts) == pytest.approx(1.0, abs=0.2)  # stationary from the first step


def test_volatile_rows_have_variance_one_and_squares_that_correlate():
    rows = processes.volatile(100_000, np.random.default_rng(RNG_SEED), width=3, reaction=0.1, memory=0.85)
    assert np.allclose(rows.var(axis=0), 1.0, atol=0.1)
    power = np.mean(rows**2, axis=1)
    assert np.corrcoef(power[1:], power[:-1])[0, 1] > 0.1


def test_regimes_last_as_long_as_stated():
    rng = np.random.default_rng(RNG_SEED)
    rows = processes.regimes(30_000, rng, width=8, n_regimes=2, duration=50)
    axis = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)[2][0]
    along = rows @ axis
    smooth = np.convolve(along - along.mean(), np.ones(9), "same") > 0
    changes = np.sum(smooth[1:] != smooth[:-1])
    assert 30_000 / 50 / 2 < changes < 30_000 / 50 * 1.5


def test_window_statistics_of_a_straight_line():
    found = processes.window_statistics(np.arange(10.0)[:, None], length=4, step=3)
    assert found.shape == (3, 6)
    mean, deviation, smallest, largest, last, trend = found.T
    assert mean.tolist() == [1.5, 4.5, 7.5]
    assert np.allclose(deviation, np.sqrt(1.25))
    assert smallest.tolist() == [0.0, 3.0, 6.0]
    assert largest.tolist() == last.tolist() == [3.0, 6.0, 9.0]
    assert np.allclose(trend, 1.0)


def test_later_rows_of_groups_come_from_new_or_from_the_same_groups():
    rng = np.random.default_rng(RNG_SEED)
    new = processes.in_new_groups(rng, groups=3, rows_each=5, width=2, effect=1.0)
    assert new.training.num_rows == 15
    assert not set(new.training["customer"].to_pylist()) & set(new.later["customer"].to_pylist())
    same = processes.in_same_groups(rng, groups=4, rows_each=5, width=2, effect=5.0, phi=0.5, time="hour")
    means = [
        table.group_by("machine").aggregate([("sensor 1", "mean")]).sort_by("machine")["sensor 1_mean"].to_numpy()
        for table in (same.training, same.later)
    ]
    assert np.allclose(*means, atol=2.5)
    assert same.training["hour"].to_pylist()[-1] < same.later["hour"].to_pylist()[0] - processes.APART + 1


def test_results_of_a_file_are_not_computed_again(tmp_path, monkeypatch, capsys):
    computed = []

    def both(name, draw, seed):
        computed.append(name)
        split = {"share": 0.03, "error": 0.001, "low": 0.005, "high": 0.02, "n_effective": 600.0}
        return {"process": name, "seed": seed, "rows": 3_000, "split": split, "blocks": split | {"share": 0.01}}

    monkeypatch.setattr(processes, "both", both)
    results = tmp_path / "results.jsonl"
    processes.main(["--results", str(results), "--only", "GARCH"])
    assert len(computed) == 2
    processes.main(["--results", str(results), "--only", "GARCH", "seasonal 24, noise 0.5"])
    assert computed[2:] == ["seasonal 24, noise 0.5"]
    assert len([json.loads(line) for line in results.read_text().splitlines()]) == 3
    processes.main(["--results", str(results), "--only", "seasonal 24, noise 0.5", "--seed", "1"])
    assert computed[3:] == ["seasonal 24, noise 0.5"]
    assert "3 processes; inside the promised interval: 0 by the split, 3 by blocks" in capsys.readouterr().out
