import numpy as np


def reward(obs, action, next_obs):
    """LunarLander: obs = [x, y, vx, vy, angle, angular velocity, left leg, right leg]."""
    x, y, vx, vy, angle, omega, left, right = next_obs
    px, py, pvx, pvy, pangle, _, pleft, pright = obs

    def shaping(x, y, vx, vy, angle, left, right):
        return (
            -100 * np.sqrt(x * x + y * y)
            - 100 * np.sqrt(vx * vx + vy * vy)
            - 100 * abs(angle)
            + 10 * left
            + 10 * right
        )

    total = shaping(x, y, vx, vy, angle, left, right) - shaping(px, py, pvx, pvy, pangle, pleft, pright)
    fuel = {0: 0.0, 1: 0.03, 2: 0.3, 3: 0.03}[action]
    total -= fuel
    if left > 0.5 and right > 0.5 and abs(vx) < 0.1 and abs(vy) < 0.1:
        total += 100
    if abs(x) > 1.0:
        total -= 100
    return total / 100.0
# ---
import math
from collections import deque


class ActionSmoothness:
    """Reward that penalises switching between actions and rewards staying upright."""

    def __init__(self):
        self.last_actions = deque([], maxlen=8)
        self.energy = []

    def reset(self):
        self.last_actions = deque([], maxlen=8)
        self.energy = []

    def step(self, obs, action, next_obs):
        theta, theta_dot = float(next_obs[4]), float(next_obs[5])
        upright = math.cos(theta)
        self.last_actions.append(action)
        switches = sum(1 for a, b in zip(list(self.last_actions), list(self.last_actions)[1:]) if a != b)
        unique = len(set(self.last_actions))
        e = 0.5 * theta_dot**2 + 9.8 * (1 + math.cos(theta))
        self.energy.append(e)
        if len(self.energy) > 10:
            self.energy = self.energy[-10:]
        drift = max(self.energy) - min(self.energy)
        reward = upright - 0.05 * switches - 0.01 * unique - 0.001 * drift
        if math.isclose(theta, 0.0, abs_tol=0.05):
            reward += 0.5
        return reward
# ---
import numpy as np

TARGETS = {"altitude": 1.0, "speed": 0.5, "pitch": 0.0}
SCALE = {"altitude": 2.0, "speed": 1.0, "pitch": 0.5}
INDEX = {"altitude": 1, "speed": 2, "pitch": 4}


def gaussian(x, mu, sigma):
    return np.exp(-0.5 * ((x - mu) / sigma) ** 2)


def reward(obs, action, next_obs, terminated):
    scores = {}
    for name, target in TARGETS.items():
        value = next_obs[INDEX[name]]
        scores[f"{name}_score"] = gaussian(value, target, SCALE[name])
    worst = min(scores, key=scores.get)
    ranked = sorted(scores.items(), key=lambda kv: kv[1], reverse=True)
    product = np.prod([v for _, v in ranked])
    bonus = 0.1 if worst != "pitch_score" else 0.0
    penalty = -5.0 if terminated else 0.0
    return float(product ** (1 / 3) + bonus + penalty), {**scores, "bonus": bonus}
# ---
import numpy as np


def smoothstep(edge0, edge1, x):
    t = np.clip((x - edge0) / (edge1 - edge0), 0.0, 1.0)
    return t * t * (3 - 2 * t)


def reward(obs, action, next_obs):
    pos = next_obs[:2]
    vel = next_obs[2:4]
    gates = [(-1.0, 0.5), (0.0, 1.0), (1.0, 0.5), (0.0, 0.0)]
    distances = [np.linalg.norm(pos - np.asarray(g)) for g in gates]
    idx, closest = min(enumerate(distances), key=lambda pair: pair[1])
    nxt = gates[(idx + 1) % len(gates)]
    direction = np.subtract(nxt, pos)
    direction = direction / (np.linalg.norm(direction) + 1e-6)
    along = float(np.dot(vel, direction))
    penalty = 0.0
    for i, d in enumerate(distances):
        if i == idx:
            continue
        penalty += 0.01 * smoothstep(0.0, 1.0, d)
    if action == 0 and along > 0.1:
        along *= 1.1
    while along > 1.5:
        along *= 0.9
    return along - closest - penalty
# ---
import numpy as np

EPS = 1e-8


class RunningNormaliser:
    def __init__(self):
        self.n = 0
        self.mean = np.zeros(8)
        self.m2 = np.zeros(8)

    def update(self, x):
        self.n += 1
        delta = x - self.mean
        self.mean += delta / self.n
        self.m2 += delta * (x - self.mean)

    @property
    def std(self):
        if self.n < 2:
            return np.ones(8)
        return np.sqrt(self.m2 / (self.n - 1)) + EPS


class NormalisedReward:
    def __init__(self):
        self.norm = RunningNormaliser()
        self.total = 0.0

    def reset(self, obs):
        self.norm = RunningNormaliser()
        self.norm.update(obs)
        self.total = 0.0

    def step(self, obs, action, next_obs):
        self.norm.update(next_obs)
        z = (next_obs - self.norm.mean) / self.norm.std
        novelty = float(np.linalg.norm(z)) / np.sqrt(z.size)
        height = float(next_obs[1])
        reward = 0.1 * novelty + height
        self.total += reward
        return reward, {"novelty": 0.1 * novelty, "height": height}
# ---
import numpy as np


def reward(obs, action, next_obs, terminated, truncated, t):
    x = next_obs[0]
    v = next_obs[2]
    alive = 1.0 if not terminated else 0.0
    forward = np.sign(v) * np.log1p(abs(v))
    milestone = 0.0
    for m in np.arange(0.5, 2.0, 0.5):
        if obs[0] < m <= x:
            milestone += 1.0
    time_cost = -0.001 * min(t, 500)
    end = 0.0
    if truncated and not terminated:
        end = 5.0 * float(x > 1.0)
    reward = alive + forward + milestone + time_cost + end
    assert np.isfinite(reward), "reward must be finite"
    return round(float(reward), 4)
