from typing import List, Optional, Tuple

import numpy as np

# --- MiniGrid encoding -------------------------------------------------------
OBJECT_TO_IDX = {"wall": 2, "door": 4, "key": 5, "ball": 6, "box": 7, "goal": 8}
COLOR_TO_IDX = {"red": 0, "green": 1, "blue": 2, "purple": 3, "yellow": 4, "grey": 5}

# The agent always sits at the bottom centre of its egocentric view.
AGENT_POS = (3, 6)

ObjSpec = Tuple[int, Optional[int]]


def _parse_object(words: List[str]) -> Optional[ObjSpec]:
    """Turn e.g. ['the', 'red', 'ball'] into (6, 0). Colour may be missing."""
    obj_idx: Optional[int] = None
    color_idx: Optional[int] = None
    for word in words:
        if word in OBJECT_TO_IDX:
            obj_idx = OBJECT_TO_IDX[word]
        elif word in COLOR_TO_IDX:
            color_idx = COLOR_TO_IDX[word]
    if obj_idx is None:
        return None
    return obj_idx, color_idx


def _parse_mission(mission: str) -> Tuple[Optional[ObjSpec], Optional[ObjSpec]]:
    """Split 'put the X next to the Y' into (X, Y)."""
    text = mission.strip().lower()
    if "next to" not in text:
        return None, None
    first, second = text.split("next to", 1)
    return _parse_object(first.split()), _parse_object(second.split())


def _positions(image: np.ndarray, spec: Optional[ObjSpec], skip_agent: bool = True) -> List[Tuple[int, int]]:
    """All the cells in view which hold an object matching spec."""
    if spec is None:
        return []
    obj_idx, color_idx = spec
    found = []
    for x in range(image.shape[0]):
        for y in range(image.shape[1]):
            if skip_agent and (x, y) == AGENT_POS:
                continue
            cell = image[x, y]
            if cell[0] == obj_idx and (color_idx is None or cell[1] == color_idx):
                found.append((x, y))
    return found


def _carrying(image: np.ndarray, spec: Optional[ObjSpec]) -> bool:
    if spec is None:
        return False
    cell = image[AGENT_POS[0], AGENT_POS[1]]
    return bool(cell[0] == spec[0] and (spec[1] is None or cell[1] == spec[1]))


def _adjacent(a: Tuple[int, int], b: Tuple[int, int]) -> bool:
    return abs(a[0] - b[0]) + abs(a[1] - b[1]) == 1


def subtask_find_object(obs) -> bool:
    """The object to be moved is visible or already in hand."""
    target, _ = _parse_mission(obs["mission"])
    return len(_positions(obs["image"], target)) > 0 or _carrying(obs["image"], target)


def subtask_face_object(obs) -> bool:
    """The object to be moved is directly in front of the agent."""
    target, _ = _parse_mission(obs["mission"])
    front = (AGENT_POS[0], AGENT_POS[1] - 1)
    return front in _positions(obs["image"], target)


def subtask_pick_up(initial_obs, obs) -> bool:
    """The agent holds the object, which it did not at the start."""
    target, _ = _parse_mission(obs["mission"])
    return _carrying(obs["image"], target) and not _carrying(initial_obs["image"], target)


def subtask_bring_near(obs) -> bool:
    """Carrying the object, with the landmark at most two cells away."""
    target, landmark = _parse_mission(obs["mission"])
    if not _carrying(obs["image"], target):
        return False
    cells = _positions(obs["image"], landmark)
    return any(abs(x - AGENT_POS[0]) + abs(y - AGENT_POS[1]) <= 2 for x, y in cells)


def subtask_put_next(obs) -> bool:
    """Object and landmark lie side by side on the floor."""
    target, landmark = _parse_mission(obs["mission"])
    movers = _positions(obs["image"], target)
    marks = _positions(obs["image"], landmark)
    return any(_adjacent(m, l) for m in movers for l in marks)


TASKS = [
    subtask_find_object,
    subtask_face_object,
    subtask_pick_up,
    subtask_bring_near,
    subtask_put_next,
]
