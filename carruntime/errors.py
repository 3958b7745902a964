"""Exceptions of the runtime.

A row that ends badly is an outcome; only a mistake of the caller, or a wish of the caller
(``on_error="raise"``), is one of these.

Every message has four parts: what is wrong, where, why it matters, and what to do instead. All
are picklable, because they cross process borders in vector environments.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sandbox.errors import (
    IsolationError,
    ProgramRefusedError,
    SandboxError,
    UsageError,
    WorkerDiedError,
    WorkerTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from carruntime.batch import RewardBatch
    from sandbox.diagnostics import Report

__all__ = [
    "CarruntimeError",
    "IsolationRefusedError",
    "LoadError",
    "OptionError",
    "ReproductionError",
    "ResetNeededError",
    "RewardError",
    "SessionClosedError",
    "ShapeError",
    "SpaceError",
    "TrajectoryFileError",
    "WorkerError",
    "translated",
]


class CarruntimeError(Exception):
    """Base of all exceptions that this package raises."""


class LoadError(CarruntimeError):
    """A program has findings that keep it from being loaded.

    Attributes:
        report: All findings, with line, column, reason and what to write instead.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        return self.report.render()


class OptionError(CarruntimeError, ValueError):
    """An argument of a call cannot be used; the message says which, why, and what is offered."""


class IsolationRefusedError(CarruntimeError, IsolationError):
    """Less isolation than ``require=`` asks for can be had here; nothing was loaded."""


class WorkerError(CarruntimeError, SandboxError):
    """The worker of a program cannot be used, for a reason that lies in no row of a batch."""


class SpaceError(CarruntimeError, ValueError):
    """A space has parts that no program can be given.

    Attributes:
        problems: One line per part, each beginning with its path.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(tuple(problems))
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return _lines("the space cannot be handed to a program", self.problems)


class ShapeError(CarruntimeError, ValueError):
    """Arrays handed to a session have another shape or dtype than the spaces say.

    All wrong inputs of the call are named at once, and nothing ran.

    Attributes:
        where: The call, such as ``"RewardSession.step"``.
        problems: One line per wrong input: its path, what came, what is wanted.
    """

    def __init__(self, where: str, problems: Sequence[str]) -> None:
        super().__init__(where, tuple(problems))
        self.where = where
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return _lines(self.where, self.problems)


class SessionClosedError(CarruntimeError, RuntimeError):
    """A session was used after `close`."""


class ResetNeededError(CarruntimeError, RuntimeError):
    """Environments were stepped before their first reset.

    Attributes:
        envs: Indices of these environments.
    """

    def __init__(self, envs: Sequence[int]) -> None:
        super().__init__(tuple(envs))
        self.envs = tuple(envs)

    def __str__(self) -> str:
        shown = ", ".join(map(str, self.envs[:8])) + (", ..." if len(self.envs) > 8 else "")
        return (
            f"RewardSession.step: no episode has begun in env {shown} "
            f"({len(self.envs)} of them); a step continues an episode, so what a program sees as "
            "its first observation would be missing: call session.reset(obs) first, with "
            "mask= for some envs only"
        )


class RewardError(CarruntimeError):
    """Rows of a batch ended badly and the session was started with ``on_error="raise"``.

    The batch is whole: rewards of the good rows, the outcome of every row and
    ``batch.failure(i)``. State has advanced and the session can be used further.

    Attributes:
        batch: The batch, with NaN as the reward of every bad row.
        rows: Indices of the bad rows.
    """

    def __init__(self, batch: RewardBatch, rows: Sequence[int]) -> None:
        super().__init__(batch, tuple(rows))
        self.batch = batch
        self.rows = tuple(rows)

    def __str__(self) -> str:
        first = self.batch.failure(self.rows[0])
        total = len(self.batch.outcome)
        head = f"{len(self.rows)} of {total} rows ended badly; the first is row {self.rows[0]}"
        body = first.render() if first is not None else ""
        return (
            f"{head}:\n{body}\n"
            "  try: mend the program, or start the session with on_error="
            '"nan", "zero", "last" or a number; batch.outcome tells which rows these are'
        )


class ReproductionError(CarruntimeError):
    """A failing row cannot be written to, or read from, a reproduction file.

    Also: an episode that is played again is not the one that was recorded.
    """


class TrajectoryFileError(CarruntimeError):
    """Trajectories cannot be written to, or read from, a file."""


def _lines(head: str, problems: Sequence[str]) -> str:
    if len(problems) == 1:
        return f"{head}: {problems[0]}"
    return "\n".join([f"{head}:", *(f"  - {problem}" for problem in problems)])


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Raise what the sandbox raises as the exceptions of this package.

    What a caller must tell apart keeps both its types; findings stay with whoever asked for them.

    Args:
        where: The call, such as ``"RewardProgram.start"``.
    """
    try:
        yield
    except CarruntimeError:
        raise
    except ProgramRefusedError as error:
        raise LoadError(error.report) from error
    except IsolationError as error:
        raise IsolationRefusedError(f"{where}: {error}") from error
    except UsageError as error:
        raise OptionError(f"{where}: {error}") from error
    except (WorkerDiedError, WorkerTimeoutError) as error:
        raise WorkerError(f"{where}: the worker cannot be used: {error}") from error
    except SandboxError as error:
        raise WorkerError(f"{where}: {error}") from error
