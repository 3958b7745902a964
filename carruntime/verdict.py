"""What verification has to say, as data: a verdict, its counts and its diagnoses.

Text is made from it in `carruntime.verdict_text` and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from carruntime.intervals import Share

if TYPE_CHECKING:
    from carruntime.negatives import NegativeSummary
    from carruntime.skill import LevelPair
    from carruntime.trajectory import Trajectory
    from carruntime.truth import TruthRow
    from sandbox.diagnostics import Finding, Span

__all__ = [
    "CHECKS",
    "FAILURE_OF",
    "ComponentSummary",
    "Decision",
    "Diagnosis",
    "Group",
    "PublishedRule",
    "TaskSummary",
    "Verdict",
    "Weight",
    "Witness",
]


class Decision(StrEnum):
    """What a verdict comes to."""

    ACCEPT = "accept"
    REJECT = "reject"
    NOT_ENOUGH_EVIDENCE = "not_enough_evidence"


class Weight(StrEnum):
    """What a diagnosis does to the verdict."""

    REJECTS = "rejects"
    LEAVES_OPEN = "leaves_open"
    WARNS = "warns"


@dataclass(frozen=True, slots=True)
class Witness:
    """Where a claim can be seen: replay the recorded actions from the seed.

    Attributes:
        policy: Name of the trajectory's policy.
        trajectory: Its index in the set.
        seed: Seed of its reset, or None.
        step: Transition at which the claim can be seen, 0 for the first; -1 for the reset.
        length: Transitions of the trajectory.
        saw: The state the action was taken in, in words; empty where nobody can read it.
        did: The action.
        said: What the program said of the transition.
        true: What was so after it, by the simulator.
        source: The trajectory itself, for whoever wants to render it.
    """

    policy: str
    trajectory: int
    seed: int | None
    step: int
    length: int
    saw: str = ""
    did: str = ""
    said: str = ""
    true: str = ""
    source: Trajectory | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        place = "at its reset" if self.step < 0 else f"step {self.step} of {self.length}"
        seed = "" if self.seed is None else f" (seed {self.seed})"
        return f"{self.policy} trajectory {self.trajectory}{seed}, {place}"

    @property
    def story(self) -> tuple[str, ...]:
        """What happened at the step, in sentences; empty where nothing is known."""
        parts = (
            ("before", self.saw),
            ("action", self.did),
            ("the program said", self.said),
            ("true after it", self.true),
        )
        return tuple(f"{name}: {text}" for name, text in parts if text)

    def to_json(self) -> dict[str, Any]:
        """Give the witness as plain data for machines."""
        names = ("policy", "trajectory", "seed", "step", "length", "saw", "did", "said", "true")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One claim about a program, with what shows it and what to do.

    Attributes:
        check: Id of the claim, such as ``"CAR201"``; see ``CHECKS``.
        weight: What it does to the verdict.
        message: What was seen, with numbers.
        hint: What to change.
        span: Place in the program, where one is known.
        witness: Where it can be seen.
        model_hint: What the model that wrote the program can change, where ``hint`` is for whoever
            runs the verification; empty where nothing in the program can mend it.
        failure: Kind of failure, a name of `carruntime.failures.FAILURES`; left out, the usual one
            of the check.
    """

    check: str
    weight: Weight
    message: str
    hint: str
    span: Span | None = None
    witness: Witness | None = None
    model_hint: str | None = None
    failure: str = ""

    def __post_init__(self) -> None:
        if not self.failure:
            object.__setattr__(self, "failure", FAILURE_OF[self.check])

    def to_json(self) -> dict[str, Any]:
        """Give the diagnosis as plain data for machines."""
        return {
            "check": self.check,
            "weight": self.weight.value,
            "failure": self.failure,
            "message": self.message,
            "hint": self.hint,
            "line": self.span.line if self.span else None,
            "column": self.span.column if self.span else None,
            "witness": None if self.witness is None else self.witness.to_json(),
        }


