"""Optimisers against plain NumPy loops of Keras's formulas for 20 steps, in float64 and float32; options; state."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import graphc as gc
from graphc import nn
from graphc.nn import optimizers
from graphc.nn.parameter import parameter

RNG = np.random.default_rng(0)
W = [RNG.normal(size=(4, 3)), RNG.normal(size=3)]
GRADIENTS = [[RNG.normal(size=w.shape) * (1 + step % 3) for w in W] for step in range(20)]


class Loop:
    """One weight and its slots in NumPy; `rules` below are Keras's update_step, term by term."""

    def __init__(self, w: np.ndarray, accumulator: float = 0.1):
        self.w, self.t = w.copy(), 0
        self.m, self.v, self.h, self.a = (np.zeros_like(w) for _ in range(4))
        self.accumulator = np.full_like(w, accumulator)


def sgd(s: Loop, g: np.ndarray, lr: float = 0.01, momentum: float = 0.0, nesterov: bool = False) -> None:
    s.m = s.m * momentum - g * lr
    s.w = s.w + (s.m * momentum - g * lr if nesterov else s.m)


def adam(s: Loop, g: np.ndarray, lr: float = 0.001, b1: float = 0.9, b2: float = 0.999, amsgrad: bool = False) -> None:
    alpha = lr * np.sqrt(1 - b2**s.t) / (1 - b1**s.t)
    s.m += (g - s.m) * (1 - b1)
    s.v += (g * g - s.v) * (1 - b2)
    s.h = np.maximum(s.h, s.v)
    s.w = s.w - s.m * alpha / (np.sqrt(s.h if amsgrad else s.v) + 1e-7)


def adamw(s: Loop, g: np.ndarray) -> None:
    s.w = s.w - s.w * 0.004 * 0.001
    adam(s, g)


def rmsprop(
    s: Loop, g: np.ndarray, lr: float = 0.001, rho: float = 0.9, mu: float = 0.0, centered: bool = False
) -> None:
    s.v = rho * s.v + (1 - rho) * g * g
    s.a = rho * s.a + (1 - rho) * g
    step = lr * g / np.sqrt(s.v - (s.a**2 if centered else 0) + 1e-7)
    s.m = mu * s.m + step
    s.w = s.w - s.m


def adagrad(s: Loop, g: np.ndarray, lr: float = 0.001) -> None:
    s.accumulator = s.accumulator + g * g
    s.w = s.w - lr * g / np.sqrt(s.accumulator + 1e-7)


def lion(s: Loop, g: np.ndarray, lr: float = 0.001) -> None:
    s.w = s.w - lr * np.sign(s.m * 0.9 + g * 0.1)
    s.m = s.m * 0.99 + g * 0.01


RULES: list[tuple[Callable[[], optimizers.Optimizer], Callable]] = [
    (optimizers.SGD, sgd),
    (lambda: optimizers.SGD(0.1, momentum=0.9), lambda s, g: sgd(s, g, 0.1, 0.9)),
    (lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True), lambda s, g: sgd(s, g, 0.1, 0.9, True)),
    (optimizers.Adam, adam),
    (lambda: optimizers.Adam(0.01, 0.8, 0.9, amsgrad=True), lambda s, g: adam(s, g, 0.01, 0.8, 0.9, True)),
    (optimizers.AdamW, adamw),
    (optimizers.RMSprop, rmsprop),
    (lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True), lambda s, g: rmsprop(s, g, 0.01, 0.9, 0.5, True)),
    (optimizers.Adagrad, adagrad),
    (optimizers.Lion, lion),
]


def declared(optimizer: optimizers.Optimizer, dtype: str = "float64") -> tuple[list, gc.Program]:
    """Variables W, and a step that takes their gradients."""
    variables = [gc.variable(w.astype(dtype), name=f"w{i}") for i, w in enumerate(W)]
    gradients = [gc.input(f"g{i}", w.shape, dtype) for i, w in enumerate(W)]
    return variables, gc.compile(gradients, [], updates=optimizer.updates(gradients, variables))


