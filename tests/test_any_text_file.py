"""Any text file at all: the rows that stand beside a row, before it or behind it, change nothing about it."""

from hypothesis import HealthCheck, given, settings

from testing.strategies import text_files
from testing.table_laws import check_text_file
from testing.untrained import no_training

unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(unhurried, max_examples=300)
@given(text_files())
def test_the_rows_of_a_text_file_are_scored_alike_alone_and_among_any_others(drawn):
    with no_training():
        check_text_file(drawn)
