"""Trainer: `compile`, `fit`, `evaluate`, `predict` and their like, as methods of every model.

It stands apart from the network: here arguments are checked and data is prepared, the loops do the work. Names,
arguments and defaults: Keras 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import numpy as np

from graphc import ops
from graphc.ir.value import Value
from graphc.nn import optimizers, seeding
from graphc.nn.optimizers import Optimizer
from graphc.nn.recording import recording
from graphc.nn.saving.checkpoint import restore_metrics
from graphc.nn.structure import leaves, map_leaves
from graphc.nn.training import loop
from graphc.nn.training.baseline import baseline_loss
from graphc.nn.training.callbacks.callback import Callback, CallbackList
from graphc.nn.training.history import History
from graphc.nn.training.interruption import Interruption
from graphc.nn.training.loop import Plan, Position, Shuffling
from graphc.nn.training.objective import Objective
from graphc.nn.training.preparation import (
    checked_samples,
    declare_inputs,
    prepared,
    refuse_non_finite_weights,
    split,
)
from graphc.nn.training.programs import Programs, with_penalties
from graphc.nn.training.progress import Progress
from graphc.nn.training.sources import ArraySource, Source

_BATCH = 32  # samples in a training batch, unless given
_EVALUATION_BATCH = 256  # where the size changes no result


class Trainer:
    """What a model needs to train. Mixed into `Model`, whose declarations it compiles."""

    stop_training = False
    optimizer: Optimizer
    history: History
    _objective: Objective | None = None
    _programs: Programs | None = None
    _shuffling: Shuffling | None = None
    _resumed = False  # whether the next `fit` goes on from `position`
    callbacks: CallbackList | None = None  # of the `fit` that runs
    restored_callbacks: list[dict[str, Any]] | None = None  # states from a checkpoint, for the next `fit`
    restored_metrics: dict[str, np.ndarray]

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
    ) -> None:
        """Say what training minimises and measures: names, objects or functions.

        For several outputs, losses, metrics and weights are lists in their order or dicts by their names. "accuracy"
        becomes the kind that fits targets and loss. `metrics` count samples alike, `weighted_metrics` by their weight.
        Native code is made at the first use. Raises `GraphError` for a name that is not known, with the nearest one.
        """
        objective = Objective(loss, metrics, loss_weights, weighted_metrics)
        self.optimizer = optimizers.get(optimizer)
        self._objective = objective
        self.position, self.history, self._resumed = Position(), History(), False
        self.forget()

    def forget(self) -> None:
        """Declare and compile anew at the next use."""
        raise NotImplementedError

    def forget_programs(self) -> None:
        """Compile anew at the next use."""
        self._programs = None

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._objective is not None

    @property
    def objective(self) -> Objective:
        """Losses and metrics. Raises `GraphError` before `compile`."""
        if self._objective is None:
            self._refuse("expected compile(optimizer=…, loss=…) before training and evaluation, got no call of it")
        return self._objective

    @property
    def programs(self) -> Programs:
        """The compiled programs: `model.programs.train(specs).dump("schedule")` shows what the compiler made."""
        if self._programs is None:
            self._programs = Programs(self)  # type: ignore[arg-type]
        return self._programs

    @property
    def shuffling(self) -> Shuffling:
        """The order of samples in the epochs to come."""
        if self._shuffling is None:
            self._shuffling = Shuffling(seeding.next_seed())
        return self._shuffling

    @shuffling.setter
    def shuffling(self, value: Shuffling) -> None:
        self._shuffling = value

    @property
    def metrics_names(self) -> list[str]:
        """What `evaluate` returns, in order; known after the first use."""
        return list(self.objective.measures())

    def loss(self, x: Any, t: Any, training: bool = True, sample_weight: Any = None) -> Value:
        """The loss, with penalties, of this model on values x with targets t: one graph value to differentiate.

        The next states of layers are then in `self.updates`. Raises `GraphError` before `compile`.
        """
        if not self.inputs:  # type: ignore[attr-defined]
            declare_inputs(self, x)  # type: ignore[arg-type]
        with recording() as record:
            outputs = self(x, training=training)  # type: ignore[operator]
        names = self.output_names  # type: ignore[attr-defined]
        weights = [None] * len(names) if sample_weight is None else leaves(sample_weight)
        measured = self.objective.measure(names, leaves(t), leaves(outputs), weights)
        return with_penalties(self, record, measured.loss)  # type: ignore[arg-type]

    # training --------------------------------------------------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Iterable[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
        debug_nan: bool = False,
    ) -> History:
        """Train for `epochs` passes over the data, in batches of `batch_size` (32) samples; returns the history.

        x and y are arrays, frames, or lists or dicts of them by input and output; or x alone is an iterable of batches
        (x, y[, w]) or a data set of samples. `validation_split` takes that share off the end of the data, before it is
        shuffled; `validation_data` is (x, y[, w]), an iterable or a data set. Shuffling follows `gc.nn.set_seed`.
        After `load_checkpoint` training goes on where it stopped, up to `epochs`.
        `debug_nan=True` stops before the first step that is not finite and names the layer (slower).
        Ctrl-C: the step is finished, then KeyboardInterrupt; `self.history` holds the epochs so far.
        Raises `GraphError` for wrong arguments and data, before any step.
        """
        self.objective  # noqa: B018 - refuses before compile
        for name, value, least in (
            ("epochs", epochs, 0),
            ("initial_epoch", initial_epoch, 0),
            ("validation_freq", validation_freq, 1),
        ):
            _checked_int(self, name, value, least)
        size = _checked_int(self, "batch_size", _BATCH if batch_size is None else batch_size, 1)
        if validation_split and validation_data is not None:
            self._refuse("expected validation_split or validation_data, got both")
        source = prepared(self, "fit", x, y, sample_weight, class_weight, steps_per_epoch)  # type: ignore[arg-type]
        validation = self._validation(validation_data, validation_steps)
        if validation_split:
            source, validation = split(self, source, validation_split)  # type: ignore[arg-type]
        start = self.position if self._resumed and not initial_epoch else Position(initial_epoch)
        history = self.history if self._resumed else History(baseline=self._baseline(source))
        self.position, self.history, self.stop_training = start, history, False
        refuse_non_finite_weights(self)  # type: ignore[arg-type]
        params = {"epochs": epochs, "steps": source.steps(size), "verbose": verbose}
        self.callbacks = CallbackList(callbacks, self, params)  # type: ignore[arg-type]
        evaluation = max(size, _EVALUATION_BATCH) if validation_batch_size is None else validation_batch_size
        plan = Plan(
            source,
            size,
            epochs,
            steps_per_epoch,
            shuffle and not _is_stream(source),
            validation,
            evaluation,
            validation_freq,
            verbose,
            debug_nan,
            self.callbacks,
        )
        try:
            loop.fit(self, plan)  # type: ignore[arg-type]
        finally:
            self.callbacks, self._resumed = None, False
        return self.history

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Iterable[Callback] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss and the metrics over all samples: one number, or a list in the order of `metrics_names`, or a dict.

        Raises `GraphError` as `fit` does.
        """
        source = prepared(self, "evaluate", x, y, sample_weight, None, steps)  # type: ignore[arg-type]
        size = _checked_int(self, "batch_size", _EVALUATION_BATCH if batch_size is None else batch_size, 1)
        called = CallbackList(callbacks, self, {"epochs": 1, "steps": source.steps(size), "verbose": verbose})  # type: ignore[arg-type]
        progress = Progress(verbose, self.objective.results)
        with Interruption() as interruption:
            try:
                progress.begin("Evaluation", source.steps(size))
                logs = loop.evaluate(self, source, size, called, interruption, steps, progress)  # type: ignore[arg-type]
                progress.end(logs)
            finally:
                progress.close()
        return _returned(logs, return_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Iterable[Callback] | None = None,
    ) -> Any:
        """The outputs for all samples, an array or a nest of arrays as the model's outputs are. Raises `GraphError`."""
        source = prepared(self, "predict", x, None, None, None, steps)  # type: ignore[arg-type]
        size = _checked_int(self, "batch_size", _EVALUATION_BATCH if batch_size is None else batch_size, 1)
        called = CallbackList(callbacks, self, {"epochs": 1, "steps": source.steps(size), "verbose": verbose})  # type: ignore[arg-type]
        progress = Progress(0 if verbose == "auto" else verbose, dict)
        called.call("on_predict_begin")
        with Interruption() as interruption:
            try:
                progress.begin("Prediction", source.steps(size))
                arrays = iter(loop.predict(self, source, size, interruption, steps, progress))  # type: ignore[arg-type]
                progress.end({})
            finally:
                progress.close()
        called.call("on_predict_end")
        outputs = self.declaration(training=False).outputs  # type: ignore[attr-defined]
        return map_leaves(lambda _: next(arrays), outputs)

    # one batch -------------------------------------------------------------------------------------------

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step on this batch; returns its loss and metrics (of this batch alone) as `evaluate` does."""
        batch = checked_samples(self, "train_on_batch", x, y, sample_weight, class_weight)  # type: ignore[arg-type]
        program = self.programs.train(batch.specs)
        self.objective.reset()
        program(*batch.arguments)
        return _returned(self.objective.results(), return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """The loss and metrics of this batch, as `evaluate` returns them."""
        batch = checked_samples(self, "test_on_batch", x, y, sample_weight)  # type: ignore[arg-type]
        program = self.programs.test(batch.specs)
        self.objective.reset()
        program(*batch.arguments)
        return _returned(self.objective.results(), return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for this batch."""
        batch = checked_samples(self, "predict_on_batch", x, None)  # type: ignore[arg-type]
        arrays = iter(self.programs.predict()(*batch.arguments))
        return map_leaves(lambda _: next(arrays), self.declaration(training=False).outputs)  # type: ignore[attr-defined]

    # resuming --------------------------------------------------------------------------------------------

    def resume(
        self,
        position: Position,
        shuffling: Shuffling,
        history: History,
        states: list[dict[str, Any]],
        metrics: dict[str, np.ndarray],
    ) -> None:
        """Let the next `fit`, or the one that has just begun, go on from here; `load_checkpoint` calls it."""
        self.position, self.shuffling, self.history, self._resumed = position, shuffling, history, True
        self.restored_callbacks, self.restored_metrics = states, metrics

    def after_train_begin(self) -> None:
        """Give callbacks and metrics the state from a checkpoint, now that they have begun and are declared."""
        if self.restored_callbacks is not None and self.callbacks is not None:
            self.callbacks.restore(self.restored_callbacks)
            if self.position.batch:
                restore_metrics(self, self.restored_metrics)  # type: ignore[arg-type]
        self.restored_callbacks = None

    # inside ----------------------------------------------------------------------------------------------

    def _validation(self, data: Any, steps: int | None) -> Source | None:
        if data is None:
            return None
        if isinstance(data, tuple):
            if not 2 <= len(data) <= 3:
                self._refuse(f"expected validation_data (x, y) or (x, y, sample_weight), got {len(data)} parts")
            x, y, w = (*data, None)[:3]
            return prepared(self, "validation_data", x, y, w, None, steps)  # type: ignore[arg-type]
        return prepared(self, "validation_data", data, None, None, None, steps)  # type: ignore[arg-type]

    def _baseline(self, source: Source) -> float | None:
        names = self.output_names  # type: ignore[attr-defined]
        if not isinstance(source, ArraySource) or len(names) != 1 or source.specs.w != (None,):
            return None
        return baseline_loss(self.objective.loss_of(names)[0], source.data.y[0])

    def _refuse(self, message: str) -> NoReturn:
        ops.refuse(getattr(self, "name", "model"), message)


def _is_stream(source: Source) -> bool:
    return not hasattr(source, "data") and not hasattr(source, "dataset")


def _returned(logs: Mapping[str, Any], return_dict: bool) -> Any:
    if return_dict:
        return dict(logs)
    values = list(logs.values())
    return values[0] if len(values) == 1 else values


def _checked_int(trainer: Trainer, name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        trainer._refuse(f"expected {name} to be an int ≥ {least}, got {value!r}")
    return int(value)
