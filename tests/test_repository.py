"""What the folders of the repository import from each other."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "tests": {"benchmarks"},
    "benchmarks": {"tests"},
    "testing": {"tests", "benchmarks"},
    "src": {"tests", "benchmarks", "testing"},
    "examples": {"tests", "benchmarks", "testing"},
}


def imported(path):
    """The first part of each module that a file imports, also inside its functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_a_folder_imports_no_folder_that_is_forbidden_to_it(folder):
    files = sorted((ROOT / folder).rglob("*.py"))
    found = {path.relative_to(ROOT) for path in files if FORBIDDEN[folder] & set(imported(path))}
    assert files
    assert not found
