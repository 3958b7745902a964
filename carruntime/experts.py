"""Policies that choose the actions of recorded episodes: scripted experts, random, mixtures.

The MiniGrid expert works on the simulator's true state, so it needs no learning and no luck. It
chains legs (to the key, to the door, away with the key, to the goal or the box), each a
breadth-first search over (x, y, direction). Where a leg is blocked, because a noisy policy left
the key in a doorway or the box stands right behind the door, it searches the full state instead:
agent, key, box, door and what is carried. That search is exhaustive, so an episode it gives up
on has no solution, for instance because the box of UnlockPickup was toggled away.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import numpy as np

from carruntime.errors import OptionError

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

_LEFT, _RIGHT, _FORWARD, _PICKUP, _DROP, _TOGGLE, _DONE = range(7)
_AHEAD: Final = ((1, 0), (0, 1), (-1, 0), (0, -1))
_OPEN, _CLOSED, _LOCKED = range(3)

_Cell: TypeAlias = tuple[int, int]
_Pose: TypeAlias = tuple[int, int, int]
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
        env: A MiniGrid DoorKey (any size), Unlock or UnlockPickup environment, wrapped or not.

    Raises:
        OptionError: If there is no scripted expert for it.
    """
    # Compared by name so that asking for another environment's expert needs no minigrid.
    kind = _kind(env)
    if kind is None:
        found = getattr(env.spec, "id", None) or type(env.unwrapped).__name__
        raise OptionError(
            f"expert_for: no scripted expert for {found}; there is one for MiniGrid-DoorKey-*, "
            "MiniGrid-Unlock-v0 and MiniGrid-UnlockPickup-v0. From Python, collect() takes a "
            "policy of your own (any function from observation to action), and verify() recorded "
            "trajectories"
        )
    return MiniGridExpert()


def _kind(env: _Env) -> str | None:
    for base in type(env.unwrapped).__mro__:
        if base.__module__.startswith("minigrid.") and base.__name__ in _TARGETS:
            return base.__name__
    return None


_TARGETS: Final = {"DoorKeyEnv": "goal", "UnlockEnv": "door", "UnlockPickupEnv": "box"}


@dataclass(frozen=True, slots=True)
class _State:
    """What changes during an episode. Cells are (x, y); a carried object has no cell."""

    pose: _Pose
    carrying: str | None
    key: _Cell | None
    box: _Cell | None
    door: int

    @property
    def ahead(self) -> _Cell:
        x, y, direction = self.pose
        dx, dy = _AHEAD[direction]
        return x + dx, y + dy


@dataclass(frozen=True, slots=True)
class _Map:
    """What does not change: cells nothing can enter, and where door and goal are."""

    solid: frozenset[_Cell]
    door: _Cell
    goal: _Cell | None
    target: str

    def blocked(self, state: _State) -> set[_Cell]:
        """Cells the agent cannot enter now."""
        cells = set(self.solid)
        cells.update(cell for cell in (state.key, state.box) if cell is not None)
        if state.door != _OPEN:
            cells.add(self.door)
        return cells

    def solved(self, state: _State) -> bool:
        """Whether the environment has ended with success."""
        match self.target:
            case "goal":
                return state.pose[:2] == self.goal
            case "door":
                return state.door == _OPEN
            case _:
                return state.carrying == "box"

    def step(self, state: _State, action: int) -> _State:
        """Apply an action; the same state where it has no effect."""
        x, y, direction = state.pose
        ahead = state.ahead
        if action == _LEFT:
            return replace(state, pose=(x, y, (direction - 1) % 4))
        if action == _RIGHT:
            return replace(state, pose=(x, y, (direction + 1) % 4))
        if action == _FORWARD:
            free = ahead not in self.solid and ahead not in (state.key, state.box)
            if free and (ahead != self.door or state.door == _OPEN):
                return replace(state, pose=(*ahead, direction))
        elif action == _PICKUP and state.carrying is None:
            if ahead == state.key:
                return replace(state, carrying="key", key=None)
            if ahead == state.box:
                return replace(state, carrying="box", box=None)
        elif action == _DROP and state.carrying == "key":
            occupied = ahead in self.solid or ahead in (state.key, state.box, self.door, self.goal)
            if not occupied:
                return replace(state, carrying=None, key=ahead)
        elif action == _TOGGLE and ahead == self.door:
            if state.door == _LOCKED:
                return replace(state, door=_OPEN) if state.carrying == "key" else state
            return replace(state, door=_OPEN if state.door == _CLOSED else _CLOSED)
        return state


