import numpy as np

# observation: 0:3 gripper, 3:6 object, 6:9 object - gripper, 9:11 finger positions,
# 11:14 object rotation (euler), 14:17 object velocity (relative), 17:20 object angular
# velocity, 20:23 gripper velocity, 23:25 finger velocity
TABLE_HEIGHT = 0.42
THRESHOLD = 0.05


def task_1_gripper_above_object(obs):
    """Gripper hovers over the object with open fingers."""
    rel = obs["observation"][6:9]
    fingers = obs["observation"][9:11]
    return np.linalg.norm(rel[:2]) < 0.03 and rel[2] < 0.0 and fingers.sum() > 0.06


def task_2_at_grasp_pose(obs):
    return np.linalg.norm(obs["observation"][6:9]) < 0.025


def task_3_grasped(obs):
    """Fingers closed around the cube: near it, half-closed, both moving with it."""
    o = obs["observation"]
    near = np.linalg.norm(o[6:9]) < 0.03
    closed = 0.03 < o[9] + o[10] < 0.06
    still = np.linalg.norm(o[14:17]) < 0.02
    return near and closed and still


def task_4_lifted(initial_obs, obs):
    start_height = initial_obs["observation"][5]
    return obs["observation"][5] > start_height + 0.04


def task_5_closer_than_start(initial_obs, obs):
    d0 = np.linalg.norm(initial_obs["achieved_goal"] - initial_obs["desired_goal"])
    d1 = np.linalg.norm(obs["achieved_goal"] - obs["desired_goal"])
    return d1 < 0.5 * d0


def task_6_at_goal(obs):
    return np.linalg.norm(obs["achieved_goal"] - obs["desired_goal"], axis=-1) < THRESHOLD


TASKS = [
    task_1_gripper_above_object,
    task_2_at_grasp_pose,
    task_3_grasped,
    task_4_lifted,
    task_5_closer_than_start,
    task_6_at_goal,
]
