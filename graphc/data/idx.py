"""A reader of idx files, the format in which MNIST and its relatives are published.

Own code because the format is three lines and the readers on the package index are unmaintained, take
no compressed files or trust the header. Source: the description on the MNIST page (LeCun, Cortes, Burges).
"""

from __future__ import annotations

import gzip
import math
import os
import zlib

import numpy as np

from graphc.errors import GraphError

_ELEMENTS = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in an idx file, in the machine's byte order; a name ending in .gz is decompressed.

    Layout, big-endian: two zero bytes, the element type, the rank, one uint32 a dim, the elements.
    """
    opener = gzip.open if os.fspath(path).endswith(".gz") else open
    try:
        with opener(path, "rb") as file:
            data = file.read()
    except (gzip.BadGzipFile, EOFError, zlib.error) as damage:
        raise GraphError(f"expected a gzip file in {os.fspath(path)}, got a damaged one ({damage})") from None
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _ELEMENTS or len(data) < 4 + 4 * data[3]:
        raise GraphError(f"expected an idx file in {os.fspath(path)}, got one that starts with {data[:4]!r}")
    element = np.dtype(_ELEMENTS[data[2]])
    shape = tuple(int(dim) for dim in np.frombuffer(data, ">u4", count=data[3], offset=4))
    start, size = 4 + 4 * len(shape), math.prod(shape) * element.itemsize
    if len(data) - start != size:
        raise GraphError(f"expected {size} bytes of elements in {os.fspath(path)}, got {len(data) - start}")
    return np.frombuffer(data, element, offset=start).reshape(shape).astype(element.newbyteorder("="))
