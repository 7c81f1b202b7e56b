"""Any table at all: a fit works or says why not in one of oddrow's errors, and what it gives keeps every law."""

import pytest
from hypothesis import HealthCheck, given, seed, settings

from testing.strategies import COLUMN_FAMILIES, any_tables, object_tables
from testing.table_laws import check_objects, check_tables
from testing.untrained import hundred_steps, no_training

unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("family", COLUMN_FAMILIES)
def test_any_table_with_a_column_of_any_kind_keeps_the_laws(family):
    """The smallest table with such a column, and another of any size: each kind has its turn, however few tables."""

    @seed(COLUMN_FAMILIES.index(family))
    @settings(unhurried, max_examples=2)
    @given(any_tables(family))
    def keeps_the_laws(tables):
        with no_training():
            check_tables(tables)

    keeps_the_laws()


@settings(unhurried, max_examples=60)
@given(object_tables())
def test_any_python_objects_keep_the_laws(objects):
    with no_training():
        check_objects(objects)


@settings(unhurried, max_examples=6)
@given(any_tables())
def test_any_table_keeps_the_laws_with_training(tables):
    with hundred_steps():
        check_tables(tables)
