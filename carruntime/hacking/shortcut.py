"""Find a shorter way to what a list of actions shows, stage by stage.

Leaving out actions cannot turn a detour into the straight way. So where the actions are few, each
stretch between two steps at which the program's own account changes is searched breadth first:
all actions from everything that looks new, until the account changes as it did. The first way
found is a shortest one among those that look different, and the next stretch starts from its end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from carruntime.hacking.archive import digest_of
from carruntime.playing import Play
from carruntime.trajectory import take

if TYPE_CHECKING:
    from carruntime.arrangement import Stage, Told
    from carruntime.hacking.episodes import Rollouts
    from carruntime.trajectory import Trajectory

__all__ = ["account_of", "shortcut"]

_BATCH: Final = 64
Shown = Callable[["Trajectory", "Told"], int | None]
"""Gives the step on which an episode shows what is looked for, or None."""


def account_of(told: Told, step: int) -> tuple[Any, ...]:
    """Give what the program has said of an episode up to a step, as far as it is to be kept."""
    if told.completed.shape[1]:
        return tuple(told.completed[step].tolist())
    return (float(told.reward[: step + 1].max(initial=0.0)),)


def shortcut(
    stage: Stage,
    rollouts: Rollouts,
    play: Play,
    shown: Shown,
    alphabet: Sequence[Any],
    *,
    steps: int,
) -> Play:
    """Look for a shorter list of actions that shows the same.

    Args:
        stage: Where the program runs.
        rollouts: What plays the episodes.
        play: What shows it now.
        shown: Whether, and where, an episode shows it.
        alphabet: All actions.
        steps: Steps of the environment that may be made.

    Returns:
        The shorter play, or ``play`` itself.
    """
    accounts = _accounts(stage.one(_played(rollouts, [play])[0]))
    left = rollouts.steps + steps
    way: tuple[Any, ...] = ()
    for target in [*accounts, None]:
        found = _stretch(
            stage,
            rollouts,
            Play(play.seed, way),
            target,
            shown=shown,
            alphabet=alphabet,
            longest=len(play) - 1,
            left=left,
        )
        if found is None:
            return play
        way = found
    return Play(play.seed, way) if len(way) < len(play) else play


def _played(rollouts: Rollouts, plays: Sequence[Play]) -> list[Trajectory]:
    return [item.trajectory for item in rollouts.run(plays, [len(play) for play in plays])]


def _accounts(told: Told) -> list[tuple[Any, ...]]:
    """Give the accounts that an episode goes through, without the last, which is the goal."""
    found: list[tuple[Any, ...]] = []
    for step in range(len(told)):
        account = account_of(told, step)
        if not found or account != found[-1]:
            found.append(account)
    # The first is where it starts from; the last is reached when it is shown.
    return found[1:-1]


def _stretch(
    stage: Stage,
    rollouts: Rollouts,
    start: Play,
    target: tuple[Any, ...] | None,
    *,
    shown: Shown,
    alphabet: Sequence[Any],
    longest: int,
    left: int,
) -> tuple[Any, ...] | None:
    """Search breadth first from the end of a play; give all actions up to the target."""
    frontier: list[tuple[Any, ...]] = [start.actions]
    seen: set[bytes] = set()
    while frontier and len(frontier[0]) < longest:
        following: list[tuple[Any, ...]] = []
        candidates = [(*way, action) for way, action in product(frontier, alphabet)]
        for at in range(0, len(candidates), _BATCH):
            if rollouts.steps > left:
                return None
            some = candidates[at : at + _BATCH]
            played = _played(rollouts, [Play(start.seed, actions) for actions in some])
            told = stage.run([[item] for item in played])
            for actions, trajectory, (said,) in zip(some, played, told, strict=True):
                if len(trajectory) < len(actions):
                    continue
                last = len(actions) - 1
                if shown(trajectory, said) == last:
                    return actions
                if target is not None and account_of(said, last) == target:
                    return actions
                if trajectory.terminated[-1] or trajectory.truncated[-1]:
                    continue
                look = digest_of(take(trajectory.observations, last + 1), exact=False)
                if look not in seen:
                    seen.add(look)
                    following.append(actions)
        frontier = following
    return None
