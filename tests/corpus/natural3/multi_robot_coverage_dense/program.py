"""Team reward for area coverage with five robots on a 12 x 12 grid."""
from collections import Counter
from itertools import combinations

import numpy as np

SENSE_RADIUS = 2
COMM_RANGE = 5
N_ROBOTS = 5


def cells_in_view(pos, shape, obstacles, radius=SENSE_RADIUS):
    """Cells within a diamond around the robot that are not obstacles."""
    r0, c0 = pos
    view = set()
    for dr in range(-radius, radius + 1):
        for dc in range(-(radius - abs(dr)), radius - abs(dr) + 1):
            r, c = r0 + dr, c0 + dc
            if 0 <= r < shape[0] and 0 <= c < shape[1] and not obstacles[r, c]:
                view.add((r, c))
    return view


def components(positions):
    """Sizes of the connected groups of robots within communication range."""
    unseen = set(range(len(positions)))
    sizes = []
    while unseen:
        stack = [unseen.pop()]
        size = 0
        while stack:
            i = stack.pop()
            size += 1
            near = {j for j in unseen if max(abs(positions[i][0] - positions[j][0]), abs(positions[i][1] - positions[j][1])) <= COMM_RANGE}
            unseen -= near
            stack.extend(sorted(near))
        sizes.append(size)
    return sorted(sizes, reverse=True)


def voronoi_balance(positions, free):
    """Standard deviation of the number of free cells closest to each robot."""
    cells = np.argwhere(free)
    if len(cells) == 0:
        return 0.0
    pos = np.array(positions)
    d = np.abs(cells[:, None, :] - pos[None, :, :]).sum(axis=2)
    counts = np.bincount(d.argmin(axis=1), minlength=len(pos))
    return float(counts.std() / counts.mean())


def reward(obs, action, next_obs):
    obstacles = next_obs["obstacles"].astype(bool)
    covered_before = obs["covered"].astype(bool)
    covered_now = next_obs["covered"].astype(bool)
    positions = [tuple(int(v) for v in p) for p in next_obs["robots"]]
    old = [tuple(int(v) for v in p) for p in obs["robots"]]

    newly = int((covered_now & ~covered_before & ~obstacles).sum())
    views = [cells_in_view(p, obstacles.shape, obstacles) for p in positions]
    multiplicity = Counter(cell for view in views for cell in view)
    overlap = sum(n - 1 for n in multiplicity.values())

    share = Counter(positions)
    crashes = sum(n for n in share.values() if n > 1) + sum(bool(obstacles[p]) for p in positions)
    swaps = sum(1 for i, j in combinations(range(N_ROBOTS), 2) if old[i] == positions[j] and old[j] == positions[i] and old[i] != old[j])

    groups = components(positions)
    free_total = max(int((~obstacles).sum()), 1)
    ratio = (covered_now & ~obstacles).sum() / free_total

    frontier = sum(1 for v in views if any(not covered_now[c] for c in v))
    still = sum(a == b for a, b in zip(old, positions))

    out = {
        "new_cells": 0.1 * newly,
        "overlap": -0.01 * overlap,
        "crash": -1.0 * crashes,
        "swap": -1.0 * swaps,
        "connected": 0.2 if len(groups) == 1 else -0.05 * (len(groups) - 1),
        "balance": -0.1 * voronoi_balance(positions, ~obstacles),
        "frontier": 0.02 * frontier,
        "still": -0.02 * still,
    }
    for i, view in enumerate(views):
        out[f"robot_{i}_fresh"] = 0.0
        exclusive = [c for c in view if multiplicity[c] == 1]
        if exclusive and not all(covered_before[c] for c in exclusive):
            out[f"robot_{i}_fresh"] = 0.01 * sum(not covered_before[c] for c in exclusive)
    if ratio >= 0.95:
        out["finished"] = 10.0
    return sum(out.values()), out
