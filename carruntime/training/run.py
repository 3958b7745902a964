"""One training run: one seed, from its first step or from its last checkpoint to its end.

A checkpoint is taken between two rollouts and has all that decides what comes after: weights and
optimiser, counters, the random states of Torch, NumPy and Python, what the program remembers,
the counts of episodes and the curve so far. With a compiled environment it has the environment's
state too, and a run that was taken up again ends with the very bits of one that was never
interrupted, on the same machine with the same versions and threads. Environments of Python
packages cannot be stored: they begin new episodes, and those that were running are lost.
"""

from __future__ import annotations

import io
import math
import pickle
import random
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback

from carruntime.errors import OptionError
from carruntime.files import make_folder
from carruntime.integrations.sb3 import RewardLogger
from carruntime.minigrid.vector import MiniGridVectorEnv
from carruntime.reward import RewardProgram
from carruntime.training.curves import Point, write_points
from carruntime.training.files import write_bytes, write_json
from carruntime.training.learner import Environments, make_environments, make_model
from carruntime.training.settings import Settings

__all__ = ["CHECKPOINT", "CURVE", "MODEL", "RESULT", "Run", "train_seed"]

CHECKPOINT, CURVE, MODEL, RESULT = "checkpoint.pt", "curve.csv", "model.zip", "result.json"
SOLVED: Final = 0.9
_VERSION: Final = 1
_SEED_STRIDE: Final = 100_003
_EVAL_OFFSET: Final = 50_021
_EVAL_STEPS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Run:
    """How a run ended.

    Attributes:
        seed: Its seed.
        points: Its curve.
        solved_at: Transitions at which the last 100 training episodes had first succeeded to
            nine tenths; None if never.
        resumed_at: Transitions at which it was last taken up; None if it ran in one go.
        exact: Whether it has the bits of a run that was never interrupted.
        outcomes: How the rows of the program ended, name to number.
    """

    seed: int
    points: tuple[Point, ...]
    solved_at: int | None
    resumed_at: int | None
    exact: bool
    outcomes: dict[str, int]


def train_seed(
    settings: Settings,
    seed: int,
    folder: Path,
    *,
    program: RewardProgram | None = None,
    resume: bool = False,
    tensorboard: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """Train one seed and store its curve, its model and its checkpoints.

    Args:
        settings: What to train on, and how.
        seed: Of weights, actions, minibatches and environments.
        folder: Where to; made if it is not there.
        program: What pays, where anything but the environment does.
        resume: Go on from the checkpoint in the folder, if there is one.
        tensorboard: Folder for TensorBoard's files.
        progress: Told after each step of the environments.

    Returns:
        The run.

    Raises:
        OptionError: If something cannot be written, or the checkpoint is of another run.
        RewardError: If a row of the program failed.
    """
    make_folder(folder)
    # More threads cost more than they bring for networks of this size.
    torch.set_num_threads(1)
    with ExitStack() as stack:
        envs = make_environments(settings, num_envs=settings.num_envs, program=program)
        stack.callback(envs.venv.close)
        judge = _Judge(settings, seed)
        stack.callback(judge.close)
        model = make_model(settings, envs.venv, seed)
        # Seeds of environments are apart for neighbouring seeds of runs.
        envs.venv.seed(seed * _SEED_STRIDE)
        keeper = _Keeper(settings, seed, folder, envs, judge=judge, progress=progress)
        checkpoint = folder / CHECKPOINT
        if resume and checkpoint.exists():
            keeper.restore(model, _read(checkpoint, settings, seed, program))
        if tensorboard is not None:
            _log_to(model, tensorboard)
        callbacks: list[BaseCallback] = [keeper]
        if envs.rewards is not None:
            callbacks.append(RewardLogger())
        left = settings.total_steps - model.num_timesteps
        if left > 0:
            model.learn(left, callback=callbacks, reset_num_timesteps=False, log_interval=10)
        keeper.finish(model)
        outcomes = {}
        if envs.rewards is not None:
            outcomes = {one.name: n for one, n in envs.rewards.session.outcomes.items()}
        return Run(
            seed=seed,
            points=tuple(keeper.points),
            solved_at=keeper.solved_at,
            resumed_at=keeper.resumed_at,
            exact=keeper.exact,
            outcomes=outcomes,
        )


class _Judge:
    """Plays evaluation episodes on environments of its own, with the policy's own chances."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self._episodes = settings.eval_episodes
        count = min(settings.eval_episodes, settings.num_envs)
        self._quota = math.ceil(settings.eval_episodes / count)
        self._seed = seed * _SEED_STRIDE + _EVAL_OFFSET
        self._envs = make_environments(settings, num_envs=count)

    def __call__(self, model: PPO, steps: int) -> tuple[float, float]:
        """Give mean return and share of success; training notices nothing of it.

        Always the same layouts for a seed, and each environment's first episodes, so that short
        ones do not count more often.
        """
        venv = self._envs.venv
        venv.seed(self._seed)
        played: list[tuple[float, float]] = []
        done = np.zeros(venv.num_envs, np.int64)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed + steps)
            obs: Any = venv.reset()
            for _ in range(_EVAL_STEPS):
                actions, _ = model.predict(obs, deterministic=False)
                obs, _, dones, infos = venv.step(actions)
                for row in np.flatnonzero(dones & (done < self._quota)).tolist():
                    done[row] += 1
                    played.append(self._of(infos[row]))
                if (done >= self._quota).all():
                    break
        if not played:
            return math.nan, math.nan
        returns, successes = np.array(played).mean(axis=0)
        return float(returns), float(successes)

    def _of(self, info: dict[str, Any]) -> tuple[float, float]:
        total = float(info["episode"]["r"])
        return total, float(info["episode"]["success"])

    def close(self) -> None:
        self._envs.venv.close()


class _Keeper(BaseCallback):
    """Keeps the curve and the checkpoints of a run."""

    def __init__(
        self,
        settings: Settings,
        seed: int,
        folder: Path,
        envs: Environments,
        *,
        judge: _Judge,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        super().__init__()
        self._settings = settings
        self._seed = seed
        self._folder = folder
        self._envs = envs
        self._judge = judge
        self._progress = progress
        self._stored_at = 0
        self.points: list[Point] = []
        self.solved_at: int | None = None
        self.resumed_at: int | None = None
        self.exact = True

    def _on_step(self) -> bool:
        if self._progress is not None:
            total = self._settings.total_steps
            self._progress(min(self.num_timesteps, total), total)
        return True

    def _on_rollout_start(self) -> None:
        # Between two rollouts nothing is half done.
        self._look(self.model)

    def _look(self, model: PPO, *, last: bool = False) -> None:
        steps = model.num_timesteps
        statistics = self._envs.statistics
        returns, success = statistics.recent()
        if self.solved_at is None and statistics.full and success >= SOLVED:
            self.solved_at = steps
        seen = self.points[-1].steps if self.points else -1
        every = self._settings.eval_every
        if steps != seen and (last or seen < 0 or steps // every > seen // every):
            evaluated = self._judge(model, steps)
            self.points.append(Point(steps, statistics.episodes, returns, success, *evaluated))
        if last or steps - self._stored_at >= self._settings.checkpoint_every:
            self._store(model)

    def finish(self, model: PPO) -> None:
        """Judge the last policy, and store it and what became of the run."""
        self._look(model, last=True)
        buffer = io.BytesIO()
        model.save(buffer)
        write_bytes(self._folder / MODEL, buffer.getvalue())
        write_json(
            self._folder / RESULT,
            {
                "seed": self._seed,
                "steps": model.num_timesteps,
                "solved_at": self.solved_at,
                "resumed_at": self.resumed_at,
                "exact": self.exact,
            },
        )

    def _store(self, model: PPO) -> None:
        envs = self._envs
        vector = envs.vector
        state = {
            "version": _VERSION,
            "settings": self._settings.to_json(),
            "seed": self._seed,
            "program": None if envs.rewards is None else envs.rewards.program.digest,
            "steps": model.num_timesteps,
            "updates": model._n_updates,  # noqa: SLF001  # has no public name
            "progress": model._current_progress_remaining,  # noqa: SLF001
            "policy": model.policy.state_dict(),
            "optimizer": model.policy.optimizer.state_dict(),
            "obs": model._last_obs,  # noqa: SLF001
            "starts": model._last_episode_starts,  # noqa: SLF001
            "torch": torch.get_rng_state(),
            "numpy": np.random.get_state(),  # noqa: NPY002  # what the learner draws from
            "python": random.getstate(),
            "vector": vector.state_dict() if isinstance(vector, MiniGridVectorEnv) else None,
            "rewards": None if envs.rewards is None else envs.rewards.state_dict(),
            "statistics": envs.statistics.state_dict(),
            "points": [astuple(point) for point in self.points],
            "solved_at": self.solved_at,
            "exact": self.exact,
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_bytes(self._folder / CHECKPOINT, buffer.getvalue())
        write_points(self._folder / CURVE, self.points)
        self._stored_at = model.num_timesteps

    def restore(self, model: PPO, state: dict[str, Any]) -> None:
        """Put everything back as it was when the checkpoint was taken."""
        envs = self._envs
        model.policy.load_state_dict(state["policy"])
        model.policy.optimizer.load_state_dict(state["optimizer"])
        model.num_timesteps = state["steps"]
        model._n_updates = state["updates"]  # noqa: SLF001
        model._current_progress_remaining = state["progress"]  # noqa: SLF001
        self.points = [Point(*values) for values in state["points"]]
        self.solved_at = state["solved_at"]
        self.resumed_at = self._stored_at = state["steps"]
        exact = state["vector"] is not None
        self.exact = exact and state["exact"]
        if exact:
            # Sessions and policies hold what was seen last; only the environment is asked anew.
            envs.venv.reset()
            seen = envs.vector.load_state_dict(state["vector"])  # type: ignore[attr-defined]
            model._last_obs = state["obs"]  # noqa: SLF001
            model._last_episode_starts = state["starts"]  # noqa: SLF001
            if envs.rewards is not None:
                envs.rewards.load_state_dict(state["rewards"], seen)
        elif state["steps"]:
            # As many seeds on as there were checkpoints would be the same; the step will do.
            envs.venv.seed(self._seed * _SEED_STRIDE + state["steps"])
        envs.statistics.load_state_dict(state["statistics"], running=exact)
        torch.set_rng_state(state["torch"])
        np.random.set_state(state["numpy"])  # noqa: NPY002
        random.setstate(state["python"])


def _read(
    path: Path, settings: Settings, seed: int, program: RewardProgram | None
) -> dict[str, Any]:
    """Read a checkpoint; it is a pickle, which only its own maker should load."""
    try:
        state: dict[str, Any] = torch.load(path, weights_only=False)
        stored = Settings.from_json(state["settings"])
    except (OSError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise OptionError(
            f"{path} cannot be read: {error}; remove it to begin this seed anew"
        ) from error
    wrong = settings.differences(stored)
    if state["version"] != _VERSION:
        wrong.append(f"version {state['version']!r} is not {_VERSION!r}")
    if state["seed"] != seed:
        wrong.append(f"seed {state['seed']} is not {seed}")
    digest = None if program is None else program.digest
    if state["program"] != digest:
        wrong.append("the program is another")
    if wrong:
        raise OptionError(
            f"{path} is the checkpoint of another run: {'; '.join(wrong)}; go on with what that "
            "one was started with, or choose another folder"
        )
    return state


def _log_to(model: PPO, folder: Path) -> None:
    from stable_baselines3.common.logger import configure

    try:
        model.set_logger(configure(str(folder), ["tensorboard"]))
    except (ImportError, AssertionError) as error:
        raise OptionError(
            f"TensorBoard's files cannot be written: {error}; pip install tensorboard, or leave "
            "out --tensorboard"
        ) from error
