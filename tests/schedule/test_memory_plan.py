"""Offsets from liveness: nothing that is alive together overlaps, and sharing never costs memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graphc.dims import dim, evaluate
from graphc.schedule.memory_plan import ALIGNMENT, Lifetime, aligned, naive_bytes, plan_memory

BATCH, WIDTH = dim("batch"), dim("width")
sizes = st.one_of(
    st.integers(0, 10_000),
    st.integers(1, 9).map(lambda c: c * BATCH),
    st.integers(1, 9).map(lambda c: c * BATCH * WIDTH + 4),
    st.integers(1, 9).map(lambda c: (c * WIDTH + 3) // 4),
)
lifetimes = st.lists(
    st.builds(lambda n, first, length: Lifetime(n, first, first + length), sizes, st.integers(0, 9), st.integers(0, 5)),
    max_size=12,
)


@given(lifetimes, st.integers(0, 300), st.integers(0, 300))
def test_no_overlap_while_alive(buffers, batch, width):
    offsets, arena = plan_memory(buffers)
    at = {"batch": batch, "width": width}
    total = evaluate(arena, at)
    ranges = [(evaluate(o, at), evaluate(b.nbytes, at), b) for o, b in zip(offsets, buffers, strict=True)]
    for i, (offset, nbytes, buffer) in enumerate(ranges):
        assert offset % ALIGNMENT == 0 and offset + nbytes <= total
        for other_offset, other_bytes, other in ranges[:i]:
            together = buffer.first <= other.last and other.first <= buffer.last
            apart = offset + nbytes <= other_offset or other_offset + other_bytes <= offset
            assert apart or not together or not nbytes or not other_bytes
    assert total <= evaluate(naive_bytes(buffers), at)


def test_a_chain_needs_two_places():
    chain = [Lifetime(1000 * BATCH, step, step + 1) for step in range(20)]
    _, arena = plan_memory(chain)
    assert arena == 2 * aligned(1000 * BATCH)


def test_a_larger_buffer_takes_over_a_smaller_place():
    _, arena = plan_memory([Lifetime(64, 0, 0), Lifetime(128, 1, 1), Lifetime(64, 2, 2)])
    assert arena == 128


def test_unrelated_sizes_share_nothing():
    offsets, arena = plan_memory([Lifetime(64 * BATCH, 0, 0), Lifetime(64 * WIDTH, 1, 1)])
    assert offsets == [0, 64 * BATCH] and arena == 64 * BATCH + 64 * WIDTH
