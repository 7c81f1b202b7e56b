"""Help pages and tables on a terminal of 80 columns."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pyarrow as pa
import pytest
import typer.main

from oddrow.cli import _console
from oddrow.cli._app import COMMANDS, app
from oddrow.cli._compare import DROPPABLE, HEADINGS
from oddrow.cli._groups import DECISION, INPUT, MACHINE, MODEL, OUTPUT, WINDOWS
from oddrow.cli._help import EXAMPLES
from oddrow.cli._render import print_schema
from oddrow.columns import TableSchema
from tests.cli.conftest import Run

PAGES = [(name,) for name in COMMANDS] + [("reproduce", "kddcup99"), ("reproduce", "latent-space")]
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        return ESCAPES.sub("", self.getvalue()).splitlines()

    @property
    def words(self) -> set[str]:
        return set(" ".join(self.lines).split())


def terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch, stream: str = "stdout") -> Terminal:
    """What stands on stdout or stderr from now on; to be called in the test, for pytest sets streams before it."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, stream, terminal)
    return terminal


@pytest.mark.parametrize("page", PAGES, ids=" ".join)
def test_a_help_page_has_groups_and_an_example_and_no_types(
    page: tuple[str, ...], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = run(*page, "--help").out
    assert max(map(len, shown.splitlines())) <= 80
    assert f"Example: {EXAMPLES[page[-1]]}" in shown
    assert "<" not in shown
    assert "as for " not in shown.lower()
    panels = [name for name in re.findall(r"─ (\w+) ─", shown) if name not in ("Arguments", "Commands")]
    if page != ("reproduce",):
        assert panels == [name for name in (INPUT, WINDOWS, MODEL, DECISION, OUTPUT, MACHINE) if name in panels]


def test_an_example_names_options_that_its_command_has() -> None:
    group = typer.main.get_command(app)
    for page in PAGES:
        command, context = group, typer.Context(group)
        for name in page:
            command = command.get_command(context, name)  # type: ignore[attr-defined]
        options = {option for parameter in command.params for option in parameter.opts}
        given = set(re.findall(r" (--?[a-z][a-z-]*)", EXAMPLES[page[-1]]))
        if page != ("reproduce",):
            assert given <= options


def test_all_commands_are_listed_by_their_names(run: Run) -> None:
    shown = run("--help").out
    assert all(re.search(rf"│ {name} +\w", shown) for name in COMMANDS)


COMPARED = [
    ["oddrow-autoencoder", ".963 (.937-.989)", ".812 (.731-.893)", ".701", ".912", ".010", "12.31", "0.12", "0.012"],
    ["iforest", "0.963 (.937-1.000)", "0.812 (.731-.893)", "0.701", "0.912", "0.010", "1.31", "0.12", ""],
]


def test_the_table_of_compare_fits_and_breaks_no_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of_80_columns(monkeypatch)
    stderr = terminal_of_80_columns(monkeypatch, "stderr")
    _console.print_table("title", HEADINGS, COMPARED, droppable=DROPPABLE)
    assert max(map(len, terminal.lines)) <= 80
    left_out = " ".join(stderr.lines).partition(";")[0].removeprefix("not shown at this width: ").split(", ")
    assert left_out == ["score s", "fit s", "p"]
    for place, heading in enumerate(HEADINGS):
        if heading in left_out:
            continue
        cells = [heading, *(row[place] for row in COMPARED)]
        assert {word for cell in cells for word in cell.split()} <= terminal.words


def test_the_tables_of_find_and_inspect_break_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of_80_columns(monkeypatch)
    reasons = "; ".join(f"bytes_received_{place} 1234567.89 (287.449)" for place in range(3))
    _console.print_table(
        "title", ["row", "surprise", "p-value", "", "reasons"], [["1,234,567", "12.34", "1.2e-05", "odd", reasons]]
    )
    print_schema(
        TableSchema.infer(pa.table({"a rather long name of a column": [1.5, 2.5, 3.5], "b": ["x", "y", "x"]})), 3
    )
    assert max(map(len, terminal.lines)) <= 80
    assert {"1,234,567", "1.2e-05", "(287.449);", "bytes_received_2", "1234567.89"} <= terminal.words
    assert {"rather", "number", "category", "distinct"} <= terminal.words


def test_a_word_wider_than_the_terminal_is_broken_and_the_numbers_beside_it_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = terminal_of_80_columns(monkeypatch)
    _console.print_table("", ["row", "text"], [["1,234,567", "x" * 200]])
    assert max(map(len, terminal.lines)) <= 80
    assert "1,234,567" in terminal.words
    assert len("".join(re.findall("xx+", " ".join(terminal.lines)))) == 200


def test_sentences_on_a_terminal_are_wrapped_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = terminal_of_80_columns(monkeypatch, "stderr")
    sentence = "about 1,234 of 20,000 rows stand out (95 %: 1,100 to 1,300), written to some/long-folder/file.csv " * 3
    _console.say(sentence)
    assert max(map(len, stderr.lines)) <= 80
    assert " ".join(" ".join(stderr.lines).split()) == sentence.strip()


def test_the_error_of_a_file_after_on_error_names_the_option_for_it(run: Run, tmp_path: Path) -> None:
    outcome = run("score", tmp_path / "x.csv", "-m", "m.oddrow", "--on-error", "q.csv")
    assert outcome.code == 2
    assert "--quarantine q.csv" in " ".join(outcome.err.replace("│", " ").split())


def test_the_share_done_never_falls_over_the_phases_of_find() -> None:
    phases = _console.find_phases(4, 3, explains_all=True)
    shares = _console.PhaseShares(phases)
    done = [shares.of(phase) for phase in phases]
    assert done == sorted(set(done))
    assert done[0] == 0
    assert done[-1] < 1
    for index in range(4):
        phase = f"fitting {index + 1} of 4"
        within = [shares.of(phase, (index + part) / 4) for part in (0.0, 0.5, 1.0)]
        assert within == sorted(set(within))
        assert within[-1] == pytest.approx(shares.of(f"calibrating {index + 1} of 4"))
