"""Metrics of right and wrong positives: precision, recall, F1, the area under a curve, the confusion matrix.

They stand apart because each is a function of counts of pairs (target, decision) over all samples, which no average
of batches gives. Names, arguments and defaults: Keras 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import ops
from graphc.dtypes import float64, uint64
from graphc.ir.value import Value
from graphc.nn.metrics.base import Metric, same_shape, sparse_labels, weight_like


class _Decisions(Metric):
    """Counts of true and false positives and negatives at one or several thresholds."""

    def __init__(
        self, thresholds: float | Sequence[float] | None = None, class_id: int | None = None, name: str | None = None
    ):
        super().__init__(name)
        given = 0.5 if thresholds is None else thresholds
        if not np.all((np.asarray(given) >= 0) & (np.asarray(given) <= 1)):
            self.refuse(f"expected thresholds in [0, 1], got {thresholds!r}")
        self.thresholds, self.class_id = thresholds, class_id

    def count(self, y_true: Value, y_pred: Value, weight: Value | None) -> dict[str, Value]:
        y_true, y_pred = same_shape(self, y_true, y_pred)
        if self.class_id is not None:
            y_true, y_pred = y_true[..., self.class_id], y_pred[..., self.class_id]
        thresholds = np.asarray(0.5 if self.thresholds is None else self.thresholds, np.float64)
        return decisions(self, y_true, y_pred, weight, thresholds)

    def _share(self, right: np.ndarray, wrong: np.ndarray) -> Any:
        share = _divide(right, right + wrong)
        return np.float64(share) if np.ndim(share) == 0 else share


class Precision(_Decisions):
    """The share of true ones among those predicted positive: y_pred > threshold (0.5; several give an array)."""

    def compute(self, **totals: np.ndarray) -> Any:
        return self._share(totals["true_positives"], totals["false_positives"])


class Recall(_Decisions):
    """The share of those predicted positive among the true ones."""

    def compute(self, **totals: np.ndarray) -> Any:
        return self._share(totals["true_positives"], totals["false_negatives"])


class AUC(Metric):
    """The area under the ROC curve, or with `curve="PR"` the precision–recall curve, through `num_thresholds` points.

    y_pred in [0, 1], of y_true's shape; logits with `from_logits`. `summation_method` "interpolation" is the
    trapezoid for ROC and Davis and Goadrich's for PR (ICML 2006); "minoring" and "majoring" are bounds.
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        from_logits: bool = False,
        name: str | None = None,
    ):
        super().__init__(name)
        if curve not in ("ROC", "PR"):
            self.refuse(f"expected curve 'ROC' or 'PR', got {curve!r}")
        if summation_method not in ("interpolation", "minoring", "majoring"):
            wanted = "'interpolation', 'minoring' or 'majoring'"
            self.refuse(f"expected summation_method {wanted}, got {summation_method!r}")
        if num_thresholds < 2:
            self.refuse(f"expected at least 2 thresholds, got {num_thresholds}")
        self.num_thresholds, self.curve = num_thresholds, curve
        self.summation_method, self.from_logits = summation_method, from_logits

    def count(self, y_true: Value, y_pred: Value, weight: Value | None) -> dict[str, Value]:
        y_true, y_pred = same_shape(self, y_true, y_pred)
        inner = np.arange(1, self.num_thresholds - 1) / (self.num_thresholds - 1)
        thresholds = np.concatenate([[-1e-7], inner, [1 + 1e-7]])
        return decisions(self, y_true, ops.sigmoid(y_pred) if self.from_logits else y_pred, weight, thresholds)

    def compute(self, **totals: np.ndarray) -> Any:
        tp, fp = totals["true_positives"], totals["false_positives"]
        tn, fn = totals["true_negatives"], totals["false_negatives"]
        if self.curve == "PR" and self.summation_method == "interpolation":
            return _precision_recall_area(tp, fp, fn)
        recall = _divide(tp, tp + fn)
        x, y = (_divide(fp, fp + tn), recall) if self.curve == "ROC" else (recall, _divide(tp, tp + fp))
        heights = {
            "interpolation": (y[:-1] + y[1:]) / 2,
            "minoring": np.minimum(y[:-1], y[1:]),
            "majoring": np.maximum(y[:-1], y[1:]),
        }[self.summation_method]
        return np.float64(np.sum((x[:-1] - x[1:]) * heights))


