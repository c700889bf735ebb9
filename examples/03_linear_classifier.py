"""A linear classifier on generated data with the low-level API: minibatches, and the decision line as it moves.

    python examples/03_linear_classifier.py [--quick] [--output DIR]

It stands apart from the next example, which trains the same classifier by layers and `fit`.
"""

# %% [markdown]
# # 3 · A linear classifier with the low-level API
#
# Now the answer is no number but a **class**: is this point blue or red? The model computes a score $z = w_1 x_1 +
# w_2 x_2 + b$. A positive score means red. Where $z = 0$ lies a line that parts the plane, the **decision line**, and
# training moves it.

# %%
import numpy as np
import pictures

import graphc as gc
from graphc import data

# %%
QUICK, OUTPUT = pictures.settings(__doc__)

# %% [markdown]
# ## Generated data
#
# Two clouds of points in the plane that overlap a little. 70 % of them are for training, 15 % for validation, 15 % for
# the test at the end. `standardize` gives each coordinate mean 0 and deviation 1, measured on the training part alone.

# %%
samples = data.make_classification(
    300, n_features=2, n_informative=2, n_redundant=0, n_clusters_per_class=1, class_sep=1.0, flip_y=0.02, seed=27
)
split = data.standardize(data.train_validation_test_split(samples.x, samples.y, seed=0))

# %% [markdown]
# ## The graph
#
# The sigmoid $\sigma(z) = 1 / (1 + e^{-z})$ squeezes the score into a probability of "red". The loss is the **cross
# entropy**: $-\log$ of the probability that the model gave to the right answer. Saying "surely blue" of a red point
# costs a lot.

# %%
batch = gc.dim("batch")
x = gc.input("x", (batch, 2), "float32")
t = gc.input("t", (batch,), "int64")
W = gc.variable(np.array([[1.0], [1.0]], "float32"), name="W")  # a wrong line on purpose
b = gc.variable(np.array([1.5], "float32"), name="b")

z = (x @ W + b)[:, 0]
loss = gc.nn.losses.binary_cross_entropy(z, t)
accuracy = gc.mean(gc.astype((z > 0) == (t == 1), "float32"))

RATE = 0.1
slope_W, slope_b = gc.grad(loss, [W, b])
step = gc.compile([x, t], loss, updates={W: W - RATE * slope_W, b: b - RATE * slope_b})
evaluate = gc.compile([x, t], {"loss": loss, "accuracy": accuracy})

# %% [markdown]
# ## Training
#
# `data.minibatches` shuffles an epoch into batches. 210 training points in batches of 32 leave a last batch of 18; the
# same compiled program takes it.

# %%
generator = np.random.default_rng(0)
lines = [(W.value.copy(), b.value.copy())]
history = {"training": [], "validation": []}
for _epoch in range(12 if QUICK else 40):
    for part in data.minibatches(split.train, 32, generator):
        step(part.x, part.y)
        lines.append((W.value.copy(), b.value.copy()))
    history["training"].append(float(evaluate(split.train.x, split.train.y)["loss"]))
    history["validation"].append(float(evaluate(split.validation.x, split.validation.y)["loss"]))
tested = evaluate(split.test.x, split.test.y)
print(f"test accuracy {tested['accuracy']:.3f}, loss {tested['loss']:.3f}, after {len(lines) - 1} steps")

# %% [markdown]
# ## The picture
#
# The line starts wrong, turns quickly, and then only settles. Later steps are drawn darker.

# %%
figure, axes = pictures.panels(1, 2, size=(5.2, 4.4))
plane, curves = axes[0]
pictures.draw_points(plane, split.train.x, split.train.y)
ends = np.array([-4, 4])
for number in np.unique(np.geomspace(1, len(lines), 12).astype(int) - 1):
    (w1, w2), bias = lines[number][0][:, 0], lines[number][1][0]
    share = 0.15 + 0.85 * number / (len(lines) - 1)
    plane.plot(ends, -(w1 * ends + bias) / w2, color="black", alpha=share, linewidth=1.2)
plane.set(xlim=(-3, 3), ylim=(-3, 3), xlabel="x₁", ylabel="x₂", title="the decision line while it trains")
for (name, values), colour in zip(history.items(), (pictures.TRAIN, pictures.VALIDATION), strict=True):
    curves.plot(range(1, len(values) + 1), values, color=colour, label=name)
curves.set(xlabel="epoch", ylabel="loss (cross entropy)", title="training and validation")
curves.legend()
pictures.save(figure, OUTPUT / "03-linear-classifier.png")

# %% [markdown]
# ## What to take with you
#
# * A classifier is a regression of a score, with a loss that understands probabilities.
# * Training and validation loss stay together: with 3 parameters and 210 points there is nothing to overfit.
# * The next notebook does the same with the high-level API, in a few lines.
#
# **Try it:** make the clouds overlap more (`class_sep=0.5`). What happens to the loss, and can it be trained away?
