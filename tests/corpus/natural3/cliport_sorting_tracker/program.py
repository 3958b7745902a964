"""Reward tracker for "pack the red, blue and green blocks into the brown box" style missions."""
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Set

import numpy as np

COLOR_NAMES = ["red", "green", "blue", "yellow", "brown", "gray", "cyan"]
HALF = 0.075


@dataclass
class Progress:
    order: List[int] = field(default_factory=list)
    ordered: bool = False
    done: Set[int] = field(default_factory=set)
    best: Dict[int, float] = field(default_factory=dict)
    events: List[str] = field(default_factory=list)

    @property
    def current(self) -> Optional[int]:
        for color in self.order:
            if color not in self.done:
                return color
        return None

    def __len__(self):
        return len(self.done)


def parse_colors(mission: str) -> List[int]:
    """Block colours in the order in which they are mentioned."""
    head = mission.lower().split(" into ")[0]
    for ch in ",.;":
        head = head.replace(ch, " ")
    return [COLOR_NAMES.index(w) for w in head.split() if w in COLOR_NAMES]


class SortingReward:
    def __init__(self):
        self.p = Progress()

    def reset(self, obs):
        mission = obs["mission"]
        self.p = Progress(order=list(dict.fromkeys(parse_colors(mission))),
                          ordered=any(k in mission for k in ("in order", "one after another", "first")))
        for color in self.p.order:
            self.p.best[color] = self._distance(obs, color)
        self.p.done = {c for c in self.p.order if self._packed(obs, c)}

    def _blocks(self, obs, color):
        return obs["block_pos"][obs["block_color"] == color]

    def _packed(self, obs, color):
        """All blocks of that colour are inside the box footprint."""
        b = self._blocks(obs, color)
        if b.shape[0] == 0:
            return False
        rel = np.abs(b[:, :2] - obs["box_pos"][:2])
        return bool(np.all(rel <= HALF))

    def _distance(self, obs, color):
        b = self._blocks(obs, color)
        if len(b) == 0:
            return 0.0
        return float(np.sqrt(((b[:, :2] - obs["box_pos"][:2]) ** 2).sum(axis=1)).mean())

    def step(self, obs, action, next_obs):
        r = {"progress": 0.0, "packed": 0.0, "unpacked": 0.0, "order": 0.0, "disturb": 0.0, "time": -0.01}
        p = self.p

        expected = p.current
        for color in p.order:
            name = COLOR_NAMES[color]
            d = self._distance(next_obs, color)
            if d < p.best.get(color, np.inf):
                weight = 2.0 if color == expected or not p.ordered else 0.5
                r["progress"] += weight * (p.best[color] - d)
                p.best[color] = d

            inside = self._packed(next_obs, color)
            if inside and color not in p.done:
                p.done.add(color)
                r["packed"] += 1.0
                if p.ordered:
                    r["order"] += 0.5 if color == expected else -0.5
                p.events.append(f"packed {name} ({len(p)}/{len(p.order)})")
            elif not inside and color in p.done:
                p.done.discard(color)
                r["unpacked"] -= 1.5
                p.events.append(f"lost {name}")

        # moving blocks that were not mentioned
        others = ~np.isin(next_obs["block_color"], p.order + [-1])
        shift = np.linalg.norm(next_obs["block_pos"] - obs["block_pos"], axis=1)
        r["disturb"] = -2.0 * float(shift[others].sum())

        if p.order and len(p) == len(p.order):
            r["complete"] = 5.0 if "packed" in (p.events[-1] if p.events else "") else 0.0
            p.events.append("complete")
        return sum(r.values()), r
