"""What a session gives back for one vector of transitions, and what went wrong in it.

A `RewardBatch` owns its arrays: they are fresh copies, never views of the memory that a worker
writes, so a caller may keep or change them. Failures are resolved when the batch is made, because
the worker that knows them may be gone when somebody asks. A batch can be pickled.

A batch on which all went well comes as one block of memory, checked by whoever made it, and its
arrays are made when somebody asks for them: most callers read the reward and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from carruntime.errors import OptionError, ReproductionError
from carruntime.reproduction import Reproduction, load_repro
from sandbox.diagnostics import Finding, Report, Severity, Span
from sandbox.outcome import Outcome
from sandbox.tiers.base import NO_FAILURE, Failure

if TYPE_CHECKING:
    import os

    from sandbox.tiers.base import Tier

__all__ = [
    "Frame",
    "RewardBatch",
    "RewardFailure",
    "explain_batch",
    "fine_batch",
    "load_repro",
]

_ADVICE: Final[Mapping[Outcome, tuple[str, str, str]]] = {
    Outcome.ERROR: (
        "the program raised an exception",
        "its state stays as the raise left it; other rows are not touched",
        "treat this case in the program",
    ),
    Outcome.NOT_FINITE: (
        "the reward or a component is NaN or infinite",
        "one such number spoils every average and gradient behind it",
        "look for a division by zero, or for a logarithm or root outside its domain",
    ),
    Outcome.BAD_RESULT: (
        "the result is no number, or has a component that was not seen when it was loaded",
        "a row has one number as its reward, and components fixed at load as columns",
        "return a number, or (number, {{name: number}}) with the same names on every path",
    ),
    Outcome.OUT_OF_FUEL: (
        "the row used more than its fuel",
        "every row must end; its state is lost until the next reset",
        "look for a loop that does not end, or raise limits.fuel",
    ),
    Outcome.OUT_OF_MEMORY: (
        "the row asked for more memory than it may have",
        "one row must not starve the others; its state is lost until the next reset",
        "build smaller arrays, or raise limits.memory_bytes",
    ),
    Outcome.TIMED_OUT: (
        "the row was running when the wall clock of the batch ran out",
        "the worker was stopped; rows that had ended stand",
        "look for one long call, or raise limits.wall_s",
    ),
    Outcome.CRASHED: (
        "the worker process died while this row ran",
        "the worker was replaced; rows that had ended stand",
        "look at this row: no program should be able to do that",
    ),
    Outcome.STATE_LOST: (
        "the state of this episode was lost in an earlier step",
        "nothing is made up: its rows report this until the environment is reset",
        "reset the environment (session.reset(mask=...)); its first bad row tells what was lost why",
    ),
}


_ARRAYS: Final = frozenset(
    {"completed", "fuel", "newly_completed", "outcome", "task_outcome", "tasks"}
)
_LATE: Final = _ARRAYS | {
    *("_failures", "_filename", "_index", "_kept", "_source", "_task_index", "_tier"),
    *("components", "present", "task_names"),
}
"""What a batch on which all went well makes when it is asked for."""


@dataclass(frozen=True, slots=True)
class RewardFailure:
    """Why one row, or one task of a row, ended badly.

    Attributes:
        row: Index of the environment.
        task: Name of the predicate, or None for the paying call.
        outcome: How it ended.
        exception: Class name of what was raised, such as ``"KeyError"``; empty if nothing was.
        module: Module of that class: ``"builtins"``, ``"numpy.linalg"``, ``"guest"``.
        message: Its text.
        span: Innermost place in the program, or None.
        filename: Name of the program.
        source: Text of the program.
    """

    row: int
    task: str | None
    outcome: Outcome
    exception: str
    module: str
    message: str
    span: Span | None
    filename: str
    source: str
    reproduction: Reproduction | None = field(default=None, compare=False, repr=False)

    @property
    def line(self) -> int | None:
        """Line of the innermost place, from 1."""
        return self.span.line if self.span else None

    def render(self) -> str:
        """Give the failure as text: place, outcome, line with caret, why, what to do."""
        general, why, hint = _ADVICE.get(self.outcome, ("", "", ""))
        what = f"{self.exception}: {self.message}" if self.exception else self.message or general
        where = f"row {self.row}" + (f", task `{self.task}`" if self.task else "")
        item = Finding(
            rule=self.outcome.name,
            severity=Severity.ERROR,
            span=self.span,
            message=f"{what} ({where})",
            why=why,
            hint=hint.replace("{{", "{").replace("}}", "}"),
        )
        return Report(self.filename, self.source, (item,)).render()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file with all that is needed to see this failure again.

        Args:
            path: Where to; JSON, replayed by ``carruntime run --repro``.

        Raises:
            ReproductionError: If the inputs of this row were not kept.
        """
        if self.reproduction is None:
            raise ReproductionError(
                f"row {self.row}: its inputs were not kept; a session keeps those of the first few "
                "bad rows of each batch: start it with keep_failed= a larger number"
            )
        self.reproduction.save(path)


