from collections import Counter
from dataclasses import FrozenInstanceError
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddrow import datasets
from oddrow.datasets import ODDNESS_KINDS, make_connections
from oddrow.exceptions import SettingError

PAIRS = [
    ("destination_port", "service"),
    ("protocol", "service"),
    ("state", "protocol"),
    ("encrypted", "service"),
]


@cache
def ordinary_table():
    return make_connections(40_000, odd_share=0, random_state=11).table


def column(table, name):
    return table[name].to_numpy(zero_copy_only=False)


def hour(row):
    return row["started"].hour


class Ordinary:
    """What ordinary rows never do, learned from many of them: a second account beside the generator's."""

    def __init__(self, table):
        rows = table.to_pylist()
        self.never_missing = [name for name in table.column_names if table[name].null_count == 0]
        self.largest = {
            name: max(row[name] for row in rows if row[name] is not None)
            for name in ["bytes_sent", "failed_logins", "round_trip_ms"]
        }
        self.seen = {name: {row[name] for row in rows} for name in ["service", "interface_version"]}
        self.together = {pair: {tuple(row[name] for name in pair) for row in rows} for pair in PAIRS}
        frequent = {service for service, count in Counter(row["service"] for row in rows).items() if count > 500}
        self.asleep = frequent - {row["service"] for row in rows if 2 <= hour(row) < 5}

    def contradictions(self, row):
        """The columns, alone or in pairs, in which no ordinary row is like this one."""
        alone = {name for name in self.never_missing if row[name] is None}
        alone |= {name for name, most in self.largest.items() if row[name] is not None and row[name] > 3 * most}
        alone |= {name for name, values in self.seen.items() if row[name] not in values}
        pairs = {
            pair
            for pair, values in self.together.items()
            if not alone & set(pair) and tuple(row[name] for name in pair) not in values
        }
        if "started" not in alone and hour(row) in (2, 3, 4) and row["service"] in self.asleep:
            pairs.add(("started", "service"))
        return {(name,) for name in alone} | pairs


@cache
def learned():
    return Ordinary(ordinary_table())


def assert_same(one, other):
    assert one.table.equals(other.table)
    assert np.array_equal(one.is_odd, other.is_odd)
    assert one.reasons == other.reasons
    assert one.kinds == other.kinds


def test_the_same_seed_gives_the_same_table_and_the_same_truth():
    first = make_connections(300, odd_share=0.2, random_state=5)
    assert_same(first, make_connections(300, odd_share=0.2, random_state=5))
    assert_same(first, make_connections(300, odd_share=0.2, random_state=np.int64(5)))
    assert_same(first, make_connections(np.int64(300), odd_share=0.2, random_state=np.random.default_rng(5)))


def test_other_seeds_no_seed_and_a_used_generator_give_other_tables():
    first = make_connections(50, random_state=5).table
    rng = np.random.default_rng(5)
    make_connections(50, random_state=rng)
    assert not first.equals(make_connections(50, random_state=6).table)
    assert not first.equals(make_connections(50, random_state=rng).table)
    assert not make_connections(50).table.equals(make_connections(50).table)


def test_global_randomness_is_neither_used_nor_moved():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    make_connections(100, odd_share=0.5)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@given(n_rows=st.integers(1, 60), odd_share=st.floats(0, 1), seed=st.integers(0, 2**32))
def test_the_number_of_odd_rows_is_exact_and_the_truth_agrees_with_itself(n_rows, odd_share, seed):
    made = make_connections(n_rows, odd_share=odd_share, random_state=seed)
    assert made.table.num_rows == len(made.is_odd) == len(made.reasons) == len(made.kinds) == n_rows
    assert made.is_odd.sum() == round(n_rows * odd_share)
    assert [bool(why) for why in made.reasons] == made.is_odd.tolist()
    assert [kind is not None for kind in made.kinds] == made.is_odd.tolist()
    assert {name for why in made.reasons for name in why} <= set(made.table.column_names)
    assert {kind for kind in made.kinds if kind} <= set(ODDNESS_KINDS)


