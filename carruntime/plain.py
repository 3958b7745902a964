"""The same program by plain ``exec``, one call per observation: what others do, to compare with.

Eureka, Text2Reward and the code of the paper run generated text this way: in the training process,
with everything Python can do. It is here as a yardstick for speed and as a second opinion on
values, so it takes a program only from a caller who says that its text is trusted.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from carruntime.errors import OptionError
from carruntime.frame_columns import FRAME_SLOTS
from sandbox.schema import DictSpec, Spec, TupleSpec

if TYPE_CHECKING:
    from carruntime.reward import RewardProgram
    from sandbox.plan import Call, Param

__all__ = ["PlainReward", "Row", "split"]

Row = dict[str, Any]
"""Slot name to the sample of one environment."""

_AT_RESET = frozenset({"next_obs", "initial_obs", "frame", "initial_frame"})


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
        self._pictures = _Pictures(self._names)
        self._tasks = [(self._task(k, call), call.params) for k, call in enumerate(plan.tasks)]
        self._early = [all(p.slot in _AT_RESET for p in call.params) for call in plan.tasks]
        self._reward = self._paying(plan.reward)
        self._class_name = plan.class_name
        self._step_call = plan.step
        self._begin_calls = [call for call in (plan.reset, plan.first) if call is not None]
        self._guests: list[Any] = [None] * num_envs
        self._first: list[Any] = [None] * num_envs
        self._last: list[Any] = [None] * num_envs
        self._done: list[list[bool]] = [[False] * len(self._tasks) for _ in range(num_envs)]

    def reset(self, env: int, observation: Any, frame: NDArray[np.uint8] | None = None) -> None:
        """Begin an episode of one environment with its first observation and frame (RGB)."""
        row: Row = {"initial_obs": observation, "next_obs": observation}
        row.update(frame=frame, initial_frame=frame, prev_frame=frame)
        self._first[env] = self._last[env] = frame
        if self._class_name is not None:
            guest = self._names[self._class_name]()
            for call in self._begin_calls:
                getattr(guest, call.function)(*self._values(call.params, row))
            self._guests[env] = guest
        self._done[env] = [
            early and bool(function(*self._values(params, row)))
            for (function, params), early in zip(self._tasks, self._early, strict=True)
        ]

    def step(self, env: int, row: Row) -> float:
        """Give the reward of one transition of one environment; ``row["frame"]`` is its frame."""
        newly = 0
        if "frame" in row:
            row = {**row, "initial_frame": self._first[env], "prev_frame": self._last[env]}
            self._last[env] = row["frame"]
        done = self._done[env]
        for index, (function, params) in enumerate(self._tasks):
            if bool(function(*self._values(params, row))) and not done[index]:
                done[index] = True
                newly += 1
        if self._step_call is not None:
            guest = self._guests[env]
            result = getattr(guest, self._step_call.function)(
                *self._values(self._step_call.params, row)
            )
        elif self._reward is not None:
            function, params = self._reward
            result = function(*self._values(params, row))
        else:
            return newly / len(self._tasks)
        if isinstance(result, tuple):
            result = result[0]
        elif isinstance(result, Mapping):
            result = result["total"] if "total" in result else result["reward"]
        return float(result)

    def _values(self, params: Sequence[Param], row: Row) -> list[Any]:
        out = []
        for param in params:
            value = row[param.slot]
            for part in param.path:
                value = value[part]
            if param.slot in FRAME_SLOTS:
                if param.view == "token":
                    value = self._pictures.path(value)
                elif param.view == "bgr":
                    value = np.ascontiguousarray(value[:, :, ::-1])
                else:
                    value = value.copy()
            out.append(value)
        return out

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


class _Pictures:
    """Answers `cv2.imread` of a program from memory; the module itself is left as it is."""

    def __init__(self, names: dict[str, Any]) -> None:
        self._frames: dict[str, NDArray[np.uint8]] = {}
        for name, value in list(names.items()):
            if isinstance(value, ModuleType) and value.__name__ == "cv2":
                copied = ModuleType("cv2")
                copied.__dict__.update(vars(value))
                copied.imread = self._read  # type: ignore[attr-defined]
                names[name] = copied

    def path(self, frame: NDArray[np.uint8]) -> str:
        """Give a path that stands for a frame for as long as the program may keep it."""
        name = f"{len(self._frames)}.png"
        self._frames[name] = frame.copy()
        return name

    def _read(self, path: Any, _flags: int = 1) -> Any:
        frame = self._frames.get(path)
        return None if frame is None else np.ascontiguousarray(frame[:, :, ::-1])
