import numpy as np

TABLE_HEIGHT = 0.42
SUCCESS_RADIUS = 0.05


def reward(observation, achieved_goal, desired_goal, action):
    """
    Reward for FetchSlide: hit the puck such that it comes to rest on the goal.

    Returns the total reward and a dictionary with its parts.
    """
    grip_pos = observation[0:3]
    puck_vel = observation[14:17]
    rel = achieved_goal - grip_pos

    dist_goal = np.linalg.norm(achieved_goal - desired_goal)
    dist_grip = np.linalg.norm(rel)
    speed = np.linalg.norm(puck_vel)

    r = {}

    # 1. get the gripper behind the puck (on the side opposite to the goal)
    to_goal = desired_goal[:2] - achieved_goal[:2]
    norm = np.linalg.norm(to_goal)
    direction = to_goal / norm if norm > 1e-6 else np.zeros(2)
    behind = float(np.dot(rel[:2], direction))
    r["behind"] = 0.2 * np.tanh(5.0 * behind) if speed < 0.05 and dist_goal > SUCCESS_RADIUS else 0.0
    r["reach"] = -0.5 * dist_grip if speed < 0.05 else 0.0

    # 2. send the puck towards the goal
    along = float(np.dot(puck_vel[:2], direction))
    across = np.sqrt(max(speed**2 - along**2, 0.0))
    r["aim"] = np.clip(along, -1, 1) - 0.5 * across

    # 3. predicted stopping point, constant deceleration
    mu_g = 0.1 * 9.81
    stop = achieved_goal[:2] + direction * along * abs(along) / (2 * mu_g)
    r["stop"] = float(np.exp(-4.0 * np.linalg.norm(stop - desired_goal[:2])))

    # 4. final goal
    r["success"] = 5.0 if dist_goal < SUCCESS_RADIUS and speed < 0.1 else 0.0

    # 5. fell off the table
    r["off_table"] = -2.0 if achieved_goal[2] < TABLE_HEIGHT - 0.05 else 0.0
    r["action"] = -0.01 * np.linalg.norm(action, ord=1)

    total = sum(r.values())
    return float(total), {k: float(v) for k, v in r.items()}