class Frame:
    """What all batches of one session have in common, and where their arrays lie in a block.

    Attributes:
        size: Numbers of eight bytes in a block.
        places: Array name to dtype, shape and offset in bytes.
    """

    __slots__ = (
        *("component_names", "filename", "num_envs", "places", "size", "source", "task_names"),
        "tier",
    )

    def __init__(
        self,
        places: Mapping[str, tuple[str, tuple[int, ...], int]],
        *,
        size: int,
        component_names: tuple[str, ...],
        task_names: tuple[str, ...],
        tier: Tier,
        filename: str,
        source: str,
    ) -> None:
        self.places = dict(places)
        self.size = size
        self.num_envs = places["reward"][1][0]
        self.component_names = component_names
        self.task_names = task_names
        self.tier: Tier = tier
        self.filename = filename
        self.source = source


class RewardBatch:
    """Rewards of N environments for one transition each.

    Attributes:
        reward: float64 ``[N]``. 0.0 where skipped; what ``on_error`` says where a row is bad.
        components: Name to float64 ``[N]``; 0.0 where absent, NaN where a row is bad.
        present: Name to bool ``[N]``: whether the row named this component.
        tasks: bool ``[N, K]``: what each predicate says on this row; False where it failed.
        task_outcome: uint8 ``[N, K]``: how each predicate ended, see `sandbox.Outcome`.
        completed: bool ``[N, K]``: latched since reset, this row included.
        newly_completed: bool ``[N, K]``: completed on this row for the first time.
        outcome: uint8 ``[N]``: how each row ended. That of the paying call; where tasks alone
            pay, that of the first bad task.
        fuel: int64 ``[N]``: units used; 0 where nothing ran.
    """

    __slots__ = (
        "_block",
        "_failures",
        "_filename",
        "_frame",
        "_index",
        "_kept",
        "_source",
        "_task_index",
        "_tier",
        "completed",
        "components",
        "fuel",
        "newly_completed",
        "outcome",
        "present",
        "reward",
        "task_names",
        "task_outcome",
        "tasks",
    )

    _block: NDArray[np.float64]
    _frame: Frame

    def __init__(
        self,
        *,
        reward: NDArray[np.float64],
        components: dict[str, NDArray[np.float64]],
        present: dict[str, NDArray[np.bool_]],
        tasks: NDArray[np.bool_],
        task_outcome: NDArray[np.uint8],
        completed: NDArray[np.bool_],
        newly_completed: NDArray[np.bool_],
        outcome: NDArray[np.uint8],
        fuel: NDArray[np.int64],
        tier: Tier | NDArray[np.str_],
        task_names: tuple[str, ...],
        filename: str,
        source: str,
    ) -> None:
        self.reward = reward
        self.components = components
        self.present = present
        self.tasks = tasks
        self.task_outcome = task_outcome
        self.completed = completed
        self.newly_completed = newly_completed
        self.outcome = outcome
        self.fuel = fuel
        self.task_names = task_names
        self._tier = tier
        self._filename = filename
        self._source = source
        self._failures: dict[int, Failure] = {}
        self._index: NDArray[np.int32] | None = None
        self._task_index: NDArray[np.int32] | None = None
        self._kept: dict[int, Reproduction] = {}

    def __getattr__(self, name: str) -> Any:
        """Make what a block of memory holds when it is first asked for."""
        if name not in _LATE:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        value = self._late(name)
        setattr(self, name, value)
        return value

    def _late(self, name: str) -> Any:
        if name in {"components", "present"}:
            return dict(zip(self._frame.component_names, self._array(name), strict=True))
        if name in _ARRAYS:
            return self._array(name)
        if name in {"_failures", "_kept"}:
            return {}
        if name in {"_index", "_task_index"}:
            return None
        return getattr(self._frame, name.removeprefix("_"))

    def _array(self, name: str) -> NDArray[Any]:
        dtype, shape, offset = self._frame.places[name]
        return np.ndarray(shape, dtype, self._block.data, offset)

    def __len__(self) -> int:
        return len(self.reward)

    def __repr__(self) -> str:
        codes, counts = np.unique(self.outcome, return_counts=True)
        ended = ", ".join(
            f"{count} {Outcome(int(code)).name}" for code, count in zip(codes, counts, strict=True)
        )
        return f"RewardBatch({len(self)} rows: {ended})"

    @property
    def ok(self) -> bool:
        """Whether no row and no predicate ended badly; skipped rows do not count."""
        rows = (self.outcome == Outcome.OK) | (self.outcome == Outcome.SKIPPED)
        tasks = (self.task_outcome == Outcome.OK) | (self.task_outcome == Outcome.SKIPPED)
        return bool(rows.all()) and bool(tasks.all())

    @property
    def tier(self) -> NDArray[np.str_]:
        """Which tier ran each row, ``[N]``; empty where none did."""
        return np.where(self.outcome < Outcome.STATE_LOST, self._tier, "")

    @property
    def bad_rows(self) -> NDArray[np.intp]:
        """Indices of the rows whose outcome is neither OK nor SKIPPED."""
        outcome = self.outcome
        return np.flatnonzero((outcome != Outcome.OK) & (outcome != Outcome.SKIPPED))

    def failure(self, row: int, task: int | str | None = None) -> RewardFailure | None:
        """Say why a row, or one task of it, ended badly.

        Args:
            row: Index of the environment.
            task: Index or name of a predicate; None for the row itself.

        Returns:
            The failure, or None where the row is OK or was skipped.

        Raises:
            IndexError: If there is no such row or task.
        """
        row = _place(row, len(self.outcome), f"row={row}: the batch has rows")
        if task is None:
            code = Outcome(int(self.outcome[row]))
            index = NO_FAILURE if self._index is None else int(self._index[row])
            name = None
        else:
            k = self._task(task)
            code = Outcome(int(self.task_outcome[row, k]))
            index = NO_FAILURE if self._task_index is None else int(self._task_index[row, k])
            name = self.task_names[k]
        if code in {Outcome.OK, Outcome.SKIPPED}:
            return None
        known = self._failures.get(index)
        if known is None:
            known = Failure("", "", "", None)
        kept = self._kept.get(row)
        return RewardFailure(
            row=row,
            task=name,
            outcome=code,
            exception=known.exception,
            module=known.module,
            message=known.message,
            span=known.span,
            filename=self._filename,
            source=self._source,
            reproduction=kept.expecting(name, code, known) if kept is not None else None,
        )

    def _task(self, task: int | str) -> int:
        if isinstance(task, str):
            if task not in self.task_names:
                offered = ", ".join(self.task_names) or "none; the program has no tasks"
                raise OptionError(f"failure: task={task!r} is not known; tasks are {offered}")
            return self.task_names.index(task)
        if not self.task_names:
            raise IndexError(f"failure: task={task}: the program has no tasks")
        return _place(task, len(self.task_names), f"task={task}: the program has tasks")


