import numpy as np

FEE = 0.001
WINDOW = 5


class TradingReward:
    """Risk adjusted portfolio reward.

    Observation dict:
        prices   (4,)  asset prices
        holdings (4,)  units held
        cash     (1,)
    Action: target weights (5,), the last one is cash.
    """

    def __init__(self):
        self.values = []
        self.peak = 0.0
        self.drawdown = 0.0
        self.last_weights = None

    def reset(self, obs):
        v = self.portfolio_value(obs)
        self.values = [v]
        self.peak = v
        self.drawdown = 0.0
        self.last_weights = None

    @staticmethod
    def portfolio_value(obs):
        return float(obs["cash"][0] + np.dot(obs["prices"], obs["holdings"]))

    @staticmethod
    def normalise(action):
        w = np.exp(action - np.max(action))
        return w / w.sum()

    def step(self, obs, action, next_obs):
        weights = self.normalise(action)
        value = self.portfolio_value(next_obs)
        prev = self.values[-1] if self.values else value
        self.values.append(value)

        if prev <= 0 or value <= 0:
            return -10.0, {"bankrupt": -10.0}

        log_ret = np.log(value / prev)

        # benchmark: equally weighted basket
        safe = np.where(obs["prices"] > 0, obs["prices"], 1.0)
        bench = np.mean(next_obs["prices"] / safe) - 1.0

        self.peak = max(self.peak, value)
        dd = 1.0 - value / self.peak
        dd_increase = max(dd - self.drawdown, 0.0)
        self.drawdown = dd

        turnover = 0.0
        if self.last_weights is not None:
            turnover = np.abs(weights - self.last_weights).sum() / 2
        self.last_weights = weights.copy()

        returns = np.diff(np.log(np.maximum(self.values[-WINDOW - 1:], 1e-9)))
        vol = returns.std() if len(returns) > 1 else 0.0
        downside = returns[returns < 0]
        sortino = log_ret / (np.sqrt(np.mean(downside ** 2)) + 1e-3) if downside.size else log_ret * 10

        concentration = np.sum(weights[:-1] ** 2)

        comps = {
            "return": 100.0 * log_ret,
            "alpha": 20.0 * (log_ret - bench),
            "drawdown": -50.0 * dd_increase,
            "fees": -100.0 * FEE * turnover,
            "volatility": -10.0 * vol,
            "sortino": 0.1 * np.clip(sortino, -5, 5),
            "diversification": -0.2 * max(concentration - 0.5, 0.0),
        }
        if value >= self.peak and len(self.values) > 3:
            comps["new_high"] = 0.25
        return float(np.sum(list(comps.values()))), {k: float(v) for k, v in comps.items()}
