import numpy as np

EPS = 1e-6


def reward(observation, achieved_goal, desired_goal, prev_achieved_goal, action):
    """Dense reward for PandaSlide: hit the puck so that it stops at the goal.

    observation: [ee xyz, ee vxyz, puck xyz, puck rpy, puck vxyz, puck wxyz] (18,)
    """
    ee_pos, ee_vel = observation[0:3], observation[3:6]
    puck_vel = observation[12:15]

    to_goal = desired_goal - achieved_goal
    dist = float(np.linalg.norm(to_goal))
    prev_dist = float(np.linalg.norm(desired_goal - prev_achieved_goal))
    direction = to_goal / (dist + EPS)

    components = {}

    # reach: the hand should be behind the puck as seen from the goal
    behind = achieved_goal - 0.06 * direction
    components["reach"] = 0.3 * float(np.exp(-8.0 * np.linalg.norm(ee_pos - behind)))

    # progress of the puck
    components["progress"] = 5.0 * float(np.clip(prev_dist - dist, -0.1, 0.1))

    # velocity of the puck towards the goal against the speed that friction would just use up
    mu_g = 0.1 * 9.81
    ideal_speed = float(np.sqrt(2.0 * mu_g * dist))
    speed_to_goal = float(np.dot(puck_vel, direction))
    moving = float(np.linalg.norm(puck_vel)) > 0.05
    components["speed_match"] = -0.2 * abs(speed_to_goal - ideal_speed) / (ideal_speed + EPS) if moving else 0.0
    components["speed_match"] = max(components["speed_match"], -1.0)

    # success: at rest at the goal
    success = dist < 0.05 and not moving
    components["success"] = 3.0 if success else 0.0

    # regularisation
    components["action"] = -0.01 * float(np.sum(np.square(action)))
    off_table = bool(achieved_goal[2] < -0.05)
    components["off_table"] = -1.0 if off_table else 0.0

    total = sum(components.values())
    if not np.isfinite(total):
        total = -1.0
    components["distance"] = dist
    return float(total), components
