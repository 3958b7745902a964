"""Memory that environments write their observations into, so that nobody has to copy them.

A program that runs compiled reads its inputs where they are, if they are in memory that its worker
shares: two sets of arrays in the layout of the vector environment's observations. There are two,
because a transition has two observations, and because the environments may write the next one
while the program still looks at the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from carruntime.errors import OptionError
from sandbox.schema import DictSpec, Schema, Spec, TupleSpec

if TYPE_CHECKING:
    from carruntime.session import RewardSession

__all__ = ["ObservationBuffers", "arrays_of", "columns_of", "write_into"]

_SLOTS = ("obs", "next_obs")


class ObservationBuffers:
    """Two sets of arrays in the layout of a vector environment's observations.

    ``buffers[0]`` and ``buffers[1]`` are dicts, tuples or arrays, as the space is; each array is
    ``[N, ...]`` with the dtype of its space. A text is not held in an array: in its place is a
    tuple of N empty texts, to be replaced by what the environments say. They stay valid for as
    long as somebody holds them, but are shared with the worker only until the session is closed.
    """

    def __init__(
        self, spec: Spec, num_envs: int, sets: tuple[Mapping[str, Any], Mapping[str, Any]]
    ) -> None:
        self._sets = tuple(_tree(spec, one, "", num_envs) for one in sets)
        self._next = 0

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        return self._sets[range(2)[index]]

    def turn(self) -> Any:
        """Give the set that was not given last: where the next observations go."""
        found = self._sets[self._next]
        self._next = 1 - self._next
        return found


def arrays_of(spec: Spec, num_envs: int) -> list[tuple[str, str, tuple[int, ...]]]:
    """Give name, dtype and shape of every array of a set."""
    return [
        (_name(column.path), column.spec.dtype, (num_envs, *column.spec.shape))
        for column in Schema((("obs", spec),)).columns()
        if column.spec.kind != "text"
    ]


def columns_of(read: Mapping[str, Spec]) -> dict[str, str]:
    """Give the array that may stand in for each column of an observation that a program reads."""
    return {
        column.name: _name(column.path)
        for slot in _SLOTS
        if slot in read
        for column in Schema(((slot, read[slot]),)).columns()
        if column.spec.kind != "text"
    }


def _name(path: tuple[str | int, ...]) -> str:
    return "/".join(f"{len(str(part))}:{part}" for part in path) or "."


def _tree(spec: Spec, arrays: Mapping[str, NDArray[Any]], name: str, num_envs: int) -> Any:
    def child(part: str | int, inner: Spec) -> Any:
        own = f"{len(str(part))}:{part}"
        return _tree(inner, arrays, f"{name}/{own}" if name else own, num_envs)

    if isinstance(spec, DictSpec):
        return {key: child(key, inner) for key, inner in spec.fields}
    if isinstance(spec, TupleSpec):
        return tuple(child(place, inner) for place, inner in enumerate(spec.items))
    if spec.kind == "text":
        return ("",) * num_envs
    return arrays[name or "."]


def write_into(envs: Any, session: RewardSession) -> None:
    """Let a vector environment write its next observations into the session's memory.

    Call it before each ``envs.reset`` and ``envs.step``. The environment then returns these very
    arrays, which the session takes without a copy, and the observations before them stay as they
    are until the next but one call.

    Args:
        envs: A ``gymnasium.vector.SyncVectorEnv`` made with ``copy=False``, wrapped or not.
        session: Whose memory.

    Raises:
        OptionError: If the environment is of another kind, copies, or does not fit the session:
            another number of environments, or another observation space. Nothing has changed then.
    """
    _must_fit(envs, session)
    base = envs.unwrapped
    if getattr(base, "copy", None) is not False or not hasattr(base, "_observations"):
        raise OptionError(
            f"write_into: {type(base).__name__} writes its observations into arrays of its own; "
            "want a gymnasium.vector.SyncVectorEnv made with copy=False, or write into "
            "session.buffers yourself"
        )
    # The one place where the observations of this class are kept; it has no public name.
    base._observations = session.buffers.turn()  # noqa: SLF001


def _must_fit(envs: Any, session: RewardSession) -> None:
    """Refuse environments whose observations would not fill the arrays, or not fit into them."""
    num_envs = getattr(envs, "num_envs", None)
    if num_envs is None:
        raise OptionError(
            f"write_into: {type(envs).__name__} is no vector environment; want a "
            "gymnasium.vector.SyncVectorEnv made with copy=False"
        )
    if num_envs != session.num_envs:
        raise OptionError(
            f"write_into: {type(envs).__name__} has num_envs={num_envs}, the session "
            f"num_envs={session.num_envs}; rows would be missing or left over: start the session "
            "with as many environments"
        )
    program = session.program
    # The space below all wrappers: it is that one whose observations are written.
    # Here, because a check of a text needs neither environments nor the library of them.
    from carruntime.spaces import mismatches, spaces_of, spec_of

    observation, _ = spaces_of(envs.unwrapped)
    have = spec_of(
        observation, text_bytes=program.limits.text_bytes, path="single_observation_space"
    )
    want = program.inputs.observation
    path = "single_observation_space"
    # Both ways round, because the whole tree is written and not only what the program reads.
    problems = mismatches(want, have, path) or mismatches(have, want, path)
    if problems:
        raise OptionError(
            f"write_into: {program.filename} was loaded for another observation space than "
            f"{type(envs.unwrapped).__name__} has: {'; '.join(problems)}; load it again with this "
            "environment"
        )
