"""A model that says what a test wants it to say, and a small workshop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from carruntime.generate.messages import Answer, Keep, Request
from carruntime.generate.runner import Episodes, Workshop

ENV_ID = "MiniGrid-DoorKey-5x5-v0"
TASK = "Take the key, open the door, go to the goal."
SUBTASKS = "1. take_key: the agent carries the key\n2. reach_goal: it steps onto the goal\n"
TAKE_KEY = """\
def task_1_take_key(next_obs):
    return next_obs["image"][3, 6, 0] == 5
"""
REACH_GOAL = """\
def task_2_reach_goal(obs, action, next_obs):
    return obs["image"][3, 5, 0] == 8 and action == 2
"""
REWARD = """\
def reward(obs, action, next_obs):
    parts = {"time": -0.01, "goal": 1.0 if task_2_reach_goal(obs, action, next_obs) else 0.0}
    return sum(parts.values()), parts
"""


def fenced(program: str) -> str:
    """Give a program as models do."""
    return f"```python\n{program}```\n"


GOOD = {
    "task": TASK,
    "subtasks": SUBTASKS,
    "subtask-1": fenced(TAKE_KEY),
    "subtask-2": fenced(REACH_GOAL),
    "reward": fenced(REWARD),
    "whole": fenced(f"{TAKE_KEY}\n\n{REACH_GOAL}\n\n{REWARD}"),
}


class Scripted:
    """Answers by purpose.

    Args:
        answers: Purpose to text, to texts by the number of the sample, or to a function.
    """

    name = "scripted"

    def __init__(self, answers: dict[str, str | list[str] | Callable[[Request], str]]) -> None:
        self.answers = {**GOOD, **answers}
        self.asked: list[Request] = []

    @property
    def settings(self) -> dict[str, Any]:
        return {"kind": "scripted"}

    def ask(self, requests: Sequence[Request], keep: Keep) -> None:
        for request in requests:
            self.asked.append(request)
            said = self.answers[request.purpose]
            if callable(said):
                text = said(request)
            elif isinstance(said, list):
                text = said[min(request.sample, len(said) - 1)]
            else:
                text = said
            keep(request, Answer(text, finish="stop", origin="authored"))

    def texts(self, purpose: str) -> list[str]:
        """Give the questions of a purpose."""
        return [item.text for item in self.asked if item.purpose == purpose]


@cache
def workshop() -> Workshop:
    """Give the workshop that all tests of a process share."""
    return Workshop(ENV_ID, episodes=Episodes(expert=36, random=36, horizon=30))
