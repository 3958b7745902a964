from collections import Counter, defaultdict

ACHIEVEMENTS = {
    # achievement -> (points, prerequisite)
    "collect_wood": (1.0, None),
    "place_table": (1.5, "collect_wood"),
    "make_wood_pickaxe": (2.0, "place_table"),
    "collect_stone": (2.0, "make_wood_pickaxe"),
    "make_stone_pickaxe": (3.0, "collect_stone"),
    "collect_iron": (4.0, "make_stone_pickaxe"),
    "collect_diamond": (8.0, "collect_iron"),
}
INVENTORY = ("wood", "stone", "iron", "diamond", "wood_pickaxe", "stone_pickaxe", "table")
VITALS = ("health", "food", "drink")


class CrafterReward:
    def __init__(self):
        self.unlocked = []
        self.collected = Counter()
        self.attempts = defaultdict(int)
        self.messages = []

    def reset(self, obs):
        self.unlocked = []
        self.collected = Counter()
        self.attempts = defaultdict(int)
        self.messages = [f"start with health {int(obs['vitals'][0])}"]
        self.low_streak = 0

    # ------------------------------------------------------------------
    def _to_counter(self, obs):
        return Counter({name: int(n) for name, n in zip(INVENTORY, obs["inventory"]) if n > 0})

    def _unlock(self, name):
        points, prerequisite = ACHIEVEMENTS[name]
        if name in self.unlocked:
            return 0.0
        self.unlocked.append(name)
        self.messages.append(f"{len(self.unlocked):02d}: {name.replace('_', ' ')}")
        # unlocking out of order is worth only half
        if prerequisite is not None and prerequisite not in self.unlocked:
            points *= 0.5
        return points

    def step(self, obs, action, next_obs):
        before, after = self._to_counter(obs), self._to_counter(next_obs)
        gained = after - before
        lost = before - after
        self.collected.update(gained)
        self.attempts[action] += 1

        unlock = 0.0
        for item in sorted(gained):
            if item in ("wood", "stone", "iron", "diamond"):
                unlock += self._unlock(f"collect_{item}")
            elif item.endswith("_pickaxe"):
                unlock += self._unlock("make_" + item)
            elif item == "table":
                unlock += self._unlock("place_table")

        # diminishing returns for collecting the same thing again and again
        resources = sum(
            0.1 * n / (1 + self.collected[item]) for item, n in gained.items() if "_" not in item
        )
        waste = -0.05 * max(sum(lost.values()) - 2, 0)

        vitals = dict(zip(VITALS, next_obs["vitals"].tolist()))
        delta = vitals["health"] - int(obs["vitals"][0])
        survival = 0.1 * delta if delta < 0 else 0.05 * delta
        if min(vitals.values()) <= 2:
            self.low_streak += 1
            survival -= 0.02 * self.low_streak
        else:
            self.low_streak = 0

        spam = -0.01 * (self.attempts[action] - 5) if self.attempts[action] > 5 else 0.0
        if self.collected:
            favourite, count = self.collected.most_common(1)[0]
            if count > 6:
                self.messages.append(f"hoarding {favourite}")
                spam -= 0.05

        total = unlock + resources + waste + survival + spam
        return total, {"unlock": unlock, "resources": resources, "waste": waste,
                       "survival": survival, "spam": spam, "n_unlocked": len(self.unlocked)}
