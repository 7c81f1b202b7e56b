"""Environments of the peers, made when they are missing: what oddrow is measured beside is no dependency of it."""

from __future__ import annotations

import compileall
import subprocess
import sys
import venv
from pathlib import Path

import oddrow

FOLDER = Path(__file__).parents[1] / ".venvs"


def peer_python(name: str, *packages: str) -> Path | None:
    """The Python of an environment with these packages; None, said on stderr, where they cannot be installed."""
    folder = FOLDER / name
    python, done = folder / "bin" / "python", folder / ".installed"
    if done.exists() and done.read_text(encoding="utf-8") == " ".join(packages):
        return python
    print(f"installing {' '.join(packages)} into {folder}", file=sys.stderr)
    venv.create(folder, with_pip=True)
    made = subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", *packages], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        print(f"{name} cannot be installed: {made.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    done.write_text(" ".join(packages), encoding="utf-8")
    return python


def compile_ours() -> None:
    """Compile oddrow's sources to bytecode, as pip did with the peers': processes that are timed need not."""
    compileall.compile_dir(Path(oddrow.__file__).parent, quiet=1)
