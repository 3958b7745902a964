"""The command line: ``carruntime check | explain | run | verify | bench | doctor | demo``.

A leaf that turns arguments into calls and values into text; all work is done elsewhere. Exit
status 0 means good, 1 findings, failures or no acceptance, 2 wrong use (a file that is not there,
an environment nobody knows). What a user or a program did wrong never shows a traceback, and
neither does a reader that closes the pipe or a terminal that cannot show a character. Imports are
made by the commands that need them, so that ``check`` answers at once: without ``--env`` it loads
neither Gymnasium nor Numba.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carruntime.errors import CarruntimeError, LoadError, OptionError, ReproductionError
from sandbox.diagnostics import Finding, Report, Severity, escape
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    import gymnasium as gym

    from carruntime.replay import Episode
    from carruntime.reward import RewardProgram, Source
    from carruntime.trajectory import TrajectorySet

__all__ = ["main"]

GOOD, BAD, WRONG_USE = 0, 1, 2
HORIZONS = 10
"""Random episodes of ``verify`` may be so many times as long as the longest expert episode."""
_INTERRUPTED, _PIPE_CLOSED = 130, 141
_WIDTH, _LONG = 80, 4000
_STDIN_BYTES = 16 * 1024 * 1024
_EXIT_STATUS = """\
exit status:
  0    good; warnings and notes alone are good too (check --strict: they are not)
  1    the program is refused, a row ended badly, or the verdict is anything but
       accepted: rejected, or not enough evidence
  2    wrong use: no such file, environment, option or place to save to
  130  interrupted
  141  whoever read the output closed the pipe
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Without the program's name; those of the process if left out.

    Returns:
        The exit status.
    """
    with contextlib.ExitStack() as stack:
        # Either may be closed from the start (`>&-`); then what is said goes nowhere.
        if sys.stdout is None:
            stack.enter_context(contextlib.redirect_stdout(stack.enter_context(_nowhere())))
        if sys.stderr is None:
            stack.enter_context(contextlib.redirect_stderr(stack.enter_context(_nowhere())))
        for stream in (sys.stdout, sys.stderr):
            # A program may hold characters that the terminal cannot show: no reason to stop.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        try:
            try:
                return _main(arguments)
            finally:
                # What is still buffered would otherwise raise at exit, where nobody can catch it.
                sys.stdout.flush()
        except BrokenPipeError:
            _forget_output()
            return _PIPE_CLOSED
        except OSError as error:
            # Files have been dealt with by whoever opened them; what is left is a full disk.
            _forget_output()
            print(f"carruntime: error: {error.strerror or error}", file=sys.stderr)
            return WRONG_USE


def _nowhere() -> io.TextIOWrapper:
    return Path(os.devnull).open("w", encoding="utf-8")


def _main(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except LoadError as error:
        _refuse(options, error)
        return BAD
    except (CarruntimeError, SandboxError) as error:
        return _wrong_use(options, str(error))
    except MemoryError as error:
        return _wrong_use(options, f"there is not enough memory ({error}); ask for less at once")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED


def _forget_output() -> None:
    """Drop what a stream still holds and cannot get rid of, and whatever is written to it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with _nowhere() as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())
            stream.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="carruntime",
        description="Run reward programs written by vision-language models: checked, compiled, "
        "isolated, verified.",
        epilog=_EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")

    check = _command(commands, "check", _check, "say what is wrong with programs, and where")
    check.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="the programs; - reads one from standard input",
    )
    _env_option(check, required=False)
    check.add_argument("--entry", help="function, class or TASKS to use")
    _require_option(check)
    check.add_argument("--explain", metavar="RULE", help="explain one rule, such as SBX301")
    check.add_argument("--strict", action="store_true", help="warnings end with status 1 too")
    check.add_argument(
        "--sarif", action="store_true", help="print SARIF 2.1.0, for editors and code hosts"
    )

    explain = _command(commands, "explain", _explain, "say how a program is understood and run")
    _program(explain)
    explain.add_argument("--core", action="store_true", help="print the compiled core language")
    explain.add_argument(
        "--no-rate",
        dest="rate",
        action="store_false",
        help="do not measure rows per second on random play",
    )

    run = _command(commands, "run", _run, "let a program pay for episodes of an environment")
    _file(run, optional=True)
    _env_option(run, required=False)
    _load_options(run)
    run.add_argument("--episodes", type=_count, default=10, help="episodes (default 10)")
    run.add_argument(
        "--policy",
        type=_policy,
        default="random",
        help="random, expert, or the share of random actions of an expert, such as 0.3; other "
        "policies are for carruntime.collect, from Python",
    )
    run.add_argument("--max-steps", type=_count, help="cut episodes there")
    run.add_argument("--seed", type=_natural, default=0, help="seed of the first episode")
    run.add_argument("--save", type=Path, metavar="PATH", help="save the first failing row")
    run.add_argument("--repro", type=Path, metavar="PATH", help="replay a saved failing row")
    run.add_argument("--trace", action="store_true", help="with --repro: show what each call saw")
    _progress_option(run)

    verify = _command(commands, "verify", _verify, "judge a program on expert and random episodes")
    _program(verify)
    verify.add_argument("--episodes", type=_count, default=100, help="random ones (default 100)")
    verify.add_argument("--expert-episodes", type=_count, default=50, help="(default 50)")
    verify.add_argument(
        "--horizon",
        type=_natural,
        help="cut random episodes there, 0 never (default: ten times the longest expert episode)",
    )
    verify.add_argument("--seed", type=_natural, default=0, help="seed of the first episode")
    verify.add_argument("--threshold", type=float, default=0.1, help="rate on random (default 0.1)")
    verify.add_argument("--success-when", metavar="WHAT", help="a component, or a reward reached")
    verify.add_argument("--feedback", action="store_true", help="print text for the model instead")
    _progress_option(verify)

    bench = _command(commands, "bench", _bench, "measure a program's observations per second")
    _program(bench, tiers=False)
    bench.add_argument("--rows", type=_counts, default=(1, 8, 64, 1024), help="1,8,64,1024")
    bench.add_argument("--seed", type=_natural, default=0, help="seed of the sampled transitions")
    bench.add_argument(
        "--trust",
        action="store_true",
        help="also run it unprotected in this process, plain exec included",
    )
    _progress_option(bench)

    _command(commands, "doctor", _doctor, "say which layers of isolation hold here")

    demo = _command(commands, "demo", _demo, "show the whole way with six shipped programs")
    demo.add_argument("--envs", type=_count, default=64, help="environments (default 64)")
    demo.add_argument("--steps", type=_count, default=300, help="vector steps (default 300)")
    demo.add_argument("--episodes", type=_count, default=150, help="random ones (default 150)")
    demo.add_argument("--expert-episodes", type=_count, default=60, help="(default 60)")
    demo.add_argument("--seed", type=_natural, default=0, help="of everything random")
    _progress_option(demo)
    return parser


