from collections import Counter

import numpy as np

# piece codes: 1 pawn, 2 knight, 3 bishop, 4 rook, 5 queen, 6 king; negative for black
VALUES = {1: 1.0, 2: 3.0, 3: 3.25, 4: 5.0, 5: 9.0, 6: 0.0}

PAWN_TABLE = np.array([
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5],
    [0.1, 0.1, 0.2, 0.3, 0.3, 0.2, 0.1, 0.1],
    [0.05, 0.05, 0.1, 0.25, 0.25, 0.1, 0.05, 0.05],
    [0.0, 0.0, 0.0, 0.2, 0.2, 0.0, 0.0, 0.0],
    [0.05, -0.05, -0.1, 0.0, 0.0, -0.1, -0.05, 0.05],
    [0.05, 0.1, 0.1, -0.2, -0.2, 0.1, 0.1, 0.05],
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
])


class ChessShaping:
    """Material + pawn structure shaping for the white player, with repetition penalty."""

    def __init__(self):
        self.positions = Counter()
        self.captured = Counter()
        self.last_score = 0.0

    def reset(self, obs):
        self.positions = Counter({obs["board"].tobytes(): 1})
        self.captured = Counter()
        self.last_score = self.evaluate(obs["board"])

    def evaluate(self, board):
        score = 0.0
        for piece, value in VALUES.items():
            score += value * (np.sum(board == piece) - np.sum(board == -piece))
        score += (PAWN_TABLE * (board == 1)).sum()
        score -= (PAWN_TABLE[::-1] * (board == -1)).sum()

        # bishop pair, doubled pawns
        if (board == 3).sum() >= 2:
            score += 0.3
        if (board == -3).sum() >= 2:
            score -= 0.3
        white_files = (board == 1).sum(axis=0)
        score -= 0.2 * np.maximum(white_files - 1, 0).sum()
        return float(score)

    def step(self, obs, action, next_obs):
        board = next_obs["board"]
        score = self.evaluate(board)
        reward = 0.1 * (score - self.last_score)
        self.last_score = score

        # captures by white
        before = Counter(obs["board"][obs["board"] < 0].tolist())
        after = Counter(board[board < 0].tolist())
        taken = before - after
        for piece, n in taken.items():
            self.captured[piece] += n
            reward += 0.05 * VALUES[-piece] * n

        key = board.tobytes()
        self.positions[key] += 1
        if self.positions[key] >= 3:
            reward -= 0.5
        elif self.positions[key] == 2:
            reward -= 0.05

        if next_obs["in_check"][1]:
            reward += 0.02
        if not np.any(board == 6):
            return -10.0
        if not np.any(board == -6):
            return 10.0
        if next_obs["halfmove_clock"] > 40:
            reward -= 0.01 * (next_obs["halfmove_clock"] - 40)
        return reward
