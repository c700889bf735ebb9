"""Both APIs together: an own layer inside a big model, and a model of layers inside an own training loop.

    python examples/09_own_layer_own_loop.py [--quick] [--output DIR]

It stands last because it needs both: what graphs are (1 to 3) and what layers and `fit` do (4 to 8).
"""

# %% [markdown]
# # 9 · Your own layer, your own training loop
#
# A layer is a plain function on symbolic values, and a model hands out its loss and its variables. So there is no wall
# between the two APIs, and you can step through at any point:
#
# * **an own layer**, written in low-level functions, inside a model that `fit` trains;
# * **a model of layers** inside a training loop that you write yourself.

# %%
import numpy as np
import pictures

import graphc as gc
from graphc import data

# %%
QUICK, OUTPUT = pictures.settings(__doc__)
gc.nn.set_seed(4)

# %% [markdown]
# ## The task: two rings
#
# The distance from the centre decides, so a network of straight cuts needs many of them.

# %%
generator = np.random.default_rng(0)
labels = np.arange(600) % 2
radii = np.where(labels == 1, 2.0, 1.0) + generator.normal(0, 0.22, 600)
angles = generator.uniform(0, 2 * np.pi, 600)
points = np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1).astype("float32")
split = data.train_validation_test_split(points, labels, seed=0)

# %% [markdown]
# ## An own layer
#
# Radial basis functions: unit $i$ has a centre $c_i$ and a width $s_i$, and answers $\exp(-s_i^2\,|x - c_i|^2)$: 1 at
# its centre, near 0 far away. `build` makes the variables once, `call` says what is computed. There is no backward
# pass to write: the gradient is derived from the graph.


# %%
class RadialBasis(gc.nn.Layer):
    """Gaussian bumps with centres and widths that are learned: [batch, n] → [batch, units]."""

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.centres = self.add_weight((self.units, input_shape[-1]), "random_normal", "centres")
        self.widths = self.add_weight((self.units,), "ones", "widths")

    def call(self, x):
        distances = gc.sum((x[:, None, :] - self.centres) ** 2, axis=-1)
        return gc.exp(-(self.widths**2) * distances)


model = gc.nn.Sequential([gc.nn.Input((2,)), RadialBasis(8), gc.nn.Dense(2)])
model.summary()

# %% [markdown]
# With `fit`, the own layer is a layer like any other:

# %%
model.compile(
    optimizer=gc.nn.optimizers.Adam(0.03),
    loss=gc.nn.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(split.train.x, split.train.y, epochs=10 if QUICK else 40, verbose=0)
fitted = model.evaluate(split.test.x, split.test.y, return_dict=True, verbose=0)
print(f"own layer, fit:       test accuracy {fitted['accuracy']:.3f}")

# %% [markdown]
# ## An own training loop
#
# Now the other way round: the network is made of layers, and the step is ours. As an example that `fit` does not know,
# we train with **sharpness-aware minimisation** (Foret et al. 2021): look at the gradient not where the weights are but
# where the loss is worst nearby, and go down from there.
#
# `model(x)` declares the network on any symbolic value, `model.loss(x, t)` the loss that `compile` was told, and
# `model.trainable_variables` are the variables. The rest is notebook 3.

# %%
network = gc.nn.Sequential([gc.nn.Input((2,)), gc.nn.Dense(16, "tanh"), gc.nn.Dense(2)])
network.compile(
    optimizer=gc.nn.optimizers.SGD(0.1, momentum=0.9),
    loss=gc.nn.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)

batch = gc.dim("batch")
x = gc.input("x", (batch, 2), "float32")
t = gc.input("t", (batch,), "int64")
weights = network.trainable_variables

loss = network.loss(x, t)
gradients = gc.grad(loss, weights)
norm = gc.sqrt(sum(gc.sum(g * g) for g in gradients))

# %% [markdown]
# Two programs share the variables. The first one climbs by 0.05 in the direction of the gradient and keeps what it
# added in variables of its own; the second takes that back and steps by the gradient from up there.

# %%
lifts = [gc.variable(np.zeros_like(w.value), name=f"lift_{number}") for number, w in enumerate(weights)]
raised = {lift: 0.05 * g / (norm + 1e-12) for lift, g in zip(lifts, gradients, strict=True)}
climb = gc.compile([x, t], loss, updates=raised | {w: w + raised[lift] for w, lift in zip(weights, lifts, strict=True)})

stepped = network.optimizer.updates(gradients, weights)
descend = gc.compile(
    [x, t], loss, updates=stepped | {w: stepped[w] - lift for w, lift in zip(weights, lifts, strict=True)}
)

curve, generator = [], np.random.default_rng(1)
for _epoch in range(10 if QUICK else 40):
    losses = []
    for part in data.minibatches(split.train, 32, generator):
        losses.append(float(climb(part.x, part.y)))
        descend(part.x, part.y)
    curve.append(np.mean(losses))
own = network.evaluate(split.test.x, split.test.y, return_dict=True, verbose=0)
print(f"layers, own loop:     test accuracy {own['accuracy']:.3f}")

# %% [markdown]
# ## The picture

# %%
figure, axes = pictures.panels(1, 3)
bumps, cuts, falling = axes[0]
pictures.draw_regions(bumps, lambda points: model.predict(points).argmax(axis=1), 3, classes=2)
pictures.draw_points(bumps, split.test.x, split.test.y)
layer = model.layers[0]
bumps.scatter(*layer.centres.value.T, s=60, marker="+", color="black", zorder=4)
bumps.set(title="own layer, fit (+: its centres)", xlim=(-3, 3), ylim=(-3, 3))
pictures.draw_regions(cuts, lambda points: network.predict(points).argmax(axis=1), 3, classes=2)
pictures.draw_points(cuts, split.test.x, split.test.y)
cuts.set(title="layers, own training loop")
falling.plot(range(1, len(curve) + 1), curve, color=pictures.TRAIN)
falling.set(xlabel="epoch", ylabel="training loss", title="the own loop")
pictures.save(figure, OUTPUT / "09-own-layer-own-loop.png")

# %% [markdown]
# ## What to take with you
#
# * Use the high-level API for what is usual, and drop down exactly where you need to.
# * Whatever you declare is compiled into the same kind of step: an own layer costs nothing extra.
#
# **Try it:** let the own layer take a `sharpness` argument. Or replace the loop's rule by your own: everything that
# `fit` does can be written here.
