"""Three cube tower (panda/fetch style): goal order bottom to top is given by obs["order"]."""
from itertools import combinations
from typing import List, Optional

import numpy as np

CUBE = 0.04
XY_TOL = 0.015
Z_TOL = 0.01
NAMES = ("red", "green", "blue")


def cube_positions(obs) -> np.ndarray:
    return obs["observation"][7:16].reshape(3, 3)


def gripper(obs):
    return obs["observation"][:3], float(obs["observation"][6])


def is_on(top: np.ndarray, bottom: np.ndarray) -> bool:
    """`top` rests on `bottom`."""
    dz = top[2] - bottom[2]
    dxy = np.linalg.norm(top[:2] - bottom[:2])
    return bool(dxy < XY_TOL and abs(dz - CUBE) < Z_TOL)


def held_cube(obs) -> Optional[str]:
    ee, width = gripper(obs)
    d = np.linalg.norm(cube_positions(obs) - ee, axis=1)
    i = int(d.argmin())
    if d[i] < 0.02 and 0.02 < width < 0.06:
        return NAMES[i]
    return None


def tower_height(obs) -> int:
    """Number of cubes in the highest stack."""
    p = cube_positions(obs)
    best = 1
    for i in np.argsort(p[:, 2]):
        height, current = 1, int(i)
        while True:
            above: List[int] = [j for j in range(3) if j != current and is_on(p[j], p[current])]
            if not above:
                break
            current = above[0]
            height += 1
        best = max(best, height)
    return best


def grasp_second(obs) -> bool:
    """Holding the cube that has to go on the bottom one."""
    second = NAMES[int(obs["order"][1])]
    return held_cube(obs) == second


def base_clear(obs) -> bool:
    p = cube_positions(obs)
    base = int(obs["order"][0])
    return not any(is_on(p[j], p[base]) for j in range(3) if j != base and j != int(obs["order"][1]))


def second_on_base(obs) -> bool:
    p, (a, b, _) = cube_positions(obs), (int(i) for i in obs["order"])
    return is_on(p[b], p[a])


def lifted_any(initial_obs, obs) -> bool:
    rise = cube_positions(obs)[:, 2] - cube_positions(initial_obs)[:, 2]
    return bool((rise > 0.5 * CUBE).any())


def tower_built(obs) -> bool:
    p = cube_positions(obs)
    order = obs["order"].astype(int).tolist()
    return tower_height(obs) == 3 and all(is_on(p[hi], p[lo]) for lo, hi in zip(order, order[1:]))


def spread_out(obs) -> bool:
    """No two cubes closer than one and a half edges, unless stacked."""
    p = cube_positions(obs)
    return all(
        np.linalg.norm(p[i] - p[j]) > 1.5 * CUBE or is_on(p[i], p[j]) or is_on(p[j], p[i])
        for i, j in combinations(range(3), 2)
    )


def released(obs) -> bool:
    return tower_height(obs) >= 2 and held_cube(obs) is None


TASKS = [spread_out, base_clear, grasp_second, lifted_any, second_on_base, released, tower_built]
