"""``carruntime generate``: from two pictures to a verified program."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carruntime.commands.shared import (
    BAD,
    EXIT_STATUS,
    GOOD,
    add_command,
    count,
    env_option,
    natural,
    print_json,
    print_wrapped,
    progress_option,
    require_option,
    version_text,
)
from carruntime.errors import OptionError
from sandbox.diagnostics import escape

if TYPE_CHECKING:
    from carruntime.generate.bundle import Bundle
    from carruntime.generate.loop import Settings
    from carruntime.generate.messages import Model
    from carruntime.generate.runner import Workshop

__all__ = [
    "STATUS",
    "WAITING",
    "add",
    "model_of",
    "model_options",
    "prices_of",
    "print_waiting",
    "run_options",
    "save_end",
    "settings_of",
    "teller",
    "workshop_of",
]

WAITING = 3
"""Exit status where questions wait for answers."""
STATUS = EXIT_STATUS.replace(
    "  130 ", "  3    questions wait for answers in the --exchange folder\n  130 "
)
_NOTES_BYTES = 64 * 1024


def add(commands: Any) -> None:
    """Add the command to a parser."""
    generate = add_command(
        commands,
        "generate",
        _generate,
        "let a model write a program, from two pictures to a verdict",
    )
    generate.epilog = STATUS
    env_option(generate, required=True)
    model_options(generate)
    run_options(generate)
    generate.add_argument(
        "--style",
        default="function",
        choices=("function", "tasks", "class", "paper"),
        help="sub-tasks and a dense reward as a function or a class, sub-tasks alone, or an image "
        "script as in the paper (default: function)",
    )
    generate.add_argument("--rounds", type=count, default=3, help="of each stage (default 3)")
    generate.add_argument(
        "--candidates", type=count, default=1, help="for each program in each round (default 1)"
    )
    generate.add_argument(
        "--show-prompts", action="store_true", help="print the first question whole, and stop"
    )


def model_options(parser: argparse.ArgumentParser) -> None:
    """Add who answers, and how it is asked."""
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--model", metavar="NAME", help="a model behind an OpenAI-compatible endpoint")
    who.add_argument(
        "--exchange", type=Path, metavar="DIR", help="write questions there, and take answers there"
    )
    who.add_argument(
        "--recordings", metavar="DIR", help="recorded answers; shipped: those that come along"
    )
    parser.add_argument(
        "--base-url",
        metavar="URL",
        help="of the endpoint (default: CARRUNTIME_BASE_URL or OPENAI_BASE_URL); its key comes from "
        "CARRUNTIME_API_KEY or OPENAI_API_KEY",
    )
    parser.add_argument("--temperature", type=float, help="of the endpoint's model")
    parser.add_argument("--max-tokens", type=count, help="of one answer of the endpoint")
    parser.add_argument("--timeout", type=float, default=180.0, help="seconds (default 180)")
    parser.add_argument("--attempts", type=count, default=5, help="for one answer (default 5)")
    parser.add_argument("--parallel", type=count, default=4, help="requests at once (default 4)")
    parser.add_argument("--budget", type=count, metavar="TOKENS", help="begin no round beyond it")
    parser.add_argument(
        "--price",
        metavar="IN,OUT",
        help="of a million prompt and completion tokens, to account for costs",
    )
    parser.add_argument(
        "--answered-by", default="", metavar="NAME", help="which model answers the --exchange"
    )


def run_options(parser: argparse.ArgumentParser) -> None:
    """Add what a run is about, and where it lives."""
    parser.add_argument("--initial", type=Path, metavar="PNG", help="picture of the beginning")
    parser.add_argument("--goal", type=Path, metavar="PNG", help="picture of the solved task")
    parser.add_argument(
        "--from-expert",
        action="store_true",
        help="take both pictures from an expert's episode (default where none is given)",
    )
    parser.add_argument("--task", default="", metavar="TEXT", help="what the task is, in words")
    parser.add_argument(
        "--notes",
        type=Path,
        metavar="FILE",
        help="a text about the environment, for every question",
    )
    parser.add_argument("--most-subtasks", type=count, default=5, help="(default 5)")
    parser.add_argument("--expert-episodes", type=count, default=40, help="(default 40)")
    parser.add_argument("--episodes", type=count, default=100, help="random ones (default 100)")
    parser.add_argument(
        "--horizon",
        type=natural,
        help="cut random episodes there, 0 never (default: ten times the longest expert episode)",
    )
    parser.add_argument("--seed", type=natural, default=0, help="of episodes and pictures")
    parser.add_argument("--threshold", type=float, default=0.1, help="rate on random (default 0.1)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("carruntime-run"),
        metavar="DIR",
        help="the run's folder: answers, program, bundle (default: carruntime-run)",
    )
    require_option(parser)
    progress_option(parser)


def model_of(options: argparse.Namespace) -> Model:
    """Make who answers."""
    if options.exchange is not None:
        from carruntime.generate.exchange import Exchange

        return Exchange(options.exchange, answered_by=options.answered_by)
    if options.recordings is not None:
        from carruntime.generate.recordings import Recordings, Replay, shipped

        if options.recordings == "shipped":
            return Replay([shipped()], "recordings that come with carruntime")
        folder = Path(options.recordings)
        if not folder.is_dir():
            raise OptionError(
                f"--recordings {folder}: no such folder; want one with *.json, or shipped"
            )
        # A run's own folder is as good as its answers.
        inner = folder / "answers"
        return Replay([Recordings(inner if inner.is_dir() else folder)])
    from carruntime.generate.endpoint import Endpoint, Patience

    return Endpoint(
        options.model,
        base_url=options.base_url,
        temperature=options.temperature,
        max_tokens=options.max_tokens,
        parallel=options.parallel,
        patience=Patience(timeout_s=options.timeout, attempts=options.attempts),
    )


def prices_of(options: argparse.Namespace) -> tuple[float, float] | None:
    """Read ``--price``."""
    if options.price is None:
        return None
    try:
        prompt, completion = (float(part) for part in options.price.split(","))
    except ValueError:
        prompt = completion = -1.0
    if not (0 <= prompt < 1e9 and 0 <= completion < 1e9):
        raise OptionError(
            f"--price {options.price!r}: want two numbers with a comma, such as 2.5,10"
        )
    return prompt, completion


def workshop_of(options: argparse.Namespace) -> Workshop:
    """Set up what a run works with."""
    from carruntime.generate.runner import Episodes, Workshop

    if options.from_expert and (options.initial or options.goal):
        raise OptionError("--from-expert and --initial, --goal are two ways to pictures; want one")
    return Workshop(
        options.env,
        episodes=Episodes(
            expert=options.expert_episodes,
            random=options.episodes,
            horizon=options.horizon,
            seed=options.seed,
            threshold=options.threshold,
        ),
        initial=options.initial,
        goal=options.goal,
        notes=_notes(options.notes),
        require=options.require,
        progress=options.progress,
        frames=options.style == "paper",
    )


def settings_of(options: argparse.Namespace, **more: Any) -> Settings:
    """Gather what is wanted of a run."""
    from carruntime.generate.loop import Settings

    return Settings(
        style=options.style,
        candidates=options.candidates,
        most_subtasks=options.most_subtasks,
        task=options.task,
        budget_tokens=options.budget,
        **more,
    )


def teller(options: argparse.Namespace) -> Callable[[str], None]:
    """Give what prints lines as they come, unless JSON is wanted."""

    def tell(text: str) -> None:
        if not options.json:
            print(escape(text, 400), flush=True)

    return tell


def save_end(options: argparse.Namespace, bundle: Bundle) -> Path:
    """Write bundle and program into the run's folder."""
    from carruntime.generate.files import write_whole

    path: Path = options.out / "bundle.json"
    bundle.save(path)
    if bundle.source:
        write_whole(options.out / "program.py", bundle.source, "the program")
    return path


