"""Identifiers for kernels: unique, valid in every target, and close to what the user wrote."""

from __future__ import annotations

import re

RESERVED = frozenset(
    "and auto bool break case catch char class const continue default delete do double else enum explicit export "
    "extern false float for friend goto if in inline int lambda long main new not operator or pass private public "
    "read register return short signed sizeof static struct switch template this throw true try typedef union "
    "unsigned using var virtual void volatile while write xor once unit lane half buffers dims begin end "
    "scratch".split()
)


class Names:
    """Hands out each name once; loop indices (`i0`) and keywords never."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def new(self, wish: str) -> str:
        """`wish`, or `wish` with a number."""
        base = re.sub(r"\W", "_", wish, flags=re.ASCII)
        if not re.match(r"[A-Za-z]", base):
            base = f"v{base}"
        name, number = base, 0
        while name in self.taken or name in RESERVED or re.fullmatch(r"i\d+", name):
            name, number = f"{base}_{number}", number + 1
        self.taken.add(name)
        return name