@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-12), ("float32", 2e-5)])
@pytest.mark.parametrize(("make", "rule"), RULES)
def test_rule(make: Callable, rule: Callable, dtype: str, rtol: float) -> None:
    optimizer = make()
    variables, step = declared(optimizer, dtype)
    loops = [Loop(w) for w in W]
    for gradients in GRADIENTS:
        step(*(g.astype(dtype) for g in gradients))
        for loop, g in zip(loops, gradients, strict=True):
            loop.t += 1
            rule(loop, g)
    for variable, loop in zip(variables, loops, strict=True):
        np.testing.assert_allclose(variable.value, loop.w, rtol=rtol, atol=rtol)
    assert optimizer.iterations.value == len(GRADIENTS)


def loop_sgd(
    transform: Callable[[list[np.ndarray], list[np.ndarray]], list[np.ndarray]], lr: float = 0.1
) -> list[np.ndarray]:
    weights = [w.copy() for w in W]
    for gradients in GRADIENTS:
        weights = [w - lr * g for w, g in zip(weights, transform(gradients, weights), strict=True)]
    return weights


def norm(arrays: list[np.ndarray]) -> float:
    return float(np.sqrt(sum((a**2).sum() for a in arrays)))


OPTIONS = [
    ({"clipvalue": 0.5}, lambda gs, ws: [np.clip(g, -0.5, 0.5) for g in gs]),
    ({"clipnorm": 1.0}, lambda gs, ws: [g * min(1, 1 / norm([g])) for g in gs]),
    ({"global_clipnorm": 2.0}, lambda gs, ws: [g * min(1, 2 / norm(gs)) for g in gs]),
    ({"weight_decay": 0.1}, lambda gs, ws: [g + 0.1 * w for g, w in zip(gs, ws, strict=True)]),
]


@pytest.mark.parametrize(("options", "transform"), OPTIONS)
def test_clipping_and_decay(options: dict, transform: Callable) -> None:
    variables, step = declared(optimizers.SGD(0.1, **options))
    for gradients in GRADIENTS:
        step(*gradients)
    for variable, w in zip(variables, loop_sgd(transform), strict=True):
        np.testing.assert_allclose(variable.value, w, rtol=1e-12)


def test_a_zero_gradient_is_clipped_to_zero() -> None:
    variables, step = declared(optimizers.SGD(0.1, clipnorm=1.0))
    step(*(np.zeros_like(w) for w in W))
    np.testing.assert_array_equal(variables[0].value, W[0])


def test_variables_excluded_from_decay() -> None:
    optimizer = optimizers.SGD(0.1, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["w1"])
    variables, step = declared(optimizer)
    step(*(np.zeros_like(w) for w in W))
    np.testing.assert_allclose(variables[0].value, W[0] * 0.99)
    np.testing.assert_array_equal(variables[1].value, W[1])


def test_accumulated_gradients_move_every_third_call_by_their_mean() -> None:
    optimizer = optimizers.Adam(0.01, gradient_accumulation_steps=3)
    variables, step = declared(optimizer)
    loop = Loop(W[0])
    for number, gradients in enumerate(GRADIENTS, 1):
        step(*gradients)
        if number % 3 == 0:
            loop.t += 1
            adam(loop, np.mean([g[0] for g in GRADIENTS[number - 3 : number]], axis=0), 0.01)
        np.testing.assert_allclose(variables[0].value, loop.w, rtol=1e-12)


@pytest.mark.parametrize("frequency", [None, 3])
def test_averages_of_weights(frequency: int | None) -> None:
    optimizer = optimizers.SGD(0.1, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=frequency)
    variables, step = declared(optimizer)
    w, average = W[0].copy(), W[0].copy()
    for number, gradients in enumerate(GRADIENTS):
        step(*gradients)
        w = w - 0.1 * gradients[0]
        average = w if number == 0 else 0.8 * average + 0.2 * w
        if frequency and (number + 1) % frequency == 0:
            w = average
        np.testing.assert_allclose(variables[0].value, w, rtol=1e-12)
    optimizer.finalize_variable_values(variables)
    np.testing.assert_allclose(variables[0].value, average, rtol=1e-12)


def test_constraints_hold_after_every_step() -> None:
    w = parameter(W[0], "w", constraint=nn.constraints.NonNeg())
    g = gc.input("g", W[0].shape, "float64")
    step = gc.compile([g], [], updates=optimizers.SGD(0.1).updates([g], [w]))
    step(GRADIENTS[0][0])
    np.testing.assert_allclose(w.value, np.maximum(W[0] - 0.1 * GRADIENTS[0][0], 0))


