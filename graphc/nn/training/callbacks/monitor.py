"""What callbacks watch: a number of the logs, and whether it became better.

It stands apart because early stopping, checkpoints and learning rates all watch alike.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from graphc import ops
from graphc.nn.training.callbacks.callback import Logs

_HIGHER_IS_BETTER = ("acc", "auc", "precision", "recall", "f1", "r2", "cosine_similarity")


class Monitor:
    """Watches `name`; `mode` "min", "max" or "auto" (by the name) says what is better, by more than `min_delta`."""

    def __init__(self, name: str, mode: str = "auto", min_delta: float = 0.0):
        if mode not in ("auto", "min", "max"):
            ops.refuse("callbacks", f"expected mode 'auto', 'min' or 'max', got {mode!r}")
        if not min_delta >= 0:
            ops.refuse("callbacks", f"expected min_delta ≥ 0, got {min_delta!r}")
        last = name.rpartition("val_")[2]
        rising = any(word in last for word in _HIGHER_IS_BETTER)
        self.name, self.min_delta = name, min_delta
        self.sign = -1.0 if mode == "max" or (mode == "auto" and rising) else 1.0
        self._warned = False

    @property
    def worst(self) -> float:
        """What every number is better than."""
        return self.sign * math.inf

    def read(self, logs: Logs | None) -> float | None:
        """The number; None, with one warning, where the logs lack it."""
        value = (logs or {}).get(self.name)
        if value is None and not self._warned:
            self._warned = True
            known = ", ".join(logs or {}) or "none"
            warnings.warn(f"expected {self.name!r} in the logs for a callback, got only: {known}", stacklevel=2)
        return None if value is None else float(value)

    def better(self, value: float, than: float) -> bool:
        """Whether it improved by more than `min_delta`; a NaN never does."""
        return self.sign * value < self.sign * than - self.min_delta


def checked_count(name: str, value: Any, least: int) -> int:
    """`value` as a number of epochs. Raises `GraphError`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        ops.refuse("callbacks", f"expected {name} to be an int ≥ {least}, got {value!r}")
    return value
