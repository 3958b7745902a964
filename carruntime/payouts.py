"""How a program pays over time: bonuses without a latch, floods of reward, loops that pay.

These are the ways in which an agent earns without getting on. The checks look at every set of
episodes, random play above all, because that is where a program is paid for staying alive.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from carruntime.evidence import (
    Judged,
    place_of_component,
    place_of_task,
    values_of,
    witness,
)
from carruntime.truth import is_event
from carruntime.verdict import Diagnosis, Weight

if TYPE_CHECKING:
    from carruntime.replay import Episode, Replay
    from carruntime.trajectory import Trajectory

__all__ = ["payouts"]

_ENOUGH = 5
"""Steps after the first payment from which on repetition means something."""
_EQUAL = 1e-12


def payouts(judged: Judged) -> list[Diagnosis]:
    """Go through the checks on payments; none of them concerns sub-tasks, which are latched."""
    found = _first_transition(judged)
    if judged.program.form == "tasks":
        return found
    return [*found, *_without_latch(judged), *_flood(judged), *_cycles(judged)]


def _episodes(judged: Judged) -> Iterator[tuple[str, Replay, int, Episode]]:
    """Random play first: its episodes are long, and nobody achieves anything in most of them."""
    for name, seen in (("random", judged.on_random), *judged.levels, ("expert", judged.on_expert)):
        for index, episode in enumerate(seen.episodes):
            yield name, seen, index, episode


def _column(episode: Episode, name: str) -> NDArray[np.float64]:
    values = episode.reward if name == "reward" else episode.components[name]
    return np.nan_to_num(values, nan=0.0)


def _names(judged: Judged) -> tuple[str, ...]:
    return judged.program.component_names or ("reward",)


def _without_latch(judged: Judged) -> list[Diagnosis]:
    out = []
    for name in _names(judged):
        fired = repeated = 0
        worst: tuple[int, str, Replay, int, int, float] | None = None
        for policy, seen, index, episode in _episodes(judged):
            values = _column(episode, name)
            first = int((values > 0.0).argmax())
            rest = values[first + 1 :]
            if values[first] <= 0.0 or first == 0 or len(rest) < _ENOUGH:
                continue
            fired += 1
            again = int((np.abs(rest - values[first]) <= _EQUAL).sum())
            if again < max(_ENOUGH, 0.5 * len(rest)):
                continue
            repeated += 1
            if worst is None or again > worst[0]:
                worst = (again, policy, seen, index, first, float(values[first]))
        if worst is None or repeated < max(3, 0.1 * fired):
            continue
        again, policy, seen, index, first, value = worst
        what = "the reward" if name == "reward" else f"component {name}"
        out.append(
            Diagnosis(
                "CAR221",
                Weight.WARNS,
                f"{what} is paid again and again once it has fired: in {repeated} of {fired} "
                f"episodes on most steps that follow, up to {again} times {value:.4g} in one",
                "remember in self that it was paid, and clear that in reset; or compare obs with "
                "next_obs, so that only the change is paid",
                place_of_component(judged.program.source, name),
                witness(seen, index, first + 1, policy),
            )
        )
    return out


def _flood(judged: Judged) -> list[Diagnosis]:
    """Compare what random play is paid for repetition with what an expert is paid in all."""
    totals = [episode.total for episode in judged.on_expert.episodes]
    median = float(np.median(totals))
    best: tuple[float, int] | None = None
    flooded = 0
    for index, episode in enumerate(judged.on_random.episodes):
        values = np.nan_to_num(episode.reward, nan=0.0)
        paid = values[values > 0.0]
        _, counts = np.unique(paid, return_counts=True)
        repeated = counts.max(initial=0) / max(1, len(values))
        if paid.size >= _ENOUGH and repeated > 0.25 and episode.total >= median > 0.0:
            flooded += 1
            if best is None or episode.total > best[0]:
                best = (episode.total, index)
    if best is None:
        return []
    index = best[1]
    values = judged.on_random.episodes[index].reward
    return [
        Diagnosis(
            "CAR222",
            Weight.WARNS,
            f"{flooded} of {len(judged.on_random.episodes)} random episodes earn at least what half "
            f"of the expert's do ({median:.4g}), by small payments that repeat: one earned "
            f"{best[0]:.4g} on {int((values > 0.0).sum())} of its {len(values)} steps",
            "pay for an event once, or scale what is paid on every step so that a whole episode of "
            "it is worth less than the event",
            None,
            witness(judged.on_random, index, int(np.flatnonzero(values > 0.0)[-1]), "random"),
        )
    ]


def _cycles(judged: Judged) -> list[Diagnosis]:
    """Look for ways back to a state already seen that earned something on the round.

    A program that remembers may pay a milestone on such a round once, which is no loop; so it must
    pay twice between visits of the same state of one episode.
    """
    remembers = judged.program.stateful or bool(
        {"t", "initial_obs", "initial_frame"} & set(judged.program.plan.schema.read())
    )
    looping = 0
    worst: tuple[float, str, Replay, int, int, int] | None = None
    total = 0
    for policy, seen, index, episode in _episodes(judged):
        total += 1
        found = _best_round(episode, needed=2 if remembers else 1)
        if found is None:
            continue
        looping += 1
        gain, start, stop = found
        if worst is None or gain / (stop - start) > worst[0] / (worst[5] - worst[4]):
            worst = (gain, policy, seen, index, start, stop)
    if worst is None:
        return []
    gain, policy, seen, index, start, stop = worst
    return [
        Diagnosis(
            "CAR223",
            Weight.WARNS,
            f"going in a circle pays: in {looping} of {total} episodes the state comes back to what it "
            f"was with more reward than before; the best round takes {stop - start} steps, from step "
            f"{start} to {stop}, and earns {gain:.4g}",
            "pay for change in a way that takes back what it gave: discount * potential(next_obs) - "
            "potential(obs), or pay once per episode",
            None,
            witness(seen, index, stop - 1, policy),
        )
    ]


def _best_round(episode: Episode, needed: int) -> tuple[float, int, int] | None:
    keys = _keys(episode.trajectory)
    earned = np.concatenate([[0.0], np.cumsum(np.nan_to_num(episode.reward, nan=0.0))])
    last: dict[bytes, int] = {}
    rounds: dict[bytes, int] = {}
    best: tuple[float, int, int] | None = None
    for t, key in enumerate(keys):
        before = last.get(key)
        last[key] = t
        # A round of one step is standing still, which CAR214 tells.
        if before is None or t - before < 2:
            continue
        gain = float(earned[t] - earned[before])
        if gain <= 1e-9:
            continue
        rounds[key] = rounds.get(key, 0) + 1
        # What counts is what a round pays for each step of it: that is what an agent would repeat.
        if rounds[key] >= needed and (best is None or gain / (t - before) > _pace(best)):
            best = (gain, before, t)
    return best


def _pace(found: tuple[float, int, int]) -> float:
    gain, start, stop = found
    return gain / (stop - start)


def _keys(item: Trajectory) -> list[bytes]:
    """Give what tells one state from another: the simulator's state, else the observation."""
    if item.states:
        columns = [item.states[name] for name in sorted(item.states)]
        return [
            b"".join(np.ascontiguousarray(col[t]).data for col in columns)
            for t in range(len(item) + 1)
        ]
    return [_bytes(item.observations, t) for t in range(len(item) + 1)]


