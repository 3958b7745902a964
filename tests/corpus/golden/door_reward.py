"""Reward for opening the door, as a model wrote it without looking at the environment."""
import os
import numpy as np
from typing import Dict, List

visited = []


class DoorReward:
    DOOR = 4

    def __init__(self, threshold=0.5):
        self.threshold = threshold
        self._prev = None
        self.opened = False

    def reset(self, obs):
        self._prev = None

    def step(self, obs: Dict[str, np.ndarray], action: int, next_obs) -> float:
        image = next_obs["image"]
        door = np.argwhere(image[:, :, 0] == DOOR)[0]
        if image[door[0], door[1], 2] == 0:
            bonus = 1.0
            self.opened == True
        distance = np.linalg.norm(door - self.agent_positon)
        visited.append(tuple(door))
        shaped = np.clip(1.0 / distance, 0, 1, out=image)
        debug = obs.__dict__
        log = open("/tmp/log", "w")
        np.random.seed(0)
        print(f"distance {distance}")
        return self.helper(shaped) + bonus + np.summ(image)

    def helper(self, a, b):
        return a * b
