"""Sources: where batches come from — arrays, iterables of batches, or data sets of samples.

They stand apart from the loop, which takes chunks of arguments for a program and knows not what made them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.nn.training.arrays import as_array, as_arrays, refuse, refuse_non_finite

Array = np.ndarray
Chunk = list[Array]  # arguments of a program for one batch, or for several of them in rows
Order = Callable[[int], Array]  # a number of samples → their order

_CHUNK_BYTES = 1 << 20  # of rows gathered at once: few enough to stay in the cache, enough to forget the overhead
_WORTH_A_THREAD = 1 << 18  # bytes gathered in an epoch


@dataclass(frozen=True)
class Layout:
    """What a model's arrays are called: names and wanted dtypes of inputs and targets."""

    inputs: tuple[str, ...]
    input_dtypes: tuple[str | None, ...]
    input_ranks: tuple[int | None, ...]  # with the axis of the batch
    targets: tuple[str, ...]
    target_dtypes: tuple[str | None, ...]
    class_weight: Mapping[int, float] | None = None


Layouts = Callable[[Any], Layout]  # from an example of x, which a model without an `Input` learns its inputs from


@dataclass(frozen=True)
class Spec:
    """The dtype and the shape of one sample of an array."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Specs:
    """What programs are declared for: inputs, targets, and for each target the weights or None."""

    x: tuple[Spec, ...]
    y: tuple[Spec, ...]
    w: tuple[Spec | None, ...]


@dataclass(frozen=True)
class Samples:
    """Arrays of equal length: inputs, targets, and for each target weights or None."""

    x: list[Array]
    y: list[Array]
    w: list[Array | None]

    def __len__(self) -> int:
        return len(self.x[0]) if self.x else 0

    @property
    def specs(self) -> Specs:
        w = tuple(None if a is None else _spec(a) for a in self.w)
        return Specs(tuple(map(_spec, self.x)), tuple(map(_spec, self.y)), w)

    @property
    def arguments(self) -> Chunk:
        """What a program takes: inputs, targets, weights that are there."""
        return [*self.x, *self.y, *(a for a in self.w if a is not None)]

    def rows(self, start: int, stop: int) -> Samples:
        """The samples from `start` up to `stop`."""
        w = [None if a is None else a[start:stop] for a in self.w]
        return Samples([a[start:stop] for a in self.x], [a[start:stop] for a in self.y], w)


def samples(layout: Layout, x: Any, y: Any = None, w: Any = None) -> Samples:
    """Checked arrays. Raises `GraphError` for what is missing, of unequal length, or not finite."""
    xs = as_arrays("x", x, layout.inputs, layout.input_dtypes)
    xs = [
        a[:, None] if a.ndim == 1 and rank in (None, 2) else a for a, rank in zip(xs, layout.input_ranks, strict=True)
    ]
    ys = [] if y is None else as_arrays("y", y, layout.targets, layout.target_dtypes)
    ws: list[Array | None] = [None] * len(ys)
    if w is not None and ys:
        single = len(layout.targets) > 1 and not isinstance(w, list | tuple | dict)
        given = [w] * len(ys) if single else w
        ws = list(as_arrays("sample_weight", given, layout.targets, ("float32",) * len(ys)))
    if layout.class_weight is not None and ys:
        ws = [_class_weights(ys, layout.class_weight, ws[0])]
    made = Samples(xs, ys, ws)
    named = [(_named("x", layout.inputs, i), a) for i, a in enumerate(xs)]
    named += [(_named("y", layout.targets, i), a) for i, a in enumerate(ys)]
    named += [("sample_weight", a) for a in ws if a is not None]
    for name, array in named:
        if array.ndim == 0:
            refuse(f"expected {name} to have an axis for the samples, got a single number")
        if len(array) != len(xs[0]):
            refuse(f"expected as many rows in {name} as in x, got {len(array)} and {len(xs[0])}")
        refuse_non_finite(name, array)
    return made


Check = Callable[[Samples], None]  # refuses what arrays alone don't show: labels that the model has no class for


class ArraySource:
    """Samples that are all there: shuffled or not, resumed at any batch."""

    cut = True  # whether chunks hold several batches

    def __init__(self, data: Samples):
        self.data, self.specs = data, data.specs
        self.row_bytes = max(1, sum(a.nbytes for a in data.arguments) // max(1, len(data)))

    def steps(self, batch_size: int) -> int | None:
        return -(-len(self.data) // batch_size)

    def chunks(self, order: Order | None, batch_size: int, skip: int) -> Iterator[Chunk]:
        """Chunks of whole batches, the last of which may be smaller, without the first `skip` batches."""
        arguments, count = self.data.arguments, len(self.data)
        rows = batch_size * max(1, _CHUNK_BYTES // (self.row_bytes * batch_size))
        if order is None:
            yield [a[skip * batch_size :] for a in arguments]
            return
        places = order(count)
        for start in range(skip * batch_size, count, rows):
            chosen = places[start : start + rows]
            yield [a.take(chosen, axis=0) for a in arguments]

    def worth_a_thread(self, order: Order | None) -> bool:
        return order is not None and self.row_bytes * len(self.data) > _WORTH_A_THREAD


class StreamSource:
    """An iterable of batches (x, y[, w]); one that can be started again is, every epoch."""

    cut = False  # whether chunks hold several batches

    def __init__(self, layouts: Layouts, check: Check, batches: Any, per_epoch: int | None):
        self.check = check
        self.batches, self.per_epoch = batches, per_epoch
        self.iterator = iter(batches)
        self.one_way = self.iterator is batches
        first = next(self.iterator, None)
        if first is None:
            refuse("expected at least one batch, got an iterable without any")
        self.first: Any = [first]
        self.layout = layouts(first[0] if isinstance(first, tuple | list) else first)
        self.specs = _unpacked(self.layout, first).specs

    def steps(self, batch_size: int) -> int | None:
        if self.per_epoch is not None:
            return self.per_epoch
        return len(self.batches) if hasattr(self.batches, "__len__") else None

    def chunks(self, order: Order | None, batch_size: int, skip: int) -> Iterator[Chunk]:
        """One batch a chunk; `skip` batches are drawn and dropped."""
        remembered, self.first = self.first, []
        if not remembered and not self.one_way and self.per_epoch is None:
            self.iterator = iter(self.batches)
        stream = itertools.chain(remembered, self.iterator)
        for number, batch in enumerate(itertools.islice(stream, self.per_epoch)):
            if number < skip:
                continue
            made = _unpacked(self.layout, batch)
            if made.specs != self.specs:
                refuse(f"expected batches like the first, of {self.specs}, got one of {made.specs}")
            self.check(made)
            yield made.arguments

    def worth_a_thread(self, order: Order | None) -> bool:
        return True


class DatasetSource:
    """A data set with `len` and `[i]`, which gives one sample (x, y[, w])."""

    cut = False  # whether chunks hold several batches

    def __init__(self, layouts: Layouts, check: Check, dataset: Any):
        self.dataset, self.check = dataset, check
        if len(dataset) == 0:
            refuse("expected at least one sample, got an empty data set")
        example = self._stacked([0])
        self.layout = layouts(example[0])
        self.specs = _unpacked(self.layout, example).specs

    def steps(self, batch_size: int) -> int | None:
        return -(-len(self.dataset) // batch_size)

    def chunks(self, order: Order | None, batch_size: int, skip: int) -> Iterator[Chunk]:
        count = len(self.dataset)
        places = np.arange(count) if order is None else order(count)
        for start in range(skip * batch_size, count, batch_size):
            made = self._collated(places[start : start + batch_size])
            self.check(made)
            yield made.arguments

    def worth_a_thread(self, order: Order | None) -> bool:
        return True

    def _collated(self, places: Sequence[int] | Array) -> Samples:
        return _unpacked(self.layout, self._stacked(places))

    def _stacked(self, places: Sequence[int] | Array) -> tuple[Any, ...]:
        items = [self.dataset[int(i)] for i in places]
        parts = [item if isinstance(item, tuple | list) else (item,) for item in items]
        return tuple(map(_stacked, zip(*parts, strict=True)))


Source = ArraySource | StreamSource | DatasetSource


def _class_weights(targets: Sequence[Array], table: Mapping[int, float], weights: Array | None) -> Array:
    """The weight of each sample by its class, times its own weight; a class that the table lacks has weight 1."""
    if len(targets) != 1:
        refuse(f"expected class_weight for a model with one output, got {len(targets)} outputs")
    labels = targets[0]
    if labels.ndim > 1:
        labels = labels.argmax(axis=-1) if labels.shape[-1] > 1 else labels[..., 0]
    chosen = np.ones(labels.shape, np.float32)
    for label, weight in table.items():
        chosen[labels == label] = weight
    return chosen if weights is None else chosen * weights.reshape(chosen.shape)


def _stacked(parts: Sequence[Any]) -> Any:
    if isinstance(parts[0], dict):
        return {key: _stacked([part[key] for part in parts]) for key in parts[0]}
    if isinstance(parts[0], tuple | list) and any(hasattr(p, "__array__") for p in parts[0]):
        return [_stacked(same) for same in zip(*parts, strict=True)]
    try:
        return np.stack([as_array("a sample", part) for part in parts])
    except ValueError as error:
        refuse(f"expected samples of one shape, got others ({error})")


def _unpacked(layout: Layout, batch: Any) -> Samples:
    if not isinstance(batch, tuple | list) or not layout.targets:
        batch = batch if isinstance(batch, tuple) and not layout.targets else (batch,)
        return samples(layout, batch[0])
    if not 1 <= len(batch) <= 3:
        refuse(f"expected batches (x, y) or (x, y, sample_weight), got one of {len(batch)} parts")
    return samples(layout, *batch)


def _spec(array: Array) -> Spec:
    return Spec(array.dtype.name, tuple(array.shape[1:]))


def _named(what: str, names: Sequence[str], number: int) -> str:
    return what if len(names) == 1 else f"{what}[{names[number]!r}]"
