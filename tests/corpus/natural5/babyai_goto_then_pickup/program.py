from typing import Dict, List, Optional, Tuple

import numpy as np

OBJECT_TO_IDX: Dict[str, int] = {
    "door": 4,
    "key": 5,
    "ball": 6,
    "box": 7,
}
COLOR_TO_IDX: Dict[str, int] = {
    "red": 0,
    "green": 1,
    "blue": 2,
    "purple": 3,
    "yellow": 4,
    "grey": 5,
}

# In the egocentric view the agent sits at the bottom centre, looking up.
AGENT_X, AGENT_Y = 3, 6
FRONT = (3, 5)


def parse_instruction(text: str) -> Tuple[str, Optional[int], Optional[int]]:
    """'pick up a red ball' -> ('pick up', ball, red). Colour can be missing."""
    words = text.strip().split()
    verb = "pick up" if words[:2] == ["pick", "up"] else " ".join(words[:2])
    color = next((COLOR_TO_IDX[w] for w in words if w in COLOR_TO_IDX), None)
    obj = next((OBJECT_TO_IDX[w] for w in words if w in OBJECT_TO_IDX), None)
    return verb, obj, color


def parse_mission(mission: str) -> List[Tuple[str, Optional[int], Optional[int]]]:
    if ", then " in mission:
        parts = mission.split(", then ")
    elif " after you " in mission:
        second, first = mission.split(" after you ")
        parts = [first, second]
    else:
        parts = [mission]
    return [parse_instruction(p) for p in parts]


def cell_matches(cell, obj, color) -> bool:
    if obj is not None and cell[0] != obj:
        return False
    if color is not None and cell[1] != color:
        return False
    # "a red object" still has to be something you can go to
    return cell[0] in OBJECT_TO_IDX.values()


def is_visible(image: np.ndarray, obj, color) -> bool:
    w, h, _ = image.shape
    for i in range(w):
        for j in range(h):
            if (i, j) != (AGENT_X, AGENT_Y) and cell_matches(image[i, j], obj, color):
                return True
    return False


def task_1_first_target_visible(initial_obs, obs) -> bool:
    _, obj, color = parse_mission(initial_obs["mission"])[0]
    return is_visible(obs["image"], obj, color)


def task_2_first_target_reached(initial_obs, obs) -> bool:
    verb, obj, color = parse_mission(initial_obs["mission"])[0]
    if verb == "pick up":
        return cell_matches(obs["image"][AGENT_X, AGENT_Y], obj, color)
    return cell_matches(obs["image"][FRONT], obj, color)


def task_3_second_target_visible(initial_obs, obs) -> bool:
    steps = parse_mission(initial_obs["mission"])
    if len(steps) < 2:
        return True
    _, obj, color = steps[1]
    return is_visible(obs["image"], obj, color)


def task_4_second_target_done(initial_obs, obs) -> bool:
    steps = parse_mission(initial_obs["mission"])
    if len(steps) < 2:
        return True
    verb, obj, color = steps[1]
    x, y = (AGENT_X, AGENT_Y) if verb == "pick up" else FRONT
    return cell_matches(obs["image"][x, y], obj, color)


TASKS = [
    task_1_first_target_visible,
    task_2_first_target_reached,
    task_3_second_target_visible,
    task_4_second_target_done,
]
