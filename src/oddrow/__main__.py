"""``oddrow`` and ``python -m oddrow``: the command line as a process of its own."""

from __future__ import annotations

import gc
import sys
from typing import Any, NoReturn


class _NoPandas:
    """For whoever looks, pandas is not installed. (No base class: importing it takes as long as reading a model.)"""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:  # noqa: ARG002 - the protocol's
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not looked for", name=fullname)


def start() -> NoReturn:
    """Run the command line and leave with its exit code."""
    gc.disable()  # what is imported stays: looking for garbage in it is a tenth of all that scoring a row takes
    # Arrow looks once, at its first value, whether pandas is there, and so loads it: longer than scoring a row takes.
    # Here tables come from files and never from pandas. Whoever else wants it (scikit-learn, a rival) finds it later.
    import pyarrow as pa

    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    pa.scalar(None)
    sys.meta_path.remove(finder)

    from oddrow.cli import main

    gc.enable()
    main()


if __name__ == "__main__":
    start()
