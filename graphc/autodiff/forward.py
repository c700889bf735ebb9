"""Forward mode and what is built on both modes: jvp, Hessian-vector products, whole Jacobians and Hessians.

It stands apart from `reverse.py` because nothing here asks an op for anything: all of it is composition of
`pull_back`. Forward mode is reverse mode twice: vjp is linear in its cotangent u, so its own vjp, at any u,
is the product with the Jacobian (Townsend, "A new trick for calculating Jacobian vector products", 2017).
"""

from __future__ import annotations

import numpy as np

from graphc import ops
from graphc.autodiff.reverse import Values, as_sources, as_values, grad, like_wrt, pull_back, require_matching
from graphc.ir.value import Value
from graphc.ops.definition import refuse
from graphc.origin import inherit


def jvp(outputs: Values, wrt: Values, tangents: Values) -> Value | list[Value]:
    """∂output/∂wrt · tangent for each output, summed over `wrt`; one tangent per value of `wrt`, of its type.

    The result is a value or a list, as `outputs` is. Raises `GraphError` as `vjp` does.
    """
    values, sources = as_values("jvp", outputs, "output"), as_sources("jvp", wrt)
    tangents = as_values("jvp", tangents, "tangent")
    require_matching("jvp", "tangent", sources, tangents)
    dummies = []
    for value in values:
        with inherit(value.origin, via="jvp"):
            dummies.append(ops.stop_gradient(ops.zeros_like(value)))  # no literal: those are copied, not referred to
    pulled = pull_back("jvp", values, sources, dummies)
    return like_wrt(outputs, pull_back("jvp", pulled, dummies, tangents))


def hvp(loss: Value, wrt: Values, vector: Values) -> Value | list[Value]:
    """The Hessian of a float scalar times a vector, without the Hessian: the pullback of `grad` along `vector`.

    `vector` is a value or a sequence of values, as `wrt` is, of the same types. Raises `GraphError` as `grad` does.
    """
    sources, vectors = as_sources("hvp", wrt), as_values("hvp", vector, "vector")
    require_matching("hvp", "vector", sources, vectors)
    return like_wrt(wrt, pull_back("hvp", grad(loss, sources), sources, vectors))


def jacobian(output: Value, wrt: Values) -> Value | list[Value]:
    """All derivatives of every element of `output`: shape `output.shape + wrt.shape`, for each value of `wrt`.

    One pullback per element, stacked: for small outputs of a fixed size. Raises `GraphError` for a symbolic size.
    """
    sources = as_sources("jacobian", wrt)
    as_values("jacobian", output, "output")
    return like_wrt(wrt, _stacked_rows("jacobian", output, sources))


def hessian(loss: Value, wrt: Value) -> Value:
    """The second derivatives of a float scalar by one value: shape `wrt.shape + wrt.shape`.

    One pullback per element of `wrt`, as `jacobian`; `hvp` is the way for large ones. Raises `GraphError` as both do.
    """
    (source,) = as_sources("hessian", wrt)
    return _stacked_rows("hessian", grad(loss, source), [source])[0]


def _stacked_rows(function: str, output: Value, wrt: list[Value]) -> list[Value]:
    count = output.size
    if not isinstance(count, int):
        refuse(function, f"expected an output of a fixed size, got {output.type}")
    if count == 0:
        return [ops.zeros(output.shape + value.shape, value.dtype) for value in wrt]
    rows = []
    for k in range(count):
        one_hot = np.zeros(output.shape, output.dtype.name)
        one_hot.reshape(-1)[k] = 1
        rows.append(pull_back(function, [output], wrt, [ops.constant(one_hot)]))
    results = []
    for value, derivatives in zip(wrt, zip(*rows, strict=True), strict=True):
        with inherit(value.origin, via="grad"):
            results.append(ops.reshape(ops.stack(list(derivatives), axis=0), output.shape + value.shape))
    return results
