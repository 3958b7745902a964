"""Decide from expert and random trajectories whether a reward program can be trusted.

Two rules stand side by side. The *published* rule is that of Code as Reward (Venuto et al., ICML
2024, arXiv:2402.04764) as its code has it (dvVenuto/vlm-car,
``verification_pipeline/verification_pipeline.py``): a trajectory is complete when at least
``n_tasks`` of its frames give a non-zero output; more than 10 % of random trajectories complete
means rejected, else all expert trajectories complete means accepted. It counts frames, not
sub-tasks, so a bonus paid twice for one sub-task passes for two sub-tasks; and one checker lives
through all trajectories without a reset, random ones first, so each verdict depends on the
episodes before. It is reported, and decides nothing.

The *corrected* rule decides. Each trajectory starts from a fresh state and is seen in order. It
is complete when every sub-task was completed, or, for a program without sub-tasks, when
``success_when`` says so. All expert trajectories must be complete, and the rate over random ones
must lie at or under the threshold with its whole confidence interval. Where the interval lies on
both sides, the verdict is "not enough evidence" with the number of trajectories that would do.
A program that fails on any row is rejected whatever else it does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf, isnan
from typing import TypeAlias

import numpy as np

from carruntime.checks import decisive
from carruntime.contradictions import contradictions
from carruntime.errors import OptionError, ShapeError
from carruntime.evidence import Judged, first_true, values_of
from carruntime.intervals import Share
from carruntime.negatives import KINDS, made_from, summary
from carruntime.payouts import payouts
from carruntime.replay import Episode, Replay, frame_outputs, replay, unbroken_rewards
from carruntime.reward import RewardProgram
from carruntime.shortfalls import shortfalls
from carruntime.skill import auc, curve, pairs, scores, spearman
from carruntime.symptoms import warnings
from carruntime.trajectory import Trajectory, TrajectorySet
from carruntime.truth import claims_of, compare, match
from carruntime.verdict import (
    ComponentSummary,
    Decision,
    Group,
    PublishedRule,
    TaskSummary,
    Verdict,
    Weight,
)

__all__ = ["SuccessWhen", "verify"]

SuccessWhen: TypeAlias = str | float | Callable[[Episode], bool]
"""A component's name (above zero on some step), a reward (reached on some step), or a function."""

PUBLISHED_THRESHOLD = 0.1
PUBLISHED_N_TASKS = 2
LEAST_RANDOM = 100
"""Random episodes below which nothing is accepted: with fewer, one lucky episode more or less
decides, and a program that is complete in one of twenty of them looks like one that never is."""


