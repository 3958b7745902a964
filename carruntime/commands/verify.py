"""``carruntime verify``: judge a program on expert and random episodes."""

from __future__ import annotations

import argparse
from pathlib import Path
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
)

if TYPE_CHECKING:
    from carruntime.reward import RewardProgram
    from carruntime.trajectory import TrajectorySet

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
    verify.add_argument(
        "--skill-episodes",
        type=natural,
        default=20,
        help="of the expert with 30 %% and with 50 %% random actions, each (default 20)",
    )
    verify.add_argument(
        "--truth",
        action="append",
        default=[],
        metavar="CLAIM=FACT",
        help="which fact of the simulator a sub-task, a component or `complete` is about, such as "
        "task_1=key_held; what is left out is seen from the expert",
    )
    verify.add_argument(
        "--expert",
        type=Path,
        metavar="PATH",
        help="stored expert trajectories, instead of new ones",
    )
    verify.add_argument(
        "--random", type=Path, metavar="PATH", help="stored random ones, instead of new ones"
    )
    verify.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="store expert.traj and random.traj there"
    )
    verify.add_argument("--html", type=Path, metavar="PATH", help="write a page with plots as well")
    verify.add_argument("--feedback", action="store_true", help="print text for the model instead")
    progress_option(verify)


def _verify(options: argparse.Namespace) -> int:
    from carruntime.verification import verify

    truth = _truth(options.truth)
    with Loaded(options) as (program, env):
        expert = _episodes(
            options,
            env,
            program,
            "expert",
            count=options.expert_episodes,
            stored=options.expert,
        )
        # Given time enough, random play solves anything; so its time is part of the question.
        horizon = options.horizon
        if horizon is None:
            horizon = HORIZONS * max(len(item) for item in expert)
        limit = horizon or None
        levels = [
            _episodes(options, env, program, share, count=options.skill_episodes, max_steps=limit)
            for share in (0.3, 0.5)
            if options.skill_episodes and options.expert is None
        ]
        random = _episodes(
            options,
            env,
            program,
            "random",
            count=options.episodes,
            stored=options.random,
            max_steps=limit,
        )
        if options.keep is not None:
            expert.save(options.keep / "expert.traj")
            random.save(options.keep / "random.traj")
        verdict = verify(
            program,
            expert=expert,
            random=random,
            threshold=options.threshold,
            success_when=_success_when(options.success_when),
            levels=levels,
            truth=truth,
        )
    if options.html is not None:
        _write(options.html, verdict.to_html())
    if options.json:
        print_json({**verdict.to_json(), "feedback": verdict.feedback()})
    else:
        print(verdict.feedback() if options.feedback else verdict.render())
    return GOOD if verdict.accepted else BAD


def _episodes(
    options: argparse.Namespace,
    env: Any,
    program: RewardProgram,
    policy: str | float,
    *,
    count: int,
    stored: Path | None = None,
    max_steps: int | None = None,
) -> TrajectorySet:
    """Collect episodes, or read stored ones and take their pictures where the program needs them."""
    from carruntime.collection import collect
    from carruntime.progress import ProgressLine
    from carruntime.trajectory import TrajectorySet

    if stored is not None:
        return TrajectorySet.load(stored, frames=program.reads_frames, env=env)
    name = policy if isinstance(policy, str) else f"{policy:.0%} random"
    # Random play begins elsewhere, so that no episode of it starts like one of the expert's.
    first = options.seed + {"expert": 0, "random": 1_000_000}.get(str(policy), 2_000_000)
    with ProgressLine(f"{name} episodes", show=options.progress) as line:
        return collect(
            env,
            policy,
            count,
            first,
            max_steps=max_steps,
            progress=line,
            frames=program.reads_frames,
        )


def _truth(stated: list[str]) -> dict[str, str] | None:
    from carruntime.errors import OptionError

    out = {}
    for text in stated:
        claim, found, fact = text.partition("=")
        if not (claim and found and fact):
            raise OptionError(
                f"--truth {text!r}; want CLAIM=FACT, such as task_1=key_held or complete=success"
            )
        out[claim] = fact
    return out or None


def _write(path: Path, text: str) -> None:
    from carruntime.errors import OptionError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OptionError(
            f"--html {path}: cannot be written ({error.strerror or error}); want a path in a folder "
            "that is there and yours"
        ) from error


def _success_when(text: str | None) -> str | float | None:
    return None if text is None else number_or_text(text)
