"""The exceptions of the public API.

They stand apart from everything so that any layer can raise them without an import cycle.
"""

from __future__ import annotations


class GraphError(ValueError):
    """Whatever is wrong with a declaration or with an argument of a call."""


class CompileError(RuntimeError):
    """A well-formed graph could not be turned into native code (no compiler, a failing one, …)."""


class RuntimeFault(RuntimeError):
    """A program stopped while it ran; its variables are as they were before the call."""
