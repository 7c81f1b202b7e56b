"""Detectors of windows and of entity features: which rows have scores, and that nothing else decides on them."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pytest
from sklearn.base import clone

import oddrow
from oddrow import AlertBudget, AutoencoderDetector, FalseDiscoveryRate, FixedSurprise, VAEDetector, files
from oddrow.exceptions import DataError, SchemaMismatchError, SettingError
from oddrow.sequences import EntityHistory, Windows, prepared_table
from testing.untrained import no_training

LENGTH = 3
WINDOWS = Windows("at", "machine", length=LENGTH)
HISTORY = EntityHistory("machine", "at")
SPECS = {"windows": WINDOWS, "history": HISTORY}


def make_rows(n_rows=120, seed=0, start="2024-05-01"):
    """Rows of three machines in the order of time, all at different times."""
    rng = np.random.default_rng(seed)
    at = np.datetime64(start, "s") + np.cumsum(rng.integers(1, 4_000, n_rows)).astype("timedelta64[s]")
    return pa.table(
        {
            "at": at,
            "machine": rng.choice(["a", "b", "c"], n_rows),
            "pressure": np.round(rng.normal(50, 2, n_rows), 2),
            "state": rng.choice(["ok", "warm", "hot"], n_rows),
            "checked": (at - np.timedelta64(1, "D")).astype("datetime64[s]"),
        }
    )


TABLE = make_rows()


def fit(spec, table=TABLE, kind=VAEDetector, **parameters):
    """Weights as they are drawn, and a calibration of one fit."""
    with no_training():
        return kind(sequences=spec, random_state=0, **{"calibration": "split"} | parameters).fit(table)


@pytest.fixture(scope="module")
def fitted():
    return {name: fit(spec) for name, spec in SPECS.items()}


@pytest.fixture(params=SPECS)
def detector(request, fitted):
    return fitted[request.param]


def number_in_entity(table):
    """The number of each row among the rows of its machine, from 1 on, in the order of time."""
    counts, numbers = {}, np.zeros(table.num_rows, int)
    for row in np.argsort(table["at"].to_numpy(), kind="stable"):
        name = table["machine"][row].as_py()
        counts[name] = numbers[row] = counts.get(name, 0) + 1
    return numbers


# Which rows have a score ----------------------------------------------------------------------------------------------


def test_a_row_without_a_window_has_no_score_and_is_not_odd(fitted):
    detector = fitted["windows"]
    is_early = number_in_entity(TABLE) < LENGTH
    assert is_early.sum() == 3 * (LENGTH - 1)
    for scores in (detector.surprise, detector.p_value, detector.score_samples, detector.decision_function):
        assert np.array_equal(np.isnan(scores(TABLE)), is_early)
    assert np.array_equal(np.isnan(detector.embed(TABLE)).all(axis=1), is_early)
    assert np.array_equal(np.isnan(detector.latent_map(TABLE)).all(axis=1), is_early)
    assert np.all(detector.predict(TABLE)[is_early] == 1)
    decision = detector.decide(TABLE, FixedSurprise(0.0))
    assert len(decision.is_odd) == TABLE.num_rows
    assert not decision.is_odd[is_early].any()
    assert decision.is_odd[~is_early].any()


def test_with_entity_features_each_row_has_a_score(fitted):
    assert not np.isnan(fitted["history"].surprise(TABLE)).any()


def test_scores_are_those_of_the_derived_rows(detector):
    prepared = prepared_table(detector.model_.preparation, TABLE)
    expected = detector.model_.score(prepared.table)
    assert np.array_equal(detector.surprise(TABLE)[prepared.row], expected.surprise)
    assert np.array_equal(detector.p_value(TABLE)[prepared.row], expected.p_value)
    assert np.array_equal(detector.score_samples(TABLE)[prepared.row], -expected.surprise)


def test_an_explanation_has_the_number_of_its_row_in_the_table(detector):
    surprise = detector.surprise(TABLE)
    found = detector.explain(TABLE, top=1)
    assert [one.row for one in found] == np.flatnonzero(~np.isnan(surprise)).tolist()
    assert [one.surprise for one in found] == surprise[~np.isnan(surprise)].tolist()
    names = detector.model_.encoding.names
    assert {reason.column for one in found for reason in one.reasons} <= {*names}


def test_an_explanation_of_a_data_frame_has_its_index(fitted):
    frame = TABLE.to_pandas().set_index(pd.Index([f"r{row}" for row in range(TABLE.num_rows)]))
    detector = fitted["windows"]
    found = detector.explain(frame, top=1)
    assert [one.index for one in found] == [f"r{one.row}" for one in found]
    assert np.array_equal(detector.surprise(frame), detector.surprise(TABLE), equal_nan=True)


def test_the_order_of_the_rows_of_a_table_in_memory_does_not_matter(detector):
    order = np.random.default_rng(1).permutation(TABLE.num_rows)
    shuffled = TABLE.take(pa.array(order))
    assert np.array_equal(detector.surprise(shuffled), detector.surprise(TABLE)[order], equal_nan=True)
    assert np.array_equal(detector.predict(shuffled), detector.predict(TABLE)[order])
    assert [one.row for one in detector.explain(shuffled)] == sorted(one.row for one in detector.explain(shuffled))


def test_the_order_of_training_rows_does_not_change_what_is_derived(detector):
    shuffled = TABLE.take(pa.array(np.random.default_rng(1).permutation(TABLE.num_rows)))
    assert detector.sequences.learn(shuffled).columns == detector.model_.preparation.columns


def test_a_later_row_changes_no_score_of_an_earlier_one(detector):
    half = TABLE.num_rows // 2
    assert np.array_equal(detector.surprise(TABLE.slice(0, half)), detector.surprise(TABLE)[:half], equal_nan=True)


@pytest.mark.parametrize("n_rows", [0, 1, 2])
def test_a_table_without_a_full_window_is_scored(fitted, n_rows):
    detector, rows = fitted["windows"], TABLE.slice(0, n_rows)
    assert np.isnan(detector.surprise(rows)).tolist() == [True] * n_rows
    assert detector.predict(rows).tolist() == [1] * n_rows
    assert detector.explain(rows) == ()
    assert detector.decide(rows).is_odd.tolist() == [False] * n_rows
    assert detector.embed(rows).shape == (n_rows, detector.model_.network.shape.n_latent)


# Columns --------------------------------------------------------------------------------------------------------------


def test_windows_are_learned_from_and_entity_features_beside_the_columns_of_the_row(fitted):
    windows, history = (fitted[name].model_ for name in ("windows", "history"))
    assert {"pressure", "machine", "state"}.isdisjoint(windows.encoding.names)
    assert {"at", "pressure.mean", "state=hot", "at.since"} <= {*windows.encoding.names}
    assert {"at", "pressure", "state", "pressure.sum_day", "state.is_first"} <= {*history.encoding.names}
    assert windows.sources == ("at", "machine", "pressure", "state")
    assert {*history.sources} == {"at", "machine", "pressure", "state", "checked"}


def test_the_entity_is_learned_only_if_columns_says_so(detector):
    assert "machine" not in detector.model_.encoding.names
    learned = fit(detector.sequences, columns={"machine": "category"}, settings="article")
    assert "machine" in learned.model_.encoding.names


def test_an_ignored_column_gives_nothing(detector):
    learned = fit(detector.sequences, columns={"pressure": "ignore"}, settings="article")
    assert not [name for name in learned.model_.encoding.names if name.startswith("pressure")]
    assert "pressure" not in learned.model_.sources
    assert np.isfinite(learned.surprise(TABLE.drop_columns(["pressure"]))).any()


def test_kinds_may_be_given_for_raw_and_for_derived_columns(fitted):
    columns = {"pressure": "category", "state=hot": "ignore"}
    names = fit(WINDOWS, columns=columns, settings="article").model_.encoding.names
    assert "pressure.mean" not in names
    assert "pressure.distinct" in names
    assert "state=hot" not in names


def test_settings_of_all_columns_reach_the_raw_ones(detector):
    pressure = pa.array([f"{value}" if row % 10 else "?" for row, value in enumerate(TABLE["pressure"].to_pylist())])
    written = TABLE.set_column(TABLE.column_names.index("pressure"), "pressure", pressure)
    learned = fit(detector.sequences, written, columns={"*": "; missing=?", "pressure": "number"}, settings="article")
    (pressure_schema,) = (one for one in learned.model_.preparation.schema.columns if one.name == "pressure")
    assert pressure_schema.kind == "number"
    assert np.isfinite(learned.surprise(written)).any()


def test_text_of_a_csv_file_and_typed_data_give_the_same_model(detector, tmp_path):
    pyarrow.csv.write_csv(TABLE, tmp_path / "rows.csv")
    written = files.open(tmp_path / "rows.csv").read()
    assert {str(column.type) for column in written.columns} == {"string"}
    from_text = fit(detector.sequences, written)
    kinds = [(one.name, one.kind) for one in from_text.model_.encoding.schema.columns]
    assert kinds == [(one.name, one.kind) for one in detector.model_.encoding.schema.columns]
    expected = detector.surprise(TABLE)
    assert np.array_equal(from_text.surprise(written), expected, equal_nan=True)
    assert np.array_equal(from_text.surprise(TABLE), expected, equal_nan=True)
    assert np.array_equal(detector.surprise(written), expected, equal_nan=True)


@pytest.mark.parametrize("kind", [VAEDetector, AutoencoderDetector])
def test_an_array_has_columns_by_their_numbers(kind):
    rows = np.column_stack([np.arange(60.0), np.random.default_rng(0).normal(size=(60, 2))])
    detector = fit(Windows("x0", length=5), rows, kind)
    assert np.isnan(detector.surprise(rows)).sum() == 4
    assert detector.n_features_in_ == 3


# Learning -------------------------------------------------------------------------------------------------------------


def test_batches_with_a_learned_plan_give_the_model_of_the_whole_table(detector):
    with no_training():
        in_batches = VAEDetector(sequences=detector.sequences.learn(TABLE), calibration="split", random_state=0)
        in_batches.fit_batches(TABLE.to_batches(max_chunksize=17))
    assert np.array_equal(in_batches.surprise(TABLE), detector.surprise(TABLE), equal_nan=True)
    assert list(in_batches.feature_names_in_) == TABLE.column_names == list(detector.feature_names_in_)
    assert in_batches.model_.encoding == detector.model_.encoding


def test_a_file_gives_back_the_detector(detector, tmp_path):
    oddrow.save(detector, tmp_path / "model.oddrow")
    loaded = oddrow.load(tmp_path / "model.oddrow")
    assert loaded.sequences == loaded.model_.preparation == detector.model_.preparation
    assert loaded.get_params() | {"sequences": None} == detector.get_params() | {"sequences": None}
    for method in ("surprise", "p_value", "decision_function", "predict", "embed", "latent_map"):
        assert getattr(loaded, method)(TABLE).tobytes() == getattr(detector, method)(TABLE).tobytes()
    assert loaded.explain(TABLE) == detector.explain(TABLE)


def test_a_clone_has_the_specification_and_learns_it_again(detector):
    copied = clone(detector)
    assert copied.sequences == detector.sequences
    assert not hasattr(copied, "model_")
    assert detector.get_params()["sequences"] is detector.sequences
    later = make_rows(seed=5)
    with no_training():
        assert (
            copied.fit(later.rename_columns(["at", "machine", "load", "state", "checked"])).model_.sources[2] == "load"
        )


@pytest.mark.parametrize("group", [None, "machine"])
def test_rows_that_share_rows_are_held_out_together(detector, group):
    with no_training():
        blocks = VAEDetector(sequences=detector.sequences, group=group, settings="article", random_state=0).fit(TABLE)
    expected = "block cross-fitted" if group is None else "group cross-fitted"
    assert blocks.model_.calibration.source == expected
    assert blocks.model_.calibration.n_effective is not None
    assert detector.model_.calibration.n_effective is None  # split was asked for


# Policies that look at all rows ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "policy",
    [FalseDiscoveryRate(0.9), AlertBudget(2, 10), AlertBudget(9, "day", "at"), AlertBudget(9, "day", "checked")],
    ids=str,
)
def test_a_policy_decides_on_the_rows_that_have_a_score(detector, policy):
    rows = make_rows(seed=1)
    pressure = np.where(np.arange(rows.num_rows) % 4, rows["pressure"].to_numpy(), 900.0)
    rows = rows.set_column(2, "pressure", pa.array(pressure))
    decision, surprise = detector.decide(rows, policy), detector.surprise(rows)
    scored = np.flatnonzero(~np.isnan(surprise))
    assert not decision.is_odd[np.isnan(surprise)].any()
    assert decision.is_odd.any()
    assert surprise[decision.is_odd].min() >= decision.threshold
    if isinstance(policy, AlertBudget) and policy.per == "day":
        days = rows[policy.column].to_numpy().astype("datetime64[D]")
        assert np.unique(days[decision.is_odd], return_counts=True)[1].max() <= policy.alerts
    elif isinstance(policy, AlertBudget):
        per_window = np.add.reduceat(decision.is_odd[scored], np.arange(0, len(scored), policy.per))
        assert per_window.max() <= policy.alerts


def test_the_only_time_of_windows_is_the_day_of_a_budget(fitted):
    days = fitted["windows"].decide(TABLE, AlertBudget(9, "day"))
    assert np.array_equal(days.is_odd, fitted["windows"].decide(TABLE, AlertBudget(9, "day", "at")).is_odd)


# Errors ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_rows", [1, 2, 3])
def test_a_table_with_fewer_than_two_windows_is_too_short(n_rows):
    rows = TABLE.filter(pa.compute.equal(TABLE["machine"], "a")).slice(0, n_rows)
    with pytest.raises(DataError, match=r"full window ends .*in the table; fitting needs at least 2.*shorter windows"):
        fit(WINDOWS, rows)
    with pytest.raises(DataError, match=r"fitting needs at least 2.*shorter windows"):
        VAEDetector(sequences=WINDOWS.learn(TABLE)).fit_batches(rows.to_batches())


def test_no_rows_are_no_table_to_learn_from():
    with pytest.raises(DataError, match="no rows"):
        fit(WINDOWS, TABLE.slice(0, 0))
    for batches in ([], TABLE.slice(0, 0).to_batches()):
        with pytest.raises(DataError):
            VAEDetector(sequences=WINDOWS.learn(TABLE)).fit_batches(batches)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_a_specification_is_not_learned_from_batches(spec):
    with pytest.raises(SettingError, match="sequences in batches must be learned beforehand"):
        VAEDetector(sequences=spec).fit_batches(TABLE.to_batches())


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_parts_that_are_sampled_apart_have_no_order(spec):
    with pytest.raises(SettingError, match="all rows in order"):
        VAEDetector(sequences=spec).sampling()
    sample = VAEDetector().sampling().part(TABLE.to_batches())
    with pytest.raises(SettingError, match="all rows in order"):
        VAEDetector(sequences=spec).fit_sampled(sample)


def test_sequences_go_with_no_encoding_and_no_start(detector):
    with pytest.raises(SettingError, match="together with sequences"):
        VAEDetector(sequences=detector.sequences, encoding=detector.model_.encoding).fit(TABLE)
    with pytest.raises(SettingError, match="together with sequences"):
        VAEDetector(sequences=detector.sequences).fit(TABLE, start_from=detector)


@pytest.mark.parametrize("sequences", ["windows", 16, Windows, {"length": 16}])
def test_sequences_are_a_specification(sequences):
    with pytest.raises(SettingError, match=r"sequences is .*give Windows"):
        VAEDetector(sequences=sequences).fit(TABLE)


def test_a_column_that_the_table_does_not_have_is_named(detector):
    for missing in ("at", "machine"):
        with pytest.raises(SettingError, match=f"sequences name the column '{missing}'"):
            VAEDetector(sequences=detector.sequences).fit(TABLE.drop_columns([missing]))
    with pytest.raises(SettingError, match="'presure' is named as 'number' but is not in the table"):
        fit(detector.sequences, columns={"presure": "number"})
    with pytest.raises(SchemaMismatchError, match="'pressure' is missing"):
        detector.surprise(TABLE.drop_columns(["pressure"]))


def test_a_row_without_a_time_is_named(detector):
    times = TABLE["at"].to_pylist()
    times[7] = None
    place = TABLE.column_names.index("at")
    with pytest.raises(DataError, match=r"row 7, counted from 0: .*time.* is missing"):
        detector.surprise(TABLE.set_column(place, "at", pa.array(times, TABLE.schema.field("at").type)))


def test_batches_out_of_order_are_refused(detector):
    batches = TABLE.to_batches(max_chunksize=60)
    with pytest.raises(DataError, match="sort the rows by"):
        VAEDetector(sequences=detector.model_.preparation).fit_batches(batches[::-1])
