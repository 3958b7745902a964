import numpy as np

DIRECTIONS = [(0, 1), (1, 0), (1, 1), (1, -1)]


def count_lines(board, player, length):
    rows, cols = board.shape
    count = 0
    for r in range(rows):
        for c in range(cols):
            for dr, dc in DIRECTIONS:
                end_r, end_c = r + (length - 1) * dr, c + (length - 1) * dc
                if not (0 <= end_r < rows and 0 <= end_c < cols):
                    continue
                if all(board[r + k * dr, c + k * dc] == player for k in range(length)):
                    count += 1
    return count


def reward(obs, action, next_obs):
    """Connect four: 6 x 7 board, 0 empty, 1 me, 2 the opponent."""
    if count_lines(next_obs, 1, 4) > 0:
        return 1.0
    if count_lines(next_obs, 2, 4) > 0:
        return -1.0
    threes = count_lines(next_obs, 1, 3) - count_lines(obs, 1, 3)
    centre = np.sum(next_obs[:, 3] == 1) - np.sum(obs[:, 3] == 1)
    try:
        height = int(np.nonzero(obs[:, action])[0][0])
    except IndexError:
        height = obs.shape[0]
    full = -0.5 if height == 0 else 0.0
    return 0.1 * threes + 0.05 * float(centre) + full
# ---
import numpy as np


def score_window(window, piece):
    opp = 2 if piece == 1 else 1
    score = 0
    if window.count(piece) == 4:
        score += 100
    elif window.count(piece) == 3 and window.count(0) == 1:
        score += 5
    elif window.count(piece) == 2 and window.count(0) == 2:
        score += 2
    if window.count(opp) == 3 and window.count(0) == 1:
        score -= 4
    return score


def score_position(board, piece):
    score = 0
    center = [int(i) for i in list(board[:, 3])]
    score += center.count(piece) * 3
    for r in range(6):
        row = [int(i) for i in list(board[r, :])]
        for c in range(4):
            score += score_window(row[c:c + 4], piece)
    for c in range(7):
        col = [int(i) for i in list(board[:, c])]
        for r in range(3):
            score += score_window(col[r:r + 4], piece)
    for r in range(3):
        for c in range(4):
            score += score_window([board[r + i][c + i] for i in range(4)], piece)
            score += score_window([board[r + 3 - i][c + i] for i in range(4)], piece)
    return score


def reward(obs, action, next_obs):
    return (score_position(next_obs, 1) - score_position(obs, 1)) / 100.0
# ---
import numpy as np


def flood_fill(board, start, value):
    stack = [start]
    region = set()
    while stack:
        r, c = stack.pop()
        if r < 0 or r >= board.shape[0] or c < 0 or c >= board.shape[1]:
            continue
        if (r, c) in region or board[r, c] != value:
            continue
        region.add((r, c))
        stack.extend([(r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)])
    return region


def largest_group(board, value):
    seen = set()
    sizes = []
    for r in range(board.shape[0]):
        for c in range(board.shape[1]):
            if board[r, c] == value and (r, c) not in seen:
                region = flood_fill(board, (r, c), value)
                seen |= region
                sizes.append(len(region))
    return max(sizes, default=0)


def reward(obs, action, next_obs):
    mine = largest_group(next_obs, 1) - largest_group(obs, 1)
    theirs = largest_group(next_obs, 2) - largest_group(obs, 2)
    return 0.1 * (mine - theirs)
