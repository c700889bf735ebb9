"""The lab: Iris and MNIST with one-layer and multi-layer fully connected networks, compared.

    python examples/08_lab.py [--quick] [--output DIR]

It stands apart as the lesson's assignment: everything before it, used on two real data sets.
"""

# %% [markdown]
# # 8 · The lab: Iris and MNIST
#
# The assignment of the lesson: solve two classification problems with one-layer and multi-layer fully connected
# networks.
#
# * **Iris** (Fisher 1936): 150 flowers, 4 lengths each, 3 species;
# * **MNIST** (LeCun et al. 1998): handwritten digits of 28 × 28 pixels, 10 classes. Here 5,000 of them;
#   `data.mnist("folder")` reads all 70,000, if you have the files.

# %%
import time
from dataclasses import dataclass

import numpy as np
import pictures

import graphc as gc
from graphc import data

# %%
QUICK, OUTPUT = pictures.settings(__doc__)

# %% [markdown]
# ## The data
#
# Three parts: train on the first, stop by the second, report the third. The test part is looked at once, at the very
# end; whoever chooses by it fools himself.

# %%
flowers, digits = data.iris(), data.mnist()
tasks = {
    "Iris": data.standardize(data.train_validation_test_split(flowers.x, flowers.y, (0.6, 0.2, 0.2), seed=0)),
    f"MNIST-{len(digits)}": data.train_validation_test_split(digits.x, digits.y, (0.7, 0.15, 0.15), seed=0),
}
iris, mnist = tasks
for name, split in tasks.items():
    print(
        f"{name}: {len(split.train)} for training, {len(split.validation)} validation, {len(split.test)} test samples"
    )

# %% [markdown]
# ## The architectures
#
# A one-layer network draws straight borders between the classes. Hidden layers bend them. Dropout and the early stop
# keep the large ones from overfitting.

# %%
architectures = {
    iris: {"one layer": [], "hidden 16": [16], "hidden 16-16": [16, 16]},
    mnist: {"one layer": [], "hidden 64": [64], "hidden 256-128": [256, 128]},
}


@dataclass
class Result:
    """A trained network and what it reached."""

    model: gc.nn.Sequential
    history: gc.nn.History
    seconds: float
    accuracies: dict[str, float]  # by part of the data


def train(task: str, hidden: list[int]) -> Result:
    """Train a network with these hidden layers on a task; keep the weights of the best validation loss."""
    split = tasks[task]
    gc.nn.set_seed(0)
    layers = [gc.nn.Input(split.train.x.shape[1:])]
    for units in hidden:
        layers.append(gc.nn.Dense(units, "relu"))
        if units >= 128:
            layers.append(gc.nn.Dropout(0.3))
    model = gc.nn.Sequential([*layers, gc.nn.Dense(int(split.train.y.max()) + 1, "softmax")])
    rate = 0.02 if task == iris else 0.002
    model.compile(gc.nn.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    began = time.perf_counter()
    history = model.fit(
        split.train.x,
        split.train.y,
        batch_size=16 if task == iris else 64,
        epochs=4 if QUICK else 60,
        validation_data=(split.validation.x, split.validation.y),
        callbacks=[gc.nn.callbacks.EarlyStopping(patience=8, restore_best_weights=True)],
        verbose=0,
    )
    seconds = time.perf_counter() - began
    parts = {"training": split.train, "validation": split.validation, "test": split.test}
    accuracies = {
        name: model.evaluate(part.x, part.y, return_dict=True, verbose=0)["accuracy"] for name, part in parts.items()
    }
    return Result(model, history, seconds, accuracies)


results = {task: {name: train(task, hidden) for name, hidden in named.items()} for task, named in architectures.items()}

# %% [markdown]
# ## The table

# %%
print(f"{'task':<12}{'architecture':<18}{'parameters':>11}{'epochs':>8}{'seconds':>9}", end="")
print(f"{'training':>10}{'validation':>12}{'test':>8}")
for task, by_name in results.items():
    for name, result in by_name.items():
        print(f"{task:<12}{name:<18}{result.model.count_params():>11,}{len(result.history.epoch):>8}", end="")
        print(f"{result.seconds:>9.2f}", end="")
        print("{training:>10.3f}{validation:>12.3f}{test:>8.3f}".format(**result.accuracies))

# %% [markdown]
# ## Who is taken for whom
#
# The confusion matrix of the best MNIST network (best by *validation* accuracy) on the test part: rows are the truth,
# columns the answers. And the digits that it got wrong: would you have known?

# %%
best_name, best = max(results[mnist].items(), key=lambda item: item[1].accuracies["validation"])
test = tasks[mnist].test
answers = best.model.predict(test.x).argmax(axis=1)
confusion = np.zeros((10, 10), int)
np.add.at(confusion, (test.y, answers), 1)
wrong = np.flatnonzero(answers != test.y)
print(f"{mnist}, {best_name}: {len(wrong)} of {len(test)} test digits are wrong")
print(best.history.diagnose())

# %% [markdown]
# ## The pictures

# %%
figure, axes = pictures.panels(2, 3, size=(4.6, 3.5))
for row, (task, by_name) in zip(axes, results.items(), strict=True):
    for axis, (name, result) in zip(row, by_name.items(), strict=True):
        epochs = np.asarray(result.history.epoch) + 1
        axis.plot(epochs, result.history.history["loss"], color=pictures.TRAIN, label="training")
        axis.plot(epochs, result.history.history["val_loss"], color=pictures.VALIDATION, label="validation")
        axis.set(title=f"{task}, {name}: test {result.accuracies['test']:.3f}", xlabel="epoch", ylabel="loss")
        axis.set_ylim(bottom=0)
axes[0, 0].legend()
pictures.save(figure, OUTPUT / "08-lab-curves.png")

# %%
figure, axes = pictures.panels(1, 2, size=(5.4, 5.0))
pictures.draw_confusion(axes[0, 0], confusion, list("0123456789"))
axes[0, 0].set(title=f"{mnist}, {best_name}")
sheet = np.ones((5 * 32, 6 * 28), "float32")
for place, index in enumerate(wrong[:30]):
    row, column = divmod(place, 6)
    sheet[32 * row + 4 : 32 * row + 32, 28 * column : 28 * column + 28] = 1 - test.x[index].reshape(28, 28)
    caption = f"{test.y[index]} → {answers[index]}"
    axes[0, 1].text(28 * column + 14, 32 * row + 3, caption, ha="center", fontsize="small", color=pictures.VALIDATION)
axes[0, 1].imshow(sheet, cmap="gray", vmin=0, vmax=1)
axes[0, 1].set_axis_off()
axes[0, 1].set(title="wrong ones: truth → answer")
pictures.save(figure, OUTPUT / "08-lab-confusion.png")

# %% [markdown]
# ## What to take with you
#
# * Iris is nearly linear: one layer is enough, and a larger network gains nothing. Try the simple model first.
# * On MNIST a hidden layer removes a good part of the errors, for many more parameters.
# * With 30 test flowers, one flower is 3 %. Differences smaller than that mean nothing.
#
# **Try it:** one hidden layer of 512 units without dropout. What does `history.diagnose()` say? Then augmentation, as
# in notebook 7.
