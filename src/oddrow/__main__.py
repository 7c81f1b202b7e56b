"""``oddrow`` and ``python -m oddrow``: the command line as a process of its own."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from typing import Any, NoReturn


class _NoPandas(MetaPathFinder):
    """For whoever looks, pandas is not installed."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:  # noqa: ARG002 - the protocol's
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not looked for", name=fullname)


def start() -> NoReturn:
    """Run the command line and leave with its exit code."""
    # Arrow looks once, at its first value, whether pandas is there, and so loads it: longer than scoring a row takes.
    # Here tables come from files and never from pandas. Whoever else wants it (scikit-learn, a rival) finds it later.
    import pyarrow as pa

    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    pa.scalar(None)
    sys.meta_path.remove(finder)

    from oddrow.cli import main

    main()


if __name__ == "__main__":
    start()
