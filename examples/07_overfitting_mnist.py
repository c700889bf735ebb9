"""Overfitting on purpose: MNIST with few samples; found by the history, stopped early, reduced by every remedy.

    python examples/07_overfitting_mnist.py [--quick] [--output DIR]

It stands apart from example 6 because here no plot of the function shows the fault: only the curves do.
"""

# %% [markdown]
# # 7 · Overfitting on real images, found and prevented
#
# In notebook 6 one could *see* the curve bend. A network that looks at 784 pixels cannot be drawn like that. What shows
# overfitting then is the **history**: the loss on the training samples and on the validation samples after every epoch.
#
# We overfit on purpose, with all three causes at once: a **large network**, **few** handwritten digits to learn from,
# and **noise**: of 15 % of the training samples, the label is drawn by chance. The validation labels are right.

# %%
from collections.abc import Iterator

import numpy as np
import pictures

import graphc as gc
from graphc import data

# %%
QUICK, OUTPUT = pictures.settings(__doc__)

# %%
FEW = 150 if QUICK else 300
EPOCHS = 25 if QUICK else 60
generator = np.random.default_rng(1)
digits = data.mnist()
order = generator.permutation(len(digits))
validation = digits[order[:1000]]
clean = digits[order[1000:]]
chance = np.where(generator.random(len(clean)) < 0.15, generator.integers(0, 10, len(clean)), clean.y)
pool = data.Dataset(clean.x, chance)  # what there would be to train on, had we collected more
few = pool[:FEW]
print(f"{len(few)} training samples, {len(validation)} for validation, {digits.x.shape[1]} pixels each")

# %% [markdown]
# ## The experiment
#
# One function trains all variants. The arguments are the remedies.


# %%
def network(*hidden: int, l2: float = 0.0, dropout: float = 0.0) -> gc.nn.Sequential:
    """784 pixels → hidden layers of so many units → 10 classes."""
    penalty = gc.nn.regularizers.L2(l2) if l2 else None
    layers = [gc.nn.Input((784,))]
    for units in hidden:
        layers.append(gc.nn.Dense(units, "relu", kernel_regularizer=penalty))
        if dropout:
            layers.append(gc.nn.Dropout(dropout))
    return gc.nn.Sequential([*layers, gc.nn.Dense(10, "softmax")])


def train(model: gc.nn.Sequential, x, y=None, epochs: int = EPOCHS, callbacks=()) -> gc.nn.History:
    """The history of a training with validation after every epoch."""
    crossentropy = gc.nn.losses.SparseCategoricalCrossentropy(name="crossentropy")
    model.compile(gc.nn.optimizers.Adam(0.001), "sparse_categorical_crossentropy", metrics=["accuracy", crossentropy])
    return model.fit(
        x, y, epochs=epochs, validation_data=(validation.x, validation.y), callbacks=list(callbacks), verbose=0
    )


# %% [markdown]
# ## Overfitting, found by the history

# %%
gc.nn.set_seed(0)
large = network(256, 256)
overfit = train(large, few.x, few.y)
turned = overfit.turning_point()
print(f"{large.count_params():,} parameters for {len(few)} samples")
print(overfit.diagnose())

# %% [markdown]
# `diagnose` compares the two curves and says what it sees, with the numbers behind the word, and what to try.
# `overfit.plot()` draws them and marks the epoch where validation turned.
#
# ## Stopped early
#
# `EarlyStopping` watches the validation loss. When it has not improved for `patience` epochs, training ends and the
# weights of the best epoch are put back.

# %%
gc.nn.set_seed(0)
stopper = gc.nn.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
stopped = train(network(256, 256), few.x, few.y, callbacks=[stopper])
print(f"stopped after {len(stopped.epoch)} of {EPOCHS} epochs, with the weights of epoch {stopper.best_epoch + 1}")

# %% [markdown]
# ## The remedies
#
# More data is the best one, if you can get it. If not, **augmentation** makes new samples out of the known ones: a
# digit that is shifted by a pixel is still the same digit. The batches come from an object that can be iterated again
# in every epoch; `fit` takes it in the place of arrays.


# %%
class ShiftedDigits:
    """Batches of 32 of `samples`, each digit moved by up to two pixels each way, anew in every epoch."""

    def __init__(self, samples: data.Dataset):
        self.samples = samples
        self.generator = np.random.default_rng(0)

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for batch in data.minibatches(self.samples, 32, self.generator):
            images = batch.x.reshape(-1, 28, 28)
            shifts = self.generator.integers(-2, 3, size=(len(images), 2))
            moved = [np.roll(image, shift, axis=(0, 1)) for image, shift in zip(images, shifts, strict=True)]
            yield np.reshape(moved, batch.x.shape), batch.y


many = pool[: 1000 if QUICK else 4000]
variants = {
    f"more data: {len(many)} samples": (network(256, 256), (many.x, many.y)),
    "smaller model: 16 units": (network(16), (few.x, few.y)),
    "L2 penalty: 0.01": (network(256, 256, l2=0.01), (few.x, few.y)),
    "dropout: 70 %": (network(256, 256, dropout=0.7), (few.x, few.y)),
    "augmentation: shifted digits": (network(256, 256), (ShiftedDigits(few),)),
}
histories = {f"{FEW} samples, 2 × 256 units": overfit}
for name, (model, training_data) in variants.items():
    histories[name] = train(model, *training_data)

