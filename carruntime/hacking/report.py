"""What a search for reward hacks found, as data and as text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from carruntime.hacking.claims import CLAIMS, IDS, Kind
from carruntime.playing import Play
from carruntime.showing import Row, table, wrapped
from sandbox.diagnostics import escape

__all__ = ["Hack", "HackReport"]

_HINTS: Final = {
    Kind.FALSE_CLAIM: "ask for what success means, not for what usually comes with it: that a thing "
    "is gone does not say where it went",
    Kind.OVERPAID: "pay clearly more for success than for all that can be had without it",
    Kind.FARMED: "pay once (keep in `self` what was paid, or write sub-tasks), or pay for change "
    "and take back as much when it is undone",
}
_KEY_CHANGES: Final = 4


@dataclass(frozen=True, slots=True)
class Hack:
    """One way to deceive a program.

    Attributes:
        kind: How.
        seed: To reset the environment with.
        actions: Names of the actions, in order.
        codes: The actions themselves.
        program_says: In words.
        environment_says: In words.
        rows: Its steps.
        loop: First step of the loop and the step behind it, where it is one.
        found_after: Steps of the environment until it was first seen.
        found_length: Actions it had before it was made short.
        origin: The file of counterexamples in which it was found, or None.
        saved: The file in which it is now, or None.
    """

    kind: Kind
    seed: int
    actions: tuple[str, ...]
    codes: tuple[Any, ...]
    program_says: str
    environment_says: str
    rows: tuple[Row, ...]
    loop: tuple[int, int] | None = None
    found_after: int = 0
    found_length: int = 0
    origin: Path | None = None
    saved: Path | None = None

    @property
    def play(self) -> Play:
        """What the episode follows from."""
        return Play(self.seed, self.codes)

    @property
    def id(self) -> str:
        """Id of the claim that it breaks."""
        return IDS[self.kind]

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data for machines."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "claim": CLAIMS[self.id],
            "seed": self.seed,
            "actions": list(self.actions),
            "program_says": self.program_says,
            "environment_says": self.environment_says,
            "loop": None if self.loop is None else list(self.loop),
            "found_after": self.found_after,
            "found_length": self.found_length,
            "origin": None if self.origin is None else str(self.origin),
            "saved": None if self.saved is None else str(self.saved),
            "rows": [row.to_json() for row in self.rows],
        }

    def render(self) -> str:
        """Give it as text."""
        lines = [f"{self.id} {self.kind.value}: {CLAIMS[self.id]}, and here it is not so"]
        count = "1 action" if len(self.actions) == 1 else f"{len(self.actions)} actions"
        lines += wrapped(
            f"seed {self.seed}, {count}: {escape(', '.join(self.actions))}", "    ", "  "
        )
        if self.loop is not None:
            start, stop = self.loop
            lines += wrapped(
                f"of these, {escape(', '.join(self.actions[start:stop]))} (from step {start} on) "
                "can be done again and again",
                "    ",
                "  ",
            )
        lines += wrapped(f"the program says: {self.program_says}", "    ", "  ")
        lines += wrapped(f"the environment says: {self.environment_says}", "    ", "  ")
        lines += table(self.rows)
        for row in self.rows:
            if (row.completed or row is self.rows[-1]) and row.changed:
                shown = "; ".join(row.changed[:_KEY_CHANGES])
                more = len(row.changed) - _KEY_CHANGES
                tail = f"; {more} more" if more > 0 else ""
                lines += wrapped(f"step {row.step} changes {escape(shown)}{tail}", "    ", "  ")
        if self.origin is not None:
            lines += wrapped(f"known before: {escape(str(self.origin))}", "    ", "  ")
        if self.saved is not None and self.saved != self.origin:
            lines += wrapped(
                f"saved: {escape(str(self.saved))}; it is tried first next time", "    ", "  "
            )
        lines += wrapped(f"try: {_HINTS[self.kind]}", "    ", "  ")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class HackReport:
    """What a search came to.

    Attributes:
        hacks: What was found, at most one of each kind, the gravest first.
        steps: Steps of the environment that were made, making short included.
        seconds: CPU seconds of this process.
        cells: Places that were told apart.
        rule: When the program claims completion; empty where nothing says so.
        reference: What an episode that succeeds earns; None where none is known.
        judged: Whether the environment can tell success from failure.
        notes: What else is to be known.
        replayed: Counterexamples saved earlier that were tried first.
    """

    program: str
    digest: str
    env_id: str
    hacks: tuple[Hack, ...]
    steps: int
    seconds: float
    cells: int
    rule: str
    reference: float | None
    judged: bool
    notes: tuple[str, ...] = ()
    replayed: int = 0

    def __bool__(self) -> bool:
        """Whether anything was found."""
        return bool(self.hacks)

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data for machines."""
        return {
            "program": self.program,
            "digest": self.digest,
            "env_id": self.env_id,
            "hacks": [hack.to_json() for hack in self.hacks],
            "steps": self.steps,
            "seconds": self.seconds,
            "cells": self.cells,
            "rule": self.rule,
            "reference": self.reference,
            "judged": self.judged,
            "replayed": self.replayed,
            "notes": list(self.notes),
        }

    def render(self) -> str:
        """Give it as text."""
        lines = wrapped(
            f"{escape(self.program)} on {self.env_id}: {self.steps:,} steps, {self.cells:,} places, "
            f"{self.seconds:.1f} s of CPU",
            "  ",
        )
        lines += wrapped(f"complete means {self.rule or 'nothing that is known'}", "    ", "  ")
        if self.reference is not None:
            lines += wrapped(f"an episode that succeeds earns {self.reference:.6g}", "    ", "  ")
        if self.replayed:
            known = sum(hack.origin is not None for hack in self.hacks)
            lines += wrapped(
                f"{self.replayed} saved earlier tried first: "
                f"{'still a hack' if known else 'none deceives this program'}",
                "    ",
                "  ",
            )
        for note in self.notes:
            lines += wrapped(f"note: {escape(note)}", "    ", "  ")
        for hack in self.hacks:
            lines += ["", hack.render()]
        if not self.hacks:
            lines += [
                "",
                *wrapped(
                    "nothing found within this budget; that does not show that there is nothing"
                ),
            ]
        return "\n".join(lines)
