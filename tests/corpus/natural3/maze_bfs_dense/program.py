from collections import deque

import numpy as np

WALL = 1
UNREACHABLE = -1


def bfs_distances(maze, goal):
    """Distance in steps from every free cell to the goal."""
    rows, cols = maze.shape
    dist = np.full((rows, cols), UNREACHABLE, dtype=int)
    gr, gc = goal
    if maze[gr, gc] == WALL:
        return dist
    dist[gr, gc] = 0
    q = deque([(gr, gc)])
    while q:
        r, c = q.popleft()
        for dr, dc in [(-1, 0), (1, 0), (0, -1), (0, 1)]:
            nr, nc = r + dr, c + dc
            if 0 <= nr < rows and 0 <= nc < cols and maze[nr, nc] != WALL and dist[nr, nc] == UNREACHABLE:
                dist[nr, nc] = dist[r, c] + 1
                q.append((nr, nc))
    return dist


def count_exits(maze, pos):
    r, c = pos
    return sum(
        1
        for dr, dc in ((-1, 0), (1, 0), (0, -1), (0, 1))
        if 0 <= r + dr < maze.shape[0] and 0 <= c + dc < maze.shape[1] and maze[r + dr, c + dc] != WALL
    )


def reward(obs, action, next_obs):
    maze = next_obs["maze"]
    goal = tuple(int(v) for v in next_obs["goal"])
    pos = tuple(int(v) for v in obs["agent"])
    new_pos = tuple(int(v) for v in next_obs["agent"])

    if new_pos == goal:
        return 10.0, {"goal": 10.0}

    dist = bfs_distances(maze, goal)
    d0, d1 = dist[pos], dist[new_pos]

    parts = {"time": -0.02}
    if d0 >= 0 and d1 >= 0:
        parts["progress"] = 0.2 * float(d0 - d1)
    else:
        # fall back to the straight-line distance when there is no path
        before = np.linalg.norm(np.subtract(pos, goal))
        after = np.linalg.norm(np.subtract(new_pos, goal))
        parts["progress"] = 0.05 * float(before - after)

    if new_pos == pos:
        parts["bump"] = -0.1
    if count_exits(maze, new_pos) == 1:
        parts["dead_end"] = -0.15

    # coins lying around in the maze
    coins_before = {tuple(p) for p in np.argwhere(obs["maze"] == 2)}
    coins_after = {tuple(p) for p in np.argwhere(maze == 2)}
    collected = coins_before - coins_after
    if collected:
        parts["coins"] = 0.5 * len(collected)

    max_d = dist.max()
    if max_d > 0 and d1 >= 0:
        parts["potential"] = 0.1 * (1.0 - d1 / max_d)
    return sum(parts.values()), parts
