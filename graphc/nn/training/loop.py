"""The loops of `fit`, `evaluate` and `predict` around the compiled programs.

They stand apart from the model's methods, which check and prepare arguments. A step costs little more here than in a
loop written by hand: batches are slices of chunks that a thread gathered, and hooks that nobody uses are not called.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc.errors import GraphError
from graphc.nn.training.callbacks.callback import CallbackList
from graphc.nn.training.interruption import Interruption
from graphc.nn.training.prefetch import Prefetcher
from graphc.nn.training.progress import Progress
from graphc.nn.training.sources import Chunk, Order, Source

if TYPE_CHECKING:
    from graphc.nn.models.model import Model

Logs = dict[str, Any]


@dataclass
class Position:
    """Where training stands: the epoch that is next or under way, and its batches that are done."""

    epoch: int = 0
    batch: int = 0


@dataclass
class Shuffling:
    """The order of samples: a function of a seed and the number of shuffled epochs so far, so that it resumes."""

    seed: int
    epochs: int = 0

    def __post_init__(self) -> None:
        self._generator = np.random.Generator(np.random.Philox(0))  # one for all epochs: making one takes a while

    def order(self, count: int) -> np.ndarray:
        """A permutation of `count` samples, for this epoch."""
        state = {"key": (self.seed, self.epochs), "counter": (0, 0, 0, 0)}
        self._generator.bit_generator.state = {"bit_generator": "Philox", "state": state, **_NOTHING_DRAWN}
        return self._generator.permutation(count)


# what else a Philox generator holds: numbers drawn and not used yet
_NOTHING_DRAWN = {"buffer": (0, 0, 0, 0), "buffer_pos": 4, "has_uint32": 0, "uinteger": 0}


@dataclass(frozen=True)
class Plan:
    """The arguments of `fit`, checked."""

    source: Source
    batch_size: int
    epochs: int
    steps: int | None  # at most so many batches an epoch
    shuffle: bool
    validation: Source | None
    validation_batch_size: int
    validation_freq: int
    verbose: Any
    debug_nan: bool
    callbacks: CallbackList
    interruption: Interruption = field(default_factory=Interruption)


def fit(model: Model, plan: Plan) -> None:
    """Train from `model.position` up to `plan.epochs`; every finished epoch is in `model.history`."""
    step = _watched(model, plan) if plan.debug_nan else model.programs.train(plan.source.specs)
    progress = Progress(plan.verbose, model.objective.results)
    logs: Logs = {}
    with plan.interruption:
        try:
            plan.callbacks.call("on_train_begin")
            model.after_train_begin()
            while model.position.epoch < plan.epochs and not model.stop_training:
                logs = _epoch(model, plan, step, progress)
            if model.optimizer.use_ema and plan.epochs:
                model.optimizer.finalize_variable_values(model.trainable_variables)
            plan.callbacks.call("on_train_end", logs)
        finally:
            progress.close()


def _epoch(model: Model, plan: Plan, step: Callable[..., Any], progress: Progress) -> Logs:
    epoch, skip = model.position.epoch, model.position.batch
    if skip == 0:
        model.objective.reset()
    plan.callbacks.call("on_epoch_begin", epoch)
    steps = _fewest(plan.source.steps(plan.batch_size), plan.steps)
    progress.begin(f"Epoch {epoch + 1}/{plan.epochs}", steps, skip)
    _train(model, plan, step, progress, skip)
    logs: Logs = model.objective.results()
    if plan.validation is not None and (epoch + 1) % plan.validation_freq == 0:
        measured = evaluate(model, plan.validation, plan.validation_batch_size, plan.callbacks, plan.interruption)
        logs.update((f"val_{name}", value) for name, value in measured.items())
    model.history.append(epoch, logs)
    if plan.shuffle:
        model.shuffling.epochs += 1
    model.position = Position(epoch + 1)
    plan.callbacks.call("on_epoch_end", epoch, logs, last=False)
    model.history.complete(logs)
    progress.end(logs)
    plan.callbacks.call("on_epoch_end", epoch, logs, last=True)
    plan.interruption.check()
    return logs


def _train(model: Model, plan: Plan, step: Callable[..., Any], progress: Progress, skip: int) -> None:
    """The batches of one epoch after the first `skip`."""
    begins, ends = plan.callbacks.hooks("on_train_batch_begin"), plan.callbacks.hooks("on_train_batch_end")
    position, interruption, shown = model.position, plan.interruption, progress.style == "bar"
    order = model.shuffling.order if plan.shuffle else None
    stop = None if plan.steps is None else max(0, plan.steps - skip)
    with batches(plan.source, order, plan.batch_size, skip, interruption) as stream:
        for arguments in itertools.islice(stream, stop):
            for hook in begins:
                hook(position.batch, {})
            step(*arguments)
            position.batch += 1
            if ends:
                logs = model.objective.results()
                for hook in ends:
                    hook(position.batch - 1, logs)
            if shown:
                progress.step(position.batch)
            if interruption.came:
                interruption.check()
            if model.stop_training:
                break
    if position.batch == 0:
        raise GraphError(f"expected at least one batch in epoch {position.epoch + 1}, got none: {_EXHAUSTED}")


_EXHAUSTED = "a generator runs once, so pass steps_per_epoch or an object that can be iterated again"
_EXHAUSTED_VALIDATION = _EXHAUSTED.replace("steps_per_epoch", "validation_steps")


def _watched(model: Model, plan: Plan) -> Callable[..., Any]:
    """A step that raises `GraphError` for the first number that is not finite, and has then not moved the weights."""
    program, flags = model.programs.watched(plan.source.specs)

    def step(*arguments: np.ndarray) -> Any:
        loss, fine = program(*arguments)
        place = flags.first_bad(fine)
        if place is not None:
            at = f"epoch {model.position.epoch + 1}, batch {model.position.batch + 1}"
            raise GraphError(f"{model.name}: expected finite numbers, got NaN or infinity first in {place} ({at})")
        return loss

    return step


def evaluate(
    model: Model,
    source: Source,
    batch_size: int,
    callbacks: CallbackList,
    interruption: Interruption,
    steps: int | None = None,
    progress: Progress | None = None,
) -> Logs:
    """Losses and metrics over all batches of `source`, or the first `steps`."""
    program = model.programs.test(source.specs)
    model.objective.reset()
    callbacks.call("on_test_begin")
    begins, ends = callbacks.hooks("on_test_batch_begin"), callbacks.hooks("on_test_batch_end")
    number = -1
    with batches(source, None, batch_size, 0, interruption) as stream:
        for number, arguments in enumerate(itertools.islice(stream, steps)):
            for hook in begins:
                hook(number, {})
            program(*arguments)
            for hook in ends:
                hook(number, model.objective.results())
            if progress is not None:
                progress.step(number + 1)
            if interruption.came:
                interruption.check()
    if number < 0:
        raise GraphError(f"expected at least one batch to evaluate, got none: {_EXHAUSTED_VALIDATION}")
    logs = model.objective.results()
    callbacks.call("on_test_end", logs)
    return logs


def predict(
    model: Model, source: Source, batch_size: int, interruption: Interruption, steps: int | None, progress: Progress
) -> list[np.ndarray]:
    """Each output for all samples."""
    program = model.programs.predict()
    parts: list[list[np.ndarray]] = []
    with batches(source, None, batch_size, 0, interruption) as stream:
        for arguments in itertools.islice(stream, steps):
            parts.append(program(*arguments))
            progress.step(len(parts))
            if interruption.came:
                interruption.check()
    return [np.concatenate(same) for same in zip(*parts, strict=True)]


@contextmanager
def batches(
    source: Source, order: Order | None, batch_size: int, skip: int, interruption: Interruption
) -> Iterator[Iterator[Chunk]]:
    """The arguments of one batch after the other; a thread gathers ahead where that pays."""
    chunks = source.chunks(order, batch_size, skip)
    if not source.worth_a_thread(order):
        yield _cut(chunks, batch_size, source.cut)
        return
    with Prefetcher(chunks, interruption.check) as ahead:
        yield _cut(ahead, batch_size, source.cut)


def _cut(chunks: Iterator[Chunk], batch_size: int, cut: bool) -> Iterator[Chunk]:
    """Batches from chunks; those of a stream are batches already."""
    for chunk in chunks:
        rows = len(chunk[0])
        if not cut or rows <= batch_size:
            if rows:
                yield chunk
            continue
        for start in range(0, rows, batch_size):
            stop = start + batch_size
            yield [array[start:stop] for array in chunk]


def _fewest(a: int | None, b: int | None) -> int | None:
    known = [n for n in (a, b) if n is not None]
    return min(known, default=None)
