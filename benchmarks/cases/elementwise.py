"""Elementwise chains: one pass over memory when fused, several when not.

2^14 floats stay in the second-level cache, so that arithmetic and call overhead show; 2^22 stream
through memory. The row of 16 floats is nothing but the cost of a call.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.case import Case, Ops

_erf = np.vectorize(math.erf, otypes=[np.float64])


def tanh_exp(ops: Ops, x: Any) -> Any:
    return ops.tanh(x) * ops.exp(-x)


def gelu(ops: Ops, x: Any) -> Any:
    return 0.5 * x * (1 + ops.erf(x * math.sqrt(0.5)))


def add_one(ops: Ops, x: Any) -> Any:
    return x + 1.0


def _case(name: str, body: Any, reference: Any, size: int) -> Case:
    return Case(
        name,
        arguments=lambda: [np.random.default_rng(0).normal(size=size).astype("float32")],
        build=lambda peer, arrays: peer.forward(body, arrays),
        reference=reference,
        bytes=2 * 4 * size,
    )


CASES = (
    _case("call: x + 1, 16 floats", add_one, lambda x: [x + 1], 16),
    *(
        _case(f"{name}, 2^{power} floats", body, reference, 2**power)
        for power in (14, 22)
        for name, body, reference in (
            ("tanh(x)·exp(-x)", tanh_exp, lambda x: [np.tanh(x) * np.exp(-x)]),
            ("gelu", gelu, lambda x: [0.5 * x * (1 + _erf(x * math.sqrt(0.5)))]),
        )
    ),
)
