import numpy as np

# MiniGrid object ids
WALL = 2
BALL = 6      # moving obstacle
GOAL = 8

AGENT_POS = np.array([3, 6])


def reward(obs, action, next_obs):
    img = next_obs["image"]
    objects = img[..., 0]

    total = -0.01

    # --- obstacle avoidance -------------------------------------------------
    balls = np.argwhere(objects == BALL)
    if len(balls) > 0:
        dists = np.abs(balls - AGENT_POS).sum(axis=1)
        nearest = dists.min()
        if nearest <= 1:
            total -= 0.2
        elif nearest == 2:
            total -= 0.05

    # Moving forward into a cell that held an obstacle ends the episode
    front = obs["image"][3, 5, 0]
    if action == 2 and front == BALL:
        total -= 1.0
    elif action == 2 and front == WALL:
        total -= 0.05

    # --- progress -----------------------------------------------------------
    prev_goal = np.argwhere(obs["image"][..., 0] == GOAL)
    goal = np.argwhere(objects == GOAL)
    if len(goal) and len(prev_goal):
        d_prev = np.linalg.norm(prev_goal[0] - AGENT_POS, ord=1)
        d_now = np.linalg.norm(goal[0] - AGENT_POS, ord=1)
        total += 0.1 * (d_prev - d_now)
    elif len(goal):
        total += 0.1          # goal came into view
    elif len(prev_goal):
        # reached it (agent stands on it) or turned away
        if action == 2 and front == GOAL:
            total += 1.0
        else:
            total -= 0.1

    return float(total)
