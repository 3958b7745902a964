import numpy as np

N_JOBS = 5
N_MACHINES = 3


def _remaining(obs):
    """Remaining processing time per job (operations not yet started)."""
    ops = np.arange(N_MACHINES)
    todo = ops[None, :] >= obs["next_op"][:, None]
    return (obs["durations"] * todo).sum(axis=1)


def task_1_all_machines_started(obs):
    return bool(np.all(obs["machine_job"] >= 0))


def task_2_no_idle_with_work_waiting(obs):
    """No machine idles while some job waits for exactly that machine."""
    busy_jobs = set(obs["machine_job"][obs["machine_job"] >= 0].tolist())
    for machine in range(N_MACHINES):
        if obs["machine_job"][machine] >= 0:
            continue
        for job in range(N_JOBS):
            op = obs["next_op"][job]
            if op >= N_MACHINES or job in busy_jobs:
                continue
            if obs["routing"][job, op] == machine:
                return False
    return True


def task_3_half_done(initial_obs, obs):
    total = initial_obs["durations"].sum()
    left = _remaining(obs).sum()
    return left <= 0.5 * total


def task_4_most_urgent_job_running(obs):
    slack = obs["due"] - obs["time"][0] - _remaining(obs)
    open_jobs = obs["next_op"] < N_MACHINES
    if not open_jobs.any():
        return True
    slack = np.where(open_jobs, slack, np.inf)
    urgent = int(np.argmin(slack))
    return urgent in obs["machine_job"]


def task_5_nobody_late(obs):
    late = (obs["next_op"] < N_MACHINES) & (obs["time"] > obs["due"])
    return not late.any()


def task_6_finished(obs):
    return bool((obs["next_op"] == N_MACHINES).all() and (obs["machine_job"] == -1).all())


TASKS = [
    task_1_all_machines_started,
    task_2_no_idle_with_work_waiting,
    task_3_half_done,
    task_4_most_urgent_job_running,
    task_5_nobody_late,
    task_6_finished,
]
