"""What runs beneath a session: one dispatch, what it gives, and what went wrong in it.

`carruntime.session` says what callers may ask; here is how rows are marked, run and collected, by
the short way in native code where nothing is out of the ordinary, and else in Python. Both give the
same; what the short way keeps of a batch (`KEEP`) are the same arrays.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from carruntime.background import MovingGuest
from carruntime.batch import Frame, RewardBatch, explain_batch, fine_batch
from carruntime.binding import reader_of
from carruntime.buffers import ObservationBuffers
from carruntime.columns import SlotWriter
from carruntime.counts import Counts
from carruntime.errors import OptionError, RewardError, SessionClosedError, translated
from carruntime.frame_columns import FRAME_SLOTS, FrameColumns
from carruntime.history import History
from carruntime.reproduction import RecordedCall, Reproduction
from sandbox.errors import SandboxError, UsageError
from sandbox.lane import Ended, Lane, Leaf, bits_of, table_of
from sandbox.native.library import library
from sandbox.native.tables import KEEP
from sandbox.outcome import PENDING, Outcome
from sandbox.shm import layout_of_outputs
from sandbox.tiers.base import NO_FAILURE, Failure

if TYPE_CHECKING:
    from carruntime.reward import RewardProgram
    from sandbox.guest import After
    from sandbox.host import Guest
    from sandbox.plan import Call
    from sandbox.tiers.base import Tier

__all__ = ["AT_RESET", "BEGUN", "READS_FIRST", "OnError", "Running", "UnderWay"]

OnError: TypeAlias = Literal["raise", "nan", "zero", "last"] | float

_OK: Final = int(Outcome.OK)
_SKIPPED: Final = int(Outcome.SKIPPED)
_STATE_LOST: Final = int(Outcome.STATE_LOST)
AT_RESET: Final = frozenset({"next_obs", "initial_obs", "frame", "initial_frame"})
"""Slots that there are before the first action."""
READS_FIRST: Final = "the program reads the first observation of the episode"
_ARGUMENTS: Final = ("obs", "action", "next_obs", "terminated", "truncated", "extra", "t")
"""What `RewardSession.step` hands to the native way, in order."""
BEGUN: Final = frozenset({Ended.WAITING, Ended.LOOK, Ended.TOLD, Ended.HOME})
"""How the native way hands back a step that has begun; below these, one that ran here."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A step that a worker was asked for."""

    lane: Lane
    block: NDArray[np.float64]
    mask: NDArray[np.bool_] | None


