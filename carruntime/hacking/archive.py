"""Where a search has been: the shortest way to everything that looks new.

After Ecoffet et al., First return, then explore (Nature 590, 2021): states are told apart by a
digest of the observation and by what the program says of the episode so far, each *cell* keeps the
shortest list of actions that led there, and those seldom tried, and those further along in the
program's own account, are gone back to first.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from carruntime.trajectory import leaves

__all__ = ["Archive", "Cell", "digest_of"]

_BINS: Final = 12
"""Parts of the range in which a bounded number is told apart from others."""


@dataclass(eq=False, slots=True)
class Cell:
    """A place that was reached.

    Attributes:
        seed: Of the episode.
        actions: The shortest list known that leads there.
        stage: How far the program's own account goes there.
        tried: How often the search went on from there.
    """

    seed: int
    actions: tuple[Any, ...]
    stage: int
    tried: int = 0


class Archive:
    """Cells by key; chooses where to go on."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._cells: dict[Any, Cell] = {}
        self._order: list[Cell] = []

    def __len__(self) -> int:
        return len(self._order)

    def offer(self, key: Any, seed: int, actions: tuple[Any, ...], stage: int) -> bool:
        """Keep a way to a place if the place is new, or the way shorter; say if it is new."""
        known = self._cells.get(key)
        if known is None:
            self._cells[key] = cell = Cell(seed, actions, stage)
            self._order.append(cell)
            return True
        if len(actions) < len(known.actions):
            known.actions = actions
        return False

    def choose(self, count: int, longest: int) -> list[Cell]:
        """Draw cells to go on from, those seldom tried and far along more often.

        Args:
            count: How many.
            longest: Cells that take more actions are left out.
        """
        fit = [cell for cell in self._order if len(cell.actions) <= longest] or self._order
        stages = np.array([cell.stage for cell in fit], np.float64)
        tried = np.array([cell.tried for cell in fit], np.float64)
        # Each stage gets its share however many cells the stages below it have.
        weight = (1.0 + stages) / (1.0 + tried)
        _, index, sizes = np.unique(stages, return_inverse=True, return_counts=True)
        weight = weight * (1.0 + stages) / np.sqrt(sizes[index])
        chosen = self._rng.choice(len(fit), size=count, p=weight / weight.sum())
        cells = [fit[i] for i in chosen.tolist()]
        for cell in cells:
            cell.tried += 1
        return cells


def digest_of(observation: Any, *, exact: bool = True) -> bytes:
    """Give a short digest of an observation.

    Args:
        observation: Of any space.
        exact: Whether floats are taken as they are; else near ones count as equal.
    """
    found = hashlib.blake2b(digest_size=12)
    for _, value in leaves(observation):
        array = np.asarray(value)
        if array.dtype.kind == "U":
            found.update(str(value).encode("utf-8", "surrogatepass"))
        elif array.dtype.kind == "f" and not exact:
            # Fine near zero and coarse far away, whatever the unit.
            coarse = np.round(np.sign(array) * np.log1p(np.abs(array)) * _BINS)
            found.update(coarse.astype(np.int64).tobytes())
        else:
            found.update(np.ascontiguousarray(array).tobytes())
    return found.digest()
