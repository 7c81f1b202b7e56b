"""Every benchmark is found by its file."""

import ast
from pathlib import Path

import pytest

from benchmarks.__main__ import ARGUMENTS_AMONG_ALL, GROUPS, benchmarks, main

FOLDER = Path(__file__).parents[1]
FILES = {path.stem: path for group in GROUPS for path in (FOLDER / group).glob("[!_]*.py")}


def test_benchmarks_are_files_with_names_of_their_own():
    assert benchmarks().keys() == FILES.keys() >= ARGUMENTS_AMONG_ALL.keys()
    assert len(FILES) == sum(len(list((FOLDER / group).glob("[!_]*.py"))) for group in GROUPS) >= 20


@pytest.mark.parametrize("name", FILES)
def test_a_benchmark_takes_arguments_and_says_how_it_is_run(name):
    """Read from the source, as some benchmarks import libraries that development does not install."""
    tree = ast.parse(FILES[name].read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if "main" in functions:
        assert len(functions["main"].args.args) == 1
    else:
        assert "main" in {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}


def test_one_name_takes_arguments_and_several_names_take_none(monkeypatch):
    ran = []
    modules = {name: type("Module", (), {"main": lambda words, name=name: ran.append((name, words))}) for name in FILES}
    monkeypatch.setattr("importlib.import_module", lambda full: modules[full.rpartition(".")[2]])
    main(["fit", "3", "--alibi"])
    main(["fit", "score"])
    assert ran == [("fit", ["3", "--alibi"]), ("fit", []), ("score", [])]
    ran.clear()
    main([])
    assert [name for name, _ in ran] == list(benchmarks())
    assert dict(ran)["quality"] == ["--small"]


def test_a_benchmark_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(SystemExit, match=r"there is no benchmark 'fitt'; choose from .*fit"):
        main(["fitt"])
