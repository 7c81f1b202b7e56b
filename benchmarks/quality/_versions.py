"""What the figures of a method depend on, as a short text: results of another version are not results of this one."""

from __future__ import annotations

import ast
import hashlib
import inspect
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import oddrow
from benchmarks.quality._protocols import SetFile
from oddrow.comparison import Method, PlainEncoding

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ("src/oddrow", "benchmarks/quality/_protocols.py")


def is_own(method: str) -> bool:
    """Whether a method's figures depend on all of oddrow."""
    return method.startswith("oddrow")


def own_version() -> str:
    """The last commit that changed oddrow's source or the protocols.

    With "+dirty-" and a hash of the difference where the source is not as committed; a hash of the files alone where
    oddrow is imported from elsewhere.
    """
    imported = Path(oddrow.__file__).resolve().parent
    if imported != ROOT / SOURCE[0]:
        return "installed-" + _hash(*(file.read_bytes() for file in sorted(imported.rglob("*.py"))))
    commit = _git("log", "-1", "--format=%h", "--", *SOURCE).decode().strip()
    if not _git("status", "--porcelain", "--", *SOURCE).strip():
        return commit
    new = _git("ls-files", "--others", "--exclude-standard", "-z", "--", *SOURCE).decode().split("\0")
    contents = [Path(ROOT, name).read_bytes() for name in new if name]
    return f"{commit}+dirty-{_hash(_git('diff', 'HEAD', '--', *SOURCE), *contents)}"


def rival_version(method: Method) -> str:
    """A hash of the code of a rival, of its encoding and of the protocols, without comments and docstrings.

    A commit that changes none of these leaves it, so that a rival is not run again.
    """
    learn = getattr(method, "learn", None) or type(method)
    return code_version(
        repr(inspect.getclosurevars(learn).nonlocals) if inspect.isfunction(learn) else repr(method), learn
    )


def code_version(settings: str, root: Callable[..., Any]) -> str:
    """A hash of settings, of the code that a function or class reaches in its module, of encoding and protocols."""
    parts = (settings, *(_reached(one) for one in (root, PlainEncoding, SetFile)))
    return "code-" + _hash(*(part.encode() for part in parts))


def _reached(root: Callable[..., Any]) -> str:
    """The definitions of a module that a function or class needs, in the order of the module."""
    tree = ast.parse(Path(str(inspect.getsourcefile(root))).read_text("utf-8"))
    defined = {name: node for node in tree.body for name in _names(node)}
    reached: set[str] = set()
    waiting = {root.__qualname__.split(".")[0]}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        used = {node.id for node in ast.walk(defined[name]) if isinstance(node, ast.Name)}
        waiting |= (used & defined.keys()) - reached
    return "\n".join(_stripped(node) for name, node in defined.items() if name in reached)


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _stripped(tree: ast.AST) -> str:
    """The code without comments, docstrings and layout."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [one for one in body if not _is_text(one)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _hash(*contents: bytes) -> str:
    return hashlib.sha256(b"\0".join(contents)).hexdigest()[:10]


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout  # noqa: S607
