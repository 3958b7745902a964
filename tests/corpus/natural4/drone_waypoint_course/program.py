import numpy as np


class WaypointCourse:
    """Fly through the waypoints given in the observation, in order, smoothly."""

    RADIUS = 0.4
    GAMMA = 0.99

    def __init__(self):
        self.k = 0
        self.prev_action = None
        self.best = np.inf

    def reset(self, obs):
        self.k = 0
        self.prev_action = np.zeros(4)
        self.waypoints = obs["waypoints"].reshape(-1, 3).astype(np.float64)
        self.lengths = np.linalg.norm(np.diff(self.waypoints, axis=0), axis=1)
        self.best = self._to_go(obs["pos"])

    def _to_go(self, pos):
        if self.k >= len(self.waypoints):
            return 0.0
        return float(np.linalg.norm(self.waypoints[self.k] - pos) + self.lengths[self.k:].sum())

    def _path_error(self, pos):
        # distance to the segment between the last waypoint and the current one
        if self.k == 0 or self.k >= len(self.waypoints):
            return 0.0
        a, b = self.waypoints[self.k - 1], self.waypoints[self.k]
        ab = b - a
        t = np.clip(np.dot(pos - a, ab) / (np.dot(ab, ab) + 1e-9), 0, 1)
        return float(np.linalg.norm(pos - (a + t * ab)))

    def step(self, obs, action, next_obs):
        pos, vel, rpy = next_obs["pos"], next_obs["vel"], next_obs["rpy"]
        r = {}

        hits = 0
        while self.k < len(self.waypoints) and np.linalg.norm(pos - self.waypoints[self.k]) < self.RADIUS:
            self.k += 1
            hits += 1
        r["hit"] = 2.0 * hits

        to_go = self._to_go(pos)
        r["progress"] = max(self.best - to_go, 0.0)
        self.best = min(self.best, to_go)

        r["path"] = -0.1 * min(self._path_error(pos), 2.0)
        r["tilt"] = -0.1 * float(np.abs(rpy[:2]).sum())
        r["jerk"] = -0.05 * float(np.square(action - self.prev_action).mean())
        self.prev_action = np.array(action, dtype=float)

        # face the way you fly
        speed = np.linalg.norm(vel[:2])
        if speed > 0.2:
            course = np.arctan2(vel[1], vel[0])
            err = (course - rpy[2] + np.pi) % (2 * np.pi) - np.pi
            r["yaw"] = -0.05 * abs(float(err))
        else:
            r["yaw"] = 0.0

        crashed = pos[2] < 0.05 or np.any(np.abs(rpy[:2]) > np.pi / 2)
        r["crash"] = -5.0 if crashed else 0.0
        r["done"] = 10.0 if self.k == len(self.waypoints) and hits else 0.0
        return sum(r.values()), r
