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
from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from carruntime.batch import RewardBatch, fine_batch
from carruntime.buffers import ObservationBuffers, arrays_of, columns_of
from carruntime.columns import Pending, Texts, commit
from carruntime.continuing import Continuing
from carruntime.errors import (
    CarruntimeError,
    OptionError,
    ResetNeededError,
    RewardError,
    ShapeError,
)
from carruntime.running import AT_RESET, BEGUN, READS_FIRST, OnError, UnderWay
from sandbox.errors import SandboxError
from sandbox.lane import Ended
from sandbox.outcome import Outcome

if TYPE_CHECKING:
    from collections import Counter
    from types import TracebackType
    from typing import Self

    from carruntime.telemetry import Telemetry
    from sandbox.host import Guest
    from sandbox.tiers.base import Tier

__all__ = ["OnError", "RewardSession"]

_GIVEN: Final = ("obs", "action", "next_obs", "terminated", "truncated")
"""What a step is given besides frames and extras, in its order."""


class RewardSession(Continuing):
    """A program bound to N environments; made by `RewardProgram.start`.

    Use it as a context manager, or call `close`. Not safe to use from two threads at once.

    Attributes:
        program: What runs.
        num_envs: N.
        on_error: What becomes of the reward of a bad row.
        telemetry: What was paid so far, or None where the session keeps none.
    """

    telemetry: Telemetry | None = None

    # What can be read ------------------------------------------------------------------------

    @property
    def tier(self) -> Tier:
        """Which tier runs; it holds for the whole session.

        With ``background=True`` it is the interpreted one until all environments have moved.
        """
        return self._frame.tier if self._moving is None else "interpreted"

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._guest is None

    @property
    def recalled(self) -> tuple[int, int] | None:
        """Calls of a compiled program on frames, and how many were answered by a result that was kept.

        One call is one entry of the program (each predicate, the reward) on one row of a step. None
        where no results are kept: see ``Limits.recall_bytes``. They count from the start of the session.
        """
        return None if self._guest is None else self._guest.recalled

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
            frame: The first frames, uint8 ``[N, H, W, 3]`` in RGB; may be left out if the program
                looks at no first or earlier frame.
            mask: bool ``[N]``, the environments whose episode begins; all when left out.
            t: int64 ``[N]``, transitions that the episodes have already made, for stored data;
                0 when left out. Not for a class, which would not have seen them.

        Raises:
            OptionError: If ``t`` is given for a class, or a frame is given.
            ShapeError: If an input does not fit; nothing has changed then.
            SessionClosedError: If the session is closed.
        """
        guest = self._open("reset")
        frames = self._frames
        quick = self._quick_reset
        if quick is not None and t is None and frames is None:
            block = np.empty(self._frame.size)
            ended = quick(block, mask, obs) if self._first else quick(block, mask)
            if ended == Ended.FINE or ended in BEGUN or ended <= Ended.STOPPED:
                self._begin(mask, 0)
                self._go_on_reset(ended, block, mask)
                return
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
        shown = None
        if frames is not None and (frames.at_reset or frame is not None):
            shown = frames.check(frame, problems, needed=frames.at_reset)
        if problems:
            # The writer of next_obs is shared with step; here its argument is called obs.
            missing = re.compile(r"^next_obs: not given;.*")
            told = [missing.sub(f"obs: not given; {READS_FIRST}", line) for line in problems]
            told = [re.sub(r"^next_obs\b", "obs", line) for line in told]
            raise ShapeError("RewardSession.reset", told)
        commit(pending, texts, rows)
        if frames is not None:
            frames.reset(shown, rows)
        self._begin(rows, 0 if t is None else made)
        if self._history is not None:
            self._history.add("reset", rows, self._columns)
        if not self._stateful and not self._task_at_reset.any() and self._moving is None:
            return
        if rows is not None and not rows.any():
            return
        self._mark(rows)
        self._dispatch(guest.reset)
        self._after_reset(guest, rows)
        self._move_on()

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
            frame: Frames after the action, uint8 ``[N, H, W, 3]`` in RGB. The frames before it and
                the first ones are kept by the session.
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
        frames = self._frames
        if quick is not None and frames is None:
            # The order is that of _ARGUMENTS.
            block = np.empty(self._frame.size)
            ended = quick(block, mask, obs, action, next_obs, terminated, truncated, extra, self._t)
            if ended == 0:
                self._steps += 1
                return fine_batch(self._frame, block)
            if ended in BEGUN or ended <= Ended.STOPPED:
                return self._go_on(ended, block, mask)
        guest = self._open("step")
        given = (obs, action, next_obs, terminated, truncated)
        rows = self._take_in(given, frame, extra, mask)
        if quick is not None:
            # What was taken in here is unusual, what is done with it is not.
            block = np.empty(self._frame.size)
            ended = quick(block, rows)
            if ended == 0:
                self._steps += 1
                return fine_batch(self._frame, block)
            if ended != Ended.NOT_READY:
                return self._go_on(ended, block, rows)
        return self._whole(guest, rows)

    def _whole(self, guest: Guest, rows: NDArray[np.bool_] | None) -> RewardBatch:
        """Run rows that are taken in, the long way."""
        self._run(guest, rows)
        return self._finish(guest, rows)

    def _take_in(
        self,
        values: tuple[Any, ...],
        frame: Any,
        extra: Mapping[str, Any] | None,
        mask: NDArray[np.bool_] | None,
    ) -> NDArray[np.bool_] | None:
        """Check what a step is given and write it where the program reads it; give the rows."""
        frames = self._frames
        problems: list[str] = []
        rows = None if mask is None else self._mask(mask, problems)
        pending: Pending = []
        texts: Texts = []
        given = dict(zip(_GIVEN, values, strict=True))
        if rows is None or rows.any():
            for slot in self._step_slots:
                self._writers[slot].check(given[slot], rows, pending, texts, problems)
            for slot in self._extras:
                value = None if extra is None else extra.get(slot[6:])
                self._writers[slot].check(value, rows, pending, texts, problems)
        shown = None
        if frames is not None and frames.each_step and (rows is None or rows.any()):
            shown = frames.check(frame, problems, needed=True)
        if problems:
            raise ShapeError("RewardSession.step", problems)
        if not self._all_begun:
            unborn = ~self._begun if rows is None else rows & ~self._begun
            if unborn.any():
                raise ResetNeededError(np.flatnonzero(unborn).tolist())
        commit(pending, texts)
        if frames is not None:
            frames.step(shown, rows)
        if self._t_column is not None:
            np.copyto(self._t_column, self._t)
        if self._history is not None:
            self._history.add("step", rows, self._columns)
        return rows

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
            self._make_lanes(guest)
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
        frame: Any = None,
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
            frame: Likewise; frames are copied before this returns.
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
            given = (obs, action, next_obs, terminated, truncated)
            if self._frames is None:
                ended = lane.post(block, mask, *given, extra, self._t)
            else:
                # Frames are written by the session, which keeps those of before: then as ever.
                mask = self._take_in(given, frame, extra, mask)
                ended = lane.post(block, mask)
                if ended == Ended.NOT_READY:
                    guest = self._open("step_async")
                    self._keep(lambda: self._whole(guest, mask))
                    return
            if ended == Ended.FINE:
                self._under_way = UnderWay(lane, block, mask)
                self._quick = None
                return
            if ended in BEGUN or ended <= Ended.STOPPED:
                self._keep(lambda: self._go_on(ended, block, mask))
                return
        # By name of the class, so that a session that counts what `step` gives counts it once.
        self._keep(
            lambda: RewardSession.step(
                self,
                obs,
                action,
                next_obs,
                terminated,
                truncated,
                frame=frame,
                extra=extra,
                mask=mask,
            )
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
        return fine_batch(self._frame, under_way.block)

    def evaluate(
        self,
        next_obs: Any = None,
        *,
        frame: Any = None,
        mask: NDArray[np.bool_] | None = None,
    ) -> RewardBatch:
        """Say what a function of the state alone gives for states, outside any transition.

        Nothing advances, latches or is counted: this is how a potential is known for the first
        observation of an episode.

        Args:
            next_obs: Observations in Gymnasium's vector layout.
            frame: Frames of these states, as for `reset`.
            mask: bool ``[N]``, the environments to look at; all when left out.

        Returns:
            The batch. A bad row never raises here; its reward is NaN.

        Raises:
            OptionError: If the program keeps state or reads more than the observation.
            ShapeError: If an input does not fit.
        """
        guest = self._open("evaluate")
        read = set(self.program.plan.schema.read())
        if self._stateful or not read <= AT_RESET:
            raise OptionError(
                "RewardSession.evaluate: the program "
                + ("keeps state" if self._stateful else f"reads {', '.join(sorted(read))}")
                + "; only a function of next_obs and initial_obs, or of frame and initial_frame, has a "
                "value outside a transition"
            )
        problems: list[str] = []
        rows = self._mask(mask, problems)
        pending: Pending = []
        texts: Texts = []
        if "next_obs" in self._writers:
            self._writers["next_obs"].check(next_obs, rows, pending, texts, problems)
        frames = self._frames
        shown = None
        if frames is not None and frames.each_step:
            shown = frames.check(frame, problems, needed=True)
        if problems:
            raise ShapeError("RewardSession.evaluate", problems)
        commit(pending, texts)
        if frames is not None:
            frames.step(shown, rows)
        self._run(guest, rows)
        return self._collect(guest, rows, looking=True)

    # Ending ----------------------------------------------------------------------------------

    def close(self) -> None:
        """End the session; may be called again. The worker goes back to the program."""
        guest = self._guest
        if isinstance(self._under_way, UnderWay):
            # The worker must not be in the middle of something when it serves another.
            with suppress(CarruntimeError, SandboxError):
                self.step_wait()
        self._under_way = None
        self._guest = None
        if guest is not None:
            # Views of the shared memory would keep it, and its descriptors, for as long as somebody
            # holds on to a session that is over.
            self._quick = self._lane = self._quick_reset = self._reset_lane = None
            self._history = None
            self._columns, self._t_column = {}, None
            self._writers, self._first, self._frames = {}, [], None
            self.program._take_back(guest)  # noqa: SLF001  # its own session

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
