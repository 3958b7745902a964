"""From a program's text to what is known about it: checked, loaded, verified on trajectories.

The result is plain data that can be stored and sent, with the text that goes back to the model. A
program is never run, parsed or looked into here: the sandbox reads it in a worker, and verification
runs it there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from carruntime.errors import LoadError
from carruntime.generate.prompts import quoted
from carruntime.loading import load
from carruntime.verdict import Decision, Diagnosis, Verdict, Weight
from carruntime.verification import verify
from sandbox.errors import WorkerDiedError, WorkerTimeoutError
from sandbox.host import Require, open_guest
from sandbox.limits import Limits

if TYPE_CHECKING:
    import gymnasium as gym

    from carruntime.trajectory import TrajectorySet
    from sandbox.plan import Normal

__all__ = ["Judge", "Judged", "statistics"]

_COLUMNS: Final = "{}: least, mean, greatest | fires on | sum per episode"
_RANKS: Final = {"accepted": 3, "not enough evidence": 2, "rejected": 1, "refused": 0}
_WORDS: Final = {
    Decision.ACCEPT: "accepted",
    Decision.REJECT: "rejected",
    Decision.NOT_ENOUGH_EVIDENCE: "not enough evidence",
}
_ABOUT_DATA: Final = frozenset({"CAR204", "CAR205"})
_ABOUT_THE_WHOLE: Final = frozenset(
    {"CAR202", "CAR205", "CAR207", "CAR216", "CAR217", "CAR230", "CAR231"}
)
"""Checks that make no sense for one sub-task of several: random play may pick up a key, and it is
picked up before the task is solved."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is known about a program.

    Attributes:
        end: ``"accepted"``, ``"rejected"``, ``"not enough evidence"``, or ``"refused"`` where it was
            not even loaded.
        findings: Of the check, as plain data.
        verdict: Of verification, as plain data; None where it was refused.
        feedback: What the model is told.
        mendable: Whether the model can do anything about it.
        facts: Entry, form, binding, tier.
        warned: Diagnoses that warn.
    """

    end: str
    findings: tuple[Mapping[str, Any], ...]
    verdict: Mapping[str, Any] | None
    feedback: str
    mendable: bool
    facts: Mapping[str, str] = field(default_factory=dict)
    warned: int = 0

    @property
    def accepted(self) -> bool:
        """Whether it may be used."""
        return self.end == "accepted"

    @property
    def score(self) -> tuple[float, ...]:
        """What programs are ordered by: the greater the better."""
        verdict = self.verdict
        if verdict is None:
            errors = sum(item["severity"] == "error" for item in self.findings)
            return (float(_RANKS[self.end]), 0.0, 0.0, -float(errors))
        expert, random = _share(verdict["expert"]), _share(verdict["random"])
        return (
            float(_RANKS[self.end]),
            round(expert - random, 6),
            round(float(verdict["separation"] or 0.0), 6),
            -float(self.warned),
        )

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "end": self.end,
            "findings": list(self.findings),
            "verdict": self.verdict,
            "feedback": self.feedback,
            "mendable": self.mendable,
            "facts": dict(self.facts),
            "warned": self.warned,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Judged:
        """Take it from plain data that `to_json` gave."""
        if data["end"] not in _RANKS:
            raise ValueError(f"end {data['end']!r}")
        return cls(
            end=str(data["end"]),
            findings=tuple(data["findings"]),
            verdict=data["verdict"],
            feedback=str(data["feedback"]),
            mendable=bool(data["mendable"]),
            facts=dict(data["facts"]),
            warned=int(data["warned"]),
        )


class Judge:
    """Judges programs for one environment on the same trajectories.

    Args:
        env: The environment.
        expert: Gives the trajectories that solve the task; called when the first program is judged.
        random: The same of random play.
        counts: How many there are of each, for questions that are asked before.
        threshold: Greatest rate of complete random trajectories.
        require: Least isolation.
        options: Further arguments of `carruntime.load`, such as ``frame``.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        expert: Callable[[], TrajectorySet],
        random: Callable[[], TrajectorySet],
        counts: tuple[int, int],
        *,
        threshold: float = 0.1,
        require: Require | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.env = env
        self.counts = counts
        self._expert = expert
        self._random = random
        self.threshold = threshold
        self.require = require
        self.options = dict(options or {})

    @cached_property
    def expert(self) -> TrajectorySet:
        """Trajectories that solve the task."""
        return self._expert()

    @cached_property
    def random(self) -> TrajectorySet:
        """Trajectories of random play."""
        return self._random()

    def normal(self, source: str) -> Normal | None:
        """Give the digests of a source's tree, read in a worker; None where it is no Python."""
        packed = source.encode("utf-8", "surrogatepass")
        try:
            guest = open_guest(packed, limits=Limits(), require=self.require)
        except (WorkerDiedError, WorkerTimeoutError):
            return None  # the check that follows says what is wrong
        try:
            return guest.normal
        finally:
            guest.close()

    def judge(self, source: str, *, part: bool = False, success: str | None = None) -> Judged:
        """Check, load and verify.

        Args:
            source: The program.
            part: Whether it is one sub-task of several, and not the last: random play may then
                complete it, and only what is wrong with itself counts.
            success: Component that says success, where the program has it.
        """
        try:
            program = load(source, self.env, require=self.require, **self.options)
        except LoadError as error:
            report = error.report
            findings = tuple(item.to_json() for item in report.findings)
            shown = quoted(report.render())
            told = f"The program was refused before it ran. What the checker says:\n\n{shown}"
            return Judged("refused", findings, None, told, mendable=True, facts=dict(report.facts))
        try:
            named = success if success in program.component_names else None
            verdict = verify(
                program,
                expert=self.expert,
                random=self.random,
                threshold=self.threshold,
                success_when=named,
            )
            facts = dict(program.report.facts)
        finally:
            program.close()
        if part:
            verdict = _of_a_part(verdict)
        mendable = verdict.decision is Decision.REJECT or any(
            item.weight is Weight.LEAVES_OPEN and item.check not in _ABOUT_DATA
            for item in verdict.diagnoses
        )
        return Judged(
            end=_WORDS[verdict.decision],
            findings=tuple(item.to_json() for item in verdict.findings),
            verdict=verdict.to_json(),
            feedback=verdict.feedback(),
            mendable=mendable,
            facts=facts,
            warned=sum(item.weight is Weight.WARNS for item in verdict.diagnoses),
        )


