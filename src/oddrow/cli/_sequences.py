"""The options by which a model is fitted to windows or to entity features, and what they learn from a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from oddrow.cli._groups import WINDOWS
from oddrow.cli._options import named, with_options
from oddrow.columns import is_ignored, sampled
from oddrow.exceptions import SettingError
from oddrow.files import TableStream
from oddrow.sequences import EntityHistory, Preparation, WindowPlan, Windows
from oddrow.table import PlacedRows, as_table


@dataclass(frozen=True)
class SequenceOptions:
    """The options as they were given.

    Attributes
    ----------
    windows : rows or duration of a window; None for no windows
    entity : the column of the entity
    step, max_gap : as of ``oddrow windows``
    """

    windows: str | None = None
    entity: str | None = None
    step: str | None = None
    max_gap: str | None = None

    @property
    def is_given(self) -> bool:
        """Whether any option is given."""
        return self != NO_SEQUENCES

    def specification(self, time: str | None, present: list[str]) -> Windows | EntityHistory:
        """Return the specification of windows, or else of entity features.

        Raises
        ------
        SettingError
            If the column of the time is not given, or a column is not in the table.
        """
        if self.windows is None and (self.step is not None or self.max_gap is not None):
            raise SettingError("--step and --max-gap are about windows; give --windows too")
        if time is None:
            raise SettingError("--windows and --entity need the time of each row; give its column with --time COL")
        time = present_column(time, present, "--time")
        entity = None if self.entity is None else present_column(self.entity, present, "--entity")
        if self.windows is None:
            assert entity is not None  # noqa: S101 - is_given
            return EntityHistory(entity, time)
        is_rows = self.windows.isdecimal()
        spec = Windows(
            time,
            entity,
            int(self.windows) if is_rows else None,
            None if is_rows else self.windows,
            step_of(self.step or "1"),
            self.max_gap,
        )
        spec.check()
        return spec


NO_SEQUENCES = SequenceOptions()
"""No options: rows are scored as they are."""

MaxGapOption = Annotated[
    str | None,
    typer.Option(
        "--max-gap",
        metavar="TIME",
        help="Longest duration between two rows of a window; after a longer one windows begin anew.",
        rich_help_panel=WINDOWS,
    ),
]

_OPTIONS: dict[str, tuple[Any, Any]] = {
    "windows": (
        Annotated[
            str | None,
            typer.Option(
                "--windows",
                metavar="N|TIME",
                help="Score windows of the last N rows, or of a duration such as 10min; needs --time.",
                rich_help_panel=WINDOWS,
            ),
        ],
        None,
    ),
    "entity": (
        Annotated[
            str | None,
            typer.Option(
                "--entity",
                metavar="COL",
                help="Column of the card, machine, ...: windows of its rows; without --windows, each row is scored "
                "with features of the earlier rows of its entity. Needs --time.",
                rich_help_panel=WINDOWS,
            ),
        ],
        None,
    ),
    "step": (
        Annotated[
            str | None,
            typer.Option(
                "--step", metavar="N", help="Every N-th row ends a window, 1 by default.", rich_help_panel=WINDOWS
            ),
        ],
        None,
    ),
    "max_gap": (MaxGapOption, None),
}


def takes_sequences(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of windows and entity features; it gets them as one value ``sequences``."""
    return with_options(command, "sequences", _OPTIONS, SequenceOptions)


def step_of(text: str) -> int | str:
    """Return a number of rows, or a duration as it is written."""
    return int(text) if text.isdecimal() else text


def present_column(name: str, present: list[str], option: str) -> str:
    """Return the column that an option names.

    Raises
    ------
    SettingError
        If there is no such column; the message names the option.
    """
    found = named(name, present, option)
    if found not in present:
        raise SettingError(f"{option} {name}: the table has no such column; it has {', '.join(map(repr, present[:8]))}")
    return found


def learned_windows(spec: Windows, stream: TableStream, kinds: Mapping[str, str]) -> WindowPlan:
    """Learn the derived columns from all rows, or from a sample and a sketch of the others."""
    rows = PlacedRows(stream.located)
    with rows.placing():
        ignored = {name for name, kind in kinds.items() if is_ignored(kind)} - {spec.time, spec.entity}
        table = sampled(rows, 0, kinds=kinds, reads=lambda name: name not in ignored)
        sample = table.sample
        # a sample has lost the rows between its own, so the usual time between two rows is learned from the first batch
        ordered = sample.ordered if sample.is_whole else as_table(next(iter(stream)))
        return spec.learn(sample.ordered, kinds, table.rest, ordered)


def learned(spec: Windows | EntityHistory, stream: TableStream, kinds: Mapping[str, str]) -> Preparation:
    """Learn windows or entity features from the rows of a stream, which is read once."""
    if isinstance(spec, Windows):
        return learned_windows(spec, stream, kinds)
    rows = PlacedRows(stream.located)
    with rows.placing():
        ignored = {name for name, kind in kinds.items() if is_ignored(kind)} - {spec.time, spec.entity}
        table = sampled(rows, 0, kinds=kinds, reads=lambda name: name not in ignored)
        return spec.learn(table.sample.ordered, kinds)
