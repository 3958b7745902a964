"""The claims a verdict rests on: each looks at replays and gives diagnoses, nothing else.

A check has an id (`carruntime.verdict.CHECKS`), a weight, and a witness wherever one exists: a
trajectory, its seed and a step, so that a person or a model can look at what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from carruntime.intervals import Share, trials_needed
from carruntime.trajectory import Trajectory, take
from carruntime.verdict import Diagnosis, Weight, Witness
from sandbox.diagnostics import Span
from sandbox.outcome import Outcome

if TYPE_CHECKING:
    from carruntime.replay import Episode, FailureSeen, Replay
    from carruntime.reward import RewardProgram

__all__ = ["Judged", "first_true", "place_of_component", "place_of_task", "values_of"]

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

    def diagnoses(self) -> list[Diagnosis]:
        """Go through all checks, in the order in which a person would want to read them."""
        found: list[Diagnosis] = []
        found += self._failures()
        if self.undefined is not None:
            found += self._no_completion(self.undefined)
        else:
            found += self._expert()
            found += self._random()
        found += self._returns()
        found += self._first_frames()
        found += self._components()
        found += self._idle_pay()
        found += self._agreement()
        found += self._order()
        return found

    def _failures(self) -> list[Diagnosis]:
        """Tell each distinct failure once, with its rows in both sets."""
        groups = {"expert": self.on_expert, "random": self.on_random}
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
                    _witness(groups[name], failure.trajectory, failure.step, name),
                )
            )
        return out[:_MOST_FAILURES]

    def _no_completion(self, reason: str) -> list[Diagnosis]:
        paid = values_of("reward", self.on_expert)
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
                    _witness(self.on_expert, 0, 0, "expert"),
                )
            ]
        return [
            Diagnosis(
                "CAR206",
                Weight.LEAVES_OPEN,
                f"nothing tells a complete trajectory: {reason}",
                "say success_when= (a component, a reward or a function), or give sub-tasks",
            )
        ]

    def _expert(self) -> list[Diagnosis]:
        out = []
        failed = [
            index
            for index, episode in enumerate(self.on_expert.episodes)
            if episode.trajectory.success is False
        ]
        if failed:
            out.append(
                Diagnosis(
                    "CAR218",
                    Weight.WARNS,
                    f"{len(failed)} of {len(self.on_expert.episodes)} expert trajectories fail in "
                    "the environment; they are left out of the rule",
                    "collect with an expert that solves every seed, or a longer horizon",
                    None,
                    _witness(self.on_expert, failed[0], -1, "expert"),
                )
            )
        judged = [i for i in range(len(self.on_expert.episodes)) if i not in set(failed)]
        missing = [i for i in judged if not self.complete(self.on_expert.episodes[i])]
        if missing:
            out += self._incomplete(judged, missing)
            return out
        share = Share.of(len(judged), len(judged), self.confidence)
        if share.low < 1.0 - self.threshold:
            needed = trials_needed(
                1.0,
                1.0 - self.threshold,
                "above",
                confidence=self.confidence,
                more_than=len(judged),
            )
            more = "more than can be collected" if needed is None else str(needed - len(judged))
            out.append(
                Diagnosis(
                    "CAR204",
                    Weight.LEAVES_OPEN,
                    f"{len(judged)} complete expert trajectories show a rate of at least "
                    f"{share.low:.3f} only; {more} more complete ones would show "
                    f"{1.0 - self.threshold:g}",
                    f"collect {more} more expert trajectories",
                )
            )
        return out

    def _incomplete(self, judged: list[int], missing: list[int]) -> list[Diagnosis]:
        episodes = self.on_expert.episodes
        names = self.program.task_names
        if not names:
            best = max(episodes[i].peak for i in missing)
            return [
                Diagnosis(
                    "CAR201",
                    Weight.REJECTS,
                    f"{len(missing)} of {len(judged)} expert trajectories are not complete; the "
                    f"best step of these pays {best:.4g}",
                    "pay for the event that ends a successful episode, whichever way it comes",
                    None,
                    _witness(
                        self.on_expert, missing[0], len(episodes[missing[0]].outcome) - 1, "expert"
                    ),
                )
            ]
        out = []
        for index, name in enumerate(names):
            lacking = [i for i in missing if not episodes[i].completed[-1, index]]
            if not lacking:
                continue
            never = len(lacking) == len(judged)
            length = len(episodes[lacking[0]].outcome)
            ran = any((episodes[i].outcome == 0).any() for i in lacking)
            out.append(
                Diagnosis(
                    "CAR201",
                    Weight.REJECTS,
                    f"sub-task {name} is {'never' if never else 'not always'} completed by the "
                    f"expert: missing in {len(lacking)} of {len(judged)} trajectories",
                    "the predicate is false on every step of an episode that solved the task: "
                    "check indices and constants, and whether the event can still be seen after "
                    "the action"
                    if ran
                    else "it fails before it can say anything: mend the error first",
                    place_of_task(self.program.source, name),
                    _witness(self.on_expert, lacking[0], length - 1, "expert"),
                )
            )
        return out

    def _random(self) -> list[Diagnosis]:
        episodes = self.on_random.episodes
        claimed = [i for i, episode in enumerate(episodes) if self.complete(episode)]
        share = Share.of(len(claimed), len(episodes), self.confidence)
        if share.high <= self.threshold:
            return []
        if share.low > self.threshold:
            solved = sum(episodes[i].trajectory.success is True for i in claimed)
            first = claimed[0]
            hint = "ask more of a complete trajectory: what random play reaches is no evidence"
            if solved == len(claimed):
                hint = (
                    "the environment calls all of these solved, so random play is too good a test "
                    "here: cut it at a shorter horizon"
                )
            return [
                Diagnosis(
                    "CAR202",
                    Weight.REJECTS,
                    f"{share.count} of {share.total} random trajectories are complete, a rate of "
                    f"at least {share.low:.3f}; at most {self.threshold:g} may be "
                    f"({solved} of them are solved in the environment)",
                    hint,
                    None,
                    _witness(self.on_random, first, self._when(episodes[first]), "random"),
                )
            ]
        side = "below" if share.rate < self.threshold else "above"
        needed = trials_needed(
            share.rate,
            self.threshold,
            "below" if side == "below" else "above",
            confidence=self.confidence,
            more_than=share.total,
        )
        more = "more than 100,000" if needed is None else f"about {needed - share.total}"
        return [
            Diagnosis(
                "CAR205",
                Weight.LEAVES_OPEN,
                f"{share.count} of {share.total} random trajectories are complete: the rate lies "
                f"between {share.low:.3f} and {share.high:.3f}, on both sides of "
                f"{self.threshold:g}; {more} more would settle it, if the rate stays",
                f"collect {more} more random trajectories",
            )
        ]

    def _when(self, episode: Episode) -> int:
        """Give the transition on which an episode became complete, or paid best."""
        if self.program.task_names:
            done = first_true(np.asarray(episode.completed.all(axis=1)))
            return -1 if episode.at_reset.all() else done if done is not None else 0
        reward = np.where(np.isfinite(episode.reward), episode.reward, -inf)
        return int(reward.argmax())

    def _returns(self) -> list[Diagnosis]:
        if self.program.form == "tasks" or self.separation >= 0.5:
            return []
        totals = [episode.total for episode in self.on_random.episodes]
        best = int(np.argmax(totals))
        return [
            Diagnosis(
                "CAR207",
                Weight.REJECTS,
                f"random play earns more than the expert: an expert episode beats a random one "
                f"with probability {self.separation:.2f}; the best random return is "
                f"{totals[best]:.4g}",
                "do not pay on every step for a state that can be held: pay once per episode, or "
                "pay for change",
                None,
                _witness(
                    self.on_random, best, len(self.on_random.episodes[best].outcome) - 1, "random"
                ),
            )
        ]

    def _first_frames(self) -> list[Diagnosis]:
        out = []
        both = (*self.on_expert.episodes, *self.on_random.episodes)
        for index, name in enumerate(self.program.task_names):
            held = [i for i, episode in enumerate(both) if episode.at_reset[index]]
            if not held:
                continue
            expert = held[0] < len(self.on_expert.episodes)
            seen = self.on_expert if expert else self.on_random
            place = held[0] if expert else held[0] - len(self.on_expert.episodes)
            out.append(
                Diagnosis(
                    "CAR213",
                    Weight.WARNS,
                    f"sub-task {name} holds before the first action in {len(held)} of "
                    f"{len(both)} trajectories, so it is never paid there",
                    "a sub-task is something the agent brings about: compare with initial_obs",
                    place_of_task(self.program.source, name),
                    _witness(seen, place, -1, "expert" if expert else "random"),
                )
            )
        return out

    def _components(self) -> list[Diagnosis]:
        out = []
        names = self.program.component_names
        means: dict[str, float] = {}
        for name in names:
            values = np.concatenate(
                [values_of(name, self.on_expert), values_of(name, self.on_random)]
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
                        place_of_component(self.program.source, name),
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
                        place_of_component(self.program.source, name),
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
                        place_of_component(self.program.source, name),
                    )
                )
        return out

    def _idle_pay(self) -> list[Diagnosis]:
        """Look for pay on transitions that leave the observation as it was."""
        if self.program.form == "tasks":
            return []
        idle = paid = 0
        witness: Witness | None = None
        for name, seen in (("random", self.on_random), ("expert", self.on_expert)):
            for index, episode in enumerate(seen.episodes):
                same = _unchanged(episode.trajectory)
                rows = np.flatnonzero(same & (np.nan_to_num(episode.reward) > 0.0))
                idle += int(same.sum())
                paid += rows.size
                if rows.size and witness is None:
                    witness = _witness(seen, index, int(rows[0]), name)
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
                witness,
            )
        ]

    def _agreement(self) -> list[Diagnosis]:
        if not self.explicit:
            return []
        out = []
        for name, seen in (("expert", self.on_expert), ("random", self.on_random)):
            claims = [self.complete(episode) for episode in seen.episodes]
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
                        _witness(seen, wrong[0], self._when(seen.episodes[wrong[0]]), name),
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
                        _witness(seen, missed[0], len(seen.episodes[missed[0]].outcome) - 1, name),
                    )
                )
        return out

    def _order(self) -> list[Diagnosis]:
        names = self.program.task_names
        out = []
        for index in range(1, len(names)):
            for place, episode in enumerate(self.on_expert.episodes):
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
                            place_of_task(self.program.source, names[index]),
                            _witness(self.on_expert, place, after, "expert"),
                        )
                    )
                    break
        return out


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


def _witness(seen: Replay, index: int, step: int, name: str) -> Witness:
    item = seen.episodes[index].trajectory
    return Witness(item.policy or name, index, item.seed, step, len(item))


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
