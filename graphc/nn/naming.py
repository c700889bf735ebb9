"""Names: what an object without a name is called, and which known name a wrong one was meant to be.

It stands apart because layers, losses, metrics and optimisers all follow the same rules, which are Keras's.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable

_given: Counter[str] = Counter()


def snake_case(name: str) -> str:
    """`BatchNormalization` as `batch_normalization`."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def unique_name(prefix: str) -> str:
    """`dense`, then `dense_1`, `dense_2`, …"""
    number = _given[prefix]
    _given[prefix] += 1
    return f"{prefix}_{number}" if number else prefix


def clear_session() -> None:
    """Count automatic names from the beginning again, so that a script run twice gives the same ones."""
    _given.clear()


def suggestion(given: object, names: Iterable[str]) -> str:
    """What an error says about a name that is not known: the nearest one, or all of them."""
    known = sorted(set(names))
    near = difflib.get_close_matches(str(given).lower(), known, n=1, cutoff=0.5)
    return f"nearest: {near[0]!r}" if near else f"one of {', '.join(known)}"
