"""Prefetching: the next chunks of data are gathered by a thread while the program runs on those before.

It stands apart because threads need care: the queue is bounded, a failure reaches the loop, and no thread stays.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

from graphc.origin import here, inherit

_AHEAD = 2  # chunks
_PATIENCE = 0.1  # seconds between looks at whether the other side is still there
_FAREWELL = 5.0  # seconds to wait for a thread that is inside the user's code


class Prefetcher:
    """Iterates over `items` in a thread; a context, at whose end the thread is gone.

    An exception of the iterator is raised from `__next__`. `check` is called while waiting, so that Ctrl-C works.
    """

    def __init__(self, items: Iterator[Any], check: Callable[[], None] = lambda: None):
        self._items, self._check, self._origin = items, check, here()
        self._queue: queue.Queue[tuple[str, Any]] = queue.Queue(_AHEAD)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="graphc-prefetch", daemon=True)
        self._thread.start()

    def __enter__(self) -> Prefetcher:
        return self

    def __exit__(self, *failure: object) -> None:
        self._stop.set()
        self._thread.join(_FAREWELL)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        while True:
            try:
                kind, item = self._queue.get(timeout=_PATIENCE)
            except queue.Empty:
                self._check()
                continue
            if kind == "item":
                return item
            self._queue.put((kind, item))  # for who asks again
            if kind == "failure":
                raise item
            raise StopIteration

    def _run(self) -> None:
        try:
            with inherit(self._origin):  # a thread has no line of the user below it
                for item in self._items:
                    if not self._put(("item", item)):
                        return
            self._put(("end", None))
        except BaseException as failure:
            self._put(("failure", failure))

    def _put(self, entry: tuple[str, Any]) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(entry, timeout=_PATIENCE)
                return True
            except queue.Full:
                continue
        return False
