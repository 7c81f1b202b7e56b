"""How many threads there are, and who has them: BLAS, or those who call it."""

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
    """Takes over the threads of NumPy's BLAS, which keeps to one within; gives how many there are.

    Outside the main thread there is one, and BLAS keeps its own: who calls from several threads has shared the work
    out already, and OpenBLAS (0.3.31) takes no limit from any thread but the main one.
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
    from threadpoolctl import ThreadpoolController  # who scores a few rows does without

    return ThreadpoolController().select(user_api="blas")
