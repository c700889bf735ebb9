"""Multi-class (exactly one of several) and multi-label (any of several) classification by layers and `fit`.

    python examples/05_multiclass_multilabel.py [--quick] [--output DIR]

It stands apart because the two differ in one activation and one loss, which is best seen side by side.
"""

# %% [markdown]
# # 5 · One of several, or any of several
#
# * **Multi-class**: a digit is exactly one of 0 … 9. The classes compete, their probabilities sum to 1: **softmax**.
# * **Multi-label**: a picture may show a dog *and* a ball, or neither. Each label is a yes-or-no question of its own:
#   **sigmoid**.
#
# | task | last layer | loss | targets |
# | --- | --- | --- | --- |
# | multi-class | `Dense(classes, "softmax")` | `sparse_categorical_crossentropy` | class numbers, (n,) |
# | multi-label | `Dense(labels, "sigmoid")` | `binary_crossentropy` | zeros and ones, (n, labels) |

# %%
import numpy as np
import pictures

import graphc as gc
from graphc import data

# %%
QUICK, OUTPUT = pictures.settings(__doc__)
gc.nn.set_seed(2)

# %% [markdown]
# ## Multi-class: four clouds

# %%
clouds = data.make_classification(
    800,
    n_features=2,
    n_informative=2,
    n_redundant=0,
    n_classes=4,
    n_clusters_per_class=1,
    class_sep=1.3,
    flip_y=0.01,
    seed=12,
)
clouds = data.standardize(data.train_validation_test_split(clouds.x, clouds.y, seed=0))

one_of_four = gc.nn.Sequential([gc.nn.Input((2,)), gc.nn.Dense(16, "relu"), gc.nn.Dense(4, "softmax")])
one_of_four.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
one_of_four.optimizer.learning_rate = 0.02
one_of_four.fit(
    clouds.train.x,
    clouds.train.y,
    epochs=10 if QUICK else 40,
    validation_data=(clouds.validation.x, clouds.validation.y),
    verbose=0,
)
measured = one_of_four.evaluate(clouds.test.x, clouds.test.y, return_dict=True, verbose=0)
print(f"multi-class: test accuracy {measured['accuracy']:.3f}")

# %% [markdown]
# `predict` returns one probability for each class. They sum to 1, and the largest one is the answer:

# %%
probabilities = one_of_four.predict(clouds.test.x[:3])
for row, label in zip(probabilities, clouds.test.y, strict=False):
    print(f"{np.round(row, 3)}   sum {row.sum():.3f}   answer {row.argmax()}, truth {label}")

# %% [markdown]
# A **confusion matrix** counts who is taken for whom. It is a metric that compares class numbers with predictions.

# %%
answers = one_of_four.predict(clouds.test.x).argmax(axis=1)
confusion = np.zeros((4, 4), int)
np.add.at(confusion, (clouds.test.y, answers), 1)
print(confusion)

# %% [markdown]
# ## Multi-label: three questions about each sample
#
# Think of short texts: the 20 features count words, the three labels are topics, and a text may have several topics or
# none.

# %%
texts = data.make_classification(1000, multilabel=True, n_features=20, n_classes=3, n_labels=2, seed=3)
texts = data.standardize(data.train_validation_test_split(texts.x, texts.y, seed=0))
print("labels of the first texts:", texts.train.y[:4].tolist())

any_of_three = gc.nn.Sequential([gc.nn.Input((20,)), gc.nn.Dense(16, "relu"), gc.nn.Dense(3, "sigmoid")])
any_of_three.compile(
    optimizer=gc.nn.optimizers.Adam(0.01),
    loss="binary_crossentropy",
    metrics=["accuracy", gc.nn.metrics.Precision(name="precision"), gc.nn.metrics.Recall(name="recall")],
)
history = any_of_three.fit(
    texts.train.x,
    texts.train.y.astype("float32"),
    epochs=8 if QUICK else 20,
    validation_data=(texts.validation.x, texts.validation.y.astype("float32")),
    verbose=0,
)
measured = any_of_three.evaluate(texts.test.x, texts.test.y.astype("float32"), return_dict=True, verbose=0)
print("multi-label test:", ", ".join(f"{name} {value:.3f}" for name, value in measured.items()))

# %% [markdown]
# Accuracy alone can deceive: if a label is rare, "never" is right nearly always. **Precision** asks: of those that we
# said yes to, how many were right? **Recall** asks: of those that were there, how many did we find?

# %%
shares = any_of_three.predict(texts.test.x[:3])
for row, labels in zip(shares, texts.test.y, strict=False):
    print(f"{np.round(row, 2)}   sum {row.sum():.2f}   answer {(row > 0.5).astype(int)}, truth {labels}")

# %% [markdown]
# ## The picture

# %%
figure, axes = pictures.panels(1, 4, size=(4.0, 3.6))
plane, matrix, curves, questions = axes[0]
pictures.draw_regions(plane, lambda points: one_of_four.predict(points).argmax(axis=1), 3, classes=4)
pictures.draw_points(plane, clouds.test.x, clouds.test.y)
plane.set(title="multi-class: regions and test points")
pictures.draw_confusion(matrix, confusion, list("0123"))
matrix.set(title="its confusion matrix")
curves.plot(history.epoch, history.history["loss"], color=pictures.TRAIN, label="training")
curves.plot(history.epoch, history.history["val_loss"], color=pictures.VALIDATION, label="validation")
curves.set(xlabel="epoch", title="multi-label: loss")
curves.legend()
predicted = any_of_three.predict(texts.test.x)
for label in range(3):
    for truth, colour in ((0, pictures.VALIDATION), (1, pictures.TRAIN)):
        values = predicted[texts.test.y[:, label] == truth, label]
        spread = np.random.default_rng(label).uniform(-0.12, 0.12, len(values))
        questions.plot(values, label + spread + (0.18 if truth else -0.18), ".", color=colour, alpha=0.5)
questions.axvline(0.5, color=pictures.TRUTH, linestyle="--")
questions.set(yticks=range(3), ylabel="label", xlabel="predicted probability", title="blue: has it, red: has not")
pictures.save(figure, OUTPUT / "05-multiclass-multilabel.png")

# %% [markdown]
# ## What to take with you
#
# * Do the classes exclude each other? Softmax. Are they independent questions? Sigmoid.
# * The loss must fit the last layer. `compile` checks what it can: a loss that does not fit the output's shape is one
#   clear sentence.
#
# **Try it:** train the multi-class task with sigmoid and binary cross entropy on one-hot targets. What do the
# probabilities sum to?