def verify(
    program: RewardProgram,
    *,
    expert: TrajectorySet | Sequence[Trajectory],
    random: TrajectorySet | Sequence[Trajectory],
    threshold: float = PUBLISHED_THRESHOLD,
    success_when: SuccessWhen | None = None,
    confidence: float = 0.95,
    n_tasks: int | None = None,
    levels: Sequence[TrajectorySet] = (),
    truth: Mapping[str, str] | None = None,
    least_random: int = LEAST_RANDOM,
    negatives: bool = True,
) -> Verdict:
    """Judge a program by trajectories that solve the task and ones that do not.

    Args:
        program: A loaded program.
        expert: Trajectories that solve the task; those the environment calls failures are left
            out of the rule and reported.
        random: Trajectories of random play. How long they are is part of the claim: the longer,
            the likelier a sub-task is completed by luck.
        threshold: Greatest rate of complete random trajectories, 0 to 1.
        success_when: What makes a trajectory complete under a program without sub-tasks: the name
            of a component (above zero on some step), a number (a reward reached on some step), or
            a function of an `Episode`. Left out, it is a reward of at least half the best step of
            the least rewarded expert trajectory, which finds terminal bonuses and calls every
            expert trajectory complete by construction; so say it where you know it.
        confidence: Of the Clopper-Pearson intervals, 0 to 1.
        n_tasks: For the published rule; the number of sub-tasks, or 2 as published.
        levels: Trajectories of further policies, the most skilled first: the expert with 30 % and
            with 50 % random actions, say.
        truth: Which fact of the simulator a sub-task, a component or ``"complete"`` is about, such
            as ``{"task_1": "key_held", "complete": "success"}``; ``"success"`` is the
            environment's own word. What is left out is seen from the expert's episodes where it
            can be (`carruntime.truth`).
        least_random: Random trajectories below which nothing is accepted.
        negatives: Whether to try episodes that never happened: frozen, backwards, held at their
            end (`carruntime.negatives`).

    Returns:
        The verdict. It has no influence on the program.

    Raises:
        OptionError: If a set is empty or an option is impossible.
        ShapeError: If trajectories do not fit the program's spaces.
    """
    if not isinstance(program, RewardProgram):
        raise OptionError(
            f"verify: program is a {type(program).__name__}; want what carruntime.load gave"
        )
    expert, random = _as_set(expert, "expert"), _as_set(random, "random")
    if not 0.0 < threshold < 1.0:
        raise OptionError(
            f"verify: threshold {threshold!r}; want a rate between 0 and 1, as 0.1 in the paper"
        )
    if success_when is not None and program.task_names:
        raise OptionError(
            "verify: success_when with a program of sub-tasks "
            f"({', '.join(program.task_names)}); these define completion: leave success_when out"
        )
    on_expert = _replayed(program, expert, "expert")
    on_random = _replayed(program, random, "random")
    # An expert trajectory that failed by the environment's own word proves nothing.
    true_expert = [item for item in on_expert.episodes if item.trajectory.success is not False]
    complete, rule, undefined = _completion(program, success_when, true_expert)
    further = _levels(program, levels)
    sets = (("expert", on_expert), *((n, seen) for n, _, seen in further), ("random", on_random))
    about = match(
        program,
        claims_of(program, [*on_expert.episodes, *on_random.episodes]),
        on_expert.episodes,
        truth,
    )
    rows = tuple(
        row
        for claim, (fact, stated) in about.items()
        for name, seen in sets
        if (
            row := compare(
                program,
                claim,
                fact,
                stated=stated,
                policy=name,
                seen=seen,
                complete=[complete(episode) for episode in seen.episodes],
                confidence=confidence,
            )
        )
    )
    unreal = _negatives(program, true_expert) if negatives else {}
    scored = [(name, scores(seen.episodes)) for name, seen in sets]
    correlation = spearman([values for _, values in scored])
    groups = (
        _group(
            "expert", expert, on_expert, complete=complete, program=program, confidence=confidence
        ),
        _group(
            "random", random, on_random, complete=complete, program=program, confidence=confidence
        ),
    )
    separation = _separation(on_expert, on_random)
    judged = Judged(
        program=program,
        threshold=threshold,
        confidence=confidence,
        on_expert=on_expert,
        on_random=on_random,
        complete=complete,
        explicit=success_when is not None or bool(program.task_names),
        undefined=undefined,
        separation=separation,
        least_random=least_random,
        levels=tuple((name, seen) for name, _, seen in further),
        rank_correlation=correlation,
        truth=rows,
        negatives=unreal,
        solved=tuple(true_expert),
        completed_at=_when(program, success_when, true_expert),
        completed_by=success_when if isinstance(success_when, str) else None,
    )
    found = [
        *decisive(judged),
        *warnings(judged),
        *payouts(judged),
        *contradictions(judged),
        *shortfalls(judged),
    ]
    diagnoses = tuple(sorted(found, key=lambda item: list(Weight).index(item.weight)))
    weights = {item.weight for item in diagnoses}
    decision = Decision.ACCEPT
    if Weight.REJECTS in weights:
        decision = Decision.REJECT
    elif Weight.LEAVES_OPEN in weights:
        decision = Decision.NOT_ENOUGH_EVIDENCE
    return Verdict(
        decision=decision,
        program=program.report.filename,
        digest=program.digest,
        source=program.source,
        findings=program.report.findings,
        env_id=expert.env_id or random.env_id,
        rule=rule,
        threshold=threshold,
        confidence=confidence,
        horizon=random.horizon,
        expert=groups[0],
        random=groups[1],
        separation=separation,
        published=_published(program, on_expert, on_random, n_tasks),
        diagnoses=diagnoses,
        levels=tuple(
            _group(name, items, seen, complete=complete, program=program, confidence=confidence)
            for name, items, seen in further
        ),
        pairs=pairs(scored),
        rank_correlation=correlation,
        truth=rows,
        negatives=tuple(
            summary(kind, seen, true_expert, complete, confidence) for kind, seen in unreal.items()
        ),
    )


