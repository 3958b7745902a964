"""Environments and policy of a run: which are chosen, and how they are put together."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import gymnasium as gym
import numpy as np
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from torch import nn

from carruntime.environments import make_env
from carruntime.errors import OptionError
from carruntime.frames import RenderFrames
from carruntime.integrations.sb3 import CodeRewardVecEnv, GymnasiumVecEnv, NumericObservations
from carruntime.minigrid.encoding import COLOURS, STATES, TYPES
from carruntime.minigrid.vector import MiniGridVectorEnv
from carruntime.reward import RewardProgram
from carruntime.training.settings import Settings

__all__ = ["Environments", "EpisodeStatistics", "GridFeatures", "make_environments", "make_model"]

_RECENT: Final = 100


class EpisodeStatistics(VecEnvWrapper):
    """Counts episodes by the environment's own reward, below any program.

    An episode succeeded if ``info["is_success"]`` or ``info["success"]`` says so or, in MiniGrid,
    if its return is positive; elsewhere nothing is known, and success is NaN.

    Attributes:
        episodes: How many have ended.
    """

    def __init__(self, venv: VecEnv, *, minigrid: bool) -> None:
        super().__init__(venv)
        self._minigrid = minigrid
        self._returns = np.zeros(venv.num_envs)
        self._lengths = np.zeros(venv.num_envs, np.int64)
        self._recent: deque[tuple[float, float]] = deque(maxlen=_RECENT)
        self.episodes = 0

    def reset(self) -> Any:
        """Reset all environments."""
        self._returns[:] = 0.0
        self._lengths[:] = 0
        return self.venv.reset()

    def step_wait(self) -> Any:
        """End a step; where an episode ended its info has ``episode``, as of a Monitor."""
        obs, rewards, dones, infos = self.venv.step_wait()
        self._returns += rewards
        self._lengths += 1
        for row in np.flatnonzero(dones).tolist():
            total = float(self._returns[row])
            info = infos[row]
            success = info.get("is_success", info.get("success"))
            if success is None:
                success = total > 0.0 if self._minigrid else math.nan
            info["episode"] = {
                "r": total,
                "l": int(self._lengths[row]),
                "success": float(success),
            }
            self._recent.append((total, float(success)))
            self.episodes += 1
            self._returns[row] = 0.0
            self._lengths[row] = 0
        return obs, rewards, dones, infos

    @property
    def full(self) -> bool:
        """Whether as many episodes have ended as are averaged over."""
        return len(self._recent) == _RECENT

    def recent(self) -> tuple[float, float]:
        """Give mean return and share of success of the last 100 episodes; NaN before any."""
        if not self._recent:
            return math.nan, math.nan
        returns, successes = np.array(self._recent).mean(axis=0)
        return float(returns), float(successes)

    def state_dict(self) -> dict[str, Any]:
        """Give what was counted."""
        return {
            "returns": self._returns.copy(),
            "lengths": self._lengths.copy(),
            "recent": list(self._recent),
            "episodes": self.episodes,
        }

    def load_state_dict(self, state: Mapping[str, Any], *, running: bool) -> None:
        """Go on counting.

        Args:
            state: What `state_dict` gave.
            running: Whether the episodes that were running go on as well.
        """
        if running:
            self._returns[:] = state["returns"]
            self._lengths[:] = state["lengths"]
        self._recent = deque(state["recent"], maxlen=_RECENT)
        self.episodes = int(state["episodes"])


class _GridObservations(VecEnvWrapper):
    """View and direction of MiniGrid, with the bounds that an encoded view really has.

    Stable-Baselines3 would take a uint8 Box up to 255 for a picture, and turn and scale it.
    """

    def __init__(self, venv: VecEnv) -> None:
        image = venv.observation_space["image"]
        spaces = {
            "image": gym.spaces.Box(0, TYPES - 1, image.shape, np.uint8),
            "direction": gym.spaces.Discrete(4),
        }
        super().__init__(venv, observation_space=gym.spaces.Dict(spaces))

    def reset(self) -> Any:
        return _without_text(self.venv.reset())

    def step_wait(self) -> Any:
        obs, rewards, dones, infos = self.venv.step_wait()
        for row in np.flatnonzero(dones).tolist():
            infos[row]["terminal_observation"] = _without_text(infos[row]["terminal_observation"])
        return _without_text(obs), rewards, dones, infos


def _without_text(obs: Any) -> dict[str, NDArray[Any]]:
    return {"image": np.asarray(obs["image"]), "direction": np.asarray(obs["direction"])}


class GridFeatures(BaseFeaturesExtractor):
    """MiniGrid's view as ones and zeros (type, colour, state of each cell), and two layers."""

    def __init__(self, observation_space: gym.spaces.Dict, width: int = 64) -> None:
        super().__init__(observation_space, features_dim=width)
        cells = int(np.prod(observation_space["image"].shape)) // 3  # type: ignore[arg-type]
        self._cells = cells
        self._kinds = TYPES + len(COLOURS) + STATES
        offsets = torch.tensor([0, TYPES, TYPES + len(COLOURS)])
        self._offsets: torch.Tensor
        self.register_buffer("_offsets", offsets, persistent=False)
        self.layers = nn.Sequential(
            nn.Linear(cells * self._kinds + 4, 2 * width),
            nn.Tanh(),
            nn.Linear(2 * width, width),
            nn.Tanh(),
        )

    def forward(self, observations: dict[str, torch.Tensor]) -> torch.Tensor:
        """Give the features, float32 ``[B, width]``."""
        image = observations["image"]
        places = image.reshape(len(image), self._cells, 3).long() + self._offsets
        hot = torch.zeros(len(image), self._cells, self._kinds)
        hot.scatter_(2, places, 1.0)
        direction = observations["direction"].reshape(len(image), 4)
        return self.layers(torch.cat([hot.flatten(1), direction], dim=1))


