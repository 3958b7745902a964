"""Sub-task checks for a NetHack Learning Environment style observation.

obs["blstats"]  : (27,) integer vector of bottom line statistics
obs["message"]  : the top line message as text
obs["inv_letters"] : (55,) uint8, ASCII codes of occupied inventory slots (0 = empty)
obs["glyph_class"] : (21, 79) int, coarse class of every map cell
"""
from enum import IntEnum
from typing import Any, Dict

import numpy as np


class BL(IntEnum):
    X = 0
    Y = 1
    STR = 3
    SCORE = 9
    HP = 10
    MAX_HP = 11
    DEPTH = 12
    GOLD = 13
    XP_LEVEL = 18
    TIME = 20
    HUNGER = 21


class Glyph(IntEnum):
    STONE = 0
    WALL = 1
    FLOOR = 2
    DOOR = 3
    STAIRS_UP = 4
    STAIRS_DOWN = 5
    MONSTER = 6
    ITEM = 7


Obs = Dict[str, Any]

BAD_MESSAGES = ("you die", "you are fainting", "you starve", "goodbye")


def _stat(obs: Obs, which: BL) -> int:
    return int(obs["blstats"][which])


def _hp_ratio(obs: Obs) -> float:
    return _stat(obs, BL.HP) / max(1, _stat(obs, BL.MAX_HP))


def task_explored_room(initial_obs: Obs, obs: Obs) -> bool:
    """At least 60 more map cells are known than at the start."""
    known = lambda o: int(np.count_nonzero(o["glyph_class"] != Glyph.STONE))
    return known(obs) - known(initial_obs) >= 60


def task_downstairs_seen(obs: Obs) -> bool:
    return bool((obs["glyph_class"] == Glyph.STAIRS_DOWN).any())


def task_at_downstairs(obs: Obs) -> bool:
    """Standing on, or right beside, a downward staircase."""
    x, y = _stat(obs, BL.X), _stat(obs, BL.Y)
    rows, cols = obs["glyph_class"].shape
    top, bottom = max(0, y - 1), min(rows, y + 2)
    left, right = max(0, x - 1), min(cols, x + 2)
    patch = obs["glyph_class"][top:bottom, left:right]
    return bool(np.any(patch == Glyph.STAIRS_DOWN))


def task_descended(initial_obs: Obs, obs: Obs) -> bool:
    return _stat(obs, BL.DEPTH) > _stat(initial_obs, BL.DEPTH)


def task_found_loot(initial_obs: Obs, obs: Obs) -> bool:
    """More gold than before or a new letter in the inventory."""
    richer = _stat(obs, BL.GOLD) > _stat(initial_obs, BL.GOLD)
    before = {chr(c) for c in initial_obs["inv_letters"] if c != 0}
    now = {chr(c) for c in obs["inv_letters"] if c != 0}
    return richer or len(now - before) > 0


def task_killed_something(obs: Obs) -> bool:
    message = obs["message"].lower()
    return message.startswith("you kill") or "you destroy" in message


def task_healthy_survivor(obs: Obs) -> bool:
    """Alive, above half hit points, not weak from hunger, no fatal message."""
    message = obs["message"].lower()
    if any(bad in message for bad in BAD_MESSAGES):
        return False
    return _hp_ratio(obs) > 0.5 and _stat(obs, BL.HUNGER) < 3


TASKS = [
    task_explored_room,
    task_downstairs_seen,
    task_at_downstairs,
    task_descended,
    task_found_loot,
    task_killed_something,
    task_healthy_survivor,
]