def _command(
    commands: Any, name: str, function: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text,
        epilog=_EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=function)
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")
    return parser


def _program(parser: argparse.ArgumentParser, *, tiers: bool = True) -> None:
    _file(parser, optional=False)
    _env_option(parser, required=True)
    _load_options(parser, tiers=tiers)


def _file(parser: argparse.ArgumentParser, *, optional: bool) -> None:
    parser.add_argument(
        "file",
        nargs="?" if optional else None,
        type=Path,
        metavar="FILE",
        help="the program; - reads it from standard input",
    )


def _env_option(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--env", required=required, metavar="ID", help="Gymnasium environment")


def _load_options(parser: argparse.ArgumentParser, *, tiers: bool = True) -> None:
    parser.add_argument("--entry", help="function, class or TASKS to use")
    if tiers:
        parser.add_argument(
            "--tier", default="auto", choices=("auto", "interpreted", "compiled"), help="which tier"
        )
    _require_option(parser)


def _require_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--require",
        default="seccomp",
        choices=("any", "seccomp", "full"),
        help="least isolation to go on with, see carruntime doctor (default: seccomp)",
    )


def _progress_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--progress",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="draw progress on standard error (default: if it is a terminal)",
    )


def _count(text: str) -> int:
    value = _whole(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is too small; want at least 1")
    return value


def _natural(text: str) -> int:
    value = _whole(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is negative; want 0 or above")
    return value


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None


def _counts(text: str) -> tuple[int, ...]:
    try:
        return tuple(_count(part) for part in text.split(","))
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(
            f"{error}; want numbers of rows with commas between them, such as 1,8,64"
        ) from None


def _policy(text: str) -> str | float:
    value = _number_or_text(text)
    if value in ("random", "expert") or (isinstance(value, float) and 0.0 <= value <= 1.0):
        return value
    raise argparse.ArgumentTypeError(
        f"{text!r} is no policy; want random, expert, or a share of random actions from 0 to 1, "
        "such as 0.3"
    )


def _number_or_text(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _check(options: argparse.Namespace) -> int:
    if options.explain is not None:
        return _explain_rule(options)
    if not options.files:
        return _wrong_use(options, "no FILE; want the program to check, or --explain RULE")
    if options.json and options.sarif:
        return _wrong_use(options, "--json and --sarif are two forms of the same; want one of them")
    from carruntime.reward import check

    env = _make_env(options.env) if options.env is not None else None
    try:
        sources = [_source_of(path) for path in options.files]
        found = [
            check(source, env, entry=options.entry, require=options.require) for source in sources
        ]
    finally:
        if env is not None:
            env.close()
    # A check does not compile, so which tier it used says nothing about the one that will run.
    reports = [
        replace(
            report,
            facts={
                name: text for name, text in report.facts.items() if not name.startswith("tier")
            },
        )
        for report in found
    ]
    if options.sarif:
        _print_sarif(reports)
    elif options.json:
        data = [report.to_json() for report in reports]
        _print_json(data[0] if len(data) == 1 else data)
    else:
        for report in reports:
            print(report.render())
            for name, value in report.facts.items():
                _print_wrapped(f"  {name}: {escape(str(value), _LONG)}", "    ")
    doubted = any(item.severity is not Severity.NOTE for one in reports for item in one.findings)
    good = all(report.ok for report in reports) and not (options.strict and doubted)
    return GOOD if good else BAD


def _print_sarif(reports: Sequence[Report]) -> None:
    from carruntime.rules import RULES as CONTRACT
    from sandbox.rules import RULES as DIALECT
    from sandbox.sarif import sarif_log

    version = _version().partition(" ")[2]
    _print_json(sarif_log(reports, {**DIALECT, **CONTRACT}, tool="carruntime", version=version))


def _explain_rule(options: argparse.Namespace) -> int:
    from carruntime.rules import RULES as CONTRACT
    from carruntime.verdict import CHECKS
    from sandbox.rules import RULES as DIALECT

    name = options.explain.upper()
    rule = DIALECT.get(name) or CONTRACT.get(name)
    if rule is not None:
        if options.json:
            keys = ("id", "message", "why", "hint", "bad", "good")
            facts = {key: getattr(rule, key) for key in keys}
            _print_json({**facts, "severity": rule.severity.value})
        else:
            print(rule.explain())
        return GOOD
    if name in CHECKS:
        if options.json:
            _print_json({"id": name, "claim": CHECKS[name]})
        else:
            print(f"{name} (verification): {CHECKS[name]}")
        return GOOD
    import difflib

    near = difflib.get_close_matches(name, [*DIALECT, *CONTRACT, *CHECKS], n=3)
    told = f"the nearest are {', '.join(near)}" if near else "want an id such as SBX301 or CAR201"
    return _wrong_use(options, f"rule {options.explain!r} is not known; {told}")


def _explain(options: argparse.Namespace) -> int:
    from carruntime.explain import explain, measured_rate

    with _Loaded(options) as (program, env):
        found = explain(program, program.limits.fuel)
        rate = None
        if options.rate:
            from carruntime.bench import sample
            from carruntime.collection import collect

            played = collect(env, "random", 2, 0, max_steps=200)
            rate = measured_rate(program, sample(played))
        if options.json:
            core = list(program.core) if options.core else None
            _print_json(
                {
                    **found.to_json(),
                    "rows_per_s": None if rate is None else rate[1],
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
            _print_wrapped(f"{name + ':':<14}{escape(shown, _LONG)}", " " * 14)
        print("reads:")
        for column in found.reads:
            shape = "x".join(map(str, column["shape"])) or "scalar"
            print(f"  {escape(column['column']):<28}{column['dtype']:<10}{shape}")
        for line in found.render_costs():
            _print_wrapped(line, "  ")
        if rate is not None:
            print(f"rows/s here: {rate[1]:,.0f} in batches of {rate[0]:,}, isolation included")
        annotated = found.render_source(program.source)
        if annotated:
            print("source, with each line's share of the estimated instructions:")
            print("\n".join(annotated))
        if options.core:
            print("core:" if program.core else "core: none; the program is not compiled")
            for line in program.core:
                print(f"  {line}")
        return GOOD


def _run(options: argparse.Namespace) -> int:
    if options.repro is not None:
        return _replay_saved(options)
    if options.file is None or options.env is None:
        return _wrong_use(options, "want FILE and --env ID, or --repro PATH")
    from carruntime.collection import collect
    from carruntime.progress import ProgressLine
    from carruntime.replay import replay, save_failure

    if options.save is not None:
        _want_writable(options.save)
    with _Loaded(options) as (program, env):
        with ProgressLine("episodes", show=options.progress) as line:
            trajectories = collect(
                env,
                options.policy,
                options.episodes,
                options.seed,
                max_steps=options.max_steps,
                progress=line,
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
            _print_json(
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
            _print_wrapped(f"rows by outcome: {counted}", "  ")
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
    _print_wrapped(
        f"{escape(program.report.filename)} on {trajectories.env_id}, {trajectories.policy} policy, "
        f"{program.tier} tier",
        "  ",
    )
    if program.tier_reason is not None:
        _print_wrapped(f"not compiled: {escape(str(program.tier_reason))}", "  ")
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
        _print_json(
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


def _verify(options: argparse.Namespace) -> int:
    from carruntime.collection import collect
    from carruntime.progress import ProgressLine
    from carruntime.verification import verify

    with _Loaded(options) as (program, env):
        with ProgressLine("expert episodes", show=options.progress) as line:
            expert = collect(env, "expert", options.expert_episodes, options.seed, progress=line)
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
            )
        verdict = verify(
            program,
            expert=expert,
            random=random,
            threshold=options.threshold,
            success_when=_success_when(options.success_when),
        )
    if options.json:
        _print_json({**verdict.to_json(), "feedback": verdict.feedback()})
    else:
        print(verdict.feedback() if options.feedback else verdict.render())
    return GOOD if verdict.accepted else BAD


def _bench(options: argparse.Namespace) -> int:
    from carruntime.bench import measure, render, sample
    from carruntime.collection import collect
    from carruntime.progress import ProgressLine
    from carruntime.reward import load

    source = _source(options)
    env = _make_env(options.env)
    try:
        transitions = sample(collect(env, "random", 16, options.seed, max_steps=64))

        def load_as(**wishes: Any) -> RewardProgram:
            if wishes.get("isolation") != "none":
                wishes["require"] = options.require
            return load(source, env, entry=options.entry, **wishes)

        with ProgressLine("batch sizes", show=options.progress) as line:
            found = measure(load_as, transitions, options.rows, trust=options.trust, progress=line)
    finally:
        env.close()
    if options.json:
        _print_json(
            [
                {
                    "way": item.way,
                    "rows": item.rows,
                    "observations_per_second": item.per_second,
                    "equal": item.equal,
                    "bad_rows": item.bad,
                }
                for item in found
            ]
        )
    else:
        print(render(found))
        if any(item.bad for item in found):
            _print_wrapped(
                "a speed is worth little where rows end badly; carruntime run says how they ended "
                "and where in the program",
                "  ",
            )
        if not options.trust:
            print("plain exec and in-process ways are left out: they need --trust")
    # One way that pays nothing at any size is as bad as one that pays something else.
    ways = {item.way for item in found}
    dead = any(all(i.bad == i.rows for i in found if i.way == way) for way in ways)
    return BAD if dead or not all(item.equal for item in found) else GOOD


def _doctor(options: argparse.Namespace) -> int:
    from sandbox import doctor

    found = doctor()
    if options.json:
        _print_json(found.to_json())
    else:
        print(found.render())
    return GOOD if found.worker else BAD


def _demo(options: argparse.Namespace) -> int:
    from carruntime.demo import run

    def say(text: str) -> None:
        print(text, flush=True)

    def quiet(text: str) -> None:
        del text

    demo = run(
        num_envs=options.envs,
        steps=options.steps,
        seed=options.seed,
        expert_episodes=options.expert_episodes,
        random_episodes=options.episodes,
        show_progress=options.progress,
        say=quiet if options.json else say,
    )
    if options.json:
        _print_json(demo.to_json())
    return GOOD if demo.ok else BAD


class _Loaded:
    """A program and its environment, both closed at the end."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options

    def __enter__(self) -> tuple[RewardProgram, gym.Env[Any, Any]]:
        from carruntime.reward import load

        options = self._options
        source = _source(options)
        self._env = _make_env(options.env)
        try:
            self._program = load(
                source,
                self._env,
                entry=options.entry,
                tier=options.tier,
                require=options.require,
            )
        except BaseException:
            self._env.close()
            raise
        return self._program, self._env

    def __exit__(self, *error: object) -> None:
        self._program.close()
        self._env.close()


def _make_env(env_id: str) -> gym.Env[Any, Any]:
    from carruntime.environments import make_env

    return make_env(env_id)


def _success_when(text: str | None) -> str | float | None:
    return None if text is None else _number_or_text(text)


def _source(options: argparse.Namespace) -> Source:
    return _source_of(options.file)


def _source_of(path: Path) -> Source:
    """Give a program: its path, or its text where it comes by standard input."""
    if str(path) != "-":
        return path
    if sys.stdin is None:
        raise OptionError("FILE is -, but standard input is closed; want the program there")
    # Bytes that are no UTF-8 stay in the text as surrogates, which the parser refuses.
    text = sys.stdin.buffer.read(_STDIN_BYTES).decode("utf-8", "surrogateescape")
    return text if text.endswith("\n") else text + "\n"


def _want_writable(path: Path) -> None:
    """Find out before the episodes, not after them, that nothing can be saved there."""
    folder = path.parent
    if path.is_dir():
        raise OptionError(f"--save {path}: is a folder; want the path of a file")
    if not folder.is_dir():
        raise OptionError(f"--save {path}: there is no folder {folder}; make it first")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise OptionError(f"--save {path}: cannot be written; want a place that is yours")


def _print_wrapped(text: str, further: str) -> None:
    lines = textwrap.wrap(
        text,
        _WIDTH,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )
    print("\n".join(lines))


def _print_json(data: Any) -> None:
    print(json.dumps(_finite(data), indent=2))


def _finite(data: Any) -> Any:
    """Replace what JSON cannot say (NaN and infinities) by null."""
    if isinstance(data, float):
        return data if data - data == 0.0 else None
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_finite(value) for value in data]
    return data


def _refuse(options: argparse.Namespace, error: LoadError) -> None:
    if getattr(options, "json", False):
        _print_json({"refused": True, "report": error.report.to_json()})
    else:
        print(error.report.render())


def _wrong_use(options: argparse.Namespace, text: str) -> int:
    print(f"carruntime {options.name}: error: {text}", file=sys.stderr)
    return WRONG_USE


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"carruntime {version('carruntime')}"
    except PackageNotFoundError:
        return "carruntime (not installed)"


if __name__ == "__main__":
    sys.exit(main())
