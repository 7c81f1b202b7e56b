"""Entity features come from the earlier rows of the same entity alone, however the rows are cut into batches."""

import dataclasses
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pydantic
import pytest

from oddrow.exceptions import DataError, SchemaMismatchError, SettingError
from oddrow.sequences import EntityHistory, HistoryPlan
from oddrow.table import AS_WRITTEN
from tests.support.history_reference import expected_features

SPEC = EntityHistory(entity="card", time="at")
START = 1_709_251_200


def payments(n_rows=600, seed=0, n_cards=7):
    """Payments in the order of time, a few of them at equal times, with missing cards, amounts and shops."""
    rng = np.random.default_rng(seed)
    steps = rng.choice([0, 20, 200, 2_000, 9_000], n_rows, p=[0.1, 0.3, 0.3, 0.2, 0.1])
    amount = np.round(rng.lognormal(3, 1, n_rows), 2)
    shop = rng.choice(["food", "fuel", "rent", "taxi", "toys"], n_rows, p=[0.6, 0.2, 0.1, 0.05, 0.05])
    return pa.table(
        {
            "at": pa.array(START + np.cumsum(steps), pa.timestamp("s")),
            "card": pa.array(
                [None if card == 0 else f"card-{card}" for card in rng.integers(n_cards, size=n_rows)], pa.string()
            ),
            "amount": pa.array(amount, mask=rng.random(n_rows) < 0.05),
            "shop": pa.array(shop, mask=rng.random(n_rows) < 0.05),
        }
    )


TABLE = payments()
PLAN = SPEC.learn(TABLE)


def fed(plan, table, cuts=(), state=None):
    """The derived rows of a table that is fed in pieces, and the run."""
    run = plan.begin(state)
    bounds = [0, *cuts, table.num_rows]
    pieces = [run.feed(table.slice(start, stop - start)).table for start, stop in pairwise(bounds)]
    return pa.concat_tables(pieces), run


def features(derived, plan=PLAN):
    return derived.select(list(plan.kinds)).to_pylist()


def test_features_are_those_of_plain_python():
    derived, _ = fed(PLAN, TABLE)
    rows = TABLE.set_column(0, "at", TABLE["at"].cast(pa.int64())).to_pylist()
    expected = expected_features(rows, entity="card", time="at", numbers=["amount"], categories=["shop"])
    found = features(derived)
    assert list(found[0]) == list(expected[0])
    for row, (one, other) in enumerate(zip(found, expected, strict=True)):
        assert one == other, row


def test_a_derived_row_keeps_the_columns_of_its_row():
    derived = PLAN.begin().feed(TABLE)
    assert derived.table.select(TABLE.column_names).equals(TABLE)
    assert derived.row.tolist() == list(range(TABLE.num_rows))


@pytest.mark.parametrize("cuts", [(1,), (300,), (0, 5, 5, 17, 599), range(1, 600)])
def test_cuts_into_batches_change_no_bit(cuts):
    assert fed(PLAN, TABLE, cuts)[0].combine_chunks().equals(fed(PLAN, TABLE)[0].combine_chunks())


def test_later_rows_and_other_entities_change_no_bit():
    whole, _ = fed(PLAN, TABLE)
    assert fed(PLAN, TABLE.slice(0, 250))[0].combine_chunks().equals(whole.slice(0, 250).combine_chunks())
    own = pa.compute.fill_null(pa.compute.equal(TABLE["card"], "card-3"), False)
    assert fed(PLAN, TABLE.filter(own))[0].combine_chunks().equals(whole.filter(own).combine_chunks())


@pytest.mark.parametrize("cut", [1, 77, 599])
def test_a_pass_from_the_state_of_another_goes_on_as_one_pass(cut):
    whole, whole_run = fed(PLAN, TABLE)
    first, run = fed(PLAN, TABLE.slice(0, cut))
    second, again = fed(PLAN, TABLE.slice(cut), state=run.state)
    assert pa.concat_tables([first, second]).combine_chunks().equals(whole.combine_chunks())
    assert again.state.tables == whole_run.state.tables


