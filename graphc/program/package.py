"""The package file: programs, variables' values and native code in one file. docs/package-format.md has every byte.

It stands apart from the serializer, whose bytes it carries: a package knows files, hashes and machine code, a
program does not. `csrc/host/package_file.cpp` reads the same layout.

    package  = header, table, sections; each section at the next multiple of 64, zeros between
    header   = "GCPACK\\r\\n", u32 version (1), u32 sections, u64 length of the file, u32 0x01020304, u32 0,
               SHA-256 of the table
    table    = sections × (u32 kind, u32 0, u64 begin, u64 length, u64 0, SHA-256 of the section)
    kinds    : 1 manifest | 2 program | 3 variables | 4 code | 5 signature (last)
    manifest = string producer, list(string key, string value),
               list(string name, u8 dtype, list(i64) shape, u64 begin in the section of variables),
               list(string name, u32 section, list(u32 variable)), list(string target, u32 section)
    string, list, program: as in serializer.py
"""

from __future__ import annotations

import hashlib
import os
import struct
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from graphc import dtypes
from graphc.errors import CompileError
from graphc.program.program import Program
from graphc.program.serializer import decode, encode

MAGIC, VERSION, BYTE_ORDER = b"GCPACK\r\n", 1, 0x01020304
MANIFEST, PROGRAM, VARIABLES, CODE, SIGNATURE = range(1, 6)
KINDS = {MANIFEST: "manifest", PROGRAM: "program", VARIABLES: "variables", CODE: "code", SIGNATURE: "signature"}
ALIGNMENT = 64
_HEADER, _ENTRY = struct.Struct("<8sIIQII32s"), struct.Struct("<IIQQQ32s")
_SIGNED = b"graphc package 1"
_T = TypeVar("_T")


@dataclass(frozen=True)
class PackagedProgram:
    """A program under the name that hosts ask for; `variables[i]` is the package's variable for its state i."""

    name: str
    program: Program
    variables: tuple[int, ...]


@dataclass(frozen=True)
class Section:
    """Where something is in the file; filled in by `unpack`."""

    kind: int
    begin: int
    length: int
    sha256: bytes


@dataclass(frozen=True)
class Package:
    """What a package holds. `code` maps targets ("x86-64-v3") to shared libraries."""

    producer: str
    metadata: Mapping[str, str]
    variables: Sequence[tuple[str, np.ndarray]]
    programs: Sequence[PackagedProgram]
    code: Mapping[str, bytes]
    signature: bytes = b""
    sections: Sequence[Section] = field(default=())


def pack(package: Package, sign: Callable[[bytes], bytes] | None = None) -> bytes:
    """The bytes of `package`; `sign(message)` gives the signature to add."""
    begins, values = _lay_out([np.asarray(array, order="C") for _, array in package.variables])
    sections = [(MANIFEST, b""), (VARIABLES, values)]
    programs, codes = [], []
    for packaged in package.programs:
        programs.append(len(sections))
        sections.append((PROGRAM, encode(packaged.program)))
    for data in package.code.values():
        codes.append(len(sections))
        sections.append((CODE, data))
    sections[0] = (MANIFEST, _manifest(package, begins, programs, codes))
    if sign is None:
        return _assemble(sections)
    with_room = [*sections, (SIGNATURE, bytes(64))]
    message = _SIGNED + b"".join(_table(with_room)[:-1])
    return _assemble([*sections, (SIGNATURE, sign(message))])


def unpack(data: bytes) -> Package:
    """The package in `data`, checked as a host checks it. Raises `CompileError` for anything that `pack` does not
    write."""
    sections = _sections(data)
    contents = [data[s.begin : s.begin + s.length] for s in sections]
    manifests = [i for i, s in enumerate(sections) if s.kind == MANIFEST]
    values = [i for i, s in enumerate(sections) if s.kind == VARIABLES]
    if len(manifests) != 1 or len(values) != 1:
        raise CompileError("expected one manifest and one section of variables in the package")
    signature = b"".join(c for s, c in zip(sections, contents, strict=True) if s.kind == SIGNATURE)
    return _ManifestReader(contents[manifests[0]], sections, contents, values[0]).package(signature)


