"""Where in the user's code a value was declared.

Every error and every printed line carries it, so it is captured once, when the value is made, and
handed on by whoever rewrites the value.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


@dataclass(frozen=True)
class Origin:
    """A line of the user's code; `via` names the stage that derived the value from it (`grad`)."""

    file: str
    line: int
    via: str = ""

    def __str__(self) -> str:
        place = f"{os.path.basename(self.file)}:{self.line}"
        return f"{self.via} {place}" if self.via else place


UNKNOWN = Origin("?", 0)
_override: ContextVar[Origin | None] = ContextVar("graphc_origin", default=None)


def here() -> Origin:
    """The innermost line outside graphc, or the origin set by `inherit`."""
    inherited = _override.get()
    if inherited is not None:
        return inherited
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return UNKNOWN if frame is None else Origin(frame.f_code.co_filename, frame.f_lineno)


@contextmanager
def inherit(origin: Origin, via: str = "") -> Iterator[None]:
    """Give `origin` to every value that is made inside the block."""
    token = _override.set(replace(origin, via=via) if via else origin)
    try:
        yield
    finally:
        _override.reset(token)