CHECKS = {
    "CAR201": "every expert trajectory is complete",
    "CAR202": "random trajectories are complete at most at the threshold rate",
    "CAR203": "no row ends badly",
    "CAR204": "there are expert trajectories enough",
    "CAR205": "there are random trajectories enough",
    "CAR206": "completion is defined for this program",
    "CAR207": "the expert earns more than random play",
    "CAR211": "every component fires at some time",
    "CAR212": "no component is the same on every step",
    "CAR213": "no sub-task holds before the first action",
    "CAR214": "nothing is paid for a step that changes nothing",
    "CAR215": "no single component drowns the others",
    "CAR216": "completion is claimed only where the environment says success",
    "CAR217": "success of the environment is not missed",
    "CAR218": "the expert trajectories succeed in the environment",
    "CAR219": "the expert completes sub-tasks in the order they are listed",
    "CAR220": "more skill earns more",
    "CAR221": "an event is paid once, not on every step after it",
    "CAR222": "small payments do not add up to what the expert earns",
    "CAR223": "coming back to the same state earns nothing",
    "CAR224": "no event comes with the very first action",
    "CAR225": "an episode played backwards earns less than forwards",
    "CAR226": "nothing is achieved where nothing changes",
    "CAR227": "success is seen on the step that brings it, and paid once",
    "CAR228": "nothing is claimed that the simulator denies",
    "CAR229": "nothing that the simulator knows of is missed",
    "CAR230": "completion is not claimed before the task is solved",
    "CAR231": "no episode that fails earns more than every one that succeeds",
}
"""What each check claims; ids are never used twice."""

FAILURE_OF = {
    "CAR201": "never_fires",
    "CAR202": "too_easy",
    "CAR203": "crash",
    "CAR204": "evidence",
    "CAR205": "evidence",
    "CAR206": "undefined",
    "CAR207": "flooding",
    "CAR211": "never_fires",
    "CAR212": "scale",
    "CAR213": "at_start",
    "CAR214": "no_change",
    "CAR215": "scale",
    "CAR216": "false_success",
    "CAR217": "misses",
    "CAR218": "evidence",
    "CAR219": "wrong_order",
    "CAR220": "flooding",
    "CAR221": "no_latch",
    "CAR222": "flooding",
    "CAR223": "circle",
    "CAR224": "at_start",
    "CAR225": "no_change",
    "CAR226": "no_change",
    "CAR227": "too_late",
    "CAR228": "wrong_object",
    "CAR229": "misses",
    "CAR230": "too_early",
    "CAR231": "overpaid",
}
"""The usual kind of failure behind each check, by name; see `carruntime.failures`."""


@dataclass(frozen=True, slots=True)
class TaskSummary:
    """One sub-task over one set of trajectories.

    Attributes:
        name: Name of the predicate.
        completed: Trajectories in which it was completed, with the interval of the rate.
        first: Least, median and greatest transition of first completion; None where never.
        at_reset: Trajectories in which it held before any action.
        times: Transitions of first completion, in the order of the trajectories that have one.
    """

    name: str
    completed: Share
    first: tuple[int, float, int] | None
    at_reset: int
    times: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ComponentSummary:
    """One component (or the reward itself) over one set of trajectories, in reward units.

    Attributes:
        name: Component, or ``"reward"`` for the whole.
        least: Least value on any row.
        mean: Mean over rows.
        greatest: Greatest value on any row.
        fires: Share of rows on which it is not zero.
    """

    name: str
    least: float
    mean: float
    greatest: float
    fires: float


