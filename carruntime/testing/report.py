"""What came of trying properties, as data and as text."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from carruntime.playing import changes
from carruntime.testing.properties import Broken, Example, Property
from carruntime.trajectory import take
from sandbox.diagnostics import Finding, Report, Severity, escape

if TYPE_CHECKING:
    from carruntime.arrangement import Told

__all__ = ["Counterexample", "PropertyReport", "PropertyResult", "Row", "Status", "rows_of"]

_WIDTH: Final = 88
_ROWS: Final = 12


class Status(StrEnum):
    """What trying a property came to."""

    HOLDS = "holds"
    FAILS = "fails"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Row:
    """One step of a counterexample.

    Attributes:
        step: Index.
        action: Its name.
        env_reward: The environment's own reward.
        ended: ``"terminated"``, ``"truncated"`` or empty.
        reward: The program's; NaN where the row ended badly.
        outcome: How the row ended.
        completed: Names of the sub-tasks completed so far.
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


@dataclass(frozen=True, eq=False, slots=True)
class Counterexample:
    """The shortest episodes on which a claim was seen to be broken.

    Attributes:
        example: The episodes.
        broken: Where, and how.
        names: Names of the actions of each episode.
        rows: Steps of the episode that shows it.
        origin: ``"environment"``, ``"spaces"``, or the file it was read from.
        saved: Where it was saved, or None.
        steady: Whether it was seen again when it was tried again.
    """

    example: Example
    broken: Broken
    names: tuple[tuple[str, ...], ...]
    rows: tuple[Row, ...]
    origin: str
    saved: Path | None = None
    steady: bool = True

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data for machines."""
        plays = self.example.plays
        return {
            "episodes": [
                {
                    "seed": None if plays is None else plays[index].seed,
                    "actions": list(names),
                    "steps": len(item),
                }
                for index, (item, names) in enumerate(
                    zip(self.example.episodes, self.names, strict=True)
                )
            ],
            "episode": self.broken.episode,
            "step": self.broken.step,
            "expected": self.broken.expected,
            "came": self.broken.came,
            "line": self.broken.span.line if self.broken.span else None,
            "rows": [
                {
                    "step": row.step,
                    "action": row.action,
                    "env_reward": row.env_reward,
                    "ended": row.ended,
                    "reward": row.reward,
                    "outcome": row.outcome,
                    "completed": list(row.completed),
                    "changed": list(row.changed),
                }
                for row in self.rows
            ],
            "origin": self.origin,
            "saved": None if self.saved is None else str(self.saved),
            "steady": self.steady,
        }


@dataclass(frozen=True, eq=False, slots=True)
class PropertyResult:
    """What trying one property came to.

    Attributes:
        property: Which.
        status: How it went.
        examples: How many examples were tried.
        reason: Why it was skipped; empty otherwise.
        counterexample: What breaks it, or None.
    """

    property: Property
    status: Status
    examples: int = 0
    reason: str = ""
    counterexample: Counterexample | None = None

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data for machines."""
        found = self.counterexample
        return {
            "id": self.property.id,
            "name": self.property.name,
            "claim": self.property.claim,
            "status": self.status.value,
            "examples": self.examples,
            "reason": self.reason,
            "counterexample": None if found is None else found.to_json(),
        }

    def render(self, filename: str, source: str) -> str:
        """Give a failure as text: claim, counterexample, what was expected, line of the program."""
        claim, found = self.property, self.counterexample
        head = f"{claim.id} {claim.name}: {self.status.value}"
        if found is None:
            return "\n".join(_wrap(f"{head}: {self.reason or claim.claim}", "  "))
        lines = [head, *_wrap(f"claim: {claim.claim}", "    ", "  ")]
        broken = found.broken
        for index, (item, names) in enumerate(zip(found.example.episodes, found.names, strict=True)):
            plays = found.example.plays
            what = "drawn from the spaces" if plays is None else f"seed {plays[index].seed}"
            which = f"episode {index}: " if len(found.names) > 1 else ""
            count = "1 action" if len(item) == 1 else f"{len(item)} actions"
            lines += _wrap(f"{which}{what}, {count}: {escape(', '.join(names))}", "    ", "  ")
        where = "at the reset" if broken.step < 0 else f"at step {broken.step}"
        if len(found.names) > 1:
            where += f" of episode {broken.episode}"
        lines += _wrap(f"{where}: expected {escape(broken.expected)}", "    ", "  ")
        lines += _wrap(f"came {escape(broken.came)}", "    ", "  ")
        if not found.steady:
            lines += _wrap("tried once more it did not come again", "    ", "  ")
        lines += _table(found.rows)
        if broken.span is not None:
            item_at = Finding(claim.id, Severity.ERROR, broken.span, claim.claim, "", claim.hint)
            lines.append(Report(filename, source, (item_at,)).render())
        else:
            lines += _wrap(f"try: {claim.hint}", "    ", "  ")
        if found.saved is not None:
            lines += _wrap(f"saved: {escape(str(found.saved))}; it is tried first next time", "    ", "  ")
        elif found.origin not in {"environment", "spaces"}:
            lines += _wrap(f"as it was saved: {escape(found.origin)}", "    ", "  ")
        return "\n".join(lines)


