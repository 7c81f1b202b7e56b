"""``docs/api.md`` lists the public names, a bare ``import oddrow`` gives them, and it loads no other library."""

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import oddrow
from oddrow.exceptions import OddrowError

SOURCE = Path(oddrow.__file__).parent
PACKAGES = sorted(path.parent for path in SOURCE.rglob("__init__.py"))
ROOT = Path(__file__).parents[1]
USER_SCRIPT = ROOT / "tests" / "typed" / "user_script.py"
PUBLIC = re.findall(r"^\| `(oddrow\.[\w.]+)` \|", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.MULTILINE)
WHOLLY_PUBLIC_MODULES = ["oddrow.datasets", "oddrow.exceptions", "oddrow.metrics", "oddrow.reproductions"]


def module_name(folder):
    return ".".join(("oddrow", *folder.relative_to(SOURCE).parts))


@pytest.mark.parametrize("folder", PACKAGES, ids=module_name)
def test_all_is_what_a_package_exports(folder):
    """Read from the source, as a module's attributes also hold whatever submodule has been imported."""
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    for_checkers = [
        node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    shown = [*tree.body, *(inner for node in for_checkers for inner in node.body)]
    exported = {
        alias.asname or alias.name
        for node in shown
        if not (isinstance(node, ast.ImportFrom) and node.module in ("typing", "oddrow._lazy_exports"))
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    }
    package = importlib.import_module(module_name(folder))
    assert package.__doc__
    assert set(package.__all__) == {name for name in exported if not name.startswith("_")}
    assert len(set(package.__all__)) == len(package.__all__)
    for name in package.__all__:
        assert hasattr(package, name)


@pytest.mark.parametrize("folder", PACKAGES, ids=module_name)
def test_the_lazy_exports_of_a_package_are_those_that_type_checkers_see(folder):
    """The two lists of a lazy package say the same: each name comes from the module that the other list imports."""
    package = importlib.import_module(module_name(folder))
    for node in ast.walk(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.If):
            for imported in node.body:
                source = importlib.import_module(imported.module)
                for alias in imported.names:
                    found = getattr(package, alias.name)
                    assert found is getattr(source, alias.name)
                    assert alias.name in dir(package)


def test_an_unknown_name_of_a_lazy_package_raises_the_error_of_any_module():
    with pytest.raises(AttributeError, match="module 'oddrow' has no attribute 'VEADetector'"):
        oddrow.VEADetector  # noqa: B018 - asking is the point
    with pytest.raises(ImportError, match="cannot import name 'Finder'"):
        from oddrow.detector import Finder  # noqa: F401


def test_importing_oddrow_loads_no_library_at_all():
    code = (
        "import sys; import oddrow, oddrow.exceptions\n"
        "heavy = {'numpy', 'pyarrow', 'sklearn', 'scipy', 'jax', 'pydantic', 'pandas', 'typer'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", WHOLLY_PUBLIC_MODULES)
def test_all_is_what_a_public_module_defines(name):
    module = importlib.import_module(name)
    defined = {
        key
        for key, value in vars(module).items()
        if not key.startswith("_") and getattr(value, "__module__", None) == name and callable(value)
    }
    assert defined <= set(module.__all__)
    assert all(hasattr(module, key) for key in module.__all__)


def test_the_page_on_the_public_names_lists_each_once():
    assert len(set(PUBLIC)) == len(PUBLIC) > 50
    assert {name.removeprefix("oddrow.") for name in PUBLIC if name.count(".") == 1} == set(oddrow.__all__)
    for name in WHOLLY_PUBLIC_MODULES:
        listed = {public.rpartition(".")[2] for public in PUBLIC if public.startswith(f"{name}.")}
        assert listed == set(importlib.import_module(name).__all__)


def test_a_bare_import_gives_every_public_name():
    """In a process of its own: here, other tests have imported the modules already."""
    shown = [f"assert {name!r} in dir(oddrow)" for name in oddrow.__all__]
    code = "\n".join(["import oddrow", *shown, *PUBLIC])
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_type_checker_sees_every_public_name_of_a_users_script():
    """With the settings and the cache of ``make check``, so that it takes a second after that."""
    tree = ast.parse(USER_SCRIPT.read_text(encoding="utf-8"))
    used = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert set(PUBLIC) <= used
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(USER_SCRIPT.relative_to(ROOT))]
    environment = os.environ | {"MYPYPATH": "src"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", [name for name in oddrow.__all__ if callable(getattr(oddrow, name))])
def test_what_is_public_is_documented(name):
    public = getattr(oddrow, name)
    assert inspect.getdoc(public)
    methods = [value for key, value in vars(public).items() if inspect.isfunction(value) and not key.startswith("_")]
    assert all(inspect.getdoc(method) for method in methods)


def test_every_error_of_ours_is_an_oddrow_error():
    for name in oddrow.exceptions.__all__:
        assert issubclass(getattr(oddrow.exceptions, name), UserWarning if name.endswith("Warning") else OddrowError)


def test_the_tree_of_errors_is_as_drawn():
    """The docstring draws each error with the built-in one that it also is."""
    for name in set(oddrow.exceptions.__all__) - {"OddrowError", "TrainingHealthWarning", "DependenceWarning"}:
        error = getattr(oddrow.exceptions, name)
        (line,) = (line for line in oddrow.exceptions.__doc__.splitlines() if f"─ {name}" in line)
        built_in = [base.__name__ for base in error.__bases__ if not issubclass(base, OddrowError)]
        for base in built_in:
            assert f"{name} ({base})" in line
