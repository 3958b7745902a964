import numpy as np

HIDDEN, FLAG, MINE = -1, -2, -3


def neighbours(mask):
    """Count True among the 8 neighbours of every cell."""
    padded = np.pad(mask.astype(int), 1)
    h, w = mask.shape
    total = np.zeros((h, w), dtype=int)
    for dr in range(3):
        for dc in range(3):
            if (dr, dc) != (1, 1):
                total += padded[dr:dr + h, dc:dc + w]
    return total


class MinesweeperReward:
    def reset(self, obs):
        self.opened_total = int((obs >= 0).sum())
        self.streak = 0
        self.history = np.zeros(obs.shape, dtype=bool)

    def step(self, obs, action, next_obs):
        h, w = obs.shape
        r, c = divmod(action % (h * w), w)
        flagging = action >= h * w

        exploded = bool(np.any(next_obs == MINE))
        newly_open = (obs < 0) & (next_obs >= 0)
        n_open = int(newly_open.sum())
        self.opened_total += n_open

        # was the cell deducible from the visible numbers?
        hidden = (obs == HIDDEN) | (obs == FLAG)
        unknown = neighbours(hidden)
        flags = neighbours(obs == FLAG)
        number = np.where(obs >= 0, obs, -99)
        all_mines = (number == unknown) & (obs > 0)
        all_safe = (number == flags) & (obs > 0)
        around_all_mines = neighbours(all_mines)[r, c] > 0
        around_all_safe = neighbours(all_safe)[r, c] > 0

        if flagging:
            logic = 0.3 if around_all_mines else -0.1
        else:
            logic = 0.2 if around_all_safe else 0.0

        repeat = self.history[r, c] and not flagging
        self.history[r, c] = True
        self.streak = self.streak + 1 if n_open > 0 and not exploded else 0

        components = {
            "open": 0.05 * np.sqrt(n_open),
            "logic": logic,
            "repeat": -0.2 * float(repeat),
            "streak": 0.02 * min(self.streak, 5),
            "explode": -1.0 * exploded,
            "coverage": 0.1 * self.opened_total / obs.size,
        }
        return float(sum(components.values())), {k: float(v) for k, v in components.items()}
