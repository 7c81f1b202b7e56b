"""Card payments: ordinary rows follow one joint distribution, odd rows contradict it in their reasons alone."""

from collections import Counter
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from oddrow.columns import Kind, TableSchema
from oddrow.datasets import PAYMENT_ODDNESS_KINDS, make_card_payments
from oddrow.exceptions import SettingError

FIXED = ("NETFLIX.COM", "SPOTIFY AB", "AMAZON PRIME MEMBERSHIP", "FITX STUDIO BEITRAG")


def template(memo):
    return "".join("#" if sign.isdigit() else sign for sign in memo)


@cache
def ordinary():
    return make_card_payments(40_000, odd_share=0, random_state=0).table.to_pandas()


@cache
def odd(kind):
    made = make_card_payments(4_000, odd_share=0.05, kinds=[kind], random_state=1)
    rows = np.flatnonzero(made.is_odd)
    return made, made.table.take(rows).to_pylist()


def test_the_same_seed_gives_the_same_table_and_another_seed_another_table():
    one, same, other = (make_card_payments(500, 0.1, random_state=seed) for seed in (3, 3, 4))
    assert one.table.equals(same.table)
    assert (one.is_odd == same.is_odd).all() and one.reasons == same.reasons and one.kinds == same.kinds
    assert not one.table.equals(other.table)


@pytest.mark.parametrize("odd_share", [0, 0.005, 0.1, 1])
def test_the_number_of_odd_rows_is_exact_and_the_truth_agrees_with_itself(odd_share):
    made = make_card_payments(1_000, odd_share, random_state=0)
    assert made.is_odd.sum() == round(1_000 * odd_share)
    assert [kind is not None for kind in made.kinds] == made.is_odd.tolist()
    assert [bool(why) for why in made.reasons] == made.is_odd.tolist()
    counts = Counter(kind for kind in made.kinds if kind)
    assert max(counts.values(), default=0) - min((counts[kind] for kind in PAYMENT_ODDNESS_KINDS), default=0) <= 1
    assert not made.is_odd.flags.writeable


def test_rows_are_in_the_order_of_time_and_the_next_month_follows():
    months = [make_card_payments(2_000, random_state=seed, month=f"2024-0{seed + 1}").table for seed in range(2)]
    for month in months:
        times = month["timestamp"].to_numpy()
        assert (np.diff(times) >= np.timedelta64(0)).all()
    assert pc.max(months[0]["timestamp"]).as_py() < pc.min(months[1]["timestamp"]).as_py()
    assert {str(time)[:7] for time in months[1]["timestamp"].to_pylist()} == {"2024-02"}


def test_cards_and_merchants_are_the_same_in_every_month_and_for_every_seed():
    one, other = (make_card_payments(20_000, 0, random_state=seed, month=f"2025-1{seed}").table for seed in (1, 2))
    assert set(one["card_id"].to_pylist()) == set(other["card_id"].to_pylist())
    assert {template(memo) for memo in one["memo"].to_pylist()} == {
        template(memo) for memo in other["memo"].to_pylist()
    }
    means = [table.group_by("card_id").aggregate([("amount", "count")]).sort_by("card_id") for table in (one, other)]
    counts = [table["amount_count"].to_numpy() for table in means]
    assert np.corrcoef(*counts)[0, 1] > 0.8  # who pays often pays often again


def test_fixed_memos_are_six_percent_of_the_rows_and_the_memo_is_a_text():
    table = make_card_payments(random_state=0).table
    counts = Counter(table["memo"].to_pylist())
    assert all(250 < counts[memo] < 350 for memo in FIXED)
    assert table.num_rows == 20_000
    kinds = {column.name: column.kind for column in TableSchema.infer(table).columns}
    assert kinds["memo"] is Kind.TEXT


def test_the_amount_depends_on_the_category_and_the_channel_on_the_amount():
    rows = ordinary()
    medians = rows.groupby("merchant_category")["amount"].median()
    assert medians["travel"] > 3 * medians["grocery"] > 9 * medians["apps"]
    assert (rows.loc[rows["channel"] == "contactless", "amount"] <= 50).all()
    assert rows.groupby(rows["memo"].map(template))["merchant_category"].nunique().max() == 1
    assert rows.groupby("country")["currency"].nunique().max() == 1


def test_a_huge_amount_exceeds_all_ordinary_ones_of_its_category_and_changes_nothing_else():
    _, rows = odd("huge_amount")
    largest = ordinary().groupby("merchant_category")["amount"].max()
    together = set(map(tuple, ordinary()[["merchant_category", "currency", "country", "channel"]].to_numpy()))
    for row in rows:
        assert row["amount"] > 1.5 * largest[row["merchant_category"]]
        assert (row["merchant_category"], row["currency"], row["country"], row["channel"]) in together


def test_a_wrong_category_is_never_that_of_the_memo():
    _, rows = odd("wrong_category")
    of_memo = dict(zip(ordinary()["memo"].map(template), ordinary()["merchant_category"], strict=True))
    for row in rows:
        assert of_memo[template(row["memo"])] != row["merchant_category"]


def test_an_odd_memo_has_a_template_that_no_ordinary_one_has():
    _, rows = odd("odd_memo")
    known = set(ordinary()["memo"].map(template))
    templates = [template(row["memo"]) for row in rows]
    assert not known & set(templates)
    assert len(set(templates)) > 0.8 * len(rows)  # unlike each other as well


def test_a_burst_is_25_tiny_payments_of_one_card_within_five_minutes():
    made, rows = odd("burst")
    assert len(rows) == 200
    by_card = {}
    for row in rows:
        by_card.setdefault(row["card_id"], []).append(row)
    assert sum(len(burst) for burst in by_card.values()) == 200
    for burst in by_card.values():
        assert len(burst) % 25 == 0
        assert all(row["merchant_category"] == "apps" and row["amount"] < 10 for row in burst)
    times = sorted(row["timestamp"] for row in next(burst for burst in by_card.values() if len(burst) == 25))
    assert (times[-1] - times[0]).total_seconds() < 300
    assert made.reasons[int(np.argmax(made.is_odd))] == ("timestamp", "card_id")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_rows": 0}, "n_rows is 0: give a whole number"),
        ({"odd_share": 2}, "odd_share is 2: give a share"),
        ({"kinds": ["bursts"]}, "kinds contains 'bursts', which is no kind of oddness: choose from huge_amount, "),
        ({"random_state": "a"}, "random_state is 'a'"),
        ({"month": "March"}, "month is 'March': give a year and a month as '2024-03'"),
        ({"month": "2024-13"}, "month is '2024-13'"),
        ({"month": 202403}, "month is 202403"),
    ],
)
def test_an_invalid_argument_is_refused_with_the_valid_values(wrong, message):
    with pytest.raises(SettingError, match=message):
        make_card_payments(**{"n_rows": 10, **wrong})


def test_columns_have_the_types_of_a_file_that_was_read():
    schema = make_card_payments(10, random_state=0).table.schema
    assert schema.field("timestamp").type == pa.timestamp("s")
    assert schema.field("amount").type == pa.float64()
    assert {schema.field(name).type for name in ("card_id", "memo", "channel")} == {pa.string()}
