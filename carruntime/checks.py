"""The claims that decide a verdict: each looks at replays and gives diagnoses, nothing else.

A check has an id (`carruntime.verdict.CHECKS`), a weight, and a witness wherever one exists: a
trajectory, its seed and a step, so that a person or a model can look at what was meant. What only
warns is in `carruntime.symptoms`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from carruntime.evidence import Judged, place_of_task, values_of, when_complete, witness
from carruntime.failures import failure_of_exception
from carruntime.intervals import Share, trials_needed
from carruntime.verdict import Diagnosis, Weight
from sandbox.outcome import Outcome

if TYPE_CHECKING:
    from carruntime.replay import FailureSeen

__all__ = ["decisive"]

_MOST_FAILURES = 6
_ADVICE = {
    Outcome.ERROR: "treat this case: every observation of the space must give a number",
    Outcome.NOT_FINITE: "guard divisions, logarithms and roots: NaN and infinity spoil training",
    Outcome.BAD_RESULT: "return a number on every path, with the same components on every path",
    Outcome.OUT_OF_FUEL: "bound every loop by something the observation fixes",
    Outcome.OUT_OF_MEMORY: "build smaller arrays, and bound what self keeps",
    Outcome.TIMED_OUT: "leave out the call that takes so long",
    Outcome.CRASHED: "leave out the call that ended the worker",
    Outcome.STATE_LOST: "mend the failure of an earlier step of this episode",
}


def decisive(judged: Judged) -> list[Diagnosis]:
    """Go through the checks that decide, in the order in which a person would want to read them."""
    found = _failures(judged)
    if judged.undefined is not None:
        found += _no_completion(judged, judged.undefined)
    else:
        found += _expert(judged)
        found += _random(judged)
    return found + _returns(judged)


def _failures(judged: Judged) -> list[Diagnosis]:
    """Tell each distinct failure once, with its rows in both sets."""
    groups = {"expert": judged.on_expert, "random": judged.on_random}
    merged: dict[Any, dict[str, FailureSeen]] = {}
    for name, seen in groups.items():
        for failure in seen.failures:
            key = (failure.outcome, failure.exception, failure.message, failure.span)
            merged.setdefault((*key, failure.task), {})[name] = failure
    out = []
    for found in sorted(merged.values(), key=lambda each: -sum(f.rows for f in each.values())):
        name, failure = next(iter(found.items()))
        what = failure.message or "no more is known"
        if failure.exception:
            what = f"{failure.exception}: {what}"
        where = " and ".join(
            f"{each.rows} of {groups[other].rows} {other} rows" for other, each in found.items()
        )
        who = f"predicate {failure.task}: " if failure.task else ""
        ended = failure.outcome.name.replace("_", " ").lower()
        out.append(
            Diagnosis(
                "CAR203",
                Weight.REJECTS,
                f"{who}{ended} on {where}: {what}",
                _ADVICE.get(failure.outcome, "look at this row"),
                failure.span,
                witness(groups[name], failure.trajectory, failure.step, name),
                failure=_kind(failure),
            )
        )
    return out[:_MOST_FAILURES]


def _kind(failure: FailureSeen) -> str:
    match failure.outcome:
        case Outcome.NOT_FINITE:
            return "number"
        case Outcome.OUT_OF_FUEL | Outcome.OUT_OF_MEMORY | Outcome.TIMED_OUT:
            return "resources"
        case Outcome.BAD_RESULT:
            return "api"
        case _:
            return failure_of_exception(failure.exception)


def _no_completion(judged: Judged, reason: str) -> list[Diagnosis]:
    paid = values_of("reward", judged.on_expert)
    if not paid.size:
        return []  # nothing ran to an end, and that has been told
    if not paid.any():
        return [
            Diagnosis(
                "CAR201",
                Weight.REJECTS,
                "the program pays nothing on any expert step: the reward is 0 throughout",
                "pay for what the expert achieves; check indices and constants against the "
                "observation space",
                None,
                witness(judged.on_expert, 0, 0, "expert"),
            )
        ]
    return [
        Diagnosis(
            "CAR206",
            Weight.LEAVES_OPEN,
            f"nothing tells a complete trajectory: {reason}",
            "say what success is (--success-when; from Python success_when=: a component, a reward "
            "reached or a function), or give sub-tasks",
            model_hint="pay something above 0 on the step that solves the task, or write sub-tasks "
            "(`TASKS = [...]`)",
        )
    ]


def _expert(judged: Judged) -> list[Diagnosis]:
    out = []
    failed = [
        index
        for index, episode in enumerate(judged.on_expert.episodes)
        if episode.trajectory.success is False
    ]
    if failed:
        out.append(
            Diagnosis(
                "CAR218",
                Weight.WARNS,
                f"{len(failed)} of {len(judged.on_expert.episodes)} expert trajectories fail in "
                "the environment; they are left out of the rule",
                "collect with an expert that solves every seed, or a longer horizon",
                None,
                witness(judged.on_expert, failed[0], -1, "expert"),
            )
        )
    counted = [i for i in range(len(judged.on_expert.episodes)) if i not in set(failed)]
    missing = [i for i in counted if not judged.complete(judged.on_expert.episodes[i])]
    if missing:
        out += _incomplete(judged, counted, missing)
        return out
    share = Share.of(len(counted), len(counted), judged.confidence)
    if share.low < 1.0 - judged.threshold:
        needed = trials_needed(
            1.0,
            1.0 - judged.threshold,
            "above",
            confidence=judged.confidence,
            more_than=len(counted),
        )
        more = "more than can be collected" if needed is None else str(needed - len(counted))
        out.append(
            Diagnosis(
                "CAR204",
                Weight.LEAVES_OPEN,
                f"{len(counted)} complete expert trajectories show a rate of at least "
                f"{share.low:.3f} only; {more} more complete ones would show "
                f"{1.0 - judged.threshold:g}",
                f"collect {more} more expert trajectories",
            )
        )
    return out


def _incomplete(judged: Judged, counted: list[int], missing: list[int]) -> list[Diagnosis]:
    episodes = judged.on_expert.episodes
    names = judged.program.task_names
    if not names:
        best = max(episodes[i].peak for i in missing)
        return [
            Diagnosis(
                "CAR201",
                Weight.REJECTS,
                f"{len(missing)} of {len(counted)} expert trajectories are not complete; the "
                f"best step of these pays {best:.4g}",
                "pay for the event that ends a successful episode, whichever way it comes",
                None,
                witness(
                    judged.on_expert, missing[0], len(episodes[missing[0]].outcome) - 1, "expert"
                ),
                failure="never_fires" if len(missing) == len(counted) else "misses",
            )
        ]
    out = []
    for index, name in enumerate(names):
        lacking = [i for i in missing if not episodes[i].completed[-1, index]]
        if not lacking:
            continue
        never = len(lacking) == len(counted)
        length = len(episodes[lacking[0]].outcome)
        ran = any((episodes[i].outcome == 0).any() for i in lacking)
        out.append(
            Diagnosis(
                "CAR201",
                Weight.REJECTS,
                f"sub-task {name} is {'never' if never else 'not always'} completed by the "
                f"expert: missing in {len(lacking)} of {len(counted)} trajectories",
                "the predicate is false on every step of an episode that solved the task: "
                "check indices and constants, and whether the event can still be seen after "
                "the action"
                if ran
                else "it fails before it can say anything: mend the error first",
                place_of_task(judged.program.source, name),
                witness(judged.on_expert, lacking[0], length - 1, "expert"),
                failure="never_fires" if never else "misses",
            )
        )
    return out


def _random(judged: Judged) -> list[Diagnosis]:
    episodes = judged.on_random.episodes
    claimed = [i for i, episode in enumerate(episodes) if judged.complete(episode)]
    share = Share.of(len(claimed), len(episodes), judged.confidence)
    if share.high <= judged.threshold:
        if len(episodes) >= judged.least_random:
            return []
        lacking = judged.least_random - len(episodes)
        return [
            Diagnosis(
                "CAR205",
                Weight.LEAVES_OPEN,
                f"{share.count} of {share.total} random trajectories are complete; nothing is accepted "
                f"on fewer than {judged.least_random} of them",
                f"collect {lacking} more random trajectories",
            )
        ]
    if share.low > judged.threshold:
        solved = sum(episodes[i].trajectory.success is True for i in claimed)
        first = claimed[0]
        hint = "ask more of a complete trajectory: what random play reaches is no evidence"
        model_hint: str | None = None
        if not judged.explicit:
            hint = (
                "say what success is (--success-when; from Python success_when=: a component, a "
                "reward reached or a function): half of what the expert's best step pays is a "
                "guess, and may be the cause; if it is not, the program pays random play too well"
            )
            model_hint = (
                "pay clearly more on the step that solves the task than on any step that random "
                "play reaches, or write sub-tasks (`TASKS = [...]`)"
            )
        weight = Weight.REJECTS
        honest = solved == len(claimed) or _all_true(judged, claimed)
        if honest:
            # Neither a reason to reject nor one to accept: the test is too easy to tell.
            weight = Weight.LEAVES_OPEN
            hint = (
                "the simulator says that all of these did it, so random play is too good a test "
                "here: cut it at a shorter horizon"
            )
            model_hint = ""
        return [
            Diagnosis(
                "CAR202",
                weight,
                f"{share.count} of {share.total} random trajectories are complete, a rate of "
                f"at least {share.low:.3f}; at most {judged.threshold:g} may be "
                f"({solved} of them are solved in the environment)",
                hint,
                None,
                witness(judged.on_random, first, when_complete(judged, episodes[first]), "random"),
                model_hint,
                failure="evidence" if honest else "too_easy",
            )
        ]
    side = "below" if share.rate < judged.threshold else "above"
    needed = trials_needed(
        share.rate,
        judged.threshold,
        "below" if side == "below" else "above",
        confidence=judged.confidence,
        more_than=share.total,
    )
    if needed is not None and side == "below":
        needed = max(needed, judged.least_random)
    more = "more than 100,000" if needed is None else f"about {needed - share.total}"
    return [
        Diagnosis(
            "CAR205",
            Weight.LEAVES_OPEN,
            f"{share.count} of {share.total} random trajectories are complete: the rate lies "
            f"between {share.low:.3f} and {share.high:.3f}, on both sides of "
            f"{judged.threshold:g}; {more} more would settle it, if the rate stays",
            f"collect {more} more random trajectories",
        )
    ]


def _all_true(judged: Judged, claimed: list[int]) -> bool:
    """Whether each sub-task is about a known fact, and random play really did them all."""
    names = judged.program.task_names
    rows = {row.claim: row for row in judged.truth if row.policy == "random"}
    if not names or any(name not in rows for name in names):
        return False
    return all(
        judged.on_random.episodes[index].trajectory.facts.get(rows[name].fact, np.zeros(1)).any()
        for index in claimed
        for name in names
    )


def _returns(judged: Judged) -> list[Diagnosis]:
    if judged.program.form == "tasks" or judged.separation >= 0.5:
        return []
    totals = [episode.total for episode in judged.on_random.episodes]
    best = int(np.argmax(totals))
    return [
        Diagnosis(
            "CAR207",
            Weight.REJECTS,
            f"random play earns more than the expert: an expert episode beats a random one "
            f"with probability {judged.separation:.2f}; the best random return is "
            f"{totals[best]:.4g}",
            "do not pay on every step for a state that can be held: pay once per episode, or "
            "pay for change",
            None,
            witness(
                judged.on_random, best, len(judged.on_random.episodes[best].outcome) - 1, "random"
            ),
        )
    ]
