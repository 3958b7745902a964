# against: grid
import numpy as np

DOORS = [(1, 1), (3, 5)]


class Explorer:
    def reset(self, obs):
        self.visited = set()
        self.seen = []
        self.counts = {}

    def step(self, obs, next_obs):
        cell = next_obs["image"][3, 6]
        total = 0.1 if cell not in self.seen else 0.0
        self.seen.append(cell)
        if cell in self.visited:
            total -= 0.1
        self.visited.add(cell)
        self.counts[cell] = self.counts.get(cell, 0) + 1
        front = np.zeros(2)
        if front in DOORS or next_obs["direction"] in (np.ones(2), 1):
            total += 1.0
        if next_obs["direction"] in (1, 2) and tuple(cell) in DOORS:
            total += 2.0
        return total
