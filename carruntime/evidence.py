"""What the checks look at, and how they point: replays, first times, places, witnesses."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from carruntime.verdict import Witness
from sandbox.diagnostics import Span

if TYPE_CHECKING:
    from carruntime.replay import Episode, Replay
    from carruntime.reward import RewardProgram

__all__ = [
    "Judged",
    "first_true",
    "place_of_component",
    "place_of_task",
    "values_of",
    "when_complete",
    "witness",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Everything the checks look at."""

    program: RewardProgram
    threshold: float
    confidence: float
    on_expert: Replay
    on_random: Replay
    complete: Callable[[Episode], bool]
    explicit: bool
    undefined: str | None
    separation: float


def values_of(name: str, seen: Replay) -> NDArray[np.float64]:
    """Give the values of a component (or the reward) on all rows that ended well."""
    columns = [
        episode.reward if name == "reward" else episode.components[name]
        for episode in seen.episodes
    ]
    values = np.concatenate(columns)
    return values[np.isfinite(values)]


def first_true(held: NDArray[np.bool_]) -> int | None:
    """Give the first position that is true, or None."""
    return int(held.argmax()) if held.any() else None


def place_of_task(source: str, name: str) -> Span | None:
    """Find the line that defines a predicate, in the text alone: nothing here parses a guest."""
    return _place(source, rf"^def[ \t]+({re.escape(name)})\b")


def place_of_component(source: str, name: str) -> Span | None:
    """Find the first place that writes the name of a component as a string."""
    return _place(source, rf"[\"']({re.escape(name)})[\"']")


def _place(source: str, pattern: str) -> Span | None:
    found = re.search(pattern, source, re.MULTILINE)
    if found is None:
        return None
    start, stop = found.span(1)
    line = source.count("\n", 0, start) + 1
    column = start - (source.rfind("\n", 0, start) + 1) + 1
    return Span(line, column, line, column + stop - start)


def witness(seen: Replay, index: int, step: int, name: str) -> Witness:
    """Point at a step of a trajectory of a replay; -1 is its reset."""
    item = seen.episodes[index].trajectory
    return Witness(item.policy or name, index, item.seed, step, len(item))


def when_complete(judged: Judged, episode: Episode) -> int:
    """Give the transition on which an episode became complete, or paid best."""
    if judged.program.task_names:
        done = first_true(np.asarray(episode.completed.all(axis=1)))
        return -1 if episode.at_reset.all() else done if done is not None else 0
    reward = np.where(np.isfinite(episode.reward), episode.reward, -inf)
    return int(reward.argmax())
