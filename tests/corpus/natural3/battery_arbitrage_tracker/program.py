from __future__ import annotations

from collections import namedtuple
from functools import reduce
from itertools import accumulate

import numpy as np

Trade = namedtuple("Trade", ["energy", "price", "soc"])

EFFICIENCY = 0.92
CAPACITY = 10.0
CYCLE_COST = 0.04


class BatteryArbitrageReward:
    """
    obs = {"price": (24,) day-ahead prices starting with the current hour,
           "soc": (1,), "load": (1,), "pv": (1,), "hour": int}
    action = (1,) in [-1, 1], negative discharges.
    """

    def __init__(self):
        self.trades: list[Trade] = []
        self.direction = 0
        self.cost_basis = None
        self.peak_import = 0.0

    def reset(self, obs):
        self.trades = []
        self.direction = 0
        self.cost_basis = float(obs["price"][0])
        self.peak_import = 0.0

    # -- helpers -------------------------------------------------------
    @staticmethod
    def price_rank(prices):
        """Position of the current price among the coming ones, 0 cheapest .. 1 dearest."""
        order = prices.argsort().argsort()
        return float(order[0]) / max(len(prices) - 1, 1)

    def _update_basis(self, energy, price, soc):
        stored = max(soc * CAPACITY, 1e-6)
        if energy > 0:
            w = min(energy / stored, 1.0)
            self.cost_basis = (1 - w) * self.cost_basis + w * price / EFFICIENCY

    @property
    def cycles(self):
        throughput = reduce(lambda acc, tr: acc + abs(tr.energy), self.trades, 0.0)
        return throughput / (2 * CAPACITY)

    @property
    def worst_cash(self):
        cash = list(accumulate(-tr.energy * tr.price for tr in self.trades))
        return min(cash, default=0.0)

    def step(self, obs, action, next_obs):
        price = float(obs["price"][0])
        soc0, soc1 = float(obs["soc"][0]), float(next_obs["soc"][0])
        energy = (soc1 - soc0) * CAPACITY
        self._update_basis(energy, price, soc1)
        self.trades.append(Trade(energy, price, soc1))

        grid = float(obs["load"][0]) - float(obs["pv"][0]) + (energy / EFFICIENCY if energy > 0 else energy * EFFICIENCY)
        comps = {"grid": -price * max(grid, 0.0) + 0.6 * price * max(-grid, 0.0)}

        rank = self.price_rank(obs["price"])
        match np.sign(round(energy, 3)):
            case 1:
                comps["timing"] = 0.2 * (0.5 - rank)
                new_direction = 1
            case -1:
                comps["timing"] = 0.2 * (rank - 0.5)
                comps["margin"] = 0.5 * (price - self.cost_basis) * abs(energy)
                new_direction = -1
            case _:
                comps["idle"] = -0.05 if rank in (0.0, 1.0) else 0.0
                new_direction = self.direction

        if self.direction and new_direction != self.direction:
            comps["reversal"] = -0.1
        self.direction = new_direction

        if grid > self.peak_import:
            comps["peak"] = -0.05 * (grid - self.peak_import)
            self.peak_import = grid
        if soc1 < 0.1 or soc1 > 0.95:
            comps["soc_limit"] = -0.3

        # requested power that the battery could not deliver
        requested = float(np.clip(action[0], -1, 1)) * 0.25 * CAPACITY
        comps["mismatch"] = -0.02 * abs(requested - energy)
        comps["wear"] = -CYCLE_COST * abs(energy) * (1.0 + max(self.cycles - 1.0, 0.0))

        hour = next_obs["hour"]
        if isinstance(hour, (int, np.integer)) and int(hour) == 0 and len(self.trades) > 1:
            comps["day_end"] = 0.1 * sum(-t.energy * t.price for t in self.trades)
        if self.worst_cash < -5.0:
            comps["cash"] = 0.01 * self.worst_cash
        return float(sum(comps.values())), comps
