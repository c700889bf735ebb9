"""Where in the user's code a value was declared.

Every error and every printed line carries it, so it is captured once, when the value is made, and
handed on by whoever rewrites the value.
"""

from __future__ import annotations

import contextlib
import os
import sys
from contextvars import ContextVar, Token
from dataclasses import dataclass
from types import FrameType

# graphc's own frames, and those between a `with` in it and the generator behind the context
_INTERNAL = (os.path.dirname(os.path.abspath(__file__)) + os.sep, contextlib.__file__)


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
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_INTERNAL):
        frame = frame.f_back
    return UNKNOWN if frame is None else Origin(frame.f_code.co_filename, frame.f_lineno)


class inherit:
    """`with inherit(origin):` gives `origin` to every value that is made inside the block.

    A class and no generator: rewriting enters it for each value of a graph.
    """

    __slots__ = ("_origin", "_token")

    def __init__(self, origin: Origin, via: str = ""):
        self._origin = Origin(origin.file, origin.line, via) if via else origin

    def __enter__(self) -> None:
        self._token: Token[Origin | None] = _override.set(self._origin)

    def __exit__(self, *failure: object) -> None:
        _override.reset(self._token)
