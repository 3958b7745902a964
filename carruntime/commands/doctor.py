"""``carruntime doctor``: say which layers of isolation hold here."""

from __future__ import annotations

import argparse
from typing import Any

from carruntime.commands.shared import BAD, GOOD, add_command, print_json

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to a parser."""
    add_command(commands, "doctor", _doctor, "say which layers of isolation hold here")


def _doctor(options: argparse.Namespace) -> int:
    from sandbox import doctor

    found = doctor()
    if options.json:
        print_json(found.to_json())
    else:
        print(found.render())
    return GOOD if found.worker else BAD
