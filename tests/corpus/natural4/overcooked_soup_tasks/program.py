from collections import Counter
from dataclasses import dataclass
from enum import Enum

RECIPE = Counter({"onion": 2, "tomato": 1})
COOK_TIME = 20
INGREDIENTS = ["none", "onion", "tomato", "dish", "soup"]


class PotStatus(Enum):
    EMPTY = "empty"
    FILLING = "filling"
    COOKING = "cooking"
    READY = "ready"


@dataclass(frozen=True)
class Pot:
    contents: Counter
    timer: int

    @property
    def status(self) -> PotStatus:
        total = sum(self.contents.values())
        if total == 0:
            return PotStatus.EMPTY
        if total < 3:
            return PotStatus.FILLING
        return PotStatus.READY if self.timer >= COOK_TIME else PotStatus.COOKING

    @property
    def is_recipe(self) -> bool:
        return self.contents == RECIPE


@dataclass(frozen=True)
class Kitchen:
    pots: list
    held: tuple
    served: int

    @classmethod
    def from_obs(cls, obs):
        pots = []
        for row, timer in zip(obs["pot_contents"], obs["pot_timers"]):
            counts = Counter({"onion": int(row[0]), "tomato": int(row[1])})
            pots.append(Pot(contents=+counts, timer=int(timer)))
        held = tuple(INGREDIENTS[int(i)] for i in obs["held"])
        return cls(pots=pots, held=held, served=int(obs["served"]))

    def any_status(self, *wanted):
        return any(pot.status in wanted for pot in self.pots)


def somebody_holds_ingredient(obs):
    return any(item in RECIPE for item in Kitchen.from_obs(obs).held)


def pot_started(initial_obs, obs):
    before, now = Kitchen.from_obs(initial_obs), Kitchen.from_obs(obs)
    started = [p.status is not PotStatus.EMPTY for p in now.pots]
    return sum(started) > sum(p.status is not PotStatus.EMPTY for p in before.pots)


def right_soup_cooking(obs):
    return any(
        pot.is_recipe and pot.status in (PotStatus.COOKING, PotStatus.READY)
        for pot in Kitchen.from_obs(obs).pots
    )


def dish_ready_in_time(obs):
    """Somebody holds a dish while a soup is ready (or will be within 5 ticks)."""
    kitchen = Kitchen.from_obs(obs)
    if "dish" not in kitchen.held:
        return False
    soon = [
        pot
        for pot in kitchen.pots
        if pot.status is PotStatus.COOKING and COOK_TIME - pot.timer <= 5
    ]
    return bool(soon) or kitchen.any_status(PotStatus.READY)


def soup_served(initial_obs, obs):
    return Kitchen.from_obs(obs).served - Kitchen.from_obs(initial_obs).served > 0


TASKS = [
    somebody_holds_ingredient,
    pot_started,
    right_soup_cooking,
    dish_ready_in_time,
    soup_served,
]
