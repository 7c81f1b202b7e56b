"""The user's settings for one column, parsed: its kind, and how its values are written."""

from __future__ import annotations

from dataclasses import dataclass, replace

from oddrow.table import PLAIN, DateForm, TextForm

_OTHER_DECIMAL = {".": ",", ",": "."}


@dataclass(frozen=True)
class GivenColumn:
    """The user's settings for one column.

    Attributes
    ----------
    kind : the name of a kind; None if the kind is judged
    is_kept : whether a judged column is used even where it looks like an identifier or runs on
    decimal, thousands, dates : how its values are written; None if that is judged
    missing : additional texts that stand for a missing value
    runs_on : for times, whether later rows have later values
    sources : the names of its source columns in the table; () means the column of the same name
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
        """Return the judged form, overridden by the given settings.

        If a given decimal or thousands sign equals the judged or default sign of the other, that other sign changes.
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
