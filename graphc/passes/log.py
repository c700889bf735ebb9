"""What the optimiser did: one entry per pass that ran, and the rules that fired in it, as text.

It stands apart so that passes can count a rewrite (`note`) without knowing the driver that asked for counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_counter: ContextVar[Counter[str] | None] = ContextVar("graphc_fired_rules", default=None)


@dataclass(frozen=True)
class PassLog:
    """One run of one pass."""

    name: str
    changed: bool
    seconds: float
    fired: tuple[tuple[str, int], ...]  # (rule, times), most often first
    values: int  # in the graph afterwards


def note(rule: str) -> None:
    """Count one rewrite, if somebody counts."""
    counter = _counter.get()
    if counter is not None:
        counter[rule] += 1


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Collect what `note` reports inside the block."""
    counter: Counter[str] = Counter()
    token = _counter.set(counter)
    try:
        yield counter
    finally:
        _counter.reset(token)


def format_log(entries: Sequence[PassLog]) -> str:
    """The table that `dump("passes")` prints; a pass that ran several times has several lines."""
    width = max((len(e.name) for e in entries), default=4)
    lines = [f"{'pass':{width}}  {'µs':>7}  {'values':>6}  rules"]
    for entry in entries:
        rules = ", ".join(f"{rule} ×{times}" if times > 1 else rule for rule, times in entry.fired)
        if not entry.changed:
            rules = "unchanged"
        lines.append(f"{entry.name:{width}}  {entry.seconds * 1e6:7.0f}  {entry.values:6d}  {rules}".rstrip())
    return "\n".join(lines) + "\n"
