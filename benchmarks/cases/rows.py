"""Softmax and layer norm over rows of 1024, forward and backward: one kernel per direction when fused."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.case import Arrays, Case, Ops

N = 1024


def softmax(ops: Ops, x: Any) -> Any:
    return ops.softmax(x)


def layer_norm(ops: Ops, x: Any, scale: Any, shift: Any) -> Any:
    return ops.layer_norm(x, scale, shift)


def _matrices() -> list[np.ndarray]:
    """x and the cotangent of y, f32[N, N]."""
    generator = np.random.default_rng(1)
    return [generator.normal(size=(N, N)).astype("float32") for _ in range(2)]


def _softmax_reference(x: np.ndarray, g: np.ndarray) -> list[np.ndarray]:
    y = np.exp(x - x.max(-1, keepdims=True))
    y /= y.sum(-1, keepdims=True)
    return [y, y * (g - (g * y).sum(-1, keepdims=True))]


def _layer_norm_arguments() -> Arrays:
    x, g = _matrices()
    generator = np.random.default_rng(2)
    return [x, *(generator.normal(size=N).astype("float32") for _ in range(2)), g]


def _layer_norm_reference(x: np.ndarray, scale: np.ndarray, shift: np.ndarray, g: np.ndarray) -> list[np.ndarray]:
    deviation = np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    normal = (x - x.mean(-1, keepdims=True)) / deviation
    h = g * scale
    dx = (h - h.mean(-1, keepdims=True) - normal * (h * normal).mean(-1, keepdims=True)) / deviation
    return [normal * scale + shift, dx, (g * normal).sum(0), g.sum(0)]


CASES = (
    Case(
        "softmax forward+backward, 1024×1024",
        arguments=_matrices,
        build=lambda peer, arrays: peer.forward_backward(softmax, arrays[:1], arrays[1]),
        reference=_softmax_reference,
        bytes=4 * 4 * N * N,  # read x, g; write y, dx
    ),
    Case(
        "layer norm forward+backward, 1024×1024",
        arguments=_layer_norm_arguments,
        build=lambda peer, arrays: peer.forward_backward(layer_norm, arrays[:3], arrays[3]),
        reference=_layer_norm_reference,
        bytes=4 * (4 * N * N + 4 * N),
        tolerance=1e-4,  # column sums of 1024 float32 numbers
    ),
)
