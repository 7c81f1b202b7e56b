"""Entry point of the command line: ``oddrow`` and ``python -m oddrow``."""

from __future__ import annotations

import gc
import sys
from typing import Any, NoReturn


class _NoPandas:
    """An import finder that reports pandas as not installed.

    It has no base class, because importing ``importlib.abc`` takes as long as reading a model.
    """

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:  # noqa: ARG002 - the protocol's
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is hidden from pyarrow", name=fullname)


def start() -> NoReturn:
    """Run the command line and leave with its exit code."""
    # Imported modules are never garbage, and looking for garbage in them takes a tenth of the time of scoring one row.
    # The command line switches the collector on again when it has imported its command.
    gc.disable()
    _load_arrow_without_pandas()
    from oddrow.cli import main

    main()


def _load_arrow_without_pandas() -> None:
    """Let pyarrow find that pandas is not installed.

    When pyarrow makes its first value it imports pandas, where that is installed, to recognise values of pandas. This
    would add 30 % to the CPU time of ``oddrow score`` of one row, and the command line reads tables from files and
    never from pandas. pyarrow looks once; whatever imports pandas later (scikit-learn, a rival) finds it. (None in
    ``sys.modules`` would do for Python code, but compiled code such as pyarrow's takes that None for the module.)
    """
    import pyarrow as pa

    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.scalar(None)
    finally:
        sys.meta_path.remove(finder)


if __name__ == "__main__":
    start()
