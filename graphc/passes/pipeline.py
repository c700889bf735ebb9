"""The whole optimiser, in order, and the driver that runs it.

It stands apart from the passes so that one page says what happens when. The driver verifies, times, counts
and repeats; passes do none of that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from graphc.ir.graph import Graph
from graphc.ir.verifier import verify as verify_graph
from graphc.passes.broadcast_late import broadcast_late
from graphc.passes.canonicalize import canonicalize
from graphc.passes.decompose import decompose
from graphc.passes.fold_constants import fold_constants
from graphc.passes.log import PassLog, counting
from graphc.passes.prune import prune
from graphc.passes.pull_into_matmul import pull_into_matmul
from graphc.passes.reshape_late import reshape_late
from graphc.passes.share_common import share_common
from graphc.passes.simplify import simplify
from graphc.passes.simplify_reductions import simplify_reductions
from graphc.passes.stabilize import stabilize


@dataclass(frozen=True)
class Pass:
    """A function from graph to graph that returns the same object when it changes nothing, and why it is run."""

    name: str
    function: Callable[[Graph], Graph]
    why: str


@dataclass(frozen=True)
class Repeat:
    """Passes that make work for each other: run in turn until none changes anything, at most `limit` rounds."""

    passes: tuple[Pass, ...]
    limit: int


_CANONICALIZE = Pass("canonicalize", canonicalize, "literals right, nests of views merged")
_SHARE = Pass("share", share_common, "common subexpressions by structure")
_STABILIZE = Pass("stabilize", stabilize, "log of softmax, log1p, expm1, logsumexp")
_ALGEBRA = (
    _CANONICALIZE,
    _SHARE,
    Pass("fold", fold_constants, "what depends on constants only"),
    Pass("simplify", simplify, "the same elements with less arithmetic"),
    Pass("reductions", simplify_reductions, "fewer elements to reduce"),
    Pass("broadcast-late", broadcast_late, "arithmetic once per row, not once per element"),
    Pass("reshape-late", reshape_late, "arithmetic beside the value it belongs to, views after it"),
    Pass("matmul", pull_into_matmul, "transposes and factors into the GEMM"),
)

_DECOMPOSE = Pass("decompose", decompose, "shorthand, after everything that recognises it")

PIPELINE: tuple[Pass | Repeat, ...] = (
    Repeat((_CANONICALIZE, _SHARE, _STABILIZE), limit=4),  # first: other passes would take its formulas apart
    Repeat(_ALGEBRA, limit=8),
    _DECOMPOSE,
    Repeat(_ALGEBRA, limit=8),
    Pass("prune", prune, "updates that change nothing"),
)

LOWERING: tuple[Pass | Repeat, ...] = (_DECOMPOSE,)  # what the schedule cannot do without


def optimize(
    graph: Graph,
    passes: Sequence[Pass | Repeat] = PIPELINE,
    observe: Callable[[PassLog], None] | None = None,
    verify: bool = False,
) -> Graph:
    """The graph after `passes`, the same object if none changes it.

    `observe` is told of every run of a pass; `verify` checks the graph after each change and raises `GraphError`.
    """
    run = _Run(graph, observe, verify)
    for entry in passes:
        if isinstance(entry, Pass):
            run.once(entry)
        else:
            run.until_settled(entry)
    return run.graph


class _Run:
    def __init__(self, graph: Graph, observe: Callable[[PassLog], None] | None, verify: bool):
        self.graph = graph
        self.observe = observe
        self.verify = verify
        self.settled: dict[str, Graph] = {}  # pass → the graph that it had nothing to do on

    def until_settled(self, group: Repeat) -> None:
        for _ in range(group.limit):
            before = self.graph
            for entry in group.passes:
                self.once(entry)
            if self.graph is before:
                return

    def once(self, entry: Pass) -> None:
        if self.settled.get(entry.name) is self.graph:
            return
        start = time.perf_counter()
        with counting() as fired:
            new = entry.function(self.graph)
        seconds = time.perf_counter() - start
        changed = new is not self.graph
        if not changed:
            self.settled[entry.name] = self.graph
        self.graph = new
        if changed and self.verify:
            verify_graph(new)
        if self.observe is not None:
            self.observe(PassLog(entry.name, changed, seconds, tuple(fired.most_common()), len(new.values)))
