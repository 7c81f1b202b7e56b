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
            raise ModuleNotFoundError("pandas is hidden while Arrow starts", name=fullname)


def start() -> NoReturn:
    """Run the command line and exit with its exit code."""
    # Imported modules are never garbage; collecting during the imports takes a tenth of the time of scoring one row.
    gc.disable()
    # Arrow imports pandas, if it is installed, when it makes its first value. That takes longer than scoring a row, and
    # the command line reads tables from files, never from pandas. Later imports (scikit-learn, a rival) find pandas.
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
