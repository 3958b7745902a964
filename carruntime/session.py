"""The hot loop: one vector of transitions in, one `RewardBatch` out.

A session is one program bound to N environments. It keeps what belongs to the episode rather than
to the program: the first observation, the number of transitions, which tasks are completed, which
environments have lost their state. So functions and predicates stay pure in the worker, and a
worker that dies takes nothing of them along.

A session is told when an episode begins; it never infers a reset from ``terminated``, because
only the caller knows how its environments reset themselves. Nothing here looks at the program.
All checks of outside arrays come before the first write, so a call that raises has changed
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from carruntime.batch import Frame, RewardBatch
from carruntime.binding import reader_of
from carruntime.buffers import ObservationBuffers, arrays_of, columns_of
from carruntime.columns import Pending, SlotWriter, Texts, commit
from carruntime.counts import Counts
from carruntime.errors import (
    CarruntimeError,
    OptionError,
    ResetNeededError,
    RewardError,
    SessionClosedError,
    ShapeError,
    translated,
)
from carruntime.history import History
from carruntime.reproduction import RecordedCall, Reproduction
from sandbox.errors import SandboxError
from sandbox.lane import Ended, Lane, Leaf, bits_of, table_of
from sandbox.native.library import library
from sandbox.native.tables import KEEP
from sandbox.outcome import PENDING, Outcome
from sandbox.shm import layout_of_outputs
from sandbox.tiers.base import NO_FAILURE, Failure

if TYPE_CHECKING:
    from collections import Counter
    from types import TracebackType
    from typing import Self

    from carruntime.reward import RewardProgram
    from sandbox.guest import After
    from sandbox.host import Guest
    from sandbox.plan import Call
    from sandbox.tiers.base import Tier

__all__ = ["OnError", "RewardSession"]

OnError: TypeAlias = Literal["raise", "nan", "zero", "last"] | float

_OK: Final = int(Outcome.OK)
_SKIPPED: Final = int(Outcome.SKIPPED)
_STATE_LOST: Final = int(Outcome.STATE_LOST)
_AT_RESET: Final = frozenset({"next_obs", "initial_obs"})
_STATE_VERSION: Final = 1
_KEPT: Final = ("t", "begun", "completed", "last")
_READS_FIRST: Final = "the program reads the first observation of the episode"
_ARGUMENTS: Final = ("obs", "action", "next_obs", "terminated", "truncated", "extra", "t")
"""What `step` hands to the native way, in order."""
_BEGUN: Final = frozenset({Ended.WAITING, Ended.LOOK, Ended.TOLD, Ended.HOME})
"""How the native way hands back a step that has begun; below these, one that ran here."""
_FRAMES: Final = (
    "frame= is given; frames come with a later version, and this one would silently ignore it: "
    "leave it out"
)


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A step that a worker was asked for."""

    lane: Lane
    block: NDArray[np.float64]
    mask: NDArray[np.bool_] | None


