import re
import numpy as np

COLORS = ["red", "green", "blue", "purple", "yellow", "grey"]
OBJECTS = {"wall": 2, "door": 4, "key": 5, "ball": 6, "box": 7, "goal": 8, "lava": 9}


def parse_mission(mission: str):
    """Extract the target colour and the target object from the mission string."""
    text = mission.strip().lower().replace(",", "")
    color, kind = None, None
    for word in text.split(" "):
        if word in COLORS:
            color = COLORS.index(word)
        elif word in OBJECTS:
            kind = OBJECTS[word]
    return color, kind


def reward(obs, action, next_obs):
    color, kind = parse_mission(next_obs["mission"])
    if kind is None:
        return 0.0

    def matches(image):
        mask = image[:, :, 0] == kind
        if color is not None:
            mask = mask & (image[:, :, 1] == color)
        return np.argwhere(mask)

    before, after = matches(obs["image"]), matches(next_obs["image"])
    agent = np.array([3, 6])
    total = -0.005
    if len(before) == 0 and len(after) > 0:
        total += 0.25
    if len(before) and len(after):
        d0 = np.abs(before - agent).sum(axis=1).min()
        d1 = np.abs(after - agent).sum(axis=1).min()
        total += 0.1 * float(d0 - d1)
        if d1 == 1 and tuple(after[0]) == (3, 5):
            total += 0.5
    return total
# ---
from collections import defaultdict
import numpy as np


class ExplorationReward:
    """Count-based exploration bonus over what the agent sees, plus object interaction bonuses."""

    def __init__(self, bonus=0.1, decay=0.5):
        self.bonus = bonus
        self.decay = decay
        self.counts = defaultdict(int)
        self.seen_objects = set()

    def reset(self, obs):
        self.counts.clear()
        self.seen_objects = set()

    def step(self, obs, action, next_obs):
        image = next_obs["image"]
        reward = 0.0

        front = image[3, 5]
        signature = (int(front[0]), int(front[1]), int(next_obs["direction"]))
        self.counts[signature] += 1
        reward += self.bonus / np.sqrt(self.counts[signature])

        for obj, col, state in image.reshape(-1, 3):
            if obj in (4, 5, 6, 7, 8):
                ident = (int(obj), int(col))
                if ident not in self.seen_objects:
                    self.seen_objects.add(ident)
                    reward += 0.2
        if action == 3 and front[0] == 5:
            reward += 0.5
        elif action == 5 and front[0] == 4 and front[2] == 0:
            reward += 0.5
        return reward, {"explore": reward, "n_seen": len(self.seen_objects)}
# ---
import numpy as np

AGENT_POS = (3, 6)
KEY, DOOR, GOAL = 5, 4, 8


def _visible(image, object_type):
    coords = np.where(image[..., 0] == object_type)
    return list(zip(coords[0].tolist(), coords[1].tolist()))


def _nearest(points, origin=AGENT_POS):
    if not points:
        return None
    return min(abs(x - origin[0]) + abs(y - origin[1]) for x, y in points)


def task_1_see_key(obs):
    """The key is visible."""
    return len(_visible(obs["image"], KEY)) > 0


def task_2_next_to_key(obs):
    distance = _nearest(_visible(obs["image"], KEY))
    return distance is not None and distance <= 1


def task_3_holding_key(obs):
    return obs["image"][3, 6, 0] == KEY


def task_4_door_open(obs):
    return any(obs["image"][x, y, 2] == 0 for x, y in _visible(obs["image"], DOOR))


def task_5_at_goal(obs):
    points = _visible(obs["image"], GOAL)
    return AGENT_POS in points or _nearest(points) == 0
# ---
from enum import IntEnum
from dataclasses import dataclass, field
from typing import List, Optional, Tuple
import numpy as np


class Obj(IntEnum):
    UNSEEN = 0
    EMPTY = 1
    WALL = 2
    DOOR = 4
    KEY = 5
    BALL = 6
    BOX = 7
    GOAL = 8
    LAVA = 9


class DoorState(IntEnum):
    OPEN = 0
    CLOSED = 1
    LOCKED = 2


@dataclass(frozen=True)
class Cell:
    x: int
    y: int
    obj: int
    color: int
    state: int

    @property
    def distance(self) -> int:
        return abs(self.x - 3) + abs(self.y - 6)


def scan(image: np.ndarray) -> List[Cell]:
    cells = []
    for x in range(image.shape[0]):
        for y in range(image.shape[1]):
            o, c, s = (int(v) for v in image[x, y])
            if o > Obj.WALL:
                cells.append(Cell(x, y, o, c, s))
    return cells


def closest(cells: List[Cell], obj: Obj) -> Optional[Cell]:
    found = [c for c in cells if c.obj == obj]
    return min(found, key=lambda c: c.distance) if found else None


def reward(obs, action, next_obs) -> Tuple[float, dict]:
    prev, now = scan(obs["image"]), scan(next_obs["image"])
    info = {"key": 0.0, "door": 0.0, "goal": 0.0, "lava": 0.0}
    for name, obj, weight in (("key", Obj.KEY, 0.1), ("door", Obj.DOOR, 0.2), ("goal", Obj.GOAL, 0.5)):
        a, b = closest(prev, obj), closest(now, obj)
        if a is not None and b is not None:
            info[name] = weight * (a.distance - b.distance)
    lava = closest(now, Obj.LAVA)
    if lava and lava.distance <= 1:
        info["lava"] = -1.0
    door = closest(now, Obj.DOOR)
    if door and door.state == DoorState.OPEN:
        info["door"] += 0.3
    return sum(info.values()), info
