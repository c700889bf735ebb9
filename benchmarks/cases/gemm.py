"""GEMM with bias and relu: the epilogue is free when fused, two passes over the result when not."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.case import Arrays, Case, Ops


def dense_relu(ops: Ops, x: Any, weight: Any, bias: Any) -> Any:
    return ops.relu(ops.linear(x, weight, bias))


def _case(m: int, k: int, n: int, name: str) -> Case:
    def arguments() -> Arrays:
        generator = np.random.default_rng(3)
        return [generator.normal(size=shape).astype("float32") for shape in ((m, k), (k, n), (n,))]

    return Case(
        name,
        arguments=arguments,
        build=lambda peer, arrays: peer.forward(dense_relu, arrays),
        reference=lambda x, weight, bias: [np.maximum(x @ weight + bias, 0)],
        bytes=4 * (m * k + k * n + n + m * n),
        flops=2 * m * k * n,
    )


CASES = (
    _case(128, 784, 512, "GEMM+bias+relu, 128×784×512"),
    _case(1024, 1024, 1024, "GEMM+bias+relu, 1024³"),
)
