"""Environments of the peers, made when they are missing: what oddrow is measured beside is no dependency of it."""

from __future__ import annotations

import compileall
import subprocess
import sys
import venv
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path

import oddrow

FOLDER = Path(__file__).parents[1] / ".venvs"


def python_of(name: str) -> Path:
    """The Python of the environment of that name, which need not exist."""
    return FOLDER / name / "bin" / "python"


def peer_python(name: str, *packages: str, alone: Sequence[str] = ()) -> Path | None:
    """The Python of an environment with these packages; None, said on stderr, where they cannot be installed.

    The packages of ``alone`` are installed without what they ask for.
    """
    python, done = python_of(name), FOLDER / name / ".installed"
    wanted = " ".join([*packages, *alone])
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return python
    print(f"installing {wanted} into {FOLDER / name}", file=sys.stderr)
    venv.create(FOLDER / name, with_pip=True)
    for options, some in (((), packages), (("--no-deps",), alone)):
        command = [str(python), "-m", "pip", "install", "--quiet", *options, *some]
        made = subprocess.run(command, capture_output=True, text=True, check=False) if some else None
        if made is not None and made.returncode != 0:
            print(f"{name} cannot be installed: {made.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            return None
    done.write_text(wanted, encoding="utf-8")
    return python


def installed_versions(name: str) -> dict[str, str]:
    """The version of each package of an environment, by its name in lower case; empty where there is no environment."""
    found = (FOLDER / name).glob("lib/python*/site-packages")
    return {one.name.lower(): one.version for one in distributions(path=[str(path) for path in found])}


def compile_ours() -> None:
    """Compile oddrow's sources to bytecode, as pip did with the peers': processes that are timed need not."""
    compileall.compile_dir(Path(oddrow.__file__).parent, quiet=1)
