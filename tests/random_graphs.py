"""Random well-typed graphs with arrays to feed them: any stage that keeps a graph's meaning is tested on them.

They stand apart from the tests that use them (passes, scheduler, backends). An interval is carried beside each
value, so that no operand leaves its op's domain and nothing grows beyond 1000: then two correct ways to
compute a graph agree to a few digits less than the dtype has. Decisions that jump (comparisons, rounding,
argmax) see only what is fed, never what was computed, since a last place could turn them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np

from graphc import ops
from graphc.autodiff.reverse import grad
from graphc.dims import dim, evaluate
from graphc.ir.graph import Graph
from graphc.ir.value import Value

LARGEST = 1000.0
BATCH = dim("batch")
BATCH_SIZE = 3
SIZES = (1, 2, 3, 5, BATCH)
LITERALS = (0.0, 1.0, -1.0, 2.0, 0.5, 3.0, -0.0, 0.1)


@dataclass
class RandomGraph:
    """A graph, and what to call it with."""

    graph: Graph
    feed: dict[str, np.ndarray]


@dataclass
class _Entry:
    value: Value
    low: float
    high: float
    fed: bool = False  # an input, or a view of one: the same bits however the graph is computed


@dataclass
class _Builder:
    random: Random
    dtype: str
    entries: list[_Entry] = field(default_factory=list)
    indices: list[Value] = field(default_factory=list)  # i64 inputs with elements in [0, 2)

    # choosing ------------------------------------------------------------------------------------
    def pick(self, sequence: Sequence[Any]) -> Any:
        return sequence[self.random.randrange(len(sequence))]

    def recent(self, suits: Callable[[_Entry], bool] = lambda entry: True) -> _Entry | None:
        """An entry that suits, most often one of the last."""
        suitable = [e for e in self.entries if suits(e)]
        if not suitable:
            return None
        return self.pick(suitable[-4:] if self.random.random() < 0.7 else suitable)

    def add(self, value: Value, low: float, high: float, fed: bool = False) -> bool:
        elements = evaluate(value.size, {"batch": BATCH_SIZE})
        if not (math.isfinite(low) and math.isfinite(high)) or max(-low, high) > LARGEST or elements > 2000:
            return False
        self.entries.append(_Entry(value, low, high, fed))
        return True

    # steps ---------------------------------------------------------------------------------------
    def unary(self) -> bool:
        name, domain_low, domain_high = self.pick(_UNARY)
        x = self.recent(lambda e: e.low >= domain_low and e.high <= domain_high)
        if x is None:
            return False
        function = getattr(ops, name)
        low, high = _image(function.reference, x.low, x.high)
        return self.add(function(x.value), low, high)

    def binary(self) -> bool:
        x, y = self.recent(), self.recent()
        if self.random.random() < 0.3:
            number = self.pick(LITERALS)
            y = _Entry(ops.full((), number, self.dtype), number, number)
        if self.random.random() < 0.3:
            x, y = y, x
        if not _broadcast(x.value, y.value):
            return False
        name = self.pick(("add", "subtract", "multiply", "divide", "maximum", "minimum"))
        if name == "divide" and y.low < 0.1 and y.high > -0.1:
            return False
        f = getattr(ops, name).reference
        with np.errstate(all="ignore"):
            corners = [float(f(np.float64(a), np.float64(b))) for a in (x.low, x.high) for b in (y.low, y.high)]
        return self.add(getattr(ops, name)(x.value, y.value), min(corners), max(corners))

    def selection(self) -> bool:
        a, b = (self.recent(lambda e: e.fed) for _ in range(2))
        x, y = self.recent(), self.recent()
        condition = self.pick((ops.less, ops.greater_equal))(a.value, b.value) if _broadcast(a.value, b.value) else None
        if condition is None or not _broadcast(condition, x.value, y.value):
            return False
        return self.add(ops.where(condition, x.value, y.value), min(x.low, y.low), max(x.high, y.high))

    def rounding(self) -> bool:
        x = self.recent(lambda e: e.fed)
        return self.add(
            self.pick((ops.floor, ops.ceil, ops.sign))(x.value), math.floor(x.low) - 1, math.ceil(x.high) + 1
        )

    def reduction(self) -> bool:
        x = self.recent(lambda e: e.value.ndim > 0)
        if x is None:
            return False
        axes = tuple(a for a in range(x.value.ndim) if self.random.random() < 0.6) or (x.value.ndim - 1,)
        name = self.pick(("sum", "sum", "mean", "max", "min", "logsumexp", "var", "softmax", "log_softmax"))
        count = evaluate(math.prod(x.value.shape[a] for a in axes), {"batch": BATCH_SIZE})
        spread = x.high - x.low
        low, high = {
            "sum": (min(count * x.low, x.low), max(count * x.high, x.high)),
            "logsumexp": (x.low, x.high + math.log(count)),
            "var": (0.0, spread * spread),
            "softmax": (0.0, 1.0),
            "log_softmax": (-spread - math.log(count), 0.0),
        }.get(name, (x.low, x.high))
        if name in ("softmax", "log_softmax"):
            return self.add(getattr(ops, name)(x.value, axis=axes), low, high)
        keepdims = self.random.random() < 0.5
        return self.add(getattr(ops, name)(x.value, axis=axes, keepdims=keepdims), low, high)

    def view(self) -> bool:
        x = self.recent()
        value = self.pick(_VIEWS)(self, x.value)
        return value is not None and self.add(value, min(x.low, 0.0), max(x.high, 0.0), x.fed)

    def concat(self) -> bool:
        x = self.recent(lambda e: e.value.ndim > 0)
        if x is None:
            return False
        y = self.recent(lambda e: e.value.shape == x.value.shape)
        axis = self.random.randrange(x.value.ndim)
        return self.add(ops.concat([x.value, y.value], axis=axis), min(x.low, y.low), max(x.high, y.high))

    def gather(self) -> bool:
        x = self.recent(lambda e: any(isinstance(n, int) and n >= 2 for n in e.value.shape))
        if x is None:
            return False
        axis = self.pick([a for a, n in enumerate(x.value.shape) if isinstance(n, int) and n >= 2])
        return self.add(ops.take(x.value, self.pick(self.indices), axis=axis), x.low, x.high, x.fed)

    def contraction(self) -> bool:
        x, y = self.recent(lambda e: e.value.ndim >= 1), self.recent(lambda e: e.value.ndim >= 1)
        if x is None or y is None:
            return False
        pairs = [(i, j) for i, n in enumerate(x.value.shape) for j, m in enumerate(y.value.shape) if n == m]
        if not pairs:
            return False
        i, j = self.pick(pairs)
        bound = max(-x.low, x.high) * max(-y.low, y.high) * evaluate(x.value.shape[i], {"batch": BATCH_SIZE})
        return self.add(ops.tensordot(x.value, y.value, axes=([i], [j])), -bound, bound)

    def formula(self) -> bool:
        """What the stabilising rules look for."""
        x = self.recent(lambda e: e.value.ndim > 0 and max(-e.low, e.high) < 5)
        if x is None:
            return False
        value = self.pick(_FORMULAS)(x.value)
        return self.add(value, -LARGEST / 2, LARGEST / 2)

    def squash(self) -> bool:
        x = self.recent()
        return self.add(ops.tanh(x.value), -1.0, 1.0)

    # the whole -----------------------------------------------------------------------------------
    def feed_inputs(self) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(self.random.randrange(2**32))
        feed: dict[str, np.ndarray] = {}
        for name in ("x", "y", "z"):
            shape = tuple(self.pick(SIZES) for _ in range(self.random.randrange(4)))
            feed[name] = rng.uniform(-2, 2, tuple(evaluate(n, {"batch": BATCH_SIZE}) for n in shape)).astype(self.dtype)
            self.add(ops.input(name, shape, self.dtype), -2.0, 2.0, fed=True)
        feed["i"] = rng.integers(-2, 2, 4)
        feed["n"] = np.zeros(BATCH_SIZE, self.dtype)
        self.indices.append(ops.input("i", (4,), "int64"))
        self.add(ops.input("n", (BATCH,), self.dtype), 0.0, 0.0, fed=True)  # gives the batch size in any case
        return feed


def _image(reference: Callable[..., Any], low: float, high: float) -> tuple[float, float]:
    with np.errstate(all="ignore"):
        points = np.asarray(reference(np.linspace(low, high, 65)))
    margin = 0.01 + 0.05 * float(points.max() - points.min()) if len(points) else 0.0
    tight = points.min() > 0  # keep positive what is positive
    return (float(points.min()) * 0.9 if tight else float(points.min()) - margin), float(points.max()) + margin


def _broadcast(*values: Value) -> bool:
    try:
        ops.broadcasting.broadcast_shapes(*(v.shape for v in values))
    except ValueError:
        return False
    return True


def _permute(b: _Builder, x: Value) -> Value:
    order = list(range(x.ndim))
    b.random.shuffle(order)
    return ops.permute_dims(x, tuple(order))


def _reshape(b: _Builder, x: Value) -> Value | None:
    if x.ndim < 2:
        return ops.expand_dims(x, axis=b.random.randrange(x.ndim + 1))
    a = b.random.randrange(x.ndim - 1)
    return ops.reshape(x, (*x.shape[:a], x.shape[a] * x.shape[a + 1], *x.shape[a + 2 :]))


def _broadcast_to(b: _Builder, x: Value) -> Value | None:
    shape = tuple(b.pick(SIZES) if n == 1 else n for n in x.shape)
    return ops.broadcast_to(x, (b.pick(SIZES), *shape) if b.random.random() < 0.5 and x.ndim < 4 else shape)


def _slice(b: _Builder, x: Value) -> Value | None:
    key = tuple(b.pick((slice(None), slice(None, None, -1), slice(1, None), slice(None, None, 2))) for _ in x.shape)
    fixed = all(isinstance(n, int) for n in x.shape)
    y = x[key] if fixed else ops.flip(x)
    return y if all(n != 0 for n in y.shape) else None


_VIEWS: tuple[Callable[[_Builder, Value], Value | None], ...] = (
    _permute,
    _reshape,
    _broadcast_to,
    _slice,
    lambda b, x: ops.pad(x, (1, 2)) if x.ndim else None,
    lambda b, x: ops.squeeze(x, tuple(a for a, n in enumerate(x.shape) if n == 1)),
)
_UNARY = (
    ("exp", -20.0, 5.0), ("expm1", -20.0, 5.0), ("log", 0.05, LARGEST), ("log1p", -0.9, LARGEST),
    ("sqrt", 0.01, LARGEST), ("rsqrt", 0.05, LARGEST), ("square", -30.0, 30.0), ("abs", -LARGEST, LARGEST),
    ("negative", -LARGEST, LARGEST), ("sin", -20.0, 20.0), ("cos", -20.0, 20.0), ("tanh", -LARGEST, LARGEST),
    ("sigmoid", -20.0, 20.0), ("softplus", -20.0, LARGEST), ("relu", -LARGEST, LARGEST), ("erf", -5.0, 5.0),
    ("reciprocal", 0.1, LARGEST),
)  # fmt: skip
_FORMULAS: tuple[Callable[[Value], Value], ...] = (
    lambda x: ops.exp(x) / ops.sum(ops.exp(x), axis=-1, keepdims=True),
    lambda x: ops.log(ops.softmax(x, axis=0)),
    lambda x: ops.log(ops.sum(ops.exp(x), axis=-1)),
    lambda x: ops.log(ops.sum(ops.exp(x), axis=0, keepdims=True)),
    lambda x: x - ops.logsumexp(x, axis=-1, keepdims=True),
    lambda x: ops.log(1 + ops.exp(x)),
    lambda x: 1 / (1 + ops.exp(-x)),
    lambda x: ops.log(ops.sigmoid(x)),
    lambda x: (x - ops.mean(x, axis=-1, keepdims=True)) / ops.sqrt(ops.var(x, axis=-1, keepdims=True) + 0.1),
    lambda x: (ops.var(x, axis=-1) + 0.1) ** -0.5,
    lambda x: x**2 + x**3,
    lambda x: ops.clip(x, -1, 1) * 2.0 * 3.0,
)
_STEPS = (
    [_Builder.unary] * 5 + [_Builder.binary] * 6 + [_Builder.view] * 4 + [_Builder.reduction] * 3
    + [_Builder.selection, _Builder.rounding, _Builder.concat, _Builder.gather, _Builder.formula, _Builder.squash]
    + [_Builder.contraction] * 2
)  # fmt: skip


def random_graph(random: Random, *, dtype: str = "float64", steps: int = 12, gradients: bool = True) -> RandomGraph:
    """A graph over inputs x, y, z, n (floats) and i (indices), with up to `steps` random steps and its arrays.

    The last values are its outputs; with `gradients`, so are the gradients of a bounded loss made of them.
    Takes a `random.Random`, or what hypothesis's `randoms()` draws, which then shrinks.
    """
    builder = _Builder(random, dtype)
    feed = builder.feed_inputs()
    for _ in range(steps):
        step = builder.pick(_STEPS)
        step(builder)
    last = [e.value for e in builder.entries[-3:]]
    outputs = [(f"out{n}", v) for n, v in enumerate(last)]
    if gradients:
        loss = sum((ops.mean(ops.tanh(v)) for v in last[1:]), ops.mean(ops.tanh(last[0])))
        sources = [e.value for e in builder.entries[:3]]
        outputs += [(f"grad_{name}", g) for name, g in zip("xyz", grad(loss, sources), strict=True)]
    inputs = (*(e.value for e in builder.entries[:4]), *builder.indices)
    return RandomGraph(Graph("random", inputs, tuple(outputs)), feed)
