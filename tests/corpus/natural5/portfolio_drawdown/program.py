import numpy as np


class PortfolioReward:
    """Risk-adjusted reward of a daily portfolio of 6 assets + cash.

    Keeps the equity curve of the episode to penalise drawdowns and uses the
    differential Sharpe ratio (Moody & Saffell) as the main signal.
    """

    def __init__(self, eta=0.05, fee=0.001, dd_limit=0.1):
        self.eta = eta
        self.fee = fee
        self.dd_limit = dd_limit
        self.reset(None)

    def reset(self, obs):
        self.equity = [1.0]
        self.A = 0.0
        self.B = 0.0
        self.prev_weights = None
        if obs is not None:
            self.prev_weights = obs["weights"].astype(np.float64)

    def _target_weights(self, action):
        """Softmax of the logits, as the environment does it."""
        z = np.asarray(action, dtype=np.float64)
        e = np.exp(z - z.max())
        return e / e.sum()

    def _differential_sharpe(self, r):
        dA = r - self.A
        dB = r ** 2 - self.B
        denom = (self.B - self.A ** 2) ** 1.5 if self.B > self.A ** 2 else 0.0
        if denom > 1e-12:
            d = (self.B * dA - 0.5 * self.A * dB) / denom
        else:
            d = 0.0
        self.A += self.eta * dA
        self.B += self.eta * dB
        return float(np.clip(d, -5, 5))

    def step(self, obs, action, next_obs):
        w = self._target_weights(action)
        asset_returns = np.append(next_obs["returns"], 0.0)      # cash last

        turnover = 0.0 if self.prev_weights is None else np.abs(w - self.prev_weights).sum()
        gross = float(w @ asset_returns)
        net = gross - self.fee * turnover
        net = max(net, -0.99)

        self.equity.append(self.equity[-1] * (1.0 + net))
        curve = np.array(self.equity)
        peak = np.maximum.accumulate(curve)
        drawdown = float(1.0 - curve[-1] / peak[-1])
        max_drawdown = float((1.0 - curve / peak).max())

        reward = self._differential_sharpe(net) + 10.0 * np.log1p(net)

        if drawdown > self.dd_limit:
            reward -= 5.0 * (drawdown - self.dd_limit)

        # diversification, 1 = equal weights
        entropy = -np.sum(w * np.log(w + 1e-12)) / np.log(len(w))
        reward += 0.02 * entropy
        concentration = w[:-1].max()
        if concentration > 0.5:
            reward -= 0.1 * (concentration - 0.5)

        # weights drift with the market
        drift = w * (1.0 + asset_returns)
        self.prev_weights = drift / drift.sum()

        return float(reward), {
            "net_return": net,
            "turnover": float(turnover),
            "drawdown": drawdown,
            "max_drawdown": max_drawdown,
            "entropy": float(entropy),
        }
