"""The number of threads that run programs. Apart, since it concerns all programs of a process."""

from __future__ import annotations

from graphc import config
from graphc.errors import GraphError
from graphc.runtime import _core

_core.set_num_threads(config.num_threads.read())


def set_num_threads(threads: int) -> None:
    """Use `threads` threads, the calling one included. Raises `GraphError`. Results do not depend on it."""
    if isinstance(threads, bool) or not isinstance(threads, int):
        raise GraphError(f"expected a number of threads, got {threads!r}")
    if not 1 <= threads <= _core.MAX_THREADS:
        raise GraphError(f"expected 1 to {_core.MAX_THREADS} threads, got {threads}")
    _core.set_num_threads(threads)


def get_num_threads() -> int:
    """The number of threads that run a program; at first `GRAPHC_NUM_THREADS`, or as many as the process has CPUs."""
    return _core.get_num_threads()
