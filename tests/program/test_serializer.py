"""Programs survive the trip through bytes; damaged bytes are refused, in Python and in C++ alike."""

from __future__ import annotations

import random
import struct
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import copies, training_step

from graphc.dims import dim, floordiv, maximum, minimum
from graphc.dtypes import float64
from graphc.errors import CompileError, GraphError
from graphc.program.program import Constant, Port, Program
from graphc.program.serializer import decode, encode
from graphc.runtime import _core

PROGRAMS = {"training_step": training_step(), "copies": copies()}


@pytest.mark.parametrize("name", PROGRAMS)
def test_round_trip(name: str) -> None:
    program = PROGRAMS[name]
    back = decode(encode(program))
    assert replace(back, constants=()) == replace(program, constants=())
    for ours, theirs in zip(program.constants, back.constants, strict=True):
        assert ours.name == theirs.name and ours.array.dtype == theirs.array.dtype
        np.testing.assert_array_equal(ours.array, theirs.array)
        assert ours.array.shape == theirs.array.shape
    assert encode(back) == encode(program)


def sizes() -> st.SearchStrategy:
    leaves = st.one_of(st.integers(-9, 9), st.sampled_from([dim("a"), dim("b"), dim("c")]))
    joins = [
        lambda x, y: x + y,
        lambda x, y: x - y,
        lambda x, y: x * y,
        minimum,
        maximum,
        lambda x, y: floordiv(x, y) if y != 0 else x,
    ]
    return st.recursive(
        leaves, lambda s: st.builds(lambda f, x, y: f(x, y), st.sampled_from(joins), s, s), max_leaves=8
    )


@given(sizes())
def test_every_size_round_trips(size) -> None:
    program = Program("p", ("a", "b", "c"), (Port("x", float64, (size,)),), (), (), (), (), 0, (), ())
    assert decode(encode(program)).inputs[0].shape == (size,)


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_truncation_is_refused(name: str) -> None:
    data = encode(PROGRAMS[name])
    for length in range(len(data)):
        with pytest.raises(CompileError):
            decode(data[:length])
        with pytest.raises((CompileError, GraphError)):
            _core.Executable(data[:length], {}, [], "list", None)
    with pytest.raises(CompileError, match="expected the end of the program"):
        decode(data + b"\0")


@pytest.mark.parametrize("name", PROGRAMS)
def test_random_damage_is_refused_or_harmless(name: str) -> None:
    data = encode(PROGRAMS[name])
    dice = random.Random(20)
    for _ in range(3000):
        damaged = bytearray(data)
        for _ in range(dice.randint(1, 4)):
            damaged[dice.randrange(len(data))] = dice.randrange(256)
        for read in (decode, lambda b: _core.Executable(b, {}, [], "list", None)):
            with suppress(CompileError, GraphError):
                read(bytes(damaged))


def test_other_files_are_refused() -> None:
    with pytest.raises(CompileError, match="expected the bytes of a graphc program, got something else"):
        decode(b"\x7fELF" + bytes(100))
    with pytest.raises(CompileError, match="expected a program of version 1, got version 2"):
        decode(b"GCPL" + struct.pack("<I", 2))


def test_unlisted_symbol_is_refused() -> None:
    program = Program("p", ("a",), (Port("x", float64, (dim("b"),)),), (), (), (), (), 0, (), ())
    with pytest.raises(CompileError, match="expected a size over the symbols a, got 'b'"):
        encode(program)


@pytest.mark.parametrize("array", [np.zeros((3, 0), "f4"), np.array(True), np.arange(6, dtype=">i4").reshape(2, 3).T])
def test_constants_of_any_layout(array: np.ndarray) -> None:
    program = Program("p", (), (), (), (), (Constant("c", array),), (), 0, (), ())
    back = decode(encode(program)).constants[0].array
    np.testing.assert_array_equal(back, array)
    assert back.shape == array.shape and back.dtype == array.dtype.newbyteorder("=")
