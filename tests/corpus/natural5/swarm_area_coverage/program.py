import numpy as np


class CoverageReward:
    """Shared reward of 10 drones that have to cover a 10 x 10 m field together.

    - newly covered cells (0.5 m grid, sensing radius 1 m)
    - connectivity of the communication graph (range 3 m)
    - collision avoidance (closer than 0.3 m)
    """

    CELL = 0.5
    SIZE = 10.0
    SENSE = 1.0
    COMM = 3.0
    SAFE = 0.3

    def __init__(self):
        n = int(self.SIZE / self.CELL)
        centers = (np.arange(n) + 0.5) * self.CELL
        gx, gy = np.meshgrid(centers, centers, indexing="ij")
        self.cells = np.stack([gx.ravel(), gy.ravel()], axis=1)
        self.covered = np.zeros(len(self.cells), dtype=bool)

    def reset(self, obs):
        self.covered = self._sensed(obs["positions"], obs["battery"] > 0)

    def _sensed(self, positions, alive):
        if not alive.any():
            return np.zeros(len(self.cells), dtype=bool)
        p = positions[alive]
        d2 = ((self.cells[:, None, :] - p[None, :, :]) ** 2).sum(axis=2)
        return (d2 <= self.SENSE ** 2).any(axis=1)

    def _components(self, positions, alive):
        """Number of connected groups of living drones."""
        ids = np.flatnonzero(alive)
        parent = {i: i for i in ids}

        def find(i):
            while parent[i] != i:
                parent[i] = parent[parent[i]]
                i = parent[i]
            return i

        for a in range(len(ids)):
            for b in range(a + 1, len(ids)):
                i, j = ids[a], ids[b]
                if np.linalg.norm(positions[i] - positions[j]) <= self.COMM:
                    parent[find(i)] = find(j)
        return len({find(i) for i in ids})

    def step(self, obs, action, next_obs, t):
        pos = next_obs["positions"]
        alive = next_obs["battery"] > 0

        new = self._sensed(pos, alive) & ~self.covered
        self.covered |= new
        coverage = self.covered.mean()

        dist = np.linalg.norm(pos[:, None] - pos[None], axis=-1)
        np.fill_diagonal(dist, np.inf)
        collisions = int((dist < self.SAFE).sum()) // 2

        groups = self._components(pos, alive)
        outside = np.any((pos < 0) | (pos > self.SIZE), axis=1).sum()
        died = int(((obs["battery"] > 0) & ~alive).sum())

        reward = 0.05 * new.sum()
        reward -= 0.5 * collisions
        reward -= 0.1 * max(groups - 1, 0)
        reward -= 0.2 * outside
        reward -= 2.0 * died
        reward -= 0.01 * np.abs(action).mean()
        if coverage > 0.9:
            reward += 10.0 * 0.995 ** t
        return float(reward)
