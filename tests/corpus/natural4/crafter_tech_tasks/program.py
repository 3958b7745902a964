# Crafter sub-tasks as small closures: one factory per kind of goal.

def at_least(item, n=1):
    def check(obs):
        return obs.get(item, 0) >= n
    return check


def gained(item, n=1):
    def check(initial_obs, obs):
        return obs[item] - initial_obs[item] >= n
    return check


def all_of(*checks):
    def check(obs):
        return all(c(obs) for c in checks)
    return check


def vitals_ok(obs):
    vitals = [obs[k] for k in ("health", "food", "drink", "energy")]
    return min(vitals) >= 3 and sum(vitals) / len(vitals) >= 5


def near_end_of_night(obs):
    return obs["daylight"] > 0.35 and obs["sleeping"] == 1


TASKS = [
    gained("wood", 1),
    gained("wood", 4),
    at_least("wood_pickaxe"),
    all_of(at_least("stone", 2), at_least("wood_pickaxe")),
    at_least("stone_pickaxe"),
    all_of(at_least("coal"), at_least("iron")),
    all_of(vitals_ok, at_least("iron_pickaxe")),
    near_end_of_night,
    lambda obs: obs["diamond"] > 0,
]
