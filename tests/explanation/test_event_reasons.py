"""The reasons of an event are the parts of its rows, added for each original column."""

import re
from dataclasses import dataclass

import pytest

from oddrow.exceptions import DataError, SettingError
from oddrow.explanation import Explanation, Reason, event_reason_text, event_reasons


@dataclass(frozen=True)
class DottedNames:
    """A preparation whose derived columns are named by their original column and a statistic."""

    def original(self, column):
        return column.partition(".")[0]

    def words(self, column):
        name, _, statistic = column.partition(".")
        return f"{name}: {statistic} over the last 16 rows"


def explained(surprise, **nats):
    """An explanation whose columns have these nats; the rest is the combination's."""
    reasons = tuple(
        Reason(name.replace("_", "."), 0.8, 0.01, part, part / surprise, "-0.02 to 0.03")
        for name, part in sorted(nats.items(), key=lambda item: -item[1])
    )
    rest = surprise - sum(nats.values())
    return Explanation(0, surprise, 0.01, True, reasons, rest, rest / surprise, 0.0, 0.0)


ROW = explained(20.0, pressure_trend=6.0, flow_last=5.0, pressure_mean=4.0, flow_std=0.5, level_last=0.0)


def test_shares_are_added_for_each_original_column():
    reasons = event_reasons([ROW], DottedNames())
    assert [(reason.column, reason.nats, reason.share) for reason in reasons] == [
        ("pressure", 10.0, pytest.approx(0.5)),
        ("flow", 5.5, pytest.approx(0.275)),
    ]


def test_the_parts_of_all_original_columns_are_those_of_all_derived_columns():
    reasons = event_reasons([ROW, explained(5.0, level_std=2.0, flow_last=1.0)], DottedNames(), top=None)
    assert sum(reason.nats for reason in reasons) == pytest.approx(15.5 + 3.0)
    assert sum(reason.share for reason in reasons) == pytest.approx((15.5 + 3.0) / 25.0)


def test_the_words_are_those_of_the_strongest_derived_column():
    (pressure,) = event_reasons([ROW], DottedNames(), top=1)
    text = "pressure: trend over the last 16 rows, 0.8 where -0.02 to 0.03 was expected (50 %)"
    assert event_reason_text(pressure) == text
    assert repr(pressure) == f"<EventReason {text}>"


def test_over_several_rows_the_strongest_derived_column_has_the_largest_sum():
    rows = [explained(9.0, pressure_mean=5.0), explained(9.0, pressure_trend=4.0), explained(9.0, pressure_trend=3.0)]
    (pressure,) = event_reasons(rows, DottedNames())
    assert pressure.strongest == rows[1].reasons[0]
    assert pressure.share == pytest.approx(12.0 / 27.0)


def test_the_condition_or_the_expected_value_is_part_of_the_text():
    row = explained(9.0, pressure_mean=5.0)
    conditional = Reason("p.last", None, 3.0, 5.0, 0.5, "2 to 4", (("pump", "north"),))
    plain = Reason("p.last", 7, 4443.19, 5.0, 0.5)
    for reason, text in (
        (conditional, "p: last over the last 16 rows, missing where 2 to 4 was expected for north (56 %)"),
        (plain, "p: last over the last 16 rows, 7 where 4,443 was expected (56 %)"),
    ):
        changed = Explanation(0, row.surprise, 0.01, True, (reason,), 4.0, 4 / 9, 0.0, 0.0)
        assert event_reason_text(event_reasons([changed], DottedNames())[0]) == text


def test_a_wrong_input_is_named():
    with pytest.raises(DataError, match="there is no explanation; give that of the event's peak row"):
        event_reasons([], DottedNames())
    with pytest.raises(SettingError, match=re.escape("top is 0; give 1 or more columns, or None for all")):
        event_reasons([ROW], DottedNames(), top=0)
