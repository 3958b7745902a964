"""The claims that warn: what is odd about a program, though it decides nothing.

The same shape as `carruntime.checks`. Each of them is a mistake that published reward programs
have made: components that never fire, bonuses paid for standing still, sub-tasks that are done
before the first action, success where there is none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from carruntime.evidence import (
    Judged,
    first_true,
    place_of_component,
    place_of_task,
    values_of,
    when_complete,
    witness,
)
from carruntime.intervals import Share
from carruntime.trajectory import Trajectory, take
from carruntime.verdict import Diagnosis, Weight, Witness

__all__ = ["warnings"]


def warnings(judged: Judged) -> list[Diagnosis]:
    """Go through the checks that warn."""
    return [
        *_first_frames(judged),
        *_components(judged),
        *_idle_pay(judged),
        *_agreement(judged),
        *_order(judged),
    ]


def _first_frames(judged: Judged) -> list[Diagnosis]:
    out = []
    both = (*judged.on_expert.episodes, *judged.on_random.episodes)
    for index, name in enumerate(judged.program.task_names):
        held = [i for i, episode in enumerate(both) if episode.at_reset[index]]
        if not held:
            continue
        expert = held[0] < len(judged.on_expert.episodes)
        seen = judged.on_expert if expert else judged.on_random
        place = held[0] if expert else held[0] - len(judged.on_expert.episodes)
        out.append(
            Diagnosis(
                "CAR213",
                # What is there in nearly every episode before any action asks nothing of anybody. That is
                # harmless for "do not touch the lava", but not where the end was meant.
                Weight.REJECTS
                if Share.of(len(held), len(both), judged.confidence).low > 1.0 - judged.threshold
                and _too_early(judged)
                else Weight.WARNS,
                f"sub-task {name} holds before the first action in {len(held)} of "
                f"{len(both)} trajectories, so it is never paid there",
                "a sub-task is something the agent brings about: compare with initial_obs",
                place_of_task(judged.program.source, name),
                witness(seen, place, -1, "expert" if expert else "random"),
            )
        )
    return out


def _too_early(judged: Judged) -> bool:
    """Whether most of the expert's solved episodes are complete before the step that solves them."""
    solved = [e for e in judged.on_expert.episodes if e.trajectory.success]
    early = [e for e in solved if len(e.outcome) > 1 and e.completed[-2].all()]
    return len(early) > len(solved) // 2


def _components(judged: Judged) -> list[Diagnosis]:
    out = []
    names = judged.program.component_names
    means: dict[str, float] = {}
    for name in names:
        values = np.concatenate(
            [values_of(name, judged.on_expert), values_of(name, judged.on_random)]
        )
        if not values.size:
            continue
        means[name] = float(np.abs(values).sum())
        if not values.any():
            out.append(
                Diagnosis(
                    "CAR211",
                    Weight.WARNS,
                    f"component {name} is 0 on all {values.size} rows: it never fires",
                    "check its condition against what observations can show, or leave it out",
                    place_of_component(judged.program.source, name),
                )
            )
        elif values.min() == values.max() > 0.0:
            out.append(
                Diagnosis(
                    "CAR212",
                    Weight.WARNS,
                    f"component {name} is {values[0]:.4g} on all {values.size} rows",
                    "a positive constant pays for staying alive, also where the task is to end "
                    "soon: keep it only if that is meant",
                    place_of_component(judged.program.source, name),
                )
            )
    total = sum(means.values())
    for name, share in means.items():
        if len(means) > 1 and total > 0.0 and share / total > 0.99:
            out.append(
                Diagnosis(
                    "CAR215",
                    Weight.WARNS,
                    f"component {name} makes {100.0 * share / total:.1f} % of all that is paid",
                    "scale the components so that each can be felt",
                    place_of_component(judged.program.source, name),
                )
            )
    return out


