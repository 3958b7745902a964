from collections import deque
from typing import Dict, Optional, Set, Tuple

import numpy as np

Cell = Tuple[int, int]

WALL, DOOR, KEY, BALL, AGENT = 2, 4, 5, 6, 10
COLORS = {"red": 0, "green": 1, "blue": 2, "purple": 3, "yellow": 4, "grey": 5}


class KeyCorridorReward:
    """Exploration + milestone reward for KeyCorridor with full observations."""

    def __init__(self, step_cost: float = 0.005, novelty: float = 0.05):
        self.step_cost = step_cost
        self.novelty = novelty
        self.visited: Set[Cell] = set()
        self.opened: Set[Cell] = set()
        self.milestones: Dict[str, int] = {}
        self.best_distance = float("inf")

    def reset(self, obs):
        self.visited = set()
        self.opened = {tuple(c) for c in np.argwhere(self._open_doors(obs["image"])).tolist()}
        self.milestones = {"key": 0, "door": 0, "ball": 0}
        self.best_distance = float("inf")
        self.target_color = self._mission_color(obs["mission"])
        pos = self._agent(obs["image"])
        if pos is not None:
            self.visited.add(pos)

    @staticmethod
    def _mission_color(mission: str) -> Optional[int]:
        for word in mission.split():
            if word in COLORS:
                return COLORS[word]
        return None

    @staticmethod
    def _open_doors(image):
        return (image[..., 0] == DOOR) & (image[..., 2] == 0)

    @staticmethod
    def _agent(image) -> Optional[Cell]:
        where = np.argwhere(image[..., 0] == AGENT)
        return (int(where[0][0]), int(where[0][1])) if len(where) else None

    def _distance(self, image, start: Cell, goals: Set[Cell]) -> float:
        """Steps until next to one of the goals; closed doors count as passable."""
        queue, seen = deque([(start, 0)]), {start}
        while queue:
            (x, y), d = queue.popleft()
            for dx, dy in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                n = (x + dx, y + dy)
                if n in goals:
                    return d
                inside = 0 <= n[0] < image.shape[0] and 0 <= n[1] < image.shape[1]
                if inside and n not in seen and image[n][0] not in (WALL, KEY, BALL):
                    seen.add(n)
                    queue.append((n, d + 1))
        return float("inf")

    def step(self, obs, action, next_obs):
        image = next_obs["image"]
        reward = -self.step_cost
        info = {"explore": 0.0, "doors": 0.0, "milestone": 0.0, "closer": 0.0}

        pos = self._agent(image)
        if pos is not None and pos not in self.visited:
            self.visited.add(pos)
            info["explore"] = self.novelty / np.sqrt(len(self.visited))

        now_open = set(map(tuple, np.argwhere(self._open_doors(image)).tolist()))
        new = now_open - self.opened
        info["doors"] = 0.3 * len(new)
        self.opened |= new

        held = int(next_obs["carrying"][0])
        if held == KEY and not self.milestones["key"]:
            self.milestones["key"] = 1
            info["milestone"] += 1.0
            self.best_distance = float("inf")
        if held == BALL and not self.milestones["ball"]:
            self.milestones["ball"] = 1
            right = self.target_color is None or int(next_obs["carrying"][1]) == self.target_color
            info["milestone"] += 5.0 if right else -1.0

        # best-so-far shaping to the key first, to the ball afterwards
        if pos is not None:
            what = BALL if self.milestones["key"] else KEY
            goals = {tuple(c) for c in np.argwhere(image[..., 0] == what).tolist()}
            if goals:
                d = self._distance(image, pos, goals)
                if d < self.best_distance:
                    if self.best_distance != float("inf"):
                        info["closer"] = 0.1 * (self.best_distance - d)
                    self.best_distance = d
        return reward + sum(info.values()), info
