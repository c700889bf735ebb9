"""Five points, a line with 2 parameters against a curve with 7, and the curve tamed by every remedy.

    python examples/06_overfitting.py [--quick] [--output DIR]

It stands apart from the next example, overfitting on real images, because here everything can be seen in one plot.
"""

# %% [markdown]
# # 6 · Overfitting: five points, a line and a curve
#
# Five points are given. Which law is behind them? We let two models guess:
#
# * a **line**, $y = w_0 + w_1 x$: 2 parameters;
# * a **curve**, $y = w_0 + w_1 x + \dots + w_6 x^6$: 7 parameters, more than there are points.
#
# *Other* points of the same law tell us who is right. In practice one keeps some samples away from training for that
# purpose: the **validation set**.
#
# **Error**, on this page, is the mean squared error: the mean of (prediction − y)² over the points of a set.

# %%
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pictures

import graphc as gc

# %%
QUICK, OUTPUT = pictures.settings(__doc__)

# %% [markdown]
# ## The data
#
# The true law is the line $y = 1 + 3x$, and measurements scatter around it with a standard deviation of 2.5. The two
# seeds were *looked for*: among 600,000 draws of five points, these come close to the errors in the lesson's picture
# (5.3 and 5.1 for the line, 0 and 20 for the curve). With other seeds the numbers differ, but in 98 of 100 draws the
# curve does worse than the line, and mostly far worse than here.


# %%
def law(x: np.ndarray) -> np.ndarray:
    """What a perfect model would predict."""
    return 1 + 3 * x