class F1Score(Metric):
    """2 * precision * recall / (precision + recall) of each class.

    y_pred is [batch, classes], y_true of the same shape or labels [batch]. Without `threshold` the class with the
    largest prediction is taken, else all above it. `average` is None (an array), "micro" (of all decisions), "macro"
    (the mean of classes) or "weighted" (by how often a class occurs).
    """

    def __init__(self, average: str | None = None, threshold: float | None = None, name: str | None = None):
        super().__init__(name)
        if average not in (None, "micro", "macro", "weighted"):
            self.refuse(f"expected average None, 'micro', 'macro' or 'weighted', got {average!r}")
        self.average, self.threshold = average, threshold

    def count(self, y_true: Value, y_pred: Value, weight: Value | None) -> dict[str, Value]:
        if y_pred.ndim != 2:
            self.refuse(f"expected predictions of shape [batch, classes], got {y_pred.type}")
        if y_true.ndim == 1 and y_true.dtype.is_integer:
            y_true = ops.one_hot(y_true, y_pred.shape[-1])
        y_true, y_pred = same_shape(self, y_true, y_pred)
        true = ops.astype(y_true, float64)
        if self.threshold is None:
            chosen = ops.one_hot(ops.argmax(y_pred, axis=-1), y_pred.shape[-1], dtype=float64)
        else:
            chosen = ops.astype(y_pred > self.threshold, float64)
        w = ops.ones_like(true) if weight is None else weight_like(self, weight, true)
        return {
            "true_positives": ops.sum(w * true * chosen, axis=0),
            "false_positives": ops.sum(w * (1 - true) * chosen, axis=0),
            "false_negatives": ops.sum(w * true * (1 - chosen), axis=0),
            "occurrences": ops.sum(w * true, axis=0),
        }

    def compute(self, **totals: np.ndarray) -> Any:
        tp, fp, fn = (totals[name] for name in ("true_positives", "false_positives", "false_negatives"))
        if self.average == "micro":
            tp, fp, fn = np.sum(tp), np.sum(fp), np.sum(fn)
        scores = _divide(2 * tp, 2 * tp + fp + fn)
        if self.average is None:
            return scores
        if self.average == "weighted":
            return np.float64(np.sum(scores * _divide(totals["occurrences"], np.sum(totals["occurrences"]))))
        return np.float64(np.mean(scores))


class ConfusionMatrix(Metric):
    """How often a sample of class i (row) was predicted as class j (column): [num_classes, num_classes].

    y_true are labels [batch] or one-hot [batch, classes]; y_pred labels or scores [batch, classes]. A label outside
    [0, num_classes) stops the program when it runs.
    """

    def __init__(self, num_classes: int, name: str | None = None):
        super().__init__(name)
        if isinstance(num_classes, bool) or not isinstance(num_classes, int) or num_classes < 1:
            self.refuse(f"expected num_classes to be an int ≥ 1, got {num_classes!r}")
        self.num_classes = num_classes

    def count(self, y_true: Value, y_pred: Value, weight: Value | None) -> dict[str, Value]:
        if y_true.ndim == 2 and y_true.shape[-1] != 1:
            y_true = ops.argmax(y_true, axis=-1)
        if y_pred.ndim == 2:
            y_true, y_pred = sparse_labels(self, y_true, y_pred), ops.argmax(y_pred, axis=-1)
        y_true, y_pred = same_shape(self, y_true, y_pred)
        if y_true.ndim != 1 or not (y_true.dtype.is_integer and y_pred.dtype.is_integer):
            self.refuse(f"expected labels of shape [batch], got {y_true.type} and {y_pred.type}")
        rows, columns = self._one_hot(y_true), self._one_hot(y_pred)
        if weight is not None:
            rows = rows * ops.expand_dims(weight_like(self, weight, y_true), axis=-1)
        return {"counts": ops.matrix_transpose(rows) @ columns}

    def _one_hot(self, labels: Value) -> Value:
        checked = ops.checked_index(ops.astype(labels, uint64), self.num_classes)  # unsigned: -1 is no label
        return ops.one_hot(checked, self.num_classes, dtype=float64)

    def compute(self, **totals: np.ndarray) -> Any:
        return totals["counts"]


def decisions(
    metric: Metric, y_true: Value, y_pred: Value, weight: Value | None, thresholds: np.ndarray
) -> dict[str, Value]:
    """The four counts for each threshold, in its shape: all elements of y_true, 0 or 1, against y_pred > threshold."""
    w = ops.ones_like(y_true, dtype=float64) if weight is None else weight_like(metric, weight, y_true)
    flat = (y_true.size, *(1,) * thresholds.ndim)
    true = ops.reshape(ops.astype(y_true, float64) * w, flat)
    false = ops.reshape((1 - ops.astype(y_true, float64)) * w, flat)
    positive = ops.reshape(ops.astype(y_pred, float64), flat) > ops.constant(thresholds)
    return {
        "true_positives": ops.sum(ops.where(positive, true, 0), axis=0),
        "false_positives": ops.sum(ops.where(positive, false, 0), axis=0),
        "true_negatives": ops.sum(ops.where(positive, 0, false), axis=0),
        "false_negatives": ops.sum(ops.where(positive, 0, true), axis=0),
    }


def _precision_recall_area(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray) -> Any:
    """Keras's: between two thresholds, true positives are taken to grow linearly with positives. Davis and Goadrich,
    The relationship between precision–recall and ROC curves, ICML 2006."""
    positives = tp + fp
    tp_steps, steps = tp[:-1] - tp[1:], positives[:-1] - positives[1:]
    slope = _divide(tp_steps, np.maximum(steps, 0))
    intercept = tp[1:] - slope * positives[1:]
    both = (positives[:-1] > 0) & (positives[1:] > 0)
    ratio = np.where(both, _divide(positives[:-1], np.maximum(positives[1:], 0)), 1.0)
    area = _divide(slope * (tp_steps + intercept * np.log(ratio)), np.maximum(tp[1:] + fn[1:], 0))
    return np.float64(np.sum(area))


def _divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b, and 0 where b is 0."""
    return np.where(b == 0, 0.0, a / np.where(b == 0, 1, b))
