"""Whole programs that the tests of every stage share: a name, a graph, and arrays to run it with.

One description serves fusion tests, differential tests and benchmarks of compile time. Shapes are
irregular on purpose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import graphc as gc
from graphc import nn


@dataclass(frozen=True)
class Case:
    """Arguments of `gc.compile`, and the arrays of a call."""

    inputs: list[Any]
    outputs: dict[str, Any]
    updates: dict[Any, Any]
    arrays: list[np.ndarray]


PROGRAMS: dict[str, Callable[[], Case]] = {}


def program(build: Callable[[np.random.Generator], Case]) -> Callable[[np.random.Generator], Case]:
    """Register a case; it is built anew for each test, since variables hold state."""
    PROGRAMS[build.__name__] = lambda: build(np.random.default_rng(7))
    return build


def normal(rng: np.random.Generator, *shape: int, dtype: str = "float32") -> np.ndarray:
    return rng.normal(size=shape).astype(dtype)


def weights(rng: np.random.Generator, *shape: int, name: str) -> Any:
    return gc.variable(normal(rng, *shape) * np.float32(0.3), name=name)


@program
def elementwise_chain(rng):  # type: ignore[no-untyped-def]
    n = gc.dim("n")
    x = gc.input("x", (n,))
    return Case([x], {"y": gc.tanh(x) * gc.exp(-x)}, {}, [normal(rng, 1823)])


@program
def broadcast_chain(rng):  # type: ignore[no-untyped-def]
    b = gc.dim("batch")
    x, bias, scale = gc.input("x", (b, 33)), gc.input("bias", (33,)), gc.input("scale", (b, 1))
    y = gc.where(x > 0, x * scale + bias, gc.exp(x) - 1)
    arrays = [normal(rng, 17, 33), normal(rng, 33), normal(rng, 17, 1)]
    return Case([x, bias, scale], {"y": y, "positive": x > 0}, {}, arrays)


@program
def softmax_both_ways(rng):  # type: ignore[no-untyped-def]
    b = gc.dim("batch")
    x, w = gc.input("x", (b, 33)), gc.input("w", (b, 33))
    y = gc.softmax(x)
    return Case([x, w], {"y": y, "gx": gc.grad(gc.sum(y * w), x)}, {}, [normal(rng, 7, 33), normal(rng, 7, 33)])


@program
def layer_norm_both_ways(rng):  # type: ignore[no-untyped-def]
    b = gc.dim("batch")
    x, w = gc.input("x", (b, 33)), gc.input("w", (b, 33))
    gain, shift = weights(rng, 33, name="gain"), weights(rng, 33, name="shift")
    mean = gc.mean(x, axis=-1, keepdims=True)
    variance = gc.mean((x - mean) ** 2, axis=-1, keepdims=True)
    y = (x - mean) * gc.rsqrt(variance + 1e-5) * gain + shift
    gx, gg, gs = gc.grad(gc.sum(y * w), [x, gain, shift])
    arrays = [normal(rng, 7, 33), normal(rng, 7, 33)]
    return Case([x, w], {"y": y, "gx": gx}, {gain: gain - 0.1 * gg, shift: shift - 0.1 * gs}, arrays)


@program
def cross_entropy_both_ways(rng):  # type: ignore[no-untyped-def]
    b = gc.dim("batch")
    x, t = gc.input("x", (b, 10)), gc.input("t", (b,), "int64")
    loss = nn.losses.cross_entropy(x, t)
    return Case([x, t], {"loss": loss, "gx": gc.grad(loss, x)}, {}, [normal(rng, 23, 10), rng.integers(0, 10, 23)])


@program
def mlp_step(rng):  # type: ignore[no-untyped-def]
    b = gc.dim("batch")
    x, t = gc.input("x", (b, 20)), gc.input("t", (b,), "int64")
    w1, b1 = weights(rng, 20, 17, name="w1"), weights(rng, 17, name="b1")
    w2, b2 = weights(rng, 17, 10, name="w2"), weights(rng, 10, name="b2")
    hidden = gc.relu(x @ w1 + b1)
    loss = nn.losses.cross_entropy(hidden @ w2 + b2, t)
    parameters = [w1, b1, w2, b2]
    updates: dict[Any, Any] = {}
    step = gc.variable(np.float32(0), name="step")
    updates[step] = step + 1
    for p, g in zip(parameters, gc.grad(loss, parameters), strict=True):
        m, v = gc.variable(np.zeros_like(p.value), name="m"), gc.variable(np.zeros_like(p.value), name="v")
        updates[m] = 0.9 * m + 0.1 * g
        updates[v] = 0.999 * v + 0.001 * g * g
        rate = 0.01 * gc.sqrt(1 - 0.999 ** updates[step]) / (1 - 0.9 ** updates[step])
        updates[p] = p - rate * updates[m] / (gc.sqrt(updates[v]) + 1e-8)
    return Case(
        [x, t], {"loss": loss, "hidden": hidden, "old": b1}, updates, [normal(rng, 13, 20), rng.integers(0, 10, 13)]
    )


@program
def batched_matmul(rng):  # type: ignore[no-untyped-def]
    b = gc.dim("batch")
    x, y, w = gc.input("x", (b, 4, 6)), gc.input("y", (b, 6, 5)), gc.input("w", (6, 5))
    z, v = gc.relu(x @ y + 1), gc.tanh(x @ w)
    outputs = {"z": z, "v": v, "e": gc.einsum("bij,bjk->ki", x, y), "gx": gc.grad(gc.sum(z * v), x)}
    return Case([x, y, w], outputs, {}, [normal(rng, 3, 4, 6), normal(rng, 3, 6, 5), normal(rng, 6, 5)])


@program
def views_and_gathers(rng):  # type: ignore[no-untyped-def]
    b = gc.dim("batch")
    x, i = gc.input("x", (b, 6)), gc.input("i", (4,), "int64")
    joined = gc.concat([x, x[:, ::-2]], axis=1)
    taken = gc.take(x, i, axis=1)
    loss = gc.sum(taken * taken) + gc.sum(joined * joined * joined)
    outputs = {
        "joined": joined,
        "taken": taken,
        "transposed": gc.exp(gc.permute_dims(x, (1, 0))),
        "flat": gc.reshape(x + 1, (-1,)),
        "gx": gc.grad(loss, x),
        "argmax": gc.argmax(x, axis=1),
        "prod": gc.prod(x, axis=0),
        "same": x,
        "filled": gc.full((2, 3), 1.5),
        "any": gc.any(x > 1),
        "padded": gc.pad(x, ((1, 2), (0, 3))),
    }
    return Case([x, i], outputs, {}, [normal(rng, 7, 6), np.array([0, 5, -1, 2])])


@program
def swapped_variables(rng):  # type: ignore[no-untyped-def]
    a, c = weights(rng, 5, name="a"), weights(rng, 5, name="c")
    d = weights(rng, 5, 5, name="d")
    return Case([], {"old": a, "sum": a + c}, {a: c, c: a, d: d.T + 1}, [])


@program
def embedding_step(rng):  # type: ignore[no-untyped-def]
    n = gc.dim("n")
    i = gc.input("i", (n,), "int64")
    table = weights(rng, 11, 6, name="table")
    loss = gc.mean(gc.square(gc.take(table, i, axis=0)))
    return Case([i], {"loss": loss}, {table: table - 0.1 * gc.grad(loss, table)}, [rng.integers(0, 11, 19)])


@program
def reductions_of_all_kinds(rng):  # type: ignore[no-untyped-def]
    x = gc.input("x", (5, 3, 37))
    outputs = {
        "total": gc.sum(x),
        "largest": gc.max(x),
        "rows": gc.sum(x, axis=2),
        "columns": gc.sum(x, axis=0),
        "middle": gc.max(x, axis=1),
        "norm": x / gc.sqrt(gc.sum(x * x)),
        "var": gc.var(x, axis=(0, 2)),
        "lse": gc.logsumexp(x, axis=-1),
        "argmin": gc.argmin(x, axis=0),
        "count": gc.sum(gc.astype(x > 0, "int64")),
    }
    return Case([x], outputs, {}, [normal(rng, 5, 3, 37)])


@program
def logistic_hessian_product(rng):  # type: ignore[no-untyped-def]
    n = gc.dim("n")
    x, t = gc.input("x", (n, 9)), gc.input("t", (n,))
    w, v = gc.input("w", (9,)), gc.input("v", (9,))
    loss = gc.mean(gc.softplus(x @ w) - t * (x @ w))
    g = gc.grad(loss, w)
    arrays = [normal(rng, 31, 9), rng.integers(0, 2, 31).astype("float32"), normal(rng, 9), normal(rng, 9)]
    return Case([x, t, w, v], {"g": g, "hv": gc.grad(gc.sum(g * v), w)}, {}, arrays)


@program
def dropout_step(rng):  # type: ignore[no-untyped-def]
    b, g = gc.dim("batch"), gc.random.Generator(5)
    x = gc.input("x", (b, 20))
    w, v = weights(rng, 20, 17, name="w"), weights(rng, 17, 3, name="v")
    hidden = nn.dropout(gc.relu(x @ w), 0.4, g)
    loss = gc.mean(gc.square(nn.dropout(hidden @ v, 0.1, g) + g.uniform((b, 3))))
    gw, gv = gc.grad(loss, [w, v])
    updates = {w: w - 0.1 * gw, v: v - 0.1 * gv}
    return Case([x], {"loss": loss, "hidden": hidden}, updates, [normal(rng, 13, 20)])
