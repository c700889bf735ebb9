"""Arguments for any elementwise or reduction op, drawn from its record, and its lowering run on NumPy.

It stands apart because every test over the registry, whatever it checks, needs the same cases.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dtypes import DType
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.evaluate import evaluate
from graphc.kernel_ir.expansion import expand_expr
from graphc.ops import input
from graphc.ops.definition import REGISTRY, NoGradient, Op, Reals

SHAPES = ((), (0,), (1,), (3,), (17,), (3, 0, 2), (5, 7), (2, 1, 3, 1, 2))


def ops_of(family: str) -> list[Op]:
    return [op for op in REGISTRY.values() if op.family == family]


def differentiable(op: Op) -> bool:
    return not isinstance(op.gradient, NoGradient) and any(d.is_float for d in op.dtypes)


def arity(op: Op) -> int:
    return getattr(op, "arity", 1)


def operand_dtypes(op: Op, dtype: DType) -> tuple[DType, ...]:
    if getattr(op, "selects", False):
        return (dtypes.bool_,) + (dtype,) * (arity(op) - 1)
    return (dtype,) * arity(op)


def attributes(op: Op, rank: int) -> Iterator[dict[str, Any]]:
    """The attributes to try the op with, for operands of that rank."""
    if op.name == "astype":
        yield from ({"dtype": d} for d in dtypes.ALL)
    elif op.family == "reduction":
        several = [(a,) for a in range(rank)] + [tuple(range(rank)), tuple(range(0, rank, 2))]
        if op.name in ("argmax", "argmin"):
            yield from ({"axis": a} for a in range(rank))
        elif op.name == "var":
            yield from ({"axes": a, "correction": c} for a in several if a for c in (0.0, 1.0))
        else:
            yield from ({"axes": a} for a in dict.fromkeys(several) if a)
    else:
        yield {}


def draw(rng: np.random.Generator, domain: Reals, dtype: DType, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform in the domain, as far as the dtype holds it."""
    if dtype is dtypes.bool_:
        return rng.integers(0, 2, shape).astype(bool)
    low, high = domain.low, domain.high
    if dtype.is_float:
        return rng.uniform(low, high, shape).astype(dtype.numpy)
    info = np.iinfo(dtype.numpy)
    return rng.integers(max(math.ceil(low), info.min), min(math.floor(high), info.max) + 1, shape).astype(dtype.numpy)


def operands(op: Op, dtype: DType, shape: tuple[int, ...], seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    domains = [op.domain[min(i, len(op.domain) - 1)] for i in range(arity(op))]
    return [draw(rng, d, t, shape) for d, t in zip(domains, operand_dtypes(op, dtype), strict=True)]


def special(domain: Reals, dtype: DType) -> np.ndarray:
    """The values that need care: those of the domain, and the limits of an integer dtype."""
    if dtype is dtypes.bool_:
        return np.array([False, True])
    if dtype.is_float:
        return np.array(domain.also, dtype.numpy)
    info = np.iinfo(dtype.numpy)
    return np.unique(np.array([info.min, info.max, 0, 1, 2, 3, info.max // 2] + [-1, -2] * (info.min < 0), dtype.numpy))


def all_operands(op: Op, dtype: DType) -> list[np.ndarray]:
    """Random elements, then every combination of special ones."""
    drawn = operands(op, dtype, (200,))
    domains = [op.domain[min(i, len(op.domain) - 1)] for i in range(arity(op))]
    edges = [special(d, t) for d, t in zip(domains, operand_dtypes(op, dtype), strict=True)]
    grid = np.meshgrid(*edges, indexing="ij")
    return [np.concatenate([d, g.ravel()]) for d, g in zip(drawn, grid, strict=True)]


def inputs(arrays: list[np.ndarray]) -> list[Any]:
    return [input(f"x{i}", a.shape, a.dtype) for i, a in enumerate(arrays)]


def lowered(op: Op, arrays: list[np.ndarray], **attrs: Any) -> np.ndarray:
    """The op's scalar expression, expanded as for a kernel and evaluated elementwise to the bit."""
    variables = [k.var(f"x{i}", dtypes.as_dtype(a.dtype)) for i, a in enumerate(arrays)]
    root = expand_expr(op.lower(k, *variables, **attrs))
    result = evaluate(root, {f"x{i}": a for i, a in enumerate(arrays)})
    assert result.dtype == root.dtype.numpy
    return np.broadcast_to(result, arrays[0].shape)


def accurately(op: Op, arrays: list[np.ndarray], **attrs: Any) -> np.ndarray:
    """The reference in the next wider format; integers and exact ops need no wider one."""
    with np.errstate(all="ignore"):
        if op.max_ulp and arrays[-1].dtype.kind == "f":
            wide = np.float64 if arrays[-1].dtype == np.float32 else np.longdouble
            arrays = [a if a.dtype == bool else a.astype(wide) for a in arrays]
        return np.asarray(op.reference(*arrays, **attrs))


def ulp_error(got: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """The distance in places of `got`'s dtype from a reference that may be wider; 0 where both are NaN."""
    with np.errstate(all="ignore"):
        rounded = expected.astype(got.dtype)
        same = (got == expected) | (np.isnan(got) & np.isnan(expected)) | (np.isinf(got) & (got == rounded))
        unit = np.spacing(np.maximum(np.abs(rounded), np.finfo(got.dtype).tiny))
        return np.where(same, 0, np.nan_to_num(np.abs(got - expected) / unit, nan=np.inf))
