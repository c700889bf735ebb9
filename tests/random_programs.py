"""Random programs over integers and bools, with variables, symbolic sizes and data-dependent indices: every
operation is exact, so that each stage must give the oracle's very bits.

They stand apart from `random_graphs`, whose floats can be differentiated but must be compared with a tolerance:
here comparisons, argmax and indices may depend on anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

import graphc as gc
from graphc.dims import Size, evaluate, product
from graphc.ir.value import Value

B, N = gc.dim("b"), gc.dim("n")
DTYPES = ("int64", "int64", "int32", "int8", "uint8", "uint32", "uint64", "bool")
SIZES = (1, 2, 3, B, N, 2 * B + 1, B + N)
LARGEST = 2000  # elements of a value
_ARITHMETIC = ("add", "subtract", "multiply", "maximum", "minimum", "floor_divide", "remainder")
_BITWISE = ("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift")
_LOGICAL = ("logical_and", "logical_or", "logical_xor")
_COMPARISONS = ("less", "less_equal", "equal", "not_equal")


@dataclass
class RandomProgram:
    """Arguments of `gc.compile`, and what to call it with."""

    inputs: list[Value]
    outputs: list[Value]
    updates: dict[gc.Variable, Value]
    arrays: list[np.ndarray]
    sizes: dict[str, int]


class _Builder:
    def __init__(self, random: Random):
        self.random = random
        self.rng = np.random.default_rng(random.randrange(2**32))
        self.sizes = {"b": random.choice((0, 1, 2, 5, 17)), "n": random.choice((0, 1, 2, 4))}
        self.inputs = [gc.input("b", (B,), "int64"), gc.input("n", (N,), "int64")]
        self.inputs += [gc.input(name, self.shape(), random.choice(DTYPES)) for name in ("x", "y", "z", "w")]
        self.arrays = [self.array(v.shape, v.dtype.name) for v in self.inputs]
        shapes = [tuple(random.choice((1, 2, 3)) for _ in range(random.randrange(3))) for _ in range(3)]
        self.variables = [gc.variable(self.array(s, random.choice(DTYPES)), name=f"v{i}") for i, s in enumerate(shapes)]
        self.pool: list[Value] = [*self.inputs, *self.variables]

    def count(self, shape: tuple[Size, ...]) -> int:
        return evaluate(product(shape), self.sizes)

    def shape(self) -> tuple[Size, ...]:
        shape = [self.random.choice(SIZES) for _ in range(self.random.randrange(6))]
        while self.count(tuple(shape)) > LARGEST // 4:
            shape.pop()
        return tuple(shape)

    def array(self, shape: tuple[Size, ...], dtype: str) -> np.ndarray:
        actual = tuple(evaluate(n, self.sizes) for n in shape)
        if dtype == "bool":
            return self.rng.integers(0, 2, actual).astype(bool)
        limits = np.iinfo(dtype)
        wide = self.random.random() < 0.3
        low, high = (limits.min, limits.max) if wide else (max(limits.min, -4), 5)
        return np.asarray(self.rng.integers(low, high, actual, dtype=dtype, endpoint=True))

    def pick(self, suits: Callable[[Value], bool] = lambda value: True) -> Value:
        """A value that suits, most often one of the last; raises `IndexError` if there is none."""
        suitable = [v for v in self.pool if suits(v)]
        return self.random.choice(suitable[-5:] if self.random.random() < 0.6 else suitable)

    # steps: each returns a value, or raises IndexError or GraphError where its choice does not fit ------------
    def binary(self) -> Value:
        x = self.pick()
        y: Any = self.pick(lambda v: v.dtype is x.dtype)
        if x.dtype.kind == "bool":
            return getattr(gc, self.random.choice(_LOGICAL))(x, y)
        if self.random.random() < 0.2:
            y = self.random.randrange(4)
        return getattr(gc, self.random.choice(_ARITHMETIC * 2 + _BITWISE))(x, y)

    def comparison(self) -> Value:
        x = self.pick()
        return getattr(gc, self.random.choice(_COMPARISONS))(x, self.pick(lambda v: v.dtype is x.dtype))

    def selection(self) -> Value:
        x = self.pick()
        return gc.where(self.pick(lambda v: v.dtype.kind == "bool"), x, self.pick(lambda v: v.dtype is x.dtype))

    def cast(self) -> Value:
        return gc.astype(self.pick(), self.random.choice(DTYPES))

    def reduction(self) -> Value:
        x = self.pick(lambda v: v.ndim > 0)
        axes = tuple(a for a in range(x.ndim) if self.random.random() < 0.5) or (x.ndim - 1,)
        keepdims = self.random.random() < 0.4
        if x.dtype.kind == "bool":
            return self.random.choice((gc.any, gc.all))(x, axis=axes, keepdims=keepdims)
        if self.random.random() < 0.5 or not self.count(tuple(x.shape[a] for a in axes)):
            return self.random.choice((gc.sum, gc.prod))(x, axis=axes, keepdims=keepdims)
        if self.random.random() < 0.3:
            return self.random.choice((gc.argmax, gc.argmin))(x, axis=axes[0])
        return self.random.choice((gc.max, gc.min))(x, axis=axes, keepdims=keepdims)

    def view(self) -> Value:
        x = self.pick(lambda v: v.ndim > 0)
        axis = self.random.randrange(x.ndim)
        order = self.random.sample(range(x.ndim), x.ndim)
        steps = (slice(None), slice(None, None, -1), slice(1, None), slice(None, None, 2), slice(None, -1), None)
        wider = tuple(self.random.choice(SIZES) if n == 1 else n for n in x.shape)
        return self.random.choice(
            (
                lambda: gc.permute_dims(x, tuple(order)),
                lambda: x[tuple(self.random.choice(steps) for _ in x.shape)],
                lambda: gc.expand_dims(x, axis=axis),
                lambda: gc.reshape(x, tuple(x.shape[a] for a in order)),
                lambda: gc.reshape(x, (-1,)),
                lambda: gc.broadcast_to(x, (self.random.choice(SIZES), *wider)),
                lambda: gc.pad(x, [(self.random.randrange(3), self.random.randrange(3)) for _ in x.shape]),
            )
        )()

    def concat(self) -> Value:
        x = self.pick(lambda v: v.ndim > 0)
        axis = self.random.randrange(x.ndim)

        def fits(v: Value) -> bool:
            same = v.dtype is x.dtype and v.ndim == x.ndim
            return same and all(a == axis or v.shape[a] == n for a, n in enumerate(x.shape))

        return gc.concat([self.pick(fits), x, self.pick(fits)], axis=axis)

    def gather(self) -> Value:
        x = self.pick(lambda v: any(self.count((n,)) for n in v.shape))
        axis = self.random.choice([a for a, n in enumerate(x.shape) if self.count((n,))])
        i = gc.astype(self.pick(lambda v: v.dtype.is_integer and self.count(v.shape) < 200), "int64")
        return gc.take(x, gc.remainder(i, self.count((x.shape[axis],))), axis=axis)

    def next_value(self, variable: gc.Variable) -> Value:
        """What a variable becomes: something computed, something of itself, or another variable."""
        candidates = [v for v in self.pool if v.type == variable.type]
        value = self.random.choice(candidates)
        if variable.dtype.kind == "bool":
            return ~value
        if self.random.random() < 0.5:
            value = gc.maximum(value, self.random.choice(candidates))
        if variable.ndim and self.random.random() < 0.3:
            value = gc.flip(value) - gc.max(variable)
        return value

    def build(self, steps: int) -> RandomProgram:
        kinds = (
            [self.binary] * 4 + [self.view] * 4 + [self.reduction] * 3 + [self.gather] * 2
            + [self.comparison, self.selection, self.cast, self.concat]
        )  # fmt: skip
        for _ in range(steps):
            try:
                value = self.random.choice(kinds)()
            except (IndexError, gc.GraphError):
                continue
            if value.ndim <= 6 and self.count(value.shape) <= LARGEST:
                self.pool.append(value)
        outputs = [self.pick() for _ in range(self.random.randrange(1, 5))]
        updates = {v: self.next_value(v) for v in self.variables if self.random.random() < 0.8}
        return RandomProgram(self.inputs, outputs, updates, self.arrays, self.sizes)


def random_program(random: Random, steps: int = 30) -> RandomProgram:
    """A program made of up to `steps` steps, and arrays for a call."""
    return _Builder(random).build(steps)
