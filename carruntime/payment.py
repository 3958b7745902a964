"""What an environment pays when it has two rewards, its own and a program's.

The arithmetic of the modes of the wrappers, for one environment as for many. When an episode
begins and which transition belongs to it is not decided here, see `carruntime.wrappers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from carruntime.batch import RewardBatch
from carruntime.errors import OptionError, RewardError
from carruntime.frames import FrameSource, ObservationFrames, frame_source_of
from carruntime.frames import Source as FrameFrom
from carruntime.loading import load
from carruntime.reward import RewardProgram, Source
from carruntime.running import AT_RESET
from carruntime.session import OnError, RewardSession
from carruntime.spaces import mismatches, spaces_of, spec_of
from sandbox.outcome import Outcome
from sandbox.schema import Spec

__all__ = ["Mode", "Payment"]

Mode: TypeAlias = Literal["replace", "add", "milestones", "potential"]
_MODES = ("replace", "add", "milestones", "potential")


class Payment:
    """The program, its session, and the arithmetic of the modes, for N environments.

    Args:
        env: What is wrapped.
        program: A loaded program, or its source or file.
        num_envs: N.
        mode: What becomes of the two rewards.
        gamma: Discount of ``"potential"``.
        on_error: What the program's reward of a bad row becomes.
        options: Further arguments of `carruntime.load`.
        record_episodes: Keep what a class has seen, so that its state can be stored.
        telemetry: Whether the session keeps it.
        frame_source: Where frames come from, if the program looks at any; see `carruntime.frames`.
        many: Whether ``env`` is a vector environment.
    """

    def __init__(
        self,
        env: object,
        program: RewardProgram | Source,
        num_envs: int,
        *,
        mode: Mode,
        gamma: float | None,
        on_error: OnError,
        options: dict[str, Any],
        record_episodes: bool = False,
        telemetry: bool = False,
        frame_source: FrameFrom = None,
        many: bool = False,
    ) -> None:
        self.mode = mode
        _check_mode(mode, gamma)
        self.gamma = 0.0 if gamma is None else float(gamma)
        self.owns = not isinstance(program, RewardProgram)
        if isinstance(program, RewardProgram):
            if options:
                raise OptionError(
                    f"{', '.join(sorted(options))}: given beside a program that is loaded already; "
                    "pass these to carruntime.load"
                )
            self.program = program
            _check_spaces(program, env)
        else:
            if "frame" not in options and frame_source is not None:
                # What the environment draws is not what the program will see.
                source = frame_source_of(frame_source, env, many=many)
                if isinstance(source, ObservationFrames):
                    options = {**options, "frame": source.shape_in(env)}
            self.program = load(program, env, **options)
        try:
            self._check_program()
            self.session: RewardSession = self.program.start(
                num_envs, on_error, record_episodes=record_episodes, telemetry=telemetry
            )
        except BaseException:
            if self.owns:
                self.program.close()
            raise
        self.frame_source: FrameSource | None = None
        try:
            self.frame_source = _source_for(self.program, frame_source, env, many=many)
        except BaseException:
            self.close()
            raise
        self.potential = np.zeros(num_envs)
        slots = self.program.plan.schema.read()
        self.before: Spec | None = slots.get("obs")
        self.after: Spec | None = slots.get("next_obs")
        self.extras = tuple(slot[6:] for slot in slots if slot.startswith("extra/"))

    def _check_program(self) -> None:
        program = self.program
        if self.mode == "milestones" and not program.task_names:
            raise OptionError(
                'mode="milestones" pays for completed tasks, and the program has none; want a '
                'program with TASKS, or mode="replace" or "add"'
            )
        if self.mode == "potential" and program.form != "tasks":
            read = set(program.plan.schema.read())
            if program.stateful or not read <= AT_RESET:
                raise OptionError(
                    'mode="potential" needs a function of the state alone, and this program '
                    + ("keeps state" if program.stateful else f"reads {', '.join(sorted(read))}")
                    + "; write reward(obs), or a program of tasks alone, whose share of completed "
                    "tasks is the potential"
                )

    def look(self, env: object, obs: Any, info: Mapping[str, Any]) -> Any:
        """Give the frames of this moment; None if the program looks at none."""
        if self.frame_source is None:
            return None
        return self.frame_source.frames(env, obs, info)

    def begin(self, obs: Any, mask: NDArray[np.bool_] | None, frame: Any = None) -> None:
        """Begin episodes in the program, and take the potential of their first state."""
        self.session.reset(obs, frame=frame, mask=mask)
        if self.mode != "potential":
            return
        if self.program.form == "tasks":
            first = self.session.completed.mean(axis=1)
        else:
            looked = self.session.evaluate(obs, frame=frame, mask=mask)
            bad = looked.bad_rows
            if len(bad) and self.session.on_error == "raise":
                raise RewardError(looked, [int(row) for row in bad])
            first = looked.reward
            if self.session.on_error != "nan":
                first[bad] = 0.0
        which: Any = slice(None) if mask is None else mask
        self.potential[which] = first[which]

    def pay(
        self,
        batch: RewardBatch,
        env_reward: NDArray[np.float64],
        terminated: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        """Turn what the program said into the reward of the chosen mode."""
        ran = batch.outcome != Outcome.SKIPPED
        if self.mode == "replace":
            return batch.reward
        if self.mode == "add":
            return env_reward + batch.reward
        if self.mode == "milestones":
            paid = batch.newly_completed.mean(axis=1)
            bad = ran & (batch.outcome != Outcome.OK)
            return np.where(bad, batch.reward, paid)
        if self.program.form == "tasks":
            value = batch.completed.mean(axis=1)
            bad = ran & (batch.outcome != Outcome.OK)
            value[bad] = batch.reward[bad]
        else:
            value = batch.reward
        value = np.where(terminated, 0.0, value)
        shaped = env_reward + self.gamma * value - self.potential
        # After a bad row the last known potential stands, or one NaN would never end.
        self.potential = np.where(batch.outcome == Outcome.OK, value, self.potential)
        return np.where(ran, shaped, env_reward)

    def close(self) -> None:
        """End the session, and the program if it was loaded here."""
        self.session.close()
        if self.owns:
            self.program.close()


def _source_for(
    program: RewardProgram, given: FrameFrom, env: object, *, many: bool
) -> FrameSource | None:
    if program.reads_frames:
        return frame_source_of(given, env, many=many)
    if given is not None:
        raise OptionError(
            f"frame_source= is given, and {program.filename} looks at no frame: leave it out"
        )
    return None


def _check_mode(mode: str, gamma: float | None) -> None:
    if mode not in _MODES:
        raise OptionError(f"mode={mode!r}: want one of {', '.join(map(repr, _MODES))}")
    if mode == "potential":
        if gamma is None or not 0.0 <= gamma <= 1.0:
            raise OptionError(
                f'gamma={gamma!r}: mode="potential" needs the discount of the agent, in [0, 1], or '
                "it changes which policies are optimal"
            )
    elif gamma is not None:
        raise OptionError(f'gamma={gamma!r} is used by mode="potential" only; mode is {mode!r}')


def _check_spaces(program: RewardProgram, env: object) -> None:
    observation, action = spaces_of(env)
    size = program.limits.text_bytes
    have = {
        "observation": spec_of(observation, text_bytes=size, path="observation_space"),
        "action": spec_of(action, text_bytes=size, path="action_space"),
    }
    problems: list[str] = []
    for slot, want in program.plan.schema.read().items():
        if slot in {"obs", "next_obs", "initial_obs"}:
            problems += mismatches(want, have["observation"], "observation_space")
        elif slot == "action":
            problems += mismatches(want, have["action"], "action_space")
    if problems:
        lines = "; ".join(dict.fromkeys(problems))
        raise OptionError(
            f"{program.filename} was loaded for other spaces than {type(env).__name__} has: "
            f"{lines}; load it again with this environment"
        )
