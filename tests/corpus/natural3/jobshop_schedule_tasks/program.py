from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import attrgetter, itemgetter

import numpy as np

NUM_JOBS, NUM_MACHINES = 5, 3


@dataclass(order=True)
class Operation:
    start: float
    job: int
    step: int
    machine: int
    duration: float

    @property
    def end(self) -> float:
        return self.start + self.duration


def operations(obs) -> list[Operation]:
    """All scheduled operations (start < 0 means not scheduled yet), sorted by start time."""
    ops = [
        Operation(float(obs["start"][j, k]), j, k, int(obs["machine"][j, k]), float(obs["duration"][j, k]))
        for j in range(NUM_JOBS)
        for k in range(NUM_MACHINES)
        if obs["start"][j, k] >= 0
    ]
    ops.sort()
    return ops


def makespan(obs) -> float:
    return max((op.end for op in operations(obs)), default=0.0)


def no_overlap(obs) -> bool:
    """On every machine the operations follow each other without overlap."""
    ops = sorted(operations(obs), key=lambda o: (o.machine, o.start, o.end))
    for _, group in groupby(ops, key=attrgetter("machine")):
        if any(b.start < a.end - 1e-6 for a, b in pairwise(group)):
            return False
    return True


def precedence_ok(obs) -> bool:
    per_job: dict[int, list[Operation]] = {}
    for op in operations(obs):
        per_job.setdefault(op.job, []).append(op)
    for job, ops in per_job.items():
        ops.sort(key=attrgetter("step"))
        if [op.step for op in ops] != list(range(len(ops))):
            return False
        if any(nxt.start + 1e-6 < cur.end for cur, nxt in pairwise(ops)):
            return False
    return True


def half_scheduled(obs) -> bool:
    return len(operations(obs)) * 2 >= NUM_JOBS * NUM_MACHINES


def urgent_first(obs) -> bool:
    """The job with the earliest due date has all its operations scheduled."""
    urgent, _ = min(enumerate(obs["due"].tolist()), key=itemgetter(1, 0))
    return bool((obs["start"][urgent] >= 0).all())


def complete_on_time(obs) -> bool:
    if (obs["start"] < 0).any():
        return False
    finish = (obs["start"] + obs["duration"]).max(axis=1)
    lateness = np.maximum(finish - obs["due"], 0)
    return bool(lateness.sum() <= 0.1 * obs["due"].sum())


def compact(initial_obs, obs) -> bool:
    """More work than before, and utilisation over the makespan is above 45 percent."""
    new_work = len(operations(obs)) - len(operations(initial_obs))
    span = makespan(obs)
    busy = sum(op.duration for op in operations(obs))
    return new_work > 0 and span > 0 and busy / (NUM_MACHINES * span) > 0.45


TASKS = [no_overlap, precedence_ok, half_scheduled, urgent_first, complete_on_time, compact]
