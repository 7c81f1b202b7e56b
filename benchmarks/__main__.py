"""``python -m benchmarks NAME [ARGUMENTS]`` runs one benchmark, ``python -m benchmarks NAME NAME ...`` several, and
``python -m benchmarks`` (``make bench``) all of them.

A benchmark is a module of ``quality``, ``speed`` or ``promises`` with a function ``main(arguments)`` that prints a
table; a module whose name begins with an underscore is shared by benchmarks and is none itself.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

GROUPS = ("quality", "speed", "promises")
ARGUMENTS_AMONG_ALL = {
    "quality": ["--small"],
    "batch_mode": ["--sets", "6"],
    "feedback": ["--sets", "20_letter", "38_thyroid"],
}
"""Arguments in a run of all benchmarks, for those that would take hours without."""


def benchmarks() -> dict[str, str]:
    """The full name of each benchmark's module by its short name, group after group."""
    return {
        path.stem: f"benchmarks.{group}.{path.stem}"
        for group in GROUPS
        for path in sorted((Path(__file__).parent / group).glob("[!_]*.py"))
    }


def main(words: list[str]) -> None:
    """Run the benchmarks that the words name."""
    modules = benchmarks()
    if not words:
        runs = {name: ARGUMENTS_AMONG_ALL.get(name, []) for name in modules}
    elif words[0] not in modules:
        sys.exit(f"there is no benchmark {words[0]!r}; choose from {', '.join(modules)}")
    elif set(words) <= modules.keys():
        runs = {name: [] for name in words}
    else:
        runs = {words[0]: words[1:]}
    for name, arguments in runs.items():
        importlib.import_module(modules[name]).main(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
