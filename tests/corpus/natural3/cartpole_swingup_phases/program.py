import math
from enum import Enum, auto


class Phase(Enum):
    PUMP = auto()
    CATCH = auto()
    BALANCE = auto()


class BaseReward:
    """Small base class: keeps the step count and a weighted sum of terms."""

    weights = {}

    def __init__(self):
        self.steps = 0

    def reset(self, obs):
        self.steps = 0

    def terms(self, obs, action, next_obs):
        raise NotImplementedError

    def step(self, obs, action, next_obs):
        self.steps += 1
        parts = {k: self.weights.get(k, 1.0) * v for k, v in self.terms(obs, action, next_obs).items()}
        return sum(parts.values()), parts


class SwingUpReward(BaseReward):
    weights = {"energy": 0.5, "upright": 1.0, "center": 0.2, "effort": 0.01}

    M, L, G = 0.1, 0.5, 9.81

    def __init__(self):
        super().__init__()
        self.phase = Phase.PUMP
        self.balance_steps = 0
        self.transitions = []

    def reset(self, obs):
        super().reset(obs)
        self.phase = Phase.PUMP
        self.balance_steps = 0
        self.transitions = []

    def energy(self, theta, omega):
        kinetic = 0.5 * self.M * (self.L * omega) ** 2
        potential = self.M * self.G * self.L * (math.cos(theta) - 1.0)
        return kinetic + potential

    def _update_phase(self, theta, omega):
        old = self.phase
        upright = math.cos(theta)
        if self.phase is Phase.PUMP and upright > 0.7:
            self.phase = Phase.CATCH
        elif self.phase is Phase.CATCH:
            if upright > 0.95 and abs(omega) < 1.0:
                self.phase = Phase.BALANCE
            elif upright < 0.5:
                self.phase = Phase.PUMP
        elif self.phase is Phase.BALANCE and upright < 0.8:
            self.phase = Phase.PUMP
        if self.phase != old:
            self.transitions.append((old, self.phase))
            return True
        return False

    def terms(self, obs, action, next_obs):
        x, x_dot, cos_t, sin_t, omega = (float(v) for v in next_obs)
        theta = math.atan2(sin_t, cos_t)
        changed = self._update_phase(theta, omega)
        out = {
            "upright": (1.0 + math.cos(theta)) / 2.0,
            "center": -(x / 2.4) ** 2,
            "effort": -float(action[0]) ** 2,
        }
        if self.phase is Phase.PUMP:
            out["energy"] = -abs(self.energy(theta, omega))
            self.balance_steps = 0
        elif self.phase is Phase.BALANCE:
            self.balance_steps += 1
            out["hold"] = min(0.1 * self.balance_steps, 1.0)
        if changed:
            out["switch"] = 1.0 if self.phase.value > self.transitions[-1][0].value else -1.0
        if abs(x) > 2.4:
            out["off_track"] = -10.0
        return out
