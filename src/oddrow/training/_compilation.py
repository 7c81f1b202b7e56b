"""Compiled programs are kept in the user's cache folder, so that the next process need not compile them again.

That is JAX's own persistent cache. Its settings are those of the whole process, so they are lent for one compilation
and then put back; where the host program or the user has set up the cache, or switched it off, nothing is touched.
"""

from __future__ import annotations

import hashlib
import os
import platform
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
from jax.experimental.compilation_cache import compilation_cache

FOLDER_VARIABLE = "ODDROW_COMPILATION_CACHE"
"""Environment variable: another folder, or "off" for none."""
MOST_PROGRAMS = 200
"""Programs kept at most; the oldest go first."""

_config: Any = jax.config


@contextmanager
def compilations_kept() -> Iterator[None]:
    """What is compiled meanwhile is taken from the user's cache folder or, where it is not there, put into it.

    A cache that cannot be read or written costs the time of a compilation, never the fit.
    """
    folder = None if _is_the_users() else _folder()
    if folder is None:
        yield
        return
    lent = {
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    before = {name: getattr(_config, name) for name in lent}
    compilation_cache.reset_cache()
    try:
        _set(lent)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
            yield
    finally:
        _set(before)
        compilation_cache.reset_cache()
        _keep_newest(folder)


def _is_the_users() -> bool:
    return not _config.jax_enable_compilation_cache or _config.jax_compilation_cache_dir is not None


def _folder() -> Path | None:
    """The folder for this machine's programs, made if it is not there; None where there is to be or can be none."""
    wanted = os.environ.get(FOLDER_VARIABLE, "")
    if wanted == "off":
        return None
    import platformdirs  # only when something is compiled

    folder = Path(wanted) if wanted else platformdirs.user_cache_path("oddrow") / "compiled"
    folder = folder / _machine()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


def _machine() -> str:
    """Tells processors apart: machines that share a home folder may not share programs made for their own."""
    described = platform.machine() + platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        described += next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        pass
    return hashlib.sha256(described.encode()).hexdigest()[:16]


def _set(settings: dict[str, object]) -> None:
    for name, value in settings.items():
        _config.update(name, value)


def _keep_newest(folder: Path) -> None:
    try:
        aged = sorted((path.stat().st_mtime, path) for path in folder.iterdir())
        for _, path in aged[:-MOST_PROGRAMS]:
            path.unlink(missing_ok=True)
    except OSError:  # another process does the same
        pass
