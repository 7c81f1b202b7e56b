"""Use the threads of NumPy's BLAS for our own parallel work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import current_thread, main_thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


@contextmanager
def threads_of_blas() -> Iterator[int]:
    """Limit NumPy's BLAS to one thread inside the context, and yield the number of threads it would have used.

    Outside the main thread the context yields 1 and leaves BLAS as it is: a caller with several threads has divided
    the work already, and OpenBLAS (0.3.31) accepts a limit only from the main thread.
    """
    if current_thread() is not main_thread():
        yield 1
        return
    n_threads = max((library.num_threads for library in _blas().lib_controllers), default=1)
    if n_threads == 1:
        yield 1
        return
    with _blas().limit(limits=1):
        yield n_threads


@cache
def _blas() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController  # imported here: scoring a few rows does not need it

    return ThreadpoolController().select(user_api="blas")
