"""``carruntime run``: let a program pay for episodes, or replay a row that was saved."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carruntime.commands.shared import (
    BAD,
    GOOD,
    Loaded,
    add_command,
    count,
    env_option,
    file_argument,
    load_options,
    natural,
    policy,
    print_json,
    print_wrapped,
    progress_option,
    want_writable,
    wrong_use,
)
from carruntime.errors import ReproductionError
from sandbox.diagnostics import Finding, Report, Severity, escape

if TYPE_CHECKING:
    from carruntime.replay import Episode
    from carruntime.reward import RewardProgram
    from carruntime.trajectory import TrajectorySet

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to a parser."""
    run = add_command(commands, "run", _run, "let a program pay for episodes of an environment")
    file_argument(run, optional=True)
    env_option(run, required=False)
    load_options(run)
    run.add_argument("--episodes", type=count, default=10, help="episodes (default 10)")
    run.add_argument(
        "--policy",
        type=policy,
        default="random",
        help="random, expert, or the share of random actions of an expert, such as 0.3; other "
        "policies are for carruntime.collect, from Python",
    )
    run.add_argument("--max-steps", type=count, help="cut episodes there")
    run.add_argument("--seed", type=natural, default=0, help="seed of the first episode")
    run.add_argument("--save", type=Path, metavar="PATH", help="save the first failing row")
    run.add_argument("--repro", type=Path, metavar="PATH", help="replay a saved failing row")
    run.add_argument("--trace", action="store_true", help="with --repro: show what each call saw")
    progress_option(run)


def _run(options: argparse.Namespace) -> int:
    if options.repro is not None:
        return _replay_saved(options)
    if options.file is None or options.env is None:
        return wrong_use(options, "want FILE and --env ID, or --repro PATH")
    from carruntime.collection import collect
    from carruntime.progress import ProgressLine
    from carruntime.replay import replay, save_failure

    if options.save is not None:
        want_writable(options.save)
    with Loaded(options) as (program, env):
        with ProgressLine("episodes", show=options.progress) as line:
            trajectories = collect(
                env,
                options.policy,
                options.episodes,
                options.seed,
                max_steps=options.max_steps,
                progress=line,
                frames=program.reads_frames,
            )
        seen = replay(program, trajectories)
        saved, not_saved = None, None
        if options.save is not None and seen.failures:
            try:
                saved = save_failure(program, trajectories, seen.failures[0], options.save)
            except ReproductionError as error:
                not_saved = error  # the report is printed all the same
        rows = [_episode_facts(episode) for episode in seen.episodes]
        if options.json:
            print_json(
                {
                    "program": program.report.filename,
                    "digest": program.digest,
                    "env_id": trajectories.env_id,
                    "policy": trajectories.policy,
                    "tier": program.tier,
                    "tier_reason": None
                    if program.tier_reason is None
                    else str(program.tier_reason),
                    "episodes": rows,
                    "outcomes": seen.outcomes,
                    "failures": [item.to_json() for item in seen.failures],
                    "saved": None if saved is None else str(saved),
                }
            )
        else:
            _print_episodes(program, trajectories, rows)
            counted = ", ".join(f"{name} {count}" for name, count in seen.outcomes.items())
            print_wrapped(f"rows by outcome: {counted}", "  ")
            for failure in seen.failures:
                print(failure.render(program.report.filename, program.source))
            if saved is not None:
                print(f"saved: {saved}; replay with carruntime run --repro {saved} --trace")
            elif options.save is not None and not seen.failures:
                print("nothing to save: no row ended badly")
            elif options.save is not None and not_saved is None:
                print("not saved: run again alone, the row did not end badly")
        if not_saved is not None:
            raise not_saved
        return GOOD if set(seen.outcomes) <= {"OK"} else BAD


def _episode_facts(episode: Episode) -> dict[str, Any]:
    good = episode.outcome == 0
    sums = {name: float(values[good].sum()) for name, values in episode.components.items()}
    trajectory = episode.trajectory
    return {
        "seed": trajectory.seed,
        "steps": len(trajectory),
        "env_return": trajectory.env_return,
        "success": trajectory.success,
        "return": episode.total,
        "components": sums,
        "completed": [bool(value) for value in episode.completed[-1]],
        "bad_rows": int((~good).sum()),
    }


def _print_episodes(
    program: RewardProgram, trajectories: TrajectorySet, rows: list[dict[str, Any]]
) -> None:
    print_wrapped(
        f"{escape(program.report.filename)} on {trajectories.env_id}, {trajectories.policy} policy, "
        f"{program.tier} tier",
        "  ",
    )
    if program.tier_reason is not None:
        print_wrapped(f"not compiled: {escape(str(program.tier_reason))}", "  ")
    print(f"{'seed':>8}{'steps':>8}{'env return':>12}{'success':>9}{'return':>12}{'bad rows':>10}")
    for row in rows:
        success = "-" if row["success"] is None else "yes" if row["success"] else "no"
        print(
            f"{row['seed']:>8}{row['steps']:>8}{row['env_return']:>12.4g}{success:>9}"
            f"{row['return']:>12.5g}{row['bad_rows']:>10}"
        )
    for name in program.component_names:
        mean = sum(row["components"][name] for row in rows) / len(rows)
        print(f"  component {escape(name)}: mean of episode sums {mean:.5g}")
    for index, name in enumerate(program.task_names):
        done = sum(row["completed"][index] for row in rows)
        print(f"  sub-task {escape(name)}: completed in {done} of {len(rows)} episodes")


def _replay_saved(options: argparse.Namespace) -> int:
    from carruntime.reproduction import load_repro

    saved = load_repro(options.repro)
    again = saved.replay(require=options.require)
    failure = again.failure
    if options.json:
        print_json(
            {
                "program": saved.filename,
                "digest": saved.digest,
                "task": saved.task,
                "expected": saved.outcome.name,
                "outcome": again.outcome.name,
                "same": again.same,
                "complete": saved.complete,
                "reward": again.reward,
                "exception": None if failure is None else failure.exception,
                "message": None if failure is None else failure.message,
                "line": None if failure is None or failure.span is None else failure.span.line,
            }
        )
        return GOOD if again.same else BAD
    if options.trace:
        for number, call in enumerate(saved.calls, start=1):
            print(f"call {number} of {len(saved.calls)}: {call.call}")
            _print_columns(call.inputs)
    if failure is not None:
        task = "" if saved.task is None else f" (task `{saved.task}`)"
        what = f"{failure.exception}: {failure.message}{task}"
        item = Finding(again.outcome.name, Severity.ERROR, failure.span, what, "", "")
        print(Report(saved.filename, saved.source, (item,)).render())
    print(f"outcome {again.outcome.name}, tier {again.tier}, fuel {again.fuel}")
    if not saved.complete:
        print("the file holds the last call alone; what the class kept before it is missing")
    print("the same as saved" if again.same else f"not as saved, which was {saved.outcome.name}")
    return GOOD if again.same else BAD


def _print_columns(columns: Mapping[str, Any]) -> None:
    for name, value in columns.items():
        if name.endswith("#len"):
            continue
        length = columns.get(f"{name}#len")
        if length is not None:
            text = bytes(value[: int(length)]).decode("utf-8", "replace")
            print(f"  {escape(name)}: {escape(repr(text))}")
        elif value.ndim == 0:
            print(f"  {escape(name)}: {value}")
        else:
            print(f"  {escape(name)}: {value.dtype}{list(value.shape)}")
            for line in str(value).split("\n"):
                print(f"    {line}")
