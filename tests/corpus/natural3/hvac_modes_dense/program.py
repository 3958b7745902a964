from enum import Enum, IntEnum

import numpy as np


class Mode(IntEnum):
    OFF = 0
    HEAT = 1
    COOL = 2
    VENT = 3
    ECO = 4


class Period(Enum):
    NIGHT = "night"
    SHOULDER = "shoulder"
    PEAK = "peak"

    @property
    def price(self):
        return {Period.NIGHT: 0.08, Period.SHOULDER: 0.14, Period.PEAK: 0.31}[self]


def period_of(hour: float) -> Period:
    match int(hour) % 24:
        case h if h < 6 or h >= 22:
            return Period.NIGHT
        case 16 | 17 | 18 | 19:
            return Period.PEAK
        case _:
            return Period.SHOULDER


def comfort_band(occupied: bool) -> tuple[float, float]:
    return (20.5, 24.0) if occupied else (16.0, 28.0)


def power_kw(mode: Mode, temp: float, outdoor: float) -> float:
    match mode:
        case Mode.OFF:
            return 0.0
        case Mode.VENT:
            return 0.4
        case Mode.HEAT:
            return 2.0 + 0.05 * max(temp - outdoor, 0.0)
        case Mode.COOL:
            return 2.5 + 0.08 * max(outdoor - temp, 0.0)
        case Mode.ECO:
            return 1.0
    return 0.0


def reward(obs, action, next_obs):
    """obs: [hour, outdoor, humidity, co2, t1..t5, occ1..occ5]; action: mode per zone (5)."""
    hour, outdoor, humidity, co2 = next_obs[:4]
    temps, occ = next_obs[4:9], next_obs[9:14] > 0.5
    period = period_of(float(hour))

    discomfort = 0.0
    worst_zone = -1
    worst = 0.0
    energy = 0.0
    conflicts = 0
    for zone, (t, o, a) in enumerate(zip(temps, occ, action)):
        low, high = comfort_band(bool(o))
        violation = max(low - t, 0.0) + max(t - high, 0.0)
        if violation > worst:
            worst, worst_zone = violation, zone
        discomfort += violation ** 2 if o else 0.2 * violation
        energy += power_kw(Mode(int(a)), float(t), float(outdoor)) * 0.25
        if (a == Mode.HEAT and t > high) or (a == Mode.COOL and t < low):
            conflicts += 1

    air = 0.0
    if co2 > 1000:
        air -= (co2 - 1000) / 500
        air += 0.5 * np.count_nonzero(action == Mode.VENT)
    if not 30 <= humidity <= 60:
        air -= 0.25

    comfort = -min(discomfort, 25.0)
    info = {
        "comfort": comfort,
        "energy": -energy * period.price,
        "air": air,
        "conflict": -0.5 * conflicts,
        "worst_zone": float(worst_zone),
        f"energy_kwh_{period.value}": energy,
    }
    total = comfort * 0.3 - energy * period.price + air - 0.5 * conflicts
    return total, info
