"""Where outputs and next values of variables are written, and the copies where they can't be written directly.

It stands apart from the assembly because the order matters here: what is overwritten must be saved before
anybody overwrites it, and variables move last.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from graphc.ir.graph import Graph
from graphc.ir.value import Value
from graphc.program.program import CopyStep, Ref
from graphc.schedule.elements import storage


@dataclass(frozen=True)
class Results:
    """The bindings of results, and the copies around the steps that compute them."""

    bound: dict[Value, Ref]  # computed values that are written straight into an output
    opening: list[CopyStep]  # before any other step: old values that would be overwritten
    closing: list[tuple[Value | Ref, Ref]]  # (source, target), after all other steps

    def closing_steps(self, refs: Mapping[Value, Ref]) -> list[CopyStep]:
        """The last copies, now that every value has a buffer."""
        resolved = [(s if isinstance(s, Ref) else refs[s], target) for s, target in self.closing]
        return [CopyStep(source, target) for source, target in resolved if source != target]


def bind_results(
    graph: Graph, computed: Collection[Value], in_place: Collection[Value], new_slot: Callable[[Value], Ref]
) -> Results:
    """Bind the results of `graph`; `computed` values have steps, those `in_place` overwrite a variable."""
    states = {v: Ref("state", i) for i, v in enumerate(graph.variables)}
    moving = {v for v, _ in graph.updates}
    results = Results({}, [], [])
    for i, (_, value) in enumerate(graph.outputs):
        base, output = storage(value), Ref("output", i)
        if base in moving:
            results.opening.append(CopyStep(states[base], output))
        elif base in computed and base not in results.bound and base not in in_place:
            results.bound[base] = output
        else:
            results.closing.append((base, output))
    saved: dict[Value, Ref] = {}
    for variable, value in graph.updates:
        base = storage(value)
        if base in moving and base is not variable:
            if base not in saved:
                saved[base] = new_slot(base)
                results.opening.append(CopyStep(states[base], saved[base]))
            results.closing.append((saved[base], states[variable]))
        else:
            results.closing.append((base, states[variable]))
    return results