@dataclass(frozen=True, eq=False, slots=True)
class PropertyReport:
    """What trying the properties of a program on an environment came to."""

    program: str
    source: str
    digest: str
    env_id: str
    tier: str
    tier_reason: str | None
    results: tuple[PropertyResult, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no property fails."""
        return all(item.status is not Status.FAILS for item in self.results)

    def __getitem__(self, name: str) -> PropertyResult:
        """Give the result of a property by its name or id."""
        for item in self.results:
            if name in {item.property.name, item.property.id}:
                return item
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data for machines."""
        return {
            "program": self.program,
            "digest": self.digest,
            "env_id": self.env_id,
            "tier": self.tier,
            "tier_reason": self.tier_reason,
            "ok": self.ok,
            "properties": [item.to_json() for item in self.results],
            "notes": list(self.notes),
        }

    def render(self) -> str:
        """Give a table, and below it every failure with its counterexample."""
        lines = _wrap(f"{escape(self.program)} on {self.env_id}, {self.tier} tier", "  ")
        for note in self.notes:
            lines += _wrap(f"note: {escape(note)}", "    ", "  ")
        for item in self.results:
            claim = item.property
            told = item.reason if item.status is Status.SKIPPED else claim.claim
            count = "" if item.status is Status.SKIPPED else f"{item.examples} examples"
            start = f"  {claim.id}  {claim.name:<18}{item.status.value:<9}{count:<14}"
            lines += _wrap(escape(told), " " * len(start), start)
        for item in self.results:
            if item.status is Status.FAILS:
                lines += ["", item.render(self.program, self.source)]
        failed = sum(item.status is Status.FAILS for item in self.results)
        held = sum(item.status is Status.HOLDS for item in self.results)
        skipped = len(self.results) - failed - held
        lines += ["", f"{held} hold, {failed} fail, {skipped} skipped"]
        return "\n".join(lines)


def rows_of(
    example: Example,
    broken: Broken,
    told: Told,
    *,
    names: tuple[str, ...],
    tasks: tuple[str, ...],
) -> tuple[Row, ...]:
    """Lay out the last steps of the episode that breaks a claim, up to the one that does."""
    item = example.episodes[broken.episode]
    last = max(0, min(broken.step, len(item) - 1))
    found = []
    for step in range(max(0, last + 1 - _ROWS), last + 1):
        ended = "terminated" if item.terminated[step] else "truncated" if item.truncated[step] else ""
        changed = changes(take(item.observations, step), take(item.observations, step + 1))
        found.append(
            Row(
                step=step,
                action=names[step],
                env_reward=float(item.rewards[step]),
                ended=ended,
                reward=float(told.reward[step]),
                outcome=_outcome(int(told.outcome[step])),
                completed=tuple(
                    name for name, done in zip(tasks, told.completed[step], strict=True) if done
                ),
                changed=tuple(changed),
            )
        )
    return tuple(found)


def _outcome(code: int) -> str:
    from sandbox.outcome import Outcome

    return Outcome(code).name


def _table(rows: tuple[Row, ...]) -> list[str]:
    if not rows:
        return []
    lines = [f"  {'step':>4}  {'action':<14}{'env reward':>11}{'reward':>12}  outcome"]
    for row in rows:
        reward = "-" if np.isnan(row.reward) else f"{row.reward:.6g}"
        more = "".join(
            f", {text}" for text in (row.ended, ", ".join(f"done: {n}" for n in row.completed)) if text
        )
        lines.append(
            f"  {row.step:>4}  {escape(row.action)[:13]:<14}{row.env_reward:>11.4g}{reward:>12}  "
            f"{row.outcome}{escape(more)}"
        )
    changed = rows[-1].changed
    lines += _wrap(
        f"the last action changed {escape('; '.join(changed)) if changed else 'nothing'}", "    ", "  "
    )
    return lines


def _wrap(text: str, further: str, first: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )
