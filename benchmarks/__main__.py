"""``make bench``: every benchmark, one table each. ``python -m benchmarks NAME ...`` runs some, and
``python -m benchmarks.NAME ARGUMENTS`` one with its arguments.
"""

import runpy
import sys

BENCHMARKS = (
    "kddcup99",
    "quality",
    "reasons",
    "expectations",
    "card_payments",
    "real_tables",
    "calibration",
    "robustness",
    "probes",
    "tables",
    "fuzz",
    "interruptions",
    "memory",
    "engines",
    "mutants",
    "fit",
    "score",
    "scaling",
    "cold_start",
    "onnx",
)
FILES = {"onnx": "onnx_export"}
"""Benchmarks in files of other names: one called onnx would stand before the library of that name."""


def main() -> None:
    """Run the named benchmarks, or all."""
    names = sys.argv[1:] or BENCHMARKS
    for name in names:
        if name not in BENCHMARKS:
            sys.exit(f"there is no benchmark {name!r}; choose from {', '.join(BENCHMARKS)}")
    for name in names:
        sys.argv = [name]
        runpy.run_module(f"benchmarks.{FILES.get(name, name)}", run_name="__main__")


if __name__ == "__main__":
    main()
