"""MiniGrid's DoorKey, Unlock and UnlockPickup as one compiled vector environment.

Rules, views, rewards and ends are MiniGrid's: given the same state and actions, both go the same
way, step by step. Layouts are drawn from MiniGrid's distribution by a generator of our own, so
a seed stands for another layout here; `MiniGridVectorEnv.load` takes over a layout of MiniGrid.

One environment costs a fraction of a microsecond a step, where Python takes more than a hundred,
so what is measured beside it (a reward, a picture, a policy) is what counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from carruntime.environments import make_env
from carruntime.errors import OptionError
from carruntime.minigrid.encoding import COLOURS, EMPTY, VIEW, state_of

__all__ = ["ENV_IDS", "MiniGridVectorEnv", "has_compiled"]

_DOORKEY, _UNLOCK, _UNLOCKPICKUP = range(3)
_MODES: Final = {
    AutoresetMode.NEXT_STEP: 0,
    AutoresetMode.SAME_STEP: 1,
    AutoresetMode.DISABLED: 2,
}
_STATE_VERSION: Final = 1
_ARRAYS: Final = ("grids", "agents", "carried", "target", "steps", "words", "ended", "begun")


@dataclass(frozen=True, slots=True)
class _Task:
    kind: int
    width: int
    height: int
    max_steps: int


def _doorkey(size: int) -> _Task:
    return _Task(_DOORKEY, size, size, 10 * size * size)


_TASKS: Final[Mapping[str, _Task]] = {
    "MiniGrid-DoorKey-5x5-v0": _doorkey(5),
    "MiniGrid-DoorKey-6x6-v0": _doorkey(6),
    "MiniGrid-DoorKey-8x8-v0": _doorkey(8),
    "MiniGrid-DoorKey-16x16-v0": _doorkey(16),
    "MiniGrid-Unlock-v0": _Task(_UNLOCK, 11, 6, 288),
    "MiniGrid-UnlockPickup-v0": _Task(_UNLOCKPICKUP, 11, 6, 288),
}
ENV_IDS: Final = tuple(_TASKS)
"""What can be had compiled."""


def has_compiled(env_id: str) -> bool:
    """Say whether an environment can be had compiled."""
    return env_id in _TASKS


class MiniGridVectorEnv(VectorEnv[Any, Any, Any]):
    """N copies of one MiniGrid task, stepped by one compiled call.

    Spaces, observations (a dict of ``image`` uint8 ``[N, 7, 7, 3]``, ``direction`` int64 ``[N]``
    and ``mission``, a tuple of N strings), rewards (float64 ``[N]``) and infos are those of
    ``SyncVectorEnv`` over ``gym.make(env_id)``; an episode that reaches its goal on its last
    step is terminated and truncated, as there. Arrays that are given out belong to the caller.

    Args:
        env_id: One of `ENV_IDS`.
        num_envs: N.
        autoreset_mode: What happens when an episode ends, see Gymnasium.
        max_steps: Steps after which an episode is truncated; MiniGrid's when left out.
        render_mode: ``"rgb_array"`` or None.
        tile_size: Pixels along a side of a cell in frames.
        highlight: Light up in frames what the agent sees.
        info_frames: Put the frame of every environment into ``info["frame"]``, as
            `carruntime.frames.RenderFrames` does inside of each sub-environment; with
            ``SAME_STEP`` the last one of an episode is in ``info["final_info"]["frame"]``.

    Raises:
        OptionError: If an argument cannot be used.
    """

    def __init__(
        self,
        env_id: str,
        num_envs: int = 1,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        max_steps: int | None = None,
        render_mode: str | None = None,
        tile_size: int = 32,
        highlight: bool = True,
        info_frames: bool = False,
    ) -> None:
        if env_id not in _TASKS:
            raise OptionError(
                f"MiniGridVectorEnv: {env_id!r} is not compiled; want one of {', '.join(_TASKS)}, "
                "or gymnasium.make_vec for any other"
            )
        if num_envs < 1:
            raise OptionError(f"MiniGridVectorEnv: num_envs {num_envs}; want at least 1")
        if max_steps is not None and max_steps < 1:
            raise OptionError(f"MiniGridVectorEnv: max_steps {max_steps}; want at least 1")
        if render_mode not in {None, "rgb_array"}:
            raise OptionError(
                f"MiniGridVectorEnv: render_mode {render_mode!r}; want 'rgb_array' or None"
            )
        try:
            self.autoreset_mode = AutoresetMode(autoreset_mode)
        except ValueError:
            raise OptionError(
                f"MiniGridVectorEnv: autoreset_mode {autoreset_mode!r}; want one of "
                f"{', '.join(f'AutoresetMode.{mode.name}' for mode in AutoresetMode)}"
            ) from None
        task = _TASKS[env_id]
        self.env_id = env_id
        self.num_envs = num_envs
        self.max_steps = task.max_steps if max_steps is None else max_steps
        self.render_mode = render_mode
        self.tile_size = tile_size
        self.highlight = highlight
        self.info_frames = info_frames
        model = make_env(env_id)
        self.spec = gym.spec(env_id)
        self.metadata = {
            "render_modes": ["rgb_array"],
            "render_fps": model.metadata.get("render_fps", 10),
            "autoreset_mode": self.autoreset_mode,
        }
        self.single_observation_space = model.observation_space
        self.single_action_space = model.action_space
        model.close()
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

        self._task = task.kind
        self._mode = _MODES[self.autoreset_mode]
        self._grids = np.zeros((num_envs, task.width, task.height, 3), np.uint8)
        self._grids[..., 0] = EMPTY
        self._agents = np.zeros((num_envs, 3), np.int64)
        self._carried = np.zeros((num_envs, 2), np.uint8)
        self._target = np.zeros(num_envs, np.uint8)
        self._steps = np.zeros(num_envs, np.int64)
        self._words = np.zeros(num_envs, np.uint64)
        self._ended = np.zeros(num_envs, np.bool_)
        self._begun = np.zeros(num_envs, np.bool_)
        self._seeded = False
        self._seen = np.zeros((VIEW, VIEW), np.bool_)
        self._last_image = np.zeros((num_envs, VIEW, VIEW, 3), np.uint8)
        self._last_direction = np.zeros(num_envs, np.int64)
        self._last_grids = self._grids.copy()
        self._last_agents = self._agents.copy()
        self._missions: tuple[str, ...] = ("",) * num_envs
        # Numba is loaded here and not where spaces and ids alone are wanted.
        from carruntime.minigrid import kernels

        self._kernels = kernels

    # Episodes --------------------------------------------------------------------------------

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin episodes, in all environments or in those of ``options["reset_mask"]``.

        Args:
            seed: Environment i begins its random stream at ``seed + i``, or at the i-th of a
                sequence, where that is not None. Without one streams go on, and the first
                reset takes seeds from the operating system.
            options: May hold ``"reset_mask"``, bool ``[N]``.

        Returns:
            The observations of all environments, and an info, empty but for frames.

        Raises:
            TypeError: If the mask is no bool array.
            ValueError: If the mask or the seeds do not fit.
        """
        self._check_open()
        mask = self._mask(options)
        self._seed(seed, mask)
        self._kernels.reset_batch(
            self._task,
            self._grids,
            self._agents,
            self._carried,
            self._target,
            self._steps,
            self._words,
            mask,
        )
        self._begun |= mask
        self._ended &= ~mask
        self._name_missions()
        return self._observe(), self._frame_info(mask)

    def step(
        self, actions: Any
    ) -> tuple[
        dict[str, Any],
        NDArray[np.float64],
        NDArray[np.bool_],
        NDArray[np.bool_],
        dict[str, Any],
    ]:
        """Step all environments.

        Args:
            actions: Integers ``[N]``, 0 to 6; what an environment that only begins its next
                episode in this step is given does not matter, but must be an action.

        Returns:
            Observations, rewards (float64 ``[N]``), terminated and truncated (bool ``[N]``), and
            infos: with ``SAME_STEP`` the last observations as ``final_obs``, as Gymnasium has it.

        Raises:
            ResetNeeded: If there was no reset, or an episode has ended and resets are disabled.
            ValueError: If an action is none. Nothing has changed then.
        """
        self._check_open()
        actions = np.asarray(actions)
        count = self.num_envs
        if actions.shape != (count,) or actions.dtype.kind not in "iu":
            raise ValueError(
                f"MiniGridVectorEnv.step: actions are {actions.dtype} {actions.shape}; want "
                f"integers ({count},), one for each environment"
            )
        self._check_begun()
        image = np.empty((count, VIEW, VIEW, 3), np.uint8)
        direction = np.empty(count, np.int64)
        rewards = np.empty(count)
        terminated = np.empty(count, np.bool_)
        truncated = np.empty(count, np.bool_)
        begun = self._kernels.step_batch(
            self._task,
            self.max_steps,
            self._mode,
            self._grids,
            self._agents,
            self._carried,
            self._target,
            self._steps,
            self._words,
            self._ended,
            actions.astype(np.int64, copy=False),
            image,
            direction,
            rewards,
            terminated,
            truncated,
            self._last_image,
            self._last_direction,
            self._last_grids,
            self._last_agents,
            self._seen,
        )
        if begun < 0:
            row = -1 - begun
            raise ValueError(
                f"MiniGridVectorEnv.step: action {actions[row]} of env {row}; want 0 to 6, see "
                "minigrid.core.actions.Actions"
            )
        infos: dict[str, Any] = {}
        if begun:
            if self._mode == _MODES[AutoresetMode.SAME_STEP]:
                infos = self._final()
            self._name_missions()
        infos |= self._frame_info(np.ones(count, np.bool_))
        obs = {"image": image, "direction": direction, "mission": self._missions}
        return obs, rewards, terminated, truncated, infos

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """Draw all environments as they are now, where ``render_mode`` is ``"rgb_array"``."""
        return None if self.render_mode is None else tuple(self.frames())

    def frames(self) -> NDArray[np.uint8]:
        """Draw all environments as they are now.

        With ``SAME_STEP`` an environment whose episode has just ended is already in the next.

        Returns:
            uint8 ``[N, H * tile_size, W * tile_size, 3]``, equal to MiniGrid's ``get_frame``.
        """
        return self._drawn(self._grids, self._agents)

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """Shape of one frame, ``(height, width, 3)``."""
        width, height = self._grids.shape[1:3]
        return height * self.tile_size, width * self.tile_size, 3

    # State -----------------------------------------------------------------------------------

    @property
    def grids(self) -> NDArray[np.uint8]:
        """Cells of all environments, uint8 ``[N, W, H, 3]``; a copy."""
        return self._grids.copy()

    @property
    def agents(self) -> NDArray[np.int64]:
        """X, y and direction of the agents, int64 ``[N, 3]``; a copy."""
        return self._agents.copy()

    @property
    def carried(self) -> NDArray[np.uint8]:
        """Type and colour of what agents carry, uint8 ``[N, 2]``, zeros for nothing; a copy."""
        return self._carried.copy()

    @property
    def step_count(self) -> NDArray[np.int64]:
        """Steps since reset, int64 ``[N]``; a copy."""
        return self._steps.copy()

    def load(self, index: int, env: gym.Env[Any, Any]) -> dict[str, Any]:
        """Put one environment into the state of a MiniGrid environment of the same task.

        Args:
            index: Which.
            env: The MiniGrid environment after its reset, wrapped or not.

        Returns:
            The observations of all environments.

        Raises:
            IndexError: If there is no such environment.
            OptionError: If ``env`` is of another task, size or horizon.
        """
        if not 0 <= index < self.num_envs:
            raise IndexError(f"load: index {index}; want 0 to {self.num_envs - 1}")
        state = state_of(env)
        inner: Any = env.unwrapped
        wrong = []
        want = ("DoorKeyEnv", "UnlockEnv", "UnlockPickupEnv")[self._task]
        if type(inner).__name__ != want:
            wrong.append(f"it is a {type(inner).__name__}, not a {want}")
        if state.grid.shape != self._grids.shape[1:]:
            wrong.append(f"its grid is {state.grid.shape[:2]}, not {self._grids.shape[1:3]}")
        if inner.max_steps != self.max_steps:
            wrong.append(f"its max_steps is {inner.max_steps}, not {self.max_steps}")
        if state.view_size != VIEW or state.see_through_walls:
            wrong.append("its view is not the usual one of 7 x 7 behind which walls hide")
        if any(getattr(cell, "contains", None) is not None for cell in inner.grid.grid):
            wrong.append("a box of it holds something")
        if wrong:
            raise OptionError(f"MiniGridVectorEnv.load: {'; '.join(wrong)}")
        self._grids[index] = state.grid
        self._agents[index] = (*state.agent_pos, state.agent_dir)
        self._carried[index] = state.carrying
        self._steps[index] = state.step_count
        self._target[index] = inner.obj.encode()[1] if self._task == _UNLOCKPICKUP else 0
        self._begun[index] = True
        self._ended[index] = False
        self._name_missions()
        return self._observe()

    def state_dict(self) -> dict[str, Any]:
        """Give all that is needed to go on elsewhere, the random streams included.

        Returns:
            Plain data: numbers, strings and arrays.
        """
        return {
            "version": _STATE_VERSION,
            "env_id": self.env_id,
            "max_steps": self.max_steps,
            "autoreset_mode": self.autoreset_mode.value,
            **{name: getattr(self, f"_{name}").copy() for name in _ARRAYS},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """Go on where another environment stood when its `state_dict` was taken.

        Returns:
            The observations of all environments.

        Raises:
            OptionError: If it is of another task, horizon, mode or number of environments.
        """
        mine = {
            "version": _STATE_VERSION,
            "env_id": self.env_id,
            "max_steps": self.max_steps,
            "autoreset_mode": self.autoreset_mode.value,
        }
        wrong = [
            f"{name} {state.get(name)!r} is not {value!r}"
            for name, value in mine.items()
            if state.get(name) != value
        ]
        for name in _ARRAYS:
            have, own = np.asarray(state.get(name)), getattr(self, f"_{name}")
            if have.shape != own.shape or have.dtype != own.dtype:
                wrong.append(f"{name} is {have.dtype} {have.shape}, not {own.dtype} {own.shape}")
        if wrong:
            raise OptionError(f"MiniGridVectorEnv.load_state_dict: {'; '.join(wrong)}")
        for name in _ARRAYS:
            getattr(self, f"_{name}")[...] = state[name]
        self._seeded = True
        self._name_missions()
        return self._observe()

    # Details ---------------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self.closed:
            raise OptionError("MiniGridVectorEnv: it is closed; make a new one")

    def _check_begun(self) -> None:
        if not self._begun.all():
            row = int(np.flatnonzero(~self._begun)[0])
            raise ResetNeeded(
                f"MiniGridVectorEnv.step: no episode has begun in env {row}; call reset() first"
            )
        if self.autoreset_mode is AutoresetMode.DISABLED and self._ended.any():
            rows = np.flatnonzero(self._ended).tolist()
            raise ResetNeeded(
                f"MiniGridVectorEnv.step: the episodes of env {rows[0]} ({len(rows)} of them) have "
                "ended, and autoreset is disabled; call "
                'reset(options={"reset_mask": terminated | truncated}) first'
            )

    def _mask(self, options: dict[str, Any] | None) -> NDArray[np.bool_]:
        mask = None if options is None else options.get("reset_mask")
        if mask is None:
            return np.ones(self.num_envs, np.bool_)
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
            raise TypeError(
                "MiniGridVectorEnv.reset: options['reset_mask'] is a "
                f"{getattr(mask, 'dtype', type(mask).__name__)}; want a bool array"
            )
        if mask.shape != (self.num_envs,) or not mask.any():
            raise ValueError(
                f"MiniGridVectorEnv.reset: options['reset_mask'] has shape {mask.shape} and "
                f"{int(mask.sum())} True; want ({self.num_envs},) and at least one"
            )
        return mask

    def _seed(self, seed: int | Sequence[int | None] | None, mask: NDArray[np.bool_]) -> None:
        count = self.num_envs
        if not self._seeded:
            self._words[:] = np.random.SeedSequence().generate_state(count, np.uint64)
            self._seeded = True
        if seed is None:
            return
        seeds: list[int | None]
        if isinstance(seed, (int, np.integer)):
            seeds = [int(seed) + i for i in range(count)]
        else:
            seeds = list(seed)
        if len(seeds) != count:
            raise ValueError(
                f"MiniGridVectorEnv.reset: {len(seeds)} seeds for {count} environments"
            )
        if any(one is not None and one < 0 for one in seeds):
            raise ValueError("MiniGridVectorEnv.reset: a seed is negative; want 0 or above")
        given = np.array([one is not None for one in seeds]) & mask
        words = np.array([(one or 0) % 2**64 for one in seeds], np.uint64)
        self._kernels.seed_batch(self._words, words, given)

    def _observe(self) -> dict[str, Any]:
        image = np.empty((self.num_envs, VIEW, VIEW, 3), np.uint8)
        direction = np.empty(self.num_envs, np.int64)
        self._kernels.observe_batch(
            self._grids, self._agents, self._carried, image, direction, self._seen, False
        )
        return {"image": image, "direction": direction, "mission": self._missions}

    def _name_missions(self) -> None:
        if self._task == _UNLOCKPICKUP:
            self._missions = tuple(_FETCH[colour] for colour in self._target.tolist())
        elif not self._missions[0]:
            self._missions = (_MISSIONS[self._task],) * self.num_envs

    def _final(self) -> dict[str, Any]:
        ended = self._ended.copy()
        final = np.full(self.num_envs, None, dtype=object)
        for row in np.flatnonzero(ended).tolist():
            final[row] = {
                "image": self._last_image[row].copy(),
                "direction": int(self._last_direction[row]),
                # Still that of the episode which ended.
                "mission": self._missions[row],
            }
        info: dict[str, Any] = {}
        if self.info_frames:
            frames = np.zeros((self.num_envs, *self.frame_shape), np.uint8)
            frames[ended] = self._drawn(self._last_grids[ended], self._last_agents[ended])
            info = {"frame": frames, "_frame": ended.copy()}
        return {
            "final_obs": final,
            "_final_obs": ended,
            "final_info": info,
            "_final_info": ended.copy(),
        }

    def _frame_info(self, mask: NDArray[np.bool_]) -> dict[str, Any]:
        return {"frame": self.frames(), "_frame": mask.copy()} if self.info_frames else {}

    def _drawn(self, grids: NDArray[np.uint8], agents: NDArray[np.int64]) -> NDArray[np.uint8]:
        from carruntime.minigrid.render import render

        return render(
            grids,
            agents[:, :2],
            agents[:, 2],
            tile_size=self.tile_size,
            highlight=self.highlight,
        )


_MISSIONS: Final = (
    "use the key to open the door and then get to the goal",
    "open the door",
)
_FETCH: Final = tuple(f"pick up the {colour} box" for colour in COLOURS)
