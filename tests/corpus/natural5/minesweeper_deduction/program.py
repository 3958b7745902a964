import numpy as np

HIDDEN = -1
FLAG = -2
MINE = 9


class MinesweeperReward:
    def __init__(self):
        self.safe_known = set()
        self.guesses = 0
        self.opened = 0

    def reset(self, obs):
        self.guesses = 0
        self.opened = int((obs >= 0).sum())
        self.safe_known = self._deduce(obs)[0]

    def _neighbours(self, r, c, shape):
        h, w = shape
        return [
            (i, j)
            for i in range(max(0, r - 1), min(h, r + 2))
            for j in range(max(0, c - 1), min(w, c + 2))
            if (i, j) != (r, c)
        ]

    def _deduce(self, board):
        """Single-cell rules: which hidden cells are certainly safe / certainly mines."""
        safe, mines = set(), set()
        for _ in range(2):
            for r in range(board.shape[0]):
                for c in range(board.shape[1]):
                    n = board[r, c]
                    if n < 1 or n == MINE:
                        continue
                    around = self._neighbours(r, c, board.shape)
                    hidden = [p for p in around if board[p] in (HIDDEN, FLAG)]
                    known = [p for p in hidden if p in mines]
                    unknown = [p for p in hidden if p not in mines and p not in safe]
                    if len(known) == n:
                        safe.update(unknown)
                    elif len(known) + len(unknown) == n:
                        mines.update(unknown)
        return safe, mines

    def step(self, obs, action, next_obs):
        r, c = divmod(action, 8)
        reward = 0.0

        if obs[r, c] >= 0:
            return -0.3                      # already open, wasted click

        if next_obs[r, c] == MINE:
            # much worse if a safe move was available
            return -5.0 if self.safe_known else -2.0

        if (r, c) in self.safe_known:
            reward += 0.5
        else:
            self.guesses += 1
            reward -= 0.1 * self.guesses

        opened = int(np.count_nonzero((next_obs >= 0) & (next_obs != MINE)))
        newly = opened - self.opened
        if newly > 0:
            reward += 0.2 + 0.02 * (newly - 1)
        self.opened = opened

        self.safe_known, mines = self._deduce(next_obs)
        reward += 0.05 * len(self.safe_known)

        if np.count_nonzero(next_obs == HIDDEN) <= len(mines):
            reward += 10.0
        return reward
