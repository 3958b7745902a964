import math
from collections import deque


class GlucoseReward:
    """
    Reward for a closed-loop insulin pump (5 minute steps).

    obs = {"cgm": (1,) mg/dL, "insulin_on_board": (1,) U, "meal": (1,) g carbs in this step,
           "hour": (1,) 0..24}
    action = [basal rate U/h, bolus U]
    """

    LOW, HIGH = 70.0, 180.0

    def __init__(self):
        self.history = deque(maxlen=6)        # half an hour
        self.minutes_low = 0
        self.in_range = 0
        self.steps = 0
        self.last_meal = None

    def reset(self, obs):
        self.history = deque([float(obs["cgm"][0])], maxlen=6)
        self.minutes_low = 0
        self.in_range = 0
        self.steps = 0
        self.last_meal = None

    @staticmethod
    def risk(bg):
        """Kovatchev's blood glucose risk index."""
        bg = max(bg, 1.0)
        f = 1.509 * (math.log(bg) ** 1.084 - 5.381)
        return 10.0 * f ** 2, f

    def trend(self):
        """mg/dL per minute, from the last three readings."""
        if len(self.history) < 3:
            return 0.0
        recent = list(self.history)[-3:]
        return (recent[-1] - recent[0]) / 10.0

    def step(self, obs, action, next_obs):
        bg = float(next_obs["cgm"][0])
        iob = float(next_obs["insulin_on_board"][0])
        basal, bolus = float(action[0]), float(action[1])

        self.steps += 1
        self.history.append(bg)

        prev_risk, _ = self.risk(float(obs["cgm"][0]))
        risk, f = self.risk(bg)
        reward = (prev_risk - risk) / 10.0

        # time in range
        if self.LOW <= bg <= self.HIGH:
            self.in_range += 1
            self.minutes_low = 0
            reward += 0.1
        elif bg < self.LOW:
            self.minutes_low += 5
            reward -= 0.5 * (1 + self.minutes_low / 15)
            if bg < 54:
                reward -= 2.0
        else:
            self.minutes_low = 0
            reward -= 0.1 * min((bg - self.HIGH) / 50.0, 3.0)

        # insulin stacking
        slope = self.trend()
        if bolus > 0.05:
            if bg < 100 or slope < -1.5:
                reward -= 1.0
            elif iob > 4.0:
                reward -= 0.3 * (iob - 4.0)
            reward -= 0.02 * bolus
        if basal > 0 and bg < self.LOW:
            reward -= 0.5 * basal

        # bolus near a meal is good practice
        if next_obs["meal"][0] > 5:
            self.last_meal = self.steps
        if self.last_meal is not None and self.steps - self.last_meal <= 2 and bolus > 0.5:
            reward += 0.2

        night = next_obs["hour"][0] < 6
        if night and slope < -2:
            reward -= 0.2

        # coefficient of variation over the last half hour
        if len(self.history) == self.history.maxlen:
            mean = sum(self.history) / len(self.history)
            var = sum((g - mean) ** 2 for g in self.history) / len(self.history)
            reward -= 0.2 * max(0.0, math.sqrt(var) / mean - 0.36)

        return reward, {"tir": self.in_range / self.steps, "risk": risk, "direction": f, "trend": slope}
