"""The ways in which reward programs of models fail, as a closed list.

A diagnosis names one of these, so that whoever reads it, a person or the model that wrote the
program, learns what kind of mistake it was before what the figures are. The list was made from what
published programs do wrong: rewards paid on every frame once a key is gone, results unpacked into
too many names, sub-tasks that hold before the first action, colours and indices taken for others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["FAILURES", "Failure", "failure_of_exception"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A kind of failure.

    Attributes:
        title: Its name, for people and models.
        means: What it means, in one sentence.
        rank: Its place among the causes: what has a lower rank explains what has a higher one.
    """

    title: str
    means: str
    rank: int


FAILURES: Final = {
    "api": Failure(
        "API or data misunderstood",
        "the program takes its inputs for something they are not: another shape, index, key or type",
        0,
    ),
    "crash": Failure("crash", "the program ends in an error on inputs it will meet", 0),
    "number": Failure(
        "no finite number", "a division, root or logarithm gives NaN or infinity on real inputs", 0
    ),
    "resources": Failure(
        "too much work", "a step costs more time or memory than a training loop can give it", 0
    ),
    "never_fires": Failure(
        "never fires",
        "a condition is false on every step, also where the simulator says that it has happened",
        1,
    ),
    "wrong_object": Failure(
        "wrong object or encoding",
        "a condition is true for something else than what it was written for",
        2,
    ),
    "misses": Failure(
        "misses the event", "a condition sees the event in some episodes and not in others", 3
    ),
    "false_success": Failure(
        "success where there is none",
        "the task is called complete in episodes in which the environment says that it is not",
        4,
    ),
    "too_late": Failure(
        "too late", "the event is seen only after the step on which the episode ends", 4
    ),
    "too_early": Failure(
        "too early", "the task is called complete while something of it is still to be done", 4
    ),
    "at_start": Failure(
        "fires at the start", "a condition is true before the agent has done anything", 5
    ),
    "wrong_order": Failure(
        "wrong order", "what is called a later sub-task comes before an earlier one", 6
    ),
    "no_latch": Failure(
        "missing latch", "an event is paid for on every step that follows instead of once", 7
    ),
    "flooding": Failure(
        "reward flooding", "many small payments outweigh the event that the task is about", 8
    ),
    "overpaid": Failure(
        "failure pays better", "some way to fail earns more than any way to succeed", 8
    ),
    "circle": Failure(
        "going in a circle pays", "coming back to the same state leaves the agent richer", 9
    ),
    "no_change": Failure(
        "paid for states, not for getting on",
        "what is paid does not depend on what the agent changes or in which direction",
        10,
    ),
    "too_easy": Failure(
        "too easy", "what is asked for is reached by random play, so it proves nothing", 11
    ),
    "scale": Failure(
        "scale", "a component is so large, small or constant that others cannot be felt", 12
    ),
    "undefined": Failure(
        "no notion of success", "nothing in what the program returns says that the task is done", 13
    ),
    "evidence": Failure("not the program's", "the episodes at hand do not settle the matter", 14),
}
"""Kinds of failure by name; the names are part of the JSON of a verdict."""

_MISUNDERSTOOD: Final = frozenset(
    {"IndexError", "KeyError", "AttributeError", "TypeError", "NameError", "UnboundLocalError"}
)


def failure_of_exception(name: str) -> str:
    """Say which kind of failure an exception in a program is a sign of."""
    return "api" if name in _MISUNDERSTOOD else "crash"
