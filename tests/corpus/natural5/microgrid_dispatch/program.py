import math


def reward(soc, prev_soc, load, solar, grid_power, price, hour, frequency, action):
    """Hourly reward of a small microgrid with battery and grid connection.

    soc        battery state of charge after the step, shape (1,), 0..1
    load       kW per feeder, shape (4,)
    solar      kW of the PV plant, shape (1,)
    grid_power kW bought (+) or sold (-), shape (1,)
    price      EUR/kWh for [buy, sell]
    hour       hour of the day, 0..23
    frequency  Hz, shape (1,)
    action     [battery set point -1..1, diesel 0..1, shed fraction 0..1]
    """
    battery, diesel, shed = action

    # --- money --------------------------------------------------------------
    p = float(grid_power[0])
    buy, sell = price
    cost = p * buy if p >= 0 else p * sell
    fuel_cost = 0.0
    if diesel > 0.05:
        fuel_cost = 1.5 + 40.0 * diesel * 0.28      # start/idle cost + fuel

    # --- service quality ----------------------------------------------------
    demand = sum(load)
    shed_kw = demand * shed
    shed_cost = 3.0 * shed_kw
    unbalanced = demand - shed_kw - solar[0] - p - 40.0 * diesel - 50.0 * battery
    imbalance_cost = 0.02 * max(0.0, abs(unbalanced) - 5.0)

    # --- battery wear -------------------------------------------------------
    cycle = abs(soc[0] - prev_soc[0])
    wear = 4.0 * cycle ** 1.5
    if soc[0] < 0.1 or soc[0] > 0.95:
        wear += 0.5

    # evening peak: keep some reserve between 17 and 20
    reserve = 0.0
    if 15 <= hour < 17:
        reserve = 0.5 * min(soc[0], 0.8)
    elif 17 <= hour <= 20 and soc[0] < 0.2:
        reserve = -0.5

    deviation = abs(frequency[0] - 50.0)
    grid_penalty = 0.0 if deviation < 0.05 else math.log1p(10 * (deviation - 0.05))

    total = -(cost + fuel_cost + shed_cost + imbalance_cost + wear) / 10.0
    total += reserve - grid_penalty
    return float(total)
