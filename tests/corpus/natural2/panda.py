import numpy as np


def reward(obs, action, next_obs):
    """Dense reward for picking a cube and placing it at the goal."""
    o = next_obs["observation"]
    ee_pos, ee_vel = o[:3], o[3:6]
    fingers_width = o[6]
    cube_pos = o[7:10]
    goal = next_obs["desired_goal"]

    reach_dist = np.linalg.norm(ee_pos - cube_pos)
    place_dist = np.linalg.norm(cube_pos - goal)

    reach_reward = 1 - np.tanh(10.0 * reach_dist)
    grasped = (reach_dist < 0.02) and (0.03 < fingers_width < 0.05)
    lift_reward = np.clip(cube_pos[2] / 0.1, 0, 1) if grasped else 0.0
    place_reward = (1 - np.tanh(5.0 * place_dist)) * (1.0 if grasped else 0.2)
    static = np.exp(-5 * np.square(ee_vel).sum()) if place_dist < 0.05 else 0.0
    smooth = -0.01 * np.linalg.norm(action, ord=2)

    weights = dict(reach=1.0, lift=2.0, place=4.0, static=1.0, smooth=1.0)
    values = dict(reach=reach_reward, lift=lift_reward, place=place_reward, static=static, smooth=smooth)
    total = sum(weights[k] * values[k] for k in weights)
    return float(total), {k: float(v) for k, v in values.items()}
# ---
import numpy as np
from dataclasses import dataclass


@dataclass
class Config:
    success_threshold: float = 0.05
    reach_scale: float = 2.0
    goal_scale: float = 5.0
    action_penalty: float = 0.01
    bonus: float = 10.0


@dataclass
class Phase:
    name: str
    weight: float
    complete: bool = False


class PushReward:
    def __init__(self, config: Config = None):
        self.config = config or Config()
        self.phases = []
        self.best = np.inf

    def reset(self, obs):
        self.phases = [Phase("approach", 1.0), Phase("contact", 2.0), Phase("push", 4.0)]
        self.best = float(np.linalg.norm(obs["achieved_goal"] - obs["desired_goal"]))

    def step(self, obs, action, next_obs):
        cfg = self.config
        gripper = next_obs["observation"][0:3]
        cube = next_obs["achieved_goal"]
        goal = next_obs["desired_goal"]
        conditions = [
            np.linalg.norm(gripper - cube) < 0.1,
            np.linalg.norm(gripper - cube) < 0.04,
            np.linalg.norm(cube - goal) < cfg.success_threshold,
        ]
        reward = 0.0
        for phase, ok in zip(self.phases, conditions):
            if ok and not phase.complete:
                phase.complete = True
                reward += phase.weight
            if not phase.complete:
                break
        d = float(np.linalg.norm(cube - goal))
        improvement = max(0.0, self.best - d)
        self.best = min(self.best, d)
        reward += cfg.goal_scale * improvement - cfg.action_penalty * float(np.sum(action**2))
        if all(p.complete for p in self.phases):
            reward += cfg.bonus
        return reward, {"phases": sum(p.complete for p in self.phases), "improvement": improvement}
# ---
import numpy as np


def rotation_error(euler_a, euler_b):
    """Smallest absolute difference of angles, per axis."""
    diff = euler_a - euler_b
    return np.abs((diff + np.pi) % (2 * np.pi) - np.pi)


def quaternion_from_euler(roll, pitch, yaw):
    cr, sr = np.cos(roll * 0.5), np.sin(roll * 0.5)
    cp, sp = np.cos(pitch * 0.5), np.sin(pitch * 0.5)
    cy, sy = np.cos(yaw * 0.5), np.sin(yaw * 0.5)
    return np.array([
        cr * cp * cy + sr * sp * sy,
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
    ])


