"""Ctrl-C during training: the step that runs is finished, then `KeyboardInterrupt` is raised.

It stands apart because a signal may come between any two lines, also between the assignment of one weight and the
next; the loop asks for it only where the model is consistent.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class Interruption:
    """A context in which the first Ctrl-C is remembered until `check`; the second one interrupts at once.

    Outside of the main thread, or with a handler of the user's own, signals are left alone.
    """

    def __init__(self) -> None:
        self.came = False  # a Ctrl-C that `check` has not raised yet
        self._before: Any = None

    def __enter__(self) -> Interruption:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._remember)
        return self

    def __exit__(self, *failure: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if there was a Ctrl-C."""
        if self.came:
            self.came = False
            raise KeyboardInterrupt

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self.came:
            raise KeyboardInterrupt
        self.came = True
