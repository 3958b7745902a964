"""``carruntime hack``: search for ways to deceive a program."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from carruntime.commands.shared import (
    BAD,
    GOOD,
    Loaded,
    add_command,
    count,
    natural,
    number_or_text,
    print_json,
    program_options,
    progress_option,
    store_options,
)

if TYPE_CHECKING:
    from carruntime.recording import SuccessRule

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to a parser."""
    hack = add_command(
        commands,
        "hack",
        _hack,
        "search for high reward, or claimed completion, without success",
    )
    program_options(hack)
    hack.add_argument(
        "--steps", type=count, default=150_000, help="of the environment (default 150,000)"
    )
    hack.add_argument("--seconds", type=float, help="end after so many CPU seconds too")
    hack.add_argument(
        "--seeds", type=count, default=4, help="episodes are reset with 0, 1, ... (default 4 seeds)"
    )
    hack.add_argument("--max-steps", type=count, default=80, help="longest list of actions")
    hack.add_argument("--seed", type=natural, default=0, help="of the search's own choices")
    hack.add_argument("--success-when", metavar="WHAT", help="a component, or a reward reached")
    hack.add_argument("--reference", type=float, help="what an episode that succeeds earns")
    hack.add_argument(
        "--env-success",
        choices=("auto", "terminated", "reward"),
        default="auto",
        help="when the environment has been solved: as it says itself, when it terminates, or when "
        "it terminates with a reward above 0 (default: auto)",
    )
    store_options(hack)
    progress_option(hack)


def _hack(options: argparse.Namespace) -> int:
    from carruntime.hacking import find_hacks
    from carruntime.progress import ProgressLine

    with (
        Loaded(options) as (program, env),
        ProgressLine("steps", show=options.progress) as line,
    ):
        report = find_hacks(
            program,
            env,
            steps=options.steps,
            seconds=options.seconds,
            seeds=range(options.seeds),
            seed=options.seed,
            max_steps=options.max_steps,
            success=_success_rule(options.env_success),
            success_when=None
            if options.success_when is None
            else number_or_text(options.success_when),
            reference=options.reference,
            save=options.save,
            progress=line,
        )
    if options.json:
        print_json(report.to_json())
    else:
        print(report.render())
    return BAD if report else GOOD


def _success_rule(name: str) -> SuccessRule | None:
    if name == "auto":
        return None

    def rule(info: dict[str, Any], reward: float, terminated: bool) -> bool:
        del info
        return terminated and (name == "terminated" or reward > 0.0)

    return rule