def measure(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` noisy measurements of the law: x uniform in [-1, 1], and y."""
    generator = np.random.default_rng(seed)
    x = generator.uniform(-1, 1, count)
    return x, law(x) + generator.normal(0, 2.5, count)


train = measure(5, seed=42137)
validation = measure(20, seed=530)
print("\n".join(f"x = {x:+.2f}   y = {y:+.2f}" for x, y in zip(*train, strict=True)))

# %% [markdown]
# ## One model, all variants
#
# Both models are sums of powers of x with weights, so one function declares them. Its other arguments are the remedies
# that we need later; at 0 they are off.
#
# The training error is declared, `gc.grad` differentiates it, and gradient descent with momentum (a ball that rolls on)
# becomes the `updates` of the compiled program.


# %%
@dataclass
class Fit:
    """A trained polynomial, the points that it was trained on, and how its errors developed."""

    weights: np.ndarray  # f64[parameters], the constant first
    points: tuple[np.ndarray, np.ndarray]
    steps: list[int] = field(default_factory=list)
    train_errors: list[float] = field(default_factory=list)
    validation_errors: list[float] = field(default_factory=list)

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.polynomial.polynomial.polyval(x, self.weights)

    @property
    def train_error(self) -> float:
        return self._error(*self.points)

    @property
    def validation_error(self) -> float:
        return self._error(*validation)

    def _error(self, x: np.ndarray, y: np.ndarray) -> float:
        return float(np.mean((self.predict(x) - y) ** 2))


def powers(x: gc.Value, count: int) -> gc.Value:
    """[1, x, x², …]: f64[points] → f64[points, count]."""
    columns = [gc.ones_like(x)]
    for _ in range(count - 1):
        columns.append(columns[-1] * x)
    return gc.stack(columns, axis=1)


def fit(
    parameters: int,
    points: tuple[np.ndarray, np.ndarray] = train,
    l2: float = 0.0,
    dropout: float = 0.0,
    noise: float = 0.0,
    keep_best: bool = False,
) -> Fit:
    """Train a polynomial on `points`; `keep_best` keeps the weights whose validation error was lowest."""
    size = gc.dim("points")
    x = gc.input("x", (size,), "float64")
    y = gc.input("y", (size,), "float64")
    w = gc.variable(np.zeros(parameters), name="w")
    velocity = gc.variable(np.zeros(parameters), name="velocity")

    error = gc.mean((powers(x, parameters) @ w - y) ** 2)  # what is measured

    random = gc.random.Generator(seed=0)
    moved = x + random.normal((size,), stddev=noise, dtype="float64") if noise else x
    columns = powers(moved, parameters)
    if dropout:
        columns = gc.nn.dropout(columns, dropout, generator=random)
    objective = gc.mean((columns @ w - y) ** 2) + l2 * gc.sum(w**2)  # what is minimised

    next_velocity = 0.9 * velocity - 0.01 * gc.grad(objective, w)
    step = gc.compile([x, y], error, updates={velocity: next_velocity, w: w + next_velocity})
    evaluate = gc.compile([x, y], error)

    made = Fit(np.zeros(parameters), points)
    best = np.inf
    for number in range(15_000 if QUICK else 30_000):
        if number % 10 == 0:
            made.steps.append(number)
            made.train_errors.append(float(evaluate(*points)))
            made.validation_errors.append(float(evaluate(*validation)))
            if not keep_best or made.validation_errors[-1] < best:
                best, made.weights = made.validation_errors[-1], np.array(w.value)
        step(*points)
    if not keep_best:
        made.weights = np.array(w.value)
    return made


# %% [markdown]
# ## The line and the curve

# %%
line = fit(2)
curve = fit(7)
print(f"{'':<24}training error   validation error")
print(f"{'line, 2 parameters':<24}{line.train_error:>14.1f}{line.validation_error:>19.1f}")
print(f"{'curve, 7 parameters':<24}{curve.train_error:>14.1f}{curve.validation_error:>19.1f}")

# %% [markdown]
# The curve makes **no** error on the points that it has seen, and an error four times that of the line on those that it
# has not. It learned the five measurements by heart, scatter included, and took the scatter for the law.
#
# ## Overfitting against underfitting
#
# | | training error | validation error | the model is | remedy |
# | --- | --- | --- | --- | --- |
# | **underfitting** | high | high | too weak for the law (*bias*) | a richer model, longer training |
# | good fit | low | about as low | right | |
# | **overfitting** | very low | much higher | fitting the noise (*variance*) | see below |
#
# Overfitting has three causes, which work together: too few samples, a model that is too powerful, and noise in the
# data. Each remedy works against one of them.
#
# ## The remedies

# %%
more = measure(60, seed=1)
more = tuple(np.concatenate([known, new]) for known, new in zip(train, more, strict=True))
remedies: dict[str, Callable[[], Fit]] = {
    "early stopping": lambda: fit(7, keep_best=True),
    "more data (65 points)": lambda: fit(7, points=more),
    "simpler (3 parameters)": lambda: fit(3),
    "L2 penalty, 0.03": lambda: fit(7, l2=0.03),
    "dropout, 10 %": lambda: fit(7, dropout=0.1),
    "noisy copies, σ = 0.1": lambda: fit(7, noise=0.1),
}
fits = {"line (2 parameters)": line, "curve (7 parameters)": curve}
fits |= {name: remedy() for name, remedy in remedies.items()}
for name, made in fits.items():
    print(f"{name:<24}{made.train_error:>14.1f}{made.validation_error:>19.1f}")

# %% [markdown]
# * **Early stopping** changes nothing in the model. While it trains, the curve passes close by the line and only then
#   bends to the points; we keep the weights from the moment when the validation error was lowest.
# * **More data** leaves no room for bends: the same curve has to please 65 points.
# * A **simpler model** cannot bend so much.
# * **L2** adds the size of the weights to what is minimised. Large weights, which sharp bends need, become expensive.
# * **Dropout** hides each power of x now and then, so that the model can rely on none of them alone.
# * **Noisy copies** (augmentation) move the points a little in every step. A model that wiggles between them no longer
#   fits.
#
# ## The picture

# %%
figure, axes = pictures.panels(2, 5, size=(3.3, 3.2))
grid = np.linspace(-1, 1, 201)
for axis, (name, made) in zip(axes.flat, fits.items(), strict=False):
    axis.plot(grid, law(grid), ":", color=pictures.TRUTH)
    axis.plot(*validation, ".", color=pictures.VALIDATION, markersize=5)
    axis.plot(*made.points, "x", color="black", markersize=7, markeredgewidth=2)
    axis.plot(grid, made.predict(grid), color=pictures.TRAIN)
    axis.set(title=name, ylim=(-9, 10))
    text = f"training error {made.train_error:.1f}\nvalidation error {made.validation_error:.1f}"
    axis.text(0.04, 0.96, text, transform=axis.transAxes, va="top", fontsize="small")
axes[0, 0].plot([], [], "x", color="black", label="training")
axes[0, 0].plot([], [], ".", color=pictures.VALIDATION, label="validation")
axes[0, 0].plot([], [], ":", color=pictures.TRUTH, label="the law")
axes[0, 0].legend(loc="lower right", fontsize="x-small")

curves, bars = axes[1, 3:]
curves.plot(curve.steps, curve.train_errors, color=pictures.TRAIN, label="training")
curves.plot(curve.steps, curve.validation_errors, color=pictures.VALIDATION, label="validation")
curves.axvline(curve.steps[int(np.argmin(curve.validation_errors))], color=pictures.TRUTH, linestyle="--")
curves.set(xscale="symlog", xlabel="step", title="the curve while it trains", xlim=(0, None))
curves.legend(fontsize="x-small")
places = np.arange(len(fits))
bars.barh(places - 0.2, [made.train_error for made in fits.values()], 0.4, color=pictures.TRAIN)
bars.barh(places + 0.2, [made.validation_error for made in fits.values()], 0.4, color=pictures.VALIDATION)
bars.set(yticks=places, title="errors")
bars.set_yticklabels([name.split(" (")[0].split(",")[0] for name in fits], fontsize="small")
bars.invert_yaxis()
pictures.save(figure, OUTPUT / "06-overfitting.png")

# %% [markdown]
# ## What to take with you
#
# * A low training error proves nothing. Look at samples that were not trained on.
# * The panel "the curve while it trains" shows the sign to look for: both errors fall, then the validation error turns
#   and rises while the training error goes on falling. That is the moment to stop, or at least to keep a copy.
#
# **Try it:** draw other points (change the seed of `train`). How often does the curve win? And with 3 instead of 2.5 in
# `measure`, or with 0.1?