def test_odd_rows_are_spread_evenly_over_the_table():
    places = np.flatnonzero(make_connections(10_000, odd_share=0.2, random_state=0).is_odd)
    tenths = np.bincount(places // 1000, minlength=10)
    assert tenths.min() > 140 and tenths.max() < 260  # 200 expected, standard deviation 12.6


def test_all_kinds_are_equally_likely_unless_a_few_are_chosen():
    counts = Counter(make_connections(11_000, odd_share=1, random_state=0).kinds)
    assert set(counts) == set(ODDNESS_KINDS)
    assert max(abs(count - 11_000 / len(ODDNESS_KINDS)) for count in counts.values()) < 150
    few = Counter(make_connections(1000, odd_share=1, kinds=["plaintext", "slow_reply"], random_state=0).kinds)
    assert set(few) == {"plaintext", "slow_reply"}
    assert abs(few["plaintext"] - 500) < 80


def test_the_order_of_the_chosen_kinds_and_naming_one_twice_change_nothing():
    chosen = make_connections(200, 0.5, ["plaintext", "wrong_port"], random_state=1)
    assert_same(chosen, make_connections(200, 0.5, ("wrong_port", "plaintext", "wrong_port"), random_state=1))
    assert_same(chosen, make_connections(200, 0.5, {"wrong_port", "plaintext"}, random_state=1))


@pytest.mark.parametrize("kind", ODDNESS_KINDS)
def test_an_odd_row_is_an_ordinary_row_with_its_first_reason_changed_and_nothing_else(kind, monkeypatch):
    made = make_connections(600, odd_share=0.4, kinds=[kind], random_state=2)
    monkeypatch.setattr(datasets._connections, "_make_odd", lambda _draft, rows, _kind, _rng: [()] * len(rows))
    before = make_connections(600, odd_share=0.4, kinds=[kind], random_state=2).table.to_pylist()
    changed = [
        {name for name in new if new[name] != old[name]}
        for new, old in zip(made.table.to_pylist(), before, strict=True)
    ]
    assert changed == [set(why[:1]) for why in made.reasons]
    assert all(not learned().contradictions(row) for row in before)


@pytest.mark.parametrize("kind", ODDNESS_KINDS)
def test_an_odd_row_contradicts_the_ordinary_in_its_reasons_and_nowhere_else(kind):
    made = make_connections(400, odd_share=1, kinds=[kind], random_state=3)
    found = [learned().contradictions(row) for row in made.table.to_pylist()]
    assert found == [{why} for why in made.reasons]


def test_ordinary_rows_contradict_nothing():
    table = make_connections(20_000, odd_share=0, random_state=4).table
    assert [row for row in table.to_pylist() if learned().contradictions(row)] == []


@pytest.mark.parametrize(
    ("kind", "reasons"),
    [
        ("huge_transfer", ("bytes_sent",)),
        ("wrong_port", ("destination_port", "service")),
        ("unseen_service", ("service",)),
        ("odd_combination", ("protocol", "service")),
        ("impossible_state", ("state", "protocol")),
        ("night_access", ("started", "service")),
        ("login_storm", ("failed_logins",)),
        ("constant_changed", ("interface_version",)),
        ("plaintext", ("encrypted", "service")),
        ("slow_reply", ("round_trip_ms",)),
    ],
)
def test_each_kind_has_its_known_reason(kind, reasons):
    assert set(make_connections(50, odd_share=1, kinds=[kind], random_state=0).reasons) == {reasons}


def test_missing_value_removes_values_of_every_column_that_is_otherwise_complete_but_the_constant():
    made = make_connections(2000, odd_share=1, kinds=["missing_value"], random_state=0)
    lost = Counter(name for why in made.reasons for name in why)
    assert set(lost) == set(learned().never_missing) - {"interface_version"}
    assert {name: made.table[name].null_count for name in lost} == lost


def test_unseen_services_are_several_whole_names():
    made = make_connections(200, odd_share=1, kinds=["unseen_service"], random_state=0)
    assert set(made.table["service"].to_pylist()) == {"telnet", "irc", "gopher", "x11"}


def test_night_access_keeps_the_day_and_changes_only_services_that_never_run_at_night():
    made = make_connections(300, odd_share=1, kinds=["night_access"], random_state=0)
    assert set(made.table["service"].to_pylist()) == {"ssh", "rdp"}
    assert {row.hour for row in made.table["started"].to_pylist()} == {2, 3, 4}
    assert max(row.weekday() for row in made.table["started"].to_pylist()) == 4


def test_huge_values_are_far_above_the_largest_ordinary_value():
    for kind, name in [("huge_transfer", "bytes_sent"), ("slow_reply", "round_trip_ms")]:
        odd = column(make_connections(500, odd_share=1, kinds=[kind], random_state=0).table, name)
        assert odd.min() > 20 * learned().largest[name]


def test_kinds_that_need_a_successful_connection_are_made_from_one():
    for kind in ["huge_transfer", "login_storm", "slow_reply", "odd_combination"]:
        made = make_connections(300, odd_share=1, kinds=[kind], random_state=0)
        assert set(made.table["state"].to_pylist()) == {"SF"}
    reset = make_connections(300, odd_share=1, kinds=["impossible_state"], random_state=0).table
    assert column(reset, "bytes_received").min() > 0


def test_the_columns_have_the_promised_names_and_types():
    whole, real, word, flag = pa.int64(), pa.float64(), pa.string(), pa.bool_()
    expected = {"started": pa.timestamp("s"), "protocol": word, "service": word, "state": word}
    expected |= {"source_port": whole, "destination_port": whole, "duration_s": real, "bytes_sent": whole}
    expected |= {"bytes_received": whole, "packets": whole, "failed_logins": whole, "encrypted": flag}
    expected |= {"is_internal": flag, "country": word, "round_trip_ms": real, "interface_version": word}
    for odd_share in (0, 1):
        schema = make_connections(100, odd_share=odd_share, random_state=0).table.schema
        assert dict(zip(schema.names, schema.types, strict=True)) == expected


def test_values_miss_only_for_failed_or_udp_round_trips_and_unlocated_or_internal_countries():
    table = ordinary_table()
    assert {name for name in table.column_names if table[name].null_count} == {"country", "round_trip_ms"}
    lost = np.isin(column(table, "state"), ["S0", "REJ"]) | (column(table, "protocol") == "udp")
    assert np.array_equal(np.isnan(column(table, "round_trip_ms")), lost)
    internal, unlocated = column(table, "is_internal"), np.array(table["country"].is_null())
    assert unlocated[internal].all()
    assert 0.01 < unlocated[~internal].mean() < 0.05


def test_few_columns_are_constant_and_most_counts_are_zero():
    table = ordinary_table()
    assert [name for name in table.column_names if len(table[name].unique()) == 1] == ["interface_version"]
    failed_logins = column(table, "failed_logins")
    assert (failed_logins == 0).mean() > 0.9
    assert failed_logins.max() >= 2


def test_sizes_span_six_decades_and_durations_are_heavy_tailed():
    for name in ["bytes_sent", "bytes_received", "duration_s"]:
        positive = column(ordinary_table(), name)
        positive = positive[positive > 0]
        assert np.log10(positive.max() / positive.min()) >= 6
    https = column(ordinary_table(), "service") == "https"
    duration = column(ordinary_table(), "duration_s")[https]
    assert np.quantile(duration, 0.999) > 20 * np.median(duration)


def test_sizes_depend_on_the_service_and_on_each_other():
    table = ordinary_table()
    service, succeeded = column(table, "service"), column(table, "state") == "SF"
    sent = column(table, "bytes_sent")
    assert np.median(sent[succeeded & (service == "rsync")]) > 1e5 * np.median(sent[service == "ntp"])
    sizes = ["duration_s", "bytes_sent", "bytes_received", "packets"]
    logs = np.log([column(table, name)[succeeded & (service == "https")] for name in sizes])
    correlation = np.corrcoef(logs)
    assert correlation.min() > 0.4 and correlation[~np.eye(4, dtype=bool)].max() < 0.99


def test_packets_carry_the_bytes():
    table = ordinary_table()
    payload = column(table, "bytes_sent") + column(table, "bytes_received")
    assert (payload <= 1400 * column(table, "packets")).all()


def test_what_fails_before_it_starts_receives_nothing():
    table = ordinary_table()
    failed = np.isin(column(table, "state"), ["S0", "REJ"])
    assert column(table, "bytes_received")[failed].max() == 0
    assert column(table, "failed_logins")[failed].max() == 0
    assert column(table, "bytes_sent")[failed & (column(table, "protocol") == "tcp")].max() == 0
    assert 0.02 < failed.mean() < 0.15


def test_services_differ_in_frequency_and_the_state_depends_on_the_protocol():
    table = ordinary_table()
    shares = {service: count / table.num_rows for service, count in Counter(column(table, "service")).items()}
    assert shares["https"] == pytest.approx(0.3, abs=0.015)
    assert 0 < shares["whois"] < 0.01
    states = {
        protocol: set(column(table, "state")[column(table, "protocol") == protocol])
        for protocol in ["tcp", "udp", "icmp"]
    }
    assert states == {"tcp": {"SF", "S0", "REJ", "RSTO", "RSTR"}, "udp": {"SF", "S0"}, "icmp": {"SF", "S0"}}


def test_each_service_has_its_hours_over_four_weeks():
    table = ordinary_table()
    started, service = column(table, "started"), column(table, "service")
    assert started.min() >= np.datetime64("2024-01-01") and started.max() < np.datetime64("2024-01-29")
    weeks = (started - np.datetime64("2024-01-01", "s")) // np.timedelta64(7, "D")
    assert np.bincount(weeks, minlength=4).min() > 9_500
    times = {name: [row["started"] for row in table.to_pylist() if row["service"] == name] for name in ["ssh", "rsync"]}
    assert {time.hour for time in times["ssh"]} == set(range(7, 19))
    assert {time.weekday() for time in times["ssh"]} == set(range(5))
    assert {time.hour for time in times["rsync"]} == {1, 2, 3}
    hours = (started - started.astype("datetime64[D]")).astype(int) // 3600
    by_day = {name: ((hours >= 7) & (hours < 19))[service == name].mean() for name in ["https", "ntp"]}
    assert by_day["https"] > 0.85
    assert by_day["ntp"] == pytest.approx(0.5, abs=0.05)


def test_round_trips_to_far_countries_are_longer():
    table = ordinary_table()
    country, round_trip = column(table, "country"), column(table, "round_trip_ms")
    assert np.nanmedian(round_trip[country == "NZ"]) > 20 * np.nanmedian(round_trip[country == "DE"])
    internal = column(table, "is_internal")
    assert np.nanmedian(round_trip[internal]) < 1 < np.nanmin(round_trip[~internal])


def test_the_result_cannot_be_changed():
    made = make_connections(3, random_state=0)
    with pytest.raises(FrozenInstanceError):
        made.table = None
    with pytest.raises(ValueError, match="read-only"):
        made.is_odd[0] = True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_rows": 0}, r"n_rows is 0: give a whole number of at least 1"),
        ({"n_rows": 2.5}, r"n_rows is 2\.5: give a whole number"),
        ({"n_rows": True}, r"n_rows is True: give a whole number"),
        ({"odd_share": -0.1}, r"odd_share is -0\.1: give a share from 0 to 1"),
        ({"odd_share": 1.01}, r"odd_share is 1\.01: give a share from 0 to 1"),
        ({"odd_share": float("nan")}, r"odd_share is nan: give a share from 0 to 1"),
        ({"odd_share": "few"}, r"odd_share is 'few': give a share from 0 to 1"),
        ({"odd_share": True}, r"odd_share is True: give a share from 0 to 1"),
        ({"kinds": "wrong_port"}, r"kinds is 'wrong_port': give a list such as \['wrong_port'\], or None"),
        ({"kinds": 3}, r"kinds is 3: give a list"),
        ({"kinds": []}, r"kinds is empty: name at least one, or give odd_share=0"),
        (
            {"kinds": ["wrong_prot"]},
            r"kinds contains 'wrong_prot', which is no kind of oddness: choose from huge_transfer, ",
        ),
        ({"random_state": -1}, r"random_state is -1: give a whole number of at least 0, a Generator or None"),
        ({"random_state": "x"}, r"random_state is 'x': give a whole number"),
        ({"random_state": False}, r"random_state is False: give a whole number"),
    ],
)
def test_the_error_of_a_bad_argument_names_its_value_and_the_remedy(arguments, message):
    with pytest.raises(SettingError, match=message):
        make_connections(**({"n_rows": 10} | arguments))
