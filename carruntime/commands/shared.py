"""What the commands share: options, programs and environments, and how they print."""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carruntime.errors import OptionError

if TYPE_CHECKING:
    import gymnasium as gym

    from carruntime.reward import RewardProgram, Source

__all__ = [
    "BAD",
    "EXIT_STATUS",
    "GOOD",
    "LONG_TEXT",
    "WRONG_USE",
    "Loaded",
    "add_command",
    "count",
    "counts",
    "env_option",
    "file_argument",
    "frame_order_option",
    "given_source",
    "load_options",
    "natural",
    "number_or_text",
    "open_env",
    "open_env_for",
    "policy",
    "print_json",
    "print_wrapped",
    "program_options",
    "progress_option",
    "require_option",
    "source_of",
    "store_options",
    "version_text",
    "want_writable",
    "wrong_use",
]

GOOD, BAD, WRONG_USE = 0, 1, 2
_WIDTH = 80
LONG_TEXT = 4000
"""Characters of a text from outside that are shown."""
_STDIN_BYTES = 16 * 1024 * 1024
EXIT_STATUS = """\
exit status:
  0    good; warnings and notes alone are good too (check --strict: they are not)
  1    the program is refused, a row ended badly, or the verdict is anything but
       accepted: rejected, or not enough evidence
  2    wrong use: no such file, environment, option or place to save to
  130  interrupted
  141  whoever read the output closed the pipe
"""


