"""What came of trying properties, as data and as text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from carruntime.showing import Row, table, wrapped
from carruntime.testing.properties import Broken, Example, Property
from sandbox.diagnostics import Finding, Report, Severity, escape

__all__ = ["Counterexample", "PropertyReport", "PropertyResult", "Status"]


class Status(StrEnum):
    """What trying a property came to."""

    HOLDS = "holds"
    FAILS = "fails"
    SKIPPED = "skipped"


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
            "rows": [row.to_json() for row in self.rows],
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
            return "\n".join(wrapped(f"{head}: {self.reason or claim.claim}", "  "))
        lines = [head, *wrapped(f"claim: {claim.claim}", "    ", "  ")]
        broken = found.broken
        for index, (item, names) in enumerate(
            zip(found.example.episodes, found.names, strict=True)
        ):
            plays = found.example.plays
            what = "drawn from the spaces" if plays is None else f"seed {plays[index].seed}"
            which = f"episode {index}: " if len(found.names) > 1 else ""
            count = "1 action" if len(item) == 1 else f"{len(item)} actions"
            lines += wrapped(f"{which}{what}, {count}: {escape(', '.join(names))}", "    ", "  ")
        where = "at the reset" if broken.step < 0 else f"at step {broken.step}"
        if len(found.names) > 1:
            where += f" of episode {broken.episode}"
        lines += wrapped(f"{where}: expected {escape(broken.expected)}", "    ", "  ")
        lines += wrapped(f"came {escape(broken.came)}", "    ", "  ")
        if not found.steady:
            lines += wrapped("tried once more it did not come again", "    ", "  ")
        lines += table(found.rows)
        changed = found.rows[-1].changed if found.rows else ()
        what = escape("; ".join(changed)) if changed else "nothing"
        lines += wrapped(f"the last action changed {what}", "    ", "  ")
        if broken.span is not None:
            item_at = Finding(claim.id, Severity.ERROR, broken.span, claim.claim, "", claim.hint)
            lines.append(Report(filename, source, (item_at,)).render())
        else:
            lines += wrapped(f"try: {claim.hint}", "    ", "  ")
        if found.saved is not None:
            lines += wrapped(
                f"saved: {escape(str(found.saved))}; it is tried first next time", "    ", "  "
            )
        elif found.origin not in {"environment", "spaces"}:
            lines += wrapped(f"as it was saved: {escape(found.origin)}", "    ", "  ")
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
        lines = wrapped(f"{escape(self.program)} on {self.env_id}, {self.tier} tier", "  ")
        for note in self.notes:
            lines += wrapped(f"note: {escape(note)}", "    ", "  ")
        for item in self.results:
            claim = item.property
            told = item.reason if item.status is Status.SKIPPED else claim.claim
            count = "" if item.status is Status.SKIPPED else f"{item.examples} tried"
            start = f"  {claim.id}  {claim.name:<18}{item.status.value:<9}{count:<11}"
            lines += wrapped(escape(told), " " * len(start), start)
        for item in self.results:
            if item.status is Status.FAILS:
                lines += ["", item.render(self.program, self.source)]
        failed = sum(item.status is Status.FAILS for item in self.results)
        held = sum(item.status is Status.HOLDS for item in self.results)
        skipped = len(self.results) - failed - held
        lines += ["", f"{held} hold, {failed} fail, {skipped} skipped"]
        return "\n".join(lines)