def print_waiting(options: argparse.Namespace, error: Any) -> int:
    """Say which questions wait."""
    if options.json:
        print_json(
            {"waiting": list(error.waiting), "answered": error.answered, "folder": error.folder}
        )
    else:
        print(error)
    return WAITING


def _notes(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        with path.open("rb") as stream:
            return stream.read(_NOTES_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"--notes {path}: cannot be read as UTF-8 text: {error}") from error


def _generate(options: argparse.Namespace) -> int:
    from carruntime.generate.errors import WaitingForAnswersError
    from carruntime.generate.runner import generate

    prices = prices_of(options)
    settings = settings_of(options, rounds=options.rounds)
    model = model_of(options)

    tell = teller(options)
    with workshop_of(options) as workshop:
        if options.show_prompts:
            _show(workshop, settings)
            return GOOD
        tell(
            f"{version_text()}: {options.expert_episodes} expert and {options.episodes} random "
            f"episodes of {options.env}; {model.name} answers"
        )
        try:
            bundle = generate(workshop, model, settings, options.out, prices=prices, tell=tell)
        except WaitingForAnswersError as error:
            return print_waiting(options, error)
    path = save_end(options, bundle)
    if options.json:
        print_json({"bundle": str(path), **_facts(bundle)})
    else:
        _print_end(bundle, path)
    return GOOD if bundle.end == "accepted" else BAD


def _show(workshop: Workshop, settings: Settings) -> None:
    from carruntime.generate.questions import Questions

    questions = Questions(
        described=workshop.described,
        pictures=workshop.pictures,
        style=settings.style,
        expert=workshop.judge.counts[0],
        random=workshop.judge.counts[1],
        frame=workshop.judge.options["frame"][:2] if workshop.frames else (0, 0),
    )
    request = questions.request("task", questions.task())
    print(f"{request.system}\n{request.text}")


def _facts(bundle: Bundle) -> dict[str, Any]:
    data = bundle.data
    keys = ("end", "env_id", "style", "task", "subtasks", "model", "usage", "verdict", "source")
    return {key: data[key] for key in keys}


def _print_end(bundle: Bundle, path: Path) -> None:
    data = bundle.data
    usage = data["usage"]
    cost = "" if usage["cost"] is None else f", cost {usage['cost']:.4f}"
    print(f"{bundle.end}: {len(data['candidates'])} candidates, {len(data['exchanges'])} answers")
    if usage["prompt_tokens"] or usage["completion_tokens"]:
        print(
            f"tokens: {usage['prompt_tokens']:,} asked, {usage['completion_tokens']:,} answered{cost}"
        )
    if "authored" in bundle.origins:
        print("origin: authored: these answers were written with carruntime, not by a model")
    print(f"bundle: {path}")
    print_wrapped(
        f"look at it with carruntime inspect {path}; use it as carruntime.load(pathlib.Path("
        f"{str(path)!r}), env)",
        "  ",
    )
