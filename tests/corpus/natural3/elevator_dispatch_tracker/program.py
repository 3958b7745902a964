from collections import defaultdict
import numpy as np


class ElevatorReward:
    """
    Reward for a two-car elevator dispatcher in a 10-floor building.

    The observation has
      - waiting_up, waiting_down: people waiting per floor, int (10,)
      - car_floor: int (2,)
      - car_load:  int (2,)
    action[i] in {0: down, 1: stop/open doors, 2: up} for each car.
    """

    CAPACITY = 8

    def reset(self, obs):
        self.wait_clock = defaultdict(int)
        self.last_dir = [0, 0]
        self.served_total = 0
        self.idle = [0] * len(obs["car_floor"])

    def _update_clocks(self, obs):
        """How long each hall call has been pending."""
        for name in ("waiting_up", "waiting_down"):
            for floor, n in enumerate(obs[name]):
                key = (name, floor)
                if n > 0:
                    self.wait_clock[key] += 1
                elif key in self.wait_clock:
                    del self.wait_clock[key]

    def step(self, obs, action, next_obs):
        waiting = lambda o: int(o["waiting_up"].sum() + o["waiting_down"].sum())

        boarded = sum(max(int(b) - int(a), 0) for a, b in zip(obs["car_load"], next_obs["car_load"]))
        delivered = sum(max(int(a) - int(b), 0) for a, b in zip(obs["car_load"], next_obs["car_load"]))
        self.served_total += delivered
        self._update_clocks(next_obs)

        reversal = 0
        idle_cost = 0.0
        for car, a in enumerate(action):
            direction = int(a) - 1
            if direction != 0 and self.last_dir[car] == -direction and obs["car_load"][car] > 0:
                reversal += 1
            if direction != 0:
                self.last_dir[car] = direction

            stopped = direction == 0
            useful = obs["car_load"][car] != next_obs["car_load"][car]
            if stopped and not useful:
                self.idle[car] += 1
                if waiting(obs) > 0:
                    idle_cost += 0.05 * self.idle[car]
            else:
                self.idle[car] = 0

        oldest = max(self.wait_clock.values(), default=0)
        starving = [k for k, v in self.wait_clock.items() if v > 4]

        bunching = 0.0
        f0, f1 = next_obs["car_floor"]
        if abs(int(f0) - int(f1)) <= 1 and waiting(next_obs) > 5:
            bunching = -0.2

        overload = (next_obs["car_load"] > self.CAPACITY).sum()

        parts = {
            "delivered": 1.0 * delivered,
            "boarded": 0.3 * boarded,
            "queue": -0.02 * waiting(next_obs),
            "oldest": -0.05 * oldest,
            "starving": -0.1 * len(starving),
            "reversal": -0.5 * reversal,
            "idle": -idle_cost,
            "bunching": bunching,
            "overload": -2.0 * float(overload),
        }
        if self.served_total and self.served_total % 10 == 0 and delivered:
            parts["milestone"] = 1.0
        return sum(parts.values()), parts
