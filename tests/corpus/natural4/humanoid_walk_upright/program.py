from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass
class Config:
    target_speed: float = 1.25
    healthy_z: tuple[float, float] = (1.0, 2.0)
    w_forward: float = 1.25
    w_upright: float = 0.5
    w_healthy: float = 2.0
    w_ctrl: float = 0.1
    w_contact: float = 5e-7
    w_lateral: float = 0.3
    contact_cap: float = 10.0


CFG = Config()


def tolerance(x: float, lower: float, upper: float, margin: float, value_at_margin: float = 0.1) -> float:
    """dm_control style gaussian tolerance."""
    if lower <= x <= upper:
        return 1.0
    if margin <= 0:
        return 0.0
    d = (lower - x if x < lower else x - upper) / margin
    scale = math.sqrt(-2 * math.log(value_at_margin))
    return math.exp(-0.5 * (d * scale) ** 2)


def upright_cosine(quat: np.ndarray) -> float:
    norm = float(np.linalg.norm(quat))
    if norm < 1e-8:
        return 0.0
    w, x, y, z = (quat / norm).tolist()
    return 1.0 - 2.0 * (x * x + y * y)


def reward(obs: np.ndarray, action: np.ndarray, next_obs: np.ndarray) -> tuple[float, dict[str, float]]:
    # Humanoid-v5 layout without x, y: z, quat(4), 17 joint angles, v(3), w(3), 17 joint velocities, ...
    z = float(next_obs[0])
    quat = next_obs[1:5]
    vx, vy, vz = (float(v) for v in next_obs[22:25])
    joints, joint_vel = next_obs[5:22], next_obs[28:45]

    low, high = CFG.healthy_z
    healthy = low < z < high and bool(np.all(np.isfinite(next_obs)))

    cos_up = upright_cosine(quat)
    forward = tolerance(vx, CFG.target_speed, CFG.target_speed + 0.5, margin=CFG.target_speed)
    stand = tolerance(z, 1.3, 1.5, margin=0.4)

    # smoothness: power used by the actuators, and change of posture
    power = float(np.abs(action.astype(np.float64) * joint_vel).sum())
    posture_change = float(np.linalg.norm(joints - obs[5:22]))

    # right and left hips and knees should be out of phase while walking
    right, left = joints[3:7], joints[7:11]
    symmetry = float(np.tanh(np.abs(right - left).mean()))

    parts = {
        "forward": CFG.w_forward * forward * stand,
        "upright": CFG.w_upright * max(0.0, cos_up) ** 2,
        "healthy": CFG.w_healthy if healthy else 0.0,
        "ctrl": -CFG.w_ctrl * float(np.square(action).sum()),
        "power": -0.002 * power,
        "lateral": -CFG.w_lateral * min(abs(vy), 2.0),
        "bounce": -0.05 * vz**2,
        "posture": -0.01 * posture_change,
        "gait": 0.1 * symmetry if healthy and vx > 0.2 else 0.0,
    }
    total = math.fsum(parts.values())
    return total, parts
