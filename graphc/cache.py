"""The cache of compiled kernels, as users see it.

It stands apart from `backends` because it is public API: `gc.cache.clear()`.
"""

from __future__ import annotations

from pathlib import Path

from graphc import config
from graphc.backends import cache as _cache


def clear() -> int:
    """Delete every compiled kernel from the cache folder; returns how many files went."""
    return _cache.clear()


def folder() -> Path:
    """Where compiled kernels are kept: `GRAPHC_CACHE_DIR`, or graphc's folder in the user's cache."""
    return config.cache_dir.read()
