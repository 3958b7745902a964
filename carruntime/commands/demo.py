"""``carruntime demo``: show the whole way with the programs that are shipped."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from carruntime.commands.shared import (
    BAD,
    GOOD,
    add_command,
    count,
    natural,
    print_json,
    progress_option,
)

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to a parser."""
    demo = add_command(commands, "demo", _demo, "show the whole way with six shipped programs")
    demo.add_argument("--envs", type=count, default=64, help="environments (default 64)")
    demo.add_argument("--steps", type=count, default=300, help="vector steps (default 300)")
    demo.add_argument("--episodes", type=count, default=150, help="random ones (default 150)")
    demo.add_argument("--expert-episodes", type=count, default=60, help="(default 60)")
    demo.add_argument("--seed", type=natural, default=0, help="of everything random")
    demo.add_argument(
        "--frames",
        nargs="?",
        type=Path,
        const=Path("carruntime-frames.html"),
        metavar="PAGE",
        help="show a program that looks at pictures instead, and write a page of what it saw "
        "(default: carruntime-frames.html)",
    )
    demo.add_argument(
        "--generate",
        nargs="?",
        type=Path,
        const=Path("carruntime-run"),
        metavar="DIR",
        help="show instead how two pictures become a program, with recorded answers and no network "
        "(the run's folder; default: carruntime-run)",
    )
    progress_option(demo)


def _demo(options: argparse.Namespace) -> int:
    if options.frames is not None:
        return _demo_frames(options)
    if options.generate is not None:
        return _demo_generation(options)
    from carruntime.demo import run

    demo = run(
        num_envs=options.envs,
        steps=options.steps,
        seed=options.seed,
        expert_episodes=options.expert_episodes,
        random_episodes=options.episodes,
        show_progress=options.progress,
        say=_voice(options),
    )
    return _ended(demo, options)


def _demo_frames(options: argparse.Namespace) -> int:
    from carruntime.demo_frames import run_frames

    demo = run_frames(
        options.frames,
        seed=options.seed,
        expert_episodes=options.expert_episodes,
        random_episodes=options.episodes,
        show_progress=options.progress,
        say=_voice(options),
    )
    return _ended(demo, options)


def _demo_generation(options: argparse.Namespace) -> int:
    from carruntime.demo_generation import run_generation

    demo = run_generation(
        options.generate,
        num_envs=options.envs,
        steps=options.steps,
        seed=options.seed,
        say=_voice(options),
    )
    return _ended(demo, options)


def _ended(demo: Any, options: argparse.Namespace) -> int:
    if options.json:
        print_json(demo.to_json())
    return GOOD if demo.ok else BAD


def _voice(options: argparse.Namespace) -> Callable[[str], None]:
    """Say how a demo tells what it does: not at all where only the JSON is wanted."""
    return _quiet if options.json else _say


def _say(text: str) -> None:
    print(text, flush=True)


def _quiet(text: str) -> None:
    del text
