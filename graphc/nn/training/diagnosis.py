"""Diagnosis of two curves: underfit, good fit or overfit, and what to try. The lesson's rules, with numbers.

It stands apart from the history so that any two curves can be judged, with no model and no training.

Overfitting "is found by a very low training error and a high validation error"; "at some point the validation error
stops falling and begins to rise" while training goes on to fall. Two signs are looked for:

* a **turning point**: the best validation loss lies before the end, and the median of the second half of what follows
  is above it by more than `RISE` = 5 % of it and by more than `NOISE` = 4 times the curve's own noise (the deviation
  that its second differences show, so that no trend counts as noise), while the training loss went on falling by at
  least `FALL` = 1 %;
* a **gap**: the last validation loss is more than `GAP` = 1.5 times the training loss, and the difference is more than
  `SHARE` = 10 % of the baseline, so that two tiny losses are no reason to worry.

Underfitting is a training loss that stays high, above `HIGH` = 70 % of the baseline: the loss of the best constant
prediction. A training loss that falls by more than `FALLING` = 2 % in the last epoch is still on its way; the text
says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RISE = 0.05
NOISE = 4.0
FALL = 0.01
GAP = 1.5
SHARE = 0.1
HIGH = 0.7
FALLING = 0.02

OVERFIT_REMEDIES = (
    "more data: more samples, or augmented ones (shifted, rotated, noisy copies)",
    "a simpler model: fewer layers or units, so fewer parameters for each sample",
    "regularisation: Dropout between the layers, kernel_regularizer='l2', GaussianNoise, AdamW's weight decay",
    "early stopping: EarlyStopping(patience=…, restore_best_weights=True), or ModelCheckpoint(save_best_only=True)",
)
UNDERFIT_REMEDIES = (
    "a richer model: more layers or units",
    "less regularisation: a lower dropout rate, a smaller l2",
    "longer training, or another learning rate",
    "better features: standardised inputs, or inputs that carry more of the answer",
)


@dataclass(frozen=True)
class Diagnosis:
    """The verdict on a training, the numbers behind it and what to try; `print` it to read it as a paragraph."""

    verdict: str  # "underfit", "good fit" or "overfit"
    final_train: float
    final_validation: float
    best_train: float
    best_validation: float
    best_epoch: int  # of the best validation loss
    turning_epoch: int | None
    gap: float  # final validation - final training
    ratio: float  # final validation / final training
    baseline: float
    still_falling: bool  # whether training had not come to rest
    reason: str
    remedies: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{self.verdict.capitalize()}: {self.reason}."]
        lines.append(
            f"  training loss {self.final_train:.4g} at the end (best {self.best_train:.4g}), validation loss "
            f"{self.final_validation:.4g} (best {self.best_validation:.4g}, in epoch {self.best_epoch + 1}); "
            f"gap {self.gap:.4g}, ratio {self.ratio:.3g}."
        )
        if self.remedies:
            lines.append("  What to try:")
            lines += [f"  - {remedy};" for remedy in self.remedies[:-1]]
            lines.append(f"  - {self.remedies[-1]}.")
        return "\n".join(lines)


def turning_point(train: Sequence[float], validation: Sequence[float]) -> int | None:
    """The index of the best validation loss, if what follows is overfitting by the first sign above; else None."""
    t, v = np.asarray(train, float), np.asarray(validation, float)
    known = np.isfinite(v)
    if known.sum() < 2 or not np.isfinite(t).any():
        return None
    best = int(np.nanargmin(np.where(known, v, np.nan)))
    after = v[best + 1 :][known[best + 1 :]]
    if len(after) == 0:
        return None
    late = after[len(after) // 2 :]  # the second half of what follows: it rose, and not for one epoch only
    rise = float(np.median(late)) - v[best]
    if rise <= max(RISE * abs(v[best]), NOISE * _noise(v[known])):
        return None
    fell = t[best] - np.nanmin(t[best + 1 :])
    return best if fell >= FALL * abs(t[best]) else None


def _noise(curve: np.ndarray) -> float:
    """The standard deviation of independent noise on a smooth curve; 0 for fewer than eight points.

    A second difference of such noise has deviation √6 σ, and the median of its size is 0.6745 of that.
    """
    if len(curve) < 8:
        return 0.0
    return float(np.median(np.abs(np.diff(curve, 2)))) / (0.6745 * math.sqrt(6))


def diagnose(
    train: Sequence[float], validation: Sequence[float], epochs: Sequence[int], baseline: float | None = None
) -> Diagnosis:
    """Judge two curves of equal length by the rules above; `epochs` are the numbers of their points."""
    pairs = [
        (float(t), float(v), e)
        for t, v, e in zip(train, validation, epochs, strict=True)
        if math.isfinite(t) and math.isfinite(v)
    ]
    if not pairs:
        raise ValueError("expected at least one epoch with finite training and validation losses, got none")
    t, v, numbers = (list(column) for column in zip(*pairs, strict=True))
    start = t[0] if baseline is None else baseline
    best, place = int(np.argmin(v)), turning_point(t, v)
    gap = v[-1] - t[-1]
    ratio = v[-1] / t[-1] if t[-1] > 0 else math.inf if v[-1] > 0 else 1.0
    falling = len(t) > 1 and t[-2] > 0 and (t[-2] - t[-1]) / t[-2] > FALLING
    verdict, reason = _judged(t, v, numbers, place, gap, ratio, start, baseline is not None, falling)
    remedies = {"overfit": OVERFIT_REMEDIES, "underfit": UNDERFIT_REMEDIES}.get(verdict, ())
    turning = None if place is None else numbers[place]
    return Diagnosis(
        verdict, t[-1], v[-1], min(t), v[best], numbers[best], turning, gap, ratio, start, falling, reason, remedies
    )


def _judged(
    t: list[float],
    v: list[float],
    numbers: list[int],
    place: int | None,
    gap: float,
    ratio: float,
    start: float,
    known: bool,
    falling: bool,
) -> tuple[str, str]:
    """The verdict and the reason for it, in words."""
    if place is not None:
        rose = f"the validation loss turned after epoch {numbers[place] + 1} (from {v[place]:.4g} to {v[-1]:.4g})"
        fell = f"while the training loss went on falling (from {t[place]:.4g} to {t[-1]:.4g})"
        return "overfit", f"{rose} {fell}: the model learns its samples by heart"
    if ratio > GAP and gap > SHARE * abs(start):
        fits = f"the validation loss ({v[-1]:.4g}) is {ratio:.1f} times the training loss ({t[-1]:.4g})"
        return "overfit", f"{fits}: the model fits its samples far better than new ones"
    base = f"{start:.4g} of " + ("the best constant prediction" if known else "the first epoch")
    if t[-1] > HIGH * start:
        more = "; it is still falling, so train longer first" if falling else ""
        return "underfit", f"the training loss stays at {t[-1] / start:.0%} of the {base}{more}"
    more = "; the training loss is still falling, so more epochs may help" if falling else ""
    small = f"their gap, {gap:.3g}, is small beside the {base}"
    return "good fit", f"training and validation loss came down together, and {small}{more}"