@dataclass(frozen=True, slots=True)
class Environments:
    """What a model is trained on.

    Attributes:
        venv: What the model sees.
        vector: The Gymnasium vector environment below.
        statistics: Counts episodes.
        rewards: Pays with the program; None without one.
    """

    venv: VecEnv
    vector: VectorEnv[Any, Any, Any]
    statistics: EpisodeStatistics
    rewards: CodeRewardVecEnv | None


def make_environments(
    settings: Settings,
    *,
    num_envs: int,
    program: RewardProgram | None = None,
) -> Environments:
    """Put environments together: bridge, counts, program, and what the policy can read.

    Args:
        settings: Which.
        num_envs: How many.
        program: What pays, where anything but the environment does.

    Raises:
        OptionError: If the environment is unknown, or the program is for another.
    """
    seen = program.frame_shape if program is not None and program.reads_frames else None
    vector: VectorEnv[Any, Any, Any]
    if settings.compiled:
        vector = _compiled(settings, num_envs, seen)
    else:
        vector = SyncVectorEnv(
            [lambda: _plain(settings.env_id, drawn=seen is not None)] * num_envs,
            autoreset_mode=AutoresetMode.SAME_STEP,
        )
    grid = _is_grid(vector.single_observation_space)
    statistics = EpisodeStatistics(GymnasiumVecEnv(vector), minigrid=grid)
    venv: VecEnv = statistics
    rewards = None
    if program is not None:
        potential = settings.mode == "potential"
        venv = rewards = CodeRewardVecEnv(
            venv,
            program,
            mode=settings.mode,
            gamma=settings.discount if potential else None,
            on_error=settings.on_error,
            record_episodes=program.stateful,
        )
    if grid:
        venv = _GridObservations(venv)
    elif isinstance(vector.single_observation_space, gym.spaces.Dict):
        venv = NumericObservations(venv)
    return Environments(venv, vector, statistics, rewards)


def _compiled(settings: Settings, num_envs: int, seen: tuple[int, ...] | None) -> MiniGridVectorEnv:
    mode = AutoresetMode.SAME_STEP
    if seen is None:
        return MiniGridVectorEnv(settings.env_id, num_envs, autoreset_mode=mode)
    cells = MiniGridVectorEnv(settings.env_id, 1, tile_size=1).frame_shape
    env = MiniGridVectorEnv(
        settings.env_id,
        num_envs,
        autoreset_mode=mode,
        tile_size=max(1, seen[0] // cells[0]),
        info_frames=True,
    )
    if env.frame_shape != seen:
        raise OptionError(
            f"the program was loaded for frames of {seen}, and those of {settings.env_id} are "
            f"{env.frame_shape}, or have other whole tiles: load it for such"
        )
    return env


def _plain(env_id: str, *, drawn: bool) -> gym.Env[Any, Any]:
    return RenderFrames(make_env(env_id, render_mode="rgb_array")) if drawn else make_env(env_id)


def make_model(settings: Settings, venv: VecEnv, seed: int) -> PPO:
    """Make a PPO learner for what the environments show.

    MiniGrid's views go through `GridFeatures`; other observations through the usual policies of
    Stable-Baselines3.
    """
    size = settings.rollout_steps * venv.num_envs
    chosen: dict[str, Any] = {}
    if _is_grid(venv.observation_space):
        policy = "MultiInputPolicy"
        chosen = {
            "features_extractor_class": GridFeatures,
            "net_arch": [],
            "normalize_images": False,
        }
    elif isinstance(venv.observation_space, gym.spaces.Dict):
        policy = "MultiInputPolicy"
    else:
        shape = venv.observation_space.shape or ()
        policy = "CnnPolicy" if len(shape) == 3 else "MlpPolicy"

    def rate(left: float) -> float:
        return settings.learning_rate * max(left, 0.1)

    return PPO(
        policy,
        venv,
        learning_rate=rate,
        n_steps=settings.rollout_steps,
        batch_size=min(settings.minibatch, size),
        n_epochs=settings.epochs,
        gamma=settings.discount,
        gae_lambda=settings.gae,
        ent_coef=settings.entropy,
        vf_coef=0.25,
        policy_kwargs=chosen,
        seed=seed,
        device="cpu",
    )


def _is_grid(space: gym.Space[Any]) -> bool:
    """Say whether observations are MiniGrid's: an encoded view and a direction."""
    if not isinstance(space, gym.spaces.Dict) or not {"image", "direction"} <= set(space.spaces):
        return False
    shape = space["image"].shape
    is_view = shape is not None and len(shape) == 3 and shape[2] == 3 and shape[0] == shape[1]
    return is_view and shape[0] < 32 and space["direction"] == gym.spaces.Discrete(4)  # type: ignore[index]
