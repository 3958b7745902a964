import math
from collections import deque


class LaneKeepingReward:
    # obs is a dict of arrays/numbers:
    #   speed (1,) m/s, lateral_offset (1,) m, heading_error (1,) rad, curvature (1,) 1/m
    #   speed_limit (1,) m/s, traffic_light 0=none 1=green 2=yellow 3=red, stop_distance (1,) m
    # action is [steer, throttle_or_brake] in -1..1

    def __init__(self):
        self.steer_history = deque(maxlen=5)
        self.distance = 0.0
        self.red_light_violations = 0
        self.waiting = 0
        self.was_red = False

    def reset(self, obs):
        self.steer_history.clear()
        self.distance = 0.0
        self.red_light_violations = 0
        self.waiting = 0
        self.was_red = bool(obs["traffic_light"] == 3)

    def step(self, obs, action, next_obs):
        dt = 0.1
        speed = float(next_obs["speed"][0])
        limit = float(next_obs["speed_limit"][0])
        offset = float(next_obs["lateral_offset"][0])
        heading = float(next_obs["heading_error"][0])
        light = int(next_obs["traffic_light"])
        stop_dist = float(next_obs["stop_distance"][0])
        steer = float(action[0])

        # distance made good along the lane
        made_good = speed * math.cos(heading) * dt
        self.distance += made_good
        progress = 0.1 * made_good

        # keep to the middle of the lane
        if abs(offset) < 0.3:
            lane = 0.2
        elif abs(offset) < 1.0:
            lane = 0.0
        elif abs(offset) < 1.75:
            lane = -0.3
        else:
            lane = -2.0

        # speed: curves need less
        safe = limit
        curvature = abs(float(next_obs["curvature"][0]))
        if curvature > 0.001:
            safe = min(limit, math.sqrt(3.0 / curvature))
        if speed > safe:
            speeding = -0.05 * (speed - safe) ** 2
            speeding = max(speeding, -3.0)
        elif speed < 0.5 * safe and light not in (2, 3):
            speeding = -0.1
        else:
            speeding = 0.0

        # traffic light
        traffic = 0.0
        if light == 3:
            if stop_dist < 0 and float(obs["stop_distance"][0]) >= 0:
                self.red_light_violations += 1
                traffic = -5.0 * self.red_light_violations
            elif 0 <= stop_dist < 5 and speed < 0.5:
                self.waiting += 1
                traffic = 0.1
        elif light == 1 and self.was_red and self.waiting > 0:
            if speed > 0.5:
                traffic = 0.2
                self.waiting = 0
            else:
                traffic = -0.1
        self.was_red = light == 3 or (self.was_red and self.waiting > 0)

        # steering should not wobble: count the changes of sign
        self.steer_history.append(steer)
        values = list(self.steer_history)
        flips = 0
        for a, b in zip(values, values[1:]):
            if a * b < 0 and abs(a - b) > 0.2:
                flips += 1
        comfort = -0.05 * flips - 0.02 * abs(float(action[1])) ** 2

        total = progress + lane + speeding + traffic + comfort
        return total, {
            "progress": progress,
            "lane": lane,
            "speeding": speeding,
            "traffic": traffic,
            "comfort": comfort,
            "distance": self.distance,
        }
