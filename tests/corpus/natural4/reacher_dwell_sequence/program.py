import numpy as np


class DwellReward:
    """Touch the targets in order; each must be held for `dwell` steps to count."""

    def __init__(self, dwell=2, tol=0.05):
        self.dwell, self.tol = dwell, tol

    def reset(self, obs):
        self.i, self.held, self.d_prev = 0, 0, None

    def step(self, obs, action):
        q, tip, targets = obs[:2], obs[4:6], obs[6:12].reshape(3, 2)
        if self.i == 3:
            return 0.1 - 0.1 * float(action @ action)

        d = np.linalg.norm(targets[self.i] - tip)
        shaping = 0.0 if self.d_prev is None else self.d_prev - d
        inside = d < self.tol
        self.held = self.held + 1 if inside else max(self.held - 1, 0)

        bonus = 0.0
        if self.held >= self.dwell:
            bonus, self.i, self.held, self.d_prev = 1.0 + self.i, self.i + 1, 0, None
        else:
            self.d_prev = d

        limit = np.maximum(np.abs(q) - 2.8, 0).sum()
        return float(4 * shaping + 0.2 * inside * (1 - d / self.tol) + bonus - 0.1 * (action @ action) - limit)
