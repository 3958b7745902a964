import math
from typing import Dict, List, Optional

import numpy as np

N = 8
MAX_UTIL = 0.8


def build_graph(obs) -> Dict[int, Dict[int, float]]:
    """Adjacency with latency as the edge weight; links that are down have capacity 0."""
    graph: Dict[int, Dict[int, float]] = {i: {} for i in range(N)}
    for i in range(N):
        for j in range(N):
            if i != j and obs["capacity"][i, j] > 0:
                graph[i][j] = float(obs["latency"][i, j])
    return graph


def dijkstra(graph, src: int, dst: int) -> Optional[List[int]]:
    dist = {node: math.inf for node in graph}
    dist[src] = 0.0
    parent = {}
    unvisited = set(graph)
    while unvisited:
        u = min(unvisited, key=lambda n: (dist[n], n))
        if dist[u] == math.inf:
            break
        unvisited.remove(u)
        if u == dst:
            path = [u]
            while path[-1] != src:
                path.append(parent[path[-1]])
            return path[::-1]
        for v, w in graph[u].items():
            if v in unvisited and dist[u] + w < dist[v]:
                dist[v] = dist[u] + w
                parent[v] = u
    return None


def utilisation(obs):
    cap = obs["capacity"]
    return np.divide(obs["load"], cap, out=np.zeros_like(obs["load"]), where=cap > 0)


def current_path(obs) -> List[int]:
    """Route of the flow: node ids, padded with -1."""
    return [int(n) for n in obs["route"] if n >= 0]


def task_connected(obs) -> bool:
    """A path between source and destination exists."""
    s, d = (int(x) for x in obs["flow"])
    return dijkstra(build_graph(obs), s, d) is not None


def task_route_valid(obs) -> bool:
    """The chosen route starts and ends right, uses live links only and has no loops."""
    route = current_path(obs)
    s, d = obs["flow"]
    if not route or route[0] != s or route[-1] != d:
        return False
    if len(set(route)) != len(route):
        return False
    return all(obs["capacity"][a, b] > 0 for a, b in zip(route, route[1:]))


def task_near_optimal(obs) -> bool:
    """Latency of the route is within 30 % of the optimum."""
    if not task_route_valid(obs):
        return False
    graph = build_graph(obs)
    cost = lambda p: sum(graph[a][b] for a, b in zip(p, p[1:]))
    best = dijkstra(graph, int(obs["flow"][0]), int(obs["flow"][1]))
    return cost(current_path(obs)) <= 1.3 * cost(best) + 1e-9


def task_no_congestion(obs) -> bool:
    route = current_path(obs)
    util = utilisation(obs)
    links = [util[a, b] for a, b in zip(route, route[1:])]
    return len(links) > 0 and max(links) < MAX_UTIL


def task_load_reduced(initial_obs, obs) -> bool:
    """The busiest link of the network got better, without more congested links."""
    before, after = utilisation(initial_obs), utilisation(obs)
    hot_before = np.count_nonzero(before > MAX_UTIL)
    hot_after = np.count_nonzero(after > MAX_UTIL)
    return bool(after.max() < before.max() and hot_after <= hot_before)


TASKS = [task_connected, task_route_valid, task_near_optimal, task_no_congestion, task_load_reduced]
