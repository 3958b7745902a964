from dataclasses import dataclass, field, asdict
import numpy as np


@dataclass
class RewardWeights:
    velocity: float = 1.25
    alive: float = 5.0
    upright: float = 0.5
    heading: float = 0.3
    ctrl: float = 0.1
    smooth: float = 0.05
    pose: float = 0.1


@dataclass
class WalkConfig:
    target_speed: float = 1.2
    min_height: float = 1.0
    max_height: float = 2.0
    weights: RewardWeights = field(default_factory=RewardWeights)
    abdomen: tuple = (5, 6, 7)


CFG = WalkConfig()


def quat_to_rot(q):
    q = q / (np.linalg.norm(q) + 1e-8)
    w, x, y, z = q
    return np.array([
        [1 - 2 * (y**2 + z**2), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x**2 + z**2), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x**2 + y**2)],
    ])


def compute_terms(obs, action, next_obs, cfg=CFG):
    """obs: [z, quat(4), 17 joints, vx, vy, vz, wx, wy, wz, 17 joint velocities]."""
    height = next_obs[0]
    R = quat_to_rot(next_obs[1:5])
    joints, joint_vel = next_obs[5:22], next_obs[28:45]
    vx, vy = next_obs[22], next_obs[23]

    speed_err = (vx - cfg.target_speed) / cfg.target_speed
    healthy = cfg.min_height < height < cfg.max_height

    return {
        "velocity": np.exp(-2.0 * speed_err**2) if vx < cfg.target_speed else 1.0,
        "alive": float(healthy),
        "upright": R[2, 2],
        "heading": R[0, 0] - 0.5 * np.abs(vy),
        "ctrl": -np.mean(np.square(action)),
        "smooth": -np.mean(np.abs(joint_vel - obs[28:45])) / 10.0,
        "pose": -np.sum(joints[[i - 5 for i in cfg.abdomen]] ** 2),
    }


def reward(obs, action, next_obs):
    w = asdict(CFG.weights)
    terms = compute_terms(obs, action, next_obs)
    weighted = {name: w[name] * value for name, value in terms.items()}
    if not terms["alive"]:
        weighted["velocity"] = 0.0
        weighted["fall"] = -2.0
    return sum(weighted.values()), weighted
