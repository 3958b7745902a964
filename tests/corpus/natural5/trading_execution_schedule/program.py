from dataclasses import dataclass
from typing import NamedTuple, Optional

import numpy as np


class Fill(NamedTuple):
    step: int
    quantity: float
    price: float


@dataclass
class ExecutionState:
    arrival_price: float
    total: float
    filled: float = 0.0
    notional: float = 0.0
    last_fill: Optional[Fill] = None
    steps: int = 0

    @property
    def average_price(self) -> float:
        return self.notional / self.filled if self.filled > 0 else self.arrival_price

    @property
    def shortfall_bps(self) -> float:
        """Implementation shortfall of a sell order vs. arrival price, in basis points."""
        return (self.arrival_price - self.average_price) / self.arrival_price * 1e4


class ExecutionReward:
    """Sell `inventory` shares within the horizon; actions 0..4 = 0/25/50/100/200 % of TWAP."""

    HORIZON = 8
    RATES = (0.0, 0.25, 0.5, 1.0, 2.0)
    RISK_AVERSION = 0.05

    def __init__(self):
        self.s: Optional[ExecutionState] = None

    @staticmethod
    def mid(obs) -> float:
        return float(obs["bid"][0] + obs["ask"][0]) / 2.0

    def reset(self, obs):
        self.s = ExecutionState(
            arrival_price=self.mid(obs),
            total=float(obs["inventory"][0]),
        )

    def step(self, obs, action, next_obs):
        s = self.s
        s.steps += 1

        sold = max(0.0, float(obs["inventory"][0] - next_obs["inventory"][0]))
        reward = 0.0
        if sold > 0:
            # walk down the bid side
            depth = obs["bid_size"]
            prices = obs["bid"]
            left, value = sold, 0.0
            for price, size in zip(prices, depth):
                q = min(left, float(size))
                value += q * float(price)
                left -= q
                if left <= 0:
                    break
            if left > 0:
                value += left * float(prices[-1]) * 0.998
            fill = Fill(s.steps, sold, value / sold)
            s.filled += sold
            s.notional += value
            s.last_fill = fill
            # price improvement relative to arrival
            reward += (fill.price / s.arrival_price - 1.0) * 1e2 * (sold / max(s.total, 1.0))

        # schedule deviation against TWAP
        target = s.total * min(s.steps / self.HORIZON, 1.0)
        behind = (target - s.filled) / max(s.total, 1.0)
        reward -= 0.1 * behind ** 2 if behind > 0 else 0.05 * behind ** 2

        # inventory risk
        vol = float(np.std(np.diff(next_obs["mid_history"])))
        remaining = float(next_obs["inventory"][0]) / max(s.total, 1.0)
        reward -= self.RISK_AVERSION * vol * remaining

        spread = float(next_obs["ask"][0] - next_obs["bid"][0])
        if self.RATES[action] >= 1.0 and spread > 0.05:
            reward -= 0.05

        imbalance = obs["bid_size"].sum() / max(obs["bid_size"].sum() + obs["ask_size"].sum(), 1e-9)
        if imbalance < 0.3 and action >= 3:
            reward -= 0.02     # selling into a thin book

        if s.steps >= self.HORIZON and next_obs["inventory"][0] > 0:
            reward -= 1.0 * remaining
        return reward, {"shortfall_bps": s.shortfall_bps, "behind": behind, "sold": sold}