def _idle_pay(judged: Judged) -> list[Diagnosis]:
    """Look for pay on transitions that leave the observation as it was."""
    if judged.program.form == "tasks":
        return []
    idle = paid = 0
    seen_at: Witness | None = None
    for name, seen in (("random", judged.on_random), ("expert", judged.on_expert)):
        for index, episode in enumerate(seen.episodes):
            same = _unchanged(episode.trajectory)
            rows = np.flatnonzero(same & (np.nan_to_num(episode.reward) > 0.0))
            idle += int(same.sum())
            paid += rows.size
            if rows.size and seen_at is None:
                seen_at = witness(seen, index, int(rows[0]), name)
    if not paid:
        return []
    return [
        Diagnosis(
            "CAR214",
            Weight.WARNS,
            f"{paid} of {idle} steps that leave the observation unchanged are paid: standing "
            "still can be worth more than going on",
            "pay for the change between obs and next_obs, or remember in self what was paid",
            None,
            seen_at,
        )
    ]


def _agreement(judged: Judged) -> list[Diagnosis]:
    if not judged.explicit:
        return []
    out = []
    for name, seen in (("expert", judged.on_expert), ("random", judged.on_random)):
        claims = [judged.complete(episode) for episode in seen.episodes]
        truths = [episode.trajectory.success for episode in seen.episodes]
        wrong = [i for i, claim in enumerate(claims) if claim and truths[i] is False]
        if wrong:
            out.append(
                Diagnosis(
                    "CAR216",
                    Weight.WARNS,
                    f"{len(wrong)} of {len(claims)} {name} trajectories are called complete "
                    "though the environment says they failed",
                    "look at this episode: either the goal is reached in a way that does not "
                    "count, or the sub-tasks stop short of it",
                    None,
                    witness(seen, wrong[0], when_complete(judged, seen.episodes[wrong[0]]), name),
                )
            )
        missed = [i for i, claim in enumerate(claims) if not claim and truths[i] is True]
        if missed and name == "random":
            out.append(
                Diagnosis(
                    "CAR217",
                    Weight.WARNS,
                    f"{len(missed)} {name} trajectories that the environment calls solved are "
                    "not complete",
                    "the success has another face than in the expert's episodes",
                    None,
                    witness(seen, missed[0], len(seen.episodes[missed[0]].outcome) - 1, name),
                )
            )
    return out


def _order(judged: Judged) -> list[Diagnosis]:
    names = judged.program.task_names
    out = []
    for index in range(1, len(names)):
        for place, episode in enumerate(judged.on_expert.episodes):
            before = first_true(episode.completed[:, index - 1])
            after = first_true(episode.completed[:, index])
            if before is not None and after is not None and after < before:
                out.append(
                    Diagnosis(
                        "CAR219",
                        Weight.WARNS,
                        f"the expert completes {names[index]} before {names[index - 1]}",
                        "list sub-tasks in the order in which they are achieved, or make the "
                        "later one ask for the earlier",
                        place_of_task(judged.program.source, names[index]),
                        witness(judged.on_expert, place, after, "expert"),
                    )
                )
                break
    return out


def _unchanged(trajectory: Trajectory) -> NDArray[np.bool_]:
    """Tell the transitions whose two observations are equal in every part, bool ``[T]``."""
    same = np.ones(len(trajectory), dtype=np.bool_)
    before = take(trajectory.observations, slice(None, -1))
    after = take(trajectory.observations, slice(1, None))
    for left, right in zip(_parts(before), _parts(after), strict=True):
        if isinstance(left, tuple):
            same &= np.array([a == b for a, b in zip(left, right, strict=True)], dtype=np.bool_)
        else:
            same &= (left == right).reshape(len(same), -1).all(axis=1)
    return same


def _parts(tree: Any) -> list[Any]:
    if isinstance(tree, dict):
        return [part for value in tree.values() for part in _parts(value)]
    if isinstance(tree, tuple) and not (tree and isinstance(tree[0], str)):
        return [part for value in tree for part in _parts(value)]
    return [tree]
