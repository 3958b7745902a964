"""The same program by plain ``exec``, one call per observation: what others do, to compare with.

Eureka, Text2Reward and the code of the paper run generated text this way: in the training process,
with everything Python can do. It is here as a yardstick for speed and as a second opinion on
values, so it takes a program only from a caller who says that its text is trusted.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from carruntime.errors import OptionError
from sandbox.schema import DictSpec, Spec, TupleSpec

if TYPE_CHECKING:
    from carruntime.reward import RewardProgram
    from sandbox.plan import Call, Param

__all__ = ["PlainReward", "Row", "split"]

Row = dict[str, Any]
"""Slot name to the sample of one environment."""

_AT_RESET = frozenset({"next_obs", "initial_obs"})


class PlainReward:
    """Runs a trusted program without checks, limits or batches.

    Args:
        program: Says what the parameters are bound to; its worker is not used.
        num_envs: How many environments have an episode each.
        trust: Must be true: the text runs in this process, with all of its rights.
    """

    def __init__(self, program: RewardProgram, num_envs: int, *, trust: bool) -> None:
        if not trust:
            raise OptionError(
                f"PlainReward: {program.report.filename} would run in this process without any "
                "protection; pass trust=True only for text you would run as your own"
            )
        plan = program.plan
        # Data classes look for the module of their name.
        self._names: dict[str, Any] = {"__name__": __name__, "__builtins__": builtins}
        exec(compile(program.source, program.report.filename, "exec"), self._names)  # noqa: S102
        self._tasks = [(self._task(k, call), call.params) for k, call in enumerate(plan.tasks)]
        self._early = [all(p.slot in _AT_RESET for p in call.params) for call in plan.tasks]
        self._reward = self._paying(plan.reward)
        self._class_name = plan.class_name
        self._step_call, self._reset_call = plan.step, plan.reset
        self._guests: list[Any] = [None] * num_envs
        self._done: list[list[bool]] = [[False] * len(self._tasks) for _ in range(num_envs)]

    def reset(self, env: int, observation: Any) -> None:
        """Begin an episode of one environment with its first observation."""
        row: Row = {"initial_obs": observation, "next_obs": observation}
        if self._class_name is not None:
            guest = self._names[self._class_name]()
            if self._reset_call is not None:
                getattr(guest, self._reset_call.function)(*_arguments(self._reset_call, row))
            self._guests[env] = guest
        self._done[env] = [
            early and bool(function(*_values(params, row)))
            for (function, params), early in zip(self._tasks, self._early, strict=True)
        ]

    def step(self, env: int, row: Row) -> float:
        """Give the reward of one transition of one environment."""
        newly = 0
        done = self._done[env]
        for index, (function, params) in enumerate(self._tasks):
            if bool(function(*_values(params, row))) and not done[index]:
                done[index] = True
                newly += 1
        if self._step_call is not None:
            guest = self._guests[env]
            result = getattr(guest, self._step_call.function)(*_arguments(self._step_call, row))
        elif self._reward is not None:
            function, params = self._reward
            result = function(*_values(params, row))
        else:
            return newly / len(self._tasks)
        if isinstance(result, tuple):
            result = result[0]
        elif isinstance(result, Mapping):
            result = result["total"] if "total" in result else result["reward"]
        return float(result)

    def _task(self, k: int, call: Call) -> Callable[..., Any]:
        """Give a predicate; one without a name in the source is taken from ``TASKS`` itself."""
        if call.function in self._names:
            return self._names[call.function]  # type: ignore[no-any-return]
        tasks = self._names["TASKS"]
        entry = list(tasks.values() if isinstance(tasks, dict) else tasks)[k]
        words = [param.name for param in call.params]
        return lambda *values: entry(**dict(zip(words, values, strict=True)))

    def _paying(self, call: Call | None) -> tuple[Callable[..., Any], tuple[Param, ...]] | None:
        return None if call is None else (self._names[call.function], call.params)


def split(spec: Spec, batch: Any, num_envs: int) -> list[Any]:
    """Take a batch in the layout of Gymnasium's vector environments apart, into N samples."""
    if isinstance(spec, DictSpec):
        parts = {key: split(child, batch[key], num_envs) for key, child in spec.fields}
        return [{key: part[i] for key, part in parts.items()} for i in range(num_envs)]
    if isinstance(spec, TupleSpec):
        columns = [
            split(child, part, num_envs) for child, part in zip(spec.items, batch, strict=True)
        ]
        return [tuple(column[i] for column in columns) for i in range(num_envs)]
    if spec.kind == "text":
        return [str(value) for value in batch]
    values: NDArray[Any] = np.asarray(batch)
    return values.tolist() if spec.kind in {"int", "bool"} else list(values)


def _arguments(call: Call, row: Row) -> list[Any]:
    return _values(call.params, row)


def _values(params: Sequence[Param], row: Row) -> list[Any]:
    out = []
    for param in params:
        value = row[param.slot]
        for part in param.path:
            value = value[part]
        out.append(value)
    return out
