"""Native code on disk, found by the hash of everything that it was made from.

It stands apart from the backends because its promise is the same for all: a file is right or it is not
there. Whatever is wrong with the folder or a file (truncated, foreign, read-only, full disk) means
compiling again, never an error.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from graphc import config

_MAGIC = b"graphc-1"
_TRAILER = len(_MAGIC) + 8 + 32  # magic, length, SHA-256 of key and code; at the end, where ELF does not mind it


def key_of(*parts: str) -> str:
    """The name for code that was made from `parts`."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def find(key: str, suffix: str) -> tuple[Path | None, bytes, str]:
    """The file of `key` and its verified code, or None, b"" and the reason."""
    path = config.cache_dir.read() / f"{key}{suffix}"
    distrust = _distrust(path.parent)
    if distrust:
        return None, b"", distrust
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None, b"", f"nothing was compiled from this source, flags, CPU and versions yet ({path.name})"
    except OSError as error:
        return None, b"", f"{path} could not be read: {error.strerror}"
    code = data[:-_TRAILER]
    if len(data) <= _TRAILER or data[-_TRAILER:] != _trailer(key, code):
        return None, b"", f"{path} was truncated or changed"
    return path, code, ""


def store(key: str, suffix: str, code: bytes) -> Path | None:
    """Keep `code`; None where the folder can't be written. Other processes see all of it or nothing."""
    folder = config.cache_dir.read()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _distrust(folder):
            return None
        descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".writing-")
    except OSError:
        return None
    path = folder / f"{key}{suffix}"
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(code + _trailer(key, code))
        if suffix == ".so":
            os.chmod(temporary, 0o700)
        os.replace(temporary, path)
    except OSError:
        _unlink(temporary)
        return None
    return path


def clear() -> int:
    """Delete every file that graphc keeps in the cache folder; returns how many."""
    folder = config.cache_dir.read()
    if not folder.is_dir() or _distrust(folder):
        return 0
    files = [p for p in folder.iterdir() if p.suffix in (".o", ".so", ".fatbin") or p.name.startswith(".writing-")]
    return sum(_unlink(str(path)) for path in files)


def _trailer(key: str, code: bytes) -> bytes:
    return _MAGIC + len(code).to_bytes(8, "little") + hashlib.sha256(key.encode() + code).digest()


def _distrust(folder: Path) -> str:
    """Why code from `folder` must not be run, or ""."""
    try:
        status = os.stat(folder)
    except OSError as error:
        return f"{folder} does not exist yet" if isinstance(error, FileNotFoundError) else f"{folder}: {error.strerror}"
    if not stat.S_ISDIR(status.st_mode):
        return f"{folder} is not a folder"
    if hasattr(os, "getuid") and status.st_uid != os.getuid():
        return f"{folder} belongs to another user"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"{folder} can be written by other users"
    return ""


def _unlink(path: str) -> bool:
    try:
        os.unlink(path)
    except OSError:
        return False
    return True