def _levels(
    program: RewardProgram, levels: Sequence[TrajectorySet]
) -> list[tuple[str, TrajectorySet, Replay]]:
    out: list[tuple[str, TrajectorySet, Replay]] = []
    for index, item in enumerate(levels):
        items = _as_set(item, f"levels[{index}]")
        name = items.policy or f"level {index + 1}"
        if name in ("expert", "random", *(taken for taken, _, _ in out)):
            name = f"{name} ({index + 1})"
        out.append((name, items, _replayed(program, items, name)))
    return out


def _negatives(program: RewardProgram, expert: Sequence[Episode]) -> dict[str, Replay]:
    """Try episodes that never happened; without an expert that succeeds there are none to make."""
    items = [episode.trajectory for episode in expert]
    return {kind: replay(program, made_from(items, kind)) for kind in KINDS} if items else {}


def _replayed(program: RewardProgram, trajectories: TrajectorySet, name: str) -> Replay:
    try:
        return replay(program, trajectories)
    except ShapeError as error:
        raise ShapeError(
            f"verify: the {name} trajectories are not of the spaces that {program.filename} was "
            "loaded for",
            error.problems,
        ) from error


def _as_set(trajectories: TrajectorySet | Sequence[Trajectory], name: str) -> TrajectorySet:
    if not isinstance(trajectories, TrajectorySet) and not (
        isinstance(trajectories, list | tuple)
        and all(isinstance(item, Trajectory) for item in trajectories)
    ):
        raise OptionError(
            f"verify: {name} is a {type(trajectories).__name__}; want a TrajectorySet, as "
            "carruntime.collect gives it, or a list of Trajectory"
        )
    if not len(trajectories):
        raise OptionError(
            f"verify: {name} has no trajectories; collect some with carruntime.collect, "
            "36 of a perfect policy are the least that can settle a threshold of 0.1"
        )
    if isinstance(trajectories, TrajectorySet):
        return trajectories
    return TrajectorySet(trajectories=tuple(trajectories), env_id=trajectories[0].env_id)


def _completion(
    program: RewardProgram, success_when: SuccessWhen | None, expert: Sequence[Episode]
) -> tuple[Callable[[Episode], bool], str, str | None]:
    """Give the completion rule, its words, and why it is undefined where it is."""
    if program.task_names:
        return (
            lambda episode: bool(episode.completed[-1].all()),
            f"all {len(program.task_names)} sub-tasks completed",
            None,
        )
    if isinstance(success_when, str):
        name = success_when
        if name not in program.component_names:
            offered = ", ".join(program.component_names) or "none"
            raise OptionError(
                f"verify: success_when names the component {name!r}, which the program does not "
                f"have; it has: {offered}"
            )
        return (
            lambda episode: bool((episode.components[name] > 0.0).any()),
            f"component {name!r} above 0 on some step",
            None,
        )
    if callable(success_when):
        function = success_when
        words = getattr(function, "__name__", "success_when")
        return (lambda episode: bool(function(episode))), f"the function {words}", None
    if success_when is not None:
        if (
            isinstance(success_when, bool)
            or not isinstance(success_when, int | float | np.number)
            or isnan(success_when)
        ):
            raise OptionError(
                f"verify: success_when={success_when!r}; want the name of a component, a reward "
                "that is reached on some step, or a function of an Episode"
            )
        level = float(success_when)
        return (lambda episode: episode.peak >= level), f"a reward of {level:g} on some step", None
    peak = _least_peak(expert)
    if peak > 0.0:
        level = peak / 2.0
        words = f"a reward of {level:.4g} on some step: half the least expert's best"
        return (lambda episode: episode.peak >= level), words, None
    reason = (
        f"the best step of some expert trajectory pays {peak:.4g}"
        if peak > -inf
        else "no step of some expert trajectory ended well"
    )
    return (lambda _: False), "none: no positive reward marks completion", reason


def _least_peak(expert: Sequence[Episode]) -> float:
    return min((episode.peak for episode in expert), default=-inf)