class Running:
    """The running half of `carruntime.session.RewardSession`; made by it."""

    def __init__(
        self,
        program: RewardProgram,
        guest: Guest,
        num_envs: int,
        *,
        on_error: OnError = "raise",
        keep_failed: int = 8,
        record_episodes: bool = False,
        spin_s: float | None = None,
    ) -> None:
        self.program = program
        self.num_envs = num_envs
        self.on_error: OnError = on_error
        self._raises, self._value = _error_mode(on_error)
        self._keep_failed = keep_failed
        self._guest: Guest | None = guest
        plan = program.plan
        buffers = guest.bind(num_envs, spin_s)
        self._moving = guest if isinstance(guest, MovingGuest) else None
        """The two guests of a program that was still being compiled, until all rows have moved."""
        self._columns = buffers.inputs
        self._out = buffers.outputs
        self._stateful = plan.stateful
        self._pays = plan.reward is not None or plan.step is not None
        self._names = program.component_names
        self._num_tasks = len(plan.tasks)
        self._task_at_reset = np.array([_runs_at_reset(task) for task in plan.tasks], np.bool_)
        self._write_into(buffers.inputs)
        self._frames: FrameColumns | None = None
        if program.reads_frames:
            early = any(
                param.slot == "frame"
                for task, first in zip(plan.tasks, self._task_at_reset, strict=True)
                if first
                for param in task.params
            )
            self._frames = FrameColumns(plan, buffers.inputs, at_reset=early)
        self._t = np.zeros(num_envs, np.int64)
        self._begun = np.zeros(num_envs, np.bool_)
        self._all_begun = False
        # Rows whose reset failed do not run before the next one; the outcome they report. Rows
        # that lost their state later are kept from running by the guest, which knows why.
        self._blocked = np.zeros(num_envs, np.uint8)
        self._any_blocked = False
        self._block_reasons: dict[int, Failure] = {}
        self._completed = np.zeros((num_envs, self._num_tasks), np.bool_)
        self._last = np.zeros(num_envs)
        self._counts = Counts(self._task_at_reset, program.reward_range)
        self._steps = 0
        # A function's row says everything, so only a class has a history.
        self._history = History(num_envs) if record_episodes and plan.stateful else None
        self._frame = frame_of(program, num_envs)
        self._lane: Lane | None = None
        self._reset_lane: Lane | None = None
        self._make_lanes(guest)
        self._quick: Callable[..., int] | None = None
        """The native step, while nothing is out of the ordinary."""
        self._quick_reset: Callable[..., int] | None = None
        """The native reset, where the program has anything to do at a reset."""
        self._under_way: UnderWay | RewardBatch | RewardError | None = None
        """What `step_wait` has to give; None where no step was begun."""
        self._buffers: ObservationBuffers | None = None

    def _write_into(self, columns: dict[str, NDArray[Any]]) -> None:
        """Make the writers of what callers give, into the columns of a guest."""
        plan = self.program.plan
        slots = plan.schema.read()
        self._columns = columns
        self._writers = {
            slot: SlotWriter(slot, spec, columns, label=_label(slot), reader=reader_of(plan, slot))
            for slot, spec in slots.items()
            if slot not in {"t", "initial_obs", *FRAME_SLOTS}
        }
        self._step_slots = tuple(slot for slot in self._writers if not slot.startswith("extra/"))
        self._extras = tuple(slot for slot in self._writers if slot.startswith("extra/"))
        # At a reset the first observation goes where the program will look for it.
        self._first: list[SlotWriter] = []
        if "initial_obs" in slots:
            self._first.append(
                SlotWriter(
                    "initial_obs", slots["initial_obs"], columns, label="obs", reader=READS_FIRST
                )
            )
        if "next_obs" in slots and self._task_at_reset.any():
            # One writer for one column, so that its memory of written texts stays true.
            self._first.append(self._writers["next_obs"])
        self._t_column = columns.get("t")

    def _move_on(self) -> None:
        """Go on in the compiled tier alone where all environments have moved there."""
        moving = self._moving
        if moving is None or not moving.moved or self._under_way is not None:
            return
        frames = self._frames
        seen = {} if frames is None else frames.state()
        guest, buffers = moving.leave()
        self._guest, self._moving = guest, None
        if frames is not None:
            plan = self.program.plan
            self._frames = FrameColumns(plan, buffers.inputs, at_reset=frames.at_reset)
            self._frames.load(seen)
        self._out = buffers.outputs
        self._names = self.program.compiled_names()
        self._write_into(buffers.inputs)
        self._frame = frame_of(self.program, self.num_envs, self._names, "compiled")
        self._make_lanes(guest)
        self._settle()

    def _make_lanes(self, guest: Guest) -> None:
        self._lane = guest.lane(self._arguments(), self._after())
        if self._stateful or self._task_at_reset.any():
            first = [leaf for writer in self._first for leaf in writer.leaves(0)]
            self._reset_lane = guest.lane(first, reset=True)

    def _arguments(self) -> list[Leaf]:
        """Say where the columns are in what `step` hands to the native way."""
        found: list[Leaf] = []
        for slot in self._step_slots:
            found += self._writers[slot].leaves(_ARGUMENTS.index(slot))
        for slot in self._extras:
            found += self._writers[slot].leaves(_ARGUMENTS.index("extra"), (slot[6:],))
        if self._t_column is not None:
            found.append(Leaf(_ARGUMENTS.index("t"), (), "t"))
        return found

    def _after(self) -> After | None:
        """Lay out what the native way keeps of a batch on which all went well."""
        found = library()
        if found is None:
            return None
        places = self._frame.places
        low, high = self.program.reward_range or (0.0, 0.0)
        table = table_of(
            KEEP,
            rows=self.num_envs,
            tasks=self._num_tasks,
            truths=places["tasks"][2],
            newly=places["newly_completed"][2],
            copy=places["completed"][2],
            kept=self._completed.ctypes.data,
            reward=places["reward"][2],
            pays=int(self._pays),
            turns=self._t.ctypes.data,
            row_counts=self._counts.by_row.ctypes.data,
            task_counts=self._counts.by_task.ctypes.data,
            ranged=int(self.program.reward_range is not None),
            low=bits_of(low),
            high=bits_of(high),
            outside=self._counts.outside_range.ctypes.data,
            last=self._last.ctypes.data if self._value is None else 0,
        )
        return found.keep, table, (self._completed, self._t, self._counts, self._last)

    def _settle(self) -> None:
        """Take the native way from now on if nothing stands against it."""
        ordinary = self._all_begun and not self._any_blocked and self._history is None
        ordinary = ordinary and self._under_way is None
        lane = self._lane
        self._quick = lane.step if ordinary and lane is not None else None
        lane = self._reset_lane
        simple = not self._any_blocked and self._history is None and self._under_way is None
        self._quick_reset = lane.step if simple and lane is not None else None

    def _begin(self, rows: NDArray[np.bool_] | None, made: Any) -> None:
        """Begin episodes in the session's own account.

        Args:
            rows: Those that begin; None for all.
            made: Transitions they have made already, int64 ``[N]``, or 0.
        """
        which: Any = slice(None) if rows is None else rows
        self._t[which] = made if isinstance(made, int) else made[which]
        self._last[which] = 0.0
        self._completed[which] = False
        if not self._all_begun:
            self._begun[which] = True
            self._all_begun = bool(self._begun.all())
        if self._any_blocked:
            self._unblock(rows)
        if self._quick is None:
            self._settle()

    def _go_on_reset(
        self, ended: int, block: NDArray[np.float64], rows: NDArray[np.bool_] | None
    ) -> None:
        """Finish a reset that the native way began."""
        guest = self._open("reset")
        fine = [ended == Ended.FINE]
        if not fine[0]:
            self._dispatch(lambda: fine.append(guest.go_on(ended, block, rows, reset=True)))
        if not fine[-1]:
            self._after_reset(guest, rows)
        elif self._num_tasks:
            dtype, shape, place = self._frame.places["tasks"]
            held = np.ndarray(shape, dtype, block.data, place) & self._task_at_reset
            self._completed |= held
            ran = self.num_envs if rows is None else int(np.count_nonzero(rows))
            self._counts.add_reset(ran, self.num_envs - ran)

    def _unblock(self, rows: NDArray[np.bool_] | None) -> None:
        self._blocked[slice(None) if rows is None else rows] = 0
        self._any_blocked = bool(self._blocked.any())
        for row in [row for row in self._block_reasons if not self._blocked[row]]:
            del self._block_reasons[row]

    def _after_reset(self, guest: Guest, rows: NDArray[np.bool_] | None) -> None:
        out = self._out
        mine = np.ones(self.num_envs, np.bool_) if rows is None else rows
        if self._stateful:
            failed = mine & (out.outcome != _OK)
            if failed.any():
                self._blocked[failed] = out.outcome[failed]
                self._any_blocked = True
                for row in np.flatnonzero(failed).tolist():
                    failure = guest.failure(int(out.failure[row]))
                    if failure is not None:
                        self._block_reasons[row] = failure
                self._settle()
        if self._num_tasks:
            wanted = mine[:, None] & self._task_at_reset
            held = out.tasks & (out.task_outcome == _OK) & wanted
            self._completed |= held
            self._counts.add_tasks(np.where(wanted, out.task_outcome, _SKIPPED))

    def _go_on(
        self, ended: int, block: NDArray[np.float64], rows: NDArray[np.bool_] | None
    ) -> RewardBatch:
        """Finish a step that the native way began."""
        guest = self._open("step")
        fine: list[bool] = []
        self._dispatch(lambda: fine.append(guest.go_on(ended, block, rows)))
        if fine[0]:
            self._steps += 1
            return fine_batch(self._frame, block)
        return self._finish(guest, rows)

    def _finish(self, guest: Guest, rows: NDArray[np.bool_] | None) -> RewardBatch:
        """Collect a step on which not all went well."""
        batch = self._collect(guest, rows)
        if rows is None:
            self._t += 1
        else:
            self._t += rows
        self._steps += 1
        if self._raises:
            bad = batch.bad_rows if batch.outcome.any() else ()
            if len(bad):
                raise RewardError(batch, [int(row) for row in bad])
        return batch

    # One dispatch ----------------------------------------------------------------------------

    def _run(self, guest: Guest, rows: NDArray[np.bool_] | None) -> None:
        """Mark the rows that can run and dispatch them."""
        if not self._any_blocked:
            self._mark(rows)
            if rows is not None and not rows.any():
                return
        else:
            able = self._blocked == 0
            if rows is not None:
                able &= rows
            self._mark(able)
            if not able.any():
                return
        self._dispatch(guest.step)

    def _dispatch(self, call: Callable[[], object]) -> None:
        try:
            call()
        except UsageError as error:
            # The only way in which a guest that ran once refuses: it is another process's.
            raise OptionError(
                f"RewardSession({self.program.filename}): this session was started in another "
                f"process, and its worker belongs to it; in process {os.getpid()} start one with "
                "program.start(...)"
            ) from error
        except SandboxError:
            with translated("RewardSession"):
                raise

    def _mark(self, rows: NDArray[np.bool_] | None) -> None:
        out = self._out
        if rows is None:
            out.outcome.fill(PENDING)
            if self._num_tasks:
                out.task_outcome.fill(PENDING)
            return
        out.outcome[:] = np.where(rows, PENDING, _SKIPPED)
        if self._num_tasks:
            out.task_outcome[:] = np.where(rows, PENDING, _SKIPPED)[:, None]

    def _collect(
        self, guest: Guest, rows: NDArray[np.bool_] | None, *, looking: bool = False
    ) -> RewardBatch:
        out = self._out
        outcome = out.outcome.copy()
        task_outcome = out.task_outcome.copy()
        blocked: NDArray[np.bool_] | None = None
        if self._any_blocked:
            # Those that were blocked before this dispatch: marked as skipped, nothing ran.
            blocked = (self._blocked != 0) & (outcome == _SKIPPED)
            if rows is not None:
                blocked &= rows
            if blocked.any():
                outcome[blocked] = self._blocked[blocked]
                task_outcome[blocked] = self._blocked[blocked][:, None]
            else:
                blocked = None
        tasks = out.tasks & (task_outcome == _OK) if self._num_tasks else out.tasks.copy()
        newly = tasks & ~self._completed if self._num_tasks else tasks
        if self._num_tasks and not looking:
            self._completed |= newly
        components = out.components.copy()
        present = out.present.copy()
        fuel = out.fuel.copy()
        reward = out.reward.copy() if self._pays else newly.sum(axis=1) / self._num_tasks
        fine = not outcome.any()
        bad: NDArray[np.bool_] | None = None
        if not fine:
            idle = outcome != _OK
            bad = idle & (outcome != _SKIPPED)
            reward[idle] = 0.0
            components[:, idle] = 0.0
            present[:, idle] = False
            components[:, bad] = nan
            fuel[(outcome == _SKIPPED) | (outcome == _STATE_LOST)] = 0
            if blocked is not None:
                fuel[blocked] = 0
            if looking or self._raises:
                reward[bad] = nan
            elif self._value is None:
                np.copyto(reward, self._last, where=bad)
            else:
                reward[bad] = self._value
        if not looking:
            self._counts.add_rows(outcome, reward)
            if self._num_tasks:
                self._counts.add_tasks(task_outcome)
            if self._value is None:
                ran = outcome != _SKIPPED
                self._last[ran] = reward[ran]
        names = self._names
        batch = RewardBatch(
            reward=reward,
            components=dict(zip(names, components, strict=True)),
            present=dict(zip(names, present, strict=True)),
            tasks=tasks,
            task_outcome=task_outcome,
            completed=self._completed.copy(),
            newly_completed=newly,
            outcome=outcome,
            fuel=fuel,
            tier=self._frame.tier if self._moving is None else self._moving.tiers(),
            task_names=self.program.task_names,
            filename=self.program.filename,
            source=self.program.source,
        )
        if not fine or (self._num_tasks and task_outcome.any()):
            self._explain(guest, batch, blocked)
        return batch

    # What went wrong -------------------------------------------------------------------------

    def _explain(self, guest: Guest, batch: RewardBatch, blocked: NDArray[np.bool_] | None) -> None:
        """Hand the batch what is known of its bad rows, before the guest can forget it."""
        bad = (batch.outcome != _OK) & (batch.outcome != _SKIPPED)
        rows = np.where(bad, self._out.failure, NO_FAILURE)
        codes = batch.task_outcome
        ill = (codes != _OK) & (codes != _SKIPPED)
        tasks = np.where(ill, self._out.task_failure, NO_FAILURE)
        reasons: dict[int, Failure] = {}
        if blocked is not None:
            # Nothing ran here: the reason is that of the reset, under a number of our own.
            places = -2 - np.arange(self.num_envs, dtype=np.int32)
            rows[blocked] = places[blocked]
            tasks[blocked] = places[blocked][:, None]
            reasons = {-2 - row: failure for row, failure in self._block_reasons.items()}
        if not self._pays:
            # The row is its first bad task's.
            first = tasks[np.arange(self.num_envs), ill.argmax(axis=1)]
            rows = np.where(bad & (rows == NO_FAILURE), first, rows)
        for index in np.unique(np.concatenate([rows, tasks.ravel()])).tolist():
            found = guest.failure(index) if index > NO_FAILURE else None
            if found is not None:
                reasons[index] = found
        wrong = (bad | ill.any(axis=1)) & (batch.outcome != _STATE_LOST)
        if blocked is not None:
            wrong &= ~blocked
        kept = np.flatnonzero(wrong)[: self._keep_failed].tolist()
        explain_batch(batch, reasons, rows, tasks, {row: self._reproduction(row) for row in kept})

    def _reproduction(self, row: int) -> Reproduction:
        program = self.program
        if self._history is not None:
            calls, complete = self._history.calls(row), True
        else:
            inputs = {name: column[row].copy() for name, column in self._columns.items()}
            calls = (RecordedCall("step", inputs),)
            if self._stateful:
                calls = (RecordedCall("reset", inputs), *calls)
            # The first transition of an episode is all that a new instance has seen.
            complete = not self._stateful or int(self._t[row]) == 0
        return Reproduction(
            source=program.source,
            filename=program.filename,
            digest=program.digest,
            inputs=program.inputs,
            entry=program.entry,
            bindings=program.bindings,
            limits=program.limits,
            tier=program.tier,
            row=row,
            calls=calls,
            complete=complete,
        )

    # Small things ----------------------------------------------------------------------------

    def _mask(
        self, mask: NDArray[np.bool_] | None, problems: list[str]
    ) -> NDArray[np.bool_] | None:
        if mask is None:
            return None
        array = np.asarray(mask)
        if array.dtype != np.bool_ or array.shape != (self.num_envs,):
            problems.append(
                f"mask: {array.dtype.name} {array.shape}; want bool ({self.num_envs},), one entry "
                "per environment"
            )
            return None
        return array

    def _made(self, t: NDArray[np.int64], problems: list[str]) -> NDArray[np.int64]:
        if self._stateful:
            raise OptionError(
                "RewardSession.reset: t= is given for a class, whose state would not have seen "
                "these transitions; begin at the first one"
            )
        array = np.asarray(t)
        if array.dtype != np.int64 or array.shape != (self.num_envs,):
            problems.append(f"t: {array.dtype.name} {array.shape}; want int64 ({self.num_envs},)")
        elif (array < 0).any():
            problems.append(f"t: {array.min()}; want 0 or more")
        return array

    def _open(self, call: str) -> Guest:
        if self._guest is None:
            self._refuse(call)
        if self._under_way is not None:
            raise OptionError(
                f"RewardSession.{call}: a step is under way; take its batch with step_wait() first"
            )
        return self._guest

    def _refuse(self, call: str) -> NoReturn:
        raise SessionClosedError(
            f"RewardSession.{call}: this session is closed and its worker may serve another; "
            "start a new one with program.start(...)"
        )