def test_sums_do_not_depend_on_the_rows_before_the_window():
    """Floating-point sums of what came before would leave rounding errors; 0.1 + 0.2 + 0.3 is the nearest double."""
    values = [1e9, 1e-3, -1e9 / 3, 0.1, 0.2, 0.3, 5.0]
    at = [0, 0, 0, 100_000, 100_001, 100_002, 100_003]
    table = pa.table({"at": at, "card": ["a"] * 7, "amount": values})
    derived, _ = fed(SPEC.learn(table), table)
    assert derived["amount.sum_day"].to_pylist()[-1] == 0.6


@pytest.mark.parametrize("scale", [1e-200, 1e-9, 1.0, 1e12, 1e200])
def test_sums_have_the_precision_of_numbers_of_any_size(scale):
    values = np.random.default_rng(0).normal(size=200) * scale
    table = pa.table({"at": np.arange(200), "card": ["a"] * 200, "amount": values})
    derived, _ = fed(SPEC.learn(table), table)
    expected = [float(np.sum(values[:row].astype(np.longdouble))) for row in range(200)]
    assert derived["amount.sum_5min"].to_numpy() == pytest.approx(expected, rel=1e-13, abs=1e-15 * scale)


def test_numbers_with_negative_values_are_compared_by_their_difference():
    table = pa.table({"at": [1, 2, 3, 4], "card": ["a"] * 4, "heat": [-1.0, 3.0, 1.0, 6.0]})
    derived, _ = fed(SPEC.learn(table), table)
    assert derived["heat.minus_own_median"].to_pylist() == [None, None, None, 5.0]


def test_the_thousand_categories_that_occurred_last_are_remembered():
    names = [*(f"shop-{place}" for place in range(1_001)), "shop-1", "shop-0", "shop-2", "shop-1"]
    table = pa.table({"at": np.arange(len(names)), "card": ["a"] * len(names), "shop": names})
    plan = EntityHistory("card", "at").learn(table, {"shop": "category"})
    for cuts in [(), (500, 1_001), (1_002, 1_003)]:
        derived, _ = fed(plan, table, cuts)
        assert derived["shop.is_first"].to_pylist()[1_000:] == [1, 0, 1, 1, 0]


def test_fields_of_a_text_file_have_the_features_of_typed_values():
    texts = {name: TABLE[name].cast(pa.string()) for name in ("card", "shop")}
    texts |= {"at": TABLE["at"].cast(pa.string())}
    texts |= {"amount": pa.array([None if one is None else f"{one} EUR" for one in TABLE["amount"].to_pylist()])}
    written = pa.table({name: texts[name] for name in TABLE.column_names}).replace_schema_metadata(AS_WRITTEN)
    plan = SPEC.learn(written)
    derived, _ = fed(plan, written)
    assert features(derived, plan) == features(fed(PLAN, TABLE)[0])
    assert derived.schema.metadata == AS_WRITTEN


def test_numbers_are_entities_whatever_their_type():
    table = pa.table({"at": [1, 2, 3, 4], "card": [7, 8, 7, 8], "size": [1.5, 2.5, 3.5, 4.5]})
    run = SPEC.learn(table).begin()
    run.feed(table)
    later = pa.table({"at": [5], "card": [7.0], "size": [1.0]})
    assert run.feed(later).table["rows_hour"].to_pylist() == [2]


def test_rows_of_entities_that_were_not_there_are_counted():
    run = PLAN.begin()
    run.feed(TABLE)
    assert run.notes == (
        "600 of 600 rows are of 7 values of 'card' that were seen for the first time: their history begins empty",
    )
    known = payments(20, seed=1)
    known = known.set_column(0, "at", pa.array(START + 10**8 + np.arange(20), pa.timestamp("s")))
    again = PLAN.begin(run.state)
    again.feed(known)
    assert again.notes == ()
    for _ in range(2):
        again.feed(known.slice(19).set_column(1, "card", pa.array(["new"])))
    assert again.notes == (
        "2 of 22 rows are of 1 values of 'card' that were seen for the first time: their history begins empty",
    )


