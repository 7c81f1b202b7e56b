"""``tools/check_architecture.py`` sees each violation that it is made to see, and none in a package without any."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[1] / "tools" / "check_architecture.py"
ALLOWED = {
    "__init__.py": "from toy.upper import shown",
    "lower/__init__.py": "from toy.lower._values import value\n__all__ = ['value']",
    "lower/_values.py": "value = 1",
    "upper/__init__.py": "from toy.upper._shown import shown\n__all__ = ['shown']",
    "upper/_shown.py": "from toy.lower import value\nshown = value",
    "_shared.py": "",
}
LONG = "\n".join(["    pass"] * 61)


def checked(folder, **files):
    """The lines that the tool prints on a small package, without the folder's own path."""
    package = folder / "toy"
    for name, text in (ALLOWED | files).items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text + "\n", encoding="utf-8")
    done = subprocess.run([sys.executable, TOOL, package], capture_output=True, text=True, check=False)
    *lines, total = done.stdout.replace(f"{package}/", "").splitlines()
    assert done.returncode == (1 if lines else 0), done.stderr
    assert total.startswith(f"architecture: {len(lines)} violations")
    return lines


def test_a_package_without_violations_passes(tmp_path):
    shared = "import toy._shared\nfrom toy.lower import value\nshown = value"
    assert checked(tmp_path, **{"upper/_shown.py": shared}) == []


@pytest.mark.parametrize(
    "text",
    [
        "from toy.lower._other import other",
        "def value():\n    from toy.lower._other import other",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from toy.lower._other import other",
    ],
    ids=["on import", "inside a function", "for type checkers"],
)
def test_a_circle_of_modules_is_found_however_it_is_imported(tmp_path, text):
    back = "from toy.lower._values import value"
    (line,) = checked(tmp_path, **{"lower/_values.py": text, "lower/_other.py": back})
    assert line == ("lower/_other.py:1: circle of modules: toy.lower._other -> toy.lower._values -> toy.lower._other")


def test_a_module_that_imports_from_its_own_package_is_a_circle(tmp_path):
    (line,) = checked(tmp_path, **{"lower/_values.py": "from toy.lower import value"})
    assert line.startswith("lower/__init__.py:1: circle of modules: toy.lower -> toy.lower._values -> toy.lower")


def test_a_circle_of_rooms_without_a_circle_of_modules_names_each_import(tmp_path):
    files = {"lower/_values.py": "from toy.upper import shown", "upper/__init__.py": "", "upper/other.py": ""}
    files["upper/_shown.py"] = "\nfrom toy.lower import value"
    lines = checked(tmp_path, **files, **{"__init__.py": ""})
    circle = "circle of rooms: toy.lower -> toy.upper -> toy.lower"
    assert lines == [
        f"lower/_values.py:1: {circle}, here toy.lower._values imports toy.upper",
        f"upper/_shown.py:2: {circle}, here toy.upper._shown imports toy.lower",
    ]


def test_a_private_module_of_another_room_is_found(tmp_path):
    (line,) = checked(tmp_path, **{"upper/_shown.py": "def shown():\n    from toy.lower._values import value"})
    assert line == "upper/_shown.py:2: toy.upper._shown imports the private module toy.lower._values of toy.lower"


def test_a_public_module_inside_another_room_is_found(tmp_path):
    files = {"lower/values.py": "value = 1", "upper/_shown.py": "from toy.lower.values import value as shown"}
    (line,) = checked(tmp_path, **files)
    assert line == (
        "upper/_shown.py:1: toy.upper._shown imports toy.lower.values; another room is imported through toy.lower alone"
    )


def test_a_private_module_of_an_inner_package_is_found_in_its_own_room(tmp_path):
    files = {"lower/kinds/__init__.py": "", "lower/kinds/_number.py": "", "lower/_values.py": "value = 1"}
    files["lower/_other.py"] = "import toy.lower.kinds._number"
    (line,) = checked(tmp_path, **files)
    assert line.startswith("lower/_other.py:1: toy.lower._other imports the private module toy.lower.kinds._number")


def test_a_private_name_of_another_room_is_found(tmp_path):
    files = {"lower/__init__.py": "_hidden = 1", "upper/_shown.py": "from toy.lower import _hidden as shown"}
    assert checked(tmp_path, **files) == ["upper/_shown.py:1: the private name _hidden of toy.lower is imported"]


def test_a_module_of_more_than_400_lines_is_found(tmp_path):
    files = {"lower/_values.py": "value = 1\n" * 400, "lower/_enough.py": "\n".join(["value = 1"] * 400)}
    assert checked(tmp_path, **files) == ["lower/_values.py:1: 401 lines; at most 400"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (f"def value():\n{LONG}", 62),
        (f"class Values:\n    async def value(self):\n{LONG.replace('    ', '        ')}", 62),
        (f'def value():\n    """A docstring\n\n    is not counted.\n    """\n{LONG}', 62),
        (f"# long: it is a list\ndef value():\n{LONG}", None),
        (f"def value(  # long: it is a list\n    *values,\n):\n{LONG}", None),
        (f"# long: it is a list\n@property\ndef value():\n{LONG}", None),
        ("def value():\n" + "\n".join(["    pass"] * 59), None),
    ],
)
def test_a_function_of_more_than_60_lines_gives_its_reason(tmp_path, text, count):
    lines = checked(tmp_path, **{"lower/_values.py": text})
    if count is None:
        assert lines == []
    else:
        (line,) = lines
        assert line.endswith(f"value has {count} lines; at most 60 without `# long: REASON`")
