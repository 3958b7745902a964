import numpy as np

# generator data: [p_min, p_max, a, b, c]  cost = a + b P + c P^2, ramp limit separately
UNITS = np.array([
    [50.0, 200.0, 120.0, 18.0, 0.010],
    [30.0, 150.0, 90.0, 22.0, 0.015],
    [10.0, 80.0, 40.0, 30.0, 0.030],
    [0.0, 60.0, 10.0, 45.0, 0.050],
])
RAMP = np.array([40.0, 40.0, 60.0, 60.0])
EMISSION = np.array([0.95, 0.60, 0.45, 0.40])   # t / MWh
CARBON_PRICE = 35.0
VOLL = 800.0                                     # value of lost load


def generation_cost(p, on):
    a, b, c = UNITS[:, 2], UNITS[:, 3], UNITS[:, 4]
    return float(np.sum(np.where(on, a + b * p + c * p**2, 0.0)))


def merit_order_cost(demand):
    """Cost of a cheap reference dispatch: fill up units by increasing marginal cost."""
    remaining = float(demand)
    cost = 0.0
    for i in np.argsort(UNITS[:, 3] + 2 * UNITS[:, 4] * UNITS[:, 0]):
        p_min, p_max, a, b, c = UNITS[i]
        if remaining <= 0:
            break
        p = min(max(remaining, p_min), p_max)
        cost += a + b * p + c * p * p
        remaining -= p
    return cost + max(remaining, 0.0) * VOLL


def reward(obs, action, next_obs):
    prev_p, p = obs["power"], next_obs["power"]
    on_before, on = obs["online"].astype(bool), next_obs["online"].astype(bool)
    demand = float(next_obs["demand"][0])
    wind, solar = next_obs["renewable"]

    supply = p[on].sum() + wind + solar + next_obs["battery"][1]
    imbalance = supply - demand

    cost = generation_cost(p, on)
    startups = np.logical_and(on, ~on_before)
    shutdowns = np.logical_and(~on, on_before)

    both = on & on_before
    ramp_violation = np.clip(np.abs(p - prev_p) - RAMP, 0, None)[both].sum()
    limits = np.maximum(UNITS[:, 0] - p, 0) + np.maximum(p - UNITS[:, 1], 0)
    limit_violation = limits[on].sum()

    reserve = float((UNITS[on, 1] - p[on]).clip(min=0).sum())
    needed = 0.1 * demand + 0.2 * wind

    soc = next_obs["battery"][0]
    terms = {
        "fuel": -cost / 10000.0,
        "reference": (merit_order_cost(max(demand - wind - solar, 0.0)) - cost) / 20000.0,
        "emission": -CARBON_PRICE * float(EMISSION @ (p * on)) / 10000.0,
        "startup": -0.05 * int(startups.sum()),
        "shutdown": -0.02 * int(shutdowns.sum()),
        "ramp": -0.01 * float(ramp_violation),
        "limits": -0.02 * float(limit_violation),
        "reserve": -0.005 * max(needed - reserve, 0.0),
        "soc": -0.1 if not 0.1 <= soc <= 0.9 else 0.0,
    }
    if imbalance < 0:
        terms["unserved"] = float(imbalance) * VOLL / 100000.0
    else:
        terms["curtailed"] = -0.0005 * float(imbalance)
    freq_dev = abs(float(next_obs["frequency"][0]) - 50.0)
    terms["frequency"] = -np.select([freq_dev < 0.02, freq_dev < 0.2, freq_dev < 0.5], [0.0, freq_dev, 2 * freq_dev], default=3.0).item()
    return sum(terms.values()), terms
