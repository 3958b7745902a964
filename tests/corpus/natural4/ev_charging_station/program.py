from typing import Dict, Tuple

import numpy as np

TRANSFORMER_LIMIT_KW = 50.0
N_PORTS = 6


def price_at(hour: float) -> float:
    """Interpolated day-ahead price in EUR/kWh."""
    hours = [0, 4, 7, 9, 13, 17, 20, 24]
    prices = [0.12, 0.09, 0.22, 0.30, 0.15, 0.25, 0.38, 0.12]
    return float(np.interp(hour, hours, prices))


def reward(
    soc,
    target_soc,
    time_to_departure,
    connected,
    charge_kw,
    hour,
    pv_kw,
    prev_soc,
    prev_connected,
) -> Tuple[float, Dict[str, float]]:
    """Reward of one 15 minute interval of a six port charging station."""
    dt = 0.25
    plugged = connected.astype(bool)
    was_plugged = prev_connected.astype(bool)

    # Cost of the energy from the grid; solar energy is free and the excess earns 40 % of the price.
    demand = float(charge_kw[plugged].sum()) if plugged.any() else 0.0
    grid = demand - float(pv_kw[0])
    unit = price_at(float(hour[0]))
    cost = grid * dt * unit if grid >= 0 else grid * dt * unit * 0.4

    # Cars which left in this interval: penalty for missing charge.
    left = was_plugged & ~plugged
    shortfall = np.clip(target_soc - prev_soc, 0.0, 1.0)
    departure_penalty = float(np.sum(shortfall[left] ** 2))

    # Cars that are still here: urgency, i.e. needed power relative to the port's 11 kW.
    slack_h = np.maximum(time_to_departure, dt)
    needed_kw = np.clip(target_soc - soc, 0.0, 1.0) * 60.0 / slack_h
    urgency = np.where(plugged, np.clip(needed_kw / 11.0 - 1.0, 0.0, 3.0), 0.0)

    # Transformer overload grows quadratically above the limit.
    overload = max(0.0, abs(grid) - TRANSFORMER_LIMIT_KW) / TRANSFORMER_LIMIT_KW

    # Fairness between ports: Jain's index of the states of charge of the connected cars.
    levels = soc[plugged]
    if levels.size >= 2:
        jain = float(levels.sum() ** 2 / (levels.size * np.square(levels).sum() + 1e-9))
    else:
        jain = 1.0

    gained = float(np.sum((soc - prev_soc)[plugged & was_plugged]))

    terms = {
        "cost": -cost,
        "departure": -4.0 * departure_penalty,
        "urgency": -0.1 * float(urgency.mean()),
        "overload": -10.0 * overload**2,
        "fairness": 0.1 * (jain - 1.0),
        "charging": 0.5 * gained,
    }
    return float(sum(terms.values())), terms
