from itertools import combinations, permutations

import numpy as np


def reward(agent_pos, agent_vel, landmark_pos, prev_agent_pos, action):
    """
    Cooperative navigation with 3 agents and 3 landmarks.

    Each landmark should be covered by one agent. Positions are (3, 2) arrays, action is (3, 2).
    Shared reward for the whole team.
    """
    n_agents = agent_pos.shape[0]

    # Pairwise distances: dist[i, j] = |agent i - landmark j|
    diff = agent_pos[:, np.newaxis, :] - landmark_pos[np.newaxis, :, :]
    dist = np.sqrt((diff ** 2).sum(axis=2))

    # Optimal assignment by brute force, 3! = 6
    best_cost, best_perm = float("inf"), None
    for perm in permutations(range(n_agents)):
        cost = sum(dist[i, j] for i, j in enumerate(perm))
        if cost < best_cost:
            best_cost, best_perm = float(cost), perm

    # How well did the team move along that assignment?
    prev_cost = 0.0
    for i, j in enumerate(best_perm):
        prev_cost += float(np.linalg.norm(prev_agent_pos[i] - landmark_pos[j]))
    progress = prev_cost - best_cost

    covered = int(np.sum(dist.min(axis=0) < 0.1))

    # Collisions: agents have a radius of 0.15
    collisions = 0
    for i, j in combinations(range(n_agents), 2):
        if np.linalg.norm(agent_pos[i] - agent_pos[j]) < 0.3:
            collisions += 1

    # Agents outside the arena
    excess = np.maximum(np.abs(agent_pos) - 1.0, 0.0)
    bounds = float(np.minimum(np.exp(2 * excess) - 1, 10.0).sum())

    arrived = dist[np.arange(n_agents), list(best_perm)] < 0.1
    settle = -0.05 * float(np.linalg.norm(agent_vel, axis=1)[arrived].sum())
    effort = -0.01 * float(np.abs(action).mean())

    components = {
        "assignment": -0.2 * best_cost,
        "progress": 1.0 * progress,
        "cover": 0.5 * covered,
        "collision": -1.0 * collisions,
        "bounds": -bounds,
        "settle": settle,
        "effort": effort,
        "all_covered": 2.0 if covered == n_agents else 0.0,
    }
    return {"total": sum(components.values()), **components}
