"""The page about prompts: ``python -m carruntime.generate.docs > docs/prompts.md``.

It is made from the shipped recordings, so it shows what is asked; a test compares the committed
page with what this module makes.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from carruntime.generate.files import read_json
from carruntime.generate.prompts import VERSION, quoted, templates_digest
from carruntime.generate.recordings import shipped

__all__ = ["page"]

_HEAD: Final = """\
# What a model is asked

Prompts of version {version}, digest `{digest}`. This page is generated from the recordings that are
shipped (`python -m carruntime.generate.docs`). The templates lie in `carruntime/generate/templates`;
what a program may use is filled in from the dialect's tables, and what it gets from the
environment's spaces.

Every question is complete in itself. This is one, whole: the program for one of three sub-tasks of
MiniGrid-DoorKey-8x8. Two pictures go with it.

## The standing instructions

{system}

## The question

{question}

## What goes back when a program is wrong

The answer to that question read a field that the observation does not have. The question is asked
again with this at its end:

{feedback}

And this goes back for a dense reward that pays for states and fails where nothing is in view:

{reward}
"""


def page() -> str:
    """Make the page."""
    asked = {}
    for path in sorted(shipped().folder.glob("*.json")):
        request = read_json(path.read_bytes(), str(path))["request"]
        asked[request["purpose"], request["sample"]] = request
    first, mended = asked["subtask-2", 0], asked["subtask-2", 1]
    return _HEAD.format(
        version=VERSION,
        digest=templates_digest()[:16],
        system=quoted(first["system"], "text"),
        question=quoted(first["text"], "markdown"),
        feedback=quoted(_end(mended), "markdown"),
        reward=quoted(_end(asked["reward", 1]), "markdown"),
    )


def _end(request: dict[str, Any]) -> str:
    """Give what was added to a question that is asked again."""
    text = str(request["text"])
    return text[text.index("# Your earlier answer") :]


if __name__ == "__main__":
    sys.stdout.write(page())
