import math
from collections import deque


def clamp(x, lo, hi):
    return lo if x < lo else hi if x > hi else x


class EpisodeTracker:
    """Base class that keeps a history of named signals."""

    def __init__(self, maxlen=10):
        self.maxlen = maxlen
        self.signals = {}

    def reset(self, obs=None):
        self.signals = {}

    def record(self, **values):
        for name, value in values.items():
            self.signals.setdefault(name, deque(maxlen=self.maxlen)).append(float(value))

    def mean(self, name):
        data = self.signals.get(name, ())
        return sum(data) / len(data) if data else 0.0

    def sign_changes(self, name):
        data = [v for v in self.signals.get(name, ()) if abs(v) > 1e-3]
        return sum(1 for a, b in zip(data, data[1:]) if a * b < 0)


class LaneKeepingReward(EpisodeTracker):
    """obs = [lateral offset (m), heading error (rad), speed (m/s), curvature (1/m), dist to front (m), on_shoulder]"""

    HALF_WIDTH = 1.75

    def __init__(self, speed_limit=25.0):
        super().__init__(maxlen=6)
        self.speed_limit = speed_limit
        self.departures = 0
        self.outside = False
        self.distance = 0.0
        self.next_milestone = 20.0

    def reset(self, obs=None):
        super().reset(obs)
        self.departures = 0
        self.outside = False
        self.distance = 0.0
        self.next_milestone = 20.0

    def curve_speed(self, curvature, max_lateral_acc=3.0):
        if abs(curvature) < 1e-4:
            return self.speed_limit
        return min(self.speed_limit, math.sqrt(max_lateral_acc / abs(curvature)))

    def _components(self, obs, action, next_obs):
        offset, heading, speed, curvature, front, shoulder = (float(v) for v in next_obs)
        steer, throttle = float(action[0]), float(action[1])
        self.record(steer=steer, offset=offset, throttle=throttle)
        self.distance += max(speed, 0.0) * math.cos(heading) * 0.1

        yield "center", 1.0 - clamp(abs(offset) / self.HALF_WIDTH, 0.0, 2.0) ** 2
        yield "heading", -0.5 * abs(heading)

        target = self.curve_speed(curvature)
        if front < 40.0:
            target = min(target, max(front - 5.0, 0.0) / 1.5)
        over = speed - target
        yield "speed", -0.1 * over if over > 0 else 0.5 * speed / max(target, 1.0)

        yield "oscillation", -0.1 * self.sign_changes("steer")
        yield "smooth", -0.2 * abs(steer - self.mean("steer"))
        bias = self.mean("offset")
        if abs(bias) > 0.5:
            yield "bias", -0.2 * abs(bias)

        now_outside = abs(offset) > self.HALF_WIDTH or shoulder > 0.5
        if now_outside and not self.outside:
            self.departures += 1
            yield "departure", -2.0 * self.departures
        elif not now_outside and self.outside:
            yield "recovered", 0.5
        self.outside = now_outside

        while self.distance >= self.next_milestone:
            self.next_milestone *= 1.5
            yield "milestone", 1.0

    def step(self, obs, action, next_obs):
        parts = {}
        for name, value in self._components(obs, action, next_obs):
            parts[name] = parts.get(name, 0.0) + value
        if next_obs[4] < 2.0:
            parts["collision"] = -20.0
        return sum(parts.values()), parts
