"""Several programs on the same environments: candidates that are compared while one policy acts.

Each program keeps its own worker, because programs of different origin must not meet in one
process; what is shared is the waiting. A step is posted to all workers before any is waited for,
so that they wake and run side by side as far as there are cores, and the slowest one sets the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from carruntime.errors import OptionError, RewardError
from carruntime.reward import RewardProgram
from carruntime.spaces import mismatches

if TYPE_CHECKING:
    from carruntime.batch import RewardBatch
    from carruntime.session import OnError, RewardSession

__all__ = ["ProgramSet", "ProgramSetSession"]


class ProgramSet:
    """Programs by name, for the same observation and action space.

    Attributes:
        programs: Name to program, in the order given.
    """

    def __init__(self, programs: Mapping[str, RewardProgram] | Iterable[RewardProgram]) -> None:
        """Take programs, which are closed with the set.

        Args:
            programs: Names and programs; programs alone are named ``"0"``, ``"1"`` and so on.

        Raises:
            OptionError: If there is none, one is given twice or is no program, or two are for
                different spaces.
        """
        if isinstance(programs, RewardProgram | str) or not isinstance(programs, Iterable):
            raise OptionError(
                f"ProgramSet: a {type(programs).__name__} is given; want a dict of names and "
                "programs, or a list of programs"
            )
        if not isinstance(programs, Mapping):
            programs = {str(place): program for place, program in enumerate(programs)}
        if not programs:
            raise OptionError("ProgramSet: no program given; want at least one")
        _must_be_programs(programs)
        twice = len(programs) - len({id(program) for program in programs.values()})
        if twice:
            raise OptionError("ProgramSet: a program is given twice; load it twice instead")
        _must_fit_together(programs)
        self.programs: Mapping[str, RewardProgram] = MappingProxyType(dict(programs))

    def start(
        self, num_envs: int = 1, on_error: OnError = "nan", **options: Any
    ) -> ProgramSetSession:
        """Bind all programs to a number of environments.

        Args:
            num_envs: Environments, which is the size of every batch.
            on_error: As for `RewardProgram.start`; one candidate's bad row should not end a
                comparison, so the default is ``"nan"``.
            **options: Further options of `RewardProgram.start`.

        Raises:
            OptionError: If an argument cannot be used.
        """
        with ExitStack() as stack:
            sessions = {
                name: stack.enter_context(program.start(num_envs, on_error, **options))
                for name, program in self.programs.items()
            }
            stack.pop_all()
        return ProgramSetSession(sessions)

    def close(self) -> None:
        """Close all programs. May be called again."""
        with ExitStack() as stack:
            for program in self.programs.values():
                stack.callback(program.close)

    def __len__(self) -> int:
        return len(self.programs)

    def __repr__(self) -> str:
        return f"ProgramSet({', '.join(self.programs)})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class ProgramSetSession:
    """Sessions of several programs, stepped together; made by `ProgramSet.start`.

    It resets, steps and closes all of them. Whatever else a session offers (`step_async`,
    `state_dict`, `buffers`, counts) is asked of each one in `sessions`.

    Attributes:
        sessions: Name to session, for whatever concerns one program alone.
    """

    def __init__(self, sessions: Mapping[str, RewardSession]) -> None:
        self.sessions: Mapping[str, RewardSession] = MappingProxyType(dict(sessions))

    def reset(
        self, obs: Any = None, *, frame: Any = None, mask: NDArray[np.bool_] | None = None
    ) -> None:
        """Begin an episode in all environments, or in some, for every program.

        Args:
            obs: The first observations in Gymnasium's vector layout.
            frame: The first frames, for programs that look at any.
            mask: bool ``[N]``, the environments whose episode begins; all when left out.

        Raises:
            ShapeError: If an input does not fit a program. Those before it have begun the episode.
        """
        for session in self.sessions.values():
            session.reset(obs, frame=frame, mask=mask)

    def step(self, *transition: Any, **options: Any) -> dict[str, RewardBatch]:
        """Reward one transition of every environment with every program.

        Args:
            *transition: As for `RewardSession.step`: ``obs``, ``action``, ``next_obs``,
                ``terminated``, ``truncated``; all of them may also be given by name.
            **options: ``frame``, ``extra`` and ``mask`` likewise.

        Returns:
            The batch of each program by name.

        Raises:
            RewardError: If rows of a program are bad and ``on_error="raise"``: that of the first
                such program. All programs have taken the step.
            ShapeError: If an input does not fit a program. Those before it have taken the step.
        """
        posted: list[str] = []
        batches: dict[str, RewardBatch] = {}
        bad: RewardError | None = None
        try:
            for name, session in self.sessions.items():
                session.step_async(*transition, **options)
                posted.append(name)
        finally:
            # Whatever was posted is waited for, so that every session can take the next step.
            for name in posted:
                try:
                    batches[name] = self.sessions[name].step_wait()
                except RewardError as error:
                    bad = bad or error
        if bad is not None:
            raise bad
        return batches

    def close(self) -> None:
        """End all sessions. May be called again."""
        with ExitStack() as stack:
            for session in self.sessions.values():
                stack.callback(session.close)

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
        sessions = ", ".join(f"{name}: {session!r}" for name, session in self.sessions.items())
        return f"ProgramSetSession({sessions})"


def _must_be_programs(programs: Mapping[Any, Any]) -> None:
    for name, program in programs.items():
        if not isinstance(name, str):
            raise OptionError(f"ProgramSet: the name {name!r} is no str; batches are given by name")
        if not isinstance(program, RewardProgram):
            raise OptionError(
                f"ProgramSet: {name!r} is a {type(program).__name__}; want what carruntime.load "
                "gave"
            )


def _must_fit_together(programs: Mapping[str, RewardProgram]) -> None:
    """Refuse programs that one batch of observations and actions cannot serve.

    Bounds may differ, and so may what is declared with ``extra=``: each program takes its own.
    """
    first, *others = programs
    want = programs[first].inputs
    for name in others:
        have = programs[name].inputs
        problems = [
            line
            for one, other, path in (
                (want.observation, have.observation, "observation_space"),
                (want.action, have.action, "action_space"),
            )
            for line in mismatches(one, other, path) or mismatches(other, one, path)
        ]
        if problems:
            raise OptionError(
                f"ProgramSet: {first!r} and {name!r} are for different spaces: "
                f"{'; '.join(problems)}; one step is for all of them: load them with the same "
                "environment"
            )
