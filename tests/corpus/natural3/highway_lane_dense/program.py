from dataclasses import dataclass
from typing import List, Optional

import numpy as np

LANE_WIDTH = 4.0
NUM_LANES = 4
LEFT, IDLE, RIGHT, FASTER, SLOWER = range(5)


@dataclass
class Vehicle:
    x: float
    y: float
    vx: float
    vy: float

    @property
    def lane(self) -> int:
        return int(np.clip(round(self.y / LANE_WIDTH), 0, NUM_LANES - 1))

    def gap_to(self, other: "Vehicle") -> float:
        return other.x - self.x

    def ttc(self, other: "Vehicle") -> float:
        """Time to collision with a vehicle ahead, inf if it is not closing in."""
        closing = self.vx - other.vx
        gap = self.gap_to(other) - 5.0
        if closing <= 0.1 or gap <= 0:
            return 0.0 if gap <= 0 else float("inf")
        return gap / closing


def parse(obs):
    """Rows: [presence, x, y, vx, vy]; row 0 is the ego vehicle, others are absolute too."""
    vehicles = [Vehicle(*map(float, row[1:])) for row in obs if row[0] > 0.5]
    return (vehicles[0], vehicles[1:]) if vehicles else (None, [])


def leader(ego: Vehicle, others: List[Vehicle], lane: Optional[int] = None) -> Optional[Vehicle]:
    lane = ego.lane if lane is None else lane
    ahead = [v for v in others if v.lane == lane and v.x > ego.x]
    return min(ahead, key=lambda v: v.x) if ahead else None


def reward(obs, action, next_obs):
    ego0, _ = parse(obs)
    ego, others = parse(next_obs)
    if ego is None or ego0 is None:
        return 0.0, {"missing": 1.0}

    speed = np.interp(ego.vx, [20.0, 30.0], [0.0, 1.0])
    lead = leader(ego, others)
    ttc = ego.ttc(lead) if lead is not None else float("inf")
    headway = ego.gap_to(lead) / max(ego.vx, 1.0) if lead else 10.0

    crash = any(abs(v.x - ego.x) < 5.0 and abs(v.y - ego.y) < 2.0 for v in others)
    offset = abs(ego.y - ego.lane * LANE_WIDTH)
    off_road = not -LANE_WIDTH / 2 <= ego.y <= (NUM_LANES - 0.5) * LANE_WIDTH

    lane_change = 0.0
    if action in (LEFT, RIGHT):
        lane_change = -0.05
        target = ego0.lane + (-1 if action == LEFT else 1)
        if not 0 <= target < NUM_LANES:
            lane_change = -0.3
        elif (new_lead := leader(ego, others, target)) is None or new_lead.gap_to(ego) < -40:
            lane_change = 0.1    # moving to a free lane is a good idea

    keep_right = 0.1 * ego.lane / (NUM_LANES - 1)
    info = {
        "speed": 0.5 * float(speed),
        "ttc": -float(np.exp(-ttc / 2.0)) if ttc < 10 else 0.0,
        "headway": -0.3 if headway < 1.0 else 0.0,
        "keep_right": keep_right,
        "lane_change": lane_change,
        "centering": -0.1 * min(offset / (LANE_WIDTH / 2), 1.0),
        "jerk": -0.02 * abs(ego.vx - ego0.vx),
    }
    if crash:
        info["crash"] = -5.0
    if off_road:
        info["off_road"] = -2.0
    return sum(info.values()), info
