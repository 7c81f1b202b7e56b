"""Calibration by blocks of time and by groups: the promise holds for rows that depend on each other."""

import numpy as np
import pyarrow as pa
import pytest

import oddrow
from oddrow import AutoencoderDetector, FalseAlarmRate, VAEDetector, artifact
from oddrow.exceptions import DataError, SettingError


def rows_in_time(n_rows, seed, phi=0.95, n_columns=4):
    noise = np.random.default_rng(seed).normal(size=(n_rows, n_columns))
    rows = np.zeros((n_rows, n_columns))
    for row in range(1, n_rows):
        rows[row] = phi * rows[row - 1] + np.sqrt(1 - phi**2) * noise[row]
    return rows


def grouped(n_groups, n_rows, seed):
    rng = np.random.default_rng(seed)
    rows = np.repeat(rng.normal(size=(n_groups, 4)), n_rows, axis=0) + 0.2 * rng.normal(size=(n_groups * n_rows, 4))
    columns = {name: rows[:, place] for place, name in enumerate("abcd")}
    return pa.table({"patient": np.repeat([f"{seed}-{group}" for group in range(n_groups)], n_rows), **columns})


def flagged(detector, table):
    return float((detector.predict(table) == -1).mean())


@pytest.mark.filterwarnings("ignore::oddrow.exceptions.DependenceWarning")
def test_later_rows_are_flagged_as_promised_where_a_random_hold_out_flags_too_many(untrained):
    learned, later = rows_in_time(2_000, 0), rows_in_time(20_000, 1)[::5]
    blocks = VAEDetector(time="order", random_state=0).fit(learned)
    promise = blocks.decide(later).promise
    assert promise.low <= flagged(blocks, later) <= promise.high
    assert flagged(VAEDetector(random_state=0).fit(learned), later) > 0.03


@pytest.mark.filterwarnings("ignore::oddrow.exceptions.DependenceWarning")
def test_rows_of_new_groups_are_flagged_as_promised(untrained):
    learned, later = grouped(60, 20, 0), grouped(400, 5, 1)
    by_group = VAEDetector(group="patient", random_state=0).fit(learned)
    promise = by_group.decide(later).promise
    assert promise.source == "group cross-fitted"
    assert promise.low <= flagged(by_group, later) <= promise.high
    random = VAEDetector(columns={"patient": "ignore"}, random_state=0).fit(learned)
    assert flagged(random, later) > 0.2


def test_the_columns_of_time_and_group_are_not_learned_from(untrained):
    table = grouped(20, 20, 0).append_column("turn", pa.array(np.arange(400.0)))
    detector = VAEDetector(time="turn", group="patient", random_state=0).fit(table)
    assert detector.model_.encoding.names == ("a", "b", "c", "d")
    assert "'turn' orders the rows, and is not learned from" in detector.notes_
    kept = VAEDetector(time="turn", group="patient", columns={"patient": "category"}, random_state=0).fit(table)
    assert "patient" in kept.model_.encoding.names


def test_a_timestamp_that_orders_the_rows_is_a_clock_without_jumps(untrained):
    def log(start, n_rows, seed):
        at = np.datetime64("2024-01-01T00:00", "s") + 600 * (start + np.arange(n_rows))
        return {"at": at, "x": np.random.default_rng(seed).normal(size=n_rows)}

    detector = VAEDetector(time="at", random_state=0).fit(log(0, 600, 0))
    assert detector.model_.encoding.names == ("at", "x")
    much_later = detector.model_.encoding.encode(pa.table(log(10**6, 50, 1)))
    assert not much_later.novelty.any()


@pytest.mark.parametrize("order", [{"time": "turn"}, {"group": "patient"}])
def test_the_order_of_the_rows_in_the_table_does_not_change_which_rows_are_held_out(untrained, order):
    table = grouped(30, 10, 0).append_column("turn", pa.array(np.arange(300.0)))
    shuffled = table.take(np.random.default_rng(0).permutation(300))
    promises = [
        VAEDetector(random_state=0, **order).fit(rows).decide(table).promise.n_independent for rows in (table, shuffled)
    ]
    # other folds of groups, or other stopping rows, are drawn, so the scores differ a little
    assert promises[0] == pytest.approx(promises[1], rel=0.7)


def test_the_same_seed_gives_the_same_model_and_a_file_keeps_it(untrained, tmp_path):
    learned = rows_in_time(600, 0)
    first, second = (VAEDetector(time="order", gap=5, random_state=3).fit(learned) for _ in range(2))
    assert first.surprise(learned).tobytes() == second.surprise(learned).tobytes()
    artifact.save(first, tmp_path / "m.oddrow")
    loaded = artifact.load(tmp_path / "m.oddrow")
    assert loaded.surprise(learned).tobytes() == first.surprise(learned).tobytes()
    assert (loaded.calibration, loaded.time, loaded.group, loaded.gap) == ("auto", "order", None, 5)
    assert str(loaded.decide(learned).promise) == str(first.decide(learned).promise)


def test_batches_give_the_same_model_as_the_whole_table(untrained):
    table = grouped(30, 20, 0)
    whole = VAEDetector(group="patient", random_state=0).fit(table)
    batches = VAEDetector(group="patient", random_state=0).fit_batches(table.to_batches(max_chunksize=70))
    assert batches.surprise(table).tobytes() == whole.surprise(table).tobytes()


def test_the_articles_detector_can_be_calibrated_by_blocks(untrained):
    detector = AutoencoderDetector(settings="article", time="order", random_state=0).fit(rows_in_time(500, 0))
    assert detector.model_.calibration.source == "block cross-fitted"


def test_rows_set_aside_are_left_out_of_the_blocks(untrained):
    learned = rows_in_time(800, 0)
    learned[100:110] += 30.0
    detector = VAEDetector(time="order", clean="robust", random_state=0).fit(learned)
    assert set(detector.cleaning_.rows_set_aside) <= set(range(100, 110))
    assert len(detector.cleaning_.rows_set_aside) > 5
    assert detector.model_.calibration.n_rows == 800 - len(detector.cleaning_.rows_set_aside)


def test_a_rate_that_the_dependent_rows_cannot_support_is_refused_by_the_fit(untrained):
    with pytest.raises(SettingError, match="which depend on each other and are worth"):
        VAEDetector(time="order", policy=FalseAlarmRate(0.002), random_state=0).fit(rows_in_time(800, 0, phi=0.98))


def test_without_a_policy_the_rate_is_one_that_the_rows_support(untrained):
    detector = VAEDetector(time="order", random_state=0).fit(rows_in_time(300, 0, phi=0.97))
    promise = detector.decide(rows_in_time(100, 1)).promise
    assert promise.rate * (promise.n_independent + 1) > 0.99


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"time": "when"}, SettingError, "time is 'when', which is not a column of the table; it has 'patient', 'a'"),
        ({"group": "site"}, SettingError, "group is 'site', which is not a column of the table"),
        ({"time": "patient"}, DataError, "holds '0-0', which is neither a time nor a number"),
        ({"calibration": "blocks"}, SettingError, "needs to know which rows depend on each other"),
        ({"calibration": "split", "time": "order"}, SettingError, "no effect with calibration='split'"),
    ],
)
def test_what_cannot_be_done_is_refused(untrained, parameters, error, message):
    with pytest.raises(error, match=message):
        VAEDetector(random_state=0, **parameters).fit(grouped(10, 10, 0))


def test_find_draws_its_folds_at_random_and_refuses_blocks():
    with pytest.raises(SettingError, match="find holds rows out at random"):
        oddrow.find(rows_in_time(200, 0), VAEDetector(time="order", random_state=0))
