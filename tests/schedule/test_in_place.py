"""When a result may overwrite an operand: at the same index, in the same loop, and nobody reads it later."""

from __future__ import annotations

import numpy as np

import graphc as gc
from graphc import dtypes
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.kernel import Buffer, Kernel, Let, Loop, Nest, Store
from graphc.schedule.in_place import merge_in_place

F32 = dtypes.float32
ROW, COLUMN = k.index("i0"), k.index("i1")


def load(name, *index):  # type: ignore[no-untyped-def]
    return k.load(name, index, F32)


def kernel(body, shape=(8, 8), read_shape=None):  # type: ignore[no-untyped-def]
    buffers = (Buffer("x", F32, read_shape or shape, "read"), Buffer("y", F32, shape, "write"))
    return Kernel("test", buffers, (Nest(Loop("i0", 8, (Loop("i1", 8, tuple(body), 16),))),))


def test_same_index_is_merged_and_loaded_first():
    merged = merge_in_place(kernel([Store("y", (ROW, COLUMN), load("x", ROW, COLUMN) + 1)]), "x", "y")
    assert [b.name for b in merged.buffers] == ["x"] and merged.buffers[0].access == "readwrite"
    let, store = merged.nests[0].loop.body[0].body
    assert isinstance(let, Let) and let.value is load("x", ROW, COLUMN) and store.buffer == "x"


def test_transposed_read_is_refused():
    assert merge_in_place(kernel([Store("y", (ROW, COLUMN), load("x", COLUMN, ROW))]), "x", "y") is None


def test_other_shape_is_refused():
    body = [Store("y", (ROW, COLUMN), load("x", ROW, COLUMN))]
    assert merge_in_place(kernel(body, read_shape=(8, 9)), "x", "y") is None


def test_guarded_read_is_refused():
    body = [Store("y", (ROW, COLUMN), k.load_if(k.lt(ROW, COLUMN), "x", (ROW, COLUMN), F32))]
    assert merge_in_place(kernel(body), "x", "y") is None


def test_read_in_a_later_loop_is_refused():
    first = Loop("i1", 8, (Store("y", (ROW, COLUMN), load("x", ROW, COLUMN)),), 16)
    second = Loop("i1", 8, (Store("z", (ROW, COLUMN), load("x", ROW, COLUMN)),), 16)
    buffers = (Buffer("x", F32, (8, 8), "read"), Buffer("y", F32, (8, 8), "write"), Buffer("z", F32, (8, 8), "write"))
    assert merge_in_place(Kernel("test", buffers, (Nest(Loop("i0", 8, (first, second))),)), "x", "y") is None


def test_read_in_an_earlier_loop_of_the_same_row_is_allowed():
    first = Loop("i1", 8, (Store("z", (ROW, COLUMN), load("x", ROW, COLUMN)),), 16)
    second = Loop("i1", 8, (Store("y", (ROW, COLUMN), load("x", ROW, COLUMN)),), 16)
    buffers = (Buffer("x", F32, (8, 8), "read"), Buffer("y", F32, (8, 8), "write"), Buffer("z", F32, (8, 8), "write"))
    merged = merge_in_place(Kernel("test", buffers, (Nest(Loop("i0", 8, (first, second))),)), "x", "y")
    assert [b.access for b in merged.buffers] == ["readwrite", "write"]


def test_a_total_overwrites_what_was_summed():
    state = gc.variable(np.int64(3), name="state")
    x = gc.input("x", (5,), "int64")
    program = gc.compile([x], gc.max(x + state), {state: gc.sum(x * state)})
    assert not program.compilation.schedule.order.notes
    assert program(np.arange(5)) == 7 and state.value == 30
    running = gc.variable(np.int64(1), name="running")
    program = gc.compile([x], [], {running: running + gc.sum(x)})
    program(np.arange(5))
    assert running.value == 11 and "copy" not in program.dump("plan")


def test_a_read_in_the_finish_after_the_store_is_refused():
    total = Store("y", (), load("x") + 1)
    nest = Nest(Loop("i0", 8, (Store("w", (ROW,), load("x")),)), finish=(total, Store("z", (), load("x"))))
    buffers = [Buffer(name, F32, (), "write") for name in "yz"]
    buffers += [Buffer("x", F32, (), "read"), Buffer("w", F32, (8,), "write")]
    assert merge_in_place(Kernel("test", tuple(buffers), (nest,)), "x", "y") is None
    assert merge_in_place(Kernel("test", tuple(buffers), (nest,)), "x", "z") is not None
