"""Make what a search found short, and tell it.

Whatever is told was played in the environment that was given, by the `Player`, at the very end.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from carruntime.hacking.claims import Claim, Kind
from carruntime.hacking.report import Hack
from carruntime.hacking.shortcut import shortcut
from carruntime.playing import Play, alphabet
from carruntime.showing import rows_of
from carruntime.shrinking import shortest

if TYPE_CHECKING:
    from carruntime.arrangement import Stage, Told
    from carruntime.hacking.episodes import Rollouts
    from carruntime.playing import Player
    from carruntime.trajectory import Trajectory

__all__ = ["Found", "Shortener", "above"]

_ROUNDS: Final = 4
"""Times a loop must pay again before it is believed."""
_MOST_ROWS: Final = 48
_MOST_ACTIONS: Final = 10_000
"""Longest list of rounds that is played to see whether they earn more than success."""


@dataclass(eq=False, slots=True)
class Found:
    """Something seen, not yet made short.

    Attributes:
        kind: How the program was deceived.
        play: Up to the step on which it shows.
        after: Steps of the search before it.
        loop: First step of a loop and the step behind it.
        origin: The file of counterexamples in which it was, or None.
    """

    kind: Kind
    play: Play
    after: int
    loop: tuple[int, int] | None = None
    origin: Path | None = None


class Shortener:
    """Makes findings short.

    Args:
        stage: Where the program runs.
        player: Of the environment that was given.
        rollouts: The fastest way to play many episodes of it.
        claim: When the program claims completion.
        tries: Episodes that may be played for one finding.
    """

    def __init__(
        self, stage: Stage, player: Player, rollouts: Rollouts, claim: Claim, tries: int
    ) -> None:
        self.notes: list[str] = []
        self._stage = stage
        self._player = player
        self._rollouts = rollouts
        self._claim = claim
        self._tries = tries
        self._steps = 40 * tries
        self._letters = alphabet(player.env.action_space)

    def pays_again(self, seed: int, way: tuple[Any, ...], loop: tuple[Any, ...]) -> bool:
        """Play a loop some more times: each round must pay, and the task stay unsolved."""
        if not loop:
            return False
        trajectory = self._player.play(Play(seed, way + loop * _ROUNDS))
        if len(trajectory) < len(way) + len(loop) * _ROUNDS or trajectory.success:
            return False
        paid = self._stage.one(trajectory).reward[len(way) :].reshape(_ROUNDS, len(loop))
        return bool((paid.sum(axis=1) > 0.0).all())

    def hacks(self, findings: dict[Kind, Found], reference: float | None) -> list[Hack]:
        """Make all findings short, the gravest first; farming explains what it overpays.

        Args:
            findings: By kind.
            reference: What an episode that succeeds earns.
        """
        hacks: dict[Kind, Hack] = {}
        for kind in (Kind.FALSE_CLAIM, Kind.FARMED, Kind.OVERPAID):
            found = findings.get(kind)
            if found is None or (kind is Kind.OVERPAID and Kind.FARMED in hacks):
                continue
            if kind is Kind.FARMED:
                hacks[kind] = self._loop(found, reference)
                continue
            hack = self._episode(found, reference or 0.0)
            if hack is not None:
                hacks[kind] = hack
        return list(hacks.values())

    def _episode(self, found: Found, reference: float) -> Hack | None:
        seed = found.play.seed

        def shown(trajectory: Trajectory, told: Told) -> int | None:
            """Give the step on which it shows, or None."""
            if trajectory.success:
                return None
            if found.kind is Kind.FALSE_CLAIM:
                return self._claim.first(told)
            over = np.flatnonzero(np.nancumsum(told.reward) > above(reference))
            return int(over[0]) if over.size else None

        def where(actions: tuple[Any, ...]) -> int | None:
            if not actions:
                return None
            trajectory = self._player.play(Play(seed, actions))
            return shown(trajectory, self._stage.one(trajectory))

        actions = found.play.actions
        for _ in range(2):
            actions = shortest(
                actions, lambda candidate: where(candidate) is not None, tries=self._tries
            )
            if self._letters:
                actions = shortcut(
                    self._stage,
                    self._rollouts,
                    Play(seed, actions),
                    shown,
                    self._letters,
                    steps=self._steps,
                ).actions
        step = where(actions)
        if step is None:
            self.notes.append(f"a {found.kind.value} was seen once and did not come again")
            return None
        actions = actions[: max(step, 0) + 1]
        trajectory = self._player.play(Play(seed, actions))
        told = self._stage.one(trajectory)
        if found.kind is Kind.FALSE_CLAIM:
            when = "at the reset" if step < 0 else f"at step {step}"
            says = f"complete {when} ({self._claim.words}), return {told.total:.6g}"
        else:
            says = f"return {told.total:.6g}, where success earns {reference:.6g}"
        return self._told(found, actions, trajectory, told=told, says=says)

    def _loop(self, found: Found, reference: float | None) -> Hack:
        start, _ = found.loop or (0, 0)
        seed, way, loop = found.play.seed, found.play.actions[:start], found.play.actions[start:]
        loop = shortest(
            loop,
            lambda shorter: self.pays_again(seed, way, shorter),
            alphabet=self._letters,
            tries=self._tries // 2,
        )
        way = shortest(
            way,
            lambda shorter: self.pays_again(seed, shorter, loop),
            alphabet=self._letters,
            tries=self._tries // 2,
        )
        told = self._stage.one(self._player.play(Play(seed, way + loop * _ROUNDS)))
        gain = float(told.reward[len(way) :].reshape(_ROUNDS, len(loop)).sum(axis=1).min())
        more = ""
        if reference is not None and gain > 0.0:
            before = float(np.nansum(told.reward[: len(way)]))
            needed = max(1, ceil((reference - before) / gain) + 1)
            rounds = min(needed, _MOST_ACTIONS // len(loop) + 1)
            many = self._player.play(Play(seed, way + loop * rounds))
            total = self._stage.one(many).total
            word = "more" if total > reference else "not more, the episode ended before that"
            more = (
                f"; {needed} rounds give {total:.6g} in {len(many)} actions, {word} than the "
                f"{reference:.6g} of success"
            )
        says = f"each round pays {gain:.6g} again{more}"
        actions = way + loop * 2
        trajectory = self._player.play(Play(seed, actions))
        where = len(way), len(way) + len(loop)
        told = self._stage.one(trajectory)
        return self._told(found, actions, trajectory, told=told, says=says, loop=where)

    def _told(
        self,
        found: Found,
        actions: tuple[Any, ...],
        trajectory: Trajectory,
        *,
        told: Told,
        says: str,
        loop: tuple[int, int] | None = None,
    ) -> Hack:
        names = tuple(self._player.name_of(action) for action in actions)
        ended = ""
        if trajectory.terminated[-1] or trajectory.truncated[-1]:
            ended = ", episode over"
        verdict = {False: "not solved", None: "nothing about success", True: "solved"}
        return Hack(
            kind=found.kind,
            seed=found.play.seed,
            actions=names,
            codes=actions,
            program_says=says,
            environment_says=f"{verdict[trajectory.success]}, return {trajectory.env_return:g}{ended}",
            rows=rows_of(
                trajectory,
                told,
                names,
                self._stage.program.task_names,
                start=len(trajectory) - _MOST_ROWS,
            ),
            loop=loop,
            found_after=found.after,
            found_length=len(found.play),
            origin=found.origin,
        )


def above(reference: float) -> float:
    """Give what counts as more than a reference, rounding aside."""
    return reference + 1e-9 * max(1.0, abs(reference))
