"""Sub-task checks for a CLIPort-like tabletop: "put the <color> blocks in a <color> bowl"."""
from dataclasses import dataclass
from typing import Dict, List

import numpy as np

COLORS: List[str] = ["red", "green", "blue", "yellow", "brown", "gray", "cyan"]
BOWL_RADIUS = 0.06
LIFT_HEIGHT = 0.04


@dataclass(frozen=True)
class Instruction:
    block_color: int = -1
    bowl_color: int = -1

    @property
    def valid(self) -> bool:
        return self.block_color >= 0 and self.bowl_color >= 0

    @classmethod
    def from_text(cls, text: str) -> "Instruction":
        parts = text.lower().strip().rstrip(".").split(" in ")
        if len(parts) != 2:
            return cls()
        ids = []
        for part in parts:
            found = [COLORS.index(w) for w in part.split() if w in COLORS]
            ids.append(found[0] if found else -1)
        return cls(block_color=ids[0], bowl_color=ids[1])


def _scene(obs) -> Dict[str, np.ndarray]:
    ins = Instruction.from_text(obs["mission"])
    present = obs["block_color"] >= 0
    return {
        "valid": ins.valid,
        "blocks": obs["block_pos"][present & (obs["block_color"] == ins.block_color)],
        "bowls": obs["bowl_pos"][obs["bowl_color"] == ins.bowl_color],
    }


def _inside(blocks: np.ndarray, bowls: np.ndarray) -> np.ndarray:
    """For every block whether it lies in any of the bowls."""
    if len(blocks) == 0 or len(bowls) == 0:
        return np.zeros(len(blocks), dtype=bool)
    d = np.linalg.norm(blocks[:, None, :2] - bowls[None, :, :2], axis=-1)
    return d.min(axis=1) < BOWL_RADIUS


def gripper_over_block(obs) -> bool:
    """End effector is above one of the blocks to move that is not in place yet."""
    s = _scene(obs)
    if not s["valid"]:
        return False
    todo = s["blocks"][~_inside(s["blocks"], s["bowls"])]
    if todo.shape[0] == 0:
        return False
    return bool(np.min(np.linalg.norm(todo[:, :2] - obs["ee_pos"][:2], axis=1)) < 0.05)


def block_lifted(obs) -> bool:
    s = _scene(obs)
    return bool(np.any(s["blocks"][:, 2] > LIFT_HEIGHT)) and obs["suction"] == 1


def first_block_placed(initial_obs, obs) -> bool:
    """At least one more block is in a right bowl than at the beginning."""
    a, b = _scene(initial_obs), _scene(obs)
    return _inside(b["blocks"], b["bowls"]).sum() > _inside(a["blocks"], a["bowls"]).sum()


def all_placed(obs) -> bool:
    s = _scene(obs)
    inside = _inside(s["blocks"], s["bowls"])
    return len(inside) > 0 and bool(inside.all())


def distractors_untouched(initial_obs, obs) -> bool:
    """No block of another colour has been moved by more than 2 cm."""
    ins = Instruction.from_text(obs["mission"])
    others = [i for i, c in enumerate(obs["block_color"]) if c >= 0 and c != ins.block_color]
    return all(
        np.linalg.norm(obs["block_pos"][i, :2] - initial_obs["block_pos"][i, :2]) < 0.02
        for i in others
    )


TASKS = [gripper_over_block, block_lifted, first_block_placed, all_placed, distractors_untouched]
