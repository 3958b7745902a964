import numpy as np

GATES = np.array([[2.0, 0.0, 1.0], [4.0, 2.0, 1.5], [2.0, 4.0, 1.0]])
NORMALS = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
HALF_WIDTH = 0.5


def rotation_matrix(q):
    """Unit quaternion (w, x, y, z) -> 3x3 matrix."""
    w, x, y, z = q / (np.linalg.norm(q) + 1e-9)
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ])


def gate_frame(pos, k):
    """Signed distance along the normal of gate k and distance from its axis."""
    rel = pos - GATES[k]
    along = rel @ NORMALS[k]
    lateral = np.linalg.norm(rel - along * NORMALS[k])
    return along, lateral


def airborne_and_level(obs):
    R = rotation_matrix(obs["quat"])
    tilt = np.arccos(np.clip(R[2, 2], -1.0, 1.0))
    return obs["pos"][2] > 0.3 and tilt < np.deg2rad(45)


def make_approach(k):
    def approach(obs):
        along, lateral = gate_frame(obs["pos"], k)
        heading = obs["vel"] @ NORMALS[k] / (np.linalg.norm(obs["vel"]) + 1e-9)
        return -2.0 < along < 0.0 and lateral < 2 * HALF_WIDTH and heading > 0.5
    return approach


def make_passed(k):
    def passed(obs):
        along, lateral = gate_frame(obs["pos"], k)
        return bool(0.0 <= along < 1.0 and lateral < HALF_WIDTH and obs["gates_passed"] >= k)
    return passed


def rotors_in_budget(obs):
    rpm = obs["rpm"]
    return rpm.max() < 0.95 and rpm.std() < 0.2


TASKS = [airborne_and_level]
for _k in range(len(GATES)):
    TASKS += [make_approach(_k), make_passed(_k)]
TASKS.append(rotors_in_budget)
