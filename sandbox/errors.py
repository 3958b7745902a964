"""Exceptions of the sandbox. What a guest does wrong is a value, never one of these."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.diagnostics import Report

__all__ = [
    "IsolationError",
    "ProgramRefusedError",
    "ProtocolError",
    "SandboxError",
    "UsageError",
    "WorkerDiedError",
    "WorkerTimeoutError",
]


class SandboxError(Exception):
    """Base of all exceptions that this package raises."""


class UsageError(SandboxError, ValueError):
    """The host called with an argument that cannot be used; the message says which and why."""


class ProgramRefusedError(SandboxError):
    """A program has findings that keep it from being loaded.

    Attributes:
        report: All findings, with line, column, reason and what to write instead.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        return self.report.render()


class IsolationError(SandboxError):
    """The platform offers less isolation than the caller requires."""


class WorkerDiedError(SandboxError):
    """A worker process ended by itself.

    Attributes:
        reason: How it ended in words, for example ``"signal 11 (SIGSEGV)"``.
        gave_up: Whether the worker reported an exception of its own code, which is a fault of the
            runtime; a hostile worker can report one too.
    """

    def __init__(self, reason: str, *, gave_up: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.gave_up = gave_up


class WorkerTimeoutError(SandboxError):
    """A worker did not answer in time and was killed.

    Attributes:
        wall_s: Seconds the worker was given.
        setting: Name of the limit to raise.
    """

    def __init__(self, wall_s: float, setting: str) -> None:
        super().__init__(wall_s, setting)
        self.wall_s = wall_s
        self.setting = setting

    def __str__(self) -> str:
        return (
            f"the worker did not answer within {self.wall_s:g} s and was killed; "
            f"raise limits.{self.setting} if the program is known to need longer"
        )


class ProtocolError(SandboxError):
    """A worker sent bytes that are not a well-formed answer; the worker is not trusted again."""
