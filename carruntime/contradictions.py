"""What a program says against the simulator, against skill, and of what never happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carruntime.evidence import Judged, place_of_component, place_of_task, when_complete, witness
from carruntime.intervals import Share
from carruntime.truth import COMPLETE
from carruntime.verdict import Diagnosis, Weight

if TYPE_CHECKING:
    from carruntime.replay import Replay
    from carruntime.truth import TruthRow

__all__ = ["contradictions"]


def contradictions(judged: Judged) -> list[Diagnosis]:
    """Go through the checks that compare a program with something other than itself."""
    return [*_truth(judged), *_skill(judged), *_negatives(judged)]


def _truth(judged: Judged) -> list[Diagnosis]:
    out = []
    for kind in ("false", "missed"):
        by_claim: dict[str, list[TruthRow]] = {}
        for row in judged.truth:
            by_claim.setdefault(row.claim, []).append(row)
        for name, rows in by_claim.items():
            shares = [row.false_claims if kind == "false" else row.missed for row in rows]
            count, total = sum(s.count for s in shares), sum(s.total for s in shares)
            if not count:
                continue
            share = Share.of(count, total, judged.confidence)
            decides = name in judged.program.task_names or name == COMPLETE or rows[0].stated
            row = max(rows, key=lambda r: (r.false_claims if kind == "false" else r.missed).count)
            place = row.false_at if kind == "false" else row.missed_at
            if place is None:
                continue
            weight = Weight.REJECTS if decides and share.low > judged.threshold else Weight.WARNS
            out.append(
                _contradiction(judged, row, kind=kind, share=share, weight=weight, place=place)
            )
    return out


def _contradiction(
    judged: Judged,
    row: TruthRow,
    *,
    kind: str,
    share: Share,
    weight: Weight,
    place: tuple[int, int],
) -> Diagnosis:
    how = (
        "by what was stated"
        if row.stated
        else "which is when the expert brings it about, to the very step"
    )
    if kind == "false":
        message = (
            f"{row.claim} is claimed without {row.fact} ({how}) in {share.count} of {share.total} "
            f"episodes with the claim; most of them by {row.policy}"
        )
        hint = (
            "look at what else looks the same to the condition: another object, another colour or "
            "code, a thing that is gone for another reason, a state that was there before"
        )
    else:
        message = (
            f"{row.claim} misses {row.fact} ({how}) in {share.count} of {share.total} episodes in "
            f"which it comes true; most of them by {row.policy}"
        )
        hint = "look at this step: the event has another face here than in the expert's episodes"
    span = (
        place_of_task(judged.program.source, row.claim)
        if row.claim in judged.program.task_names
        else place_of_component(judged.program.source, row.claim)
    )
    seen = _replay_of(judged, row.policy)
    return Diagnosis(
        "CAR228" if kind == "false" else "CAR229",
        weight,
        message,
        hint,
        span,
        witness(seen, place[0], place[1], row.policy),
    )


def _replay_of(judged: Judged, policy: str) -> Replay:
    found = {"expert": judged.on_expert, "random": judged.on_random, **dict(judged.levels)}
    return found[policy]


def _skill(judged: Judged) -> list[Diagnosis]:
    if judged.rank_correlation is None or not judged.levels:
        return []
    sets = (judged.on_expert, judged.on_random, *(seen for _, seen in judged.levels))
    count = sum(len(seen.episodes) for seen in sets)
    # Without any relation the coefficient has a standard deviation of 1 / sqrt(n - 1).
    if judged.rank_correlation > -1.96 / np.sqrt(max(1, count - 1)):
        return []
    return [
        Diagnosis(
            "CAR220",
            Weight.WARNS,
            f"less skill is worth more: skill and what the program gives have a rank correlation of "
            f"{judged.rank_correlation:.2f} over all policies",
            "pay for getting on, not for the number of steps: a quick solution must earn at least "
            "what a slow one does",
        )
    ]


def _negatives(judged: Judged) -> list[Diagnosis]:
    out: list[Diagnosis] = []
    if "frozen" in judged.negatives:
        out += _frozen(judged, judged.negatives["frozen"])
    if "reversed" in judged.negatives:
        out += _reversed(judged, judged.negatives["reversed"])
    if "held" in judged.negatives:
        out += _held(judged, judged.negatives["held"])
    return out


def _frozen(judged: Judged, seen: Replay) -> list[Diagnosis]:
    episodes = seen.episodes
    claimed = [i for i, e in enumerate(episodes) if judged.complete(e)]
    if claimed and judged.explicit:
        share = Share.of(len(claimed), len(episodes), judged.confidence)
        return [
            Diagnosis(
                "CAR226",
                Weight.REJECTS if share.low > judged.threshold else Weight.WARNS,
                f"{len(claimed)} of {len(episodes)} episodes in which nothing ever changes are called "
                "complete",
                "ask for what the task changes: compare next_obs with obs or with initial_obs",
                None,
                witness(
                    seen, claimed[0], max(0, when_complete(judged, episodes[claimed[0]])), "frozen"
                ),
            )
        ]
    if judged.program.form == "tasks":
        return []
    totals = np.array([e.total for e in episodes])
    real = np.array([e.total for e in judged.solved[: len(episodes)]])
    if not (np.median(totals) > 0.0 and np.median(totals) >= 0.5 * np.median(real)):
        return []
    best = int(totals.argmax())
    return [
        Diagnosis(
            "CAR226",
            Weight.WARNS,
            f"an episode in which nothing ever changes earns {np.median(totals):.4g} (median), the "
            f"expert's real one {np.median(real):.4g}",
            "pay for the change between obs and next_obs, not for the state alone",
            None,
            witness(seen, best, len(episodes[best].outcome) - 1, "frozen"),
        )
    ]


def _reversed(judged: Judged, seen: Replay) -> list[Diagnosis]:
    episodes = seen.episodes
    if judged.program.form == "tasks":
        # Sub-tasks that hold before the first action were there all along, not brought about.
        blind = [i for i, e in enumerate(episodes) if (e.completed[-1] & ~e.at_reset).all()]
        if len(blind) <= len(episodes) // 2 or len(judged.program.task_names) < 2:
            return []
        message = (
            f"{len(blind)} of {len(episodes)} expert episodes played backwards complete every "
            "sub-task as well"
        )
        place = blind[0]
    else:
        if judged.program.stateful:
            return []  # what is remembered as paid is paid on the way back once at most
        real = judged.solved[: len(episodes)]
        worse = [
            i
            for i, (e, r) in enumerate(zip(episodes, real, strict=True))
            if e.total >= r.total > 0.0
        ]
        if len(worse) <= len(episodes) // 2:
            return []
        place = worse[0]
        message = (
            f"{len(worse)} of {len(episodes)} expert episodes earn as much played backwards: undoing "
            "the task is paid like doing it"
        )
    return [
        Diagnosis(
            "CAR225",
            Weight.WARNS,
            message,
            "pay for the step from before to after, so that the way back costs what the way there gave",
            None,
            witness(seen, place, len(episodes[place].outcome) - 1, "reversed"),
        )
    ]


def _held(judged: Judged, seen: Replay) -> list[Diagnosis]:
    from carruntime.negatives import HELD

    out = []
    real = judged.solved[: len(seen.episodes)]
    late = [
        i
        for i, (after, before) in enumerate(zip(seen.episodes, real, strict=True))
        if judged.complete(after) and not judged.complete(before)
    ]
    if late:
        first = late[0]
        out.append(
            Diagnosis(
                "CAR227",
                Weight.WARNS,
                f"{len(late)} of {len(real)} expert episodes are complete only some steps after the "
                "one that solves the task, which the environment ends on: that comes too late",
                "look at next_obs, the observation after the action, and give the answer on that step",
                None,
                witness(seen, first, len(seen.episodes[first].outcome) - HELD, "held"),
            )
        )
    if judged.program.form == "tasks":
        return out
    paid = [
        i
        for i, (after, before) in enumerate(zip(seen.episodes, real, strict=True))
        if before.peak > 0.0 and (after.reward[-HELD:] >= before.peak - 1e-12).all()
    ]
    if len(paid) > len(real) // 2:
        out.append(
            Diagnosis(
                "CAR227",
                Weight.WARNS,
                f"in {len(paid)} of {len(real)} expert episodes the best payment comes again on each "
                f"of {HELD} steps after the end on which nothing changes",
                "where an environment does not end there, that is worth staying for: remember in "
                "self that it was paid",
                None,
                witness(seen, paid[0], len(seen.episodes[paid[0]].outcome) - 1, "held"),
                failure="no_latch",
            )
        )
    return out
