def reward(obs):
    if obs[0] > 0:
        bonus = 1.0
    return bonus  # W: SBX601 "`bonus` may be unassigned"
# ---
def reward(obs):
    for i in range(3):
        last = i
    for cell in obs:
        found = cell
    while obs[0]:
        inside = 1
        break
    return last + found + inside  # W: SBX601 "`found`" # W: SBX601 "`inside`"
# ---
def reward(obs):
    try:
        x = 1 / obs[0]
        y = 1
    except ZeroDivisionError:
        x = 0.0
    else:
        z = 1
    return x + y + z  # W: SBX601 "`y`" # W: SBX601 "`z`"
# ---
def reward(obs):
    while True:
        value = obs[0]
        if value > 0:
            break
    with_default = value if obs[1] else 0
    if obs[2]:
        raise ValueError("x")
    else:
        chosen = 2
    return with_default + chosen + (last := 3) + last
# ---
def reward(obs):
    total += obs[0]  # W: SBX601 "`total`"
    return total
# ---
def reward(obs):  # W: SBX605 "`reward` can end without a result"
    if obs[0] > 0:
        return 1.0
# ---
def reward(obs):
    if obs[0] > 0:
        return 1.0, {"a": 1.0}
    return 0.0  # W: SBX606 "returns a number here and a tuple of 2 on line 3"
# ---
def reward(obs):
    return 1.0  # W: SBX607 ""
    x = 3  # W: SBX619 "`x`"
# ---
def reward(obs):
    ready = obs[0] == 0.1  # W: SBX608 ""
    return 1.0 if ready and obs[1] == 1.0 and obs[2] != 0 else 0.0
# ---
import numpy as np
def reward(obs, goal):
    before = np.linalg.norm(obs - goal)
    ratio = 1.0 / before  # W: SBX609 "`before`"
    size = np.linalg.norm(goal)
    if size > 0:
        ratio += 1.0 / size
    ratio += 1.0 / max(np.linalg.norm(obs), 1e-8) + 1.0 / (np.linalg.norm(obs) + 1e-8)
    return ratio / np.sum(goal)  # W: SBX609 "`np.sum(goal)`"
# ---
import numpy as np
def reward(image):
    first = np.argwhere(image == 5)[0]  # W: SBX611 "the first element"
    cells = np.argwhere(image == 6)
    if len(cells) > 0:
        first = first + cells[0]
    row = np.where(image == 7)[0][0]  # W: SBX611 "the first element"
    top = max(x for x in image if x > 3)  # W: SBX611 "`max`"
    safe = max((x for x in image if x > 3), default=0.0)
    mean = image[image > 4].mean()  # W: SBX611 "`mean`"
    return first[0] + row + top + safe + mean
# ---
import numpy as np
import math
def reward(a, b, c):
    angle = np.arccos(np.dot(a, b))  # W: SBX623 "`arccos`"
    fine = np.arccos(np.clip(np.dot(c, c), -1, 1)) + math.acos(max(-1.0, min(1.0, c[0])))
    low = np.log(np.linalg.norm(a)) + np.log(1 + np.linalg.norm(a))  # W: SBX623 "`log`"
    return angle + fine + low + math.sqrt(1.0 - a[0] ** 2)  # W: SBX623 "`sqrt`"
# ---
def reward(obs, max):  # W: SBX615 "`max` hides"
    sum = 0.0  # W: SBX615 "`sum` hides"
    sum = sum + obs[0]
    return sum + max
# ---
def reward(obs):
    bonus = 1.0  # W: SBX619 "`bonus` is computed and never used"
    _ignored = 2
    a, b = obs
    return a
# ---
class Reward:
    def __init__(self):
        self.total = 0.0
        self.scale = 2.0
    def reset(self, obs):  # W: SBX621 "`self.total`"
        self.start = obs
    def step(self, obs):
        self.total += 1.0
        self.total == 3  # W: SBX624 ""
        return self.total * self.scale + self.startt + self.count  # E: SBX302 "`startt`" # W: SBX622 "`self.count`"
# ---
def reward(obs):
    while True:  # W: SBX626 "" # W: SBX607 ""
        obs = obs + 1
    return obs
# ---
def helper(x):
    return 1
def helper(x):  # W: SBX627 "the definition on line 1"
    return 2
def reward(obs):
    return helper(obs)
# ---
def find(grid, kind):
    for index, cell in enumerate(grid):
        if cell == kind:
            return index
def reward(obs):  # W: SBX605 "`reward`"
    place = find(obs, 5)
    if place is not None:
        return float(place)
# ---
import numpy as np
class Moved:
    def __init__(self):
        self.first = None
        self.place = None
        self.mask = np.zeros((7, 7))
    def reset(self, obs):
        self.first = obs
    def step(self, obs, wall):
        if self.place is None:  # W: SBX645 "`self.place` is read"
            return 0.0
        if self.first and obs[0] > 0:
            return 1.0
        if self.mask:  # W: SBX612 "an array decides an `if`"
            return 2.0
        half = self.mask[:, 0] if not self.mask > 1 else 0.0  # W: SBX612 "an array decides an `if`"
        border = wall[:, 0] if wall else None
        chosen = obs or self.mask
        return half + float(border is chosen)
