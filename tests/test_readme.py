"""Every command and every line of Python in the README runs, in its order, in a folder of its own."""

import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from oddrow.cli import main

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    (line.removeprefix("$ ").partition("   #")[0], following.startswith("error: "))
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    for line, following in zip(block.splitlines(), [*block.splitlines()[1:], ""], strict=True)
    if line.startswith("$ oddrow")
]
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def folder(tmp_path):
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


def code_of(command, monkeypatch):
    monkeypatch.setattr(sys, "argv", shlex.split(command))
    with pytest.raises(SystemExit) as leaving:
        main()
    return int(leaving.value.code or 0)


@pytest.mark.slow
def test_every_command_of_the_readme_runs(folder, untrained, monkeypatch, capfd):
    """On tables of a fifth of the demo's rows: a command does the same with them."""
    for name, rows in (("TRAINING_ROWS", 3_000), ("NEW_ROWS", 800), ("LABELLED_ROWS", 600)):
        monkeypatch.setattr(f"oddrow.cli._demo.{name}", rows)
    assert len(COMMANDS) >= 8
    assert code_of("oddrow demo -o demo", monkeypatch) == 0
    for command, fails in COMMANDS:
        capfd.readouterr()
        code = code_of(command, monkeypatch)
        assert (code != 0) == fails, f"{command}: {capfd.readouterr().err}"


@pytest.mark.slow
def test_every_line_of_python_in_the_readme_runs(folder, untrained):
    """On tables of fewer rows: each line does the same with them."""
    (block,) = PYTHON
    for rows, fewer in (
        ("make_connections(2_000", "make_connections(1_200"),
        ("make_connections(1_000", "make_connections(400"),
    ):
        assert block.count(rows) == 1
        block = block.replace(rows, fewer)
    exec(compile(block, "README.md", "exec"), {})  # noqa: S102 - it is ours
