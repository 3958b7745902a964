"""What counts as a program being deceived: the rules of the search for reward hacks.

A program can be deceived in three ways. It *claims* that the task is done where the environment
says it is not. It *overpays*: an episode that fails earns more than one that succeeds. It can be
*farmed*: some actions lead back to the same observation, and are paid every time. All three are
judged by the environment's own word and by the program's numbers; nothing here knows what a key or
a box is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from carruntime.errors import OptionError
from carruntime.evidence import first_true

if TYPE_CHECKING:
    from carruntime.arrangement import Told
    from carruntime.reward import RewardProgram

__all__ = ["CLAIMS", "IDS", "Claim", "Kind", "claim_of", "loops"]

_GAIN: Final = 1e-9
"""Least sum of rewards over a loop that is a gain, relative to the rewards in it."""


class Kind(StrEnum):
    """How a program was deceived."""

    FALSE_CLAIM = "false_claim"
    OVERPAID = "overpaid"
    FARMED = "farmed"


IDS: Final = {Kind.FALSE_CLAIM: "CAR321", Kind.OVERPAID: "CAR322", Kind.FARMED: "CAR323"}
CLAIMS: Final = {
    "CAR321": "completion is claimed only where the environment says success",
    "CAR322": "no episode that fails earns more than one that succeeds",
    "CAR323": "no actions that lead back to the same observation are paid every time",
}
"""What each kind of finding breaks; ids are never used twice."""


@dataclass(frozen=True, slots=True)
class Claim:
    """When a program says that the task is done.

    Attributes:
        words: The rule for people; empty where there is none.
        component: Name of a component that is above 0 then, or None.
        level: Reward of a step that says so, or None.
        tasks: Whether it is that all sub-tasks are completed.
    """

    words: str
    component: str | None = None
    level: float | None = None
    tasks: bool = False

    def first(self, told: Told) -> int | None:
        """Give the first step on which it is claimed, -1 for the reset; None where it never is."""
        if self.tasks:
            return -1 if told.at_reset.all() else first_true(np.asarray(told.completed.all(axis=1)))
        if self.component is not None:
            return first_true(told.components[self.component] > 0.0)
        if self.level is not None:
            return first_true(np.nan_to_num(told.reward, nan=-np.inf) >= self.level)
        return None


def claim_of(
    program: RewardProgram, success_when: str | float | None, expert: Sequence[Told]
) -> Claim:
    """Find out when a program claims completion.

    Args:
        program: The program.
        success_when: A component, or a reward; for a program without sub-tasks.
        expert: What it says of episodes that succeed; the guess where nothing is said.

    Raises:
        OptionError: If ``success_when`` names no component, or the program has sub-tasks.
    """
    if program.task_names:
        if success_when is not None:
            raise OptionError(
                "success_when with a program of sub-tasks, which define completion: leave it out"
            )
        return Claim(f"all {len(program.task_names)} sub-tasks completed", tasks=True)
    if isinstance(success_when, str):
        if success_when not in program.component_names:
            offered = ", ".join(program.component_names) or "none"
            raise OptionError(
                f"success_when names the component {success_when!r}, which the program does not "
                f"have; it has: {offered}"
            )
        return Claim(f"component {success_when!r} above 0", component=success_when)
    if success_when is not None:
        return Claim(f"a reward of {success_when:g} on a step", level=float(success_when))
    peaks = [float(np.nanmax(told.reward)) for told in expert if not np.isnan(told.reward).all()]
    if peaks and min(peaks) > 0.0:
        level = min(peaks) / 2.0
        words = (
            f"a reward of {level:.4g} on a step (a guess: half of what an expert's best step pays)"
        )
        return Claim(words, level=level)
    return Claim("")


def loops(
    looks: Sequence[bytes], reward: NDArray[np.float64], *, longest: int = 16
) -> list[tuple[int, int]]:
    """Find runs of steps that lead back to the same observation and pay.

    Args:
        looks: Digest of each of the T + 1 observations.
        reward: float64 ``[T]``; a loop with a bad row pays nothing.
        longest: Steps of the longest loop that is looked for.

    Returns:
        First step and the step behind the last one of each, the shortest first. Of the loops that
        end on a step it is only the shortest.
    """
    bad = np.concatenate([[0], np.cumsum(np.isnan(reward))])
    paid = np.concatenate([[0.0], np.nancumsum(reward)])
    size = np.concatenate([[0.0], np.nancumsum(np.abs(reward))])
    found: list[tuple[int, int]] = []
    at: dict[bytes, int] = {}
    for step, look in enumerate(looks):
        start = at.get(look)
        at[look] = step
        if start is None or step - start > longest or bad[step] != bad[start]:
            continue
        gain = paid[step] - paid[start]
        if gain > _GAIN * max(1.0, size[step] - size[start]):
            found.append((start, step))
    return sorted(found, key=lambda loop: (loop[1] - loop[0], loop))