def _runs_at_reset(task: Call) -> bool:
    """Whether all inputs of a predicate exist before the first action."""
    return all(param.slot in AT_RESET for param in task.params)


def _label(slot: str) -> str:
    return f"extra[{slot[6:]!r}]" if slot.startswith("extra/") else slot


def _error_mode(on_error: OnError) -> tuple[bool, float | None]:
    """Give whether bad rows raise, and what their reward is; None for the last one."""
    if on_error == "raise":
        return True, nan
    if on_error == "nan":
        return False, nan
    if on_error == "zero":
        return False, 0.0
    if on_error == "last":
        return False, None
    if isinstance(on_error, int | float) and not isinstance(on_error, bool) and isfinite(on_error):
        return False, float(on_error)
    raise OptionError(
        f'on_error={on_error!r}: want "raise", "nan", "zero", "last" or a finite number, which '
        "becomes the reward of a row that ended badly"
    )


def frame_of(
    program: RewardProgram,
    num_envs: int,
    names: tuple[str, ...] | None = None,
    tier: Tier | None = None,
) -> Frame:
    """Say where the arrays of a batch lie in one block of memory.

    The results come first, as the guest lays them out; behind them what the session adds.
    """
    tasks = len(program.task_names)
    layout = layout_of_outputs(num_envs, len(program.component_names), tasks)
    places = {name: (dtype, shape, at) for name, dtype, shape, at in layout.arrays}
    size = layout.size
    for name in ("completed", "newly_completed"):
        places[name] = ("bool", (num_envs, tasks), size)
        size += -(-num_envs * tasks // 64) * 64
    return Frame(
        places,
        size=-(-size // 8),
        component_names=program.component_names if names is None else names,
        task_names=program.task_names,
        tier=program.tier if tier is None else tier,
        filename=program.filename,
        source=program.source,
    )
