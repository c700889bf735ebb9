"""Archives: one zip file, not compressed, of a JSON document and the arrays that go with it as safetensors.

They stand apart from what is in them. Nothing is ever unpickled, and sizes are checked before anything is read, so
that a damaged or hostile file costs an error and no more.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, NoReturn

import numpy as np

from graphc import ops
from graphc.errors import GraphError
from graphc.nn.saving.files import PathLike, write_atomically

Arrays = dict[str, np.ndarray]

_DOCUMENT, _ARRAYS = "document.json", "arrays.safetensors"
_LARGEST_DOCUMENT = 64 << 20  # bytes
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the date in the zip file: equal contents are equal files


def write_archive(path: PathLike, kind: str, document: Mapping[str, Any], arrays: Arrays) -> None:
    """Write a document and arrays, as a file of `kind`. Raises `OSError`, which leaves an older file as it was."""
    text = json.dumps({"format": _format(kind), **document}, indent=1).encode()
    data = encode_arrays(arrays)

    def write(file: BinaryIO) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(zipfile.ZipInfo(_DOCUMENT, _EPOCH), text)
            archive.writestr(zipfile.ZipInfo(_ARRAYS, _EPOCH), data)

    write_atomically(path, write)


def read_archive(path: PathLike, kind: str) -> tuple[dict[str, Any], Arrays]:
    """The document and the arrays of a file of `kind`. Raises `GraphError` for another or a damaged file."""
    place = existing(path)
    try:
        with zipfile.ZipFile(place) as archive:
            text = _member(archive, _DOCUMENT, _LARGEST_DOCUMENT)
            data = _member(archive, _ARRAYS, place.stat().st_size)
        document = json.loads(text)
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, RecursionError, NotImplementedError) as error:
        refuse(
            f"expected a {kind} that graphc saved in {place}, got a file that is damaged or of another kind ({error})"
        )
    if not isinstance(document, dict) or document.get("format") != _format(kind):
        got = document.get("format") if isinstance(document, dict) else None
        refuse(f"expected {_format(kind)!r} in {place}, got {got!r}")
    return document, decode_arrays(data, str(place))


def encode_arrays(arrays: Arrays) -> bytes:
    """The bytes of a safetensors file."""
    return _safetensors().save({name: np.ascontiguousarray(a).reshape(a.shape) for name, a in arrays.items()})


def decode_arrays(data: bytes, place: str) -> Arrays:
    """The arrays in the bytes of a safetensors file. Raises `GraphError`, which names the place."""
    library = _safetensors()
    try:
        return dict(library.load(data))
    except Exception as error:  # SafetensorError, and what NumPy says of dtypes that it has not
        refuse(f"expected whole safetensors in {place}, got: {error}")


def existing(path: PathLike) -> Path:
    """`path`, if there is a file. Raises `GraphError`."""
    place = Path(path)
    if not place.is_file():
        refuse(f"expected a file at {place}, got {'a folder' if place.is_dir() else 'none'}")
    return place


def refuse(message: str) -> NoReturn:
    """Raise `GraphError` with the user's line."""
    ops.refuse("load", message)


def _format(kind: str) -> str:
    return f"graphc {kind} 1"


def _member(archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    entry = archive.getinfo(name)
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size or entry.file_size > largest:
        raise GraphError(f"{name} is compressed or larger than the file")
    return archive.read(entry)


def _safetensors() -> ModuleType:
    try:
        from safetensors import numpy
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            f"expected safetensors to save with, got '{missing}': pip install safetensors"
        ) from None
    return numpy
