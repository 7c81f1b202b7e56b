"""How the command line phrases what the library says: the settings that a remedy names, as options."""

from __future__ import annotations

from collections.abc import Mapping

from oddrow.exceptions import OddrowError
from oddrow.remedies import Advice, Setting

_OPTIONS = {"column_names": "names", "has_header": "header", "rows": "table"}
"""Arguments of Python whose option has another name."""
_METAVARS = {
    "column_names": "A,B,...",
    "data": "FILE",
    "encoding": "NAME",
    "missing_text": "TEXT",
    "rows": "TABLE",
    "test": "FILE",
}
"""What stands for a value that only the user can know; elsewhere it is VALUE."""


def in_options(said: OddrowError | str) -> str:
    """An error or a note of the library, with the settings that it names as options."""
    return said.phrased(as_option) if isinstance(said, OddrowError | Advice) else said


def as_option(setting: Setting) -> str:
    """A setting as it is typed on the command line.

    Examples
    --------
    >>> as_option(Setting("on_error", "skip"))
    '--on-error skip'
    >>> as_option(Setting("columns", {"day": "timestamp; dates=dmy"}))
    "--timestamp 'day'=dmy"
    """
    name, value = setting.name, setting.value
    if name == "policy":
        return "oddrow decide MODEL --false-alarms 0.01"
    if isinstance(value, Mapping):  # of columns to their kinds
        from oddrow.table import shortened  # imports Arrow's functions, which --version and --help do not need

        forms = {column: kind.partition("; dates=") for column, kind in value.items()}
        return " ".join(
            f"--{kind} {shortened(column)}" + (f"={dates}" if dates else "")
            for column, (kind, _, dates) in forms.items()
        )
    option = _OPTIONS.get(name, name).replace("_", "-")
    if value is False:
        return f"--no-{option}"
    if value is True:
        return f"--{option}"
    if value is ...:
        return f"--{option} {_METAVARS.get(name, 'VALUE')}"
    return f"--{option} {value}"
