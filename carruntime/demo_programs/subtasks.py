# Written for the carruntime demonstration (origin: authored), in the style in which models answer.

import numpy as np

# MiniGrid's symbolic view: image[x, y] = (object, colour, state), agent at (3, 6) looking up.
DOOR, KEY, GOAL = 4, 5, 8
OPEN = 0
FORWARD = 2


def pick_up_the_key(obs):
    """What the agent carries is drawn on its own cell."""
    return obs["image"][3, 6, 0] == KEY


def open_the_door(obs):
    """Some door in view is open; the doorway itself counts while the agent stands in it."""
    kinds = obs["image"][:, :, 0]
    states = obs["image"][:, :, 2]
    return np.any((kinds == DOOR) & (states == OPEN))


def reach_the_goal(obs, action, next_obs):
    """The goal was straight ahead, the agent went forward, and it is ahead no more."""
    was_ahead = obs["image"][3, 5, 0] == GOAL
    is_ahead = next_obs["image"][3, 5, 0] == GOAL
    return was_ahead and action == FORWARD and not is_ahead


TASKS = [pick_up_the_key, open_the_door, reach_the_goal]
