"""Measures the expansions: `python -m graphc.kernel_ir.measure [--all] [function …]` prints their table.

It stands apart from the tests, which run it on few samples: here they are every 64th float32 (with
`--all`, every one) and many float64, so it takes minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import numpy as np

from graphc import dtypes
from graphc.dtypes import DType
from graphc.kernel_ir.evaluate import evaluate
from graphc.kernel_ir.expansion import EXPANSIONS, MAX_ULP
from graphc.kernel_ir.expr import TRANSCENDENTAL, Expr, var, walk

_CHUNK = 1 << 18
_LIMITED = {"sin": 2.0**45, "cos": 2.0**45}  # the valid range, where it is not everything


def reference_erf(x: np.ndarray) -> np.ndarray:
    """erf in extended precision, by erf x = 2x/sqrt(π) exp(-x²) Σ (2x²)^n / (1·3·…·(2n+1)), all terms positive."""
    x = x.astype(np.longdouble)
    inside = np.clip(x, -7, 7)
    square = inside * inside
    term = np.ones_like(x)
    total = np.ones_like(x)
    for n in range(1, 260):
        term = term * (2 * square) / (2 * n + 1)
        total = total + term
    root = np.sqrt(np.longdouble(4) * np.arctan(np.longdouble(1)))
    return 2 * inside / root * np.exp(-square) * total


REFERENCES: dict[str, Callable[..., np.ndarray]] = {
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "sin": np.sin, "cos": np.cos,
    "tanh": np.tanh, "erf": reference_erf, "pow": np.power,
}  # fmt: skip


def operands(name: str, dtype: DType) -> tuple[Expr, ...]:
    """Variables for the operands of a function."""
    return tuple(var("xy"[i], dtype) for i in range(TRANSCENDENTAL[name]))


def expanded(name: str, dtype: DType) -> Expr:
    """The expansion of a function of `x` (and `y`)."""
    return EXPANSIONS[name](*operands(name, dtype))


def call(name: str, *arrays: np.ndarray) -> np.ndarray:
    """The expansion's values, computed by the reference evaluator."""
    dtype = dtypes.as_dtype(arrays[0].dtype)
    return evaluate(expanded(name, dtype), dict(zip("xy", arrays, strict=False)))


def ulp_error(name: str, got: np.ndarray, *arrays: np.ndarray) -> np.ndarray:
    """|got - exact| in units in the last place of the exact result; infinite where only one is NaN or infinite.

    The reference is float64 for float32 arguments and the C library's extended precision for float64.
    """
    dtype = got.dtype
    wide = np.float64 if dtype == np.float32 and name != "erf" else np.longdouble
    with np.errstate(all="ignore"):
        exact = REFERENCES[name](*(a.astype(wide) for a in arrays))
        info = np.finfo(dtype)
        exponent = np.minimum(np.frexp(np.where(np.isfinite(exact) & (exact != 0), exact, 1))[1], info.maxexp)
        unit = np.ldexp(wide(1), np.maximum(exponent - info.nmant - 1, info.minexp - info.nmant))
        # an infinity counts as the first number that is too large, on both sides
        limit = wide(2) ** info.maxexp
        error = np.abs(np.clip(got.astype(wide), -limit, limit) - np.clip(exact, -limit, limit)) / unit
    both_nan = np.isnan(got) & np.isnan(exact)
    return np.where(both_nan, 0.0, np.where(np.isnan(error), np.inf, error)).astype(np.float64)


def samples(name: str, dtype: DType, stride: int, count: int, seed: int = 0) -> Iterator[tuple[np.ndarray, ...]]:
    """Chunks of arguments: float32 functions of one operand get every `stride`-th bit pattern, the others
    `count` random bit patterns and as many from the range where the result is neither 0, 1 nor infinite."""
    rng = np.random.default_rng(seed)
    arity = TRANSCENDENTAL[name]
    if dtype is dtypes.float32 and arity == 1:
        for start in range(0, 1 << 32, stride * _CHUNK):
            patterns = np.arange(start + start // stride % stride, min(start + stride * _CHUNK, 1 << 32), stride)
            yield (patterns.astype(np.uint32).view(np.float32),)
        return
    unsigned = np.uint32 if dtype is dtypes.float32 else np.uint64
    largest = np.iinfo(unsigned).max
    spread = {"exp": 745, "expm1": 745, "tanh": 20, "erf": 6}.get(name, 1)
    for _ in range(max(1, count // _CHUNK)):
        size = min(count, _CHUNK)
        yield tuple(rng.integers(0, largest, size, unsigned, endpoint=True).view(dtype.numpy) for _ in range(arity))
        if arity == 2:
            x = np.exp(rng.uniform(-5, 5, size) * rng.choice([1, 0.01, 1e-4], size))
            yield x.astype(dtype.numpy), (rng.uniform(-1000, 1000, size) / np.log(x + 1e-9)).astype(dtype.numpy)
            yield x.astype(dtype.numpy), rng.uniform(-10, 10, size).astype(dtype.numpy)
        elif name in ("log", "log1p"):
            near = rng.uniform(0.5, 2.5, size)
            yield ((near if name == "log" else near - 1).astype(dtype.numpy),)
        elif name in _LIMITED:
            yield (np.exp2(rng.uniform(-20, np.log2(_LIMITED[name]), size)).astype(dtype.numpy),)
            yield (rng.uniform(-100, 100, size).astype(dtype.numpy),)
        else:
            yield (rng.uniform(-spread, spread, size).astype(dtype.numpy),)
            yield (rng.uniform(-2, 2, size).astype(dtype.numpy),)


def largest_error(name: str, dtype: DType, stride: int = 64, count: int = 1 << 21) -> tuple[float, tuple[float, ...]]:
    """The largest ULP error over the samples and the arguments that gave it."""
    expression = expanded(name, dtype)
    worst, where = -1.0, tuple[float, ...]()
    for arrays in samples(name, dtype, stride, count):
        got = evaluate(expression, dict(zip("xy", arrays, strict=False)))
        error = ulp_error(name, got, *arrays)
        if name in _LIMITED:
            error = np.where(np.abs(arrays[0]) <= _LIMITED[name], error, 0.0)
        i = int(np.argmax(error))
        if error[i] > worst:
            worst, where = float(error[i]), tuple(float(a[i]) for a in arrays)
    return worst, where


def main() -> None:
    """Print function, dtype, operations, published and measured bound, and where it was reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("functions", nargs="*", help="which functions; all by default")
    parser.add_argument("--all", action="store_true", help="every float32 instead of every 64th")
    parser.add_argument("--stride", type=int, default=64, help="every how many float32")
    arguments = parser.parse_args()
    print(f"{'function':8} {'dtype':8} {'operations':>10} {'bound':>6} {'measured':>9}  at")
    for name in arguments.functions or EXPANSIONS:
        for dtype in dtypes.FLOATING:
            count = sum(n.op not in ("const", "var") for n in walk(expanded(name, dtype)))
            worst, where = largest_error(name, dtype, 1 if arguments.all else arguments.stride)
            place = ", ".join(f"{w:.9g}" for w in where)
            print(f"{name:8} {dtype.name:8} {count:10} {MAX_ULP[name][dtype.name]:6} {worst:9.3f}  {place}", flush=True)


if __name__ == "__main__":
    main()