def test_the_learning_rate_moves_compiled_programs() -> None:
    optimizer = optimizers.SGD(0.1)
    variables, step = declared(optimizer)
    assert optimizer.learning_rate == 0.1
    optimizer.learning_rate = 0.5
    step(*GRADIENTS[0])
    np.testing.assert_allclose(variables[0].value, W[0] - 0.5 * GRADIENTS[0][0])


def test_a_loss_gives_its_gradients() -> None:
    w = gc.variable(W[1])
    optimizer = optimizers.SGD(0.1)
    step = gc.compile([], gc.sum(w * w), updates=optimizer.updates(gc.sum(w * w), [w]))
    np.testing.assert_allclose(step(), (W[1] ** 2).sum())
    np.testing.assert_allclose(w.value, 0.8 * W[1])


def test_state_is_named_made_once_and_resumes() -> None:
    def make() -> tuple[optimizers.Optimizer, list, gc.Program]:
        optimizer = optimizers.Adam(0.01, use_ema=True)
        return (optimizer, *declared(optimizer))

    optimizer, variables, step = make()
    names = [v.name for v in optimizer.variables]
    assert names[:5] == [
        "adam/iterations",
        "adam/learning_rate",
        "adam/w0/momentum",
        "adam/w0/velocity",
        "adam/w0/average",
    ]
    optimizer.build(variables)
    optimizer.updates([gc.zeros_like(v) for v in variables], variables)
    assert [v.name for v in optimizer.variables] == names
    for gradients in GRADIENTS[:5]:
        step(*gradients)
    saved = [v.value for v in (*optimizer.variables, *variables)]
    for gradients in GRADIENTS[5:]:
        step(*gradients)
    again, others, step = make()
    for v, array in zip((*again.variables, *others), saved, strict=True):
        v.value = array
    for gradients in GRADIENTS[5:]:
        step(*gradients)
    for v, other in zip((*optimizer.variables, *variables), (*again.variables, *others), strict=True):
        np.testing.assert_array_equal(v.value, other.value)


def test_an_adam_step_of_an_mlp_is_all_epilogues() -> None:
    x, t = gc.input("x", (gc.dim("batch"), 64)), gc.input("t", (gc.dim("batch"),), "int64")
    hidden, last = nn.Dense(32, "relu", name="hidden"), nn.Dense(10, name="last")
    loss = nn.losses.cross_entropy(last(hidden(x)), t)
    variables = hidden.trainable_variables + last.trainable_variables
    step = gc.compile([x, t], loss, updates=optimizers.Adam().updates(loss, variables))
    text = step.dump("schedule")
    for kernel in ("hidden_kernel", "last_kernel"):
        for state in (f"adam_{kernel}_momentum", f"adam_{kernel}_velocity", kernel):
            assert f"overwrites %{state} " in text
    blocks = text.split("library matmul")
    for kernel in ("hidden_kernel", "last_kernel"):  # the three updates follow the product that gives the gradient
        (block,) = [b for b in blocks if f"overwrites %{kernel} " in b]
        assert f"overwrites %adam_{kernel}_momentum " in block and "epilogue" in block
    assert "5 GEMMs, 5 with a fused epilogue" in text


@pytest.mark.parametrize(
    "optimizer",
    [optimizers.SGD(0.1, momentum=0.9), optimizers.Adam(), optimizers.RMSprop(rho=0.5, momentum=0.9)],
    ids=lambda optimizer: optimizer.name,
)
def test_momentum_without_gradients_ends_at_zero_and_not_among_the_subnormal_numbers(optimizer) -> None:
    w, g = parameter(np.ones(3, "float32"), name="w"), gc.input("g", (3,))
    step = gc.compile([g], [], updates=optimizer.updates([g], [w]))
    step(np.array([1.0, -1.0, 1e-3], "float32"))
    for _ in range(850):  # 0.9 to that power is a subnormal number
        step(np.zeros(3, "float32"))
    [momentum] = [v.value for v in optimizer.variables if v.name.endswith("momentum")]
    np.testing.assert_array_equal(momentum, 0)


def test_by_name() -> None:
    for name, kind in (("adam", optimizers.Adam), ("RMSprop", optimizers.RMSprop), ("adamw", optimizers.AdamW)):
        assert type(optimizers.get(name)) is kind
