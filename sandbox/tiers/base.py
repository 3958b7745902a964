"""What both tiers have in common: the arrays of a batch and the runner that fills them.

Row protocol. The host writes ``PENDING`` into ``outcome`` (and every ``task_outcome``) of the
rows to run and another code into all others. A runner goes through the rows in order, runs the
pending ones, writes every other field of the row first and ``outcome[i]`` last. Rows that are
not pending are left alone. Nothing a row does may reach another row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sandbox.diagnostics import Span

__all__ = [
    "NO_FAILURE",
    "Failure",
    "Inputs",
    "Outputs",
    "Runner",
    "Tier",
    "TierReason",
    "numbers_of",
]

Tier = Literal["interpreted", "compiled"]
Inputs: TypeAlias = Mapping[str, NDArray[Any]]
"""Column name to array ``[N, *shape]``; see `sandbox.schema.Column`."""

NO_FAILURE = -1


@dataclass(frozen=True, slots=True)
class Failure:
    """What a guest raised, or why its result could not be used.

    Attributes:
        exception: Class name, such as ``"ZeroDivisionError"``.
        module: ``"builtins"``, ``"numpy.linalg"`` or ``"guest"``.
        message: Text, at most 400 characters.
        span: The innermost place in the source, or None.
    """

    exception: str
    module: str
    message: str
    span: Span | None


@dataclass(frozen=True, slots=True)
class TierReason:
    """Why a program does not run in the compiled tier.

    Attributes:
        code: Such as ``"CMP201"``; listed in ``sandbox.rules``.
        message: The construct and why it is not taken.
        span: Its place, or None where the reason is not one place.
    """

    code: str
    message: str
    span: Span | None = None

    def __str__(self) -> str:
        place = f" (line {self.span.line})" if self.span else ""
        return f"{self.code} {self.message}{place}"


@dataclass(frozen=True, slots=True)
class Outputs:
    """Result arrays of a batch of N rows, K tasks and C components; written in place.

    Attributes:
        outcome: uint8 ``[N]``, `sandbox.Outcome` or ``PENDING``. With a reward call it is that
            call's; a program of tasks alone has its first bad task's here.
        reward: float64 ``[N]``; 0.0 where the outcome is not OK or no call pays.
        components: float64 ``[C, N]``; 0.0 where absent.
        present: bool ``[C, N]``.
        tasks: bool ``[N, K]``.
        task_outcome: uint8 ``[N, K]``.
        failure: int32 ``[N]``, index in the runner's failure list or ``NO_FAILURE``.
        task_failure: int32 ``[N, K]``.
        fuel: int64 ``[N]``, units used by all calls of the row.
    """

    outcome: NDArray[np.uint8]
    reward: NDArray[np.float64]
    components: NDArray[np.float64]
    present: NDArray[np.bool_]
    tasks: NDArray[np.bool_]
    task_outcome: NDArray[np.uint8]
    failure: NDArray[np.int32]
    task_failure: NDArray[np.int32]
    fuel: NDArray[np.int64]


def numbers_of(runner: object) -> tuple[tuple[str, float], ...]:
    """Give what a runner tells of its compilation, as far as it is numbers."""
    told = getattr(runner, "explain", {})
    return tuple((name, float(value)) for name, value in told.items() if not isinstance(value, str))


class Runner(Protocol):
    """A loaded program that runs batches. One runner serves one batch size at a time."""

    @property
    def tier(self) -> Tier:
        """Which tier this is."""

    @property
    def component_names(self) -> tuple[str, ...]:
        """Names of the components in the order of ``Outputs.components``."""

    @property
    def failures(self) -> list[Failure]:
        """Distinct failures so far; only grows, at most 1,024 long (the last is then shared)."""

    def bind(self, num_rows: int, inputs: Inputs, outputs: Outputs) -> None:
        """Take the arrays of all later calls and forget every row's state."""

    def reset(self) -> None:
        """Start a new episode on the pending rows: new instance, its reset, then the tasks."""

    def step(self) -> None:
        """Run the tasks and the paying call on the pending rows."""
