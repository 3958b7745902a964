"""Reward for an artificial pancreas (one step = 3 minutes)."""
import math

# Clinical thresholds in mg/dL
SEVERE_LOW = 54
LOW = 70
HIGH = 180
SEVERE_HIGH = 250


def blood_glucose_risk(bg):
    """Kovatchev's risk function: 0 at 112.5 mg/dL, up to 100 at the extremes."""
    bg = min(max(float(bg), 20.0), 600.0)
    f = 1.509 * (math.log(bg) ** 1.084 - 5.381)
    return 10.0 * f ** 2


def glucose_zone(bg):
    if bg < SEVERE_LOW:
        return "severe_low"
    elif bg < LOW:
        return "low"
    elif bg <= HIGH:
        return "in_range"
    elif bg <= SEVERE_HIGH:
        return "high"
    return "severe_high"


ZONE_REWARD = {
    "severe_low": -3.0,
    "low": -1.0,
    "in_range": 0.3,
    "high": -0.2,
    "severe_high": -1.0,
}


def compute_reward(obs, action, next_obs):
    # obs["cgm"] holds the last 12 readings, newest last
    bg = float(next_obs["cgm"][-1])
    previous = float(obs["cgm"][-1])
    insulin = max(0.0, float(action[0]))
    iob = float(next_obs["iob"][0])

    components = {}

    # 1. reduction of the risk index
    components["risk"] = (blood_glucose_risk(previous) - blood_glucose_risk(bg)) / 10.0

    # 2. time in range
    zone = glucose_zone(bg)
    components["zone"] = ZONE_REWARD[zone]

    # 3. trend: mean slope of the last four readings
    recent = [float(x) for x in next_obs["cgm"][-4:]]
    slopes = [b - a for a, b in zip(recent[:-1], recent[1:])]
    trend = sum(slopes) / len(slopes)
    if zone in ("low", "severe_low") and trend < 0:
        components["trend"] = 0.05 * max(trend, -20.0)
    elif zone in ("high", "severe_high") and trend > 0:
        components["trend"] = -0.02 * min(trend, 20.0)
    else:
        components["trend"] = 0.0

    # 4. stacking of insulin: do not give more when there is plenty on board and no meal
    if iob > 3.0 and not next_obs["meal_announced"]:
        components["stacking"] = -0.1 * insulin * (iob - 3.0)
    else:
        components["stacking"] = 0.0

    # 5. insulin at night should be small
    night = next_obs["hour"] >= 23 or next_obs["hour"] < 6
    components["night"] = -0.2 * insulin if night and bg < 140 else 0.0

    total = 0.0
    for name in components:
        total += components[name]
    total = max(-10.0, min(2.0, total))
    return total, components
