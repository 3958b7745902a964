"""The questions of a run: each template filled with what is known by then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from carruntime.generate.contract import PARAMETERS, contract
from carruntime.generate.messages import Request
from carruntime.generate.pictures import Picture
from carruntime.generate.prompts import fill, flat, quoted
from carruntime.generate.reading import SubTask
from carruntime.generate.schema import Described

__all__ = ["STYLES", "Questions", "Style"]

Style = Literal["function", "tasks", "class", "paper"]
STYLES: Final[tuple[Style, ...]] = ("function", "tasks", "class", "paper")

_ENTRIES: Final = {
    "function": "def reward(obs, action, next_obs):\n    ...\n"
    '    return total, {"name of a part": its value, ...}',
    "class": "class Reward:\n    def __init__(self):\n        ...\n\n    def reset(self, obs):\n"
    "        ...\n\n    def step(self, obs, action, next_obs):\n        ...\n"
    '        return total, {"name of a part": its value, ...}',
}
_ONE: Final = (
    "The sub-task must be completed in every episode of the expert. Random actions may\n"
    "complete it too, if it is easy."
)
_LAST: Final = (
    "The sub-task must be completed in every episode of the expert, and in hardly any of\n"
    "the random ones."
)
_WHOLE: Final = (
    "All sub-tasks must be completed in every episode of the expert, and in hardly any of\n"
    "the random ones; and the expert must earn more than random actions do."
)
_MOST_TEXT: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """Makes the questions of one run.

    Attributes:
        described: The environment in words.
        pictures: The initial and the goal picture.
        style: The form of program that is asked for.
        expert: Expert episodes that a program is judged on.
        random: Random ones.
        frame: Height and width of the pictures that a script gets, for ``paper``.
    """

    described: Described
    pictures: tuple[Picture, ...]
    style: Style
    expert: int
    random: int
    frame: tuple[int, int] = (0, 0)

    def request(self, purpose: str, text: str, sample: int = 0) -> Request:
        """Make a request of a question."""
        return Request(purpose, fill("system"), text, self.pictures, sample)

    def task(self) -> str:
        """Ask for the task in words."""
        return fill("task", **self._seen())

    def subtasks(self, task: str, most: int) -> str:
        """Ask for its sub-tasks."""
        return fill("subtasks", task=flat(task, _MOST_TEXT), most=str(most), **self._seen())

    def subtask(self, task: str, tasks: Sequence[SubTask], wanted: SubTask) -> str:
        """Ask for the program of one sub-task."""
        return fill(
            "subtask",
            **self._task(task),
            subtasks=_listed(tasks),
            number=str(wanted.number),
            name=wanted.name,
            function=wanted.function,
            prefix=f"t{wanted.number}_",
            inputs=self._inputs(),
            form=self._form(_LAST if wanted is tasks[-1] else _ONE),
        )

    def reward(self, task: str, programs: str) -> str:
        """Ask for the dense reward beside tested sub-tasks."""
        return fill(
            f"reward_{self.style}",
            **self._task(task),
            programs=quoted(programs, "python"),
            inputs=self._inputs(),
            form=self._form(),
        )

    def whole(self, task: str, tasks: Sequence[SubTask], *, pays: bool) -> str:
        """Ask for one program with all sub-tasks, and with a reward if it ``pays``."""
        heads = "\n\n\n".join(
            f"def {item.function}(obs, action, next_obs):\n    ..." for item in tasks
        )
        entry = _ENTRIES.get(self.style, _ENTRIES["function"])
        return fill(
            "whole",
            **self._task(task),
            subtasks=_listed(tasks),
            functions=quoted(heads, "python"),
            reward=fill("whole_reward", entry=quoted(entry, "python"))
            if pays
            else "There is no other reward: each sub-task pays when it is completed.",
            inputs=self._inputs(),
            form=self._form(),
        )

    def script(self, task: str, tasks: Sequence[SubTask]) -> str:
        """Ask for an image script."""
        notes = self.described.notes
        return fill(
            "script",
            **self._task(task),
            subtasks=_listed(tasks),
            first=tasks[0].name,
            height=str(self.frame[0]),
            width=str(self.frame[1]),
            inputs=fill("inputs_frame", notes=_notes(notes), contract=contract()),
            form=self._form(),
        )

    def mend(self, question: str, program: str, findings: str) -> str:
        """Ask again, with the program that was given and what is wrong with it."""
        shown = quoted(program, "python") if program else "(there was no program in it)"
        return fill("mend", question=question, program=shown, findings=findings)

    def reflect(
        self, question: str, program: str, *, statistics: str, findings: str, training: str
    ) -> str:
        """Ask for a better program than the best so far."""
        return fill(
            "reflect",
            question=question,
            program=quoted(program, "python"),
            statistics=statistics,
            findings=findings,
            training=training,
        )

    def _task(self, task: str) -> dict[str, str]:
        return {
            "pictures": self._pictures(),
            "env_id": self.described.env_id,
            "task": flat(task, _MOST_TEXT),
        }

    def _seen(self) -> dict[str, str]:
        return {
            "pictures": self._pictures(),
            "env_id": self.described.env_id,
            "observation": self._observation(),
            "action": self.described.action,
            "notes": _notes(self.described.notes),
        }

    def _observation(self) -> str:
        if self.style != "paper":
            return self.described.observation
        height, width = self.frame
        return (
            f"The picture after every step, of {height} x {width} pixels and drawn like the two that "
            f"are attached, and nothing else. {self.described.drawn}"
        )

    def _inputs(self) -> str:
        rows = "\n".join(f"| `{name}` | {words} |" for name, words in PARAMETERS.items())
        return fill(
            "inputs",
            parameters=f"| parameter | what it is |\n| --- | --- |\n{rows}",
            observation=self.described.observation,
            action=self.described.action,
            notes=_notes(self.described.notes),
            contract=contract(),
        )

    def _form(self, demand: str = "") -> str:
        demand = demand or _WHOLE
        return fill("form", expert=str(self.expert), random=str(self.random), demand=demand)

    def _pictures(self) -> str:
        if not self.pictures:
            return "(There are no pictures; go by the tables.)"
        named = " and ".join(
            f"`{item.role}.png` ({item.width} x {item.height} pixels)" for item in self.pictures
        )
        return f"Two pictures are attached: {named}, before the task and after it."


def _listed(tasks: Sequence[SubTask]) -> str:
    return "\n".join(f"{item.number}. `{item.name}`: {item.text}" for item in tasks)


def _notes(notes: str) -> str:
    return f"Further notes on the environment:\n\n{notes}" if notes else ""
