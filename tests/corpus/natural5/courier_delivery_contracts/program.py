from dataclasses import dataclass, field
from enum import Enum
from typing import Dict, List, Tuple

import numpy as np


class Status(Enum):
    WAITING = 0
    CARRIED = 1
    DELIVERED = 2
    EXPIRED = 3


@dataclass
class Contract:
    index: int
    status: Status = Status.WAITING
    picked_at: int = -1
    delivered_at: int = -1

    @property
    def carry_time(self) -> int:
        return self.delivered_at - self.picked_at


@dataclass
class EpisodeStats:
    distance: int = 0
    deliveries: int = 0
    streak: int = 0
    visited: Dict[Tuple[int, int], int] = field(default_factory=dict)


class CourierReward:
    """Team-lead approved reward of the courier gridworld (15 x 15, 4 parcels)."""

    PICKUP = 1.0
    DELIVERY = 5.0
    EXPIRY = -3.0
    STEP = -0.02

    def __init__(self):
        self.contracts: List[Contract] = []
        self.stats = EpisodeStats()
        self.t = 0

    def reset(self, obs):
        self.contracts = [
            Contract(i, Status(int(s))) for i, s in enumerate(obs["parcel_status"])
        ]
        self.stats = EpisodeStats()
        self.t = 0

    def _target(self, obs):
        """Where the courier should head: nearest drop-off if loaded, else nearest parcel."""
        pos = obs["position"]
        best = None
        for c in self.contracts:
            if c.status is Status.CARRIED:
                d = int(np.abs(obs["dropoffs"][c.index] - pos).sum()) - 2
            elif c.status is Status.WAITING:
                d = int(np.abs(obs["pickups"][c.index] - pos).sum())
            else:
                continue
            best = d if best is None else min(best, d)
        return best

    def step(self, obs, action, next_obs):
        self.t += 1
        before = self._target(obs)
        r = {"step": self.STEP, "progress": 0.0, "events": 0.0, "explore": 0.0}

        for contract in self.contracts:
            new = Status(int(next_obs["parcel_status"][contract.index]))
            old = contract.status
            if new is old:
                continue
            if new is Status.CARRIED:
                contract.picked_at = self.t
                r["events"] += self.PICKUP
            elif new is Status.DELIVERED:
                contract.delivered_at = self.t
                bonus = 1.0
                if contract.picked_at >= 0:
                    bonus = max(0.5, 1.0 - 0.02 * contract.carry_time)
                self.stats.deliveries += 1
                self.stats.streak += 1
                r["events"] += self.DELIVERY * bonus * (1 + 0.1 * self.stats.streak)
            elif new is Status.EXPIRED:
                self.stats.streak = 0
                r["events"] += self.EXPIRY
            contract.status = new

        after = self._target(next_obs)
        if before is not None and after is not None and r["events"] == 0:
            r["progress"] = 0.1 * float(np.clip(before - after, -1, 1))

        cell = tuple(int(v) for v in next_obs["position"])
        visits = self.stats.visited.get(cell, 0) + 1
        self.stats.visited[cell] = visits
        if visits > 3:
            r["explore"] = -0.01 * (visits - 3)

        self.stats.distance += int(np.abs(next_obs["position"] - obs["position"]).sum())
        if next_obs["fuel"][0] <= 0.0:
            r["fuel"] = -5.0
        elif next_obs["fuel"][0] < 0.15 and action != 6:
            r["fuel"] = -0.1
        return sum(r.values()), r
