"""FrankaKitchen-style sub tasks: each element of the kitchen has to reach its goal configuration."""
import numpy as np
from functools import partial

OBS_ELEMENT_INDICES = {
    "bottom burner": np.array([11, 12]),
    "top burner": np.array([15, 16]),
    "light switch": np.array([17, 18]),
    "slide cabinet": np.array([19]),
    "hinge cabinet": np.array([20, 21]),
    "microwave": np.array([22]),
    "kettle": np.array([23, 24, 25, 26, 27, 28, 29]),
}
OBS_ELEMENT_GOALS = {
    "bottom burner": np.array([-0.88, -0.01]),
    "top burner": np.array([-0.92, -0.01]),
    "light switch": np.array([-0.69, -0.05]),
    "slide cabinet": np.array([0.37]),
    "hinge cabinet": np.array([0.0, 1.45]),
    "microwave": np.array([-0.75]),
    "kettle": np.array([-0.23, 0.75, 1.62, 0.99, 0.0, 0.0, -0.06]),
}
BONUS_THRESH = 0.3


def element_distance(obs, element):
    idx = OBS_ELEMENT_INDICES[element]
    return np.linalg.norm(obs[..., idx] - OBS_ELEMENT_GOALS[element])


def element_done(obs, element, thresh=BONUS_THRESH):
    return bool(element_distance(obs, element) < thresh)


def microwave_open(obs):
    return element_done(obs, "microwave")


def kettle_on_burner(obs):
    """Kettle at its goal and roughly upright."""
    pose = obs[OBS_ELEMENT_INDICES["kettle"]]
    quat = pose[3:]
    n = np.linalg.norm(quat)
    if n < 1e-6:
        return False
    upright = abs(quat[0] / n) > 0.9
    return element_done(obs, "kettle") and bool(upright)


def light_on(obs):
    return element_done(obs, "light switch")


def slide_open(obs):
    return element_done(obs, "slide cabinet", thresh=0.15)


def any_burner_turned(initial_obs, obs):
    burners = [name for name in OBS_ELEMENT_INDICES if name.endswith("burner")]
    moved = {
        name: np.abs(obs[OBS_ELEMENT_INDICES[name]] - initial_obs[OBS_ELEMENT_INDICES[name]]).max()
        for name in burners
    }
    best = max(moved, key=moved.get)
    return bool(moved[best] > 0.4)


def mostly_done(obs):
    done = partial(element_done, obs)
    return sum(map(done, OBS_ELEMENT_INDICES)) >= 4


TASKS = [microwave_open, kettle_on_burner, light_on, slide_open, any_burner_turned, mostly_done]
