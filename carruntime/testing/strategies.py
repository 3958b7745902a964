"""Hypothesis strategies for what a reward program is given.

Two sources. *Observations of a space* are whatever the space allows: zeros, its bounds, the
numbers and words of the program itself with their neighbours, small changes from one observation
to the next. *Plays* are a seed and a list of actions for the real environment, so a counterexample
shrinks to the shortest list from a small seed.

The host never parses the text of a program (see docs/security.md), so its constants are found by
looking for what reads like a number or a word in quotes.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, Final

import numpy as np
from gymnasium import spaces as gs
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from carruntime.errors import SpaceError
from carruntime.playing import Play
from carruntime.trajectory import Trajectory, stack

__all__ = [
    "Constants",
    "actions",
    "constants_of",
    "following",
    "invented_episodes",
    "observations",
    "plays",
    "transitions",
]

_NUMBER: Final = re.compile(r"(?<![\w.])(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_WORD: Final = re.compile(r"""["']([^"'\n\\]{1,64})["']""")
_MOST: Final = 64
_OPEN: Final = 1e6
"""Where a Box has no bound, values beyond this are left to the edges."""


@dataclass(frozen=True, slots=True)
class Constants:
    """Numbers and words of a program."""

    numbers: tuple[float, ...] = ()
    words: tuple[str, ...] = ()


def constants_of(source: str) -> Constants:
    """Find what reads like a number or a quoted word in a text, without parsing it.

    Args:
        source: The program.

    Returns:
        At most 64 of each, in the order in which they stand there.
    """
    numbers: dict[float, None] = {}
    for found in _NUMBER.finditer(source):
        value = float(found.group())
        if isfinite(value):
            numbers[value] = None
        if len(numbers) >= _MOST:
            break
    words = dict.fromkeys(found.group(1) for found in _WORD.finditer(source))
    return Constants(tuple(numbers), tuple(list(words)[:_MOST]))


def observations(space: Any, constants: Constants | None = None) -> st.SearchStrategy[Any]:
    """Draw values of a space, structured and at its edges.

    Args:
        space: Box, Discrete, MultiDiscrete, MultiBinary, a space of ``str``, or Dict and Tuple of
            them, nested.
        constants: Numbers and words that shall come often.

    Raises:
        SpaceError: If a part of the space is of another kind.
    """
    known = constants or Constants()
    if isinstance(space, gs.Dict):
        return st.fixed_dictionaries(
            {key: observations(child, known) for key, child in space.spaces.items()}
        )
    if isinstance(space, gs.Tuple):
        return st.tuples(*(observations(child, known) for child in space.spaces))
    if isinstance(space, gs.Discrete):
        low, high = int(space.start), int(space.start + space.n) - 1
        own = [int(n) for n in known.numbers if n == int(n) and low <= n <= high]
        drawn = st.integers(low, high)
        return (drawn | st.sampled_from(own)) if own else drawn
    if isinstance(space, gs.Box):
        return _box(space.low, space.high, np.dtype(space.dtype), known)
    if isinstance(space, gs.MultiDiscrete):
        dtype = np.dtype(space.dtype)
        start = np.broadcast_to(np.asarray(getattr(space, "start", 0)), space.nvec.shape)
        return _box(start.astype(dtype), (start + space.nvec - 1).astype(dtype), dtype, known)
    if isinstance(space, gs.MultiBinary):
        dtype = np.dtype(space.dtype)
        shape = tuple(space.shape or ())
        return _box(np.zeros(shape, dtype), np.ones(shape, dtype), dtype, known)
    if isinstance(space, gs.Text):
        return _text(space, known)
    if _samples_text(space):
        return st.integers(0, 2**16).map(lambda seed: _sampled(space, seed))
    kinds = "Box, Discrete, MultiDiscrete, MultiBinary, texts, or Dict and Tuple of these"
    raise SpaceError([f"observations: {type(space).__name__} has no strategy; want {kinds}"])


def actions(space: Any) -> st.SearchStrategy[Any]:
    """Draw values of an action space as an environment takes them."""
    return observations(space)


def following(
    space: Any, before: Any, constants: Constants | None = None
) -> st.SearchStrategy[Any]:
    """Draw an observation that may follow another one: often the same, or changed in places."""
    return _after(before, observations(space, constants))


def transitions(
    observation_space: Any, action_space: Any, constants: Constants | None = None
) -> st.SearchStrategy[tuple[Any, Any, Any]]:
    """Draw an observation, an action and the observation after it, of the spaces alone."""
    # Made once: what a space allows takes longer to say than to draw.
    fresh, acting = observations(observation_space, constants), actions(action_space)
    return fresh.flatmap(lambda obs: st.tuples(st.just(obs), acting, _after(obs, fresh)))


def invented_episodes(
    observation_space: Any,
    action_space: Any,
    constants: Constants | None = None,
    *,
    max_steps: int = 6,
) -> st.SearchStrategy[Trajectory]:
    """Draw an episode of whatever the spaces allow; no environment needs ever to show it.

    Its rewards are 0, it has no seed, and nobody knows whether it succeeds.
    """
    fresh, acting = observations(observation_space, constants), actions(action_space)

    @st.composite
    def episodes(draw: st.DrawFn) -> Trajectory:
        length = draw(st.integers(1, max_steps))
        seen = [draw(fresh)]
        for _ in range(length):
            seen.append(draw(_after(seen[-1], fresh)))
        made = [draw(acting) for _ in range(length)]
        ended = np.zeros((2, length), np.bool_)
        ended[:, -1] = draw(st.tuples(st.booleans(), st.booleans()))
        return Trajectory(
            observations=stack(seen),
            actions=stack([np.int64(one) if isinstance(one, int) else one for one in made]),
            rewards=np.zeros(length),
            terminated=ended[0],
            truncated=ended[1],
            policy="drawn from the spaces",
        )

    return episodes()


def plays(
    action_space: Any, *, max_steps: int = 40, max_seed: int = 2**16
) -> st.SearchStrategy[Play]:
    """Draw a seed and a list of actions.

    Lists of Hypothesis are short on average, and an environment shows little in its first five
    steps; so half of them have a least length that is drawn first, and shrinks first.
    """
    acting = actions(action_space)

    @st.composite
    def drawn(draw: st.DrawFn) -> Play:
        seed = draw(st.integers(0, max_seed))
        least = draw(st.just(1) | st.integers(1, max_steps))
        return Play(seed, tuple(draw(st.lists(acting, min_size=least, max_size=max_steps))))

    return drawn()


def _after(before: Any, fresh: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.just(before) | fresh | fresh.flatmap(lambda new: _mixed(before, new))


# Leaves --------------------------------------------------------------------------------------


def _box(
    low: NDArray[Any], high: NDArray[Any], dtype: np.dtype[Any], constants: Constants
) -> st.SearchStrategy[Any]:
    shape = low.shape
    if dtype.kind == "b":
        return hnp.arrays(dtype, shape, elements=st.booleans())
    least = float(low.min()) if low.size else 0.0
    most = float(high.max()) if high.size else 0.0
    own = [n for n in _neighbours(constants.numbers, dtype) if least <= n <= most]
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        first, last = max(int(least), int(info.min)), min(int(most), int(info.max))
        elements: st.SearchStrategy[Any] = st.integers(first, last)
        if last - first > 16:
            # Kinds of objects and counts are small, whatever the dtype allows.
            elements = st.integers(first, first + 12) | elements
        small: list[Any] = sorted({int(n) for n in own if n == int(n) and first <= n <= last})
    else:
        first_f, last_f = max(least, -_OPEN), min(most, _OPEN)
        width = 8 * dtype.itemsize
        bounds = [dtype.type(first_f).item(), dtype.type(last_f).item()]
        if width < 64:
            bounds = _inside(bounds, first_f, last_f, dtype)
        elements = st.floats(bounds[0], bounds[1], width=width, allow_nan=False)  # type: ignore[arg-type]
        edges = [x for x in (0.0, least, most) if isfinite(x) and least <= x <= most]
        small = sorted({dtype.type(n).item() for n in [*own, *edges]})
        small = [n for n in small if isfinite(n)]
    if small:
        elements = st.sampled_from(small) | elements
    drawn = hnp.arrays(dtype, shape, elements=elements, fill=elements)
    # Each element has bounds of its own.
    return drawn.map(lambda value: np.clip(value, low, high).astype(dtype))


def _inside(bounds: list[float], low: float, high: float, dtype: np.dtype[Any]) -> list[float]:
    """Round bounds inwards to numbers of a narrow dtype."""
    first, last = (dtype.type(bound) for bound in bounds)
    if float(first) < low:
        first = np.nextafter(first, dtype.type(inf))
    if float(last) > high:
        last = np.nextafter(last, dtype.type(-inf))
    return [first.item(), last.item()]


def _neighbours(numbers: Sequence[float], dtype: np.dtype[Any]) -> list[float]:
    """Give numbers, their negatives, and what lies just beside them."""
    step = 1.0 if dtype.kind in "iu" else 1e-3
    return [
        sign * number + beside * max(1.0, abs(number) if step < 1.0 else 1.0)
        for number in numbers
        for sign in (1.0, -1.0)
        for beside in (0.0, step, -step)
    ]


def _text(space: gs.Text, constants: Constants) -> st.SearchStrategy[str]:
    alphabet = sorted(space.character_set)
    drawn = st.text(alphabet, min_size=space.min_length, max_size=space.max_length)
    own = [word for word in constants.words if space.contains(word)]
    return (st.sampled_from(own) | drawn) if own else drawn


def _samples_text(space: Any) -> bool:
    try:
        return isinstance(_sampled(space, 0), str)
    except Exception:
        return False


def _sampled(space: Any, seed: int) -> Any:
    # A copy, because sampling would move the space's own random generator.
    own = copy.deepcopy(space)
    own.seed(seed)
    return own.sample()


def _mixed(before: Any, new: Any) -> st.SearchStrategy[Any]:
    """Change some elements of an observation, or some of its parts, to those of another one."""
    if isinstance(before, dict):
        return st.fixed_dictionaries({key: _mixed(before[key], new[key]) for key in before})
    if isinstance(before, tuple):
        return st.tuples(*(_mixed(a, b) for a, b in zip(before, new, strict=True)))
    if not isinstance(before, np.ndarray) or not before.ndim:
        return st.just(before) | st.just(new)
    size = before.size
    if not size:
        return st.just(before)
    places = st.lists(st.integers(0, size - 1), max_size=4, unique=True)

    def changed(where: list[int]) -> NDArray[Any]:
        out = before.copy()
        out.reshape(-1)[where] = new.reshape(-1)[where]
        return out

    return places.map(changed)
