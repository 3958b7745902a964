import numpy as np

DT = 0.05
JOINTS = ["bthigh", "bshin", "bfoot", "fthigh", "fshin", "ffoot"]


def reward(obs, action, next_obs):
    """HalfCheetah: run forward smoothly and cheaply, with even use of the joints."""
    vx = next_obs[8]
    torso = next_obs[1]
    terms = {}
    terms["forward"] = np.minimum(vx, 6.0)
    terms["upright"] = np.cos(torso) - 1
    terms["control"] = -0.1 * np.square(action).sum()
    usage = {name: abs(a) for name, a in zip(JOINTS, action)}
    busiest = max(usage, key=usage.get)
    front = sum(v for k, v in usage.items() if k.startswith("f"))
    back = sum(v for k, v in usage.items() if k.startswith("b"))
    terms["balance"] = -0.05 * abs(front - back)
    if busiest.endswith("foot"):
        terms["foot"] = -0.02
    return float(sum(terms.values())), {k: float(v) for k, v in terms.items()}
# ---
import numpy as np
from collections import deque


class GaitReward:
    def __init__(self):
        self.history = deque(maxlen=20)
        self.prev_action = None
        self.phase = 0.0

    def reset(self, obs):
        self.history.clear()
        self.prev_action = None
        self.phase = 0.0

    def _periodicity(self):
        if len(self.history) < 10:
            return 0.0
        h = np.array(self.history)
        h = h - h.mean()
        var = np.sum(h * h)
        if var < 1e-9:
            return 0.0
        lags = range(2, 8)
        corr = [np.sum(h[lag:] * h[:-lag]) / var for lag in lags]
        return float(max(corr))

    def step(self, obs, action, next_obs):
        self.history.append(next_obs[2])
        self.phase = (self.phase + 0.1) % 1.0
        if self.prev_action is None:
            jerk = 0.0
        else:
            jerk = float(np.mean(np.abs(action - self.prev_action)))
        self.prev_action = action.copy()
        target = np.sin(2 * np.pi * self.phase)
        track = np.exp(-abs(next_obs[3] - target))
        return {
            "total": next_obs[8] + 0.3 * self._periodicity() - 0.1 * jerk + 0.1 * track,
            "period": self._periodicity(),
            "jerk": -0.1 * jerk,
        }
# ---
import numpy as np


def tolerance(x, bounds=(0.0, 0.0), margin=0.0, value_at_margin=0.1):
    """Reward that is 1 inside bounds and falls off like a gaussian outside (as in dm_control)."""
    lower, upper = bounds
    if lower > upper:
        raise ValueError("Lower bound must be <= upper bound.")
    in_bounds = lower <= x <= upper
    if margin == 0:
        return 1.0 if in_bounds else 0.0
    d = (lower - x if x < lower else x - upper) / margin
    scale = np.sqrt(-2 * np.log(value_at_margin))
    return 1.0 if in_bounds else float(np.exp(-0.5 * (d * scale) ** 2))


def reward(obs, action, next_obs):
    height, pitch = next_obs[0], next_obs[1]
    standing = tolerance(height, bounds=(0.4, float("inf")), margin=0.4)
    upright = (1 + np.cos(pitch)) / 2
    speed = tolerance(next_obs[8], bounds=(2.0, np.inf), margin=2.0, value_at_margin=0.5)
    small_control = np.mean([tolerance(a, margin=1.0) for a in action])
    stand = (3 * standing + upright) / 4
    return stand * (5 * speed + 1) / 6 * (4 + small_control) / 5
# ---
import numpy as np


def reward(obs, action, next_obs):
    joints = next_obs[2:8]
    velocities = next_obs[11:17]
    power = np.abs(velocities * action)
    total_power = power.sum()
    share = power / total_power if total_power > 0 else np.full_like(power, 1 / 6)
    entropy = -np.sum(share * np.log(share + 1e-12))
    order = np.argsort(power)[::-1]
    top2 = power[order[:2]].sum()
    limits = np.array([[-0.5, 1.0], [-0.8, 0.8], [-0.4, 0.8], [-1.0, 0.7], [-1.2, 0.9], [-0.5, 0.5]])
    low, high = limits[:, 0], limits[:, 1]
    outside = np.logical_or(joints < low, joints > high)
    margin = np.minimum(joints - low, high - joints)
    n_bad = int(np.count_nonzero(outside))
    quantile = np.percentile(power, 75)
    z = (velocities - velocities.mean()) / (velocities.std() + 1e-6)
    spikes = (np.abs(z) > 2).sum()
    r = next_obs[8] + 0.1 * entropy - 0.05 * n_bad - 0.01 * top2 - 0.02 * spikes
    if margin.min() < -0.5 or quantile > 3.0:
        r -= 1.0
    return float(r), {"entropy": float(entropy), "violations": n_bad, "power": -float(total_power)}
# ---
import numpy as np


def make_terms():
    def forward(o, a, n):
        return float(n[8])

    def effort(o, a, n):
        return -float(np.dot(a, a))

    def bounce(o, a, n):
        return -abs(float(n[0] - o[0]))

    return [("forward", forward, 1.0), ("effort", effort, 0.1), ("bounce", bounce, 0.5)]


TERMS = make_terms()


def reward(obs, action, next_obs):
    parts = {name: weight * fn(obs, action, next_obs) for name, fn, weight in TERMS}
    return sum(parts.values()), parts
# ---
import numpy as np


def chunks(values, size):
    for start in range(0, len(values), size):
        yield values[start:start + size]


def reward(obs, action, next_obs):
    limbs = list(chunks(next_obs[2:8], 3))
    leg_energy = [float(np.sum(leg**2)) for leg in limbs]
    mean_energy = sum(leg_energy) / len(leg_energy)
    asymmetry = sum(abs(e - mean_energy) for e in leg_energy)
    pairs = list(zip(action[:3], action[3:]))
    phase = sum(1 for a, b in pairs if np.sign(a) != np.sign(b)) / len(pairs)
    clipped = [max(-0.8, min(0.8, float(a))) for a in action]
    saturation = sum(abs(float(a) - c) for a, c in zip(action, clipped))
    *_, last = limbs
    return float(next_obs[8]) + 0.2 * phase - 0.1 * asymmetry - saturation + 0.01 * float(last[-1])
