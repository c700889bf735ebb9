"""Liveness → offsets: values that are never alive together share a place in one arena.

Sizes may be symbolic, so a place is shared only where one size is provably at most the other; the
plan holds for every batch size.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphc.dims import Size, at_most

ALIGNMENT = 64  # bytes: a cache line, and the widest vector


@dataclass(frozen=True)
class Lifetime:
    """A buffer of `nbytes` that is written first in step `first` and read last in step `last`."""

    nbytes: Size
    first: int
    last: int


@dataclass
class _Place:
    nbytes: Size
    free_after: int


def plan_memory(lifetimes: list[Lifetime]) -> tuple[list[Size], Size]:
    """The offset of each buffer, and the size of the arena; linear scan in order of first use."""
    places: list[_Place] = []
    assigned: dict[int, int] = {}
    for i in sorted(range(len(lifetimes)), key=lambda i: lifetimes[i].first):
        buffer = lifetimes[i]
        nbytes = aligned(buffer.nbytes)
        free = [p for p in range(len(places)) if places[p].free_after < buffer.first]
        fits = [p for p in free if at_most(nbytes, places[p].nbytes)]
        grows = [p for p in free if at_most(places[p].nbytes, nbytes)]
        if fits:
            chosen = _tightest(fits, places)
        elif grows:
            chosen = _tightest(grows, places, largest=True)
            places[chosen].nbytes = nbytes
        else:
            chosen = len(places)
            places.append(_Place(nbytes, 0))
        places[chosen].free_after = buffer.last
        assigned[i] = chosen
    offsets: list[Size] = []
    total: Size = 0
    for place in places:
        offsets.append(total)
        total = total + place.nbytes
    return [offsets[assigned[i]] for i in range(len(lifetimes))], total


def naive_bytes(lifetimes: list[Lifetime]) -> Size:
    """What the same buffers take when nothing is shared."""
    return sum((aligned(x.nbytes) for x in lifetimes), 0)


def aligned(nbytes: Size) -> Size:
    """`nbytes` rounded up to the alignment."""
    return (nbytes + (ALIGNMENT - 1)) // ALIGNMENT * ALIGNMENT


def _tightest(candidates: list[int], places: list[_Place], largest: bool = False) -> int:
    best = candidates[0]
    for p in candidates[1:]:
        smaller = at_most(places[p].nbytes, places[best].nbytes)
        if smaller is not largest and places[p].nbytes != places[best].nbytes:
            best = p
    return best