def test_a_row_before_its_predecessor_is_refused_and_changes_nothing():
    run = PLAN.begin()
    run.feed(TABLE)
    with pytest.raises(
        DataError, match=r"row 0, counted from 0: its time 2024-03-01 \S+ is before .* 'card-\d'"
    ) as caught:
        run.feed(TABLE.slice(30))
    assert caught.value.row == 0
    assert "sort the rows by 'at'" in str(caught.value)
    assert run.state.tables == fed(PLAN, TABLE)[1].state.tables


def test_a_row_without_a_time_is_refused():
    gone = TABLE.set_column(0, "at", pa.array([None if row == 4 else 1 for row in range(600)], pa.timestamp("s")))
    with pytest.raises(DataError, match="row 4, counted from 0: the time in column 'at' is missing") as caught:
        PLAN.begin().feed(gone)
    assert caught.value.row == 4


def test_a_missing_column_is_refused():
    with pytest.raises(SchemaMismatchError, match="'amount' is missing"):
        PLAN.begin().feed(TABLE.drop_columns(["amount"]))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (EntityHistory("cart", "at"), "entity names 'cart', which is not a column; the table has 'at', 'card'"),
        (EntityHistory("card", "time"), "time names 'time', which is not a column"),
        (EntityHistory("card", "at", ["amount", "tip"]), "amounts names 'tip', which is not a column"),
        (EntityHistory("at", "at"), "entity and time are the same column, 'at'"),
    ],
)
def test_a_specification_that_does_not_fit_the_table_is_refused(spec, said):
    with pytest.raises(SettingError, match=said):
        spec.learn(TABLE)


def test_a_column_with_the_name_of_a_feature_is_refused():
    with pytest.raises(SettingError, match="column 'rows_day' has the name of an entity feature"):
        SPEC.learn(TABLE.append_column("rows_day", TABLE["amount"]))
    with pytest.raises(SchemaMismatchError, match="column 'rows_day' has the name of an entity feature"):
        PLAN.begin().feed(TABLE.append_column("rows_day", TABLE["amount"]))


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (["some", "other"] * 300, "column 'at' cannot be the time of rows"),
        (pa.array([3_600] * 600, pa.time32("s")), "holds times of day"),
    ],
)
def test_a_column_that_holds_no_moments_is_no_time(at, said):
    with pytest.raises(DataError, match=said):
        SPEC.learn(TABLE.set_column(0, "at", pa.array(at)))


def test_amounts_choose_the_numbers():
    table = TABLE.append_column("tip", pa.array(np.arange(600) % 9))
    assert [number.name for number in SPEC.learn(table).columns.numbers] == ["amount", "tip"]
    chosen = dataclasses.replace(SPEC, amounts=["tip"]).learn(table)
    assert [number.name for number in chosen.columns.numbers] == ["tip"]
    assert not any(name.startswith("amount.") for name in chosen.kinds)
    none = dataclasses.replace(SPEC, amounts=()).learn(table)
    assert list(none.kinds) == ["seconds_since_last", "rows_5min", "rows_hour", "rows_day", "shop.is_first"]


def test_a_plan_is_json():
    kept = pydantic.TypeAdapter(HistoryPlan)
    assert kept.validate_json(kept.dump_json(PLAN)) == PLAN


def test_features_have_words_and_an_original_column():
    names = [*TABLE.column_names, *PLAN.kinds]
    assert {PLAN.original(name) for name in names} == {"at", "card", "amount", "shop"}
    assert PLAN.words("rows_5min") == "at: rows in the 5 minutes before, same card"
    assert PLAN.words("shop.is_first") == "shop: first time of this value, same card"
    assert len({PLAN.words(name) for name in names}) == len(names)


def test_a_table_in_memory_is_sorted_by_time_and_keeps_the_order_of_equal_times():
    shuffled = TABLE.take(pa.array(np.random.default_rng(0).permutation(600)))
    order = np.argsort(shuffled["at"].to_numpy(), kind="stable")
    expected, _ = fed(PLAN, shuffled.take(pa.array(order)))
    assert features(SPEC.table(shuffled)) == features(expected)


def test_an_empty_batch_has_no_rows():
    run = PLAN.begin()
    assert run.feed(TABLE.slice(0, 0)).table.num_rows == 0
    assert run.notes == ()
    assert fed(PLAN, TABLE, state=run.state)[0].equals(fed(PLAN, TABLE)[0])
