"""How a program is understood and run: what ``carruntime explain`` tells.

For a compiled program it says where the time goes. The work by line is an estimate that the
compiler makes of its own code (see `sandbox.tiers.compiled.costs`), not a measurement; the rate is
measured, on transitions of random play.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sandbox.diagnostics import escape

if TYPE_CHECKING:
    from collections.abc import Callable

    from carruntime.bench import Transitions
    from carruntime.reward import RewardProgram

__all__ = ["Explanation", "LineCost", "Rate", "explain", "measured_rate"]

_LINE: Final = "line "
_DEAR: Final = 0.05
"""Share of the work from which on a line is marked."""
_RATE_ROWS: Final = 1_024


class Rate(NamedTuple):
    """How fast a program is here."""

    rows: int
    rows_per_s: float
    found: float | None
    """Share of calls whose result was kept from before; None where none are kept."""


@dataclass(frozen=True, slots=True)
class LineCost:
    """Work of one source line in one row.

    Attributes:
        line: Number, from 1.
        instructions: Estimate.
        share: Of all that belongs to a line, in [0, 1].
    """

    line: int
    instructions: int
    share: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of a program before it has run.

    Attributes:
        facts: Of the report (entry, form, binding) and of the program, by name; texts and lists.
        compiled: What compilation found out, by name; empty where the program is interpreted.
        fuel_limit: Units that a row may use.
        fuel_bound: Units that a row uses at most, or None where that depends on the data.
        lines: Work by source line, in order; none where the program is interpreted.
    """

    facts: dict[str, Any]
    reads: list[dict[str, Any]]
    compiled: dict[str, float]
    fuel_limit: int
    fuel_bound: int | None
    lines: tuple[LineCost, ...]

    def to_json(self) -> dict[str, Any]:
        """Give all of it as plain values."""
        return {
            **self.facts,
            "reads": self.reads,
            "compilation": self.compiled,
            "fuel_limit": self.fuel_limit,
            "fuel_bound": self.fuel_bound,
            "lines": [
                {"line": item.line, "instructions": item.instructions, "share": item.share}
                for item in self.lines
            ],
        }

    def render_costs(self) -> list[str]:
        """Give lines of text for people: fuel, memory, what was specialised."""
        if not self.compiled:
            return []
        told = self.compiled
        bound = "depends on the data" if self.fuel_bound is None else f"at most {self.fuel_bound:,}"

        def many(name: str) -> str:
            return f"{int(told.get(name, 0)):,}"

        loops = (
            f"{many('inlined')} calls inlined, {many('unrolled')} loops unrolled,"
            f" {many('scans')} searches and counts without branches, {many('loops')} loops kept"
        )
        memory = (
            f"bytes of a row: {many('row_bytes_read')} read, {many('state_bytes')} kept between"
            f" steps; temporaries: {many('scratch_bytes')} for all rows together"
        )
        return [
            f"fuel of a row: {bound}, of {self.fuel_limit:,}",
            memory,
            f"specialised: {loops}",
            self._recall(many),
            f"compiled in: {told.get('compile_s', 0.0):.3f} s",
        ]

    def _recall(self, many: Callable[[str], str]) -> str:
        """Say what is kept of frames that come again."""
        if not self.compiled.get("looked_up"):
            return "results kept: none (limits.recall_bytes is 0, or the program reads no frames)"
        return (
            f"results kept: frames that come again are looked up by {many('looked_up')} of its entries;"
            f" {many('kept')} calls on the first frame are made once an episode"
        )

    def render_source(self, source: str) -> list[str]:
        """Give the source with the share of the work before each line that has one."""
        if not self.lines:
            return []
        shares = {item.line: item.share for item in self.lines}
        shown = []
        for number, text in enumerate(source.splitlines(), 1):
            share = shares.get(number)
            mark = "" if share is None else f"{share:4.0%}" if share >= 0.005 else "  . "
            flag = ">" if share is not None and share >= _DEAR else " "
            shown.append(f"{flag} {mark:>4} {number:>4}  {escape(text, 200)}".rstrip())
        return shown


def explain(program: RewardProgram, fuel_limit: int) -> Explanation:
    """Say how a program is understood and run.

    Args:
        program: Loaded.
        fuel_limit: ``limits.fuel`` that it was loaded with.
    """
    facts: dict[str, Any] = {
        **program.report.facts,
        "form": program.form,
        "tier": program.tier,
        "tier_reason": None if program.tier_reason is None else str(program.tier_reason),
        "components": list(program.component_names),
        "tasks": list(program.task_names),
        "stateful": program.stateful,
        "digest": program.digest,
    }
    reads = [
        {"column": column.name, "shape": list(column.spec.shape), "dtype": column.spec.dtype}
        for column in program.plan.schema.columns()
    ]
    costs = {
        int(name.removeprefix(_LINE)): int(value)
        for name, value in program.facts.items()
        if name.startswith(_LINE) and name.removeprefix(_LINE).isdecimal()
    }
    total = sum(cost for line, cost in costs.items() if line) or 1
    told = {
        name: value
        for name, value in program.facts.items()
        if not name.startswith(_LINE) and name != "fuel_bound"
    }
    bound = program.facts.get("fuel_bound", -1.0)
    return Explanation(
        facts,
        reads,
        told,
        fuel_limit,
        None if bound < 0 else int(bound),
        tuple(LineCost(line, costs[line], costs[line] / total) for line in sorted(costs) if line),
    )


def measured_rate(program: RewardProgram, transitions: Transitions, seconds: float = 0.2) -> Rate:
    """Measure how many rows a second a program does here, isolation and checks included.

    Args:
        program: Loaded.
        transitions: Rows to run, over and over.
        seconds: Least time to measure for.

    Returns:
        Rows of one batch, rows per second, and what share of the calls was answered by a result
        that was kept: the rows are the same again and again.
    """
    rows = transitions.repeated(_RATE_ROWS)
    with program.start(num_envs=_RATE_ROWS, on_error="nan") as session:
        session.reset(obs=rows.obs, frame=rows.before)

        def step() -> None:
            session.step(
                rows.obs,
                rows.action,
                rows.next_obs,
                rows.terminated,
                rows.truncated,
                frame=rows.frame,
            )

        step()
        before = session.recalled
        done, start = 0, time.perf_counter()
        while (took := time.perf_counter() - start) < seconds:
            step()
            done += 1
        found, after = None, session.recalled
        if before is not None and after is not None:
            found = (after[1] - before[1]) / max(after[0] - before[0], 1)
        return Rate(_RATE_ROWS, done * _RATE_ROWS / took, found)
