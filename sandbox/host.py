"""The host's side of a guest: a program in a worker process, or in this one.

A guest is one program in one worker process (`WorkerGuest`), or in this process if the caller asked
for ``isolation="none"`` (`InProcessGuest`). Both are used alike; see `sandbox.guest`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.dispatch import MAX_REPLACEMENTS
from sandbox.errors import IsolationError, UsageError
from sandbox.guest import Buffers, Guest, Isolation, Ran, Require, TierWish
from sandbox.inprocess import InProcessGuest
from sandbox.isolated import WorkerGuest
from sandbox.wire import Loaded

if TYPE_CHECKING:
    from sandbox.limits import Limits

__all__ = [
    "MAX_REPLACEMENTS",
    "Buffers",
    "Guest",
    "InProcessGuest",
    "Isolation",
    "Loaded",
    "Ran",
    "Require",
    "TierWish",
    "WorkerGuest",
    "open_guest",
]


def open_guest(
    source: bytes,
    *,
    filename: str = "<program>",
    limits: Limits,
    isolation: Isolation = "process",
    require: Require | None = None,
    threads: int = 1,
    brief: bool = False,
) -> Guest:
    """Hand a source to a new worker (or to the passes in this process) and read what it is.

    Args:
        source: Untrusted bytes.
        filename: Name for people; never opened.
        limits: What the program may use.
        isolation: ``"process"``, or ``"none"`` for text that the caller trusts like its own code.
        require: Least isolation to go on with. ``"seccomp"``, which holds in a worker process if
            left out, asks for the system-call filter, resource limits, closed descriptors and
            no-new-privileges; ``"full"`` for every layer of `sandbox.layers` and sealed memory;
            ``"any"`` takes what the system has.
        threads: How many threads share the rows of a batch of at least `sandbox.team.LEAST_ROWS`
            rows of a compiled program. Results do not depend on it.
        brief: Whether the guest will be closed once its source is read, as by `check`. A process
            that opens one such after another finds the next worker ready.

    Returns:
        A guest; look at its ``outline`` before building.

    Raises:
        IsolationError: If less than ``require`` can be had.
        WorkerTimeoutError: If reading took longer than ``limits.compile_s``.
        WorkerDiedError: If the worker died of reading it.
    """
    if require not in {None, "any", "seccomp", "full"}:
        raise UsageError(f"require is {require!r}; want 'any', 'seccomp' or 'full'")
    if isolation not in {"process", "none"}:
        raise UsageError(f"isolation is {isolation!r}; want 'process' or 'none'")
    if isolation == "process":
        return WorkerGuest(
            source,
            filename=filename,
            limits=limits,
            require=require or "seccomp",
            threads=threads,
            brief=brief,
        )
    if require not in {None, "any"}:
        raise IsolationError(
            f"require={require!r} cannot be met with isolation='none', which runs the program in "
            f"this process; leave isolation out, or leave require out for text you trust"
        )
    return InProcessGuest(source, filename=filename, limits=limits, threads=threads)
