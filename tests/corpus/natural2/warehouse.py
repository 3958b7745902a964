import numpy as np


def reward(obs, action, next_obs):
    """Six robots on a 10 x 12 floor; positions and goals int64 (6, 2), carrying int8 (6,)."""
    pos, goals = next_obs["positions"], next_obs["goals"]
    prev = obs["positions"]
    dist = np.abs(pos - goals).sum(axis=1)
    prev_dist = np.abs(prev - obs["goals"]).sum(axis=1)
    progress = (prev_dist - dist).sum()
    delivered = np.logical_and(dist == 0, next_obs["carrying"] == 1)

    cells = [tuple(p) for p in pos]
    collisions = len(cells) - len(set(cells))

    swaps = 0
    for i in range(len(pos)):
        for j in range(i + 1, len(pos)):
            if (pos[i] == prev[j]).all() and (pos[j] == prev[i]).all():
                swaps += 1
    idle = np.mean(action == 0)
    components = {
        "progress": 0.1 * float(progress),
        "delivered": 5.0 * int(delivered.sum()),
        "collisions": -2.0 * collisions,
        "swaps": -2.0 * swaps,
        "idle": -0.1 * float(idle),
    }
    return sum(components.values()), components
# ---
import numpy as np
from itertools import combinations

MOVES = {0: (0, 0), 1: (-1, 0), 2: (1, 0), 3: (0, -1), 4: (0, 1)}


def intended(position, move):
    dx, dy = MOVES[int(move)]
    return (int(position[0]) + dx, int(position[1]) + dy)


def reward(obs, action, next_obs):
    wanted = [intended(p, a) for p, a in zip(obs["positions"], action)]
    actual = [tuple(map(int, p)) for p in next_obs["positions"]]
    blocked = sum(w != a for w, a in zip(wanted, actual))
    conflicts = 0
    for a, b in combinations(wanted, 2):
        if a == b:
            conflicts += 1
    occupancy = {}
    for cell in actual:
        occupancy[cell] = occupancy.get(cell, 0) + 1
    crowded = max(occupancy.values())
    goals = {tuple(map(int, g)) for g in next_obs["goals"]}
    covered = len(goals.intersection(actual))
    out = [c for c in wanted if not (0 <= c[0] < 10 and 0 <= c[1] < 12)]
    return covered - 0.1 * blocked - 0.5 * conflicts - 0.2 * (crowded - 1) - 0.3 * len(out)
# ---
import numpy as np


class FleetReward:
    def __init__(self):
        self.delivered = [False] * 6
        self.wait = {i: 0 for i in range(6)}
        self.log = []

    def reset(self, obs):
        self.delivered = [False for _ in range(6)]
        self.wait = {i: 0 for i in range(6)}
        self.log = []

    def step(self, obs, action, next_obs):
        total = 0.0
        for i, (p, g) in enumerate(zip(next_obs["positions"], next_obs["goals"])):
            if np.array_equal(p, g) and not self.delivered[i]:
                self.delivered[i] = True
                total += 1.0
                self.log.append(f"robot {i} delivered")
            if np.array_equal(p, obs["positions"][i]):
                self.wait[i] += 1
            else:
                self.wait[i] = 0
        longest = max(self.wait.values())
        stuck = [i for i, w in self.wait.items() if w >= 3 and not self.delivered[i]]
        total -= 0.05 * longest + 0.2 * len(stuck)
        if all(self.delivered):
            total += 10.0
        return total, {"delivered": sum(self.delivered), "stuck": len(stuck), "events": len(self.log)}
# ---
import numpy as np


def nearest_assignment(positions, goals):
    """Greedy assignment of robots to goals, closest pair first."""
    cost = np.abs(positions[:, None, :] - goals[None, :, :]).sum(axis=-1)
    robots, targets = set(range(len(positions))), set(range(len(goals)))
    total = 0
    while robots and targets:
        best = None
        for r in sorted(robots):
            for g in sorted(targets):
                if best is None or cost[r, g] < best[0]:
                    best = (cost[r, g], r, g)
        total += best[0]
        robots.remove(best[1])
        targets.discard(best[2])
    return int(total)


def reward(obs, action, next_obs):
    before = nearest_assignment(obs["positions"], obs["goals"])
    after = nearest_assignment(next_obs["positions"], next_obs["goals"])
    carrying = int(np.sum(next_obs["carrying"]))
    return 0.1 * (before - after) + 0.05 * carrying
