"""Any text file at all: the rows that stand beside a row, before it or behind it, change nothing about it."""

import pytest
from hypothesis import HealthCheck, given, seed, settings

from testing.strategies import FIELD_POOLS, RUNNING_FIELDS, text_files
from testing.table_laws import check_text_file
from testing.untrained import no_training

unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck))
FAMILIES = (*FIELD_POOLS, *RUNNING_FIELDS)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_rows_of_a_text_file_are_scored_alike_alone_and_among_any_others(family):
    """The smallest file with a column of this kind, and two of any size: each kind has its turn."""

    @seed(FAMILIES.index(family))
    @settings(unhurried, max_examples=3)
    @given(text_files(family))
    def are_scored_alike(drawn):
        with no_training():
            check_text_file(drawn)

    are_scored_alike()
