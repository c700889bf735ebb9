"""The four settings that come from the environment, each with its help text and its check.

They stand in one leaf module so that nothing else reads the environment; everything else is an argument.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from graphc.errors import GraphError

T = TypeVar("T")
STAGES = ("graph", "passes", "optimized", "schedule", "kernels", "plan")


@dataclass(frozen=True)
class Setting(Generic[T]):
    """An environment variable. `read` looks at it now, so that a test or a program may change it."""

    name: str
    help: str
    parse: Callable[[str], T]  # raises ValueError with what was expected
    default: Callable[[], T]

    def read(self) -> T:
        """The checked value, or the default where it is unset or empty. Raises `GraphError`."""
        text = os.environ.get(self.name, "").strip()
        if not text:
            return self.default()
        try:
            return self.parse(text)
        except ValueError as error:
            raise GraphError(f"{self.name}: expected {error}, got {text!r}") from None


def _parse_threads(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise ValueError("a number of threads from 1 to 256")
    return int(text)


def _default_threads() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _parse_folder(text: str) -> Path:
    path = Path(text).expanduser()
    if path.exists() and not path.is_dir():
        raise ValueError("a folder")
    return path.absolute()


def _default_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path("~/.cache").expanduser()) / "graphc"


def _parse_stages(text: str) -> tuple[str, ...]:
    stages = tuple(part.strip() for part in text.split(",") if part.strip())
    if any(stage not in STAGES for stage in stages):
        raise ValueError(f"names of stages among {', '.join(STAGES)}, separated by commas")
    return stages


def _parse_switch(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError("0 or 1")
    return text == "1"


num_threads = Setting(
    "GRAPHC_NUM_THREADS",
    "How many threads programs run on; by default, one for each processor that the process may use.",
    _parse_threads,
    _default_threads,
)
cache_dir = Setting(
    "GRAPHC_CACHE_DIR",
    "The folder that keeps compiled kernels between processes; by default graphc in the user's cache folder.",
    _parse_folder,
    _default_cache,
)
dump: Setting[tuple[str, ...]] = Setting(
    "GRAPHC_DUMP",
    f"Stages whose text every compilation prints to stderr: {', '.join(STAGES)}, separated by commas.",
    _parse_stages,
    lambda: (),
)
verify = Setting(
    "GRAPHC_VERIFY",
    "1: check every graph, kernel and program between the stages of a compilation; slow, for finding bugs.",
    _parse_switch,
    bool,
)
SETTINGS: tuple[Setting, ...] = (num_threads, cache_dir, dump, verify)