def replace_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to `path`; others see the old file or all of the new one. Raises `OSError`."""
    path = Path(path)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".graphc-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, path.stat().st_mode & 0o7777 if path.exists() else 0o644)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


def _aligned(position: int) -> int:
    return -(-position // ALIGNMENT) * ALIGNMENT


def _lay_out(arrays: Sequence[np.ndarray]) -> tuple[list[int], bytes]:
    begins: list[int] = []
    data = bytearray()
    for array in arrays:
        data.extend(bytes(_aligned(len(data)) - len(data)))
        begins.append(len(data))
        data.extend(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return begins, bytes(data)


def _table(sections: Sequence[tuple[int, bytes]]) -> list[bytes]:
    """The entries of the table."""
    entries = []
    end = _HEADER.size + _ENTRY.size * len(sections)
    for kind, data in sections:
        begin = _aligned(end)
        entries.append(_ENTRY.pack(kind, 0, begin, len(data), 0, hashlib.sha256(data).digest()))
        end = begin + len(data)
    return entries


def _assemble(sections: Sequence[tuple[int, bytes]]) -> bytes:
    table = b"".join(_table(sections))
    body = bytearray(table)
    for _, data in sections:
        at = _HEADER.size + len(body)
        body.extend(bytes(_aligned(at) - at))
        body.extend(data)
    header = (MAGIC, VERSION, len(sections), _HEADER.size + len(body), BYTE_ORDER, 0, hashlib.sha256(table).digest())
    return _HEADER.pack(*header) + bytes(body)


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<I", len(data)) + data


def _list(items: Sequence[bytes]) -> bytes:
    return struct.pack("<I", len(items)) + b"".join(items)


def _manifest(package: Package, begins: Sequence[int], programs: Sequence[int], codes: Sequence[int]) -> bytes:
    variables = [
        _string(name)
        + struct.pack("<B", dtypes.ALL.index(dtypes.as_dtype(array.dtype)))
        + _list([struct.pack("<q", extent) for extent in array.shape])
        + struct.pack("<Q", begin)
        for (name, array), begin in zip(package.variables, begins, strict=True)
    ]
    packaged = [
        _string(p.name) + struct.pack("<I", section) + _list([struct.pack("<I", v) for v in p.variables])
        for p, section in zip(package.programs, programs, strict=True)
    ]
    code = [_string(target) + struct.pack("<I", s) for target, s in zip(package.code, codes, strict=True)]
    metadata = [_string(key) + _string(value) for key, value in package.metadata.items()]
    return _string(package.producer) + _list(metadata) + _list(variables) + _list(packaged) + _list(code)


def _sections(data: bytes) -> list[Section]:
    """The table of sections, with every hash checked."""
    if len(data) < _HEADER.size or data[: len(MAGIC)] != MAGIC:
        raise CompileError("expected a graphc package, got something else")
    _, version, count, length, order, zero, digest = _HEADER.unpack_from(data)
    if version != VERSION:
        raise CompileError(f"expected a package of version {VERSION}, got version {version}")
    if length != len(data):
        raise CompileError(f"expected a package of {length} bytes, got {len(data)}")
    end = _HEADER.size + count * _ENTRY.size
    if order != BYTE_ORDER or zero or not count or end > len(data):
        raise CompileError("expected a table of sections inside the package")
    if hashlib.sha256(data[_HEADER.size : end]).digest() != digest:
        raise CompileError("table of sections: expected the bytes that its hash was made from, got others")
    sections = []
    for number in range(count):
        kind, zero, begin, size, more, digest = _ENTRY.unpack_from(data, _HEADER.size + number * _ENTRY.size)
        if kind not in KINDS or zero or more or begin != _aligned(end) or begin + size > len(data):
            raise CompileError(f"section {number}: expected it behind the section before, inside the package")
        if any(data[end:begin]) or hashlib.sha256(data[begin : begin + size]).digest() != digest:
            raise CompileError(f"section {number}: expected the bytes that its hash was made from, got others")
        sections.append(Section(kind, begin, size, digest))
        end = begin + size
    if end != len(data):
        raise CompileError("expected the end of the package, got more bytes")
    return sections


class _ManifestReader:
    def __init__(self, data: bytes, sections: Sequence[Section], contents: Sequence[bytes], values: int):
        self.data, self.at = data, 0
        self.sections, self.contents, self.values = sections, contents, contents[values]

    def unpack(self, layout: str) -> int:
        size = struct.calcsize("<" + layout)
        if size > len(self.data) - self.at:
            raise CompileError("manifest: expected more bytes, got its end")
        (value,) = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += size
        return value

    def string(self) -> str:
        length = self.unpack("I")
        if length > len(self.data) - self.at:
            raise CompileError("manifest: expected more bytes, got its end")
        self.at += length
        return self.data[self.at - length : self.at].decode(errors="replace")

    def items(self, read: Callable[[], _T]) -> list[_T]:
        count = self.unpack("I")
        if count > len(self.data) - self.at:  # every item takes a byte at least
            raise CompileError("manifest: expected a smaller count")
        return [read() for _ in range(count)]

    def section(self, kind: int) -> bytes:
        index = self.unpack("I")
        if index >= len(self.sections) or self.sections[index].kind != kind:
            raise CompileError(f"manifest: expected a section of kind {KINDS[kind]}")
        return self.contents[index]

    def variable(self) -> tuple[str, np.ndarray]:
        name, number, shape = self.string(), self.unpack("B"), self.items(lambda: self.unpack("q"))
        begin = self.unpack("Q")
        if number >= len(dtypes.ALL) or any(extent < 0 for extent in shape):
            raise CompileError(f"variable {name}: expected a dtype and a shape")
        dtype, count = dtypes.ALL[number], 1
        for extent in shape:
            count *= extent
        if begin % ALIGNMENT or begin + count * dtype.itemsize > len(self.values):
            raise CompileError(f"variable {name}: expected an aligned range of its section")
        array = np.frombuffer(self.values, dtype.numpy.newbyteorder("<"), count, begin)
        return name, array.astype(dtype.numpy).reshape(shape)

    def program(self) -> PackagedProgram:
        name, program = self.string(), decode(self.section(PROGRAM))
        return PackagedProgram(name, program, tuple(self.items(lambda: self.unpack("I"))))

    def package(self, signature: bytes) -> Package:
        producer = self.string()
        metadata = dict(self.items(lambda: (self.string(), self.string())))
        variables = self.items(self.variable)
        programs = self.items(self.program)
        if any(v >= len(variables) for p in programs for v in p.variables):
            raise CompileError("manifest: expected variables of the package")
        code = dict(self.items(lambda: (self.string(), self.section(CODE))))
        if self.at != len(self.data):
            raise CompileError("manifest: expected its end, got more bytes")
        return Package(producer, metadata, variables, programs, code, signature, self.sections)
