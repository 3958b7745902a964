import numpy as np

# heuristics in the spirit of the usual minimax evaluation
WEIGHTS = {2: 0.02, 3: 0.10, 4: 1.00}


def windows(board):
    """Stack every window of four cells: (n_windows, 4)."""
    rows, cols = board.shape
    out = []
    out += [board[r, c:c + 4] for r in range(rows) for c in range(cols - 3)]
    out += [board[r:r + 4, c] for r in range(rows - 3) for c in range(cols)]
    idx = np.arange(4)
    out += [board[r + idx, c + idx] for r in range(rows - 3) for c in range(cols - 3)]
    out += [board[r + 3 - idx, c + idx] for r in range(rows - 3) for c in range(cols - 3)]
    return np.stack(out)


def potential(board, me=1, other=-1):
    w = windows(board)
    mine = (w == me).sum(axis=1)
    theirs = (w == other).sum(axis=1)
    score = 0.0
    for n, weight in WEIGHTS.items():
        score += weight * np.sum((mine == n) & (theirs == 0))
        score -= 1.2 * weight * np.sum((theirs == n) & (mine == 0))
    center = board[:, board.shape[1] // 2]
    score += 0.01 * (np.sum(center == me) - np.sum(center == other))
    return score, int((mine == 4).any()), int((theirs == 4).any())


def reward(obs, action, next_obs, gamma=0.99):
    phi, _, _ = potential(obs["board"])
    next_phi, win, loss = potential(next_obs["board"])
    illegal = bool(obs["board"][0, action] != 0)

    shaping = float(gamma * next_phi - phi)
    terminal = 1.0 * win - 1.0 * loss
    total = np.clip(shaping, -0.5, 0.5) + terminal - 0.5 * illegal
    return float(total), {
        "shaping": shaping,
        "terminal": terminal,
        "illegal": -0.5 * illegal,
        "height": float(np.count_nonzero(next_obs["board"][:, action])),
    }
