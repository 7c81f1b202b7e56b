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
    assert len(COMMANDS) >= 8
    assert code_of("oddrow demo -o demo", monkeypatch) == 0
    for command, fails in COMMANDS:
        capfd.readouterr()
        code = code_of(command, monkeypatch)
        assert (code != 0) == fails, f"{command}: {capfd.readouterr().err}"


@pytest.mark.slow
def test_every_line_of_python_in_the_readme_runs(folder, untrained):
    (block,) = PYTHON
    exec(compile(block, "README.md", "exec"), {})  # noqa: S102 - it is ours
