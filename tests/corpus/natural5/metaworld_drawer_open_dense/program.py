import numpy as np

# ---------------------------------------------------------------------------
# Observation layout (Meta-World v2, 39 values)
#   0:3    end effector position
#   3      gripper opening, 0 (closed) .. 1 (open)
#   4:7    drawer handle position
#   7:11   handle quaternion
#   11:18  second object (unused, zeros)
#   18:36  the same 18 values of the previous frame
#   36:39  goal position
# ---------------------------------------------------------------------------
EE = slice(0, 3)
GRIP = 3
HANDLE = slice(4, 7)
PREV_HANDLE = slice(22, 25)
GOAL = slice(36, 39)

MAX_DIST = 0.2
TARGET_RADIUS = 0.02


def _sigmoid(x, value_at_1, kind):
    if kind == "gaussian":
        scale = np.sqrt(-2 * np.log(value_at_1))
        return np.exp(-0.5 * (x * scale) ** 2)
    if kind == "long_tail":
        scale = np.sqrt(1 / value_at_1 - 1)
        return 1 / ((x * scale) ** 2 + 1)
    if kind == "linear":
        scale = 1 - value_at_1
        scaled = x * scale
        return np.where(abs(scaled) < 1, 1 - scaled, 0.0)
    raise ValueError(f"Unknown sigmoid type {kind!r}.")


def tolerance(x, bounds=(0.0, 0.0), margin=0.0, sigmoid="gaussian", value_at_margin=0.1):
    """1 inside the bounds, falling smoothly to value_at_margin at distance margin."""
    lower, upper = bounds
    if lower > upper:
        raise ValueError("Lower bound must be <= upper bound.")
    if margin < 0:
        raise ValueError("`margin` must be non-negative.")

    in_bounds = np.logical_and(lower <= x, x <= upper)
    if margin == 0:
        value = np.where(in_bounds, 1.0, 0.0)
    else:
        d = np.where(x < lower, lower - x, x - upper) / margin
        value = np.where(in_bounds, 1.0, _sigmoid(d, value_at_margin, sigmoid))
    return float(value)


def hamacher_product(a, b):
    """Soft 'and' of two numbers in [0, 1]."""
    denominator = a + b - a * b
    h_prod = (a * b) / denominator if denominator > 0 else 0.0
    return h_prod


def gripper_caging(ee, handle):
    """How well the fingers surround the handle (along y)."""
    dx, dy, dz = np.abs(ee - handle)
    lateral = tolerance(dx, bounds=(0, 0.03), margin=0.08, sigmoid="long_tail")
    depth = tolerance(dy, bounds=(0, 0.02), margin=0.08, sigmoid="long_tail")
    height = tolerance(dz, bounds=(0, 0.015), margin=0.05, sigmoid="long_tail")
    return hamacher_product(hamacher_product(lateral, depth), height)


def reward(obs, action, next_obs):
    ee = next_obs[EE]
    handle = next_obs[HANDLE]
    goal = next_obs[GOAL]
    initial_handle = goal + np.array([0.0, MAX_DIST, 0.0])

    handle_error = np.linalg.norm(handle - goal)
    reach_error = np.linalg.norm(handle - ee)
    start_error = max(np.linalg.norm(initial_handle - goal), 1e-3)

    opening = tolerance(
        handle_error,
        bounds=(0, TARGET_RADIUS),
        margin=start_error,
        sigmoid="long_tail",
    )
    reaching = tolerance(
        reach_error,
        bounds=(0, 0.01),
        margin=0.3,
        sigmoid="gaussian",
    )
    caging = gripper_caging(ee, handle)

    # Fraction of the way the drawer has moved, and its speed in this frame
    opened = np.clip(1.0 - handle_error / start_error, 0.0, 1.0)
    pull = handle[1] - next_obs[PREV_HANDLE][1]

    total = hamacher_product(caging, reaching) + 5.0 * hamacher_product(opening, max(caging, opened))
    total += -2.0 * min(pull, 0.0)

    # an open gripper hooks the handle, don't close it
    if next_obs[GRIP] < 0.3 and reach_error < 0.05:
        total -= 0.1

    success = handle_error <= TARGET_RADIUS + 0.01
    if success:
        total = 10.0

    smooth = -0.01 * float(np.sum(np.square(action[:3])))
    info = {
        "reach": reaching,
        "caging": caging,
        "opening": opening,
        "pull": float(pull),
        "success": float(success),
        "smooth": smooth,
    }
    return float(total + smooth), info