def _bytes(tree: Any, t: int) -> bytes:
    if isinstance(tree, dict):
        return b"".join(_bytes(value, t) for value in tree.values())
    if isinstance(tree, tuple) and not (tree and isinstance(tree[0], str)):
        return b"".join(_bytes(value, t) for value in tree)
    found = tree[t]
    return found.encode() if isinstance(found, str) else np.asarray(found).tobytes()


def _first_transition(judged: Judged) -> list[Diagnosis]:
    """Look for events that come with the first action, whatever it is."""
    both = (*judged.on_expert.episodes, *judged.on_random.episodes)
    split = len(judged.on_expert.episodes)
    found: list[tuple[str, NDArray[np.bool_]]] = []
    for index, name in enumerate(judged.program.task_names):
        at_once = np.array([e.completed[0, index] and not e.at_reset[index] for e in both])
        found.append((name, at_once))
    for name in judged.program.component_names:
        values = np.concatenate(
            [values_of(name, judged.on_expert), values_of(name, judged.on_random)]
        )
        if is_event(values):
            found.append((name, np.array([e.components[name][0] > 0.0 for e in both])))
    out = []
    for name, at_once in found:
        if at_once.mean() < 0.9:
            continue
        first = int(at_once.argmax())
        expert = first < split
        place = place_of_task if name in judged.program.task_names else place_of_component
        seen = judged.on_expert if expert else judged.on_random
        out.append(
            Diagnosis(
                "CAR224",
                Weight.WARNS,
                f"{name} comes with the first action in {int(at_once.sum())} of {len(both)} episodes, "
                "whatever the action is",
                "what is so from the start is no achievement: compare with initial_obs, or look at "
                "what the condition takes for the event",
                place(judged.program.source, name),
                witness(
                    seen, first if expert else first - split, 0, "expert" if expert else "random"
                ),
            )
        )
    return out
