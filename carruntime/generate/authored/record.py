"""Make the shipped recordings anew: ``python -m carruntime.generate.authored.record``.

Recordings are found by the digest of their question, and a question holds the dialect's tables. So
after a change of prompts or dialect this is run once, and a test tells if it was not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from carruntime.generate.errors import NotRecordedError
from carruntime.generate.loop import Settings, Tell
from carruntime.generate.messages import Answer, Keep, Request
from carruntime.generate.questions import Style
from carruntime.generate.recordings import Recordings, shipped
from carruntime.generate.runner import Workshop, generate

__all__ = ["ENV_ID", "STYLES", "Authored", "record"]

ENV_ID: Final = "MiniGrid-DoorKey-8x8-v0"
STYLES: Final[tuple[Style, ...]] = ("function", "class", "tasks")
"""Styles that there are recordings of."""


class Authored:
    """A model whose answers are files of this package: ``what-sample.md``.

    Args:
        style: The style of the run; what is asked of a reward differs by it.
        where: The folder of answers.
    """

    name = "authored"

    def __init__(self, style: str, where: str = "doorkey") -> None:
        self._style = style
        self._folder = resources.files("carruntime.generate.authored") / where

    @property
    def settings(self) -> dict[str, Any]:
        """Nothing can be set."""
        return {"kind": "authored"}

    def ask(self, requests: Sequence[Request], keep: Keep) -> None:
        """Give the files' texts; see `Model.ask`."""
        for request in requests:
            for name in self._names(request):
                place = self._folder / name
                if place.is_file():
                    text = place.read_text(encoding="utf-8")
                    keep(request, Answer(text=text, finish="stop", origin="authored"))
                    break
            else:
                raise NotRecordedError(f"nothing is authored for {request.purpose}, {self._style}")

    def _names(self, request: Request) -> Iterator[str]:
        yield f"{request.purpose}-{self._style}-{request.sample}.md"
        yield f"{request.purpose}-{request.sample}.md"


def record(target: Recordings, say: Tell = lambda text: None) -> dict[str, str]:  # noqa: ARG005
    """Run all styles; give what became of each."""
    ends: dict[str, str] = {}
    with Workshop(ENV_ID) as workshop, TemporaryDirectory() as folder:
        for style in STYLES:
            run = Path(folder) / style
            bundle = generate(workshop, Authored(style), Settings(style=style), run, tell=say)
            ends[style] = bundle.end
            for path in sorted((run / "answers").glob("*.json")):
                (target.folder / path.name).write_bytes(path.read_bytes())
    return ends


def main() -> int:
    """Replace the shipped recordings."""

    def say(text: str) -> None:
        sys.stdout.write(f"{text}\n")

    target = shipped()
    target.folder.mkdir(exist_ok=True)
    for path in target.folder.glob("*.json"):
        path.unlink()
    for style, end in record(target, say).items():
        sys.stdout.write(f"{style}: {end}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
