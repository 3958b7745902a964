"""Episodes as a seed and a list of actions, played again and again.

A counterexample that a person can use is short: reset with this seed, do these actions. So a
property or a search keeps nothing else, and a `Player` turns it back into a `Trajectory` whenever
somebody asks. That is right for any environment whose ``reset(seed=...)`` fixes all that follows,
copyable or not; `Player.repeatable` finds out whether it does.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from carruntime.errors import OptionError
from carruntime.frame_table import FramePool, FrameTable, frame_of
from carruntime.recording import SuccessRule, env_name, keep, success_rule
from carruntime.trajectory import Trajectory, leaves, stack, take

if TYPE_CHECKING:
    import gymnasium as gym

__all__ = [
    "Film",
    "Play",
    "Player",
    "alphabet",
    "changes",
    "plays_of",
    "same_observations",
    "trimmed",
]

_CACHED: Final = 2048
_CACHED_STEPS: Final = 50_000
_MOST_CHANGES: Final = 8
_LIST: Final = 12
"""Actions of a space with so many or fewer are told apart when an example is made short."""


@dataclass(frozen=True, slots=True)
class Play:
    """What an episode follows from.

    Attributes:
        seed: Of ``env.reset``.
        actions: In order; those behind the end of the episode are not made.
    """

    seed: int
    actions: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.actions)

    def key(self) -> tuple[Any, ...]:
        """Give something hashable that tells plays apart, whatever the actions are."""
        return (self.seed, *(_hashable(action) for action in self.actions))


class Player:
    """Plays episodes of one environment.

    Args:
        env: The environment; it stays the caller's.
        success: Says from the last info, reward and ``terminated`` whether the task is solved;
            what the environment itself says where left out, see `carruntime.collection`.
        frames: Whether to take pictures too; the environment must draw then.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        success: SuccessRule | None = None,
        *,
        frames: bool = False,
    ) -> None:
        self.env = env
        self.name = env_name(env)
        self.frames = frames
        self.steps = 0
        """Steps of the environment so far."""
        self._rule = success if success is not None else success_rule(env)
        self._cache: OrderedDict[tuple[Any, ...], Trajectory] = OrderedDict()
        self._cached_steps = 0
        self._namer: Callable[[Any], str] | None = None

    def play(self, play: Play) -> Trajectory:
        """Play an episode up to its end or the end of the actions.

        Raises:
            OptionError: If there is no action to make.
        """
        if not play.actions:
            raise OptionError("Player.play: no actions; an episode has at least one transition")
        key = play.key()
        known = self._cache.get(key)
        if known is not None:
            self._cache.move_to_end(key)
            return known
        found = self._play(play)
        self._cache[key] = found
        self._cached_steps += len(found)
        while len(self._cache) > _CACHED or self._cached_steps > _CACHED_STEPS:
            if len(self._cache) == 1:
                break
            self._cached_steps -= len(self._cache.popitem(last=False)[1])
        return found

    def _play(self, play: Play) -> Trajectory:
        observation, _ = self.env.reset(seed=play.seed)
        observations = [keep(observation)]
        film = self.film()
        rewards: list[float] = []
        info: dict[str, Any] = {}
        terminated = truncated = False
        for action in play.actions:
            observation, reward, terminated, truncated, info = self.env.step(action)
            observations.append(keep(observation))
            film.look()
            rewards.append(float(reward))
            if terminated or truncated:
                break
        self.steps += len(rewards)
        ended = np.zeros((2, len(rewards)), dtype=np.bool_)
        ended[:, -1] = terminated, truncated
        return Trajectory(
            observations=stack(observations),
            actions=stack([self.action(action) for action in play.actions[: len(rewards)]]),
            rewards=np.array(rewards),
            terminated=ended[0],
            truncated=ended[1],
            success=self.solved(info, rewards[-1], bool(terminated)),
            seed=play.seed,
            policy="played",
            env_id=self.name,
            frames=film.table(),
        )

    def film(self) -> Film:
        """Begin to take the pictures of an episode that was just reset, if any are wanted."""
        return Film(self.env, wanted=self.frames)

    def solved(self, info: dict[str, Any], reward: float, terminated: bool) -> bool | None:
        """Say whether a step has solved the task; None where the environment cannot tell."""
        return self._rule(info, reward, terminated)

    def action(self, action: Any) -> Any:
        """Give an action as stored trajectories have it."""
        return np.int64(action) if isinstance(action, int | np.integer) else action

    def repeatable(self, play: Play) -> bool:
        """Whether an episode comes out the same when it is played twice."""
        one, two = self._play(play), self._play(play)
        return (
            len(one) == len(two)
            and np.array_equal(one.rewards, two.rewards)
            and same_observations(one.observations, two.observations)
        )

    def name_of(self, action: Any) -> str:
        """Give an action's name where the environment has names, else its value."""
        if self._namer is None:
            self._namer = _namer(self.env.unwrapped)
        return self._namer(action)


