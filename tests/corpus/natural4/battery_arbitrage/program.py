from dataclasses import dataclass
from enum import IntEnum
from typing import Dict, List, Tuple

import numpy as np


class Mode(IntEnum):
    IDLE = 0
    CHARGE = 1
    DISCHARGE = 2


@dataclass
class BatterySpec:
    capacity_kwh: float = 100.0
    efficiency: float = 0.92
    min_soc: float = 0.1
    max_soc: float = 0.9
    wear_cost_per_kwh: float = 0.015
    cycle_penalty: float = 0.02


class ArbitrageReward:
    """Profit from buying low and selling high, less battery wear.

    Energy is accounted with a running average purchase price, so that the profit of a sale is known
    when it happens.
    """

    def __init__(self, spec: BatterySpec = None):
        self.spec = spec if spec is not None else BatterySpec()
        self.avg_price = 0.0
        self.stored = 0.0
        self.mode = Mode.IDLE
        self.direction_changes = 0
        self.prices: List[float] = []

    def reset(self, obs: Dict[str, np.ndarray]) -> None:
        self.avg_price = float(obs["price"][0])
        self.stored = float(obs["soc"][0]) * self.spec.capacity_kwh
        self.mode = Mode.IDLE
        self.direction_changes = 0
        self.prices = [float(obs["price"][0])]

    def _update_mode(self, delta_kwh: float) -> bool:
        new_mode = Mode.IDLE
        if delta_kwh > 0.05:
            new_mode = Mode.CHARGE
        elif delta_kwh < -0.05:
            new_mode = Mode.DISCHARGE
        flipped = Mode.IDLE not in (self.mode, new_mode) and new_mode != self.mode
        if new_mode is not Mode.IDLE:
            self.mode = new_mode
        if flipped:
            self.direction_changes += 1
        return flipped

    def _trade(self, delta_kwh: float, price: float) -> float:
        """Book the energy and return the profit or loss which has been realised."""
        if delta_kwh >= 0:
            bought = delta_kwh / self.spec.efficiency
            cost = bought * price
            total = self.stored + delta_kwh
            if total > 1e-9:
                self.avg_price = (self.avg_price * self.stored + cost) / total
            self.stored = total
            return 0.0
        sold = -delta_kwh * self.spec.efficiency
        self.stored = max(0.0, self.stored + delta_kwh)
        return sold * price + delta_kwh * self.avg_price

    def step(self, obs, action, next_obs) -> Tuple[float, Dict[str, float]]:
        price = float(obs["price"][0])
        soc = float(next_obs["soc"][0])
        delta = (soc - float(obs["soc"][0])) * self.spec.capacity_kwh

        flipped = self._update_mode(delta)
        profit = self._trade(delta, price)

        # potential: value of the charge at the mean of the prices seen so far
        self.prices.append(float(next_obs["price"][0]))
        reference = float(np.mean(self.prices[-24:]))
        value_change = delta * (reference - price) if delta > 0 else 0.0

        below = max(0.0, self.spec.min_soc - soc)
        above = max(0.0, soc - self.spec.max_soc)

        components = {
            "profit": profit,
            "value": 0.1 * value_change,
            "wear": -self.spec.wear_cost_per_kwh * abs(delta),
            "flip": -self.spec.cycle_penalty * self.direction_changes if flipped else 0.0,
            "limits": -5.0 * (below + above),
            "unserved": -0.5 if action[0] < -0.1 and soc <= self.spec.min_soc else 0.0,
        }
        return sum(components.values()), components
