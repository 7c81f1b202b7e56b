"""A mute rule: which rows it matches, in values and in words, where it comes from, and how long it is in force."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

import pydantic

from oddrow.container import one_line
from oddrow.exceptions import SettingError
from oddrow.explanation import Direction, LeadingReason
from oddrow.remedies import Setting, remedy

MAX_RULES: Final = 1_000
"""Largest number of mute rules of a model."""
MAX_LETTERS: Final = 10_000
"""Largest number of characters of a name, a value or a note."""

Text: TypeAlias = Annotated[str, pydantic.StringConstraints(max_length=MAX_LETTERS)]
KindKey: TypeAlias = tuple[str, Direction, str | None, "NamedSecond | None"]
"""What tells kinds of alerts apart: column, direction, value, and the second reason."""
RuleDirection: TypeAlias = Literal["above", "below", "value", "missing", "present", "unseen", "changed"]
_NAMED: Final = ("value", "unseen", "changed")


@dataclass(frozen=True)
class NamedSecond:
    """The second reason that the rows of a kind share: its column, and in which way its value is odd."""

    column: Text
    direction: Direction

    __pydantic_config__: ClassVar[pydantic.ConfigDict] = pydantic.ConfigDict(extra="forbid")


def today() -> dt.date:
    """Return the date in UTC, by which rules expire."""
    return dt.datetime.now(dt.UTC).date()


def expiry(expires: dt.date | str | None) -> dt.date | None:
    """Return the date that a user gave; "never" is None.

    Raises
    ------
    SettingError
        If it is no date.
    """
    if not isinstance(expires, str):
        return expires
    if expires == "never":
        return None
    try:
        return dt.date.fromisoformat(expires)
    except ValueError as error:
        raise SettingError(f"expires is {expires!r}; give a date such as 2027-01-31, or never") from error


@dataclass(frozen=True)
class MuteRule:
    """Hides the alerts of rows whose leading reason is one column that is odd in one way.

    Attributes
    ----------
    column, direction : the column of the leading reason, and in which way its value is odd, see
        :class:`oddrow.explanation.LeadingReason`
    value : the name that the column must have; None for every value that is odd in this way
    at : when the verdict was given, ISO 8601
    report : the id of the report on which it was given
    note : the reader's note
    expires : the last day, in UTC, on which the rule is in force; None if it does not expire
    also : the second reason that the row must have; None for any, or none
    up_to : the largest surprise, in nats, of a row whose alert is hidden; None for every surprise
    """

    column: Text
    direction: RuleDirection
    value: Text | None
    at: pydantic.AwareDatetime
    report: Text
    note: Text = ""
    expires: dt.date | None = None
    also: NamedSecond | None = None
    up_to: Annotated[float, pydantic.Field(ge=0, allow_inf_nan=False)] | None = None

    __pydantic_config__: ClassVar[pydantic.ConfigDict] = pydantic.ConfigDict(extra="forbid")

    @property
    def key(self) -> KindKey:
        """The kind whose rows the rule matches; no two rules of a model have the same key."""
        return self.column, self.direction, self.value, self.also

    @property
    def words(self) -> str:
        """The rule in words.

        Examples
        --------
        >>> at = dt.datetime(2026, 11, 28, tzinfo=dt.UTC)
        >>> MuteRule("country", "value", "KP", at, "").words
        'country = KP as the leading reason'
        >>> MuteRule("amount", "above", None, at, "").words
        'amount too high as the leading reason'
        >>> MuteRule("amount", "above", None, at, "", also=NamedSecond("hour", "below")).words
        'amount too high and hour too low as the leading reasons'
        >>> MuteRule("amount", "above", None, at, "", up_to=7.5).words
        'amount too high as the leading reason, up to 7.5 nats'
        """
        limit = "" if self.up_to is None else f", up to {self.up_to:g} nats"
        return f"{kind_words(self.key)} as the leading reason{'' if self.also is None else 's'}{limit}"

    def matches(self, kind: KindKey) -> bool:
        """Whether the rule hides the alerts of a kind, by its key."""
        column, direction, value, also = kind
        is_first = (column, direction) == (self.column, self.direction) and self.value in (None, value)
        return is_first and self.also in (None, also)

    def matches_row(self, surprise: float, leading: LeadingReason, second: LeadingReason | None) -> bool:
        """Whether the rule hides the alert of a row with this surprise, this leading reason and this second one."""
        if leading.reason is None or (self.up_to is not None and surprise > self.up_to):
            return False
        also = None
        if second is not None and second.reason is not None:
            also = NamedSecond(second.reason.column, second.direction)
        return self.matches((leading.reason.column, leading.direction, leading.value, also))

    def is_in_force(self, day: dt.date) -> bool:
        """Whether the rule has not expired."""
        return self.expires is None or day <= self.expires


def checked_up_to(up_to: float | None) -> float | None:
    """Return the largest surprise in nats of a hidden alert; None for every surprise.

    Raises
    ------
    SettingError
        If it is no finite number >= 0.
    """
    if up_to is None:
        return None
    is_number = isinstance(up_to, int | float) and not isinstance(up_to, bool)
    if not (is_number and math.isfinite(up_to) and up_to >= 0):
        raise SettingError(
            f"the largest surprise of a hidden alert is {up_to!r:.40}, which is no number of nats >= 0",
            remedy=remedy("give one with ", Setting("up_to", "7.5")),
        )
    return float(up_to)


def kind_words(kind: KindKey) -> str:
    """Return a kind of alerts in words, as one short line without control characters."""
    column, direction, value, also = kind
    second = "" if also is None else f" and {one_line(also.column)} {_WORDS[also.direction]}"
    if direction in _NAMED and value is not None:
        return one_line(f"{column} = {value}") + (" (not seen before)" if direction == "unseen" else "") + second
    return (f"{one_line(column)} {_WORDS[direction]}" if column else _WORDS[direction]) + second


_WORDS: Final[dict[Direction, str]] = {
    "above": "too high",
    "below": "too low",
    "value": "with any unusual value",
    "missing": "missing",
    "present": "present",
    "unseen": "with any value not seen before",
    "changed": "with a changed value",
    "whole": "odd as a whole",
}
