import numpy as np

INERTIA = np.diag([12.0, 10.0, 8.0])
MAX_WHEEL = 2.0           # N m s
KEEP_OUT = np.deg2rad(25)  # sun exclusion of the star tracker


def quat_error(q, q_ref):
    """Error quaternion (scalar last), always the short way round."""
    x, y, z, w = q_ref
    conj_matrix = np.array([
        [w, z, -y, -x],
        [-z, w, x, -y],
        [y, -x, w, -z],
        [x, y, z, w],
    ])
    err = conj_matrix @ q
    if err[3] < 0:
        err = -err
    return err


def to_matrix(q):
    x, y, z, w = q
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ])


def normalise(v):
    n = np.linalg.norm(v)
    return v / n if n > 1e-9 else v


def pointing_angle(state):
    e = quat_error(normalise(state["attitude"]), normalise(state["target"]))
    return 2.0 * np.arctan2(np.linalg.norm(e[:3]), e[3])


def reward(state, action, next_state):
    theta = pointing_angle(next_state)
    theta_prev = pointing_angle(state)

    omega = next_state["rates"]
    energy = 0.5 * omega @ INERTIA @ omega

    wheels = next_state["wheel_momentum"]
    saturation = np.clip(np.abs(wheels) / MAX_WHEEL - 0.8, 0, None).sum()

    # Sun must stay outside the keep-out cone around the star tracker (+z body)
    boresight = to_matrix(normalise(next_state["attitude"]))[:, 2]
    sun = normalise(next_state["sun_vector"])
    sun_angle = np.arccos(np.clip(boresight @ sun, -1.0, 1.0))
    violation = max(0.0, KEEP_OUT - sun_angle)

    result = {
        "pointing": -theta / np.pi,
        "progress": 2.0 * (theta_prev - theta),
        "rates": -0.1 * energy,
        "torque": -0.05 * np.sum(np.abs(action)),
        "wheels": -0.5 * saturation,
        "sun": -5.0 * violation,
        "fine": 1.0 if theta < np.deg2rad(1.0) and np.max(np.abs(omega)) < 0.01 else 0.0,
    }
    result["total"] = sum(result.values())
    return {name: float(value) for name, value in result.items()}
