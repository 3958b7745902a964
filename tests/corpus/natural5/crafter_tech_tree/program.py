# Sub-task predicates for a Crafter-like survival game.
#
# obs["inventory"]: int32 (16,)   counts in the order of ITEMS
# obs["semantic"]:  uint8 (9, 7)  material ids of the local view, player at (4, 3)
# obs["facing"]:    int8 (2,)     direction the player looks at

import numpy as np

ITEMS = [
    "health", "food", "drink", "energy",
    "sapling", "wood", "stone", "coal", "iron", "diamond",
    "wood_pickaxe", "stone_pickaxe", "iron_pickaxe",
    "wood_sword", "stone_sword", "iron_sword",
]
INDEX = {name: i for i, name in enumerate(ITEMS)}

MATERIALS = {
    "water": 1, "grass": 2, "stone": 3, "path": 4, "sand": 5, "tree": 6,
    "lava": 7, "coal": 8, "iron": 9, "diamond": 10, "table": 11, "furnace": 12,
    "plant": 13, "cow": 14, "zombie": 15, "skeleton": 16,
}

PLAYER = np.array([4, 3])


def has(obs, item, n=1):
    return bool(obs["inventory"][INDEX[item]] >= n)


def near(obs, material, radius=1):
    cells = np.argwhere(obs["semantic"] == MATERIALS[material])
    if cells.shape[0] == 0:
        return False
    return bool(np.max(np.abs(cells - PLAYER), axis=1).min() <= radius)


def facing_material(obs):
    x, y = PLAYER + obs["facing"]
    return int(obs["semantic"][x, y])


def gained(initial_obs, obs, item):
    i = INDEX[item]
    return obs["inventory"][i] > initial_obs["inventory"][i]


def task_0_collect_wood(initial_obs, obs):
    return gained(initial_obs, obs, "wood") or has(obs, "wood", 5)


def task_1_place_table(obs):
    return near(obs, "table", radius=3)


def task_2_make_wood_pickaxe(obs):
    return has(obs, "wood_pickaxe")


def task_3_collect_stone(initial_obs, obs):
    return has(obs, "wood_pickaxe") and gained(initial_obs, obs, "stone")


def task_4_stone_tools(obs):
    return has(obs, "stone_pickaxe") and has(obs, "stone_sword")


def task_5_furnace_ready(obs):
    """A furnace and a table nearby, with everything that an iron tool needs."""
    needed = {"wood": 1, "coal": 1, "iron": 1}
    return near(obs, "table", 2) and near(obs, "furnace", 2) and all(
        has(obs, k, v) for k, v in needed.items()
    )


def task_6_iron_pickaxe(obs):
    return has(obs, "iron_pickaxe")


def task_7_diamond(obs):
    """Either holds a diamond or is about to mine one."""
    if has(obs, "diamond"):
        return True
    return has(obs, "iron_pickaxe") and facing_material(obs) == MATERIALS["diamond"]


def task_8_stay_alive(obs):
    vitals = obs["inventory"][:4]
    in_danger = near(obs, "lava") or near(obs, "zombie") or near(obs, "skeleton", 2)
    return bool((vitals >= 3).all()) and not in_danger


TASKS = [
    task_0_collect_wood,
    task_1_place_table,
    task_2_make_wood_pickaxe,
    task_3_collect_stone,
    task_4_stone_tools,
    task_5_furnace_ready,
    task_6_iron_pickaxe,
    task_7_diamond,
    task_8_stay_alive,
]
