import numpy as np

# Corridor of 4 signals, 4 approaches each (N, E, S, W); phase 0 = NS green, 1 = EW green,
# 2 = all red. The arterial is E-W.


def _served(obs):
    """(4, 4) bool, approaches that have green now."""
    ns = obs["phase"] == 0
    ew = obs["phase"] == 1
    return np.stack([ns, ew, ns, ew], axis=1)


def task_1_longest_queue_served(obs):
    """At every junction, the approach with the longest queue has green."""
    longest = obs["queues"].argmax(axis=1)
    served = _served(obs)[np.arange(4), longest]
    return bool(served.all())


def task_2_queues_halved(initial_obs, obs):
    return obs["queues"].sum() <= initial_obs["queues"].sum() / 2


def task_3_nobody_starves(obs):
    waiting = obs["waiting_time"]
    return not np.any(waiting[obs["queues"] > 0] > 90.0)


def task_4_green_wave(obs):
    """At least three consecutive junctions show green on the arterial."""
    run = best = 0
    for phase in obs["phase"]:
        run = run + 1 if phase == 1 else 0
        best = max(best, run)
    return best >= 3


def task_5_no_spillback(obs):
    occupancy = obs["queues"] / obs["capacity"]
    return bool((occupancy < 0.9).all())


def task_6_pedestrians(obs):
    """If 5 or more pedestrians wait somewhere, that junction is in all-red."""
    crowded = np.flatnonzero(obs["pedestrians"] >= 5)
    return all(obs["phase"][j] == 2 for j in crowded)


TASKS = [
    task_1_longest_queue_served,
    task_2_queues_halved,
    task_3_nobody_starves,
    task_4_green_wave,
    task_5_no_spillback,
    task_6_pedestrians,
]
