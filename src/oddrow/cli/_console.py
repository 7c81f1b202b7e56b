"""Messages to the user: notes, errors and progress on stderr, sentences and tables of results on stdout."""

from __future__ import annotations

import shutil
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from oddrow.cli._remedies import in_options
from oddrow.exceptions import DependenceWarning, TrainingHealthWarning


@dataclass
class _State:
    quiet: bool = False
    debug: bool = False
    gathered: list[str] | None = None


state = _State()


def configure(*, quiet: bool, debug: bool) -> None:
    """Apply the global options."""
    state.quiet, state.debug, state.gathered = quiet, debug, None


def gather_notes() -> list[str]:
    """Collect all later notes in the returned list, for a JSON object, instead of printing them on stderr."""
    state.gathered = []
    return state.gathered


def say(text: str) -> None:
    """Print a note on stderr, unless --quiet is given."""
    if state.gathered is not None:
        state.gathered.append(text)
    elif not state.quiet:
        print(wrapped(text), file=sys.stderr, flush=True)  # noqa: T201 - the one place that prints notes


def answer(text: str) -> None:
    """Print a sentence of the result on stdout."""
    print(wrapped(text), flush=True)  # noqa: T201 - the one place that prints sentences of answers


def say_error(text: str) -> None:
    """Print an error on stderr, also with --quiet."""
    print(wrapped(f"error: {text}"), file=sys.stderr, flush=True)  # noqa: T201 - the one place that prints errors


def wrapped(text: str) -> str:
    """Wrap a text between words if stderr is a terminal, since a terminal itself breaks lines inside words."""
    if not sys.stderr.isatty():
        return text
    width = shutil.get_terminal_size().columns
    lines = text.splitlines() or [""]
    return "\n".join(
        textwrap.fill(
            line, width, break_long_words=False, break_on_hyphens=False, drop_whitespace=True, subsequent_indent="  "
        )
        for line in lines
    )


@dataclass(frozen=True)
class Watching:
    """The callbacks of a fit: progress of training, rows read, phases, and the question after an interrupt, if any."""

    on_progress: Callable[[int, int, float], None]
    on_rows: Callable[[int, int], None]
    on_interrupt: Callable[[], bool] | None
    on_phase: Callable[[str], None]


MIN_DONE = 0.02
"""Minimum share of the work that must be done before the remaining time is estimated."""
FIT_PHASES = {"reading": 2.0, "cleaning": 2.0, "fitting": 24.0, "calibrating": 7.0}
"""The phases of a fit in their order, and about how many seconds each takes for 20,000 rows with 9 columns."""


def find_phases(n_fits: int, n_parts: int, *, explains_all: bool) -> dict[str, float]:
    """Return the phases of a find with this number of fits and parts, with about how many seconds each takes."""
    phases = {"reading": 1.0, "cleaning": 2.0}
    for place in range(n_parts):
        phases |= {
            f"{name} {place + 1} of {n_fits}": FIT_PHASES[name] for name in ("cleaning", "fitting", "calibrating")
        }
    phases |= {f"scoring {place + 1} of {n_parts}": 9.0 if explains_all else 3.0 for place in range(n_parts)}
    phases["explaining"] = 3.0
    for place in range(n_parts, n_fits):
        phases |= {
            f"{name} {place + 1} of {n_fits}": FIT_PHASES[name] for name in ("cleaning", "fitting", "calibrating")
        }
    return phases


class PhaseShares:
    """The share of all the work that is done, from the current phase and the share of that phase.

    Examples
    --------
    >>> shares = PhaseShares({"reading": 1.0, "fitting 1 of 2": 2.0, "fitting 2 of 2": 1.0})
    >>> shares.of("fitting 1 of 2"), shares.of("fitting 1 of 2", 0.25), shares.of("fitting 2 of 2", 0.75)
    (0.25, 0.5, 0.875)
    """

    def __init__(self, phases: dict[str, float]) -> None:
        self._whole = sum(phases.values())
        self._phases = phases

    def of(self, phase: str, done_of_all_fits: float = 0.0) -> float:
        """Return the share of the work that is done; ``done_of_all_fits`` is the share of the steps of all fits."""
        before = 0.0
        for name, seconds in self._phases.items():
            if name == phase:
                return (before + seconds * _done_of_one(phase, done_of_all_fits)) / self._whole
            before += seconds
        return 0.0


def _done_of_one(phase: str, done_of_all: float) -> float:
    """Return the share done of one fit: ``fitting 2 of 3`` is half done when half of the steps of all three are."""
    words = phase.split()
    index, count = (int(words[1]) - 1, int(words[3])) if len(words) == 4 else (0, 1)
    return min(max(done_of_all * count - index, 0.0), 1.0)


@contextmanager
def fit_progress(phases: dict[str, float] = FIT_PHASES) -> Iterator[Watching]:
    """Show a progress bar over all phases and ask a question at Ctrl-C, if stderr is a terminal.

    Health warnings of the fit are printed as notes.
    """
    with _health_as_notes():
        if state.quiet or not sys.stderr.isatty():
            yield Watching(_not_shown, _not_shown, None, _not_shown)
        else:
            with _progress_bar(PhaseShares(phases)) as watching:
                yield watching