# ---
import numpy as np


def compute_reward(obs, action, next_obs):
    """
    Reward for picking up the object in the mission, e.g. "pick up the green ball".
    """
    words = next_obs["mission"].split()
    color_map = {"red": 0, "green": 1, "blue": 2, "purple": 3, "yellow": 4, "grey": 5}
    type_map = {"key": 5, "ball": 6, "box": 7, "door": 4}

    target_color = next((color_map[w] for w in words if w in color_map), -1)
    target_type = next((type_map[w] for w in words if w in type_map), -1)

    carrying = next_obs["image"][3][6]
    was_carrying = obs["image"][3][6]

    if carrying[0] == target_type and carrying[1] == target_color:
        return 1.0
    if was_carrying[0] == target_type and carrying[0] != target_type:
        return -0.5

    visible = 0
    for column in next_obs["image"]:
        for cell in column:
            if cell[0] == target_type and cell[1] == target_color:
                visible += 1
    if "pick" in words and action == 3 and visible == 0:
        return -0.1
    return 0.05 * visible - 0.01
# ---
import numpy as np
from collections import Counter

OBJECT_NAMES = {1: "empty", 2: "wall", 4: "door", 5: "key", 6: "ball", 7: "box", 8: "goal", 9: "lava"}
WEIGHTS = {"door": 0.05, "key": 0.1, "ball": 0.02, "goal": 0.5, "lava": -0.3}


def reward(obs, action, next_obs):
    def inventory(image):
        types = image[:, :, 0].flatten()
        return Counter(OBJECT_NAMES.get(int(t), "other") for t in types)

    before = inventory(obs["image"])
    after = inventory(next_obs["image"])
    score = 0.0
    for name, weight in WEIGHTS.items():
        score += weight * (after[name] - before[name])
    # standing still is wasteful
    if action in (0, 1) and after == before:
        score -= 0.02
    most_common = after.most_common(1)[0][0]
    if most_common == "wall":
        score -= 0.05
    return float(np.clip(score, -1.0, 1.0))
# ---
import numpy as np


class SubgoalTracker:
    STAGES = ["find_key", "get_key", "find_door", "open_door", "reach_goal"]

    def __init__(self):
        self.stage = 0
        self.steps_in_stage = 0
        self.history = []

    def reset(self, obs):
        self.stage = 0
        self.steps_in_stage = 0
        self.history = []

    def _done(self, name, obs, action, next_obs):
        img = next_obs["image"]
        checks = {
            "find_key": lambda: np.any(img[:, :, 0] == 5),
            "get_key": lambda: action == 3 and obs["image"][3, 5, 0] == 5 and img[3, 5, 0] != 5,
            "find_door": lambda: bool((img[:, :, 0] == 4).any()),
            "open_door": lambda: img[3, 5, 0] == 4 and img[3, 5, 2] == 0,
            "reach_goal": lambda: obs["image"][3, 5, 0] == 8 and action == 2,
        }
        return checks[name]()

    def step(self, obs, action, next_obs):
        reward = -0.01
        self.steps_in_stage += 1
        if self.stage < len(self.STAGES):
            name = self.STAGES[self.stage]
            if self._done(name, obs, action, next_obs):
                self.history.append((name, self.steps_in_stage))
                reward += 1.0 / max(1, self.steps_in_stage) + 0.5
                self.stage += 1
                self.steps_in_stage = 0
        if self.history:
            reward += 0.01 * sum(n for _, n in self.history) / len(self.history)
        return reward
# ---
import numpy as np
from collections import deque

WALL, DOOR, GOAL, LAVA = 2, 4, 8, 9


def bfs_distance(grid, start, targets):
    """Shortest path over cells that can be walked on; -1 when no target can be reached."""
    if not targets:
        return -1
    width, height = grid.shape[:2]
    dist = np.full((width, height), -1, dtype=int)
    dist[start] = 0
    queue = deque([start])
    while queue:
        x, y = queue.popleft()
        if (x, y) in targets:
            return int(dist[x, y])
        for dx, dy in [(-1, 0), (1, 0), (0, -1), (0, 1)]:
            nx, ny = x + dx, y + dy
            if not (0 <= nx < width and 0 <= ny < height):
                continue
            cell = grid[nx, ny]
            if dist[nx, ny] != -1 or cell[0] in (WALL, LAVA, 0):
                continue
            if cell[0] == DOOR and cell[2] != 0:
                continue
            dist[nx, ny] = dist[x, y] + 1
            queue.append((nx, ny))
    return -1


def reward(obs, action, next_obs):
    def targets(image):
        return {(int(i), int(j)) for i, j in np.argwhere(image[:, :, 0] == GOAL)}

    d_prev = bfs_distance(obs["image"], (3, 6), targets(obs["image"]))
    d_next = bfs_distance(next_obs["image"], (3, 6), targets(next_obs["image"]))
    if d_next == 0:
        return 10.0
    if d_prev >= 0 and d_next >= 0:
        return 0.2 * (d_prev - d_next) - 0.01
    if d_prev < 0 <= d_next:
        return 0.3
    return -0.02
