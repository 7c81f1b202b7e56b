"""Pauses of Python's garbage collector where thousands of objects are made that stay."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Make no search for garbage inside the context, and afterwards if the collector was off before.

    Imported modules are never garbage. Looking for garbage among their objects takes a tenth of the time of importing
    scikit-learn or JAX.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