@contextmanager
def _health_as_notes() -> Iterator[None]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TrainingHealthWarning)
        warnings.simplefilter("always", DependenceWarning)
        yield
    for warning in caught:
        if issubclass(warning.category, TrainingHealthWarning | DependenceWarning):
            said = warning.message.args[0] if isinstance(warning.message, Warning) else warning.message
            say(f"warning: {in_options(said)}")
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def _not_shown(*_: Any) -> None:
    """Ignore the progress, since stderr is no terminal or --quiet is given."""


@contextmanager
def _progress_bar(shares: PhaseShares) -> Iterator[Watching]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TextColumn("{task.fields[detail]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading", total=1.0, detail="")

        def show(done: float, detail: str) -> None:
            done = max(done, progress.tasks[task].completed)  # the bar never goes back
            left = time_left(progress.tasks[task].elapsed or 0.0, done)
            progress.update(task, completed=done, detail=" ".join(filter(None, (detail, left))))

        def on_phase(phase: str) -> None:
            progress.update(task, description=phase)
            show(shares.of(phase), "")

        def on_progress(done: int, total: int, loss: float) -> None:
            if not progress.tasks[task].description.startswith("fitting"):
                on_phase("fitting")
            show(shares.of(progress.tasks[task].description, done / total), f"loss {loss:.2f}")

        def on_rows(done: int, total: int) -> None:
            show(shares.of("fitting") * done / max(total, 1), f"{done:,}/{total:,} rows")

        def on_interrupt() -> bool:
            progress.stop()
            is_kept = ask_whether_kept()
            progress.start()
            return is_kept

        yield Watching(on_progress, on_rows, on_interrupt if sys.stdin.isatty() else None, on_phase)


def time_left(elapsed: float, done: float) -> str:
    """Return the remaining time at the speed so far; "" before 2 % of the work is done.

    Examples
    --------
    >>> time_left(60.0, 0.4), time_left(0.2, 0.0)
    ('about 1:30 left', '')
    """
    if done < MIN_DONE:
        return ""
    minutes, seconds = divmod(round(elapsed / done * (1.0 - done)), 60)
    return f"about {minutes}:{seconds:02d} left"


@contextmanager
def fits_progress() -> Iterator[Callable[[int, int, str], None] | None]:
    """Yield a callback ``(fits_done, fits_in_all, what)`` that updates a progress bar; None without a terminal."""
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
    """Yield a callback ``(rows_done, rows_in_all)`` that updates a progress bar; None without a terminal."""
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
        task = progress.add_task("counting rows", total=None, speed="")

        def on_progress(done: int, total: int) -> None:
            speed = progress.tasks[0].speed
            shown_speed = "" if speed is None else f"{speed:,.0f} rows/s"
            progress.update(task, description="scoring", completed=done, total=total, speed=shown_speed)

        yield on_progress


def ask_whether_kept() -> bool:
    """Ask whether an interrupted fit keeps its best weights (True) or continues (False).

    Raises
    ------
    KeyboardInterrupt
        If the answer is no.
    """
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


def print_table(title: str, headings: list[str], rows: list[list[str]], *, droppable: Sequence[str] = ()) -> None:
    """Print a table on stdout, with the width of the terminal, or of ``PLAIN_WIDTH`` letters without a terminal.

    No text is cut. Cells are wrapped between words, not inside words or numbers. If the words alone are too wide, the
    ``droppable`` columns are left out in their order and named below the table. If the words are still too wide, the
    longest ones are broken.
    """
    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=PLAIN_WIDTH)
    shown = list(range(len(headings)))
    widths = [_longest_word([heading, *(row[place] for row in rows)]) for place, heading in enumerate(headings)]
    dropped = []
    for name in droppable:
        if _table_width([widths[place] for place in shown]) <= console.width:
            break
        shown.remove(headings.index(name))
        dropped.append(name)
    while _table_width([widths[place] for place in shown]) > console.width and max(widths) > SHORTEST_BROKEN:
        widths[max(shown, key=widths.__getitem__)] -= 1
    wanted = [max(map(cell_len, [heading, *(row[place] for row in rows)])) for place, heading in enumerate(headings)]
    for _ in range(console.width - _table_width([widths[place] for place in shown])):
        place = max(shown, key=lambda place: wanted[place] - widths[place])
        widths[place] += wanted[place] > widths[place]
    table = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for place in shown:
        table.add_column(headings[place], overflow="fold", width=widths[place])
    for row in rows:
        table.add_row(*(_escaped(row[place]) for place in shown))
    console.print(table)
    if dropped:
        say(f"not shown at this width: {', '.join(dropped)}; --json shows them")


PLAIN_WIDTH = 160
"""Letters per line where stdout is no terminal."""
SHORTEST_BROKEN = 12
"""Minimum length in letters of a word that is broken to make a table fit."""


def _longest_word(cells: Sequence[str]) -> int:
    from rich.cells import cell_len

    return max((cell_len(word) for cell in cells for word in cell.split()), default=1)


def _table_width(widths: Sequence[int]) -> int:
    """Return the width of a table: its columns, three blanks between them, and one blank at each end."""
    return sum(widths) + 3 * (len(widths) - 1) + 2


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
