"""What a user says of one column, parsed: its kind, and how its values are written."""

from __future__ import annotations

from dataclasses import dataclass, replace

from oddrow.table import PLAIN, DateForm, TextForm

_OTHER_DECIMAL = {".": ",", ",": "."}


@dataclass(frozen=True)
class GivenColumn:
    """What is said of one column.

    Attributes
    ----------
    kind : None where it is judged
    is_kept : whether a judged column is used even where it looks like an identifier or runs on
    decimal, thousands, dates : how its values are written; None where that is judged
    missing : further texts that stand for a missing value
    runs_on : of times, whether later rows have later values
    sources : the table columns that it reads; () means the one of its own name
    """

    kind: str | None = None
    is_kept: bool = False
    decimal: str | None = None
    thousands: str | None = None
    dates: DateForm | None = None
    missing: tuple[str, ...] = ()
    runs_on: bool = False
    sources: tuple[str, ...] = ()

    def form(self, judged: TextForm = PLAIN) -> TextForm:
        """A form that was judged, with what is said instead.

        A sign that is said is not kept for the other purpose, where it was judged or is the usual one.
        """
        decimal = judged.decimal if self.decimal is None else self.decimal
        thousands = judged.thousands if self.thousands is None else self.thousands
        if decimal == thousands and self.decimal is None:
            decimal = _OTHER_DECIMAL[thousands]
        elif decimal == thousands:
            thousands = ""
        return replace(
            judged,
            decimal=decimal,
            thousands=thousands,
            dates=judged.dates if self.dates is None else self.dates,
            missing=tuple(dict.fromkeys((*judged.missing, *self.missing))),
        )


NOTHING_GIVEN = GivenColumn()
