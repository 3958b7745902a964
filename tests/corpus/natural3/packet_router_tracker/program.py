from collections import deque
from typing import NamedTuple
import numpy as np


class LinkStats(NamedTuple):
    ewma_delay: float = 0.0
    drops: int = 0
    uses: int = 0

    def update(self, delay, dropped, alpha=0.3):
        delay = self.ewma_delay + alpha * (delay - self.ewma_delay) if self.uses else delay
        return self._replace(ewma_delay=delay, drops=self.drops + dropped, uses=self.uses + 1)

    @property
    def loss(self):
        return self.drops / self.uses if self.uses else 0.0


class RouterReward:
    """Reward for choosing the outgoing link (0..5) for every packet batch."""

    __slots__ = ("links", "recent", "sla_misses", "best_delay")

    N_LINKS = 6
    SLA_MS = 80.0

    def __init__(self):
        self.links = {}
        self.recent = deque(maxlen=6)
        self.sla_misses = 0
        self.best_delay = None

    def reset(self, obs):
        self.links = {i: LinkStats() for i in range(self.N_LINKS)}
        self.recent.clear()
        self.sla_misses = 0
        self.best_delay = None

    def jain_fairness(self):
        uses = np.array([s.uses for s in self.links.values()], dtype=float)
        total = uses.sum()
        return total**2 / (len(uses) * (uses**2).sum()) if total > 0 else 1.0

    def step(self, obs, action, next_obs):
        link = int(action)
        delay = float(next_obs["delay"][link])
        dropped = int(next_obs["dropped"][link])
        self.links[link] = self.links[link].update(delay, dropped)
        self.recent.append(link)

        # regret against the best link that was up
        up = np.flatnonzero(next_obs["link_up"])
        if link not in up:
            return -3.0, {"dead_link": -3.0}
        best = min(float(next_obs["delay"][i]) for i in up)
        regret = (delay - best) / max(best, 1.0)

        priority = int(obs["priority"])
        weight = {0: 0.5, 1: 1.0, 2: 2.0}.get(priority, 1.0)

        if delay > self.SLA_MS:
            self.sla_misses += 1
            sla = -0.5 * weight * (1 + 0.2 * self.sla_misses)
        else:
            sla = 0.1 * weight
            self.sla_misses = max(self.sla_misses - 1, 0)

        queue_ratio = next_obs["queue"] / np.maximum(next_obs["queue_limit"], 1)
        hot = np.flatnonzero(queue_ratio > 0.9)

        # route flapping: A B A B
        flaps = sum(a != b for a, b in zip(self.recent, list(self.recent)[1:]))
        flapping = -0.1 * max(flaps - 3, 0)

        ranked = sorted((i for i, s in self.links.items() if s.uses), key=lambda i: (self.links[i].ewma_delay, self.links[i].loss, i))
        bonus = 0.2 if ranked and ranked[0] == link and len(ranked) > 1 else 0.0
        if self.best_delay is None or delay < self.best_delay:
            self.best_delay = delay
            bonus += 0.1

        terms = {
            "latency": -delay / 100.0 * weight,
            "regret": -0.3 * min(regret, 3.0),
            "sla": sla,
            "loss": -0.2 * dropped - 0.5 * self.links[link].loss,
            "hot_queues": -0.15 * len(hot),
            "flapping": flapping,
            "fairness": 0.1 * float(self.jain_fairness()),
            "bonus": bonus,
        }
        return float(sum(terms.values())), terms
