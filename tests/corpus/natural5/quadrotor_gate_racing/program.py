import numpy as np

GATE_RADIUS = 0.5
DT = 0.02


def _gate_frame(pos, gate_pos, gate_normal):
    """Split the vector to the gate centre into along-normal and in-plane parts."""
    normal = gate_normal / (np.linalg.norm(gate_normal) + 1e-8)
    rel = pos - gate_pos
    along = np.dot(rel, normal)
    in_plane = rel - along * normal
    return along, np.linalg.norm(in_plane)


def reward(obs, action, next_obs):
    p0, p1 = obs["position"], next_obs["position"]
    gate, normal = obs["gate_position"], obs["gate_normal"]

    d0 = np.linalg.norm(p0 - gate)
    d1 = np.linalg.norm(p1 - gate)
    r = {"progress": 2.0 * float(np.clip(d0 - d1, -1.0, 1.0))}

    # passing: the sign of the along-normal coordinate flips from - to +
    a0, _ = _gate_frame(p0, gate, normal)
    a1, off1 = _gate_frame(p1, gate, normal)
    if a0 < 0.0 <= a1:
        if off1 < GATE_RADIUS:
            r["gate"] = 10.0 * (1.0 - 0.5 * float(off1) / GATE_RADIUS)
        else:
            r["gate"] = -2.0
    elif a1 < 0.0 <= a0 and off1 < GATE_RADIUS:
        r["gate"] = -5.0    # flew through backwards

    # look at the gate: the camera points along body x
    to_gate = (gate - p1) / max(d1, 1e-6)
    rot = next_obs["rotation"]
    cos_view = float(np.clip(rot[:, 0] @ to_gate, -1, 1))
    r["perception"] = 0.02 * np.exp(-10.0 * np.arccos(cos_view) ** 4)

    body_rates = next_obs["angular_velocity"]
    r["rates"] = -0.01 * float(np.linalg.norm(body_rates))
    r["jerk"] = -0.02 * float(np.mean((action - obs["last_action"]) ** 2))

    # crash or out of bounds
    x, y, z = p1
    if z < 0.05 or abs(x) > 10 or abs(y) > 10 or z > 6:
        r["crash"] = -10.0

    return float(sum(r.values())), {k: float(v) for k, v in r.items()}