class MiniGridExpert:
    """Solves MiniGrid DoorKey, Unlock and UnlockPickup from any state that has a solution.

    Follows its plan while the simulator does what was planned, and plans anew when it does not,
    so it can take over in the middle of an episode at any time.
    """

    def __init__(self) -> None:
        self._plan: deque[int] = deque()
        self._expected: _State | None = None
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
            return _DONE
        world, state = _read(env)
        if state != self._expected or not self._plan:
            self._plan = deque(_next_leg(world, state))
        if not self._plan:
            # The search saw every state that can be reached, so nothing later can help either.
            self._hopeless = True
            return _DONE
        action = self._plan.popleft()
        self._expected = world.step(state, action)
        return action


def _read(env: _Env) -> tuple[_Map, _State]:
    inner: Any = env.unwrapped
    grid = inner.grid
    solid: set[_Cell] = set()
    places: dict[str, _Cell] = {}
    door = _OPEN
    kind = _kind(env)
    if kind is None:
        raise OptionError(f"MiniGridExpert: cannot play {type(inner).__name__}; see expert_for")
    for index, item in enumerate(grid.grid):
        if item is None:
            continue
        cell = (index % grid.width, index // grid.width)
        if item.type in ("door", "key", "box", "goal") and item.type not in places:
            places[item.type] = cell
            if item.type == "door":
                door = _OPEN if item.is_open else _LOCKED if item.is_locked else _CLOSED
        elif not item.can_overlap():
            solid.add(cell)
    carrying = inner.carrying.type if inner.carrying is not None else None
    pose = (int(inner.agent_pos[0]), int(inner.agent_pos[1]), int(inner.agent_dir))
    world = _Map(frozenset(solid), places["door"], places.get("goal"), _TARGETS[kind])
    return world, _State(pose, carrying, places.get("key"), places.get("box"), door)


def _next_leg(world: _Map, state: _State) -> list[int]:
    """Give the actions up to the next change of the world, or to the end."""
    leg: list[int] | None
    if state.door != _OPEN:
        if state.door == _LOCKED and state.carrying is None:
            leg = _face(world, state, state.key, _PICKUP)
        else:
            leg = _face(world, state, world.door, _TOGGLE)
    elif world.target == "goal":
        leg = _walk(state.pose, world.blocked(state), lambda pose: pose[:2] == world.goal)
    elif world.target == "box" and state.carrying is not None:
        leg = _put_down(world, state)
    else:
        leg = _face(world, state, state.box, _PICKUP)
    return leg if leg is not None else _search(world, state)


def _face(world: _Map, state: _State, target: _Cell | None, action: int) -> list[int] | None:
    """Walk until ``target`` is ahead, then do ``action``."""
    if target is None:
        return None
    walk = _walk(state.pose, world.blocked(state), lambda pose: _ahead(pose) == target)
    return None if walk is None else [*walk, action]


def _put_down(world: _Map, state: _State) -> list[int] | None:
    """Walk to where the key can be put down without shutting the way to the box."""
    blocked = world.blocked(state)

    def harmless(pose: _Pose) -> bool:
        after = world.step(replace(state, pose=pose), _DROP)
        return after.carrying is None and _face(world, after, after.box, _PICKUP) is not None

    walk = _walk(state.pose, blocked, harmless)
    return None if walk is None else [*walk, _DROP]


def _ahead(pose: _Pose) -> _Cell:
    dx, dy = _AHEAD[pose[2]]
    return pose[0] + dx, pose[1] + dy


def _walk(start: _Pose, blocked: set[_Cell], accept: Callable[[_Pose], bool]) -> list[int] | None:
    """Find the fewest turns and steps to a pose that is accepted."""
    came: dict[_Pose, tuple[_Pose, int] | None] = {start: None}
    todo = deque([start])
    while todo:
        pose = todo.popleft()
        if accept(pose):
            return _actions(came, pose)
        x, y, direction = pose
        ahead = _ahead(pose)
        following = [((x, y, (direction - 1) % 4), _LEFT), ((x, y, (direction + 1) % 4), _RIGHT)]
        if ahead not in blocked:
            following.append(((*ahead, direction), _FORWARD))
        for other, action in following:
            if other not in came:
                came[other] = (pose, action)
                todo.append(other)
    return None


def _search(world: _Map, state: _State) -> list[int]:
    """Find the fewest actions of any kind to success; empty where there is no way."""
    came: dict[_State, tuple[_State, int] | None] = {state: None}
    todo = deque([state])
    while todo:
        node = todo.popleft()
        if world.solved(node):
            return _actions(came, node)
        for action in range(_DONE):
            other = world.step(node, action)
            if other not in came:
                came[other] = (node, action)
                todo.append(other)
    return []


def _actions(came: dict[Any, tuple[Any, int] | None], node: Any) -> list[int]:
    actions = []
    while (entry := came[node]) is not None:
        node, action = entry
        actions.append(action)
    return actions[::-1]


def _episode_seed(policy_seed: int, episode_seed: int) -> int:
    """Mix two seeds into one that Gymnasium's spaces take."""
    return int(np.random.SeedSequence([policy_seed, episode_seed]).generate_state(1)[0])