def add_command(
    commands: Any, name: str, function: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    """Add a command's parser: with ``--json``, and the exit status below its help."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text,
        epilog=EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=function)
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")
    return parser


def program_options(parser: argparse.ArgumentParser, *, tiers: bool = True) -> None:
    """Add FILE, ``--env`` and what a load takes."""
    file_argument(parser, optional=False)
    env_option(parser, required=True)
    load_options(parser, tiers=tiers)


def file_argument(parser: argparse.ArgumentParser, *, optional: bool) -> None:
    """Add FILE."""
    parser.add_argument(
        "file",
        nargs="?" if optional else None,
        type=Path,
        metavar="FILE",
        help="the program; - reads it from standard input",
    )


def env_option(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add ``--env ID``."""
    parser.add_argument("--env", required=required, metavar="ID", help="Gymnasium environment")


def load_options(parser: argparse.ArgumentParser, *, tiers: bool = True) -> None:
    """Add what a load takes besides FILE and ``--env``."""
    parser.add_argument("--entry", help="function, class or TASKS to use")
    if tiers:
        parser.add_argument(
            "--tier", default="auto", choices=("auto", "interpreted", "compiled"), help="which tier"
        )
    frame_order_option(parser)
    require_option(parser)


def frame_order_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--frame-order`` and ``--call-at-reset``."""
    parser.add_argument(
        "--call-at-reset",
        action="store_true",
        help="call a class with the first frame of an episode too, as published scripts are",
    )
    parser.add_argument(
        "--frame-order",
        default="rgb",
        choices=("rgb", "bgr"),
        help="order of the channels in which the program is given frames (default: rgb)",
    )


def require_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--require``."""
    parser.add_argument(
        "--require",
        default="seccomp",
        choices=("any", "seccomp", "full"),
        help="least isolation to go on with, see carruntime doctor (default: seccomp)",
    )


def store_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--save`` and ``--no-save`` of counterexamples."""
    parser.add_argument(
        "--save",
        type=Path,
        default=Path(".carruntime") / "counterexamples",
        metavar="FOLDER",
        help="where counterexamples are kept, and tried first next time (default: "
        ".carruntime/counterexamples)",
    )
    parser.add_argument(
        "--no-save", dest="save", action="store_const", const=None, help="keep and read none"
    )


def progress_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--progress``."""
    parser.add_argument(
        "--progress",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="draw progress on standard error (default: if it is a terminal)",
    )


def count(text: str) -> int:
    """Read a whole number of at least 1."""
    value = _whole(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is too small; want at least 1")
    return value


def natural(text: str) -> int:
    """Read a whole number of at least 0."""
    value = _whole(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is negative; want 0 or above")
    return value


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None


def counts(text: str) -> tuple[int, ...]:
    """Read numbers with commas between them."""
    try:
        return tuple(count(part) for part in text.split(","))
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(
            f"{error}; want numbers of rows with commas between them, such as 1,8,64"
        ) from None


def policy(text: str) -> str | float:
    """Read a policy that can be named in a shell."""
    value = number_or_text(text)
    if value in ("random", "expert") or (isinstance(value, float) and 0.0 <= value <= 1.0):
        return value
    raise argparse.ArgumentTypeError(
        f"{text!r} is no policy; want random, expert, or a share of random actions from 0 to 1, "
        "such as 0.3"
    )


def number_or_text(text: str) -> str | float:
    """Read a number, or give the text as it is."""
    try:
        return float(text)
    except ValueError:
        return text


class Loaded:
    """A program and its environment, both closed at the end.

    Args:
        options: Of the command line.
        **further: Further arguments of `carruntime.load`.
    """

    def __init__(self, options: argparse.Namespace, **further: Any) -> None:
        self._options = options
        self._further = further

    def __enter__(self) -> tuple[RewardProgram, gym.Env[Any, Any]]:
        from carruntime.loading import load

        options = self._options
        source = given_source(options)
        self._env, frame = open_env_for(source, options)
        try:
            self._program = load(
                source,
                self._env,
                entry=options.entry,
                frame=frame,
                frame_order=options.frame_order,
                call_at_reset=options.call_at_reset,
                tier=options.tier,
                require=options.require,
                **self._further,
            )
        except BaseException:
            self._env.close()
            raise
        return self._program, self._env

    def __exit__(self, *error: object) -> None:
        self._program.close()
        self._env.close()


def open_env(env_id: str) -> gym.Env[Any, Any]:
    """Make an environment, or say why it cannot be made."""
    from carruntime.environments import make_env

    return make_env(env_id)


def open_env_for(
    source: Source, options: argparse.Namespace
) -> tuple[gym.Env[Any, Any], tuple[int, ...] | None]:
    """Make the environment of ``--env``, so that it draws if the program may look at frames.

    Returns:
        The environment, and the shape of its frames or None.
    """
    if not may_see(source):
        return open_env(options.env), None
    from carruntime.environments import make_env
    from carruntime.frames import frame_shape_of

    try:
        env = make_env(options.env, render_mode="rgb_array")
    except (OptionError, TypeError, ValueError):
        # It cannot draw; what that means for the program its findings will tell.
        return open_env(options.env), None
    try:
        return env, frame_shape_of(env)
    except BaseException:
        env.close()
        raise


def may_see(source: Source) -> bool:
    """Whether a text has a word that programs which look at frames have; it is not read further."""
    if isinstance(source, str):
        data = source.encode("utf-8", "replace")
    else:
        try:
            data = Path(source).read_bytes()
        except OSError:
            return False  # said when it is loaded
    return any(word in data for word in (b"frame", b"image", b"img", b"cv2"))


def given_source(options: argparse.Namespace) -> Source:
    """Give the program that FILE names."""
    return source_of(options.file)


def source_of(path: Path) -> Source:
    """Give a program: its path, or its text where it comes by standard input."""
    if str(path) != "-":
        return path
    if sys.stdin is None:
        raise OptionError("FILE is -, but standard input is closed; want the program there")
    # Bytes that are no UTF-8 stay in the text as surrogates, which the parser refuses.
    text = sys.stdin.buffer.read(_STDIN_BYTES).decode("utf-8", "surrogateescape")
    return text if text.endswith("\n") else text + "\n"


def want_writable(path: Path) -> None:
    """Find out before the episodes, not after them, that nothing can be saved there."""
    folder = path.parent
    if path.is_dir():
        raise OptionError(f"--save {path}: is a folder; want the path of a file")
    if not folder.is_dir():
        raise OptionError(f"--save {path}: there is no folder {folder}; make it first")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise OptionError(f"--save {path}: cannot be written; want a place that is yours")


def print_wrapped(text: str, further: str) -> None:
    """Print a text in lines of a terminal's width."""
    lines = textwrap.wrap(
        text,
        _WIDTH,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )
    print("\n".join(lines))


def print_json(data: Any) -> None:
    """Print data as JSON on standard output."""
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


def wrong_use(options: argparse.Namespace, text: str) -> int:
    """Say on standard error how the command was used wrongly; give the exit status."""
    print(f"carruntime {options.name}: error: {text}", file=sys.stderr)
    return WRONG_USE


def version_text() -> str:
    """Give the name and version of what is installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"carruntime {version('carruntime')}"
    except PackageNotFoundError:
        return "carruntime (not installed)"
