from functools import partial
from typing import Callable, Dict, List

import numpy as np

# element -> (indices into the 59-dim observation, goal joint values)
ELEMENTS: Dict[str, tuple] = {
    "bottom burner": (np.array([18, 19]), np.array([-0.88, -0.01])),
    "top burner": (np.array([24, 25]), np.array([-0.92, -0.01])),
    "light switch": (np.array([26, 27]), np.array([-0.69, -0.05])),
    "slide cabinet": (np.array([28]), np.array([0.37])),
    "hinge cabinet": (np.array([29, 30]), np.array([0.0, 1.45])),
    "microwave": (np.array([31]), np.array([-0.75])),
    "kettle": (np.arange(32, 39), np.array([-0.23, 0.75, 1.62, 0.99, 0.0, 0.0, -0.06])),
}
THRESHOLD = 0.3


def element_error(name: str, obs) -> float:
    idx, goal = ELEMENTS[name]
    return float(np.linalg.norm(obs[idx] - goal))


def is_complete(name: str, obs) -> bool:
    return element_error(name, obs) < THRESHOLD


def count_complete(obs) -> int:
    return sum(is_complete(name, obs) for name in ELEMENTS)


def microwave_moving(obs) -> bool:
    """The door is neither shut nor fully open."""
    angle = obs[31]
    return bool(-0.65 < angle < -0.1)


def kettle_lifted(initial_obs, obs) -> bool:
    return bool(obs[34] - initial_obs[34] > 0.05 and is_complete("kettle", obs) is False)


def microwave_open(obs):
    return is_complete("microwave", obs)


def kettle_on_burner(obs):
    return is_complete("kettle", obs)


def light_on(obs):
    return is_complete("light switch", obs)


def any_burner(obs):
    return is_complete("bottom burner", obs) or is_complete("top burner", obs)


def closer_on_most(initial_obs, obs):
    """More than half of the elements are closer to their goals than at the start."""
    before = np.array([element_error(n, initial_obs) for n in ELEMENTS])
    now = np.array([element_error(n, obs) for n in ELEMENTS])
    return bool(np.mean(now < before - 1e-6) > 0.5)


at_least: Callable = lambda k, obs: count_complete(obs) >= k

TASKS: List[Callable] = [
    microwave_moving,
    microwave_open,
    kettle_lifted,
    kettle_on_burner,
    light_on,
    any_burner,
    closer_on_most,
    lambda obs: at_least(2, obs),
    lambda obs: at_least(4, obs),
]
