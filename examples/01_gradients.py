"""Gradients of any expression, of second order too: declared once, differentiated symbolically, drawn.

    python examples/01_gradients.py [--quick] [--output DIR]

It stands first because everything after it, every training, is this one ability put to use.
"""

# %% [markdown]
# # 1 · Gradients of any expression
#
# A neural network learns by *gradient descent*: it asks in which direction an error grows and takes a small step the
# other way. NumPy can multiply and add arrays, but it cannot answer that question. A framework adds exactly this: the
# gradient of **any** expression that you can write.
#
# ## What is a computation graph for?
#
# When you write `y = gc.sin(x) * x` below, nothing is computed. You *declare* a **computation graph**: which operations
# lead from the inputs to the result. Because the whole calculation is known before it runs, graphc can
#
# * **differentiate** it: the gradient is another graph, made by rule from the first one;
# * **compile** it: several operations become one loop over the data, in native code, on all cores;
# * **check** it: a shape that does not fit is an error at the line where you wrote it, not in the middle of a training.

# %%
import numpy as np
import pictures

import graphc as gc

# %%
QUICK, OUTPUT = pictures.settings(__doc__)

# %% [markdown]
# ## A function of one number
#
# `gc.input` declares a value that comes later. Here it is an array of `n` numbers; `n` may differ from call to call.

# %%
n = gc.dim("n")
x = gc.input("x", (n,), "float64")
y = gc.sin(2 * x) * gc.exp(-(x**2) / 4)

# %% [markdown]
# `gc.grad` wants a single number to differentiate, and `y` holds `n` of them. Their sum does it: each `y[i]` depends on
# its own `x[i]` only, so the gradient of the sum is the array of the derivatives. And since a gradient is a graph like
# any other, it can be differentiated again.

# %%
first = gc.grad(gc.sum(y), x)
second = gc.grad(gc.sum(first), x)
curves = gc.compile([x], {"y": y, "first": first, "second": second})

points = np.linspace(-4, 4, 101 if QUICK else 801)
values = curves(points)

# %% [markdown]
# Is it right? Two checks: the formula that one would derive by hand, and a difference quotient, which knows nothing of
# rules.

# %%
by_hand = np.exp(-(points**2) / 4) * (2 * np.cos(2 * points) - points / 2 * np.sin(2 * points))
step = 1e-5
quotient = (curves(points + step)["first"] - curves(points - step)["first"]) / (2 * step)
print(f"first derivative:  largest distance from the formula    {np.abs(values['first'] - by_hand).max():.1e}")
print(f"second derivative: largest distance from the quotient   {np.abs(values['second'] - quotient).max():.1e}")

# %% [markdown]
# ## A function of many numbers
#
# Rosenbrock's valley $f(a, b) = (1 - a)^2 + 100\,(b - a^2)^2$ is a classic test for optimisers: the valley is easy to
# find, its lowest point, (1, 1), is not. First order: the **gradient**, an arrow that points uphill. Second order: the
# **Hessian**, which says how the valley is curved. With both one can jump to where the slope *would* be zero if the
# curvature stayed the same. That is Newton's method.

# %%
p = gc.input("p", (2,), "float64")
a, b = p[0], p[1]
height = (1 - a) ** 2 + 100 * (b - a**2) ** 2
slope = gc.grad(height, p)
curvature = gc.hessian(height, p)
valley = gc.compile([p], [height, slope, curvature])


def descend(start: list[float], steps: int, rate: float) -> np.ndarray:
    """Gradient descent: small steps against the slope. The path, (steps + 1, 2)."""
    path = [np.array(start)]
    for _ in range(steps):
        _, g, _ = valley(path[-1])
        path.append(path[-1] - rate * g)
    return np.array(path)


def newton(start: list[float], steps: int) -> np.ndarray:
    """Newton's method: solve H · move = slope. The path, (steps + 1, 2)."""
    path = [np.array(start)]
    for _ in range(steps):
        _, g, h = valley(path[-1])
        path.append(path[-1] - np.linalg.solve(h, g))
    return np.array(path)


slow = descend([-1.2, 1.0], steps=200 if QUICK else 2000, rate=0.001)
fast = newton([-1.2, 1.0], steps=7)
print(
    f"gradient descent, {len(slow) - 1} steps: {slow[-1].round(3)}   Newton, {len(fast) - 1} steps: {fast[-1].round(3)}"
)

# %% [markdown]
# ## The picture

# %%
figure, axes = pictures.panels(1, 2, size=(5.6, 4.2))
left, right = axes[0]
left.plot(points, values["y"], label="y", color=pictures.TRUTH)
left.plot(points, values["first"], label="dy/dx", color=pictures.TRAIN)
left.plot(points, values["second"], label="d²y/dx²", color=pictures.VALIDATION)
left.set(xlabel="x", title="y = sin(2x) · exp(−x²/4) and its derivatives")
left.legend()

grid_a, grid_b = np.meshgrid(np.linspace(-1.8, 1.8, 200), np.linspace(-3.5, 2.4, 200))
heights = (1 - grid_a) ** 2 + 100 * (grid_b - grid_a**2) ** 2
right.contour(grid_a, grid_b, np.log10(heights + 1e-3), levels=14, cmap="Greys", linewidths=0.8)
right.plot(*slow.T, color=pictures.TRAIN, label=f"gradient descent, {len(slow) - 1} steps")
right.plot(*fast.T, "o-", color=pictures.VALIDATION, markersize=4, label=f"Newton, {len(fast) - 1} steps")
right.plot(1, 1, "k*", markersize=12)
right.set(
    xlabel="a", ylabel="b", xlim=(-1.8, 1.8), ylim=(-3.5, 2.4), title="Rosenbrock's valley: first and second order"
)
right.legend(loc="lower left", fontsize="small")
pictures.save(figure, OUTPUT / "01-gradients.png")

# %% [markdown]
# ## What to take with you
#
# * `gc.input`, operations, `gc.grad`, `gc.compile`: that is the **low-level API**. It is for whoever wants to say
#   exactly what is computed.
# * The gradient is a graph. It can be printed (`curves.dump("graph")`), differentiated, compiled.
# * Gradient descent needs many small steps but only first derivatives, which cost about as much as the function
#   itself. The Hessian of a network with a million parameters has 10¹² entries; that is why training uses gradients.
#
# **Try it:** differentiate a third time. Start Newton's method at (0, 2): where does it go first, and why?
