"""Stable-Baselines3: rewards of a program behind its ``VecEnv``, and Gymnasium's vector envs too.

Stable-Baselines3 resets an environment in the step that ends its episode, and gives the last
observation as ``infos[i]["terminal_observation"]``. So the program sees that one with the
transition, is paid, and is then reset with the observation that was returned.

`GymnasiumVecEnv` puts a Gymnasium vector environment behind that interface, so that compiled
environments can be trained on. `NumericObservations` leaves out what no policy of
Stable-Baselines3 can read, such as MiniGrid's mission; a program below it still reads it.

Needs the extra ``train``: ``pip install carruntime[train]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from carruntime.batch import RewardBatch
from carruntime.columns import copy_batch, overlay
from carruntime.errors import OptionError, RewardError
from carruntime.frames import Source as FrameFrom
from carruntime.payment import Mode, Payment
from carruntime.reward import RewardProgram, Source
from carruntime.session import OnError, RewardSession
from carruntime.spaces import spec_of
from sandbox.outcome import Outcome

try:
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "carruntime.integrations.sb3 needs stable-baselines3, which is not installed; it comes "
        "with the extra train: pip install 'carruntime[train]'",
        name=error.name,
    ) from error

__all__ = [
    "CodeRewardVecEnv",
    "GymnasiumVecEnv",
    "NumericObservations",
    "RewardLogger",
]

_Infos = list[dict[str, Any]]


class CodeRewardVecEnv(VecEnvWrapper):
    """A ``VecEnv`` whose rewards come from a program.

    ``infos[i]`` of a step has the environment's own reward as ``env_reward``, how the row ended
    as ``outcome`` and, where the program has them, ``components`` (name to float, those present)
    and ``completed`` (bool ``[K]``). They belong to the transition that was made, also where the
    observation returned is already that of the next episode. `RewardLogger` logs them.

    Stable-Baselines3 does not tell that an episode was truncated where it terminated in the same
    step; the program is then told that it terminated alone.

    Attributes:
        batch: What the program said in the last step, a `carruntime.RewardBatch`.

    Args:
        venv: What is wrapped.
        program: A loaded program, or its source (``str``) or file (``os.PathLike``).
        mode: What becomes of the two rewards, see `carruntime.CodeRewardWrapper`.
        gamma: Discount of ``mode="potential"``.
        on_error: What the program's reward of a bad row becomes.
        record_episodes: Keep what a class has seen since its reset, which `state_dict` needs.
        frame_source: Where the frames come from, if the program looks at any: a source of
            `carruntime.frames` that knows the last frame of an episode, or its name;
            ``infos[i]["frame"]`` if left out, where `carruntime.frames.RenderFrames` puts it.
        telemetry: Whether the session keeps it, see `RewardProgram.start`.
        **options: Further arguments of `carruntime.load`, where ``program`` is a source.

    Raises:
        LoadError: If the source has findings that refuse it.
        OptionError: If an argument cannot be used, or the program is for other spaces.
    """

    def __init__(
        self,
        venv: VecEnv,
        program: RewardProgram | Source,
        *,
        mode: Mode = "replace",
        gamma: float | None = None,
        on_error: OnError = "raise",
        record_episodes: bool = False,
        frame_source: FrameFrom = None,
        telemetry: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(venv)
        self._payment = Payment(
            venv,
            program,
            venv.num_envs,
            mode=mode,
            gamma=gamma,
            on_error=on_error,
            options=options,
            record_episodes=record_episodes,
            telemetry=telemetry,
            frame_source=frame_source,
            many=True,
        )
        source = self._payment.frame_source
        if source is not None and not source.sees_ends:
            self._payment.close()
            raise OptionError(
                f"frame_source={source!r}: the environments of Stable-Baselines3 have reset "
                "themselves before it is asked, and the last frame of an episode is lost; wrap "
                "each in carruntime.frames.RenderFrames and leave frame_source out"
            )
        self.batch: RewardBatch | None = None
        self._obs: Any = None
        self._actions: Any = None

    @property
    def program(self) -> RewardProgram:
        """The program that pays."""
        return self._payment.program

    @property
    def session(self) -> RewardSession:
        """Its session; ``session.outcomes`` counts how rows ended."""
        return self._payment.session

    def reset(self) -> Any:
        """Reset all environments, and the program."""
        obs = self.venv.reset()
        self._payment.begin(obs, None, self._look(obs, self.venv.unwrapped.reset_infos))
        self._keep(obs)
        return obs

    def step_async(self, actions: NDArray[Any]) -> None:
        """Begin a step; actions are kept for the program."""
        self._actions = np.array(actions)
        self.venv.step_async(actions)

    def step_wait(self) -> tuple[Any, NDArray[np.float64], NDArray[np.bool_], _Infos]:
        """End a step and reward its transitions.

        Raises:
            OptionError: If an episode ended and its last observation is not in the infos.
            RewardError: If a row failed and ``on_error`` is ``"raise"``. The environments have
                made the step, and can be stepped further.
        """
        obs, env_reward, dones, infos = self.venv.step_wait()
        payment = self._payment
        dones = np.asarray(dones, np.bool_)
        truncated = np.array([bool(info.get("TimeLimit.truncated")) for info in infos]) & dones
        terminated = dones & ~truncated
        any_ended = bool(dones.any())
        after = self._with_last(obs, dones, infos) if any_ended else obs
        failed: RewardError | None = None
        try:
            batch = payment.session.step(
                self._obs,
                self._actions,
                after,
                terminated,
                truncated,
                frame=self._look(self._whole(obs, dones, infos), infos),
                extra=_extra(payment.extras, infos),
            )
        except RewardError as error:
            failed, batch = error, error.batch
        own = np.array(env_reward, np.float64)
        reward = payment.pay(batch, own, terminated)
        if any_ended:
            first = [
                begun if over else info
                for begun, info, over in zip(
                    self.venv.unwrapped.reset_infos, infos, dones.tolist(), strict=True
                )
            ]
            payment.begin(obs, dones, self._look(obs, first))
        self._keep(obs)
        self.batch = batch
        if failed is not None:
            raise failed
        self._tell(infos, batch, own)
        return obs, reward, dones, infos

    def state_dict(self) -> dict[str, Any]:
        """Give what the program remembers, for `load_state_dict` after a restart.

        Raises:
            OptionError: If the program is a class and ``record_episodes`` is not set.
        """
        return {
            "session": self._payment.session.state_dict(),
            "potential": self._payment.potential.copy(),
        }

    def load_state_dict(self, state: Mapping[str, Any], obs: Any) -> None:
        """Go on where another one stood, with the observations that it gave last.

        Raises:
            OptionError: If the state is of another program or number of environments.
        """
        self._payment.session.load_state_dict(state["session"])
        self._payment.potential = np.array(state["potential"])
        self._keep(obs)

    def close(self) -> None:
        """Close the session and the environments."""
        self._payment.close()
        self.venv.close()

    def _keep(self, obs: Any) -> None:
        before = self._payment.before
        self._obs = None if before is None else copy_batch(before, obs)

    def _with_last(self, obs: Any, dones: NDArray[np.bool_], infos: _Infos) -> Any:
        spec = self._payment.after
        if spec is None:
            return obs
        last: dict[int, Any] = {}
        for row in np.flatnonzero(dones).tolist():
            if "terminal_observation" not in infos[row]:
                raise OptionError(
                    f"{type(self.venv).__name__}: env {row} ended and its info has no "
                    '"terminal_observation"; without it the last observation of an episode is '
                    "lost: mend the environment"
                )
            last[row] = infos[row]["terminal_observation"]
        return overlay(spec, obs, last)

    def _whole(self, obs: Any, dones: NDArray[np.bool_], infos: _Infos) -> Any:
        """Give all of the last observations, for a frame source that reads them."""
        if self._payment.frame_source is None or not dones.any():
            return obs
        spec = spec_of(self.observation_space, text_bytes=1 << 16, path="")
        rows = np.flatnonzero(dones).tolist()
        return overlay(spec, obs, {row: infos[row]["terminal_observation"] for row in rows})

    def _look(self, obs: Any, infos: Sequence[Mapping[str, Any]]) -> Any:
        """Give the frames of this moment, from infos put together; None if none are looked at."""
        if self._payment.frame_source is None:
            return None
        names = [name for name in infos[0] if all(name in info for info in infos)]
        told = {name: [info[name] for info in infos] for name in names}
        frames = self._payment.look(self.venv, obs, told)
        return np.stack(frames) if isinstance(frames, list) else frames

    @staticmethod
    def _tell(infos: _Infos, batch: RewardBatch, own: NDArray[np.float64]) -> None:
        outcomes, rewards = batch.outcome.tolist(), own.tolist()
        completed = batch.completed if batch.task_names else None
        parts = [
            (name, values.tolist(), batch.present[name].tolist())
            for name, values in batch.components.items()
        ]
        for row, info in enumerate(infos):
            info["env_reward"] = rewards[row]
            info["outcome"] = outcomes[row]
            if completed is not None:
                info["completed"] = completed[row]
            if parts:
                info["components"] = {name: v[row] for name, v, there in parts if there[row]}


class GymnasiumVecEnv(VecEnv):
    """A Gymnasium vector environment behind the interface of Stable-Baselines3.

    Args:
        env: A vector environment with autoreset mode SAME_STEP or DISABLED. With NEXT_STEP each
            episode has a step that ignores its action, which Stable-Baselines3 would learn from.

    Raises:
        OptionError: If its autoreset mode is another.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        self.env = env
        mode = env.metadata.get("autoreset_mode")
        if mode not in {AutoresetMode.SAME_STEP, AutoresetMode.DISABLED}:
            raise OptionError(
                f"GymnasiumVecEnv: {type(env).__name__} has autoreset mode {mode}; Stable-"
                "Baselines3 resets in the step that ends an episode: make it with "
                "autoreset_mode=AutoresetMode.SAME_STEP"
            )
        self._same_step = mode == AutoresetMode.SAME_STEP
        self._actions: Any = None
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)
        self.metadata = dict(env.metadata)

    def reset(self) -> Any:
        """Reset all environments, with the seeds and options given before."""
        options = self._options[0] or None
        if any(other != self._options[0] for other in self._options):
            raise OptionError(
                "GymnasiumVecEnv.reset: options differ from environment to environment; a vector "
                "environment of Gymnasium takes one dict for all: pass set_options(a_dict)"
            )
        seeds = self._seeds if any(seed is not None for seed in self._seeds) else None
        obs, info = self.env.reset(seed=seeds, options=options)
        self.reset_infos = _rows(info, self.num_envs)
        self._reset_seeds()
        self._reset_options()
        return obs

    def step_async(self, actions: NDArray[Any]) -> None:
        """Keep the actions for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[Any, NDArray[np.float64], NDArray[np.bool_], _Infos]:
        """Step all environments; those whose episode ended begin another."""
        obs, reward, terminated, truncated, info = self.env.step(self._actions)
        ended = np.logical_or(terminated, truncated)
        if not self._same_step or not ended.any():
            infos = _rows(info, self.num_envs)
        else:
            final = info.get("final_info") or {}
            begun = {k: v for k, v in info.items() if k.strip("_") not in _FINAL}
            infos = _rows(begun, self.num_envs)
            ended_infos = _rows(final, self.num_envs)
            for row in np.flatnonzero(ended).tolist():
                self.reset_infos[row], infos[row] = infos[row], ended_infos[row]
        for row in np.flatnonzero(ended).tolist():
            infos[row]["TimeLimit.truncated"] = bool(truncated[row]) and not terminated[row]
            last = info["final_obs"][row] if self._same_step else _one(obs, row)
            infos[row]["terminal_observation"] = last
        if ended.any() and not self._same_step:
            obs, begun = self.env.reset(options={"reset_mask": ended})
            for row, one in enumerate(_rows(begun, self.num_envs)):
                if ended[row]:
                    self.reset_infos[row] = one
        return obs, np.asarray(reward, np.float64), ended, infos

    def close(self) -> None:
        """Close the environments."""
        self.env.close()

    def get_images(self) -> Sequence[NDArray[Any] | None]:
        """Draw all environments."""
        frames = self.env.render()
        return [None] * self.num_envs if frames is None else [np.asarray(one) for one in frames]

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Give an attribute of the vector environment, the same for each."""
        value = getattr(self.env, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute of the vector environment; there is one for all."""
        if len(list(self._get_indices(indices))) != self.num_envs:
            raise OptionError(
                f"GymnasiumVecEnv.set_attr: {attr_name} for some environments; a vector "
                "environment has one for all: leave out indices"
            )
        setattr(self.env, attr_name, value)

    def env_method(
        self,
        method_name: str,
        *method_args: Any,  # noqa: ARG002  # the interface has them
        indices: Any = None,  # noqa: ARG002
        **method_kwargs: Any,  # noqa: ARG002
    ) -> list[Any]:
        """Refuse: the environments of a vector environment cannot be called one by one."""
        raise OptionError(
            f"GymnasiumVecEnv.env_method: {method_name} cannot be called on single environments of "
            f"{type(self.env).__name__}; call it on .env"
        )

    def env_is_wrapped(
        self,
        wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]],  # noqa: ARG002
        indices: Any = None,
    ) -> list[bool]:
        """Say no: whatever wraps the vector environment wraps no single one."""
        return [False for _ in self._get_indices(indices)]


class NumericObservations(VecEnvWrapper):
    """Observations without the fields that policies of Stable-Baselines3 cannot read.

    What is kept are the fields of a Dict space that are Box, Discrete, MultiDiscrete or
    MultiBinary.

    Raises:
        OptionError: If the space is no Dict, or nothing is left.
    """

    def __init__(self, venv: VecEnv) -> None:
        space = venv.observation_space
        kept = {}
        if isinstance(space, gym.spaces.Dict):
            kept = {name: one for name, one in space.spaces.items() if _is_numeric(one)}
        if not kept:
            raise OptionError(
                f"NumericObservations: the observation space is {space}; want a Dict with at least "
                "one field of numbers"
            )
        self._names = tuple(kept)
        super().__init__(venv, observation_space=gym.spaces.Dict(kept))

    def reset(self) -> Any:
        """Reset all environments."""
        return self._numbers(self.venv.reset())

    def step_wait(self) -> tuple[Any, NDArray[np.float64], NDArray[np.bool_], _Infos]:
        """End a step."""
        obs, reward, dones, infos = self.venv.step_wait()
        for row in np.flatnonzero(dones).tolist():
            if "terminal_observation" in infos[row]:
                last = infos[row]["terminal_observation"]
                infos[row]["terminal_observation"] = self._numbers(last)
        return self._numbers(obs), reward, dones, infos

    def _numbers(self, obs: Any) -> dict[str, Any]:
        return {name: np.asarray(obs[name]) for name in self._names}


class RewardLogger(BaseCallback):
    """Logs what a program pays: to TensorBoard, or wherever the model's logger writes.

    After each rollout, over its transitions: ``reward/mean``, ``reward/env_mean`` (the
    environment's own), ``reward/component/<name>`` (mean where present), ``reward/outcome/<NAME>``
    (share of rows, those that came), and for tasks ``reward/completed/<name>`` (share of the
    episodes that ended in which it was completed).

    Raises:
        OptionError: When training starts, if no `CodeRewardVecEnv` is among the environments.
    """

    def __init__(self) -> None:
        super().__init__()
        self._venv: CodeRewardVecEnv | None = None
        self._clear()

    def _clear(self) -> None:
        self._rows = self._episodes = 0
        self._paid = self._own = 0.0
        self._outcomes: dict[int, int] = {}
        self._components: dict[str, tuple[float, int]] = {}
        self._completed: NDArray[np.float64] | None = None

    def _on_training_start(self) -> None:
        venv: Any = self.training_env
        while isinstance(venv, VecEnvWrapper) and not isinstance(venv, CodeRewardVecEnv):
            venv = venv.venv
        if not isinstance(venv, CodeRewardVecEnv):
            raise OptionError(
                "RewardLogger: the model is trained on environments without a reward program; "
                "wrap them in CodeRewardVecEnv, or leave the callback out"
            )
        self._venv = venv

    def _on_step(self) -> bool:
        batch = self._venv.batch if self._venv is not None else None
        if batch is None:
            return True
        self._rows += len(batch)
        self._paid += float(np.sum(self.locals["rewards"]))
        self._own += sum(info["env_reward"] for info in self.locals["infos"])
        codes, counts = np.unique(batch.outcome, return_counts=True)
        for code, number in zip(codes.tolist(), counts.tolist(), strict=True):
            self._outcomes[code] = self._outcomes.get(code, 0) + number
        for name, values in batch.components.items():
            total, number = self._components.get(name, (0.0, 0))
            there = batch.present[name]
            self._components[name] = (
                total + float(np.nansum(values[there])),
                number + int(there.sum()),
            )
        dones = np.asarray(self.locals["dones"], np.bool_)
        if batch.task_names and dones.any():
            done = batch.completed[dones].sum(axis=0).astype(np.float64)
            self._completed = done if self._completed is None else self._completed + done
        self._episodes += int(dones.sum())
        return True

    def _on_rollout_end(self) -> None:
        if not self._rows or self._venv is None:
            return
        self.logger.record("reward/mean", self._paid / self._rows)
        self.logger.record("reward/env_mean", self._own / self._rows)
        for code, number in self._outcomes.items():
            self.logger.record(f"reward/outcome/{Outcome(code).name}", number / self._rows)
        for name, (total, number) in self._components.items():
            if number:
                self.logger.record(f"reward/component/{name}", total / number)
        if self._completed is not None:
            names = self._venv.program.task_names
            for name, times in zip(names, self._completed.tolist(), strict=True):
                self.logger.record(f"reward/completed/{name}", times / self._episodes)
        self._clear()


_FINAL = {"final_obs", "final_info"}


def _extra(names: Sequence[str], infos: _Infos) -> dict[str, NDArray[Any]]:
    """Take the declared values out of the infos; one that no info has is left out."""
    return {
        name: np.array([info.get(name) for info in infos])
        for name in names
        if any(name in info for info in infos)
    }


def _is_numeric(space: gym.Space[Any]) -> bool:
    numeric = (
        gym.spaces.Box,
        gym.spaces.Discrete,
        gym.spaces.MultiDiscrete,
        gym.spaces.MultiBinary,
    )
    return isinstance(space, numeric)


def _rows(info: Mapping[str, Any], count: int) -> _Infos:
    """Turn Gymnasium's one dict of arrays with masks into a dict for each environment."""
    rows: _Infos = [{} for _ in range(count)]
    for name, values in info.items():
        if name.startswith("_") and name[1:] in info:
            continue
        mask = info.get(f"_{name}")
        if isinstance(values, Mapping):
            parts: Any = _rows(values, count)
        elif isinstance(values, (np.ndarray, list, tuple)) and len(values) == count:
            parts = values
        else:
            parts = [values] * count
        for row in range(count):
            if mask is None or mask[row]:
                rows[row][name] = parts[row]
    return rows


def _one(obs: Any, row: int) -> Any:
    """Give one environment's part of a batch, which a later step may write over."""
    if isinstance(obs, Mapping):
        return {name: _one(value, row) for name, value in obs.items()}
    if isinstance(obs, tuple):
        return obs[row] if isinstance(obs[0], str) else tuple(_one(part, row) for part in obs)
    return np.array(obs[row]) if isinstance(obs, np.ndarray) else obs[row]
