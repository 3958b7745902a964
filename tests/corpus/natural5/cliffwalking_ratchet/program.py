class CliffReward:
    """CliffWalking-v0 (4 x 12 grid, state = row * 12 + col): pays only new records."""

    GOAL = 47

    def reset(self, obs):
        self.visited = {obs}
        self.best = self._distance(obs)

    def _distance(self, s):
        row, col = divmod(s, 12)
        return abs(row - 3) + abs(col - 11)

    def step(self, obs, action, next_obs):
        if next_obs == self.GOAL:
            return 10.0
        # falling teleports the agent back to the start
        if next_obs == 36 and self._distance(obs) < self._distance(next_obs) - 1:
            return -5.0

        r = -0.1 - (0.05 if next_obs in self.visited else 0)
        self.visited.add(next_obs)
        d = self._distance(next_obs)
        if d < self.best:
            r += 0.5 * (self.best - d)
            self.best = d
        return r