@dataclass(frozen=True, slots=True)
class Group:
    """What a program said about one set of trajectories.

    Attributes:
        policy: Name of the policy.
        trajectories: How many.
        transitions: How many in all.
        longest: Transitions of the longest.
        complete: Trajectories that the corrected rule calls complete.
        env_success: Trajectories that the environment calls solved; None where it cannot tell.
        claimed_and_true: Complete, and solved by the environment's word.
        claimed_only: Complete, but not solved by the environment's word.
        true_only: Solved by the environment's word, but not complete.
        tasks: One for each sub-task.
        components: The reward and each of its components.
        outcomes: Rows by how they ended.
        returns: Least, mean and greatest undiscounted return of the program's reward.
        curve: Steps, and what was earned by then: mean return over the trajectories, or mean share of
            sub-tasks completed.
    """

    policy: str
    trajectories: int
    transitions: int
    longest: int
    complete: Share
    env_success: Share | None
    claimed_and_true: int
    claimed_only: int
    true_only: int
    tasks: tuple[TaskSummary, ...]
    components: tuple[ComponentSummary, ...]
    outcomes: dict[str, int]
    returns: tuple[float, float, float]
    curve: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class PublishedRule:
    """The rule of the paper's released code, applied as it is. It decides nothing here.

    Attributes:
        n_tasks: Frames with non-zero output that make a trajectory complete.
        random: Complete random trajectories.
        expert: Complete expert trajectories. The published code does not look at them once the
            random ones have led to a rejection.
        accepts: What the rule says.
    """

    n_tasks: int
    random: tuple[int, int]
    expert: tuple[int, int]
    accepts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What trajectories say about a program.

    Attributes:
        decision: Accept, reject or not enough evidence.
        program: Name of the program's file.
        digest: SHA-256 of its source.
        source: Its source, which the places of diagnoses refer to.
        findings: What the check on its text found; warnings and notes, as it was loaded.
        env_id: The environment.
        rule: How completion was decided, in words.
        threshold: Greatest rate of complete random trajectories.
        confidence: Of every interval.
        horizon: Transitions at which random recordings were cut, or None.
        expert: What was seen on expert trajectories.
        random: What was seen on random ones.
        separation: Probability that an expert trajectory earns more than a random one, ties
            counting half; None for a program whose return has no meaning of its own.
        published: The paper's rule.
        diagnoses: What decides first, then what warns.
        levels: What was seen of further policies, the most skilled first.
        pairs: Each policy against each less skilled one.
        rank_correlation: Spearman's correlation of skill and score over all episodes; None where
            one of them does not vary.
        truth: Claims against facts of the simulator, for each set.
        negatives: What was said of episodes that never happened.
    """

    decision: Decision
    program: str
    digest: str
    source: str
    findings: tuple[Finding, ...]
    env_id: str
    rule: str
    threshold: float
    confidence: float
    horizon: int | None
    expert: Group
    random: Group
    separation: float
    published: PublishedRule
    diagnoses: tuple[Diagnosis, ...]
    levels: tuple[Group, ...] = ()
    pairs: tuple[LevelPair, ...] = ()
    rank_correlation: float | None = None
    truth: tuple[TruthRow, ...] = ()
    negatives: tuple[NegativeSummary, ...] = ()

    def __repr__(self) -> str:
        expert, random = self.expert.complete, self.random.complete
        return (
            f"Verdict({self.decision.value}: {self.program}, complete: expert "
            f"{expert.count}/{expert.total}, random {random.count}/{random.total})"
        )

    def __str__(self) -> str:
        return self.render()

    @property
    def accepted(self) -> bool:
        """Whether the program may be used."""
        return self.decision is Decision.ACCEPT

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the verdict is not "accept", one sentence each."""
        return tuple(item.message for item in self.diagnoses if item.weight is not Weight.WARNS)

    def render(self) -> str:
        """Give the verdict as a table for a terminal of 80 columns."""
        from carruntime.verdict_text import render

        return render(self)

    def summary(self) -> str:
        """Give the verdict in a few lines: the decision, the rates, and what decided."""
        from carruntime.verdict_text import summary

        return summary(self)

    def feedback(self) -> str:
        """Give the text to send back to the model that wrote the program."""
        from carruntime.verdict_text import feedback

        return feedback(self)

    def to_json(self) -> dict[str, Any]:
        """Give the verdict as plain data for machines."""
        from carruntime.verdict_text import to_json

        return to_json(self)

    def to_html(self, *, frames: bool = True) -> str:
        """Give the verdict as one HTML page that needs nothing else, no script among it.

        Args:
            frames: Whether to show the witnesses as pictures; those whose trajectory has no frames
                are played again in the environment they name, where that can be made.
        """
        from carruntime.verdict_page import page

        return page(self, frames=frames)
