"""Batches may be cut anywhere: a row gets the scores that it gets in the whole table."""

import pyarrow as pa
import pytest

from oddrow.batch import scored_batches, scored_table
from oddrow.exceptions import SettingError
from oddrow.policies import FalseDiscoveryRate, FixedSurprise


@pytest.mark.parametrize("top", [None, 2])
@pytest.mark.parametrize("rows_at_most", [1, 7, 256, 300])
def test_rows_in_batches_are_scored_as_in_the_whole_table(detector, labelled, top, rows_at_most):
    table = labelled.table.slice(0, 300 if rows_at_most > 7 else 40)
    whole = scored_table(detector.model_, table, top).rows
    batches = table.to_batches(max_chunksize=rows_at_most)
    found = list(scored_batches(detector.model_, batches, top))
    assert [len(batch) for batch in found] == [len(batch) for batch in batches]
    assert pa.Table.from_batches(found).equals(whole)


def test_a_batch_without_rows_has_the_columns_all_the_same(vae, labelled):
    empty = pa.RecordBatch.from_pylist([], schema=labelled.table.schema)
    (found,) = scored_batches(vae.model_, [empty], top=2)
    assert found.num_rows == 0
    assert found.schema == scored_table(vae.model_, labelled.table.slice(0, 3), 2).rows.schema


def test_a_policy_can_be_given_and_one_that_needs_all_rows_is_refused(vae, labelled):
    batches = labelled.table.slice(0, 50).to_batches()
    (found,) = scored_batches(vae.model_, batches, policy=FixedSurprise(0.0001))
    assert all(found["is_odd"].to_pylist())
    with pytest.raises(
        SettingError, match=r"'false-discovery-rate' decides on all rows together.*choose a false-alarm rate"
    ):
        next(scored_batches(vae.model_, batches, policy=FalseDiscoveryRate(0.1)))
