import numpy as np

# rows = vehicles (ego first), columns = [presence, x, y, vx, vy] with x, y relative to ego, in m and m/s
LANE_WIDTH = 4.0
ACTIONS = ["LANE_LEFT", "IDLE", "LANE_RIGHT", "FASTER", "SLOWER"]


def _lane(y):
    return int(np.round(y / LANE_WIDTH))


def _leader_and_follower(obs, lane_offset=0):
    ego = obs[0]
    others = obs[1:][obs[1:, 0] > 0.5]
    if len(others) == 0:
        return None, None
    same_lane = np.abs(others[:, 2] - lane_offset * LANE_WIDTH) < LANE_WIDTH / 2
    ahead = others[same_lane & (others[:, 1] > 0)]
    behind = others[same_lane & (others[:, 1] <= 0)]
    leader = min(ahead, key=lambda v: v[1]) if len(ahead) else None
    follower = max(behind, key=lambda v: v[1]) if len(behind) else None
    return leader, follower


def _time_to_collision(ego, other):
    gap = abs(other[1]) - 5.0
    closing = ego[3] - other[3] if other[1] > 0 else other[3] - ego[3]
    if closing <= 1e-3:
        return np.inf
    return max(gap, 0.0) / closing


def reward(state, action, next_state):
    ego, ego_next = state[0], next_state[0]
    speed = float(np.hypot(ego_next[3], ego_next[4]))
    name = ACTIONS[action]

    # speed in [20, 30] m/s mapped to [0, 1]
    r_speed = float(np.clip((speed - 20.0) / 10.0, 0.0, 1.0))

    leader, follower = _leader_and_follower(next_state)
    ttc = min([_time_to_collision(ego_next, v) for v in (leader, follower) if v is not None], default=np.inf)
    r_ttc = -float(np.exp(-ttc / 2.0))

    headway = leader[1] / max(speed, 1.0) if leader is not None else 10.0
    r_headway = -0.3 * max(0.0, 1.5 - float(headway))

    others = next_state[1:]
    crash = np.any((others[:, 0] > 0.5) & (np.abs(others[:, 1]) < 5.0) & (np.abs(others[:, 2]) < 2.0))

    # a lane change towards an occupied gap is rude
    r_lane = 0.0
    if name in ("LANE_LEFT", "LANE_RIGHT"):
        offset = -1 if name == "LANE_LEFT" else 1
        lead, follow = _leader_and_follower(state, offset)
        gaps = [abs(v[1]) for v in (lead, follow) if v is not None]
        r_lane = -0.4 if gaps and min(gaps) < 10.0 else -0.05

    on_merge_lane = _lane(ego_next[2]) == 2
    r_merge = -0.1 if on_merge_lane and ego_next[1] > 250.0 else 0.0

    total = 0.4 * r_speed + 0.5 * r_ttc + r_headway + r_lane + r_merge - 2.0 * bool(crash)
    return total, {
        "speed": 0.4 * r_speed,
        "ttc": 0.5 * r_ttc,
        "headway": r_headway,
        "lane": r_lane,
        "merge": r_merge,
        "crash": -2.0 if crash else 0.0,
    }