def _of_a_part(verdict: Verdict) -> Verdict:
    """Judge one sub-task of several: by what it says itself, not by how rare it is."""
    left = [_weighed(item, verdict) for item in verdict.diagnoses]
    diagnoses = tuple(item for item in left if item.check not in _ABOUT_THE_WHOLE)
    weights = {item.weight for item in diagnoses}
    decision = Decision.ACCEPT
    if Weight.REJECTS in weights:
        decision = Decision.REJECT
    elif Weight.LEAVES_OPEN in weights:
        decision = Decision.NOT_ENOUGH_EVIDENCE
    return replace(verdict, diagnoses=diagnoses, decision=decision, threshold=1.0)


def _weighed(item: Diagnosis, verdict: Verdict) -> Diagnosis:
    """A sub-task that holds whenever an episode begins says nothing at all."""
    if item.check != "CAR213":
        return item
    groups = (verdict.expert, verdict.random)
    always = all(task.at_reset == group.trajectories for group in groups for task in group.tasks)
    return replace(item, weight=Weight.REJECTS) if always else item


def statistics(judged: Judged) -> str:
    """Give what each component paid as a table for a model, reward units."""
    verdict = judged.verdict
    if verdict is None:
        return "(it did not run)"
    lines = [
        f"| part | {' | '.join(_COLUMNS.format(name) for name in ('expert', 'random'))} |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    groups = (verdict["expert"], verdict["random"])
    for left, right in zip(groups[0]["components"], groups[1]["components"], strict=True):
        cells = [f"`{left['name']}`"]
        for one, group in ((left, groups[0]), (right, groups[1])):
            steps = group["transitions"] / group["trajectories"]
            cells += [
                f"{one['least']:.3g}, {one['mean']:.3g}, {one['greatest']:.3g}",
                f"{one['fires']:.0%} of steps",
                f"{one['mean'] * steps:.3g}",
            ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _share(group: Mapping[str, Any]) -> float:
    complete = group["complete"]
    return float(complete["count"]) / max(1, int(complete["total"]))
