"""Episodes that never happened, made from expert ones, and what a program says about them.

Each answers one question that real episodes leave open:

- *frozen*: the first observation at every step. Nothing happens, so nothing may be achieved.
- *reversed*: the expert's episode backwards. What is undone step by step must not earn more than what
  was done, and must not complete sub-tasks in their order.
- *held*: the expert's episode, and a few more steps on which nothing changes. Success that is claimed only
  then came too late for the episode; a bonus that is paid on each of them has no latch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from carruntime.intervals import Share
from carruntime.trajectory import Trajectory, TrajectorySet, reindex

if TYPE_CHECKING:
    from carruntime.replay import Episode, Replay

__all__ = [
    "HELD",
    "KINDS",
    "NegativeSummary",
    "backwards",
    "frozen",
    "held",
    "made_from",
    "summary",
]

HELD = 4
"""Steps on which nothing changes, after the end of a held episode."""
MOST = 15
"""Expert episodes that negatives are made from; more would say the same."""


@dataclass(frozen=True, slots=True)
class NegativeSummary:
    """What a program said about episodes that never happened.

    Attributes:
        kind: ``frozen``, ``reversed`` or ``held``.
        complete: Episodes that the corrected rule calls complete.
        return_median: Median return, in reward units; for ``held`` of the added steps alone.
        real_median: Median return of the episodes they were made from.
    """

    kind: str
    complete: Share
    return_median: float
    real_median: float


def frozen(item: Trajectory) -> Trajectory:
    """Give an episode in which the observation of the reset stays, whatever is done."""
    return _pick(item, np.zeros(len(item) + 1, dtype=np.int64), np.arange(len(item)))


def backwards(item: Trajectory) -> Trajectory:
    """Give an episode backwards, each action with the transition it belonged to."""
    order = np.arange(len(item), -1, -1)
    return _pick(item, order, order[1:])


def held(item: Trajectory, steps: int = HELD) -> Trajectory:
    """Give an episode with some more steps at its end, on which nothing changes."""
    seen = np.minimum(np.arange(len(item) + 1 + steps), len(item))
    return _pick(item, seen, np.minimum(np.arange(len(item) + steps), len(item) - 1))


KINDS: dict[str, Callable[[Trajectory], Trajectory]] = {
    "frozen": frozen,
    "reversed": backwards,
    "held": held,
}
"""What is made of expert episodes, by name."""


def made_from(expert: Sequence[Trajectory], kind: str) -> TrajectorySet:
    """Make the negatives of one kind, of the first ``MOST`` episodes."""
    change = KINDS[kind]
    items = tuple(change(item) for item in list(expert)[:MOST])
    return TrajectorySet(trajectories=items, policy=kind)


def summary(
    kind: str,
    seen: Replay,
    real: Sequence[Episode],
    complete: Callable[[Episode], bool],
    confidence: float,
) -> NegativeSummary:
    """Sum up what was said about the negatives of one kind."""
    claims = sum(complete(episode) for episode in seen.episodes)
    totals = [episode.total for episode in seen.episodes]
    truly = [episode.total for episode in real[: len(totals)]]
    if kind == "held":
        totals = [float(np.nansum(episode.reward[-HELD:])) for episode in seen.episodes]
    return NegativeSummary(
        kind=kind,
        complete=Share.of(claims, len(seen.episodes), confidence),
        return_median=float(np.median(totals)),
        real_median=float(np.median(truly)),
    )


def _pick(item: Trajectory, seen: Any, acted: Any) -> Trajectory:
    """Give a trajectory of chosen observations and actions; it ends in neither way."""
    length = len(acted)
    return replace(
        item,
        observations=reindex(item.observations, seen),
        actions=reindex(item.actions, acted),
        rewards=np.zeros(length),
        terminated=np.zeros(length, dtype=np.bool_),
        truncated=np.zeros(length, dtype=np.bool_),
        success=None,
        facts={name: values[seen] for name, values in item.facts.items()},
        states={name: values[seen] for name, values in item.states.items()},
        frames=None if item.frames is None else item.frames[seen],
    )
