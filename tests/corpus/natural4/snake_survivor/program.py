import numpy as np


class SnakeReward:
    # cell values
    EMPTY = 0
    BODY = 1
    HEAD = 2
    FOOD = 3

    def __init__(self):
        self.steps_without_food = 0
        self.last_positions = []
        self.length = 0

    def reset(self, obs):
        self.steps_without_food = 0
        self.last_positions = []
        self.length = int(np.sum(obs == 1) + np.sum(obs == 2))

    def find(self, board, value):
        for i in range(len(board)):
            for j in range(len(board[i])):
                if board[i][j] == value:
                    return [i, j]
        return None

    def free_neighbours(self, board, pos):
        free = 0
        for move in [[0, 1], [0, -1], [1, 0], [-1, 0]]:
            r = pos[0] + move[0]
            c = pos[1] + move[1]
            if r >= 0 and r < board.shape[0] and c >= 0 and c < board.shape[1]:
                if board[r][c] == self.EMPTY or board[r][c] == self.FOOD:
                    free += 1
        return free

    def step(self, obs, action, next_obs):
        reward = 0
        head = self.find(next_obs, self.HEAD)
        old_head = self.find(obs, self.HEAD)

        # no head on the board means the snake has crashed
        if head is None:
            return -10

        # eating
        new_length = int(np.sum(next_obs == 1) + np.sum(next_obs == 2))
        if new_length > self.length:
            reward += 5 + 0.1 * new_length
            self.steps_without_food = 0
            self.last_positions = []
        else:
            self.steps_without_food += 1
        self.length = new_length

        # moving closer to the food
        food = self.find(next_obs, self.FOOD)
        if food is not None and old_head is not None:
            old_distance = abs(old_head[0] - food[0]) + abs(old_head[1] - food[1])
            new_distance = abs(head[0] - food[0]) + abs(head[1] - food[1])
            if new_distance < old_distance:
                reward += 0.1
            elif new_distance > old_distance:
                reward -= 0.15

        # going round in circles
        if head in self.last_positions:
            reward -= 0.2
        self.last_positions.append(head)
        if len(self.last_positions) > 6:
            self.last_positions.pop(0)

        # do not get trapped
        free = self.free_neighbours(next_obs, head)
        if free == 0:
            reward -= 1
        elif free == 1:
            reward -= 0.05

        # starving
        if self.steps_without_food > 4:
            reward -= 0.02 * (self.steps_without_food - 4)

        return reward
