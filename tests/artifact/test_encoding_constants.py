"""The constants of the encodings are those that protocol 1 fixes: they are not in the file."""

from oddrow.artifact import PROTOCOL
from oddrow.columns.kinds import _running, clock, number
from oddrow.columns.kinds import range as range_kind


def test_a_changed_constant_of_an_encoding_needs_a_new_protocol_number():
    assert PROTOCOL == 1
    assert number.RANGE_MARGIN == 0.5
    assert (_running.MAX_AHEAD, _running.MAX_BACK) == (2.0, 0.5)
    assert clock.CIRCLE_GRID == 1_048_576
    assert (_running.DAY, _running.WEEK) == (86_400, 604_800)
    assert range_kind.MAX_SCALED == 1_000_000
