"""A package's table of contents whose rooms open when they are entered: importing oddrow loads no library."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def opened_when_asked(package: str, rooms: Mapping[str, str]) -> Callable[[str], Any]:
    """A package's ``__getattr__`` (PEP 562), which takes each public name from its module when it is first used.

    ``rooms`` maps a name to the module that defines it, or to the module that it is itself.
    """

    def __getattr__(name: str) -> Any:  # noqa: N807 - what the package calls it
        if name not in rooms:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        module = import_module(rooms[name])
        value = module if module.__name__ == f"{package}.{name}" else getattr(module, name)
        setattr(sys.modules[package], name, value)
        return value

    return __getattr__