def _when(
    program: RewardProgram, success_when: SuccessWhen | None, expert: Sequence[Episode]
) -> Callable[[Episode], int | None]:
    """Give the rule that says when an episode became complete; see `Judged.completed_at`."""
    if program.task_names:

        def all_tasks(episode: Episode) -> int | None:
            return (
                -1
                if episode.at_reset.all()
                else first_true(np.asarray(episode.completed.all(axis=1)))
            )

        return all_tasks
    if isinstance(success_when, str):
        return lambda episode: first_true(np.asarray(episode.components[success_when] > 0.0))
    if callable(success_when):
        return lambda _: None
    level = _least_peak(expert) / 2.0 if success_when is None else float(success_when)
    # A bad row has reward NaN, which is no less and no more than anything.
    return lambda episode: first_true(np.asarray(episode.reward >= level))


def _published(
    program: RewardProgram, expert: Replay, random: Replay, n_tasks: int | None
) -> PublishedRule:
    wanted = n_tasks if n_tasks is not None else len(program.task_names) or PUBLISHED_N_TASKS
    episodes = [*random.episodes, *expert.episodes]
    slots = set(program.plan.schema.read())
    if program.stateful or slots & {"t", "initial_obs"}:
        outputs = unbroken_rewards(program, [item.trajectory for item in episodes])
    else:
        # Nothing is kept between calls, so a reset makes no difference and rows can be shared.
        outputs = [frame_outputs(program, item.reward, item.tasks) for item in episodes]
    # NaN would have ended the published script; here such a frame counts as nothing.
    complete = [int(np.count_nonzero(np.nan_to_num(item, nan=0.0)) >= wanted) for item in outputs]
    split = len(random.episodes)
    on_random, on_expert = sum(complete[:split]), sum(complete[split:])
    accepts = on_random / split <= PUBLISHED_THRESHOLD and on_expert == len(expert.episodes)
    return PublishedRule(wanted, (on_random, split), (on_expert, len(expert.episodes)), accepts)


def _group(
    name: str,
    trajectories: TrajectorySet,
    seen: Replay,
    *,
    complete: Callable[[Episode], bool],
    program: RewardProgram,
    confidence: float,
) -> Group:
    claims = [complete(episode) for episode in seen.episodes]
    truths = [episode.trajectory.success for episode in seen.episodes]
    known = [truth for truth in truths if truth is not None]
    both = list(zip(claims, truths, strict=True))
    returns = np.array([episode.total for episode in seen.episodes])
    return Group(
        policy=trajectories.policy or name,
        trajectories=len(trajectories),
        transitions=trajectories.transitions,
        longest=max(len(item) for item in trajectories),
        complete=Share.of(sum(claims), len(claims), confidence),
        env_success=Share.of(sum(known), len(known), confidence) if known else None,
        claimed_and_true=sum(claim and truth is True for claim, truth in both),
        claimed_only=sum(claim and truth is False for claim, truth in both),
        true_only=sum(truth is True and not claim for claim, truth in both),
        tasks=tuple(
            _task(index, task, seen, confidence) for index, task in enumerate(program.task_names)
        ),
        components=tuple(_component(item, seen) for item in ("reward", *program.component_names)),
        outcomes=seen.outcomes,
        returns=(float(returns.min()), float(returns.mean()), float(returns.max())),
        curve=curve(seen.episodes),
    )


def _task(index: int, name: str, seen: Replay, confidence: float) -> TaskSummary:
    firsts = [first_true(episode.completed[:, index]) for episode in seen.episodes]
    found = [first for first in firsts if first is not None]
    return TaskSummary(
        name=name,
        completed=Share.of(len(found), len(firsts), confidence),
        first=(min(found), float(np.median(found)), max(found)) if found else None,
        at_reset=sum(bool(episode.at_reset[index]) for episode in seen.episodes),
        times=tuple(found),
    )


def _component(name: str, seen: Replay) -> ComponentSummary:
    values = values_of(name, seen)
    if not values.size:
        return ComponentSummary(name, 0.0, 0.0, 0.0, 0.0)
    return ComponentSummary(
        name,
        float(values.min()),
        float(values.mean()),
        float(values.max()),
        float(np.count_nonzero(values) / values.size),
    )


def _separation(expert: Replay, random: Replay) -> float:
    """Give the area under the ROC curve of the return: expert against random."""
    return auc(
        np.array([episode.total for episode in expert.episodes]),
        np.array([episode.total for episode in random.episodes]),
    )
