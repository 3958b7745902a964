# against: box
import numpy as np


class Reach:
    def reset(self, obs):
        self.initial_distance = np.linalg.norm(obs[:2])

    def step(self, obs, next_obs):
        distance = np.linalg.norm(next_obs[:2])
        heading = next_obs[2:4] / np.linalg.norm(next_obs[2:4])
        progress = (self.initial_distance - distance) / self.initial_distance
        unit = next_obs[:2] / np.linalg.norm(next_obs[:2], keepdims=True)
        progress += float(unit[0])
        return float(progress) + 0.1 * float(heading[0]) + 1.0 / distance
