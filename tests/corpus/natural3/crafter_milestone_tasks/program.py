import numpy as np

# index of every item in obs["inventory"]
ITEMS = ["health", "food", "drink", "energy", "sapling", "wood", "stone", "coal", "iron",
         "diamond", "wood_pickaxe", "stone_pickaxe", "iron_pickaxe",
         "wood_sword", "stone_sword", "iron_sword"]
IDX = {name: i for i, name in enumerate(ITEMS)}
MATERIALS = {"water": 1, "grass": 2, "stone": 3, "path": 4, "sand": 5, "tree": 6, "lava": 7,
             "coal": 8, "iron": 9, "diamond": 10, "table": 11, "furnace": 12}


def _inv(obs):
    return {k: int(obs["inventory"][i]) for k, i in IDX.items()}


def _near(obs, material, radius=1):
    local = obs["local_map"]
    cy, cx = local.shape[0] // 2, local.shape[1] // 2
    window = local[cy - radius:cy + radius + 1, cx - radius:cx + radius + 1]
    return MATERIALS[material] in window


def task_1_collect_wood(obs):
    """Has collected wood, or something that was made out of it."""
    inv = _inv(obs)
    return inv["wood"] > 0 or any(inv[f"{m}_pickaxe"] or inv[f"{m}_sword"] for m in ("wood", "stone"))


def task_2_place_table(obs):
    return bool((obs["local_map"] == MATERIALS["table"]).any())


def task_3_wood_tools(obs):
    inv = _inv(obs)
    return inv["wood_pickaxe"] >= 1 and inv["wood_sword"] >= 1


def task_4_stone_ready(obs):
    """Enough stone and wood for a stone pickaxe, standing near a table."""
    inv = _inv(obs)
    requirements = {"wood": 1, "stone": 1, "wood_pickaxe": 1}
    missing = [item for item, need in requirements.items() if inv[item] < need]
    return not missing and _near(obs, "table", radius=2)


def task_5_furnace(obs):
    names, counts = np.unique(obs["local_map"], return_counts=True)
    seen = dict(zip(names.tolist(), counts.tolist()))
    return seen.get(MATERIALS["furnace"], 0) >= 1 and seen.get(MATERIALS["table"], 0) >= 1


def task_6_healthy(initial_obs, obs):
    """No vital sign is lower than at the start by more than 2, none is critical."""
    now, start = _inv(obs), _inv(initial_obs)
    vitals = ("health", "food", "drink", "energy")
    drops = [start[v] - now[v] for v in vitals]
    return max(drops) <= 2 and min(now[v] for v in vitals) > 2


def task_7_net_worth(initial_obs, obs):
    """Weighted value of the inventory at least doubled."""
    weights = {"wood": 1, "stone": 1.5, "coal": 2, "iron": 4, "diamond": 10}

    def worth(o):
        inv = _inv(o)
        return sum(w * inv[k] for k, w in weights.items())

    before, after = worth(initial_obs), worth(obs)
    return after >= max(2 * before, 5)


TASKS = [task_1_collect_wood, task_2_place_table, task_3_wood_tools, task_4_stone_ready,
         task_5_furnace, task_6_healthy, task_7_net_worth]
