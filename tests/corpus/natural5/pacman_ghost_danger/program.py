from collections import deque

import numpy as np

MOVES = [(-1, 0), (1, 0), (0, -1), (0, 1)]


def bfs_distances(walls, start):
    """Distance of every reachable cell from start, -1 where unreachable."""
    h, w = walls.shape
    dist = np.full((h, w), -1, dtype=np.int32)
    start = tuple(start)
    dist[start] = 0
    queue = deque([start])
    while queue:
        r, c = queue.popleft()
        for dr, dc in MOVES:
            nr, nc = r + dr, c + dc
            if 0 <= nr < h and 0 <= nc < w and not walls[nr, nc] and dist[nr, nc] < 0:
                dist[nr, nc] = dist[r, c] + 1
                queue.append((nr, nc))
    return dist


def reward(walls, pellets, prev_pellets, pacman, ghosts, scared, lives, prev_lives, action):
    """Dense reward for the 11x11 pacman maze.

    walls, pellets: (11, 11) int8 maps; pellets is 1 for a dot and 2 for a power pill
    pacman: (2,) row, col;  ghosts: (3, 2);  scared: (3,) remaining steps
    """
    total = -0.02

    # eating
    eaten = prev_pellets[pellets == 0]
    dots = np.count_nonzero(eaten == 1)
    pills = np.count_nonzero(eaten == 2)
    total += 0.5 * dots + 1.0 * pills

    # dying
    if lives < prev_lives:
        return total - 10.0

    dist = bfs_distances(walls, pacman)

    # pull towards the nearest food
    food = dist[(pellets > 0) & (dist >= 0)]
    if food.size == 0:
        if not pellets.any():
            total += 20.0
    else:
        total += 0.1 / (1.0 + food.min())

    # ghosts: run from dangerous ones, chase the scared ones
    for (gr, gc), timer in zip(ghosts, scared):
        d = dist[gr, gc]
        if d < 0:
            continue
        if timer > d:
            total += 0.2 / (1 + d)
        elif d <= 4:
            total -= 0.3 * (5 - d) / 5
    # standing still is a waste of time
    if action == 4:
        total -= 0.05

    return float(total)
