"""Files of a run, written whole or not at all, so that an interrupted run can be taken up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from carruntime.errors import OptionError
from carruntime.files import write_whole

__all__ = ["write_bytes", "write_json", "write_text"]


def write_bytes(path: Path, content: bytes) -> None:
    """Put a file in place of another in one move; what was there stands if that fails.

    Raises:
        OptionError: If it cannot be written, because the disk is full, say.
    """
    try:
        write_whole(path, content)
    except OSError as error:
        raise OptionError(
            f"{path} cannot be written: {error.strerror or error}; what was stored before still "
            "stands: make room, or mend the place, and go on with --resume"
        ) from error


def write_text(path: Path, text: str) -> None:
    """Put a text in place of another in one move.

    Raises:
        OptionError: If it cannot be written.
    """
    write_bytes(path, text.encode())


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Put a record in place of another in one move.

    Raises:
        OptionError: If it cannot be written.
    """
    write_text(path, json.dumps(record, indent=1) + "\n")
