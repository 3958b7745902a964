import numpy as np

ROWS, COLS = 6, 7
ME, OPP, EMPTY = 1, -1, 0
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))


def get_windows(board):
    """Yield every line of four cells on the board."""
    for r in range(ROWS):
        for c in range(COLS):
            for dr, dc in DIRECTIONS:
                end_r, end_c = r + 3 * dr, c + 3 * dc
                if 0 <= end_r < ROWS and 0 <= end_c < COLS:
                    yield [board[r + i * dr][c + i * dc] for i in range(4)]


def score_window(window, player):
    mine = window.count(player)
    empty = window.count(EMPTY)
    if mine == 4:
        return 100
    if mine == 3 and empty == 1:
        return 5
    if mine == 2 and empty == 2:
        return 2
    return 0


def evaluate(board):
    board = np.asarray(board).tolist()
    own = opp = 0
    for window in get_windows(board):
        own += score_window(window, ME)
        opp += score_window(window, OPP)
    centre = [row[COLS // 2] for row in board]
    own += 3 * centre.count(ME)
    opp += 3 * centre.count(OPP)
    return own, opp


def has_won(board, player):
    b = np.asarray(board) == player
    if np.any(b[:, :-3] & b[:, 1:-2] & b[:, 2:-1] & b[:, 3:]):
        return True
    if np.any(b[:-3] & b[1:-2] & b[2:-1] & b[3:]):
        return True
    if np.any(b[:-3, :-3] & b[1:-2, 1:-2] & b[2:-1, 2:-1] & b[3:, 3:]):
        return True
    if np.any(b[3:, :-3] & b[2:-1, 1:-2] & b[1:-2, 2:-1] & b[:-3, 3:]):
        return True
    return False


def reward(obs, action, next_obs):
    """
    +1 for a win, -1 for a loss, 0 for a draw; otherwise a small shaped term
    from the change of the positional evaluation. Illegal columns cost -0.5.
    """
    if has_won(next_obs, ME):
        return 1.0
    if has_won(next_obs, OPP):
        return -1.0
    if np.all(next_obs != EMPTY):
        return 0.0

    # column was already full
    if obs[0, action] != EMPTY:
        return -0.5

    own0, opp0 = evaluate(obs)
    own1, opp1 = evaluate(next_obs)
    delta = (own1 - own0) - 1.2 * (opp1 - opp0)
    return float(np.tanh(delta / 20.0) * 0.1)
