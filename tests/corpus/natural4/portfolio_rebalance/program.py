import numpy as np

FEE, RISK_AVERSION, TURNOVER_COST, HHI_WEIGHT = 1e-3, 2.0, 5e-3, 0.05


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def reward(obs, action, next_obs):
    """Risk-adjusted log return of a long only portfolio; the action holds the logits of cash + 5 assets."""
    target = softmax(action.astype(float))
    held = obs["weights"] / max(obs["weights"].sum(), 1e-8)

    # simple returns, cash first
    ratio = next_obs["prices"] / np.maximum(obs["prices"], 1e-6) - 1.0
    asset_returns = np.r_[0.0001, np.clip(ratio, -0.5, 0.5)]

    turnover = np.abs(target - held).sum() / 2
    gross = target @ asset_returns
    net = gross - FEE * turnover
    log_return = np.log1p(np.maximum(net, -0.99))

    # risk from the rolling window of returns: (20, 5)
    cov = np.cov(obs["history"], rowvar=False) + 1e-8 * np.eye(5)
    variance = target[1:] @ cov @ target[1:]
    hhi = np.sum(target ** 2)

    drawdown = 1.0 - next_obs["value"][0] / max(next_obs["peak"][0], 1e-6)
    dd_penalty = 0.5 * max(0.0, drawdown - 0.1)

    comps = dict(
        log_return=100 * log_return,
        risk=-RISK_AVERSION * variance * 100,
        turnover=-TURNOVER_COST * turnover * 100,
        concentration=-HHI_WEIGHT * max(0.0, hhi - 1 / 3),
        drawdown=-dd_penalty,
    )
    return float(sum(comps.values())), {k: float(v) for k, v in comps.items()}
