"""What a program claims, held against what the simulator says.

A sub-task (or a component that is paid for an event) makes a claim: now it has happened. The
environment's facts (`carruntime.facts`) tell when it truly happened. Which fact a claim is about is said
by the caller (``truth={"task_1": "key_held"}``) or seen from the expert: where a claim comes on the very
transition on which a fact first holds, in at least ``MATCH`` of the expert's episodes, it is about that
fact. From then on the two must agree on all other episodes too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from carruntime.errors import OptionError
from carruntime.intervals import Share

if TYPE_CHECKING:
    from carruntime.replay import Episode, Replay
    from carruntime.reward import RewardProgram

__all__ = ["COMPLETE", "MATCH", "SUCCESS", "Claim", "TruthRow", "claims_of", "compare", "match"]

COMPLETE = "complete"
"""Name of the claim that the whole task is done, by the rule that decides."""
SUCCESS = "success"
"""Name of the fact that the environment has called the episode solved, on its last transition."""
MATCH = 0.9
_NEVER = 1 << 40
_EARLIEST = -1


@dataclass(frozen=True, slots=True)
class Claim:
    """Something a program says at some time of an episode.

    Attributes:
        name: The sub-task, the component, or ``COMPLETE``.
        is_task: Whether it is a sub-task, or completion as a whole.
    """

    name: str
    is_task: bool


@dataclass(frozen=True, slots=True)
class TruthRow:
    """One claim against one fact over one set of episodes.

    Attributes:
        claim: Sub-task, component or ``complete``.
        fact: Name of the fact.
        stated: Whether the caller said that they belong together.
        policy: The set.
        claimed: Episodes in which it was claimed.
        true: Episodes in which it was so.
        false_claims: Of those in which it was claimed, how many in which it was not so by then.
        missed: Of those in which it was so, how many in which it was never claimed.
        late: Episodes in which it was claimed later than it was so.
        false_at: Trajectory and transition of the first false claim, or None.
        missed_at: Trajectory and transition of the first miss, or None.
    """

    claim: str
    fact: str
    stated: bool
    policy: str
    claimed: Share
    true: Share
    false_claims: Share
    missed: Share
    late: int
    false_at: tuple[int, int] | None
    missed_at: tuple[int, int] | None


def claims_of(program: RewardProgram, episodes: Sequence[Episode]) -> list[Claim]:
    """Give the claims a program makes: its sub-tasks, or components that are paid for events."""
    if program.task_names:
        return [Claim(name, is_task=True) for name in program.task_names]
    return [
        Claim(name, is_task=False)
        for name in program.component_names
        if is_event(np.concatenate([episode.components[name] for episode in episodes]))
    ]


def is_event(values: NDArray[np.float64]) -> bool:
    """Tell a component that is paid for events from one that measures something.

    An event pays one amount, and nothing where it has not happened.
    """
    different = np.unique(values[np.isfinite(values)])
    return len(different) == 2 and float(different[0]) == 0.0 < float(different[1])


def match(
    program: RewardProgram,
    claims: Sequence[Claim],
    expert: Sequence[Episode],
    stated: Mapping[str, str] | None,
) -> dict[Claim, tuple[str, bool]]:
    """Find which fact each claim is about.

    Returns:
        Claim to the name of its fact, and whether the caller said so.

    Raises:
        OptionError: If ``stated`` names a claim or a fact that there is not.
    """
    facts = sorted({name for episode in expert for name in episode.trajectory.facts})
    known = {claim.name: claim for claim in claims}
    known[COMPLETE] = Claim(COMPLETE, is_task=True)
    for name in program.component_names:
        known.setdefault(name, Claim(name, is_task=False))
    out: dict[Claim, tuple[str, bool]] = {}
    for name, fact in (stated or {}).items():
        if name not in known:
            raise OptionError(
                f"verify: truth names {name!r}, which the program does not claim; it claims: "
                f"{', '.join(known)}"
            )
        if fact not in (*facts, SUCCESS):
            raise OptionError(
                f"verify: truth names the fact {fact!r}, which the expert trajectories do not have; "
                f"they have: {', '.join((*facts, SUCCESS))}"
            )
        out[known[name]] = (fact, True)
    solved = [episode for episode in expert if episode.trajectory.success is not False]
    if not solved:
        return out
    for claim in claims:
        if claim in out:
            continue
        shares = {
            fact: float(np.mean([_agree(program, claim, fact, episode) for episode in solved]))
            for fact in facts
        }
        best = max(shares, key=lambda name: shares[name], default=None)
        if best is not None and shares[best] >= MATCH:
            out[claim] = (best, False)
    return out


def compare(
    program: RewardProgram,
    claim: Claim,
    fact: str,
    *,
    stated: bool,
    policy: str,
    seen: Replay,
    complete: Sequence[bool],
    confidence: float,
) -> TruthRow | None:
    """Hold a claim against a fact over a set; None where the set does not have the fact."""
    claimed = true = false = missed = late = 0
    false_at: tuple[int, int] | None = None
    missed_at: tuple[int, int] | None = None
    episodes = 0
    for index, episode in enumerate(seen.episodes):
        when_true = _first_fact(fact, episode)
        if when_true is None:
            continue
        episodes += 1
        if claim.name == COMPLETE:
            # Completion is a matter of the whole episode, so only whether counts, not when.
            said = _EARLIEST if complete[index] else _NEVER
            when_true = _EARLIEST if when_true < _NEVER else _NEVER
        else:
            said = _first_claim(program, claim, episode)
        claimed += said < _NEVER
        true += when_true < _NEVER
        if said < when_true and said < _NEVER:
            false += 1
            step = len(episode.outcome) - 1 if claim.name == COMPLETE else said
            false_at = false_at or (index, step)
        if when_true < _NEVER and said == _NEVER:
            missed += 1
            missed_at = missed_at or (index, max(when_true, 0))
        late += when_true < said < _NEVER
    if not episodes:
        return None
    return TruthRow(
        claim=claim.name,
        fact=fact,
        stated=stated,
        policy=policy,
        claimed=Share.of(claimed, episodes, confidence),
        true=Share.of(true, episodes, confidence),
        false_claims=Share.of(false, claimed, confidence),
        missed=Share.of(missed, true, confidence),
        late=late,
        false_at=false_at,
        missed_at=missed_at,
    )


def _agree(program: RewardProgram, claim: Claim, fact: str, episode: Episode) -> bool:
    when = _first_fact(fact, episode)
    return when is not None and when < _NEVER and when == _first_claim(program, claim, episode)


def _first_claim(program: RewardProgram, claim: Claim, episode: Episode) -> int:
    """Give the transition of the first claim; ``_EARLIEST`` at the reset, ``_NEVER`` for none."""
    if claim.is_task:
        index = program.task_names.index(claim.name)
        if episode.at_reset[index]:
            return _EARLIEST
        return _first(episode.completed[:, index])
    return _first(np.asarray(episode.components[claim.name] > 0.0))


def _first_fact(fact: str, episode: Episode) -> int | None:
    """Give the transition that made a fact true; ``_EARLIEST`` if the reset did; None if unknown."""
    item = episode.trajectory
    if fact == SUCCESS:
        if item.success is None:
            return None
        return len(item) - 1 if item.success else _NEVER
    if fact not in item.facts:
        return None
    found = _first(item.facts[fact])
    return found if found == _NEVER else found - 1


def _first(held: NDArray[np.bool_]) -> int:
    return int(held.argmax()) if held.any() else _NEVER
