"""The steps of an episode as a person wants to read them: action, rewards, outcome, what changed."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from carruntime.playing import changes
from carruntime.trajectory import Trajectory, take
from sandbox.diagnostics import escape
from sandbox.outcome import Outcome

if TYPE_CHECKING:
    from carruntime.arrangement import Told

__all__ = ["Row", "rows_of", "table", "wrapped"]

_WIDTH: Final = 88


@dataclass(frozen=True, slots=True)
class Row:
    """One step of an episode.

    Attributes:
        step: Index.
        action: Its name.
        env_reward: The environment's own reward.
        ended: ``"terminated"``, ``"truncated"`` or empty.
        reward: The program's; NaN where the row ended badly.
        outcome: How the row ended.
        completed: Names of the sub-tasks that this step completed.
        changed: What the action changed in the observation, in words.
    """

    step: int
    action: str
    env_reward: float
    ended: str
    reward: float
    outcome: str
    completed: tuple[str, ...]
    changed: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data for machines."""
        return asdict(self)


def rows_of(
    episode: Trajectory,
    told: Told,
    names: Sequence[str],
    tasks: Sequence[str],
    *,
    start: int = 0,
    stop: int | None = None,
) -> tuple[Row, ...]:
    """Lay out the steps of an episode.

    Args:
        episode: The episode.
        told: What the program said of it.
        names: Names of its actions.
        tasks: Names of the program's sub-tasks.
        start: First step.
        stop: The step behind the last one; all when left out.
    """
    found = []
    for step in range(max(0, start), len(episode) if stop is None else min(stop, len(episode))):
        ends = episode.terminated[step], episode.truncated[step]
        changed = changes(take(episode.observations, step), take(episode.observations, step + 1))
        found.append(
            Row(
                step=step,
                action=names[step],
                env_reward=float(episode.rewards[step]),
                ended="terminated" if ends[0] else "truncated" if ends[1] else "",
                reward=float(told.reward[step]),
                outcome=Outcome(int(told.outcome[step])).name,
                completed=tuple(
                    name for name, new in zip(tasks, told.newly_completed[step], strict=True) if new
                ),
                changed=tuple(changed),
            )
        )
    return tuple(found)


def table(rows: Sequence[Row]) -> list[str]:
    """Give rows as lines of text."""
    if not rows:
        return []
    lines = [f"  {'step':>4}  {'action':<14}{'env reward':>11}{'reward':>12}  outcome"]
    for row in rows:
        reward = "-" if np.isnan(row.reward) else f"{row.reward:.6g}"
        done = f"completes {', '.join(row.completed)}" if row.completed else ""
        more = "".join(f", {text}" for text in (done, row.ended) if text)
        lines.append(
            f"  {row.step:>4}  {escape(row.action)[:13]:<14}{row.env_reward:>11.4g}{reward:>12}  "
            f"{row.outcome}{escape(more)}"
        )
    return lines


def wrapped(text: str, further: str = "", first: str = "") -> list[str]:
    """Break a text into lines, words whole."""
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )
