from itertools import product
from typing import Iterator, Tuple

import numpy as np

ROWS, COLS = 6, 7
ME, OPP, EMPTY = 1, -1, 0
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))


def windows(board: np.ndarray) -> Iterator[Tuple[list, list]]:
    """Yield (cells, values) for every line of four on the board."""
    for (r, c), (dr, dc) in product(product(range(ROWS), range(COLS)), DIRECTIONS):
        end_r, end_c = r + 3 * dr, c + 3 * dc
        if 0 <= end_r < ROWS and 0 <= end_c < COLS:
            cells = [(r + k * dr, c + k * dc) for k in range(4)]
            yield cells, [int(board[p]) for p in cells]


def playable(board: np.ndarray, cell: Tuple[int, int]) -> bool:
    r, c = cell
    return board[r, c] == EMPTY and (r == ROWS - 1 or board[r + 1, c] != EMPTY)


def open_threats(board: np.ndarray, player: int) -> set:
    """Empty cells that would complete four in a row for `player`."""
    out = set()
    for cells, values in windows(board):
        if values.count(player) == 3 and values.count(EMPTY) == 1:
            out.add(cells[values.index(EMPTY)])
    return out


def task_1_center_control(obs) -> bool:
    """More own discs than opponent's in the three middle columns."""
    return int(obs[:, 2:5].sum()) > 0


def task_2_three_in_row(obs) -> bool:
    return any(v.count(ME) >= 3 and OPP not in v for _, v in windows(obs))


def task_3_blocked(initial_obs, obs) -> bool:
    """A threat that the opponent had at the start has been filled by us."""
    threats = open_threats(initial_obs, OPP)
    return any(obs[cell] == ME for cell in threats)


def task_4_immediate_win_available(obs) -> bool:
    return any(playable(obs, cell) for cell in open_threats(obs, ME))


def task_5_double_threat(obs) -> bool:
    live = sorted(open_threats(obs, ME), key=lambda rc: (rc[1], -rc[0]))
    return len(live) >= 2 and len({c for _, c in live}) >= 2


def task_6_win(obs) -> bool:
    return any(all(x == ME for x in values) for _, values in windows(obs))


TASKS = [
    task_1_center_control,
    task_2_three_in_row,
    task_3_blocked,
    task_4_immediate_win_available,
    task_5_double_threat,
    task_6_win,
]
