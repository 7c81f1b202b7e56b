"""The columns from which entity features are computed, and the names and words of the features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from oddrow.columns import Kind, TableSchema
from oddrow.sequences._entity_memory import DAY, MAX_VALUES

WINDOWS: Mapping[str, tuple[float, str]] = {
    "5min": (300.0, "the 5 minutes before"),
    "hour": (3_600.0, "the hour before"),
    "day": (DAY, "the day before"),
}
"""The time spans of counts and sums: their names, seconds and words."""
SECONDS_SINCE_LAST = "seconds_since_last"


@dataclass(frozen=True)
class NumberHistory:
    """How the earlier values of one number column are summed up.

    Attributes
    ----------
    name : the column
    unit : exponent of two of the unit in which sums are counted
    is_ratio : whether a value is divided by the entity's own median; otherwise the median is subtracted
    """

    name: str
    unit: int
    is_ratio: bool

    @property
    def own_median(self) -> str:
        """The name of the feature that compares a value with the entity's own median."""
        return f"{self.name}.{'ratio_to' if self.is_ratio else 'minus'}_own_median"

    def sum_over(self, window: str) -> str:
        """The name of the feature that is the sum over a window of time."""
        return f"{self.name}.sum_{window}"


@dataclass(frozen=True)
class HistoryColumns:
    """The columns from which entity features are computed.

    Attributes
    ----------
    time, entity : the columns of the time and of the entity of a row
    schema : the columns that are read, with their kinds: time, entity, numbers and categories
    numbers : the number columns
    """

    time: str
    entity: str
    schema: TableSchema
    numbers: tuple[NumberHistory, ...]

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """The category columns, without the entity."""
        left_out = (self.time, self.entity)
        return tuple(one.name for one in self.schema.columns if one.kind == Kind.CATEGORY and one.name not in left_out)

    @cached_property
    def features(self) -> Mapping[str, tuple[str, str]]:
        """For each feature, in the order of the derived columns, the column that it is about, and its words."""
        same = f"same {self.entity}"
        named = {SECONDS_SINCE_LAST: (self.time, f"seconds since the row before, {same}")}
        for window, (_, words) in WINDOWS.items():
            named[count_over(window)] = self.time, f"rows in {words}, {same}"
        for number in self.numbers:
            for window, (_, words) in WINDOWS.items():
                named[number.sum_over(window)] = number.name, f"sum in {words}, {same}"
            compared = "ratio to" if number.is_ratio else "difference from"
            named[number.own_median] = number.name, f"{compared} the median of up to {MAX_VALUES} rows before, {same}"
        for name in self.categories:
            named[is_first(name)] = name, f"first time of this value, {same}"
        return named

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features, also of several of the same name, which only a damaged file has."""
        of_numbers = (name for number in self.numbers for name in (*map(number.sum_over, WINDOWS), number.own_median))
        return (SECONDS_SINCE_LAST, *map(count_over, WINDOWS), *of_numbers, *map(is_first, self.categories))

    @cached_property
    def kinds(self) -> Mapping[str, str]:
        """The kind of each feature: a count is a number also where training rows have only two counts."""
        flags = {is_first(name) for name in self.categories}
        return {name: Kind.BOOLEAN if name in flags else Kind.NUMBER for name in self.features}


def count_over(window: str) -> str:
    """Return the name of the feature that counts the rows in a window of time."""
    return f"rows_{window}"


def is_first(name: str) -> str:
    """Return the name of the feature that says whether a category is there for the first time."""
    return f"{name}.is_first"
