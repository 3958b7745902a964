import numpy as np

SNAKE = np.array([
    [15, 14, 13, 12],
    [8, 9, 10, 11],
    [7, 6, 5, 4],
    [0, 1, 2, 3],
])
CORNERS = [(0, 0), (0, 3), (3, 0), (3, 3)]


def merge_line(line):
    """Slide one row to the left. Returns (new row, score)."""
    tiles = [int(t) for t in line if t]
    out, score, i = [], 0, 0
    while i < len(tiles):
        if i + 1 < len(tiles) and tiles[i] == tiles[i + 1]:
            out.append(tiles[i] + 1)
            score += 2 ** (tiles[i] + 1)
            i += 2
        else:
            out.append(tiles[i])
            i += 1
    return out + [0] * (4 - len(out)), score


def move(board, direction):
    """0 left, 1 up, 2 right, 3 down; boards hold exponents (0 = empty)."""
    rotated = np.rot90(board, direction)
    rows, total = [], 0
    for line in rotated:
        merged, score = merge_line(line)
        rows.append(merged)
        total += score
    return np.rot90(np.array(rows), -direction), total


def smoothness(board):
    b = board.astype(float)
    return -(np.abs(np.diff(b, axis=0)).sum() + np.abs(np.diff(b, axis=1)).sum())


def monotonicity(board):
    score = 0
    for lines in (board, board.T):
        for line in lines:
            d = np.diff(line.astype(int))
            if (d >= 0).all() or (d <= 0).all():
                score += 1
    return score


def best_snake(board):
    weights = 2.0 ** (SNAKE - 15)
    variants = [np.rot90(weights, k) for k in range(4)] + [np.rot90(weights.T, k) for k in range(4)]
    return max(float((np.where(board > 0, 2.0 ** board, 0.0) * w).sum()) for w in variants)


def reward(obs, action, next_obs):
    moved, gained = move(obs, action)
    if np.array_equal(moved, obs):
        return {"total": -1.0, "invalid": 1.0}

    empties = int((next_obs == 0).sum())
    biggest = int(next_obs.max())
    old_biggest = int(obs.max())

    r, c = np.unravel_index(int(next_obs.argmax()), next_obs.shape)
    in_corner = (r, c) in CORNERS

    options = [d for d in range(4) if not np.array_equal(move(next_obs, d)[0], next_obs)]

    merge = np.log2(gained + 1) / 4.0
    space = 0.1 * (empties - int((obs == 0).sum()))
    order = 0.02 * smoothness(next_obs) + 0.1 * monotonicity(next_obs)
    corner = 0.3 if in_corner else -0.1
    snake = 0.05 * np.log2(1.0 + best_snake(next_obs))
    record = 1.0 * max(biggest - old_biggest, 0) if biggest >= 5 else 0.0
    dead = -5.0 if not options else 0.0

    total = merge + space + order + corner + snake + record + dead
    return {
        "total": float(total),
        "merge": float(merge),
        "space": space,
        "order": float(order),
        "corner": corner,
        "snake": float(snake),
        "record": record,
        "dead": dead,
        "moves_left": len(options),
    }
