from collections import defaultdict
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Set, Tuple

ITEMS: List[str] = [
    "log", "planks", "stick", "crafting_table", "wooden_pickaxe", "cobblestone",
    "furnace", "stone_pickaxe", "iron_ore", "iron_ingot", "iron_pickaxe", "diamond",
]


@dataclass(frozen=True)
class Milestone:
    item: str
    amount: int
    reward: float
    requires: Tuple[str, ...] = ()


MILESTONES = [
    Milestone("log", 1, 1.0),
    Milestone("planks", 4, 2.0, ("log",)),
    Milestone("stick", 2, 4.0, ("planks",)),
    Milestone("crafting_table", 1, 4.0, ("planks",)),
    Milestone("wooden_pickaxe", 1, 8.0, ("stick", "crafting_table")),
    Milestone("cobblestone", 3, 16.0, ("wooden_pickaxe",)),
    Milestone("furnace", 1, 32.0, ("cobblestone",)),
    Milestone("stone_pickaxe", 1, 32.0, ("cobblestone",)),
    Milestone("iron_ore", 1, 64.0, ("stone_pickaxe",)),
    Milestone("iron_ingot", 1, 128.0, ("iron_ore", "furnace")),
    Milestone("iron_pickaxe", 1, 256.0, ("iron_ingot",)),
    Milestone("diamond", 1, 1024.0, ("iron_pickaxe",)),
]


@dataclass
class EpisodeLog:
    unlocked: Set[str] = field(default_factory=set)
    peak: Dict[str, int] = field(default_factory=lambda: defaultdict(int))
    steps_since_unlock: int = 0
    first_death_step: Optional[int] = None
    step: int = 0


class ObtainDiamondReward:
    """Milestone rewards in the manner of MineRL's ObtainDiamond, scaled to a total of about 1."""

    def __init__(self, hoarding_bonus: float = 0.001, patience: int = 5):
        self.hoarding_bonus = hoarding_bonus
        self.patience = patience
        self.scale = 1.0 / sum(m.reward for m in MILESTONES)
        self.log = EpisodeLog()

    def reset(self, obs) -> None:
        self.log = EpisodeLog()
        for item, count in self._inventory(obs).items():
            self.log.peak[item] = count

    @staticmethod
    def _inventory(obs) -> Dict[str, int]:
        return {name: int(count) for name, count in zip(ITEMS, obs["inventory"])}

    def _check_milestones(self, inventory: Dict[str, int]) -> Dict[str, float]:
        earned = {}
        for m in MILESTONES:
            if m.item in self.log.unlocked:
                continue
            if inventory[m.item] < m.amount:
                continue
            # an item without its prerequisites was found in a chest: half reward
            legit = all(req in self.log.unlocked for req in m.requires)
            earned[m.item] = m.reward * self.scale * (1.0 if legit else 0.5)
            self.log.unlocked.add(m.item)
        return earned

    def step(self, obs, action, next_obs):
        log = self.log
        log.step += 1
        inventory = self._inventory(next_obs)

        earned = self._check_milestones(inventory)
        log.steps_since_unlock = 0 if earned else log.steps_since_unlock + 1

        new_peaks = 0
        for item, count in inventory.items():
            if count > log.peak[item]:
                new_peaks += count - log.peak[item]
                log.peak[item] = count

        damage = min(0.0, float(next_obs["life"][0] - obs["life"][0]))
        died = next_obs["life"][0] <= 0
        if died and log.first_death_step is None:
            log.first_death_step = log.step

        info = {
            "milestones": sum(earned.values()),
            "n_unlocked": len(log.unlocked),
            "hoarding": self.hoarding_bonus * new_peaks,
            "damage": 0.005 * damage,
            "death": -0.1 if log.first_death_step == log.step else 0.0,
            "stall": -0.002 * max(0, log.steps_since_unlock - self.patience),
        }
        total = info["milestones"] + info["hoarding"] + info["damage"] + info["death"] + info["stall"]
        return total, info
