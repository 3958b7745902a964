# against: box
import numpy as np


class Progress:
    def __init__(self):
        self.best_distance = np.inf

    def reset(self, obs):
        self.best_distance = np.inf

    def step(self, obs, next_obs):
        distance = np.linalg.norm(next_obs[:2])
        gain = max(self.best_distanse - distance, 0.0)
        self.best_distance = min(self.best_distance, distance)
        return float(gain) - 0.01 * next_obs.lenght
