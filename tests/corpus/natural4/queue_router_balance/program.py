import math
from collections import deque

import numpy as np


class RouterReward:
    """Reward for routing arriving jobs to one of four servers (action = server index).

    Observation: {"queues": (4,) ints, "rates": (4,) service rates, "job_size": (1,), "dropped": int total}
    """

    CAPACITY = 20

    def __init__(self, window: int = 6, alpha: float = 0.2):
        self.window = window
        self.alpha = alpha
        self.reset(None)

    def reset(self, obs):
        self.choices = deque(maxlen=self.window)
        self.waits = deque(maxlen=self.window)
        self.ewma_wait = None
        self.dropped = 0 if obs is None else int(obs["dropped"])
        self.sla_streak = 0

    def expected_wait(self, obs, server):
        rate = max(float(obs["rates"][server]), 1e-3)
        return (int(obs["queues"][server]) + float(obs["job_size"][0])) / rate

    def entropy(self):
        if not self.choices:
            return 0.0
        total = len(self.choices)
        h = 0.0
        for s in set(self.choices):
            p = self.choices.count(s) / total
            h -= p * math.log(p)
        return h / math.log(4)

    def step(self, obs, action, next_obs):
        waits = [self.expected_wait(obs, s) for s in range(4)]
        wait, best = waits[action], min(waits)
        regret = wait - best

        self.choices.append(action)
        self.waits.append(wait)
        if self.ewma_wait is None:
            self.ewma_wait = wait
        else:
            self.ewma_wait = self.alpha * wait + (1 - self.alpha) * self.ewma_wait

        # percentile of the recent waits against the agreed 5 time units
        p90 = float(np.percentile(list(self.waits), 90))
        self.sla_streak = self.sla_streak + 1 if p90 <= 5.0 else 0

        new_drops = max(0, int(next_obs["dropped"]) - self.dropped)
        self.dropped = int(next_obs["dropped"])

        load = np.asarray(next_obs["queues"], dtype=float) / self.CAPACITY
        imbalance = float(load.std())
        full = int((next_obs["queues"] >= self.CAPACITY).sum())

        info = {
            "regret": -0.1 * min(regret, 20.0),
            "wait": -0.02 * min(self.ewma_wait, 50.0),
            "imbalance": -0.5 * imbalance,
            "drops": -1.0 * new_drops,
            "full": -0.2 * full,
            "entropy": 0.05 * self.entropy(),
            "sla": 0.1 * min(self.sla_streak, 5) / 5,
        }
        return sum(info.values()), info
