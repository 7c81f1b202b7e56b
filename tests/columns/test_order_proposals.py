"""An inspection proposes the column that orders the rows, and the columns that name entities."""

import numpy as np
import pyarrow as pa

from oddrow.columns import TableSchema
from oddrow.columns._order_proposals import order_proposals


def proposed(**columns):
    table = pa.table(columns)
    return order_proposals(TableSchema.judge(table).columns, table)


def test_a_timestamp_that_runs_on_is_proposed_before_a_row_number():
    at = pa.array(np.datetime64("2024-01-01T00:00", "s") + 60 * np.arange(200))
    assert proposed(row=np.arange(200), at=at).time == "at"
    assert proposed(row=np.arange(200), x=np.random.default_rng(0).normal(size=200)).time == "row"


def test_rows_without_a_running_column_have_no_time():
    assert proposed(x=np.random.default_rng(0).normal(size=200)).time is None


def test_columns_named_like_an_entity_are_groups_if_their_values_repeat():
    names = np.repeat([f"m{number}" for number in range(20)], 10)
    for name in ("machine", "Machine_ID", "customerNumber", "patient id", "card_id", "sensor"):
        (group,) = proposed(**{name: names, "x": np.arange(200.0) % 7}).groups
        assert (group.name, group.n_groups, group.rows_per_group) == (name, 20, 10.0)


def test_other_names_single_rows_and_few_values_are_no_groups():
    names = np.repeat([f"m{number}" for number in range(20)], 10)
    assert proposed(colour=names).groups == ()
    assert proposed(machine=[f"m{number}" for number in range(200)], x=np.arange(200.0) % 7).groups == ()
    assert proposed(machine=np.tile(["a", "b"], 100)).groups == ()