class RewardSession:
    """A program bound to N environments; made by `RewardProgram.start`.

    Use it as a context manager, or call `close`. Not safe to use from two threads at once.

    Attributes:
        program: What runs.
        num_envs: N.
        on_error: What becomes of the reward of a bad row.
    """

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
        self._columns = buffers.inputs
        self._out = buffers.outputs
        self._stateful = plan.stateful
        self._pays = plan.reward is not None or plan.step is not None
        self._names = program.component_names
        self._num_tasks = len(plan.tasks)
        self._task_at_reset = np.array([_runs_at_reset(task) for task in plan.tasks], np.bool_)
        slots = plan.schema.read()
        self._writers = {
            slot: SlotWriter(
                slot, spec, buffers.inputs, label=_label(slot), reader=reader_of(plan, slot)
            )
            for slot, spec in slots.items()
            if slot not in {"t", "initial_obs"}
        }
        self._step_slots = tuple(slot for slot in self._writers if not slot.startswith("extra/"))
        self._extras = tuple(slot for slot in self._writers if slot.startswith("extra/"))
        # At a reset the first observation goes where the program will look for it.
        self._first: list[SlotWriter] = []
        if "initial_obs" in slots:
            self._first.append(
                SlotWriter(
                    "initial_obs",
                    slots["initial_obs"],
                    buffers.inputs,
                    label="obs",
                    reader=_READS_FIRST,
                )
            )
        if "next_obs" in slots and self._task_at_reset.any():
            # One writer for one column, so that its memory of written texts stays true.
            self._first.append(self._writers["next_obs"])
        self._t = np.zeros(num_envs, np.int64)
        self._t_column = buffers.inputs.get("t")
        self._begun = np.zeros(num_envs, np.bool_)
        self._all_begun = False
        # Rows whose reset failed do not run before the next one; the outcome they report. Rows
        # that lost their state later are kept from running by the guest, which knows why.
        self._blocked = np.zeros(num_envs, np.uint8)
        self._any_blocked = False
        self._block_reasons: dict[int, Failure] = {}
        self._completed = np.zeros((num_envs, self._num_tasks), np.bool_)
        self._last = np.zeros(num_envs)
        self._counts = Counts(self._num_tasks, program.reward_range)
        self._steps = 0
        # A function's row says everything, so only a class has a history.
        self._history = History(num_envs) if record_episodes and plan.stateful else None
        self._frame = frame_of(program, num_envs)
        self._lane = guest.lane(self._arguments(), self._after())
        self._quick: Callable[..., int] | None = None
        """The native step, while nothing is out of the ordinary."""
        self._under_way: _UnderWay | RewardBatch | RewardError | None = None
        """What `step_wait` has to give; None where no step was begun."""
        self._buffers: ObservationBuffers | None = None

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

    # What can be read ------------------------------------------------------------------------

    @property
    def tier(self) -> Tier:
        """Which tier runs; it holds for the whole session."""
        return self.program.tier

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._guest is None

    @property
    def completed(self) -> NDArray[np.bool_]:
        """Which tasks are completed in the running episodes, bool ``[N, K]``; a copy."""
        return self._completed.copy()

    @property
    def t(self) -> NDArray[np.int64]:
        """Transitions since reset, int64 ``[N]``; a copy."""
        return self._t.copy()

    @property
    def outcomes(self) -> Counter[Outcome]:
        """How all rows of all steps so far ended; outcomes that never came are left out."""
        return self._counts.rows

    @property
    def task_outcomes(self) -> dict[str, Counter[Outcome]]:
        """The same for each predicate, resets included."""
        return dict(zip(self.program.task_names, self._counts.tasks, strict=True))

    @property
    def outside_range(self) -> int:
        """Rewards so far that were outside the ``reward_range`` declared at load."""
        return self._counts.outside

    # Episodes --------------------------------------------------------------------------------

    def reset(
        self,
        obs: Any = None,
        *,
        frame: Any = None,
        mask: NDArray[np.bool_] | None = None,
        t: NDArray[np.int64] | None = None,
    ) -> None:
        """Begin an episode in all environments, or in some.

        A class gets a new instance and its ``reset``. Predicates that need nothing but
        observations run: what holds already counts as completed and is never paid. A reset that
        fails does not raise; every row of that episode reports its failure.

        Args:
            obs: The first observations in Gymnasium's vector layout, rows outside ``mask``
                ignored. May be left out if the program never looks at a first observation.
            frame: Not taken in this version.
            mask: bool ``[N]``, the environments whose episode begins; all when left out.
            t: int64 ``[N]``, transitions that the episodes have already made, for stored data;
                0 when left out. Not for a class, which would not have seen them.

        Raises:
            OptionError: If ``t`` is given for a class, or a frame is given.
            ShapeError: If an input does not fit; nothing has changed then.
            SessionClosedError: If the session is closed.
        """
        guest = self._open("reset")
        if frame is not None:
            raise OptionError(f"RewardSession.reset: {_FRAMES}")
        problems: list[str] = []
        rows = self._mask(mask, problems)
        made = self._t if t is None else self._made(t, problems)
        pending: Pending = []
        texts: Texts = []
        if not problems:
            # Two slots may hold the first observation: it is one argument, so one complaint.
            for writer in self._first:
                if not problems:
                    writer.check(obs, rows, pending, texts, problems)
        if problems:
            # The writer of next_obs is shared with step; here its argument is called obs.
            missing = re.compile(r"^next_obs: not given;.*")
            told = [missing.sub(f"obs: not given; {_READS_FIRST}", line) for line in problems]
            told = [re.sub(r"^next_obs\b", "obs", line) for line in told]
            raise ShapeError("RewardSession.reset", told)
        commit(pending, texts, rows)
        every = rows is None
        which: Any = slice(None) if rows is None else rows
        self._t[which] = 0 if t is None else made[which]
        self._last[which] = 0.0
        self._completed[which] = False
        self._begun[which] = True
        self._all_begun = every or bool(self._begun.all())
        if self._any_blocked:
            self._unblock(rows)
        self._settle()
        if self._history is not None:
            self._history.add("reset", rows, self._columns)
        if not self._stateful and not self._task_at_reset.any():
            return
        if rows is not None and not rows.any():
            return
        self._mark(rows)
        self._dispatch(guest.reset)
        self._after_reset(guest, rows)

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

    def step(
        self,
        obs: Any = None,
        action: Any = None,
        next_obs: Any = None,
        terminated: Any = None,
        truncated: Any = None,
        *,
        frame: Any = None,
        extra: Mapping[str, Any] | None = None,
        mask: NDArray[np.bool_] | None = None,
    ) -> RewardBatch:
        """Reward one transition of all environments, or of some.

        What the program does not read may be left out, and is not looked at if given.

        Args:
            obs: Observations before the action, in Gymnasium's vector layout.
            action: Actions taken, likewise.
            next_obs: Observations after the action: for an episode that ended the last of that
                episode, not the first of the next.
            terminated: bool ``[N]``.
            truncated: bool ``[N]``.
            frame: Not taken in this version.
            extra: The values declared with ``extra=`` at load, by name.
            mask: bool ``[N]``, the environments that made a transition; all when left out. The
                others get 0.0 and SKIPPED, and nothing of them changes.

        Returns:
            The batch; its arrays are the caller's.

        Raises:
            ShapeError: If an input does not fit; all are named, and nothing has changed.
            ResetNeededError: If an environment in ``mask`` was never reset.
            RewardError: If a row ended badly and ``on_error`` is ``"raise"``; holds the batch.
            SessionClosedError: If the session is closed.
        """
        quick = self._quick
        if quick is not None and frame is None:
            # The order is that of _ARGUMENTS.
            block = np.empty(self._frame.size)
            ended = quick(block, mask, obs, action, next_obs, terminated, truncated, extra, self._t)
            if ended == 0:
                self._steps += 1
                return RewardBatch.fine(self._frame, block)
            if ended in _BEGUN or ended <= Ended.STOPPED:
                return self._go_on(ended, block, mask)
        guest = self._open("step")
        if frame is not None:
            raise OptionError(f"RewardSession.step: {_FRAMES}")
        problems: list[str] = []
        rows = None if mask is None else self._mask(mask, problems)
        pending: Pending = []
        texts: Texts = []
        given = {
            "obs": obs,
            "action": action,
            "next_obs": next_obs,
            "terminated": terminated,
            "truncated": truncated,
        }
        if rows is None or rows.any():
            for slot in self._step_slots:
                self._writers[slot].check(given[slot], rows, pending, texts, problems)
            for slot in self._extras:
                value = None if extra is None else extra.get(slot[6:])
                self._writers[slot].check(value, rows, pending, texts, problems)
        if problems:
            raise ShapeError("RewardSession.step", problems)
        if not self._all_begun:
            unborn = ~self._begun if rows is None else rows & ~self._begun
            if unborn.any():
                raise ResetNeededError(np.flatnonzero(unborn).tolist())
        commit(pending, texts)
        if self._t_column is not None:
            np.copyto(self._t_column, self._t)
        if self._history is not None:
            self._history.add("step", rows, self._columns)
        if quick is not None:
            # What was taken in here is unusual, what is done with it is not.
            block = np.empty(self._frame.size)
            ended = quick(block, rows)
            if ended == 0:
                self._steps += 1
                return RewardBatch.fine(self._frame, block)
            if ended != Ended.NOT_READY:
                return self._go_on(ended, block, rows)
        self._run(guest, rows)
        return self._finish(guest, rows)

    def _go_on(
        self, ended: int, block: NDArray[np.float64], rows: NDArray[np.bool_] | None
    ) -> RewardBatch:
        """Finish a step that the native way began."""
        guest = self._open("step")
        fine: list[bool] = []
        self._dispatch(lambda: fine.append(guest.go_on(ended, block, rows)))
        if fine[0]:
            self._steps += 1
            return RewardBatch.fine(self._frame, block)
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

    # Stepping while the environments step ----------------------------------------------------

    @property
    def buffers(self) -> ObservationBuffers:
        """Two sets of arrays that environments may write their observations into.

        A compiled program reads what is handed to `step` from there without a copy, whichever
        set it is; in the interpreted tier it is copied as ever. Made when first asked for.

        Raises:
            SessionClosedError: If the session is closed.
            OptionError: If a step is under way.
        """
        if self._buffers is None:
            guest = self._open("buffers")
            spec = self.program.inputs.observation
            sets: list[Any] = []
            arrays = arrays_of(spec, self.num_envs)
            columns = columns_of(self.program.plan.schema.read())
            self._dispatch(lambda: sets.append(guest.lend(arrays, columns)))
            self._buffers = ObservationBuffers(spec, self.num_envs, sets[0])
            self._lane = guest.lane(self._arguments(), self._after())
            self._settle()
        return self._buffers

    def step_async(
        self,
        obs: Any = None,
        action: Any = None,
        next_obs: Any = None,
        terminated: Any = None,
        truncated: Any = None,
        *,
        extra: Mapping[str, Any] | None = None,
        mask: NDArray[np.bool_] | None = None,
    ) -> None:
        """Begin to reward one transition; `step_wait` gives the batch.

        A worker runs it meanwhile, so that the environments may be stepped. What was handed over
        may be changed at once, except for `buffers`: leave alone the sets that the transition is
        in. With ``isolation="none"``, and where anything is out of the ordinary, the program runs
        before this returns.

        Args:
            obs: As for `step`, like all others.
            action: Likewise.
            next_obs: Likewise.
            terminated: Likewise.
            truncated: Likewise.
            extra: Likewise.
            mask: Likewise.

        Raises:
            OptionError: If a step is under way already.
            ShapeError: If an input does not fit; nothing has changed, and no step is under way.
            ResetNeededError: If an environment in ``mask`` was never reset.
            SessionClosedError: If the session is closed.
        """
        self._open("step_async")
        mask = None if mask is None else np.array(mask)
        lane = self._lane
        if self._quick is not None and lane is not None:
            block = np.empty(self._frame.size)
            ended = lane.post(
                block, mask, obs, action, next_obs, terminated, truncated, extra, self._t
            )
            if ended == Ended.FINE:
                self._under_way = _UnderWay(lane, block, mask)
                self._quick = None
                return
            if ended in _BEGUN or ended <= Ended.STOPPED:
                self._keep(lambda: self._go_on(ended, block, mask))
                return
        self._keep(
            lambda: self.step(obs, action, next_obs, terminated, truncated, extra=extra, mask=mask)
        )

    def _keep(self, call: Callable[[], RewardBatch]) -> None:
        """Do a step at once, for `step_wait` to give."""
        try:
            self._under_way = call()
        except RewardError as error:
            self._under_way = error
        self._quick = None

    def step_wait(self) -> RewardBatch:
        """Give the batch of the step that `step_async` began.

        Raises:
            OptionError: If there is none.
            RewardError: As `step` raises it.
            SessionClosedError: If the session is closed.
        """
        under_way, self._under_way = self._under_way, None
        self._open("step_wait")
        if under_way is None:
            raise OptionError(
                "RewardSession.step_wait: no step is under way; call step_async first"
            )
        self._settle()
        if isinstance(under_way, RewardError):
            raise under_way
        if isinstance(under_way, RewardBatch):
            return under_way
        ended = under_way.lane.wait(under_way.block, under_way.mask)
        if ended != Ended.FINE:
            return self._go_on(ended, under_way.block, under_way.mask)
        self._steps += 1
        return RewardBatch.fine(self._frame, under_way.block)

    def evaluate(self, next_obs: Any, *, mask: NDArray[np.bool_] | None = None) -> RewardBatch:
        """Say what a function of the state alone gives for states, outside any transition.

        Nothing advances, latches or is counted: this is how a potential is known for the first
        observation of an episode.

        Args:
            next_obs: Observations in Gymnasium's vector layout.
            mask: bool ``[N]``, the environments to look at; all when left out.

        Returns:
            The batch. A bad row never raises here; its reward is NaN.

        Raises:
            OptionError: If the program keeps state or reads more than the observation.
            ShapeError: If an input does not fit.
        """
        guest = self._open("evaluate")
        read = set(self.program.plan.schema.read())
        if self._stateful or not read <= _AT_RESET:
            raise OptionError(
                "RewardSession.evaluate: the program "
                + ("keeps state" if self._stateful else f"reads {', '.join(sorted(read))}")
                + "; only a function of next_obs and initial_obs has a value outside a transition"
            )
        problems: list[str] = []
        rows = self._mask(mask, problems)
        pending: Pending = []
        texts: Texts = []
        if "next_obs" in self._writers:
            self._writers["next_obs"].check(next_obs, rows, pending, texts, problems)
        if problems:
            raise ShapeError("RewardSession.evaluate", problems)
        commit(pending, texts)
        self._run(guest, rows)
        return self._collect(guest, rows, looking=True)

    # Going on elsewhere ----------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Give everything that another session needs to go on where this one stands.

        Of a class no object is stored, but what it has seen since its reset: the session must
        have been started with ``record_episodes=True``.

        Returns:
            Plain data: numbers, arrays, dicts and lists of these.

        Raises:
            OptionError: If the program is a class and its episodes were not recorded.
            SessionClosedError: If the session is closed.
        """
        self._open("state_dict")
        if self._stateful and self._history is None:
            raise OptionError(
                "RewardSession.state_dict: the program is a class, and what it saw was not kept; "
                "start the session with record_episodes=True"
            )
        return {
            "version": _STATE_VERSION,
            "digest": self.program.digest,
            "num_envs": self.num_envs,
            **{name: getattr(self, f"_{name}").copy() for name in _KEPT},
            "steps": self._steps,
            "counts": self._counts.state_dict(),
            "first": {
                name: column.copy()
                for name, column in self._columns.items()
                if name.split("/")[0].split("#")[0] == "initial_obs"
            },
            "history": [
                {"call": one.call, "rows": one.rows.copy(), "columns": dict(one.columns)}
                for one in self._history or ()
            ],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another session of the same program stood.

        A class sees again what its instances saw, which takes as long as the longest of the
        episodes that were running.

        Args:
            state: What `state_dict` gave.

        Raises:
            OptionError: If it is of another program, another number of environments or another
                release; nothing has changed then.
            SessionClosedError: If the session is closed.
        """
        guest = self._open("load_state_dict")
        mine = {"version": _STATE_VERSION, "digest": self.program.digest, "num_envs": self.num_envs}
        wrong = [
            f"{name} {state.get(name)!r} is not {value!r}"
            for name, value in mine.items()
            if state.get(name) != value
        ]
        if self._stateful and self._history is None:
            wrong.append("this session was not started with record_episodes=True")
        if wrong:
            raise OptionError(
                f"RewardSession.load_state_dict: {'; '.join(wrong)}; want the state of a session "
                "of the same program with as many environments"
            )
        if self._history is not None:
            self._history.clear()
            for moment in state["history"]:
                self._show(moment["columns"])
                rows = moment["rows"]
                self._history.add(moment["call"], rows, self._columns)
                if moment["call"] == "reset":
                    self._unblock(rows)
                    self._mark(rows)
                    self._dispatch(guest.reset)
                    self._after_reset(guest, rows)
                else:
                    self._run(guest, rows)
        self._show(state["first"])
        for name in _KEPT:
            getattr(self, f"_{name}")[...] = state[name]
        self._steps = int(state["steps"])
        self._counts.load_state_dict(state["counts"])
        self._all_begun = bool(self._begun.all())
        self._settle()

    def _show(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Write columns as they are; writers must not believe to know what is in them."""
        for name, column in columns.items():
            self._columns[name][...] = column
        for writer in (*self._writers.values(), *self._first):
            writer.forget()

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
        except SandboxError:
            # The only way in which a guest that ran once refuses: it is another process's.
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
            tier=self.program.tier,
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
        batch.explain(reasons, rows, tasks, {row: self._reproduction(row) for row in kept})

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

    def close(self) -> None:
        """End the session; may be called again. The worker goes back to the program."""
        guest = self._guest
        if isinstance(self._under_way, _UnderWay):
            # The worker must not be in the middle of something when it serves another.
            with suppress(CarruntimeError, SandboxError):
                self.step_wait()
        self._under_way = None
        self._guest = None
        if guest is not None:
            # Views of the shared memory would keep it, and its descriptors, for as long as somebody
            # holds on to a session that is over.
            self._quick = self._lane = None
            self._history = None
            self._columns, self._t_column = {}, None
            self._writers, self._first = {}, []
            self.program.take_back(guest)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a RewardSession cannot be pickled or copied: it holds a worker process and shared "
            "memory; send the RewardProgram and start a session there, and move episodes with "
            "state_dict() and load_state_dict()"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"{self._steps} steps"
        return f"RewardSession({self.program.filename}, {self.num_envs} envs, {state})"


def _runs_at_reset(task: Call) -> bool:
    """Whether all inputs of a predicate exist before the first action."""
    return all(param.slot in _AT_RESET for param in task.params)


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


def frame_of(program: RewardProgram, num_envs: int) -> Frame:
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
        component_names=program.component_names,
        task_names=program.task_names,
        tier=program.tier,
        filename=program.filename,
        source=program.source,
    )
