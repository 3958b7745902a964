from collections import deque

import numpy as np


class SnakeReward:
    """
    obs: (12, 12) int8 grid, 0 empty, 1 body, 2 head, 3 food.
    Rewards eating, moving towards the food and keeping an escape route.
    """

    def __init__(self):
        self.head_history = deque(maxlen=12)
        self.steps_since_food = 0

    def reset(self, obs):
        self.head_history.clear()
        head = self.find(obs, 2)
        if head is not None:
            self.head_history.append(head)
        self.steps_since_food = 0

    @staticmethod
    def find(grid, code):
        pos = np.argwhere(grid == code)
        return tuple(pos[0].tolist()) if len(pos) else None

    @staticmethod
    def length(grid):
        return int(np.isin(grid, (1, 2)).sum())

    @staticmethod
    def flood_fill(grid, start, limit):
        """Count free cells reachable from start, up to limit."""
        h, w = grid.shape
        seen = {start}
        stack = [start]
        count = 0
        while stack and count < limit:
            y, x = stack.pop()
            for ny, nx in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if not (0 <= ny < h and 0 <= nx < w):
                    continue
                if (ny, nx) in seen or grid[ny, nx] == 1:
                    continue
                seen.add((ny, nx))
                stack.append((ny, nx))
                count += 1
        return count

    def step(self, obs, action, next_obs):
        head = self.find(next_obs, 2)
        if head is None:
            return -10.0  # died, the head is gone

        self.steps_since_food += 1
        reward = 0.0

        grown = self.length(next_obs) - self.length(obs)
        if grown > 0:
            reward += 5.0 + 0.1 * self.length(next_obs)
            self.steps_since_food = 0
            self.head_history.clear()
        else:
            old_head, food = self.find(obs, 2), self.find(next_obs, 3)
            if food is not None and old_head is not None:
                before = abs(old_head[0] - food[0]) + abs(old_head[1] - food[1])
                after = abs(head[0] - food[0]) + abs(head[1] - food[1])
                reward += 0.1 if after < before else -0.12

        # do not get trapped
        needed = self.length(next_obs)
        space = self.flood_fill(next_obs, head, limit=2 * needed)
        if space < needed:
            reward -= 1.0 * (1 - space / needed)

        # circling
        if head in self.head_history:
            reward -= 0.05 * self.head_history.count(head)
        self.head_history.append(head)

        if self.steps_since_food > 60:
            reward -= 0.02 * min(self.steps_since_food - 60, 50)
        return reward
