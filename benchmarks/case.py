"""What a benchmark row is, and what a peer must be able to do with it.

It stands apart because cases know no peer and peers know no case: they meet in these two types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Arrays = Sequence[np.ndarray]
Body = Callable[..., Any]  # body(ops, *tensors): the same lines for every library, through its `Ops`
Call = Callable[[], Any]  # runs once, to the end, on prepared arguments; gives what `Peer.arrays` reads


class Ops(Protocol):
    """A library's own functions under one set of names: each is what its users would write."""

    tanh: Callable
    exp: Callable
    erf: Callable
    relu: Callable
    softplus: Callable  # log(1 + exp(x))
    mean: Callable  # over all elements
    linear: Callable  # (x, W, b) → x @ W + b
    matvec: Callable  # (X, w) → X @ w
    softmax: Callable  # over the last axis
    layer_norm: Callable  # (x, scale, shift), over the last axis, ε = 1e-5
    cross_entropy: Callable  # (logits, integer labels) → mean


class Peer(Protocol):
    """One library in one mode. Building raises whatever the library raises; the row then says so."""

    name: str

    def version(self) -> str: ...

    def forward(self, body: Body, arrays: Arrays) -> Call:
        """body(ops, *arrays)."""

    def forward_backward(self, body: Body, arrays: Arrays, cotangent: np.ndarray) -> Call:
        """[y, gradient of sum(y * cotangent) by each array] for y = body(ops, *arrays)."""

    def gradient(self, body: Body, arrays: Arrays) -> Call:
        """The gradient of the scalar body(ops, *arrays) by the first array."""

    def hessian_product(self, body: Body, arrays: Arrays, direction: np.ndarray) -> Call:
        """The Hessian by the first array, times `direction`."""

    def training_step(self, body: Body, parameters: Arrays, batch: Arrays, optimizer: str, rate: float) -> Call:
        """One step on the loss body(ops, parameters, *batch), which it gives; state lives with the peer.

        `optimizer`: "sgd" or "adam" (β 0.9 and 0.999, ε 1e-8).
        """

    def arrays(self, result: Any) -> list[np.ndarray]:
        """What a call gave, as NumPy arrays."""


@dataclass(frozen=True)
class Case:
    """One row: what is computed, on what, what it must give, and what it costs at least."""

    name: str
    arguments: Callable[[], Arrays]
    build: Callable[[Peer, Arrays], Call]
    reference: Callable[..., list[np.ndarray]]  # of the arguments; NumPy in float64
    bytes: int  # compulsory traffic: every operand read once, every result written once
    flops: int = 0  # of the contractions; elementwise arithmetic is not counted
    tolerance: float = 1e-5  # largest error over the largest magnitude, per result
    calls_to_check: int = 1  # results are compared after so many calls (training moves on)