def fine_batch(frame: Frame, block: NDArray[np.float64]) -> RewardBatch:
    """Make a batch on which all rows that ran went well.

    Args:
        frame: Where the arrays lie.
        block: Their memory, which nobody else writes; the rewards come first.
    """
    batch = RewardBatch.__new__(RewardBatch)
    batch._frame = frame  # noqa: SLF001  # of this module
    batch._block = block  # noqa: SLF001
    batch.reward = block[: frame.num_envs]
    return batch


def explain_batch(
    batch: RewardBatch,
    failures: Mapping[int, Failure],
    rows: NDArray[np.int32],
    tasks: NDArray[np.int32],
    kept: Mapping[int, Reproduction],
) -> None:
    """Hand a batch what the session knows about bad rows; before anybody else has it.

    Args:
        batch: The batch.
        failures: By index.
        rows: Index of each row's failure, ``[N]``; `NO_FAILURE` where there is none.
        tasks: Index of each predicate's failure, ``[N, K]``.
        kept: What is needed to run a row again, for the first few bad ones.
    """
    batch._failures = dict(failures)  # noqa: SLF001  # of this module
    batch._index = rows  # noqa: SLF001
    batch._task_index = tasks  # noqa: SLF001
    batch._kept = dict(kept)  # noqa: SLF001


def _place(index: int, size: int, told: str) -> int:
    """Give an index from the front, as a sequence takes it; ``told`` says what is indexed."""
    if not -size <= index < size:
        raise IndexError(f"failure: {told} 0 to {size - 1}")
    return range(size)[index]
