"""``carruntime explain``: say how a program is understood and run."""

from __future__ import annotations

import argparse
from typing import Any

from carruntime.commands.shared import (
    GOOD,
    LONG_TEXT,
    Loaded,
    add_command,
    print_json,
    print_wrapped,
    program_options,
)
from sandbox.diagnostics import escape

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to a parser."""
    explain = add_command(commands, "explain", _explain, "say how a program is understood and run")
    program_options(explain)
    explain.add_argument("--core", action="store_true", help="print the compiled core language")
    explain.add_argument(
        "--no-rate",
        dest="rate",
        action="store_false",
        help="do not measure rows per second on random play",
    )


def _explain(options: argparse.Namespace) -> int:
    from carruntime.explain import explain, measured_rate

    with Loaded(options) as (program, env):
        found = explain(program, program.limits.fuel)
        rate = None
        if options.rate:
            from carruntime.bench import sample
            from carruntime.collection import collect

            played = collect(env, "random", 2, 0, max_steps=200, frames=program.reads_frames)
            rate = measured_rate(program, sample(played))
        if options.json:
            core = list(program.core) if options.core else None
            print_json(
                {
                    **found.to_json(),
                    "rows_per_s": None if rate is None else rate.rows_per_s,
                    "recalled": None if rate is None else rate.found,
                    "core": core,
                    "report": program.report.to_json(),
                }
            )
            return GOOD
        if program.report.findings:
            print(program.report.render())
        for name, value in found.facts.items():
            if value in (None, [], ""):
                continue
            shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            print_wrapped(f"{name + ':':<14}{escape(shown, LONG_TEXT)}", " " * 14)
        print("reads:")
        for column in found.reads:
            shape = "x".join(map(str, column["shape"])) or "scalar"
            print(f"  {escape(column['column']):<28}{column['dtype']:<10}{shape}")
        for line in found.render_costs():
            print_wrapped(line, "  ")
        if rate is not None:
            kept = "" if rate.found is None else f"; {rate.found:.0%} of calls had a result kept"
            print(
                f"rows/s here: {rate.rows_per_s:,.0f} in batches of {rate.rows:,}, isolation"
                f" included{kept}"
            )
        annotated = found.render_source(program.source)
        if annotated:
            print("source, with each line's share of the estimated instructions:")
            print("\n".join(annotated))
        if options.core:
            print("core:" if program.core else "core: none; the program is not compiled")
            for line in program.core:
                print(f"  {line}")
        return GOOD
