"""What the checks look at, and how they point: replays, first times, places, witnesses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from carruntime.verdict import Witness
from sandbox.diagnostics import Span
from sandbox.outcome import Outcome

if TYPE_CHECKING:
    from carruntime.replay import Episode, Replay
    from carruntime.reward import RewardProgram
    from carruntime.trajectory import Trajectory
    from carruntime.truth import TruthRow

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
    """Everything the checks look at.

    Attributes:
        program: The program.
        threshold: Greatest rate of complete random trajectories.
        confidence: Of every interval.
        on_expert: What it said of the expert's trajectories.
        on_random: What it said of random ones.
        complete: The rule that decides.
        completed_at: The transition that made an episode complete by that rule, -1 for its reset;
            None where it never was, or the rule says nothing of steps.
        completed_by: The component whose payment means completion, or None.
        explicit: Whether that rule was stated, by sub-tasks or by the caller.
        undefined: Why there is no rule, or None.
        separation: Probability that an expert trajectory earns more than a random one.
        least_random: Random trajectories below which nothing is accepted.
        levels: Further policies by name, the most skilled first.
        rank_correlation: Of skill and score.
        truth: Claims against facts.
        negatives: What it said of episodes that never happened, by kind.
        solved: The expert's episodes that succeeded; negatives were made of the first of them.
    """

    program: RewardProgram
    threshold: float
    confidence: float
    on_expert: Replay
    on_random: Replay
    complete: Callable[[Episode], bool]
    explicit: bool
    undefined: str | None
    separation: float
    least_random: int = 1
    levels: tuple[tuple[str, Replay], ...] = ()
    rank_correlation: float | None = None
    truth: tuple[TruthRow, ...] = ()
    negatives: Mapping[str, Replay] = field(default_factory=dict)
    solved: tuple[Episode, ...] = ()
    completed_at: Callable[[Episode], int | None] = lambda _: None
    completed_by: str | None = None


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
    """Point at a step of a trajectory of a replay, and tell what happened there; -1 is its reset."""
    episode = seen.episodes[index]
    item = episode.trajectory
    return Witness(
        policy=name if name in _MADE else item.policy or name,
        trajectory=index,
        seed=item.seed,
        step=step,
        length=len(item),
        saw=state_in_words(item, max(step, 0)),
        did="" if step < 0 else action_in_words(item, step),
        said=said_in_words(episode, step),
        true=_truths(item, step + 1),
        source=item,
    )


_MADE = frozenset({"frozen", "reversed", "held"})
"""Sets that no policy played; see `carruntime.negatives`."""
_ACTIONS = ("turn left", "turn right", "forward", "pick up", "drop", "toggle", "done")
_FACING = ("right", "down", "left", "up")
_KINDS = {2: "wall", 3: "floor", 4: "door", 5: "key", 6: "ball", 7: "box", 8: "goal", 9: "lava"}
_COLORS = ("red", "green", "blue", "purple", "yellow", "grey")
_DOORS = ("open", "closed", "locked")
_FEW = 8
"""Numbers of an observation that are still worth printing."""


def state_in_words(item: Trajectory, t: int) -> str:
    """Describe the state before transition ``t``: MiniGrid's in words, a short observation as it is."""
    if {"agent", "grid", "carrying"} <= set(item.states):
        x, y, direction = (int(value) for value in item.states["agent"][t])
        grid = item.states["grid"][t]
        dx, dy = ((1, 0), (0, 1), (-1, 0), (0, -1))[direction]
        inside = 0 <= x + dx < grid.shape[0] and 0 <= y + dy < grid.shape[1]
        ahead = _cell(grid[x + dx, y + dy]) if inside else "nothing"
        carried = _cell((*item.states["carrying"][t], 0))
        return (
            f"agent at x={x}, y={y}, facing {_FACING[direction]}, ahead of it {ahead}, "
            f"carrying {carried}"
        )
    observation = item.observations
    if isinstance(observation, np.ndarray) and observation[t].size <= _FEW:
        return f"observation {np.array2string(observation[t], precision=4, separator=', ')}"
    return ""


def action_in_words(item: Trajectory, t: int) -> str:
    """Give the action of a transition, with MiniGrid's name for it."""
    if isinstance(item.actions, dict | tuple):
        return ""
    action = item.actions[t]
    if np.size(action) > _FEW:
        return ""
    if "agent" in item.states and np.ndim(action) == 0 and 0 <= int(action) < len(_ACTIONS):
        return f"{int(action)} ({_ACTIONS[int(action)]})"
    return str(action)


def said_in_words(episode: Episode, t: int) -> str:
    """Tell what a program said of a transition; of the reset, which sub-tasks hold."""
    names = episode.task_names
    if t < 0:
        held = [name for name, value in zip(names, episode.at_reset, strict=False) if value]
        return f"holds at the reset: {', '.join(held)}" if held else ""
    if episode.outcome[t]:
        return f"nothing, it ended with {Outcome(int(episode.outcome[t])).name}"
    parts = []
    if names:
        held = [name for name, value in zip(names, episode.tasks[t], strict=True) if value]
        parts.append(f"true: {', '.join(held) or 'no sub-task'}")
    else:
        parts.append(f"reward {episode.reward[t]:.4g}")
    paid = [f"{name} {values[t]:.4g}" for name, values in episode.components.items() if values[t]]
    if paid:
        parts.append(f"of it {', '.join(paid[:_FEW])}")
    return "; ".join(parts)


def _truths(item: Trajectory, t: int) -> str:
    if not item.facts:
        return ""
    held = [name for name, values in item.facts.items() if values[min(t, len(values) - 1)]]
    return ", ".join(held) or f"none of {', '.join(item.facts)}"


def _cell(code: Any) -> str:
    kind, color, state = (int(value) for value in code)
    if kind not in _KINDS:
        return "nothing"
    if kind in (2, 8, 9):
        return f"a {_KINDS[kind]}" if kind != 9 else "lava"
    color_name = _COLORS[color] if color < len(_COLORS) else "unknown"
    door = f"{_DOORS[state]} " if kind == 4 and state < len(_DOORS) else ""
    article = "an" if door.startswith("open") else "a"
    return f"{article} {door}{color_name} {_KINDS[kind]}"


def when_complete(judged: Judged, episode: Episode) -> int:
    """Give the transition on which an episode became complete, or paid best."""
    if judged.program.task_names:
        done = first_true(np.asarray(episode.completed.all(axis=1)))
        return -1 if episode.at_reset.all() else done if done is not None else 0
    reward = np.where(np.isfinite(episode.reward), episode.reward, -inf)
    return int(reward.argmax())
