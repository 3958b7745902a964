"""Stateful reward for closed-loop insulin dosing (CGM readings every 5 minutes)."""
from collections import deque
from typing import Deque, Optional

import numpy as np

HYPO, LOW, HIGH, HYPER = 54.0, 70.0, 180.0, 250.0
MAX_IOB = 8.0


def magni_risk(bg: float) -> float:
    """Magni et al. blood glucose risk index."""
    bg = max(bg, 1.0)
    return 10.0 * (3.35506 * (np.log(bg) ** 0.8353 - 3.7932)) ** 2


class InsulinReward:
    def __init__(self, history: int = 12, dia_steps: int = 36):
        self.history = history
        self.dia_steps = dia_steps
        self.bg: Deque[float] = deque(maxlen=history)
        self.doses: Deque[float] = deque(maxlen=dia_steps)
        self.hypo_since: Optional[int] = None
        self.t = 0

    def reset(self, obs: np.ndarray) -> None:
        self.bg.clear()
        self.doses.clear()
        self.bg.append(float(obs[0]))
        self.hypo_since = None
        self.t = 0

    @property
    def trend(self) -> float:
        """Slope in mg/dl per step over the last readings (least squares)."""
        if len(self.bg) < 3:
            return 0.0
        y = np.array(self.bg)
        x = np.arange(len(y))
        x = x - x.mean()
        return float((x * (y - y.mean())).sum() / (x ** 2).sum())

    @property
    def insulin_on_board(self) -> float:
        weights = np.linspace(1.0, 0.0, self.dia_steps)
        recent = list(self.doses)[::-1]
        return float(np.dot(recent, weights[:len(recent)])) if recent else 0.0

    def step(self, obs, action, next_obs):
        self.t += 1
        bg = float(next_obs[0])
        carbs = float(next_obs[1])
        dose = float(np.clip(action[0], 0.0, 5.0))
        self.bg.append(bg)
        self.doses.append(dose)

        risk_change = magni_risk(float(obs[0])) - magni_risk(bg)
        components = {
            "risk": -0.02 * magni_risk(bg),
            "improvement": 0.01 * risk_change,
            "range": 1.0 if LOW <= bg <= HIGH else 0.0,
        }

        if bg < HYPO:
            components["severe"] = -10.0
        elif bg < LOW:
            if self.hypo_since is None:
                self.hypo_since = self.t
            components["hypo"] = -1.0 - 0.5 * (self.t - self.hypo_since)
        else:
            self.hypo_since = None
            if bg > HYPER:
                components["hyper"] = -2.0

        # dosing although glucose is already dropping
        if self.trend < -3.0 and dose > 0.1:
            components["dose_while_falling"] = self.trend * dose * 0.1
        if (iob := self.insulin_on_board) > MAX_IOB:
            components["stacking"] = -(iob - MAX_IOB)
        if carbs > 20 and dose < 0.5 and bg > 120:
            components["missed_meal"] = -0.5

        variability = np.std(self.bg) / max(np.mean(self.bg), 1.0)
        components["variability"] = -0.5 * variability
        return float(sum(components.values())), components
