"""``make bench``: every benchmark, one table each. ``python -m benchmarks NAME`` runs one."""

import runpy
import sys

BENCHMARKS = ("kddcup99", "reasons")


def main() -> None:
    """Run the named benchmarks, or all."""
    for name in sys.argv[1:] or BENCHMARKS:
        if name not in BENCHMARKS:
            sys.exit(f"there is no benchmark {name!r}; choose from {', '.join(BENCHMARKS)}")
        runpy.run_module(f"benchmarks.{name}", run_name="__main__")


if __name__ == "__main__":
    main()
