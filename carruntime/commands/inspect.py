"""``carruntime inspect``: say what a bundle holds and where it came from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carruntime.commands.shared import GOOD, add_command, print_json, print_wrapped
from sandbox.diagnostics import escape

if TYPE_CHECKING:
    from carruntime.generate.bundle import Bundle

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to a parser."""
    inspect = add_command(commands, "inspect", _inspect, "say what a bundle holds")
    inspect.add_argument("file", type=Path, metavar="BUNDLE", help="what generate wrote")
    inspect.add_argument("--source", action="store_true", help="print the program alone")
    inspect.add_argument(
        "--exchange", type=int, metavar="N", help="print the Nth question and its answer"
    )
    inspect.add_argument("--candidate", metavar="ID", help="print one candidate, c3 say")


def _inspect(options: argparse.Namespace) -> int:
    from carruntime.errors import OptionError
    from carruntime.generate.bundle import read_bundle

    bundle = read_bundle(options.file)
    if options.json:
        print_json(dict(bundle.data))
    elif options.source:
        _print_text(bundle.source)
    elif options.exchange is not None:
        exchanges = bundle.data["exchanges"]
        if not 1 <= options.exchange <= len(exchanges):
            raise OptionError(
                f"--exchange {options.exchange}: the bundle has {len(exchanges)}; want one from 1 on"
            )
        item = exchanges[options.exchange - 1]
        _print_text(f"{item['request']['system']}\n{item['request']['text']}")
        print(f"--- the answer ({item['answer']['origin']}):")
        _print_text(item["answer"]["text"])
    elif options.candidate is not None:
        found = bundle.candidate(options.candidate)
        if found is None:
            names = ", ".join(str(item["id"]) for item in bundle.data["candidates"][:40])
            raise OptionError(
                f"--candidate {options.candidate}: not in the bundle; it has: {names}"
            )
        _print_text(found["source"])
        judged = found["judged"]
        if judged is not None:
            _print_text(str(judged.get("feedback", "")))
    else:
        _print_bundle(bundle)
    return GOOD


def _print_text(text: str) -> None:
    for line in text.split("\n"):
        print(escape(line, 4000))


def _print_bundle(bundle: Bundle) -> None:
    data = bundle.data
    _field("program for", f"{bundle.env_id}, style {data['style']}")
    _field(
        "when made", f"{bundle.end} (as recorded; carruntime verify {bundle.name} judges it anew)"
    )
    model = data["model"]
    answered = ", ".join(map(str, model.get("answered_by", []))) or "not said"
    _field("asked", f"{model.get('name')}; answered by: {answered}")
    _field("origin", ", ".join(bundle.origins) or "no answers")
    _field("task", str(data["task"]))
    for item in data["subtasks"]:
        if isinstance(item, dict):
            _field(f"  sub-task {item.get('number')}", f"{item.get('name')}: {item.get('text')}")
    for item in data["pictures"]:
        if isinstance(item, dict):
            size = f"{item.get('width')} x {item.get('height')}"
            _field("picture", f"{item.get('role')}, {size}, {str(item.get('digest'))[:16]}")
    prompts = data["prompts"]
    _field("prompts", f"version {prompts.get('version')}, {str(prompts.get('templates'))[:16]}")
    _field(
        "versions", ", ".join(f"{key} {str(value)[:16]}" for key, value in data["versions"].items())
    )
    usage = data["usage"]
    _field(
        "tokens",
        f"{usage.get('prompt_tokens')} asked, {usage.get('completion_tokens')} answered, cost "
        f"{usage.get('cost') if usage.get('cost') is not None else 'not known'}",
    )
    verdict = data["verdict"]
    if verdict is not None:
        _verdict(verdict)
    chosen = data["chosen"]
    line = {item["id"] for item in bundle.ancestors(chosen)}
    print("candidates (* the chosen one and what it was made from):")
    for item in data["candidates"]:
        mark = "*" if item["id"] in line else " "
        judged = item["judged"]
        end = judged.get("end") if judged is not None else item["ending"]
        if item.get("duplicate_of"):
            end = f"same as {item['duplicate_of']}"
        parents = ", ".join(map(str, item["parents"]))
        print(
            escape(
                f"  {mark} {item['id']:<5} {item['part']:<11} round {item.get('round')}  {end}"
                + (f", from {parents}" if parents else "")
            )
        )
    print("exchanges:")
    for number, item in enumerate(data["exchanges"], start=1):
        request, answer = item["request"], item["answer"]
        said = f" by {answer['model']}" if answer.get("model") else ""
        print(
            escape(
                f"  {number:>3} {request['purpose']:<11} {request['digest'][:12]}  "
                f"{len(request['text']):,} characters asked, {len(answer['text']):,} answered"
                f" ({answer['origin']}{said})"
            )
        )
    lines = bundle.source.count("\n")
    _field("source", f"{lines} lines, {str(data['source_digest'])[:16]}; --source prints it")


def _verdict(verdict: dict[str, Any]) -> None:
    try:
        for name in ("expert", "random"):
            group = verdict[name]
            share = group["complete"]
            _field(f"{name}", f"{share['count']} of {share['total']} episodes complete")
            for item in group["components"]:
                _field(
                    f"  {item['name']}",
                    f"{item['least']:.4g} to {item['greatest']:.4g}, mean {item['mean']:.4g}, not 0 on "
                    f"{item['fires']:.1%} of steps",
                )
    except (KeyError, TypeError, ValueError):
        _field("verdict", "of a form that is not known here; --json shows it")


def _field(name: str, text: str) -> None:
    print_wrapped(f"{escape(name, 40) + ':':<14}{escape(text, 2000)}", " " * 14)
