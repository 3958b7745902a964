"""``carruntime check``: say what is wrong with programs, and where."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from carruntime.commands.shared import (
    BAD,
    GOOD,
    LONG_TEXT,
    add_command,
    env_option,
    frame_order_option,
    open_env_for,
    print_json,
    print_wrapped,
    require_option,
    source_of,
    version_text,
    wrong_use,
)
from sandbox.diagnostics import Report, Severity, escape

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to a parser."""
    check = add_command(commands, "check", _check, "say what is wrong with programs, and where")
    check.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="the programs; - reads one from standard input",
    )
    env_option(check, required=False)
    check.add_argument("--entry", help="function, class or TASKS to use")
    frame_order_option(check)
    require_option(check)
    check.add_argument("--explain", metavar="RULE", help="explain one rule, such as SBX301")
    check.add_argument("--strict", action="store_true", help="warnings end with status 1 too")
    check.add_argument(
        "--sarif", action="store_true", help="print SARIF 2.1.0, for editors and code hosts"
    )


def _check(options: argparse.Namespace) -> int:
    if options.explain is not None:
        return _explain_rule(options)
    if not options.files:
        return wrong_use(options, "no FILE; want the program to check, or --explain RULE")
    if options.json and options.sarif:
        return wrong_use(options, "--json and --sarif are two forms of the same; want one of them")
    from carruntime.loading import check

    found = []
    for path in options.files:
        source = source_of(path)
        env, frame = (None, None) if options.env is None else open_env_for(source, options)
        try:
            found.append(
                check(
                    source,
                    env,
                    entry=options.entry,
                    frame=frame,
                    frame_order=options.frame_order,
                    call_at_reset=options.call_at_reset,
                    require=options.require,
                )
            )
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
        print_json(data[0] if len(data) == 1 else data)
    else:
        for report in reports:
            print(report.render())
            for name, value in report.facts.items():
                print_wrapped(f"  {name}: {escape(str(value), LONG_TEXT)}", "    ")
    doubted = any(item.severity is not Severity.NOTE for one in reports for item in one.findings)
    good = all(report.ok for report in reports) and not (options.strict and doubted)
    return GOOD if good else BAD


def _print_sarif(reports: Sequence[Report]) -> None:
    from carruntime.rules import RULES as CONTRACT
    from sandbox.rules import RULES as DIALECT
    from sandbox.sarif import sarif_log

    version = version_text().partition(" ")[2]
    print_json(sarif_log(reports, {**DIALECT, **CONTRACT}, tool="carruntime", version=version))


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
            print_json({**facts, "severity": rule.severity.value})
        else:
            print(rule.explain())
        return GOOD
    from carruntime.hacking.claims import CLAIMS
    from carruntime.testing import PROPERTIES

    laws = {item.id: item.claim for item in PROPERTIES}
    groups = (("verification", CHECKS), ("property", laws), ("reward hack", CLAIMS))
    for group, claims in groups:
        if name in claims:
            if options.json:
                print_json({"id": name, "claim": claims[name]})
            else:
                print(f"{name} ({group}): {claims[name]}")
            return GOOD
    import difflib

    near = difflib.get_close_matches(name, [*DIALECT, *CONTRACT, *CHECKS, *laws, *CLAIMS], n=3)
    told = f"the nearest are {', '.join(near)}" if near else "want an id such as SBX301 or CAR201"
    return wrong_use(options, f"rule {options.explain!r} is not known; {told}")
