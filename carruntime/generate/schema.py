"""What a program gets to see, in words for a model: fields, shapes, dtypes, bounds, meanings.

Whatever is left implicit here, a model invents: made-up fields and layouts are the commonest
fault of generated rewards. Shapes, dtypes and bounds come from the spaces, as the runtime hands
them over. Meanings come from where they are known: for MiniGrid from its own tables, for an
environment of Gymnasium from the sections on observations and actions of its class's doc string,
and from the user's notes. The sections on rewards are left out: they are what is to be written.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from carruntime.spaces import spec_of
from sandbox.schema import ArraySpec, DictSpec, Spec

if TYPE_CHECKING:
    import gymnasium as gym

__all__ = ["Described", "describe"]

_SECTIONS: Final = ("observation", "action")
_MOST_DOC: Final = 6_000
_MINIGRID_PICTURES: Final = (
    "In the pictures the agent is a triangle that points where it looks, and the lighter cells are what "
    "it sees. What it carries is not drawn in them."
)
_DIRECTIONS: Final = "0 right, 1 down, 2 left, 3 up"


@dataclass(frozen=True, slots=True)
class Described:
    """An environment in words.

    Attributes:
        env_id: Its id.
        observation: What an observation holds, Markdown.
        action: What an action means, Markdown.
        notes: What else the user says about it; empty where nothing.
        drawn: How it is drawn, where that is known.
    """

    env_id: str
    observation: str
    action: str
    notes: str = ""
    drawn: str = ""


def describe(env: gym.Env[Any, Any], env_id: str, notes: str = "") -> Described:
    """Put the spaces of an environment into words.

    Args:
        env: The environment.
        env_id: Its id.
        notes: What the user knows about it beside, handed on as it is.

    Raises:
        SpaceError: If a space cannot be handed to a program.
    """
    observation = spec_of(env.observation_space, path="observation_space")
    action = spec_of(env.action_space, path="action_space")
    base = env.unwrapped
    minigrid = any(kind.__name__ == "MiniGridEnv" for kind in type(base).__mro__)
    meanings = dict(_minigrid_fields(env, observation)) if minigrid else {}
    seen = [
        "| value | Python type | shape | dtype | bounds | meaning |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_row(path, leaf, meanings.get(path, "")) for path, leaf in _leaves("obs", observation)),
    ]
    if isinstance(observation, DictSpec):
        names = ", ".join(f"`{name}`" for name, _ in observation.fields)
        more = "`prev_<field>` (before it), `initial_<field>`"
        seen += [
            "",
            f"A field can be a parameter of its own too: {names} (after the action), {more}.",
        ]
    done = [
        "| value | Python type | shape | dtype | bounds | meaning |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_row(path, leaf, "") for path, leaf in _leaves("action", action)),
    ]
    if minigrid:
        seen += ["", *_minigrid_encoding(base, observation), "", _MINIGRID_PICTURES]
        done += ["", *_minigrid_actions(base)]
    else:
        doc = _doc_sections(base)
        seen += [line for name, text in doc if name == "observation" for line in ("", text)]
        done += [line for name, text in doc if name == "action" for line in ("", text)]
    drawn = _MINIGRID_PICTURES if minigrid else ""
    return Described(env_id, "\n".join(seen), "\n".join(done), notes, drawn)


def _leaves(path: str, spec: Spec) -> Iterator[tuple[str, ArraySpec]]:
    if isinstance(spec, ArraySpec):
        yield path, spec
    elif isinstance(spec, DictSpec):
        for name, child in spec.fields:
            yield from _leaves(f'{path}["{name}"]', child)
    else:
        for index, child in enumerate(spec.items):
            yield from _leaves(f"{path}[{index}]", child)


def _row(path: str, leaf: ArraySpec, meaning: str) -> str:
    kind = {"int": "int", "bool": "bool", "text": "str"}.get(leaf.kind)
    shape = dtype = "-"
    if kind is None:
        kind = "NumPy array" if leaf.shape else "NumPy scalar"
        shape, dtype = str(list(leaf.shape)), leaf.dtype
    bounds = "-"
    if leaf.kind != "text" and (isfinite(leaf.low) or isfinite(leaf.high)):
        bounds = f"{leaf.low:g} to {leaf.high:g}"
    unit = f"; in {leaf.unit}" if leaf.unit else ""
    return f"| `{path}` | {kind} | {shape} | {dtype} | {bounds} | {meaning or 'see below'}{unit} |"


def _minigrid_fields(env: gym.Env[Any, Any], spec: Spec) -> Iterator[tuple[str, str]]:
    fields = dict(spec.fields) if isinstance(spec, DictSpec) else {}
    if "direction" in fields:
        yield 'obs["direction"]', f"where the agent looks: {_DIRECTIONS}"
    if "mission" in fields:
        first, _ = env.reset(seed=0)
        said = str(first["mission"]).replace("|", "/")[:200]
        yield 'obs["mission"]', f"the task in a sentence, one for each episode, such as {said!r}"
    if "image" in fields:
        yield 'obs["image"]', "the cells around the agent, see below"


def _minigrid_encoding(base: Any, spec: Spec) -> Iterator[str]:
    """Say what the numbers of a symbolic picture mean, from MiniGrid's own tables."""
    from minigrid.core.constants import COLOR_TO_IDX, OBJECT_TO_IDX, STATE_TO_IDX

    image = dict(spec.fields).get("image") if isinstance(spec, DictSpec) else spec
    if not isinstance(image, ArraySpec) or len(image.shape) != 3 or image.shape[2] != 3:
        return
    size = base.agent_view_size
    middle = size // 2
    if image.shape == (size, size, 3):
        yield (
            f"`image[x, y]` is one cell as `(object, colour, state)`. It is what the agent sees of a "
            f"field of {size} x {size} cells before it, turned so that it looks towards smaller y: "
            f"x runs from its left (0) to its right ({size - 1}), y from far (0) to near "
            f"({size - 1}). The agent itself is at `image[{middle}, {size - 1}]`, and the cell right "
            f"in front of it is `image[{middle}, {size - 2}]`. Cells it cannot see are all 0."
        )
        yield ""
        yield (
            f"At its own cell `image[{middle}, {size - 1}]` stands what the agent carries, with its "
            "colour, or `(1, 0, 0)` (empty) where it carries nothing. So what the agent stands *on* "
            "(a goal, an open door) cannot be seen while it stands there: test that it was right in "
            "front in `obs` and that the action was to go forward."
        )
    elif image.shape == (base.width, base.height, 3):
        yield (
            "`image[x, y]` is one cell of the whole grid as `(object, colour, state)`; x runs to "
            "the right, y down. The agent's cell is "
            f"`({OBJECT_TO_IDX['agent']}, colour, direction)`, with direction {_DIRECTIONS}."
        )
    else:
        return
    yield ""
    for title, table in (
        ("object", OBJECT_TO_IDX),
        ("colour", COLOR_TO_IDX),
        ("state, of doors only (0 elsewhere)", STATE_TO_IDX),
    ):
        listed = ", ".join(f"{number} {name}" for name, number in table.items())
        yield f"- {title}: {listed}"


def _minigrid_actions(base: Any) -> Iterator[str]:
    words = {
        "left": "turn left on the spot",
        "right": "turn right on the spot",
        "forward": "go to the cell in front, if it is free, a goal, or an open door",
        "pickup": "pick up the key, ball or box in front, if nothing is carried",
        "drop": "put what is carried on the cell in front, if that is empty",
        "toggle": "open or close the door in front (a locked one needs a carried key of its "
        "colour, and then opens; the key stays in hand); a box in front is opened and gone",
        "done": "does nothing",
    }
    for item in base.actions:
        yield f"- {int(item)} {item.name}: {words.get(item.name, 'see its name')}"


def _doc_sections(base: Any) -> list[tuple[str, str]]:
    """Give the parts of an environment's doc string about observations and actions."""
    doc = inspect.getdoc(type(base)) or ""
    found = []
    for head, text in re.findall(
        r"^##+ +([^\n]+)\n(.*?)(?=^##+ |\Z)", doc, re.DOTALL | re.MULTILINE
    ):
        name = next((word for word in _SECTIONS if word in head.lower()), None)
        if name is not None:
            # Pictures and links of the web page lead nowhere from here.
            plain = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", plain)
            found.append((name, plain.strip()[:_MOST_DOC]))
    return found
