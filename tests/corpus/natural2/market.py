import numpy as np


class SharpeReward:
    def __init__(self, window=16, risk_free=0.0):
        self.window = window
        self.risk_free = risk_free
        self.returns = []
        self.peak = 0.0

    def reset(self, obs):
        self.returns = []
        self.peak = self._value(obs)

    @staticmethod
    def _value(obs):
        return float(obs["cash"][0] + np.dot(obs["prices"], obs["holdings"]))

    def step(self, obs, action, next_obs):
        v0, v1 = self._value(obs), self._value(next_obs)
        r = (v1 - v0) / v0 if v0 > 0 else 0.0
        self.returns.append(r)
        if len(self.returns) > self.window:
            self.returns.pop(0)
        self.peak = max(self.peak, v1)
        drawdown = (self.peak - v1) / self.peak if self.peak > 0 else 0.0
        excess = np.array(self.returns) - self.risk_free
        sharpe = excess.mean() / (excess.std() + 1e-9) if len(self.returns) > 2 else 0.0
        turnover = np.abs(action).sum()
        return float(r + 0.1 * sharpe - 0.5 * drawdown - 0.001 * turnover)
# ---
import numpy as np


def reward(obs, action, next_obs):
    prices0 = np.asarray(obs["prices"], dtype=float)
    prices1 = np.asarray(next_obs["prices"], dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        rets = np.where(prices0 > 0, prices1 / prices0 - 1.0, 0.0)
    weights = np.exp(action - action.max())
    weights /= weights.sum()
    portfolio = weights @ rets
    concentration = (weights ** 2).sum()
    winners = [i for i, r in enumerate(rets) if r > 0]
    losers = [i for i in range(len(rets)) if i not in winners]
    hit = sum(weights[i] for i in winners) - sum(weights[i] for i in losers)
    value = obs["holdings"] * prices1
    if value.sum() > 0:
        shares = value / value.sum()
        hhi = float(np.sum(shares ** 2))
    else:
        hhi = 1.0
    return float(portfolio) + 0.01 * float(hit) - 0.02 * float(concentration) - 0.01 * hhi
# ---
from collections import defaultdict
import numpy as np

SECTORS = {0: "tech", 1: "tech", 2: "energy", 3: "health", 4: "energy"}
MAX_EXPOSURE = {"tech": 0.5, "energy": 0.4, "health": 0.3}


def sector_exposure(prices, holdings):
    exposure = defaultdict(float)
    for asset, (price, amount) in enumerate(zip(prices, holdings)):
        exposure[SECTORS[asset]] += price * amount
    total = sum(exposure.values())
    if total <= 0:
        return {}
    return {sector: value / total for sector, value in exposure.items()}


def reward(obs, action, next_obs):
    exposure = sector_exposure(next_obs["prices"], next_obs["holdings"])
    violations = 0.0
    for sector, limit in MAX_EXPOSURE.items():
        violations += max(0.0, exposure.get(sector, 0.0) - limit)
    gain = np.sum((next_obs["prices"] - obs["prices"]) * obs["holdings"])
    trade = np.abs(next_obs["holdings"] - obs["holdings"])
    cost = 0.002 * np.sum(trade * next_obs["prices"])
    overdraft = -1.0 if next_obs["cash"][0] < 0.5 else 0.0
    return {"reward": gain - cost - violations + overdraft, "gain": gain, "cost": -cost, "violations": -violations}
