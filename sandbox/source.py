"""Say what is wrong with a source, without running any of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

from sandbox.diagnostics import Report
from sandbox.errors import UsageError
from sandbox.host import Isolation, Require, open_guest
from sandbox.limits import Limits

__all__ = ["Source", "check", "read_source"]

Source: TypeAlias = str | bytes | os.PathLike[str]
"""A text, its bytes, or the path of a file that holds them."""


def check(
    source: Source,
    *,
    filename: str | None = None,
    limits: Limits | None = None,
    isolation: Isolation = "process",
    require: Require | None = None,
) -> Report:
    """Read and judge a source in a worker process; nothing of it runs.

    Args:
        source: A ``str`` or ``bytes`` is the source itself, an ``os.PathLike`` a file to read.
        filename: Name to show; the path, or ``<program>``, if left out.
        limits: Caps on the text; the defaults if left out.
        isolation: ``"none"`` parses in this process, for text you trust.
        require: Least isolation to go on with; see `sandbox.open_guest`.

    Returns:
        All findings in source order. Text that is empty, not UTF-8, too long or not Python has
        findings too; nothing is raised for bad text.

    Raises:
        UsageError: If the path cannot be read.
        IsolationError: If less than ``require`` can be had.
        WorkerDiedError: If no worker process can be had on this machine.
    """
    limits = limits or Limits()
    data, name = read_source(source, filename=filename, limits=limits)
    guest = open_guest(
        data, filename=name, limits=limits, isolation=isolation, require=require, brief=True
    )
    try:
        return guest.report
    finally:
        guest.close()


def read_source(
    source: Source, *, filename: str | None = None, limits: Limits | None = None
) -> tuple[bytes, str]:
    """Give the bytes of a source and its name.

    A file is read only as far as it can be taken, and one byte more to know that it is longer;
    that is also why a device without an end does no harm.

    Raises:
        UsageError: If it is none of the three, or the path cannot be read.
    """
    limits = limits or Limits()
    if isinstance(source, bytes | bytearray):
        return bytes(source), filename or "<program>"
    if isinstance(source, str):
        # A lone surrogate is no UTF-8; passed on as the bytes it would be, it gets a finding.
        return source.encode("utf-8", "surrogatepass"), filename or "<program>"
    if not isinstance(source, os.PathLike):
        raise UsageError(
            f"check: source is a {type(source).__name__}; want str or bytes (the source itself) "
            f"or a path such as pathlib.Path('reward.py')"
        )
    path = Path(source)
    name = filename or str(path)
    try:
        with path.open("rb") as file:
            data = file.read(limits.source_bytes + 1)
    except OSError as error:
        raise UsageError(
            f"check: {name} cannot be read: {error.strerror or error}; "
            f"pass the path of a file that holds a program"
        ) from error
    return data, name
