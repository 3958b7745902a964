"""Sub-tasks for the blue team in a 3 v 3 soccer simulation (field 105 x 68 m, attack to the right)."""
import itertools

import numpy as np

FIELD_X, FIELD_Y = 52.5, 34.0
GOAL = np.array([FIELD_X, 0.0])


def in_possession(obs):
    d_us = np.linalg.norm(obs["team"] - obs["ball"][:2], axis=1)
    d_them = np.linalg.norm(obs["opponents"] - obs["ball"][:2], axis=1)
    return d_us.min() < 1.5 and d_us.min() < d_them.min()


def spread_out(obs):
    pairs = itertools.combinations(range(len(obs["team"])), 2)
    gaps = [np.linalg.norm(obs["team"][i] - obs["team"][j]) for i, j in pairs]
    return min(gaps) > 8.0


def gained_ground(initial_obs, obs):
    return (obs["ball"][0] - initial_obs["ball"][0]) > 10.0


def open_pass_lane(obs):
    """Some team-mate can be passed to: no opponent within 3 m of the segment from the ball."""
    ball = obs["ball"][:2].astype(float)
    carrier = int(np.argmin(np.linalg.norm(obs["team"] - ball, axis=1)))
    for i, mate in enumerate(obs["team"]):
        if i == carrier:
            continue
        seg = mate - ball
        length2 = seg @ seg
        if length2 < 4.0:
            continue
        t = np.clip((obs["opponents"] - ball) @ seg / length2, 0.0, 1.0)
        closest = ball + t[:, None] * seg
        if np.all(np.linalg.norm(obs["opponents"] - closest, axis=1) > 3.0):
            return True
    return False


def shot_on_target(obs):
    """The ball would cross the goal line between the posts within 2 s."""
    x, y, vx, vy = obs["ball"]
    if vx <= 1.0:
        return False
    t = (FIELD_X - x) / vx
    return 0.0 <= t <= 2.0 and abs(y + vy * t) < 3.66


def compact_defence(obs):
    team_x = np.sort(obs["team"][:, 0])
    behind_ball = np.count_nonzero(team_x < obs["ball"][0])
    return behind_ball >= 2 and np.ptp(obs["team"][:, 1]) < 30.0


def scored(initial_obs, obs):
    return obs["score"][0] > initial_obs["score"][0]


TASKS = [in_possession, spread_out, gained_ground, open_pass_lane, shot_on_target, compact_defence, scored]
