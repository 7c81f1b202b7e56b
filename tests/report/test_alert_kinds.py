"""Rows with one cause are one kind of alerts, and its sentence says which."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from oddrow.datasets import make_connections
from oddrow.exceptions import SettingError
from oddrow.explanation import COMMON, WHOLE, Explanation, LeadingReasons, Reason, explain
from oddrow.report._alert_kinds import SecondReason, alert_kinds

PLANTED = {
    "huge_transfer": ("bytes_sent", "above", None),
    "unseen_service": ("service", "unseen", None),
    "odd_combination": ("protocol", "value", "icmp"),
    "login_storm": ("failed_logins", "above", None),
    "constant_changed": ("interface_version", "changed", None),
    "slow_reply": ("round_trip_ms", "above", None),
}


def strangest_first(model, table, top=6):
    explanations = explain(model, table, top)
    order = sorted(range(len(explanations)), key=lambda row: -explanations[row].surprise)
    return table.take(order), [explanations[row] for row in order], order


@pytest.fixture(scope="module")
def explained(vae, labelled):
    """The model, the rows with the strangest first, their explanations, and the kind of oddness that was planted."""
    table, explanations, order = strangest_first(vae.model_, labelled.table)
    return vae.model_, table, explanations, [labelled.kinds[row] for row in order]


@pytest.fixture(scope="module")
def found(explained):
    model, table, explanations, _ = explained
    return alert_kinds(model, table, explanations)


def test_each_planted_kind_is_found_as_a_kind(explained, found):
    model, _, explanations, planted = explained
    names = model.encoding.names
    for kind, expected in PLANTED.items():
        places = [place for place, one in enumerate(planted) if one == kind and explanations[place].is_odd]
        assert len(places) >= 5, kind
        (most, count), *_ = Counter(found.of_row[place] for place in places).most_common(1)
        group = found.kinds[most]
        assert (names[group.column], group.direction, group.value) == expected
        assert count >= 0.8 * len(places), kind
        others = [
            one for place, one in enumerate(planted) if found.of_row[place] == most and explanations[place].is_odd
        ]
        assert others.count(kind) >= 0.7 * len(others), kind


def test_the_sentences_say_what_was_planted(found):
    sentences = {kind.sentence for kind in found.kinds if kind.alerts}
    assert any(one.startswith("interface_version has changed: always v2 in training, now v") for one in sentences)
    assert any(one.startswith("bytes_sent is above its usual range (") for one in sentences)
    assert any(one.startswith("service has a value never seen in training (") for one in sentences)
    assert "encrypted is false where true is expected" in sentences
    assert any(one.startswith("protocol is icmp where ") for one in sentences)


def test_every_row_is_counted_once(explained, found):
    _, _, explanations, _ = explained
    counts = Counter(found.of_row)
    assert len(found.of_row) == len(explanations)
    assert [counts[number] for number in range(len(found.kinds))] == [kind.count for kind in found.kinds]
    assert min(kind.count for kind in found.kinds) >= 2
    flagged = Counter(number for number, row in zip(found.of_row, explanations, strict=True) if row.is_odd)
    assert [flagged[number] for number in range(len(found.kinds))] == [kind.alerts for kind in found.kinds]


def test_kinds_with_more_alerts_come_first(found):
    assert [(-kind.alerts, -kind.count) for kind in found.kinds] == sorted(
        (-kind.alerts, -kind.count) for kind in found.kinds
    )


def test_kinds_differ_in_column_direction_value_or_second_reason(found):
    keys = [(kind.column, kind.direction, kind.value, kind.also) for kind in found.kinds]
    assert len(set(keys)) == len(keys)


def test_the_typical_row_is_a_flagged_row_of_its_kind(explained, found):
    _, _, explanations, _ = explained
    for number, kind in enumerate(found.kinds):
        assert found.of_row[kind.typical] == number
        assert explanations[kind.typical].is_odd == (kind.alerts > 0)


def test_what_a_kind_brings_is_the_mean_share_of_its_column(explained, found):
    model, _, explanations, _ = explained
    for number, kind in enumerate(found.kinds):
        rows = [row for row, own in zip(explanations, found.of_row, strict=True) if own == number]
        if kind.column == WHOLE:
            shares = [row.combination_share for row in rows]
        else:
            name = model.encoding.names[kind.column]
            shares = [reason.share for row in rows for reason in row.reasons if reason.column == name]
        assert kind.brings == pytest.approx(np.mean(shares))


def test_the_order_of_the_rows_does_not_matter(explained, found):
    model, table, explanations, _ = explained
    order = np.random.default_rng(0).permutation(len(explanations))
    other = alert_kinds(model, table.take(order), [explanations[place] for place in order])
    assert [replace(kind, typical=0) for kind in other.kinds] == [
        replace(kind, typical=0, brings=pytest.approx(kind.brings)) for kind in found.kinds
    ]
    assert [other.of_row[place] for place in np.argsort(order)] == list(found.of_row)


def test_a_rows_leading_reason_does_not_depend_on_other_rows(explained):
    model, table, explanations, _ = explained
    together = LeadingReasons.of(model, table)
    for place in range(0, 200, 10):
        alone = LeadingReasons.of(model, table.slice(place, 1))
        assert alone.leading(0, explanations[place]) == together.leading(place, explanations[place])


def test_a_common_value_leads_only_beside_no_rare_one(explained):
    model, table, explanations, _ = explained
    reasons = LeadingReasons.of(model, table)
    gave_way = 0
    for place, row in enumerate(explanations):
        leading = reasons.leading(place, row)
        if leading.reason is None or leading.reason == row.reasons[0]:
            continue
        gave_way += 1
        assert leading.reason.nats >= 0.5 * row.reasons[0].nats
        assert reasons.normal_share(place, row.reasons[0]) > COMMON
        assert reasons.normal_share(place, leading.reason) <= COMMON + 1e-9
    assert gave_way > 0


def test_a_row_whose_combination_is_its_largest_part_is_odd_as_a_whole(explained):
    model, table, explanations, _ = explained
    reasons = LeadingReasons.of(model, table)
    for place, row in enumerate(explanations):
        is_whole = row.combination_nats > row.reasons[0].nats
        assert (reasons.leading(place, row).direction == "whole") == is_whole


def test_a_second_reason_refines_a_kind_only_where_the_first_does_not_dominate(explained, found):
    model, table, explanations, _ = explained
    reasons = LeadingReasons.of(model, table)
    refined = 0
    for place, (row, number) in enumerate(zip(explanations, found.of_row, strict=True)):
        leading = reasons.leading(place, row)
        second = reasons.second(place, row, leading)
        if second is not None:
            assert leading.share < 0.5
            assert second.column not in (WHOLE, leading.column)
            assert second.share >= 0.1
        also = found.kinds[number].also if number >= 0 else None
        if also is not None:
            refined += 1
            assert second is not None
            assert (also.column, also.direction) == (second.column, second.direction)
            assert model.encoding.names[second.column] in found.kinds[number].sentence.split(", and ")[1]
    assert refined >= 5


def made(table, shares, expected, *, is_odd=True):
    """An explanation of each row, with the given share of 10 nats for each column."""
    explanations = []
    for place, row in enumerate(table.to_pylist()):
        own = {column: share[place] if isinstance(share, list) else share for column, share in shares.items()}
        reasons = tuple(
            Reason(column, row[column], expected[column], 10 * share, share)
            for column, share in sorted(own.items(), key=lambda entry: -entry[1])
        )
        rest = 1 - sum(own.values())
        explanations.append(Explanation(place, 10.0, 1e-4, is_odd, reasons, 10 * rest, rest, 0.0, 0.0))
    return explanations


@pytest.fixture(scope="module")
def ten(fresh):
    """Ten rows with a rare protocol, a common port, and 10**9 bytes in the first six of them."""
    table = changed(changed(fresh.slice(0, 10), "protocol", "icmp"), "source_port", 45_000)
    bytes_sent = pa.array([10**9] * 6 + [0] * 4)
    return table.set_column(table.column_names.index("bytes_sent"), "bytes_sent", bytes_sent)


EXPECTED = {"protocol": "tcp", "source_port": 0, "bytes_sent": 100}


def test_a_rare_value_leads_where_the_strongest_reason_is_a_common_one(vae, ten):
    names = vae.model_.encoding.names
    strong = made(ten, {"source_port": 0.45, "protocol": 0.25, "bytes_sent": 0.1}, EXPECTED)
    (kind,) = alert_kinds(vae.model_, ten, strong).kinds
    assert (names[kind.column], kind.value, kind.also) == (
        "protocol",
        "icmp",
        SecondReason(names.index("source_port"), "above"),
    )
    assert kind.sentence == (
        "protocol is icmp where tcp is expected, and source_port is higher than the rest of the row makes likely, "
        "typically 45,000 where 0 is expected"
    )
    weak = made(ten, {"source_port": 0.6, "protocol": 0.2, "bytes_sent": 0.1}, EXPECTED)
    (kind,) = alert_kinds(vae.model_, ten, weak).kinds
    assert (names[kind.column], kind.direction, kind.also) == ("source_port", "above", None)


def test_the_second_reason_divides_rows_of_one_kind(vae, ten):
    shares = {"protocol": 0.4, "bytes_sent": [0.3] * 6 + [0.0] * 4, "source_port": [0.0] * 6 + [0.05] * 4}
    found = alert_kinds(vae.model_, ten, made(ten, shares, EXPECTED))
    assert [(kind.count, kind.also is None) for kind in found.kinds] == [(6, False), (4, True)]
    assert found.of_row == (0,) * 6 + (1,) * 4
    shares["protocol"] = 0.55  # it now outweighs all others together
    assert [kind.count for kind in alert_kinds(vae.model_, ten, made(ten, shares, EXPECTED)).kinds] == [10]


def test_a_single_remaining_row_is_not_cut_off(vae, ten):
    shares = {"protocol": 0.4, "source_port": [0.3] * 9 + [0.0], "bytes_sent": [0.0] * 9 + [0.3]}
    found = alert_kinds(vae.model_, ten, made(ten, shares, EXPECTED))
    assert [(kind.count, kind.also) for kind in found.kinds] == [(10, None)]


def test_a_name_of_a_third_of_the_rows_is_a_kind_of_its_own(vae, fresh):
    services = ["ssh"] * 5 + ["dns"] * 3 + ["ntp", "rdp", "ftp", "smtp"]
    table = fresh.slice(0, 12).set_column(fresh.column_names.index("service"), "service", pa.array(services))
    explanations = made(table, {"service": 0.8}, {"service": "https"})
    one, two = alert_kinds(vae.model_, table, explanations).kinds
    assert (one.count, one.value) == (7, None)
    assert one.sentence == "service has a value that does not fit the rest of the row (dns, ftp, ntp and 2 more)"
    assert (two.count, two.value, two.sentence) == (5, "ssh", "service is ssh where https is expected")
    (hidden,) = alert_kinds(vae.model_, table, explanations, has_values=False).kinds
    assert (hidden.count, hidden.value) == (12, None)


def test_flagged_rows_decide_which_names_are_kinds(vae, fresh):
    services = ["ssh"] * 4 + ["dns"] * 30
    table = fresh.slice(0, 34).set_column(fresh.column_names.index("service"), "service", pa.array(services))
    explanations = [
        replace(one, is_odd=place < 4) for place, one in enumerate(made(table, {"service": 0.8}, {"service": "https"}))
    ]
    one, two = alert_kinds(vae.model_, table, explanations).kinds
    assert (one.value, one.count, one.alerts) == ("ssh", 4, 4)
    assert (two.value, two.count, two.alerts) == ("dns", 30, 0)


def changed(table, name, value):
    index = table.column_names.index(name)
    return table.set_column(index, name, pa.array([value] * len(table), table.schema.field(name).type))


@pytest.mark.parametrize(
    ("name", "value", "direction", "sentence"),
    [
        ("service", "gopher", "unseen", "service is gopher, never seen in training"),
        ("packets", None, "missing", "packets is missing, which no training row showed"),
        ("interface_version", "v9", "changed", "interface_version has changed: always v2 in training, now v9"),
        ("failed_logins", 400, "above", "failed_logins is above its usual range (0), typically 400"),
        ("service", "x" * 100, "unseen", f"service is {'x' * 37}..., never seen in training"),
    ],
)
def test_one_cause_in_all_rows_is_one_kind(vae, fresh, name, value, direction, sentence):
    table, explanations, _ = strangest_first(vae.model_, changed(fresh.slice(0, 12), name, value))
    found = alert_kinds(vae.model_, table, explanations)
    (kind,) = found.kinds
    assert (vae.model_.encoding.names[kind.column], kind.direction, kind.count) == (name, direction, 12)
    assert kind.sentence == sentence
    assert kind.value == (value if direction in ("unseen", "changed") else None)


def test_a_value_where_it_is_usually_missing_says_so(vae, fresh):
    from_udp = fresh.filter(pc.equal(fresh["protocol"], "udp")).slice(0, 20)
    table, explanations, _ = strangest_first(vae.model_, changed(from_udp, "round_trip_ms", 20.0))
    found = alert_kinds(vae.model_, table, explanations)
    kind = found.kinds[0]
    assert kind.direction == "present"
    assert kind.sentence == "round_trip_ms has a value where it is usually missing, such as 20"


def test_hidden_values_are_in_no_sentence(explained, found):
    model, table, explanations, _ = explained
    hidden = alert_kinds(model, table, explanations, has_values=False)
    assert all(kind.value is None for kind in hidden.kinds)
    text = " ".join(kind.sentence for kind in hidden.kinds)
    assert not any(letter.isdigit() for letter in text.replace("bytes_sent", "").replace("is_internal", ""))
    for value in ("icmp", "telnet", "gopher", "irc", "x11", "v1", "v2", "v3", "RSTO", "RSTR"):
        assert value not in text.split()
    sentences = [kind.sentence for kind in hidden.kinds]
    assert len(set(sentences)) == len(sentences)
    assert sum(kind.count for kind in hidden.kinds) >= sum(kind.count for kind in found.kinds)


def test_a_model_without_expectations_has_kinds_too(autoencoder, labelled):
    table, explanations, _ = strangest_first(autoencoder.model_, labelled.table.slice(0, 100))
    found = alert_kinds(autoencoder.model_, table, explanations)
    assert sum(kind.count for kind in found.kinds) + found.of_row.count(-1) == 100
    assert all(kind.sentence for kind in found.kinds)


def test_no_row_has_no_kind(vae, fresh):
    assert alert_kinds(vae.model_, fresh.slice(0, 0), []).kinds == ()


def test_another_number_of_rows_is_refused(explained):
    model, table, explanations, _ = explained
    with pytest.raises(SettingError, match=r"the table has 3 rows and there are 2 explanations; give one per row"):
        alert_kinds(model, table.slice(0, 3), explanations[:2])


def test_a_cause_of_a_single_row_has_no_kind(vae):
    ordinary = make_connections(1, odd_share=0.0, random_state=8).table
    explanations = explain(vae.model_, ordinary, 6)
    assert alert_kinds(vae.model_, ordinary, explanations).of_row == (-1,)
