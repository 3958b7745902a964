"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from carruntime.errors import CarruntimeError, OptionError

__all__ = ["make_folder", "replaced", "write_whole"]


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write into, which takes the place of another when all is written.

    Nobody ever sees a part of it; if anything fails, what was there stands and nothing is left over.

    Raises:
        OSError: If it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in the place of another in one move.

    Raises:
        OSError: If it cannot be written; what was there stands.
    """
    with replaced(path) as file:
        file.write(data)


def make_folder(path: Path, what: str = "", *, error: type[CarruntimeError] = OptionError) -> None:
    """Make a folder with those above it, or be content that it is there.

    Args:
        path: The folder.
        what: What it is for, to tell people.
        error: What is raised.

    Raises:
        CarruntimeError: Of the type ``error``, if it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise error(
            f"{what + ': ' if what else ''}the folder {path} cannot be made: "
            f"{cause.strerror or cause}; want a place that is yours and no file"
        ) from cause
