"""``carruntime test``: try the properties of a program on an environment."""

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
    print_json,
    program_options,
    progress_option,
    store_options,
)
from carruntime.errors import OptionError

if TYPE_CHECKING:
    from carruntime.testing import Property

__all__ = ["add", "chosen_properties", "number_range"]


def add(commands: Any) -> None:
    """Add the command to a parser."""
    test = add_command(commands, "test", _test, "try the laws of reward programs on one of them")
    program_options(test)
    test.add_argument(
        "--property",
        action="append",
        metavar="NAME",
        help="only this one, by name or id; may be given again (default: all)",
    )
    test.add_argument("--examples", type=count, default=100, help="drawn for each (default 100)")
    test.add_argument("--max-steps", type=count, default=40, help="actions drawn (default 40)")
    test.add_argument("--seed", type=natural, default=0, help="of everything random")
    test.add_argument(
        "--reward-range",
        type=number_range,
        metavar="LOW,HIGH",
        help="where rewards are meant to lie",
    )
    test.add_argument(
        "--strict",
        action="store_true",
        help="ask never_errs and the like of whatever the spaces allow, not only of what the "
        "environment shows",
    )
    store_options(test)
    progress_option(test)


def _test(options: argparse.Namespace) -> int:
    from carruntime.progress import ProgressLine
    from carruntime.testing import check_properties

    properties = chosen_properties(options.property)
    with (
        Loaded(options, reward_range=options.reward_range) as (program, env),
        ProgressLine("properties", show=options.progress) as line,
    ):
        report = check_properties(
            program,
            env,
            properties,
            examples=options.examples,
            max_steps=options.max_steps,
            seed=options.seed,
            strict=options.strict,
            save=options.save,
            progress=line,
        )
    if options.json:
        print_json(report.to_json())
    else:
        print(report.render())
    return GOOD if report.ok else BAD


def chosen_properties(names: list[str] | None) -> tuple[Property, ...]:
    """Give the properties of these names or ids; all where there are none.

    Raises:
        OptionError: If a name is not known.
    """
    from carruntime.testing import PROPERTIES, property_named

    if not names:
        return PROPERTIES
    found = []
    for name in names:
        claim = property_named(name)
        if claim is None:
            offered = ", ".join(item.name for item in PROPERTIES)
            raise OptionError(f"property {name!r} is not known; there are {offered}")
        found.append(claim)
    return tuple(dict.fromkeys(found))


def number_range(text: str) -> tuple[float, float]:
    """Read two numbers with a comma between them."""
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: want two numbers with a comma between them, such as -1,1 (with a negative "
            "one first write --reward-range=-1,1)"
        ) from None
    return low, high
