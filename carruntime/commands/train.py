"""``carruntime train``: train a policy on a program's reward, judged by the environment's own."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import Any

from carruntime.commands.shared import (
    BAD,
    GOOD,
    Loaded,
    add_command,
    count,
    env_option,
    load_options,
    natural,
    open_env,
    print_json,
    print_wrapped,
    progress_option,
)
from carruntime.errors import RewardError

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to a parser."""
    train = add_command(
        commands, "train", _train, "train a policy on a program's reward (extra: train)"
    )
    env_option(train, required=True)
    train.add_argument(
        "--reward",
        dest="file",
        type=Path,
        metavar="FILE",
        help="the program; - reads it from standard input; without it the environment's own "
        "reward is learned from",
    )
    load_options(train)
    train.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for all runs")
    train.add_argument("--resume", action="store_true", help="go on with what is in the folder")
    train.add_argument(
        "--mode",
        default="add",
        choices=("replace", "add", "milestones", "potential"),
        help="what becomes of the two rewards (default: add)",
    )
    train.add_argument("--steps", type=count, default=1_000_000, help="(default 1,000,000)")
    train.add_argument("--seeds", type=_seeds, default=(0,), help="0,1,2 (default 0)")
    train.add_argument("--envs", type=count, help="at once (default 64 compiled, 16 plain)")
    train.add_argument(
        "--plain",
        action="store_true",
        help="use Gymnasium's environment where there is a compiled one too",
    )
    train.add_argument("--entropy", type=_share, default=0.01, help="its weight (default 0.01)")
    train.add_argument("--learning-rate", type=_share, default=1e-3, help="(default 0.001)")
    train.add_argument("--discount", type=_share, default=0.99, help="(default 0.99)")
    train.add_argument("--eval-every", type=count, default=25_000, help="steps (default 25,000)")
    train.add_argument("--eval-episodes", type=count, default=64, help="(default 64)")
    train.add_argument("--checkpoint-every", type=count, default=100_000, help="(default 100,000)")
    train.add_argument(
        "--on-error",
        default="raise",
        choices=("raise", "zero", "last"),
        help="what the reward of a row becomes that ends badly; raise ends the run (default)",
    )
    train.add_argument("--tensorboard", action="store_true", help="write its files, too")
    progress_option(train)


def _seeds(text: str) -> tuple[int, ...]:
    """Read different numbers from 0 on."""
    try:
        seeds = tuple(natural(part) for part in text.split(","))
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}; want seeds such as 0,1,2") from None
    if len(set(seeds)) != len(seeds):
        raise argparse.ArgumentTypeError(f"{text}: a seed comes twice; want different ones")
    return seeds


def _share(text: str) -> float:
    """Read a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"{text}: want 0 to 1")
    return value


def _train(options: argparse.Namespace) -> int:
    from carruntime.training.experiment import run_experiment, want_extra

    want_extra()
    from carruntime.minigrid.vector import has_compiled
    from carruntime.progress import ProgressLine
    from carruntime.training.settings import Settings

    # An unknown environment is found out before a program is compiled for it.
    open_env(options.env).close()
    compiled = has_compiled(options.env) and not options.plain
    if compiled:
        why = "compiled MiniGrid"
    elif options.plain:
        why = "Gymnasium's, as --plain asks"
    else:
        why = "Gymnasium's; there is no compiled one of it"
    envs = options.envs or (64 if compiled else 16)
    settings = Settings(
        env_id=options.env,
        total_steps=options.steps,
        mode=options.mode,
        num_envs=envs,
        compiled=compiled,
        rollout_steps=max(8, 4096 // envs),
        learning_rate=options.learning_rate,
        discount=options.discount,
        entropy=options.entropy,
        eval_every=options.eval_every,
        eval_episodes=options.eval_episodes,
        checkpoint_every=options.checkpoint_every,
        on_error=options.on_error,
    )
    program = None
    with contextlib.ExitStack() as stack:
        if options.file is not None:
            program, _ = stack.enter_context(Loaded(options))
        if not options.json:
            paid = "the environment's own reward" if program is None else program.filename
            tier = "" if program is None else f" ({program.tier} tier, mode {settings.mode})"
            print_wrapped(f"environments: {envs} at once, {why}", "  ")
            print_wrapped(f"learns from: {paid}{tier}", "  ")
        try:
            with ProgressLine("steps", show=options.progress) as line:
                summary = run_experiment(
                    settings,
                    options.seeds,
                    options.out,
                    program=program,
                    resume=options.resume,
                    tensorboard=options.tensorboard,
                    progress=lambda name, done, total: line(done, total),  # noqa: ARG005
                )
        except RewardError as error:
            if options.json:
                print_json({"failed": str(error)})
            else:
                print(error)
                print(f"what was stored before is in {options.out}")
            return BAD
    if options.json:
        print_json(summary)
    else:
        _print(summary, options.out)
    return GOOD


def _print(summary: dict[str, Any], folder: Path) -> None:
    for one in summary["seeds"]:
        solved = "not solved" if one["solved_at"] is None else f"solved at {one['solved_at']:,}"
        success = "" if one["success"] is None else f", success {one['success']:.2f}"
        print(f"seed {one['seed']}: return {one['return']:.3f}{success}, {solved}")
        if one["resumed_at"] is not None:
            exact = "as if it had never stopped" if one["exact"] else "with new episodes"
            print(f"  taken up again at {one['resumed_at']:,} steps, {exact}")
        bad = {name: n for name, n in one["outcomes"].items() if name not in {"OK", "SKIPPED"}}
        if bad:
            print(f"  rows that ended badly: {', '.join(f'{n} {name}' for name, n in bad.items())}")
    error = summary["return_error"]
    shown = "" if error is None else f" ± {error:.3f} (standard error over seeds)"
    print(f"return by the environment's own reward: {summary['return']:.3f}{shown}")
    print(f"curves: {folder / 'curve.csv'}, {folder / 'curve.png'}")