print(f"{'':<30}{'training':>10}{'validation':>12}{'lowest':>9}{'accuracy':>10}   verdict")
for name, history in histories.items():
    curves = history.history
    print(
        f"{name:<30}{curves['crossentropy'][-1]:>10.3f}{curves['val_crossentropy'][-1]:>12.3f}"
        f"{min(curves['val_crossentropy']):>9.3f}{curves['val_accuracy'][-1]:>10.3f}"
        f"   {history.diagnose('val_crossentropy').verdict}"
    )

# %% [markdown]
# The columns are losses without the penalty of L2, so that they compare. *Lowest* is the validation loss that early
# stopping would have kept. With dropout and augmentation, the training loss is that of the disturbed samples.
#
# ## Bias and variance over model size
#
# Train the same network on several *different* small training sets, and compare what comes out:
#
# * **bias**: how far the *average* of all these networks is from the truth. A model that is too small errs always in
#   the same way: underfitting;
# * **variance**: how far each network is from that average. A model that hangs on its samples changes with them:
#   overfitting.
#
# For the squared error of the probabilities, error = bias² + variance holds exactly, so both can be drawn over the
# model size. (The noise of the labels is part of the first term.)


# %%
def bias_and_variance(units: int, sets: int, epochs: int) -> dict[str, float]:
    """Training error, validation error, bias² and variance of one-hidden-layer networks, as squared errors."""
    truth = np.eye(10)[validation.y]
    predictions, training_errors = [], []
    for number in range(sets):
        own = pool[number * FEW : (number + 1) * FEW]
        gc.nn.set_seed(number)
        model = gc.nn.Sequential([gc.nn.Input((784,)), gc.nn.Dense(units, "relu"), gc.nn.Dense(10, "softmax")])
        model.compile(gc.nn.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
        model.fit(own.x, own.y, epochs=epochs, verbose=0)
        predictions.append(model.predict(validation.x))
        training_errors.append(np.mean(np.sum((model.predict(own.x) - np.eye(10)[own.y]) ** 2, axis=1)))
    average = np.mean(predictions, axis=0)
    return {
        "training error": float(np.mean(training_errors)),
        "validation error": float(np.mean([np.sum((p - truth) ** 2, axis=1).mean() for p in predictions])),
        "bias²": float(np.sum((average - truth) ** 2, axis=1).mean()),
        "variance": float(np.mean([np.sum((p - average) ** 2, axis=1).mean() for p in predictions])),
    }


sizes = [1, 8, 64] if QUICK else [1, 2, 4, 8, 16, 32, 64, 128, 256]
by_size = {units: bias_and_variance(units, sets=2 if QUICK else 6, epochs=10 if QUICK else 40) for units in sizes}
for units, errors in by_size.items():
    print(f"{units:>4} units   " + "   ".join(f"{name} {value:.3f}" for name, value in errors.items()))

# %% [markdown]
# ## The picture

# %%
figure, axes = pictures.panels(2, 4, size=(4.0, 3.4))
for axis, (name, history) in zip(axes.flat, histories.items(), strict=False):
    epochs = np.asarray(history.epoch) + 1
    curves = history.history
    axis.plot(epochs, curves["crossentropy"], color=pictures.TRAIN, label="training")
    axis.plot(epochs, curves["val_crossentropy"], color=pictures.VALIDATION, label="validation")
    axis.fill_between(epochs, curves["crossentropy"], curves["val_crossentropy"], color=pictures.VALIDATION, alpha=0.12)
    text = f"validation: loss {curves['val_crossentropy'][-1]:.2f}, accuracy {curves['val_accuracy'][-1]:.3f}"
    axis.text(0.97, 0.96, text, transform=axis.transAxes, ha="right", va="top", fontsize="small")
    axis.set(title=name, xlabel="epoch", ylim=(0, 1.6))
first = axes[0, 0]
first.axvline(stopper.best_epoch + 1, color=pictures.TRUTH, linestyle="--", label="early stopping keeps this")
first.legend(loc="center right", fontsize="small")
for axis, names in ((axes[1, 2], ("training error", "validation error")), (axes[1, 3], ("bias²", "variance"))):
    for name, colour in zip(names, (pictures.TRAIN, pictures.VALIDATION), strict=True):
        axis.plot(sizes, [by_size[units][name] for units in sizes], "o-", color=colour, label=name)
    axis.set(xscale="log", xlabel="hidden units", title=" and ".join(names))
    axis.legend(fontsize="small")
pictures.save(figure, OUTPUT / "07-overfitting-mnist.png")

# %% [markdown]
# ## What to take with you
#
# * Overfitting shows in the gap between the curves, and in the point where the validation loss turns.
# * The network does not have to be large to overfit; it has to be large *for the number of samples*.
# * From left to right in the last two panels: first both errors fall, because the bias goes. Then the training error
#   reaches zero and the validation error does not follow: what remains is variance, which has grown, and the bias that
#   wrong labels and few samples leave.
# * Beyond the size at which the training error is zero, more units change little here. That a larger network *must*
#   overfit more is a rule of thumb; the curves decide.
#
# **Try it:** combine remedies: dropout *and* augmentation. Do they add up?
