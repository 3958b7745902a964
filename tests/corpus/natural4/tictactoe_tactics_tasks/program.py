# Tic-tac-toe sub tasks
# board is a 3x3 array: 0 = empty, 1 = me, 2 = opponent

ALL_LINES = [
    [(0, 0), (0, 1), (0, 2)],
    [(1, 0), (1, 1), (1, 2)],
    [(2, 0), (2, 1), (2, 2)],
    [(0, 0), (1, 0), (2, 0)],
    [(0, 1), (1, 1), (2, 1)],
    [(0, 2), (1, 2), (2, 2)],
    [(0, 0), (1, 1), (2, 2)],
    [(0, 2), (1, 1), (2, 0)],
]


def count_in_line(board, line, player):
    count = 0
    for cell in line:
        r = cell[0]
        c = cell[1]
        if board[r][c] == player:
            count = count + 1
    return count


# Did I take the center?
def took_center(obs):
    if obs["board"][1][1] == 1:
        return True
    else:
        return False


# Do I own at least two corners?
def two_corners(obs):
    board = obs["board"]
    corners = [board[0][0], board[0][2], board[2][0], board[2][2]]
    mine = 0
    for value in corners:
        if value == 1:
            mine += 1
    if mine >= 2:
        return True
    else:
        return False


# Do I have a line with two of mine and one empty?
def has_threat(obs):
    board = obs["board"]
    for line in ALL_LINES:
        if count_in_line(board, line, 1) == 2 and count_in_line(board, line, 0) == 1:
            return True
    return False


# A fork is two threats at the same time
def has_fork(obs):
    board = obs["board"]
    threats = 0
    for line in ALL_LINES:
        if count_in_line(board, line, 1) == 2 and count_in_line(board, line, 0) == 1:
            threats += 1
    return threats >= 2


# The opponent has no line that he could finish in the next move
def blocked_everything(obs):
    board = obs["board"]
    safe = True
    for line in ALL_LINES:
        if count_in_line(board, line, 2) == 2 and count_in_line(board, line, 0) == 1:
            safe = False
    return safe


def more_pieces_than_start(initial_obs, obs):
    before = 0
    after = 0
    for r in range(3):
        for c in range(3):
            if initial_obs["board"][r][c] == 1:
                before += 1
            if obs["board"][r][c] == 1:
                after += 1
    return after > before


def won(obs):
    for line in ALL_LINES:
        if count_in_line(obs["board"], line, 1) == 3:
            return True
    return False


TASKS = [took_center, two_corners, has_threat, has_fork, blocked_everything, more_pieces_than_start, won]
