"""Files of verdicts, as the page of a triage report exports them: read within limits, and checked strictly."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias, cast, get_args

import pydantic

from oddrow.container import one_line, strict_json
from oddrow.exceptions import DataError
from oddrow.explanation import Direction
from oddrow.feedback._rules import KindKey, NamedSecond, Text

MAX_BYTES: Final = 1 << 26
"""Largest size of a file of verdicts in bytes."""
EXPORT = "export verdicts again from the report's page"
Verdict: TypeAlias = Literal["real", "false alarm", "unsure"]
_STRICT: Final = pydantic.ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, kw_only=True)
class NamedKind:
    """A kind of alerts: column of the leading reason ("" for rows odd as a whole), direction, value, second reason."""

    column: Text
    direction: Direction
    value: Text | None
    also: NamedSecond | None = None

    __pydantic_config__: ClassVar[pydantic.ConfigDict] = _STRICT

    @property
    def key(self) -> KindKey:
        """What tells kinds apart."""
        return self.column, self.direction, self.value, self.also


@dataclass(frozen=True, kw_only=True)
class KindVerdict(NamedKind):
    """A verdict on a kind of alerts, with the reader's note and the time."""

    verdict: Verdict
    note: Text
    at: pydantic.AwareDatetime


@dataclass(frozen=True)
class NamedReason:
    """A reason of a row: its column, and its share of the surprise."""

    column: Text
    share: float

    __pydantic_config__: ClassVar[pydantic.ConfigDict] = _STRICT


@dataclass(frozen=True)
class RowVerdict:
    """A verdict on a row, by its number from 1, with the row's reasons, its kind, surprise and values; None if unknown.

    The page rounds the values of numbers to seven digits.
    """

    row: Annotated[int, pydantic.Field(ge=1)]
    verdict: Verdict
    note: Text
    at: pydantic.AwareDatetime
    reasons: tuple[NamedReason, ...]
    kind: NamedKind | None
    surprise: pydantic.NonNegativeFloat | None = None
    values: dict[Text, Text | None] | None = None

    __pydantic_config__: ClassVar[pydantic.ConfigDict] = _STRICT


@dataclass(frozen=True)
class NamedTable:
    """The table of a report: its name, and its number of rows."""

    name: Text
    rows: pydantic.NonNegativeInt

    __pydantic_config__: ClassVar[pydantic.ConfigDict] = _STRICT


@dataclass(frozen=True)
class _Content:
    """What a file of verdicts holds; see :class:`VerdictFile`."""

    format: Literal["oddrow-verdicts"]
    version: Literal[1]
    report: Text
    model: Text | None
    table: NamedTable
    verdicts: tuple[RowVerdict, ...]
    kinds: tuple[KindVerdict, ...]

    __pydantic_config__: ClassVar[pydantic.ConfigDict] = _STRICT


@dataclass(frozen=True)
class VerdictFile(_Content):
    """The verdicts on one report.

    Attributes
    ----------
    format, version : what the file is
    report : the id of the report
    model : SHA-256 of the model file that the report was made with; None if it was made without a file
    table : the table of the report
    verdicts, kinds : the verdicts on rows and on kinds
    name : the name of the file, for messages
    """

    name: str = "verdicts"


@cache
def _content_type() -> pydantic.TypeAdapter[_Content]:
    return pydantic.TypeAdapter(_Content)


def read_verdicts(source: str | Path | Mapping[str, Any]) -> VerdictFile:
    """Read verdicts from a file, or from the object that it holds.

    Raises
    ------
    DataError
        If the file cannot be read, is too large, is not JSON, or has a field that is missing, unknown or has a wrong
        value; the message names the file, the field and the value.
    """
    if isinstance(source, Mapping):
        return _checked("verdicts", source)
    path = Path(source)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path}: is larger than {MAX_BYTES:,} bytes, so it is no file of verdicts; {EXPORT}")
        content = strict_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: is not JSON ({one_line(str(error))}); {EXPORT}") from error
    return _checked(str(path), content)


def verdicts_on_rows(verdicts: Mapping[int, str], table: str, n_rows: int) -> VerdictFile:
    """Return verdicts on the rows of a table, by their index from 0.

    Parameters
    ----------
    verdicts
        "real", "false alarm" or "unsure" by row.
    table, n_rows
        What tells the table from others, and its number of rows.

    Raises
    ------
    DataError
        If a row is not one of the table, or a verdict is none of the three.
    """
    allowed: tuple[str, ...] = get_args(Verdict)
    for row, verdict in verdicts.items():
        if isinstance(row, bool) or not 0 <= row < n_rows:
            raise DataError(f"there is a verdict on row {row!r}; the rows of the table are 0 to {n_rows - 1:,}")
        if verdict not in allowed:
            raise DataError(f"the verdict on row {row} is {verdict!r:.60}; choose from {', '.join(map(repr, allowed))}")
    now = dt.datetime.now(dt.UTC)
    rows = tuple(
        RowVerdict(int(row) + 1, cast("Verdict", verdict), "", now, (), None) for row, verdict in verdicts.items()
    )
    return VerdictFile("oddrow-verdicts", 1, table, None, NamedTable("rows", n_rows), rows, ())


def _checked(name: str, content: Any) -> VerdictFile:
    if not isinstance(content, Mapping) or content.get("format") != "oddrow-verdicts":
        raise DataError(f"{name}: is no file of verdicts: its format is not 'oddrow-verdicts'; {EXPORT}")
    if content.get("version") != 1:
        version = one_line(repr(content.get("version")))
        raise DataError(f"{name}: version is {version}, and this oddrow reads version 1; upgrade oddrow, or {EXPORT}")
    try:
        return VerdictFile(**vars(_content_type().validate_python(content)), name=name)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"][:4]))
        value = one_line(repr(first["input"]))[:80]
        reason = one_line(first["msg"])
        raise DataError(f"{name}: {one_line(place)} is {value}: {reason}; {EXPORT}") from error
