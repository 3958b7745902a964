import numpy as np


class CoolingReward:
    """8 racks, 3 CRAC units; action = 3 supply-temperature offsets and 3 fan speeds."""

    LOW, HIGH = 18.0, 27.0          # recommended inlet temperatures
    MIN, MAX = 15.0, 32.0           # allowable

    def __init__(self):
        self.prev_action = None
        self.hot_steps = np.zeros(8, dtype=int)
        self.pue = []

    def reset(self, obs):
        self.prev_action = None
        self.hot_steps[:] = 0
        self.pue.clear()

    def step(self, obs, action, next_obs):
        temp = next_obs["rack_temp"]

        # comfort: soft penalty outside the recommended band, hard outside the allowable one
        excess = np.maximum(temp - self.HIGH, 0) + np.maximum(self.LOW - temp, 0)
        comfort = -0.2 * float(excess.mean())
        if temp.max() > self.MAX or temp.min() < self.MIN:
            comfort -= 2.0

        # racks that stay hot get more and more expensive
        self.hot_steps = np.where(temp > self.HIGH, self.hot_steps + 1, 0)
        persistence = -0.1 * float((self.hot_steps ** 1.5).sum())

        # energy
        cooling = float(next_obs["crac_power"].sum())
        it = float(next_obs["it_load"].sum())
        cost = -0.05 * cooling * float(next_obs["price"][0])
        self.pue.append((it + cooling) / it if it > 0 else 1.0)
        efficiency = 0.5 if np.mean(self.pue[-4:]) < 1.2 else 0.0

        # thermal ramp and actuator wear
        ramp = np.abs(temp - obs["rack_temp"])
        wear = -0.1 * float(ramp[ramp > 1.0].sum())
        if self.prev_action is not None:
            wear -= 0.02 * float(np.square(action - self.prev_action).sum())
        self.prev_action = np.array(action)

        return comfort + persistence + cost + efficiency + wear