def reward(obs, action, next_obs):
    rot = next_obs["observation"][9:12]
    goal = next_obs["desired_goal"]
    q1 = quaternion_from_euler(*rot)
    q2 = quaternion_from_euler(*goal)
    dot = np.clip(abs(np.dot(q1, q2)), -1.0, 1.0)
    angle = 2 * np.arccos(dot)
    err = rotation_error(rot, goal)
    r = -angle / np.pi
    if np.all(err < 0.2):
        r += 1.0
    elif np.sum(err < 0.2) >= 2:
        r += 0.25
    ang_vel = next_obs["observation"][15:18]
    r -= 0.001 * float(ang_vel @ ang_vel)
    return r
# ---
import numpy as np
import statistics
from collections import deque


class SlideReward:
    """Rewards sliding the puck with a consistent speed towards the goal."""

    def __init__(self, window: int = 5):
        self.speeds = deque(maxlen=window)
        self.hit = False

    def reset(self, obs):
        self.speeds.clear()
        self.hit = False

    def step(self, obs, action, next_obs):
        velocity = next_obs["observation"][12:15]
        speed = float(np.linalg.norm(velocity))
        self.speeds.append(speed)
        to_goal = next_obs["desired_goal"] - next_obs["achieved_goal"]
        distance = float(np.linalg.norm(to_goal))
        heading = float(np.dot(velocity, to_goal) / (speed * distance + 1e-8))
        if not self.hit and speed > 0.05:
            self.hit = True
            bonus = 1.0
        else:
            bonus = 0.0
        if len(self.speeds) >= 2:
            smooth = -statistics.pstdev(self.speeds)
            average = statistics.mean(self.speeds)
        else:
            smooth, average = 0.0, speed
        success = 10.0 if distance < 0.05 else 0.0
        return bonus + 0.5 * heading + 0.1 * smooth + 0.2 * average + success - distance
# ---
import numpy as np
from typing import NamedTuple


class State(NamedTuple):
    gripper: np.ndarray
    cube1: np.ndarray
    cube2: np.ndarray


def unpack(obs) -> State:
    vec = obs["observation"]
    return State(gripper=vec[:3], cube1=vec[3:6], cube2=vec[9:12])


def gripper_above_cube1(obs):
    s = unpack(obs)
    return np.linalg.norm((s.gripper - s.cube1)[:2]) < 0.05 and s.gripper[2] > s.cube1[2]


def cube1_placed(obs):
    s = unpack(obs)
    return float(np.linalg.norm(s.cube1 - obs["desired_goal"])) < 0.1


def cube2_on_cube1(obs):
    s = unpack(obs)
    delta = s.cube2 - s.cube1
    return abs(delta[0]) < 0.1 and abs(delta[1]) < 0.1 and 0.0 < delta[2] < 0.3


def all_at_rest(obs):
    return bool(np.all(np.abs(obs["observation"][12:18]) < 0.5))


TASKS = [gripper_above_cube1, cube1_placed, cube2_on_cube1, all_at_rest]
# ---
import numpy as np


def potential(o, g):
    pts = np.array([[0.0, 0.0, 0.0], [0.02, 0.0, 0.0], [0.0, 0.02, 0.0], [0.0, 0.0, 0.02]])
    d = np.sqrt(((o[None, :] + pts - g) ** 2).sum(-1))
    return -d.max() - 0.5 * np.median(d)


def reward(obs, action, next_obs):
    gamma = 0.98
    phi0 = potential(obs["achieved_goal"], obs["desired_goal"])
    phi1 = potential(next_obs["achieved_goal"], next_obs["desired_goal"])
    shaped = gamma * phi1 - phi0
    joint_limits = np.array([0.9, 0.9, 0.9, 1.0])
    violation = np.maximum(np.abs(action) - joint_limits, 0).sum()
    curve = np.interp(float(np.linalg.norm(next_obs["achieved_goal"])), [0.0, 0.1, 0.5, 1.0], [1.0, 0.7, 0.2, 0.0])
    z = round(float(next_obs["achieved_goal"][2]), 2)
    return float(shaped - violation + 0.1 * curve) + (0.1 if z > 0.1 else 0.0)
