"""Lazy package exports (PEP 562): ``import oddrow`` imports no other library."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from oddrow._collector import collector_paused


def lazy_exports(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a package's ``__getattr__``, which imports each public name when it is first used.

    ``modules`` maps each name to the module that defines it; a submodule is mapped to itself.
    """

    def __getattr__(name: str) -> Any:  # noqa: N807 - the name that PEP 562 asks for
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        with collector_paused():
            module = import_module(modules[name])
        value = module if module.__name__ == f"{package}.{name}" else getattr(module, name)
        setattr(sys.modules[package], name, value)
        return value

    return __getattr__
