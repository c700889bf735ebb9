"""Files that are whole or not there: written beside their place, forced to disk, then renamed.

They stand apart because a crash, `kill -9` or a full disk in the middle of a save must leave the old file as it was.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

PathLike = str | os.PathLike[str]


def write_atomically(path: PathLike, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a new file, which then takes the place of `path` in one step.

    Raises `OSError` that says what could not be written; `path` is then what it was.
    """
    place = Path(path)
    temporary = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    try:
        if place.exists() and not place.is_file():  # a folder, or a device such as /dev/null, which no file replaces
            raise OSError(errno.EINVAL, "a folder or a device there")
        place.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(place)
        with open(temporary, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, place)
        _sync_folder(place.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise OSError(error.errno, f"expected to write {place}, got: {reason}; what was there is as it was") from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _remove_leftovers(place: Path) -> None:
    """Delete what processes that are dead left behind."""
    for entry in place.parent.iterdir():
        match = re.fullmatch(rf"\.{re.escape(place.name)}\.(\d+)\.tmp", entry.name)
        if match and not _alive(int(match[1])):
            entry.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _sync_folder(folder: Path) -> None:
    """The rename itself on disk, where the system can say so."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
