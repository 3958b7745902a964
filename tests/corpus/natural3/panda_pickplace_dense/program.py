"""Dense staged reward for panda-gym pick and place."""
from typing import Any, Dict, NamedTuple, Tuple

import numpy as np


class PandaState(NamedTuple):
    ee_pos: np.ndarray
    ee_vel: np.ndarray
    finger_width: float
    obj_pos: np.ndarray
    obj_vel: np.ndarray
    goal: np.ndarray

    @classmethod
    def from_obs(cls, obs: Dict[str, Any]) -> "PandaState":
        o = obs["observation"]
        return cls(
            ee_pos=o[0:3],
            ee_vel=o[3:6],
            finger_width=float(o[6]),
            obj_pos=o[7:10],
            obj_vel=o[13:16],
            goal=obs["desired_goal"],
        )

    @property
    def reach_dist(self) -> float:
        return float(np.linalg.norm(self.ee_pos - self.obj_pos))

    @property
    def place_dist(self) -> float:
        return float(np.linalg.norm(self.obj_pos - self.goal))

    @property
    def grasped(self) -> bool:
        return self.reach_dist < 0.03 and 0.01 < self.finger_width < 0.05


def tolerance(x: float, bound: float, margin: float) -> float:
    """1 inside the bound, gaussian decay to 0.1 at the margin."""
    if x <= bound:
        return 1.0
    d = (x - bound) / margin
    return float(np.exp(-0.5 * (d * np.sqrt(-2 * np.log(0.1))) ** 2))


def reward(obs: dict, action: np.ndarray, next_obs: dict) -> Tuple[float, Dict[str, float]]:
    prev, cur = PandaState.from_obs(obs), PandaState.from_obs(next_obs)

    reach = tolerance(cur.reach_dist, 0.02, 0.25)
    place = tolerance(cur.place_dist, 0.05, 0.3)
    lift = float(np.clip((cur.obj_pos[2] - 0.02) / 0.1, 0.0, 1.0)) if cur.grasped else 0.0

    # hamacher product couples reaching and placing
    denom = reach + place - reach * place
    coupled = reach * place / denom if denom > 0 else 0.0

    terms = dict(
        reach=0.3 * reach,
        grasp=0.25 if cur.grasped else 0.0,
        lift=0.25 * lift,
        place=coupled,
        progress=np.clip(5.0 * (prev.place_dist - cur.place_dist), -0.5, 0.5),
        ctrl=-0.005 * float(np.square(action).sum()),
    )
    if prev.grasped and not cur.grasped and cur.place_dist > 0.05:
        terms["dropped"] = -1.0
    if cur.place_dist < 0.05 and np.linalg.norm(cur.obj_vel) < 0.05:
        terms["success"] = 5.0
    return float(sum(terms.values())), {k: float(v) for k, v in terms.items()}
