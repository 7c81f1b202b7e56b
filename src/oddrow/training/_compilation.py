"""Compiled programs are kept in the user's cache folder, so that the next process does not compile them again.

The cache is JAX's own persistent compilation cache. Its settings belong to the whole process, so they are changed for
one compilation and then restored. Where the host program or the user has set up the cache, or switched it off, its
settings stay unchanged.
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
"""Environment variable that names another cache folder, or switches the cache off with the value "off"."""
MAX_PROGRAMS = 200
"""Maximum number of programs kept; the oldest are deleted first."""

_config: Any = jax.config


@contextmanager
def compilations_kept() -> Iterator[None]:
    """Use the user's cache folder for every compilation inside the context.

    A program found in the folder is loaded; a program that is not there is compiled and stored. Where the folder cannot
    be read or written, the program is compiled and the fit goes on.
    """
    folder = None if _is_set_by_user() else _folder()
    if folder is None:
        yield
        return
    ours = {
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    before = {name: getattr(_config, name) for name in ours}
    compilation_cache.reset_cache()
    try:
        _set(ours)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
            yield
    finally:
        _set(before)
        compilation_cache.reset_cache()
        _keep_newest(folder)


def _is_set_by_user() -> bool:
    return not _config.jax_enable_compilation_cache or _config.jax_compilation_cache_dir is not None


def _folder() -> Path | None:
    """Return the folder of this machine's programs, and make it if needed.

    None means that the cache is switched off or that no folder can be written.
    """
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
    """Return a hash of the processor's features.

    Machines with different processors may share a home folder, and a program compiled for one may not run on another.
    """
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
        for _, path in aged[:-MAX_PROGRAMS]:
            path.unlink(missing_ok=True)
    except OSError:  # another process may delete the same files
        pass
