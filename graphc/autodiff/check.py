"""Check a gradient: `gradcheck` compares what `grad` returns with central finite differences, in float64.

It stands apart from the derivatives because it is the one part of differentiation that runs programs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc import ops
from graphc.autodiff.reverse import grad
from graphc.errors import GraphError
from graphc.ir.value import Value
from graphc.ops.definition import refuse

_SHOWN = 5  # rows of the table in an error
Evaluator = Callable[..., Any]


def gradcheck(
    f: Callable[..., Value], *arrays: Any, order: int = 1, eps: float = 1e-5, rtol: float = 1e-5, atol: float = 1e-7
) -> bool:
    """True if the derivatives of `f` up to `order` agree with central differences of step eps * max(1, |x|).

    `f` takes one symbolic float64 value per array and returns one value of a fixed size. Its elements, and
    those of each derivative, are summed with fixed random weights, so that every element of the Jacobian
    counts. Raises `GraphError` with the worst elements otherwise. `f` should be smooth near the arrays.
    """
    from graphc.compiler import compile

    def evaluator(inputs: Sequence[Value], outputs: Sequence[Value]) -> Evaluator:
        return compile(list(inputs), list(outputs))

    check_derivatives(f, arrays, evaluator, order=order, eps=eps, rtol=rtol, atol=atol)
    return True


def check_derivatives(
    f: Callable[..., Value],
    arrays: Sequence[Any],
    evaluator: Callable[[Sequence[Value], Sequence[Value]], Evaluator],
    *,
    order: int,
    eps: float,
    rtol: float,
    atol: float,
) -> None:
    """`gradcheck` with any way to run a graph: `evaluator(inputs, outputs)` is a function from arrays to arrays."""
    points = [np.array(a, np.float64) for a in arrays]
    inputs = [ops.input(f"x{i}", p.shape, "float64") for i, p in enumerate(points)]
    rng = np.random.default_rng(0)
    value = f(*inputs)
    if not isinstance(value, Value) or not value.dtype.is_float:
        refuse("gradcheck", f"expected a function that returns a float value, got {value!r}")
    for level in range(1, order + 1):
        scalar = _weighted(value, rng)
        gradients = grad(scalar, inputs)
        run = evaluator(inputs, [scalar, *gradients])
        symbolic = [np.asarray(g) for g in run(*points)[1:]]
        numeric = _central_differences(lambda *a, run=run: float(run(*a)[0]), points, eps)
        _compare(level, symbolic, numeric, rtol, atol)
        value = _joined(gradients)


def _weighted(value: Value, rng: np.random.Generator) -> Value:
    """Σ weights * value, with weights in [0.5, 1.5) that nothing cancels by chance."""
    if not all(isinstance(n, int) for n in value.shape):
        refuse("gradcheck", f"expected a value of a fixed size, got {value.type}")
    return ops.sum(ops.multiply(value, ops.astype(ops.constant(rng.uniform(0.5, 1.5, value.shape)), value.dtype)))


def _joined(values: list[Value]) -> Value:
    return ops.concat([ops.reshape(v, (-1,)) for v in values])


def _central_differences(f: Callable[..., float], points: list[np.ndarray], eps: float) -> list[np.ndarray]:
    """(f(x + h) - f(x - h)) / 2h, one element at a time."""
    results = [np.zeros_like(p) for p in points]
    for point, result in zip(points, results, strict=True):
        for place in np.ndindex(point.shape):
            here = point[place]
            step = eps * max(1.0, abs(here))
            point[place] = here + step
            above, high = f(*points), point[place]
            point[place] = here - step
            below, low = f(*points), point[place]
            point[place] = here
            result[place] = (above - below) / (high - low)
    return results


def _compare(
    level: int, symbolic: Sequence[np.ndarray], numeric: Sequence[np.ndarray], rtol: float, atol: float
) -> None:
    """Raise `GraphError` if an element is off by more than atol + rtol times the larger of the element and the
    largest one of its array, below which a difference quotient has no digits."""
    rows = []
    for i, (s, n) in enumerate(zip(symbolic, numeric, strict=True)):
        scale = np.maximum(np.abs(n), np.max(np.abs(n), initial=0.0))
        with np.errstate(invalid="ignore"):
            off = ~(np.abs(s - n) <= atol + rtol * scale)
            excess = np.where(np.isfinite(s - n), np.abs(s - n) / (atol + rtol * scale), np.inf)
        rows += [(float(excess[p]), i, p, float(s[p]), float(n[p])) for p in map(tuple, np.argwhere(off).tolist())]
    if not rows:
        return
    rows.sort(key=lambda row: -row[0])
    lines = [f"  x{i}{list(place)!s:12} {s:24.16g} {n:24.16g} {e:10.3g}" for e, i, place, s, n in rows[:_SHOWN]]
    raise GraphError(
        f"gradcheck: expected the derivative of order {level} to agree with finite differences, got {len(rows)} "
        f"elements that differ; the worst:\n  {'element':14} {'grad':>24} {'difference':>24} {'× allowed':>10}\n"
        + "\n".join(lines)
    )
