import numpy as np

N_INTERSECTIONS = 4
LANE_CAPACITY = 25
# phase -> lanes that get green (lanes: N, S, E, W approaches, straight then left)
PHASE_LANES = {
    0: [0, 1],
    1: [4, 5],
    2: [2, 3],
    3: [6, 7],
}
NEIGHBOURS = [(0, 1), (1, 3), (3, 2), (2, 0)]


def pressure(queues, downstream):
    """Max-pressure value per lane."""
    return queues.astype(np.float64) - downstream


def reward(obs, action, next_obs):
    queues = obs["queues"]            # (4, 8) int
    new_queues = next_obs["queues"]
    waits = next_obs["waiting_time"]  # (4, 8) seconds

    served = np.zeros(N_INTERSECTIONS)
    wasted = 0
    pressures = pressure(queues, obs["downstream"])
    best_phase_hits = 0

    for i, phase in enumerate(action):
        lanes = PHASE_LANES[int(phase)]
        served[i] = np.maximum(queues[i, lanes] - new_queues[i, lanes], 0).sum()
        if queues[i, lanes].sum() == 0 and queues[i].sum() > 0:
            wasted += 1
        by_phase = {p: pressures[i, ls].sum() for p, ls in PHASE_LANES.items()}
        ranked = sorted(by_phase.items(), key=lambda kv: (-kv[1], kv[0]))
        if ranked[0][0] == int(phase):
            best_phase_hits += 1

    switches = np.sum(np.asarray(action) != obs["phase"])
    spill = (new_queues >= LANE_CAPACITY).sum()
    green_wave = sum(1 for a, b in NEIGHBOURS if action[a] == action[b])

    # long waits hurt more than proportionally
    wait_cost = np.mean(np.where(waits > 60.0, (waits / 60.0) ** 2, waits / 60.0))
    fairness = waits.max(axis=1).std()

    comp = {
        "throughput": 0.2 * served.sum(),
        "queue": -0.02 * float(new_queues.sum()),
        "wait": -wait_cost,
        "fairness": -0.01 * fairness,
        "switch": -0.1 * switches,
        "wasted_green": -0.5 * wasted,
        "pressure_match": 0.1 * best_phase_hits,
        "coordination": 0.05 * green_wave,
        "spillback": -1.0 * spill,
    }
    if next_obs["emergency"].any():
        ids = np.flatnonzero(next_obs["emergency"])
        blocked = [i for i in ids if new_queues[i].max() > 10]
        comp["emergency"] = -2.0 * len(blocked)
    return float(sum(comp.values())), {k: float(v) for k, v in comp.items()}
