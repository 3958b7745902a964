"""The command line: ``carruntime COMMAND``, with a module for each in `carruntime.commands`.

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
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from carruntime.commands import COMMANDS
from carruntime.commands.shared import (
    BAD,
    EXIT_STATUS,
    WRONG_USE,
    print_json,
    version_text,
    wrong_use,
)
from carruntime.errors import CarruntimeError, LoadError
from sandbox.errors import SandboxError

__all__ = ["main"]

_INTERRUPTED, _PIPE_CLOSED = 130, 141


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
        return wrong_use(options, str(error))
    except MemoryError as error:
        return wrong_use(options, f"there is not enough memory ({error}); ask for less at once")
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
        epilog=EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version_text())
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return parser


def _refuse(options: argparse.Namespace, error: LoadError) -> None:
    if getattr(options, "json", False):
        print_json({"refused": True, "report": error.report.to_json()})
    else:
        print(error.report.render())


if __name__ == "__main__":
    sys.exit(main())
