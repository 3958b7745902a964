"""The commands, a module each; `COMMANDS` has them in the order of the help.

A module has ``add(commands)``, which adds its parser. Modules are read whenever the command line
starts, so they import what they work with inside their functions.
"""

from __future__ import annotations

from carruntime.commands import (
    bench,
    check,
    demo,
    doctor,
    explain,
    generate,
    hack,
    inspect,
    run,
    search,
    test,
    train,
    verify,
)

__all__ = ["COMMANDS"]

COMMANDS = (
    *(check, explain, run, verify, test, hack),
    *(generate, inspect, search, train),
    *(bench, doctor, demo),
)
