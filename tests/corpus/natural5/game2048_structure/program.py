import numpy as np

# The board holds exponents: 0 = empty, 1 = "2", 2 = "4", ..., 11 = "2048"


def _monotone_lines(board):
    lines = list(board) + list(board.T)
    count = 0
    for line in lines:
        diffs = np.diff(line.astype(int))
        if np.all(diffs >= 0) or np.all(diffs <= 0):
            count += 1
    return count


def _mergeable(board):
    h = (board[:, :-1] == board[:, 1:]) & (board[:, 1:] > 0)
    v = (board[:-1] == board[1:]) & (board[1:] > 0)
    return int(h.sum() + v.sum())


def _snake(board):
    """Flatten the board in boustrophedon order from the top-left corner."""
    return np.concatenate([row if i % 2 == 0 else row[::-1] for i, row in enumerate(board)])


def task_1_reach_64(obs):
    return obs.max() >= 6


def task_2_max_in_corner(obs):
    corners = obs[[0, 0, -1, -1], [0, -1, 0, -1]]
    return obs.max() > 0 and obs.max() in corners


def task_3_three_free_cells(initial_obs, obs):
    # progress with a clean board: sum of tiles grew, yet there's space left
    value = np.where(obs > 0, 2.0 ** obs, 0).sum()
    start = np.where(initial_obs > 0, 2.0 ** initial_obs, 0).sum()
    return value > start and np.count_nonzero(obs == 0) >= 3


def task_4_ordered_rows(obs):
    return _monotone_lines(obs) >= 5


def task_5_big_tiles_in_chain(obs):
    order = _snake(obs)
    top = np.sort(order)[::-1][:4]
    return bool(np.array_equal(order[:4], top)) and top[0] >= 5


def task_6_still_alive(obs):
    return bool((obs == 0).any()) or _mergeable(obs) > 0


TASKS = [
    task_1_reach_64,
    task_2_max_in_corner,
    task_3_three_free_cells,
    task_4_ordered_rows,
    task_5_big_tiles_in_chain,
    task_6_still_alive,
]
