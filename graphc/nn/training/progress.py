"""Progress of training and evaluation: a bar in a terminal or notebook, one line an epoch in a log file.

It stands apart from the loop, which only says what happened. The bar is tqdm's and drawn at most ten times a second.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphc import ops

Logs = Mapping[str, Any]
_REFRESH = 0.1  # seconds
_SIZE = (100, 24)  # columns and lines of a terminal that does not say its size


def style(verbose: Any) -> str:
    """ "silent", "bar" or "lines" for `verbose` 0, 1, 2 or "auto". Raises `GraphError` for others.

    A bar needs a terminal or a notebook: elsewhere 1 means lines, so that a log file holds no carriage returns.
    """
    if verbose not in (0, 1, 2, "auto"):
        ops.refuse("verbose", f"expected 0 (silent), 1 (bar), 2 (one line an epoch) or 'auto', got {verbose!r}")
    if verbose == 0:
        return "silent"
    if verbose == 2 or not _interactive():
        return "lines"
    return "bar" if verbose == 1 or _bars_available() else "lines"


def _interactive() -> bool:
    shell = sys.modules.get("IPython")
    kernel = shell is not None and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell"
    return kernel or bool(getattr(sys.stdout, "isatty", lambda: False)())


def _bars_available() -> bool:
    try:
        import tqdm  # noqa: F401
    except ModuleNotFoundError:
        return False
    return True


class Progress:
    """Says how far it is. `title` opens each line or bar; `measure` reads what to show beside the bar."""

    def __init__(self, verbose: Any, measure: Callable[[], Logs]):
        self.style, self._measure = style(verbose), measure
        self._bar: Any = None
        self._due = self._began = 0.0

    def begin(self, title: str, steps: int | None, done: int = 0) -> None:
        """An epoch, or an evaluation, of so many steps begins."""
        self._title, self._began, self._done = title, time.perf_counter(), done
        self._due = self._began + _REFRESH
        if self.style == "bar":
            self._bar = _new_bar(title, steps, done)

    def step(self, done: int) -> None:
        """`done` steps are done."""
        self._done = done
        if self._bar is None:
            return
        now = time.perf_counter()
        if now >= self._due:
            self._due = now + _REFRESH
            self._bar.set_postfix_str(format_logs(self._measure()), refresh=False)
            self._bar.update(done - self._bar.n)

    def end(self, logs: Logs) -> None:
        """It is over; `logs` are its numbers."""
        seconds = time.perf_counter() - self._began
        if self._bar is not None:
            self._bar.set_postfix_str(format_logs(logs), refresh=False)
            self._bar.update(self._done - self._bar.n)
            self.close()
        elif self.style == "lines":
            print(f"{self._title} - {seconds:.2f} s - {format_logs(logs)}", flush=True)

    def close(self) -> None:
        """Leave the bar as it is; also after a failure."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _new_bar(title: str, steps: int | None, done: int) -> Any:
    try:
        from tqdm.auto import tqdm
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(f"expected tqdm for verbose=1, got '{missing}': pip install tqdm") from None
    size: dict[str, Any] = dict(zip(("ncols", "nrows"), _SIZE, strict=True)) if _sizeless() else {"dynamic_ncols": True}
    return tqdm(desc=title, total=steps, initial=done, unit="batch", file=sys.stdout, **size)


def _sizeless() -> bool:
    """Whether output goes to a terminal that says 0 × 0, as in some containers; tqdm would then print nothing."""
    try:
        return sys.stdout.isatty() and os.get_terminal_size(sys.stdout.fileno()).lines == 0
    except (OSError, ValueError, AttributeError):  # an object in the place of stdout
        return False


def format_logs(logs: Logs) -> str:
    """`loss 0.1234, accuracy 0.9500`; what is not one number is left out."""
    return ", ".join(f"{name} {_number(value)}" for name, value in logs.items() if np.ndim(value) == 0)


def _number(value: Any) -> str:
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e5 else f"{value:.4g}"
