"""Episodes of the search: actions that are known, then others that somebody chooses on the way.

There are two ways to play them. In any environment they are played one after the other. A MiniGrid
task that is compiled plays dozens of them in lockstep, from layouts that were taken over from
MiniGrid itself; what is found there is played once more in the environment that was given before
anybody is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import numpy as np

from carruntime.errors import OptionError
from carruntime.hacking.archive import digest_of
from carruntime.playing import Play
from carruntime.recording import keep, success_rule
from carruntime.trajectory import Trajectory, stack

if TYPE_CHECKING:
    from carruntime.minigrid import MiniGridVectorEnv
    from carruntime.playing import Player

__all__ = ["Choose", "Episode", "Rollouts", "rollouts_for"]

_LANES: Final = 64
_PASSING: Final = frozenset({"OrderEnforcing", "PassiveEnvChecker"})
"""Wrappers that change nothing of what is seen, done or paid."""
Choose: TypeAlias = Callable[[int, Sequence[Any], bytes], Any]
"""Chooses an action: for which start, after which actions, and what it looks like there."""


@dataclass(eq=False, slots=True)
class Episode:
    """One episode.

    Attributes:
        play: What it follows from.
        trajectory: All of it.
        looks: Digest of each of the T + 1 observations.
        solved: What the environment says after each transition.
    """

    play: Play
    trajectory: Trajectory
    looks: list[bytes]
    solved: list[bool | None]

    @property
    def first_success(self) -> int | None:
        """Give the first step that solved the task."""
        return next((step for step, done in enumerate(self.solved) if done), None)


class Rollouts(Protocol):
    """What plays them.

    Attributes:
        lanes: How many are best played at once.
        steps: Steps of the environment so far.
    """

    lanes: int
    steps: int

    def run(
        self, starts: Sequence[Play], wanted: Sequence[int], choose: Choose | None = None
    ) -> list[Episode]:
        """Play each start, then chosen actions, until it ends or has the wanted length.

        Args:
            starts: Actions that are known, from the reset on.
            wanted: Length of each, at least 1.
            choose: Where ``wanted`` is more than the actions that are known.
        """
        ...


def rollouts_for(player: Player, *, rule_is_given: bool) -> Rollouts:
    """Find the fastest way to play episodes of an environment.

    Args:
        player: Of that environment.
        rule_is_given: Whether the caller says what success is; it may look at what only the
            environment itself gives.
    """
    if not rule_is_given and not player.frames:
        made = _compiled(player.env)
        if made is not None:
            return _InLockstep(player, made)
    return _OneByOne(player)


class _OneByOne:
    """In the environment itself."""

    lanes = 16

    def __init__(self, player: Player) -> None:
        self.steps = 0
        self._player = player

    def run(
        self, starts: Sequence[Play], wanted: Sequence[int], choose: Choose | None = None
    ) -> list[Episode]:
        return [
            self._one(index, start, length, choose)
            for index, (start, length) in enumerate(zip(starts, wanted, strict=True))
        ]

    def _one(self, index: int, start: Play, wanted: int, choose: Choose | None) -> Episode:
        env, player = self._player.env, self._player
        observation, _ = env.reset(seed=start.seed)
        seen, looks = [keep(observation)], [digest_of(observation)]
        film = player.film()
        actions: list[Any] = []
        rewards: list[float] = []
        solved: list[bool | None] = []
        ended = (False, False)
        while len(actions) < wanted and not any(ended):
            action = _action(index, start, actions, looks[-1], choose)
            observation, reward, terminated, truncated, info = env.step(action)
            actions.append(action)
            seen.append(keep(observation))
            looks.append(digest_of(observation))
            film.look()
            rewards.append(float(reward))
            ended = bool(terminated), bool(truncated)
            solved.append(player.solved(info, rewards[-1], ended[0]))
        self.steps += len(actions)
        flags = np.zeros((2, len(actions)), np.bool_)
        flags[:, -1] = ended
        trajectory = Trajectory(
            observations=stack(seen),
            actions=stack([player.action(action) for action in actions]),
            rewards=np.array(rewards),
            terminated=flags[0],
            truncated=flags[1],
            success=solved[-1],
            seed=start.seed,
            frames=film.table(),
        )
        return Episode(Play(start.seed, tuple(actions)), trajectory, looks, solved)


class _InLockstep:
    """In the compiled task of the same name, from MiniGrid's own layouts."""

    lanes = _LANES

    def __init__(self, player: Player, made: tuple[MiniGridVectorEnv, MiniGridVectorEnv]) -> None:
        self.steps = 0
        self._player = player
        self._loader, self._env = made
        self._rule = success_rule(player.env)
        self._layouts: dict[int, dict[str, Any]] = {}

    def run(
        self, starts: Sequence[Play], wanted: Sequence[int], choose: Choose | None = None
    ) -> list[Episode]:
        out: list[Episode] = []
        for at in range(0, len(starts), _LANES):
            some = slice(at, at + _LANES)
            out += self._together(at, starts[some], wanted[some], choose)
        return out

    def _together(
        self, first: int, starts: Sequence[Play], wanted: Sequence[int], choose: Choose | None
    ) -> list[Episode]:
        count, longest = len(starts), max(wanted)
        seen = [self._begin([start.seed for start in starts])]
        images = np.empty((count, longest + 1, *seen[0]["image"].shape[1:]), np.uint8)
        directions = np.empty((count, longest + 1), np.int64)
        missions: tuple[str, ...] = seen[0]["mission"]
        rewards = np.zeros((count, longest))
        flags = np.zeros((2, count, longest), np.bool_)
        images[:, 0], directions[:, 0] = seen[0]["image"][:count], seen[0]["direction"][:count]
        actions: list[list[Any]] = [[] for _ in starts]
        looks = [[_look(images[row, 0], directions[row, 0])] for row in range(count)]
        running = list(range(count))
        made = np.zeros(_LANES, np.int64)
        for step in range(longest):
            running = [
                row
                for row in running
                if step < wanted[row] and not (step and flags[:, row, step - 1].any())
            ]
            if not running:
                break
            for row in running:
                made[row] = _action(first + row, starts[row], actions[row], looks[row][-1], choose)
                actions[row].append(int(made[row]))
            # Lanes that are over go on too, and nobody looks at them.
            observation, paid, terminated, truncated, _ = self._env.step(made)
            images[:, step + 1] = observation["image"][:count]
            directions[:, step + 1] = observation["direction"][:count]
            rewards[:, step], flags[0, :, step] = paid[:count], terminated[:count]
            flags[1, :, step] = truncated[:count]
            for row in running:
                looks[row].append(_look(images[row, step + 1], directions[row, step + 1]))
        out = []
        for row, start in enumerate(starts):
            length = len(actions[row])
            self.steps += length
            solved = [
                self._rule({}, float(rewards[row, step]), bool(flags[0, row, step]))
                for step in range(length)
            ]
            trajectory = Trajectory(
                observations={
                    "direction": directions[row, : length + 1],
                    "image": images[row, : length + 1],
                    "mission": (missions[row],) * (length + 1),
                },
                actions=np.array(actions[row], np.int64),
                rewards=rewards[row, :length],
                terminated=flags[0, row, :length],
                truncated=flags[1, row, :length],
                success=solved[-1],
                seed=start.seed,
            )
            out.append(
                Episode(Play(start.seed, tuple(actions[row])), trajectory, looks[row], solved)
            )
        return out

    def _begin(self, seeds: Sequence[int]) -> dict[str, Any]:
        """Put every lane at the beginning of an episode; those that are left over at the first."""
        layouts = [self._layout(seed) for seed in seeds]
        layouts += layouts[:1] * (_LANES - len(layouts))
        state = {
            name: np.concatenate([layout[name] for layout in layouts])
            if isinstance(value, np.ndarray)
            else value
            for name, value in layouts[0].items()
        }
        return self._env.load_state_dict(state)

    def _layout(self, seed: int) -> dict[str, Any]:
        known = self._layouts.get(seed)
        if known is None:
            self._player.env.reset(seed=seed)
            self._loader.load(0, self._player.env)
            known = self._layouts[seed] = self._loader.state_dict()
        return known


