"""Errors name the way out: as arguments in Python, as options on the command line, and nowhere as both."""

import ast
import copy
import inspect
import pickle
import re
import sys
from pathlib import Path

import pytest

import oddrow
from oddrow import exceptions
from oddrow.cli import main
from oddrow.cli._remedies import as_option, in_options
from oddrow.exceptions import OddrowError
from oddrow.remedies import Advice, Setting, remedy

ERRORS = [kind for _, kind in inspect.getmembers(exceptions, inspect.isclass) if issubclass(kind, OddrowError)]
WAY_OUT = remedy("replace it with ", Setting("force", True), " or say ", Setting("skip", 3))
OPTION = re.compile(r"(?<![\w-])--[a-z]")


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_ends_in_its_remedy_also_after_a_pickle(kind):
    error = kind("out.csv: exists", remedy=WAY_OUT)
    for each in (error, pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own
        assert type(each) is kind
        assert str(each) == "out.csv: exists; replace it with force=True or say skip=3"
        assert in_options(each) == "out.csv: exists; replace it with --force or say --skip 3"
    assert str(kind("plain")) == in_options(kind("plain")) == "plain"


def test_a_note_is_phrased_like_an_error():
    note = Advice("the file is not UTF-8", remedy("say what it is by ", Setting("encoding")))
    for each in (note, pickle.loads(pickle.dumps(note)), copy.copy(note)):  # noqa: S301 - our own
        assert each == "the file is not UTF-8; say what it is by encoding=..."
        assert in_options(each) == "the file is not UTF-8; say what it is by --encoding NAME"
    assert in_options("a plain note") == "a plain note"


@pytest.mark.parametrize(
    ("setting", "option"),
    [
        (Setting("normal"), "--normal VALUE"),
        (Setting("force", True), "--force"),
        (Setting("has_header", False), "--no-header"),
        (Setting("column_names"), "--names A,B,..."),
        (Setting("columns", {"x": "ignore", "a b": "category"}), "--ignore 'x' --category 'a b'"),
        (Setting("missing_text"), "--missing-text TEXT"),
        (Setting("on_error", "skip"), "--on-error skip"),
        (Setting("policy"), "oddrow decide MODEL --false-alarms 0.01"),
    ],
)
def test_a_setting_is_an_option_of_the_command_line(setting, option):
    assert as_option(setting) == option


def test_every_setting_that_a_remedy_names_is_an_option_that_a_command_has():
    options = set()
    for path in Path(oddrow.__file__).parent.joinpath("cli").glob("*.py"):
        options |= set(re.findall(r'"(--[a-z-]+)"', path.read_text()))
    for path, node in _nodes():
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "Setting":
            name = node.args[0].value
            value = node.args[1].value if len(node.args) > 1 and isinstance(node.args[1], ast.Constant) else ...
            if name not in ("columns", "policy"):
                option = as_option(Setting(name, value)).split()[0]
                assert option in options, (path, option)


SHOW_COMMANDS = {"_policy_facts.py"}
"""Modules whose result shows a command line to copy, whichever interface asks for it."""


def test_no_text_outside_the_command_line_names_an_option():
    named = [
        f"{path.name}:{node.lineno}: {node.value}"
        for path, node in _nodes()
        if path.name not in SHOW_COMMANDS
        and isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and OPTION.search(node.value)
    ]
    assert named == []


@pytest.mark.parametrize(
    ("content", "options", "named"),
    [
        (b"x,y\n1,2\n3\n", (), ("--delimiter VALUE", "--skip VALUE", "--no-header", "--on-error skip")),
        (b"0,tcp,SF\n0,tcp,S0\n0,udp,SF\n", (), ("--no-header", "--names A,B,...")),
        (b"made\n\na,b\n1,2\n3,4\n5,6\n", (), ("--skip 2", "--names A,B,...")),
        ("a,b\n1,2\n".encode("utf-16"), (), ("--encoding utf-16",)),
        (b"a,b\n1,\xe9\n2,x\n", (), ("--encoding NAME",)),
        (b"a,b\n1,\xe9\n2,x\n", ("--encoding", "utf-8"), ("--encoding windows-1252",)),
    ],
)
def test_the_command_line_names_options_in_errors_and_notes(content, options, named, tmp_path, monkeypatch, capfd):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    command = ["fit", str(path), "-o", str(tmp_path / "model")] if "--skip 2" in named else ["inspect", str(path)]
    monkeypatch.setattr(sys, "argv", ["oddrow", *command, *options])
    with pytest.raises(SystemExit):
        main()
    said = capfd.readouterr().err
    assert all(option in said for option in named), said
    assert not re.search(r"\w=('|\.\.\.|True|False|\d)", said)


def _nodes():
    """All nodes of the modules outside the command line."""
    root = Path(oddrow.__file__).parent
    for path in sorted(root.rglob("*.py")):
        if path.relative_to(root).parts[0] != "cli":
            for node in ast.walk(ast.parse(path.read_text())):
                yield path, node