# ---
def seen(obs):
    found = len(obs) > 3
    return found
def place(obs):
    if obs[0] > 0:
        return 1.0, 2.0
    return 1.0, 2.0, 3.0  # W: SBX606 "a tuple of 3 here and a tuple of 2 on line 6"
def pair(obs):
    return obs[0:2]
def reward(obs):
    _, known = seen(obs)  # W: SBX646 "`seen` is unpacked into 2 names and returns a truth value on line 3"
    x, y = place(obs)  # W: SBX646 "returns a tuple of 3 on line 7"
    a, b = pair(obs)
    first, *rest = seen(obs), 1.0
    return known + x + y + a + b + first + rest[0]
# ---
import torch  # the one finding below stands for all of this
from isaacgym.torch_utils import *
@torch.jit.script
def scaled(x: torch.Tensor):
    return quat_rotate(torch.clamp(x, min=0.0), dim=-1).unsqueeze(-1)
def compute_reward(dof_vel, object_pos):  # E: SBX640 "it uses `torch.Tensor`, `torch.clamp`, `torch.jit.script`, `torch.norm`"
    return torch.norm(object_pos, dim=-1), {"speed": scaled(dof_vel).device, "x": dof_vel.__class__}  # E: SBX301 "`__class__`"
# ---
import torch  # E: SBX306 "`import torch`"
def reward(obs):
    return obs[0] - limit  # W: SBX304 "`limit`"
# ---
def compute_dense_reward(self, action) -> float:  # E: SBX641 "it reads `self.robot.qpos`, `self.robot.joints`, `get_link_state(self)`, `self.cube.pose.p` through `self`"
    hand = self.robot.qpos
    for joint in self.robot.joints:
        hand = joint.angle
    place = get_link_state(self, "hand")
    return abs(hand) - self.cube.pose.p[0] + place + missing + self.__dict__  # W: SBX304 "`missing`" # E: SBX301 "`__dict__`"
# ---
class EurekaReward:
    def __init__(self, env):
        self.env = env
    def compute_reward(self):  # E: SBX641 "through `self.env`"
        env = self.env
        return env.base_lin_vel[:, 0] - self.env.commands
# ---
def reward(env, obs):
    return env["position"][0] + env.shape[0]
# ---
import numpy as np
def reward(image, pos):
    xs, ys = np.where(image == 5)
    first = xs[0] + ys.mean()  # W: SBX611 "the first element" # W: SBX611 "`mean`"
    us, vs = np.nonzero(image)
    if len(us) > 0:
        first = first + vs[0] + us.min()
    mask = image == 7
    if mask.any():
        known = np.argwhere(mask)
        first = first + known.min() + np.linalg.norm(known - pos, axis=1).min()
    cells = np.argwhere(image == 6)
    far = np.abs(cells - pos).sum(axis=1)
    near = []
    some = []
    for x in pos:
        some.append(x)
        if x > 0:
            near.append(x)
    chosen = [x for x in pos if x > 0]
    last = chosen[-1] + sorted(x for x in pos if x > 1)[0] + some[0]  # W: SBX611 "the first" # W: SBX611 "the first"
    found = next(x for x in pos if x > 2) + next((x for x in pos if x > 2), 0.0)  # W: SBX611 "`next`"
    return first + far.min() + min(near) + max(some) + last + found  # W: SBX611 "`min`" # W: SBX611 "`min`"
# ---
import math
import numpy as np
SIZE = np.array([3.0, 4.0])
def reward(a, b):
    cosine = np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b))  # W: SBX609 ""
    distance = math.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2)
    near = 1.0 / distance + 1.0 / abs(b[0]) + 1.0 / math.sqrt(a[0] ** 2 + 1.0)  # W: SBX609 "`distance`" # W: SBX609 "`abs(b[0])`"
    size = near / np.linalg.norm(SIZE) + math.sqrt(a[0]) + np.log(1.0 - b[0])  # W: SBX623 "`sqrt`" # W: SBX623 "`log`"
    counts = np.bincount(b)
    share = counts / counts.sum() + math.log(SIZE[0])
    values, times = np.unique(b, return_counts=True)
    return cosine + size + share[0] + times[0] / times.sum() + values[0]
def same(a, b, size):
    if size == np.pi or np.linalg.norm(a) == size:  # W: SBX608 "" # W: SBX608 ""
        return 0.0
    return a[0] + 0.1 == b[0] or np.linalg.norm(b) == 0 or a[0] == 1.0  # W: SBX608 ""
# ---
def reward(obs, kind):
    count = 0
    for value in obs:
        if value > 0:
            count += 1
    few = sum(1 for value in obs if value > 2)
    if kind is 1 or kind is None:  # W: SBX647 "`is` asks"
        return 1.0 / few  # W: SBX609 "`few`"
    return 1.0 / count  # W: SBX609 "`count`"
