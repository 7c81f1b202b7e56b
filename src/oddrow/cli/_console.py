"""What a person sees on stderr: notes, errors, progress. Data go to stdout and not through here."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from oddrow.exceptions import TrainingHealthWarning


@dataclass
class _State:
    quiet: bool = False
    debug: bool = False
    gathered: list[str] | None = None


state = _State()


def configure(*, quiet: bool, debug: bool) -> None:
    """Set what the global options say."""
    state.quiet, state.debug, state.gathered = quiet, debug, None


def gather_notes() -> list[str]:
    """From now on notes go into this list, which a JSON object holds, and not to stderr."""
    state.gathered = []
    return state.gathered


def say(text: str) -> None:
    """A note, unless quiet."""
    if state.gathered is not None:
        state.gathered.append(text)
    elif not state.quiet:
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - the one place that prints notes


def say_error(text: str) -> None:
    """An error, always."""
    print(f"error: {text}", file=sys.stderr, flush=True)  # noqa: T201 - the one place that prints errors


@dataclass(frozen=True)
class Watching:
    """What a fit tells while it runs and, before, while rows are read; what it asks when interrupted, or None."""

    on_progress: Callable[[int, int, float], None]
    on_rows: Callable[[int, int], None]
    on_interrupt: Callable[[], bool] | None


@contextmanager
def fit_progress() -> Iterator[Watching]:
    """A progress bar and a question at Ctrl-C, on a terminal; else neither. Warnings of the fit become notes."""
    with _health_as_notes():
        if state.quiet or not sys.stderr.isatty():
            yield Watching(lambda *told: None, lambda *told: None, None)  # noqa: ARG005 - the callbacks' signatures
        else:
            with _progress_bar() as watching:
                yield watching


@contextmanager
def _health_as_notes() -> Iterator[None]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TrainingHealthWarning)
        yield
    for warning in caught:
        if issubclass(warning.category, TrainingHealthWarning):
            say(f"warning: {warning.message}")
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


@contextmanager
def _progress_bar() -> Iterator[Watching]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[said]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading", total=None, said="")

        def on_progress(done: int, total: int, loss: float) -> None:
            if progress.tasks[task].description != "fitting":  # another count, and another speed
                progress.reset(task)
            said = f"step {done}/{total} loss {loss:.3f} nats/row"
            progress.update(task, description="fitting", completed=done, total=total, said=said)

        def on_rows(done: int, total: int) -> None:
            speed = progress.tasks[task].speed
            said = f"{done:,}/{total:,} rows" + ("" if speed is None else f" {speed:,.0f} rows/s")
            progress.update(task, completed=done, total=total, said=said)

        def on_interrupt() -> bool:
            progress.stop()
            is_kept = ask_whether_kept()
            progress.start()
            return is_kept

        yield Watching(on_progress, on_rows, on_interrupt if sys.stdin.isatty() else None)


@contextmanager
def fits_progress() -> Iterator[Callable[[int, int, str], None] | None]:
    """A progress bar over many fits, told ``(fits_done, fits_in_all, what)``, on a terminal; else None."""
    if state.quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), TextColumn("fit {task.completed}/{task.total}: {task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)

        def on_progress(done: int, total: int, what: str) -> None:
            progress.update(task, completed=done, total=total, description=what)

        yield on_progress


@contextmanager
def rows_progress() -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar over rows, told ``(rows_done, rows_in_all)``, with rows a second and time left; else None."""
    if state.quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} rows"),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("looking through the table", total=None, speed="")

        def on_progress(done: int, total: int) -> None:
            speed = progress.tasks[0].speed
            said = "" if speed is None else f"{speed:,.0f} rows/s"
            progress.update(task, description="scoring", completed=done, total=total, speed=said)

        yield on_progress


def ask_whether_kept() -> bool:
    """Whether an interrupted fit keeps its best weights (True) or goes on (False); a no is an interrupt after all."""
    while True:
        print("keep the best weights so far? [Y/n/continue] ", end="", file=sys.stderr, flush=True)  # noqa: T201
        line = sys.stdin.readline()
        answer = line.strip().lower()
        if line and answer in ("", "y", "yes"):
            return True
        if not line or answer in ("n", "no"):
            raise KeyboardInterrupt
        if answer in ("c", "continue"):
            return False


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
