"""``carruntime verify``: judge a program on expert and random episodes."""

from __future__ import annotations

import argparse
from typing import Any

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
)

__all__ = ["add"]

HORIZONS = 10
"""Random episodes may be so many times as long as the longest expert episode."""


def add(commands: Any) -> None:
    """Add the command to a parser."""
    verify = add_command(
        commands, "verify", _verify, "judge a program on expert and random episodes"
    )
    program_options(verify)
    verify.add_argument("--episodes", type=count, default=100, help="random ones (default 100)")
    verify.add_argument("--expert-episodes", type=count, default=50, help="(default 50)")
    verify.add_argument(
        "--horizon",
        type=natural,
        help="cut random episodes there, 0 never (default: ten times the longest expert episode)",
    )
    verify.add_argument("--seed", type=natural, default=0, help="seed of the first episode")
    verify.add_argument("--threshold", type=float, default=0.1, help="rate on random (default 0.1)")
    verify.add_argument("--success-when", metavar="WHAT", help="a component, or a reward reached")
    verify.add_argument("--feedback", action="store_true", help="print text for the model instead")
    progress_option(verify)


def _verify(options: argparse.Namespace) -> int:
    from carruntime.collection import collect
    from carruntime.progress import ProgressLine
    from carruntime.verification import verify

    with Loaded(options) as (program, env):
        with ProgressLine("expert episodes", show=options.progress) as line:
            expert = collect(
                env,
                "expert",
                options.expert_episodes,
                options.seed,
                progress=line,
                frames=program.reads_frames,
            )
        # Given time enough, random play solves anything; so its time is part of the question.
        horizon = options.horizon
        if horizon is None:
            horizon = HORIZONS * max(len(item) for item in expert)
        with ProgressLine("random episodes", show=options.progress) as line:
            random = collect(
                env,
                "random",
                options.episodes,
                options.seed + 1_000_000,
                max_steps=horizon or None,
                progress=line,
                frames=program.reads_frames,
            )
        verdict = verify(
            program,
            expert=expert,
            random=random,
            threshold=options.threshold,
            success_when=_success_when(options.success_when),
        )
    if options.json:
        print_json({**verdict.to_json(), "feedback": verdict.feedback()})
    else:
        print(verdict.feedback() if options.feedback else verdict.render())
    return GOOD if verdict.accepted else BAD


def _success_when(text: str | None) -> str | float | None:
    return None if text is None else number_or_text(text)
