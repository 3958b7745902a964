from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Iterable, Optional

import numpy as np

COLORS = {c: i for i, c in enumerate(["red", "green", "blue", "purple", "yellow", "grey"])}
KINDS = {"door": 4, "key": 5, "ball": 6, "box": 7}
AGENT = 10
DIRS = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])


class Verb(Enum):
    GO_TO = "go to"
    PICK_UP = "pick up"
    OPEN = "open"


@dataclass
class Goal:
    verb: Verb
    kind: int
    color: Optional[int] = None
    done: bool = False

    @classmethod
    def parse(cls, text: str) -> Optional[Goal]:
        text = text.strip()
        for verb in Verb:
            if text.startswith(verb.value):
                rest = text[len(verb.value):].split()
                kinds = [KINDS[w] for w in rest if w in KINDS]
                if not kinds:
                    return None
                colors = [COLORS[w] for w in rest if w in COLORS]
                return cls(verb, kinds[0], colors[0] if colors else None)
        return None

    def mask(self, image: np.ndarray) -> np.ndarray:
        m = image[:, :, 0] == self.kind
        return m if self.color is None else m & (image[:, :, 1] == self.color)

    def cells(self, image) -> Iterable[tuple]:
        return [tuple(c) for c in np.argwhere(self.mask(image))]

    def satisfied(self, obs) -> bool:
        image = obs["image"]
        if self.verb is Verb.PICK_UP:
            kind, color = (int(v) for v in obs["carrying"])
            return kind == self.kind and (self.color is None or color == self.color)
        if self.verb is Verb.OPEN:
            return any(image[c][2] == 0 for c in self.cells(image))
        front = front_cell(image)
        return front is not None and front in self.cells(image)


def agent_cell(image):
    found = np.argwhere(image[:, :, 0] == AGENT)
    return tuple(found[0]) if len(found) else None


def front_cell(image):
    pos = agent_cell(image)
    if pos is None:
        return None
    d = DIRS[image[pos][2] % 4]
    return pos[0] + d[0], pos[1] + d[1]


def split_mission(mission: str) -> list[str]:
    """'A, then B' -> [A, B]; 'A after you B' -> [B, A]; 'A and B' -> [A, B]."""
    m = mission.lower()
    if " after you " in m:
        second, first = m.split(" after you ", 1)
        return split_mission(first) + split_mission(second)
    for sep in (", then ", " then ", " and "):
        if sep in m:
            return [part for chunk in m.split(sep) for part in split_mission(chunk)]
    return [m] if m else []


class SequenceReward:
    """Pays for each instruction of the mission that is completed in the right order."""

    def reset(self, obs):
        parsed = (Goal.parse(part) for part in split_mission(obs["mission"]))
        self.goals = [g for g in parsed if g is not None]
        self.closest = None
        self.finished = False

    def step(self, obs, action, next_obs):
        image = next_obs["image"]
        info = {"completed": 0.0, "shaping": 0.0, "wrong_order": 0.0, "time": -0.01}
        pending = [(i, g) for i, g in enumerate(self.goals) if not g.done]
        if not pending:
            return info["time"], info

        idx, goal = pending[0]
        if goal.satisfied(next_obs):
            goal.done = True
            self.closest = None
            info["completed"] = 1.0 + idx
        elif any(g.satisfied(next_obs) for _, g in pending[1:]):
            info["wrong_order"] = -0.1
        elif (pos := agent_cell(image)) is not None and (cells := goal.cells(image)):
            d = min(abs(pos[0] - x) + abs(pos[1] - y) for x, y in cells)
            if self.closest is not None and d < self.closest:
                info["shaping"] = 0.1 * float(self.closest - d)
            self.closest = d if self.closest is None else min(d, self.closest)

        if all(g.done for g in self.goals) and not self.finished:
            self.finished = True
            info["all_done"] = 5.0
        return sum(info.values()), info
