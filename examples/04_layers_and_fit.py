"""The linear classifier of example 3 again, by layers and `fit`, and what one more layer can do.

    python examples/04_layers_and_fit.py [--quick] [--output DIR]

It stands apart from example 3, which shows what happens inside the calls that are made here.
"""

# %% [markdown]
# # 4 · The same with layers and `fit`
#
# ## What are a low-level and a high-level API for?
#
# In notebook 3 we declared weights, a loss, gradients, updates and a loop. Nearly every network is trained like that,
# so nearly all of it can be written once and for all:
#
# * the **low-level API** (`gc.input`, `gc.variable`, `gc.grad`, `gc.compile`) builds a computation graph and gives full
#   control. It is for new ideas, and for understanding;
# * the **high-level API** (`gc.nn`) sees a network as a *sequence of layers*. You prepare the data and call `fit`. It
#   is for everything usual.
#
# Underneath it is the same: layers declare the same graph, and `fit` compiles one training step and calls it.

# %%
import numpy as np
import pictures

import graphc as gc
from graphc import data

# %%
QUICK, OUTPUT = pictures.settings(__doc__)

# %% [markdown]
# ## The same data

# %%
gc.nn.set_seed(1)
samples = data.make_classification(
    300, n_features=2, n_informative=2, n_redundant=0, n_clusters_per_class=1, class_sep=1.0, flip_y=0.02, seed=27
)
split = data.standardize(data.train_validation_test_split(samples.x, samples.y, seed=0))
validation = (split.validation.x, split.validation.y)

# %% [markdown]
# ## The same model: one layer
#
# `Dense(1, "sigmoid")` is $\sigma(x W + b)$ with one output: exactly the classifier of notebook 3. `summary` lists
# the layers and counts their parameters: two weights and a bias. (`verbose=0` keeps this page short; without it,
# `fit` shows a bar for every epoch.)

# %%
linear = gc.nn.Sequential([gc.nn.Input((2,)), gc.nn.Dense(1, "sigmoid")], name="linear")
linear.summary()
linear.compile(optimizer=gc.nn.optimizers.SGD(0.1), loss="binary_crossentropy", metrics=["accuracy"])
history = linear.fit(
    split.train.x, split.train.y, batch_size=32, epochs=12 if QUICK else 40, validation_data=validation, verbose=0
)
print(f"\ntest: {linear.evaluate(split.test.x, split.test.y, return_dict=True, verbose=0)}")

# %% [markdown]
# The history holds the curves of training and validation, and says what it thinks of them. What overfitting and
# underfitting are is the matter of notebook 6.

# %%
print(history.diagnose())

# %% [markdown]
# ## A task that no line solves
#
# Now each class consists of two clouds, and they stand crosswise. A line must fail. A network with a **hidden layer**
# bends the plane first: `Dense(16, "tanh")` makes 16 soft steps, and the last layer combines them. In code that is one
# more line. That is what the high-level API is for.

# %%
clouds = data.make_classification(
    600, n_features=2, n_informative=2, n_redundant=0, n_classes=4, n_clusters_per_class=1, class_sep=1.3, seed=24
)
opposite = np.isin(clouds.y, (1, 2)).astype("int64")  # two of the four corners are red, two are blue
crossed = data.standardize(data.train_validation_test_split(clouds.x, opposite, seed=0))


def train(name: str, layers: list[gc.nn.Layer]) -> gc.nn.Sequential:
    """A network for the crossed clouds, trained; its accuracy is printed."""
    model = gc.nn.Sequential([gc.nn.Input((2,)), *layers, gc.nn.Dense(1, "sigmoid")], name=name)
    model.compile(optimizer=gc.nn.optimizers.Adam(0.02), loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(
        crossed.train.x,
        crossed.train.y,
        epochs=15 if QUICK else 60,
        validation_data=(crossed.validation.x, crossed.validation.y),
        verbose=0,
    )
    measured = model.evaluate(crossed.test.x, crossed.test.y, return_dict=True, verbose=0)
    print(f"{name:<14}{model.count_params():>4} parameters   test accuracy {measured['accuracy']:.3f}")
    return model


models = {
    "one_layer": train("one_layer", []),
    "hidden_layer": train("hidden_layer", [gc.nn.Dense(16, "tanh")]),
}

# %% [markdown]
# ## The picture
#
# The background shows what each model answers at every point.


# %%
def answers(model: gc.nn.Sequential):
    """A function from points to class numbers."""
    return lambda points: (model.predict(points)[:, 0] > 0.5).astype(int)


figure, axes = pictures.panels(1, 4)
pictures.draw_regions(axes[0, 0], answers(linear), 3, classes=2)
pictures.draw_points(axes[0, 0], split.train.x, split.train.y)
axes[0, 0].set(title="two clouds, one layer")
curves = axes[0, 1]
curves.plot(history.epoch, history.history["loss"], color=pictures.TRAIN, label="training")
curves.plot(history.epoch, history.history["val_loss"], color=pictures.VALIDATION, label="validation")
curves.set(xlabel="epoch", title="its loss")
curves.legend()
for axis, (name, model) in zip(axes[0, 2:], models.items(), strict=True):
    pictures.draw_regions(axis, answers(model), 3, classes=2)
    pictures.draw_points(axis, crossed.train.x, crossed.train.y)
    axis.set(title=f"crossed clouds, {name.replace('_', ' ')}")
pictures.save(figure, OUTPUT / "04-layers-and-fit.png")

# %% [markdown]
# ## What to take with you
#
# * `Sequential`, `compile`, `fit`, `evaluate`, `predict`: names as in Keras, so most of what you read about Keras holds
#   here.
# * Without an activation, two layers in a row would again be one linear map. The bends come from `tanh` (or `relu`).
# * What `fit` runs can be looked at like any program: `linear.programs.predict().dump("schedule")`.
#
# ## How does graphc differ from TensorFlow and PyTorch?
#
# | | TensorFlow | PyTorch | graphc |
# | --- | --- | --- | --- |
# | low-level API | tensors, `tf.function` | tensors, autograd | `input`, `variable`, `grad`, `compile` |
# | high-level API | Keras | PyTorch Lightning | `graphc.nn`, with Keras's names |
# | when does it compute? | at once, or traced into a graph | at once | after `compile`: the graph is declared first |
# | gradients | recorded while it runs (tape) | recorded while it runs | derived from the graph, itself a graph |
# | errors of shape | when the line runs | when the line runs | when the line is *declared* |
# | another batch size | a new trace, by default | nothing to do | nothing to do: sizes are symbols |
# | where it runs | CPU, GPU, TPU | CPU, GPU | CPU; small enough for C++ programs that train |
#
# TensorFlow and PyTorch are far larger: more operations, more devices, more ready-made networks. What you gain here is
# that the whole calculation, gradient and update included, is one graph that you can read.
