"""Checks of what the program would settle for: less than the task, or something better paid.

A verdict has episodes that succeed and others that fail, by the environment's word, so two things
can be seen without training anybody. An agent that is paid for completion may stop where completion
is claimed: is the task done there? And an agent goes where most is paid: is that a success?
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from carruntime.evidence import Judged, place_of_component, place_of_task, witness
from carruntime.intervals import Share
from carruntime.verdict import Diagnosis, Weight

if TYPE_CHECKING:
    from carruntime.replay import Episode, Replay
    from sandbox.diagnostics import Span

__all__ = ["shortfalls"]

_MORE = 1e-9
"""What counts as more, relative; rounding is not."""


def shortfalls(judged: Judged) -> list[Diagnosis]:
    """Go through both."""
    return [*_early(judged), *_overpaid(judged)]


def _all(judged: Judged) -> Iterator[tuple[str, Replay, int, Episode]]:
    sets = (("expert", judged.on_expert), *judged.levels, ("random", judged.on_random))
    for name, seen in sets:
        for index, episode in enumerate(seen.episodes):
            yield name, seen, index, episode


def _early(judged: Judged) -> list[Diagnosis]:
    """Look for claims before the step that ends an episode with success.

    Only that step solves the task, or the episode would have ended before. Where the environment
    goes on after success, nobody knows when it came, and nothing is said here.
    """
    total = 0
    early: list[tuple[str, Replay, int, Episode, int]] = []
    for name, seen, index, episode in _all(judged):
        item = episode.trajectory
        if item.success is not True or not item.terminated[-1]:
            continue
        step = judged.completed_at(episode)
        if step is None:
            continue
        total += 1
        if step < len(item) - 1:
            early.append((name, seen, index, episode, step))
    if not early:
        return []
    share = Share.of(len(early), total, judged.confidence)
    before = sorted(len(episode.trajectory) - 1 - step for *_, episode, step in early)
    name, seen, index, _, step = early[0]
    return [
        Diagnosis(
            "CAR230",
            Weight.REJECTS if judged.explicit and share.low > judged.threshold else Weight.WARNS,
            f"in {len(early)} of {total} episodes that succeed completion is claimed before the task is "
            f"solved, {before[len(before) // 2]} steps before (median): an agent may stop there",
            "ask for what ends the task itself (the thing in hand, the cell under the agent), not for "
            "what is true on the way to it (the thing in view, the cell close by)",
            _place(judged),
            witness(seen, index, step, name),
        )
    ]


def _place(judged: Judged) -> Span | None:
    """Give the line of the last sub-task; of a component nobody has told which it is."""
    names = judged.program.task_names
    if names:
        return place_of_task(judged.program.source, names[-1])
    return place_of_component(judged.program.source, judged.completed_by or "")


def _overpaid(judged: Judged) -> list[Diagnosis]:
    """Look for a failure that earns more than every success."""
    if judged.program.form == "tasks":
        return []  # no episode earns more than one that completes all of them
    best = max((e.total for *_, e in _all(judged) if e.trajectory.success is True), default=None)
    if best is None:
        return []
    limit = best + _MORE * max(1.0, abs(best))
    failed = [one for one in _all(judged) if one[3].trajectory.success is False]
    over = [one for one in failed if one[3].total > limit]
    if not over:
        return []
    name, seen, index, episode = max(over, key=lambda one: one[3].total)
    return [
        Diagnosis(
            "CAR231",
            Weight.REJECTS,
            f"{len(over)} of {len(failed)} episodes that fail earn more than every one that succeeds: "
            f"up to {episode.total:.4g} in {len(episode.outcome)} steps, where the best success earns "
            f"{best:.4g}: the program pays for something else than the task",
            "pay each event once, pay for change and take back as much when it is undone, and pay "
            "clearly more for success than for all that can be had without it",
            None,
            witness(seen, index, len(episode.outcome) - 1, name),
        )
    ]
