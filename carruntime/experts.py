"""Policies that choose the actions of recorded episodes: scripted experts, random, mixtures.

The MiniGrid expert works on the simulator's true state (`carruntime.grid_world`), so it needs no
learning and no luck: it chains the legs of `carruntime.grid_plans`.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from carruntime.errors import OptionError
from carruntime.grid_plans import next_leg
from carruntime.grid_world import DONE, State, kind_of, read

if TYPE_CHECKING:
    import gymnasium as gym

__all__ = [
    "CallablePolicy",
    "MiniGridExpert",
    "MixturePolicy",
    "Policy",
    "RandomPolicy",
    "expert_for",
]

_Env: TypeAlias = "gym.Env[Any, Any]"


class Policy(Protocol):
    """Chooses actions; may look at the environment itself, as a scripted expert must."""

    @property
    def name(self) -> str:
        """Name for reports and provenance."""

    def start(self, env: _Env, seed: int) -> None:
        """Begin an episode of ``env``, which was just reset with ``seed``."""

    def act(self, env: _Env, observation: Any) -> Any:
        """Choose the next action."""


class RandomPolicy:
    """Draws every action uniformly from the action space.

    Episodes depend on their own seed and the policy's, not on the episodes before them.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._space: gym.Space[Any] | None = None

    @property
    def name(self) -> str:
        """``"random"``."""
        return "random"

    def start(self, env: _Env, seed: int) -> None:
        """Seed the draws of this episode."""
        if self._space is None or self._space != env.action_space:
            self._space = copy.deepcopy(env.action_space)
        self._space.seed(_episode_seed(self._seed, seed))

    def act(self, env: _Env, observation: Any) -> Any:  # noqa: ARG002
        """Draw an action."""
        if self._space is None:
            raise OptionError("RandomPolicy: act before start; call start(env, seed) at each reset")
        return self._space.sample()


class CallablePolicy:
    """A plain function from observation to action as a policy."""

    def __init__(self, function: Callable[[Any], Any], name: str | None = None) -> None:
        self._function = function
        self._name = name if name is not None else getattr(function, "__name__", "policy")

    @property
    def name(self) -> str:
        """The given name, or that of the function."""
        return self._name

    def start(self, env: _Env, seed: int) -> None:
        """Do nothing: a function keeps no episode."""

    def act(self, env: _Env, observation: Any) -> Any:  # noqa: ARG002
        """Call the function."""
        return self._function(observation)


class MixturePolicy:
    """An expert that takes a random action on a share of its steps.

    The paper calls fraction 0.3 sub-optimal and 0.5 a novice.
    """

    def __init__(self, expert: Policy, fraction: float, seed: int = 0) -> None:
        if not 0.0 <= fraction <= 1.0:
            raise OptionError(
                f"MixturePolicy: fraction {fraction!r} is no share of steps; want 0.0 to 1.0, "
                "for example 0.3"
            )
        self._expert = expert
        self._fraction = fraction
        self._seed = seed
        self._random = RandomPolicy(seed)
        self._rng = np.random.default_rng(seed)

    @property
    def name(self) -> str:
        """Such as ``"expert+0.3 random"``."""
        return f"{self._expert.name}+{self._fraction:g} random"

    def start(self, env: _Env, seed: int) -> None:
        """Begin an episode of the expert and of the noise."""
        self._expert.start(env, seed)
        self._random.start(env, seed)
        self._rng = np.random.default_rng([1, self._seed, seed])

    def act(self, env: _Env, observation: Any) -> Any:
        """Ask the expert, or draw."""
        if self._rng.random() < self._fraction:
            return self._random.act(env, observation)
        return self._expert.act(env, observation)


def expert_for(env: _Env) -> Policy:
    """Give a scripted expert that solves every seed of an environment.

    Args:
        env: A MiniGrid environment, wrapped or not: DoorKey, Unlock, UnlockPickup,
            BlockedUnlockPickup, KeyCorridor, LockedRoom, GoToDoor, Fetch, PutNear, LavaGap,
            FourRooms, MultiRoom, Empty, Crossing or DistShift, of any size.

    Raises:
        OptionError: If there is no scripted expert for it.
    """
    if kind_of(env) is None:
        found = getattr(env.spec, "id", None) or type(env.unwrapped).__name__
        raise OptionError(
            f"expert_for: no scripted expert for {found}; there is one for MiniGrid's DoorKey, "
            "Unlock, UnlockPickup, BlockedUnlockPickup, KeyCorridor, LockedRoom, GoToDoor, Fetch, "
            "PutNear, LavaGap, FourRooms, MultiRoom, Empty, Crossing and DistShift. From Python, "
            "collect() takes a policy of your own (any function from observation to action), and "
            "verify() recorded trajectories"
        )
    return MiniGridExpert()


class MiniGridExpert:
    """Solves the tasks of `carruntime.grid_world.TASKS` from any state that has a solution.

    Follows its plan while the simulator does what was planned, and plans anew when it does not,
    so it can take over in the middle of an episode at any time.
    """

    def __init__(self) -> None:
        self._plan: deque[int] = deque()
        self._expected: State | None = None
        self._hopeless = False

    @property
    def name(self) -> str:
        """``"expert"``."""
        return "expert"

    def start(self, env: _Env, seed: int) -> None:  # noqa: ARG002
        """Forget the plan of the episode before."""
        self._plan.clear()
        self._expected = None
        self._hopeless = False

    def act(self, env: _Env, observation: Any) -> int:  # noqa: ARG002
        """Give the next action; the idle action ``done`` where no solution is left."""
        if self._hopeless:
            return DONE
        world, state = read(env)
        if state != self._expected or not self._plan:
            self._plan = deque(next_leg(world, state))
        if not self._plan:
            # The search saw every state that can be reached, so nothing later can help either.
            self._hopeless = True
            return DONE
        action = self._plan.popleft()
        self._expected = world.step(state, action)
        return action


def _episode_seed(policy_seed: int, episode_seed: int) -> int:
    """Mix two seeds into one that Gymnasium's spaces take."""
    return int(np.random.SeedSequence([policy_seed, episode_seed]).generate_state(1)[0])
