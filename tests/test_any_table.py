"""Any table at all: a fit works or says why not in one of oddrow's errors, and what it gives keeps every law."""

from hypothesis import HealthCheck, given, settings

from testing.strategies import any_tables, object_tables
from testing.table_laws import check_objects, check_tables
from testing.untrained import hundred_steps, no_training

unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(unhurried, max_examples=220)
@given(any_tables())
def test_any_table_keeps_the_laws(tables):
    with no_training():
        check_tables(tables)


@settings(unhurried, max_examples=100)
@given(object_tables())
def test_any_python_objects_keep_the_laws(objects):
    with no_training():
        check_objects(objects)


@settings(unhurried, max_examples=10)
@given(any_tables())
def test_any_table_keeps_the_laws_with_training(tables):
    with hundred_steps():
        check_tables(tables)
