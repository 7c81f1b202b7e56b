"""Check what import-linter's contracts do not: circles of imports, private modules of other packages, long code.

``python tools/check_architecture.py [FOLDER]`` looks at the package in FOLDER (``src/oddrow`` unless said otherwise),
prints each violation with its file and line, and leaves with 1 if there is one. The rules:

- no circle of imports between modules, and none between rooms (the direct children of the package); imports inside
  functions and those for type checkers alone count like any other;
- a module whose name begins with an underscore is imported only from inside the package that holds it, and a module of
  another room only through the room's ``__init__``;
- no module over 400 lines;
- no function over 60 lines, its docstring not counted, without a comment ``# long: REASON`` on a line of its signature
  or on the line above.
"""

from __future__ import annotations

import ast
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

import grimp

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60
REASON = "# long: "
Edges = Mapping[str, Set[str]]
"""The names that each name imports."""


@dataclass(frozen=True, order=True)
class Violation:
    """One broken rule and its place."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


class Package:
    """The modules of a package, where their source is, and what they import from each other."""

    def __init__(self, folder: Path) -> None:
        self.name, self.folder = folder.name, folder
        sys.path.insert(0, str(folder.parent))
        try:
            self.graph = grimp.build_graph(self.name, cache_dir=None)
        finally:
            sys.path.remove(str(folder.parent))
        self.imports: dict[str, set[str]] = {
            module: self.graph.find_modules_directly_imported_by(module) for module in sorted(self.graph.modules)
        }

    def room(self, module: str) -> str:
        """The direct child of the package that holds a module; the package itself for its ``__init__``."""
        return ".".join(module.split(".")[:2])

    def path(self, module: str) -> Path:
        """The file of a module."""
        place = self.folder.joinpath(*module.split(".")[1:])
        return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")

    def line(self, importer: str, imported: str) -> int:
        """The first line on which one module imports another."""
        return min(
            place["line_number"] for place in self.graph.get_import_details(importer=importer, imported=imported)
        )

    def files(self) -> Iterator[tuple[Path, str]]:
        """Each source file with its text."""
        for path in sorted(self.folder.rglob("*.py")):
            yield path, path.read_text(encoding="utf-8")


def components(edges: Edges) -> list[set[str]]:
    """The largest sets of names of which each reaches each other (Tarjan 1972), those of one name left out."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for following in edges[name]:
            if following not in index:
                visit(following)
                low[name] = min(low[name], low[following])
            elif following in stack:
                low[name] = min(low[name], index[following])
        if low[name] == index[name]:
            place = stack.index(name)
            if len(stack) - place > 1:
                found.append(set(stack[place:]))
            del stack[place:]

    for name in edges:
        if name not in index:
            visit(name)
    return found


def shortest_circle(edges: Edges, names: Set[str]) -> list[str]:
    """A shortest way from one of these names back to itself, its first name repeated at its end."""
    circles = []
    for start in sorted(names):
        ways, seen = [[start]], {start}
        while ways:
            ways = [[*way, following] for way in ways for following in sorted(edges[way[-1]] & names)]
            closed = [way for way in ways if way[-1] == start]
            if closed:
                circles.append(closed[0])
                break
            ways = [way for way in ways if way[-1] not in seen]
            seen |= {way[-1] for way in ways}
    return min(circles, key=len)


def circles_between_modules(package: Package) -> Iterator[Violation]:
    """One violation for each set of modules that reach each other, at the first import of a shortest circle."""
    for names in components(package.imports):
        circle = shortest_circle(package.imports, names)
        line = package.line(circle[0], circle[1])
        yield Violation(package.path(circle[0]), line, f"circle of modules: {' -> '.join(circle)}")


def circles_between_rooms(package: Package) -> Iterator[Violation]:
    """One violation for each import of a shortest circle of rooms."""
    imports: dict[tuple[str, str], tuple[str, str]] = {}
    edges: dict[str, set[str]] = {package.room(module): set() for module in package.imports}
    for importer, names in package.imports.items():
        for imported in sorted(names):
            rooms = package.room(importer), package.room(imported)
            if rooms[0] != rooms[1] and package.name not in rooms:
                edges[rooms[0]].add(rooms[1])
                imports.setdefault(rooms, (importer, imported))
    for names in components(edges):
        circle = shortest_circle(edges, names)
        for rooms in itertools.pairwise(circle):
            importer, imported = imports[rooms]
            text = f"circle of rooms: {' -> '.join(circle)}, here {importer} imports {imported}"
            yield Violation(package.path(importer), package.line(importer, imported), text)


def imports_past_an_init(package: Package) -> Iterator[Violation]:
    """Imports of a private module from outside its package, and of another room past its ``__init__``."""
    for importer, names in package.imports.items():
        for imported in names:
            holders = [
                ".".join(imported.split(".")[:depth])
                for depth, part in enumerate(imported.split("."))
                if part.startswith("_")
            ]
            outside = [holder for holder in holders if not f"{importer}.".startswith(f"{holder}.")]
            room = package.room(imported)
            if outside:
                text = f"{importer} imports the private module {imported} of {outside[0]}"
            elif imported != room and room != package.room(importer):
                text = f"{importer} imports {imported}; another room is imported through {room} alone"
            else:
                continue
            yield Violation(package.path(importer), package.line(importer, imported), text)


def private_names_of_other_rooms(package: Package) -> Iterator[Violation]:
    """``from oddrow.room import _name`` in another room."""
    for path, text in package.files():
        own = package.room(".".join((package.name, *path.relative_to(package.folder).with_suffix("").parts)))
        for node in ast.walk(ast.parse(text)):
            if not (isinstance(node, ast.ImportFrom) and node.module and not node.level):
                continue
            room = package.room(node.module)
            if node.module.startswith(f"{package.name}.") and room != own:
                for alias in node.names:
                    if alias.name.startswith("_") and f"{node.module}.{alias.name}" not in package.imports:
                        yield Violation(
                            path, node.lineno, f"the private name {alias.name} of {node.module} is imported"
                        )


def long_modules(package: Package) -> Iterator[Violation]:
    """Modules over the limit."""
    for path, text in package.files():
        count = len(text.splitlines())
        if count > MAX_MODULE_LINES:
            yield Violation(path, 1, f"{count} lines; at most {MAX_MODULE_LINES}")


def long_functions(package: Package) -> Iterator[Violation]:
    """Functions over the limit that give no reason."""
    for path, text in package.files():
        lines = text.splitlines()
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if ast.get_docstring(node, clean=False) is not None:
                count -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            signature = lines[max(first - 2, 0) : node.body[0].lineno]
            if count > MAX_FUNCTION_LINES and not any(REASON in line for line in signature):
                message = f"{node.name} has {count} lines; at most {MAX_FUNCTION_LINES} without `{REASON}REASON`"
                yield Violation(path, node.lineno, message)


RULES: tuple[Callable[[Package], Iterator[Violation]], ...] = (
    circles_between_modules,
    circles_between_rooms,
    imports_past_an_init,
    private_names_of_other_rooms,
    long_modules,
    long_functions,
)


def violations(folder: Path) -> list[Violation]:
    """All violations in the package of a folder, by file and line."""
    package = Package(folder)
    return sorted({violation for rule in RULES for violation in rule(package)})


def main() -> None:
    """Print the violations."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1] / "src" / "oddrow"
    found = violations(folder)
    for violation in found:
        print(violation)
    print(f"architecture: {len(found)} violations in {len(list(folder.rglob('*.py')))} files")
    if found:
        sys.exit(1)


if __name__ == "__main__":
    main()