def _compiled(env: Any) -> tuple[MiniGridVectorEnv, MiniGridVectorEnv] | None:
    """Give one lane and many of an environment's compiled task; None where it has none."""
    inner, outer = env.unwrapped, env
    while outer is not inner:
        if type(outer).__name__ not in _PASSING:
            return None
        outer = outer.env
    if not type(inner).__module__.startswith("minigrid.envs.") or inner.spec is None:
        return None
    try:
        from carruntime.minigrid import MiniGridVectorEnv, has_compiled

        if not has_compiled(inner.spec.id):
            return None
        loader, lanes = (
            MiniGridVectorEnv(inner.spec.id, count, max_steps=inner.max_steps)
            for count in (1, _LANES)
        )
        if loader.single_observation_space != env.observation_space:
            return None
        # Views of another size, say, are told when a first state is taken over.
        env.reset(seed=0)
        loader.load(0, env)
    except (ImportError, OptionError):
        return None
    return loader, lanes


def _look(image: Any, direction: Any) -> bytes:
    """Tell places of one layout apart; what is asked for stays the same throughout it."""
    return bytes(image.tobytes()) + bytes((int(direction),))


def _action(
    index: int, start: Play, actions: Sequence[Any], look: bytes, choose: Choose | None
) -> Any:
    if len(actions) < len(start.actions):
        return start.actions[len(actions)]
    if choose is None:
        raise OptionError("Rollouts.run: more actions are wanted than are given")
    return choose(index, actions, look)
