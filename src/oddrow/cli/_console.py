"""What a person sees on stderr: notes, errors, progress. Data go to stdout and not through here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class _State:
    quiet: bool = False
    debug: bool = False


state = _State()


def configure(*, quiet: bool, debug: bool) -> None:
    """Set what the global options say."""
    state.quiet, state.debug = quiet, debug


def say(text: str) -> None:
    """A note, unless quiet."""
    if not state.quiet:
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - the one place that prints notes


def say_error(text: str) -> None:
    """An error, always."""
    print(f"error: {text}", file=sys.stderr, flush=True)  # noqa: T201 - the one place that prints errors


@contextmanager
def fit_progress() -> Iterator[Callable[[int, int, float], None]]:
    """A progress bar with loss and time left, if stderr is a terminal; else nothing."""
    if state.quiet or not sys.stderr.isatty():
        yield lambda done, total, loss: None  # noqa: ARG005 - the callback's signature
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("fitting"),
        BarColumn(),
        TextColumn("step {task.completed}/{task.total}"),
        TextColumn("loss {task.fields[loss]:.3f} nats/row"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("fit", total=None, loss=float("nan"))

        def on_progress(done: int, total: int, loss: float) -> None:
            progress.update(task, completed=done, total=total, loss=loss)

        yield on_progress


def print_table(title: str, headings: list[str], rows: list[list[str]]) -> None:
    """A table on stdout: with lines on a terminal, plain otherwise; never cut."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*map(_escaped, row))
    console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=160)
    console.print(table)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
