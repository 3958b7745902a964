"""Files that a run keeps: written whole or not at all, read with a cap, never as code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from carruntime import files
from carruntime.generate.errors import GenerateError

__all__ = ["MAX_JSON_BYTES", "make_folder", "read_json", "to_text", "write_whole"]

MAX_JSON_BYTES: Final = 16 * 1024 * 1024


def write_whole(path: Path, data: bytes | str, what: str) -> None:
    """Write a file so that nobody ever sees a part of it.

    Raises:
        GenerateError: If it cannot be written; nothing is left of it, and an older file stays.
    """
    packed = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data
    try:
        files.write_whole(path, packed)
    except OSError as error:
        raise GenerateError(
            f"{what} cannot be written to {path}: {error.strerror or error}; make room there, or "
            "name another place, and run the same command again: what was written before is kept"
        ) from error


def make_folder(path: Path, what: str) -> None:
    """Make a folder, or be content that it is there.

    Raises:
        GenerateError: If it cannot be made.
    """
    files.make_folder(path, what, error=GenerateError)


def read_json(data: bytes, what: str) -> Any:
    """Read JSON from outside.

    Raises:
        GenerateError: If it is too long, no UTF-8, no JSON or nested without measure.
    """
    if len(data) > MAX_JSON_BYTES:
        raise GenerateError(
            f"{what}: more than {MAX_JSON_BYTES:,} bytes; nothing of ours is so long"
        )
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise GenerateError(
            f"{what}: cannot be read as JSON ({type(error).__name__}: {str(error)[:100]}); want the "
            "file as it was written"
        ) from None


def to_text(data: Any) -> str:
    """Give plain data as JSON, the same for the same data; NaN and infinities become null."""
    return json.dumps(_finite(data), indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _finite(data: Any) -> Any:
    if isinstance(data, float):
        return data if data - data == 0.0 else None
    if isinstance(data, dict):
        return {str(key): _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return data
