"""Linear regression with the low-level API: two parameters, one loss, one compiled training step.

    python examples/02_linear_regression.py [--quick] [--output DIR]

It stands apart as the smallest complete training: everything later is a larger graph in the same loop.
"""

# %% [markdown]
# # 2 · Linear regression with the low-level API
#
# We have points $(x, y)$ and believe that $y \approx w\,x + b$. Which $w$ and $b$? **Training** means to find them:
#
# 1. start anywhere;
# 2. measure how wrong the predictions are: the **loss**;
# 3. ask in which direction the loss grows: its **gradient** by $w$ and $b$;
# 4. move both a little against it, and go back to 2.

# %%
import numpy as np
import pictures

import graphc as gc

# %%
QUICK, OUTPUT = pictures.settings(__doc__)

# %% [markdown]
# ## Generated data
#
# We make the points ourselves, from $w = 2$, $b = 1$ and some noise, so that we know what training should find.

# %%
generator = np.random.default_rng(13)
points_x = np.linspace(0, 3, 120, dtype="float32")
points_y = (2 * points_x + 1 + generator.normal(0, 0.5, 120)).astype("float32")

# %% [markdown]
# ## The graph
#
# Two kinds of leaves: an **input** is given anew in every call, a **variable** stays in the program and is what
# training changes. The first size of the inputs is a symbol, so the program takes a batch of any size.

# %%
batch = gc.dim("batch")
x = gc.input("x", (batch,), "float32")
y = gc.input("y", (batch,), "float32")
w = gc.variable(np.float32(0), name="w")
b = gc.variable(np.float32(0), name="b")

prediction = w * x + b
loss = gc.mean((prediction - y) ** 2)
slope_w, slope_b = gc.grad(loss, [w, b])

# %% [markdown]
# `gc.compile` turns the graph into native code. `updates` says what the variables become after each call: that is the
# whole optimiser.

# %%
RATE = 0.02
step = gc.compile([x, y], loss, updates={w: w - RATE * slope_w, b: b - RATE * slope_b})

# %% [markdown]
# ## The training loop
#
# An **epoch** is one pass over all points. They come in **minibatches** of 16, in a new order every time: a gradient of
# 16 points is nearly as good as one of 120, and much cheaper.

# %%
epochs = 15 if QUICK else 60
path, losses = [(float(w.value), float(b.value))], []
for _ in range(epochs):
    order = generator.permutation(len(points_x))
    batch_losses = []
    for start in range(0, len(order), 16):
        chosen = order[start : start + 16]
        batch_losses.append(float(step(points_x[chosen], points_y[chosen])))
        path.append((float(w.value), float(b.value)))
    losses.append(np.mean(batch_losses))
print(f"trained:           w = {w.value:.3f}, b = {b.value:.3f}   loss {losses[-1]:.3f}")

# %% [markdown]
# For a line there is a formula for the best parameters (least squares), so we can check. For the networks that follow
# there is none; the loop stays the same.

# %%
best_w, best_b = np.polyfit(points_x, points_y, 1)
print(f"least squares:     w = {best_w:.3f}, b = {best_b:.3f}")

# %% [markdown]
# What did the compiler make of it? The graph holds a prediction, a loss, two gradients and two updates. They became
# very few loops over the data:

# %%
print(step.dump("schedule"))

# %% [markdown]
# ## The picture

# %%
figure, axes = pictures.panels(1, 3)
data, curve, landscape = axes[0]
data.plot(points_x, points_y, ".", color=pictures.TRUTH, label="points")
for number in (0, 8, 40, len(path) - 1):
    path_w, path_b = path[number]
    share = 0.25 + 0.75 * number / (len(path) - 1)
    data.plot(points_x, path_w * points_x + path_b, color=pictures.TRAIN, alpha=share, label=f"after {number} steps")
data.set(xlabel="x", ylabel="y", title="the line while it trains")
data.legend(fontsize="small")
curve.plot(range(1, epochs + 1), losses, color=pictures.TRAIN)
curve.set(xlabel="epoch", ylabel="loss", yscale="log", title="the loss")
grid_w, grid_b = np.meshgrid(np.linspace(-0.2, 3.2, 80), np.linspace(-0.5, 2.5, 80))
errors = np.mean((grid_w[..., None] * points_x + grid_b[..., None] - points_y) ** 2, axis=-1)
landscape.contour(grid_w, grid_b, np.log(errors), levels=14, cmap="Greys", linewidths=0.8)
landscape.plot(*np.transpose(path), color=pictures.TRAIN)
landscape.plot(best_w, best_b, "*", color=pictures.VALIDATION, markersize=12, label="least squares")
landscape.set(xlabel="w", ylabel="b", title="the way downhill")
landscape.legend(fontsize="small")
pictures.save(figure, OUTPUT / "02-linear-regression.png")

# %% [markdown]
# ## What to take with you
#
# * Input, variable, loss, gradient, update: these five words are all there is to training.
# * The learning rate (`RATE`) is how far one step goes. **Try it:** 0.2 instead of 0.02, then 0.5. What happens?
# * The low-level API shows every part. That is why one learns with it, and why research uses it.