class Film:
    """The pictures of one episode, equal ones kept once."""

    def __init__(self, env: gym.Env[Any, Any], *, wanted: bool) -> None:
        self._env = env
        self._wanted = wanted
        self._pool = FramePool()
        self._index: list[int] = []
        self.look()

    def look(self) -> None:
        """Take a picture, if any are wanted."""
        if self._wanted:
            self._index.append(self._pool.add(frame_of(self._env)))

    def table(self) -> FrameTable | None:
        """Give them; None where none were wanted."""
        if not self._wanted:
            return None
        return FrameTable(self._pool.pictures, np.array(self._index, np.int64))


def same_observations(one: Any, two: Any) -> bool:
    """Whether two observations, or columns of them, are equal in every leaf."""
    first, second = dict(leaves(one)), dict(leaves(two))
    return first.keys() == second.keys() and all(
        np.array_equal(np.asarray(first[path]), np.asarray(second[path]), equal_nan=False)
        if not _is_float(first[path])
        else np.array_equal(first[path], second[path], equal_nan=True)
        for path in first
    )


def changes(before: Any, after: Any) -> list[str]:
    """Say in words which elements differ between two observations, the first few of them."""
    told: list[str] = []
    first, second = dict(leaves(before)), dict(leaves(after))
    for path, value in first.items():
        old, new = np.asarray(value), np.asarray(second[path])
        name = path or "observation"
        if old.shape != new.shape or old.dtype.kind in "USO":
            if not np.array_equal(old, new):
                told.append(f"{name}: {value!r} -> {second[path]!r}")
            continue
        for index in np.argwhere(np.atleast_1d(old != new)).tolist():
            place = f"[{', '.join(map(str, index))}]" if old.ndim else ""
            where = tuple(index) if old.ndim else ()
            told.append(f"{name}{place}: {old[where]} -> {new[where]}")
            if len(told) > _MOST_CHANGES:
                more = int((old != new).sum()) - _MOST_CHANGES
                return [*told[:_MOST_CHANGES], f"{name}: {more} more"]
    return told[:_MOST_CHANGES]


def _is_float(value: Any) -> bool:
    return isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f"


def _hashable(action: Any) -> Any:
    if isinstance(action, int | np.integer):
        return int(action)
    if isinstance(action, np.ndarray):
        return (action.shape, action.tobytes())
    if isinstance(action, dict):
        return tuple((key, _hashable(value)) for key, value in action.items())
    if isinstance(action, tuple | list):
        return tuple(_hashable(value) for value in action)
    return action


def _namer(env: Any) -> Callable[[Any], str]:
    """Find what the environment calls its actions: an enum, or a list of meanings."""
    known: dict[int, str] = {}
    actions = getattr(env, "actions", None)
    try:
        # MiniGrid keeps the class of an IntEnum there.
        known = {int(one): one.name for one in actions or ()}
    except (TypeError, ValueError, AttributeError):
        known = {}
    if not known and hasattr(env, "get_action_meanings"):
        known = {index: str(text).lower() for index, text in enumerate(env.get_action_meanings())}

    def name(action: Any) -> str:
        if isinstance(action, int | np.integer):
            return known.get(int(action), str(int(action)))
        if isinstance(action, np.ndarray):
            return np.array2string(action, precision=4, separator=", ")
        return str(action)

    return name


def trimmed(play: Play, trajectory: Trajectory) -> Play:
    """Leave out the actions behind the end of an episode."""
    return Play(play.seed, tuple(play.actions[: len(trajectory)]))


def plays_of(trajectories: Sequence[Trajectory]) -> list[Play]:
    """Give the seed and actions that recorded episodes follow from."""
    found = []
    for item in trajectories:
        if item.seed is None:
            continue
        actions = item.actions
        if isinstance(actions, np.ndarray):
            listed = tuple(
                int(one) if one.ndim == 0 and one.dtype.kind in "iu" else one for one in actions
            )
        else:
            listed = tuple(take(actions, index) for index in range(len(item)))
        found.append(Play(item.seed, listed))
    return found


def alphabet(space: Any) -> tuple[Any, ...]:
    """Give all actions of a small Discrete space, in order; none of another one."""
    count = getattr(space, "n", None)
    start = getattr(space, "start", None)
    if count is None or start is None or count > _LIST:
        return ()
    return tuple(range(int(start), int(start) + int(count)))
