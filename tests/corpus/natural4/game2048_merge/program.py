import numpy as np

SNAKE = np.array([[15, 14, 13, 12], [8, 9, 10, 11], [7, 6, 5, 4], [0, 1, 2, 3]])


def compute_reward(obs, action, next_obs):
    """2048 with a board of exponents (0 = empty, 1 = 2, 2 = 4, ...)."""
    b0, b1 = obs.astype(np.int64), next_obs.astype(np.int64)
    v1 = np.where(b1 > 0, 2.0 ** b1, 0.0)

    merges = max(0, np.count_nonzero(b0) + 1 - np.count_nonzero(b1))
    smooth = -(np.abs(np.diff(b1, axis=0)).sum() + np.abs(np.diff(b1, axis=1)).sum()) / 24
    mono = sum(max((np.diff(line) >= 0).mean(), (np.diff(line) <= 0).mean()) for line in (*b1, *b1.T)) / 8
    snake = (v1 * SNAKE).sum() / (v1.sum() * 15 + 1e-8)
    new_max = b1.max() > b0.max()
    corner = b1.max() in (b1[0, 0], b1[0, -1], b1[-1, 0], b1[-1, -1])
    stuck = np.array_equal(b0, b1)

    r = 0.25 * merges + 0.05 * smooth + 0.2 * mono + 0.3 * snake + 0.1 * corner + new_max * b1.max() / 11 - 1.0 * stuck
    return float(r)
