"""One failing row as a file that stands alone: program, spaces, limits, inputs, what happened.

The file is JSON, so that it can be read, mailed and put into a bug report; arrays are base64 of
their bytes. It holds a program that is not trusted, so a replay runs it where every program runs.
For a class with state the row alone says little: a session that records episodes saves the whole
episode up to the row, another one marks the file as incomplete.
"""

from __future__ import annotations

import base64
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from carruntime.binding import Inputs, bind
from carruntime.errors import LoadError, ReproductionError
from carruntime.frame_columns import frame_leaf
from sandbox.diagnostics import Report, Span
from sandbox.limits import Limits
from sandbox.outcome import PENDING, Outcome
from sandbox.schema import ArraySpec, DictSpec, Spec, TupleSpec
from sandbox.tiers.base import NO_FAILURE, Failure

if TYPE_CHECKING:
    import os

    from sandbox.tiers.base import Tier

__all__ = ["RecordedCall", "Replayed", "Reproduction", "load_repro"]

_FORMAT: Final = "carruntime-reproduction"
_VERSION: Final = 1
_FILE_BYTES: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One call of the program on the row: its inputs by column name, without the row axis."""

    call: Literal["reset", "step"]
    inputs: Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay gave.

    Attributes:
        outcome: How the last call ended.
        reward: Its reward; 0.0 where it is not OK.
        failure: Why it ended badly, or None.
        same: Whether outcome, exception class and line are those of the file.
        tier: Which tier ran.
        fuel: Units the last call used.
    """

    outcome: Outcome
    reward: float
    failure: Failure | None
    same: bool
    tier: Tier
    fuel: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """What the file holds.

    Attributes:
        source: Text of the program.
        filename: Its name.
        digest: SHA-256 of its bytes.
        inputs: What its parameters were bound to.
        entry: As given to ``load``.
        bindings: As given to ``load``.
        limits: As given to ``load``.
        tier: Which tier ran.
        row: Index of the environment.
        calls: From the reset of the episode, or only the last of them, to the failing one.
        complete: Whether ``calls`` is all that the program has seen in this episode.
        task: The failing predicate, or None for the paying call.
        outcome: How the row ended.
        failure: Why.
    """

    source: str
    filename: str
    digest: str
    inputs: Inputs
    entry: str | None
    bindings: Mapping[str, str]
    limits: Limits
    tier: Tier
    row: int
    calls: tuple[RecordedCall, ...]
    complete: bool
    task: str | None = None
    outcome: Outcome = Outcome.OK
    failure: Failure = field(default_factory=lambda: Failure("", "", "", None))

    def expecting(self, task: str | None, outcome: Outcome, failure: Failure) -> Reproduction:
        """Give a copy that says what happened."""
        return replace(self, task=task, outcome=outcome, failure=failure)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file."""
        Path(path).write_text(json.dumps(self._to_json(), indent=1) + "\n", encoding="utf-8")

    def replay(
        self,
        *,
        isolation: Literal["process", "none"] = "process",
        tier: Literal["auto", "interpreted", "compiled"] | None = None,
        require: Literal["any", "seccomp", "full"] | None = None,
    ) -> Replayed:
        """Run the recorded calls again.

        Args:
            isolation: Where; the program is not trusted.
            tier: In which tier; the one that ran where left out.
            require: Least isolation to go on with, as for `carruntime.load`.

        Returns:
            What came out of the last call, and whether it is what the file says.

        Raises:
            LoadError: If the program no longer loads.
        """
        from sandbox.host import open_guest

        guest = open_guest(
            self.source.encode("utf-8", "surrogatepass"),
            filename=self.filename,
            limits=self.limits,
            isolation=isolation,
            require=require,
        )
        try:
            if guest.outline is None:
                raise LoadError(Report(self.filename, self.source, guest.findings))
            bound = bind(guest.outline, self.inputs, entry=self.entry, bindings=self.bindings)
            if bound.plan is None:
                raise LoadError(Report(self.filename, self.source, bound.findings))
            loaded = guest.build(bound.plan, tier or self.tier)
            buffers = guest.bind(1)
            out = buffers.outputs
            for call in self.calls:
                for name, value in call.inputs.items():
                    if name in buffers.inputs:
                        buffers.inputs[name][0] = value
                out.outcome[:] = PENDING
                out.task_outcome[:] = PENDING
                if call.call == "reset":
                    guest.reset()
                else:
                    guest.step()
            names = [task.function for task in bound.plan.tasks]
            if self.task is not None and self.task in names:
                k = names.index(self.task)
                outcome, index = out.task_outcome[0, k], out.task_failure[0, k]
            else:
                outcome, index = out.outcome[0], out.failure[0]
            failure = guest.failure(int(index)) if index != NO_FAILURE else None
            code = Outcome(int(outcome))
            return Replayed(
                outcome=code,
                reward=float(out.reward[0]) if code is Outcome.OK else 0.0,
                failure=failure,
                same=code is self.outcome and _same(failure, self.failure),
                tier=loaded.tier,
                fuel=int(out.fuel[0]),
            )
        finally:
            guest.close()

    def _to_json(self) -> dict[str, Any]:
        span = self.failure.span
        return {
            "format": _FORMAT,
            "version": _VERSION,
            "source": self.source,
            "filename": self.filename,
            "digest": self.digest,
            "observation": _spec_out(self.inputs.observation),
            "action": _spec_out(self.inputs.action),
            "extra": {name: _spec_out(spec) for name, spec in self.inputs.extra.items()},
            "frame": None if self.inputs.frame is None else list(self.inputs.frame.shape),
            "frame_order": self.inputs.frame_order,
            "call_at_reset": self.inputs.call_at_reset,
            "entry": self.entry,
            "bindings": dict(self.bindings),
            "limits": asdict(self.limits),
            "tier": self.tier,
            "row": self.row,
            "complete": self.complete,
            "task": self.task,
            "expected": {
                "outcome": self.outcome.name,
                "exception": self.failure.exception,
                "module": self.failure.module,
                "message": self.failure.message,
                "span": [span.line, span.column, span.end_line, span.end_column] if span else None,
            },
            "calls": [
                {
                    "call": one.call,
                    "inputs": {name: _array_out(value) for name, value in one.inputs.items()},
                }
                for one in self.calls
            ],
            "made_with": {
                "python": platform.python_version(),
                "numpy": np.__version__,
                "machine": platform.machine(),
            },
        }


def load_repro(path: str | os.PathLike[str]) -> Reproduction:
    """Read a file that `RewardFailure.save` wrote.

    Args:
        path: The file.

    Returns:
        Its content; nothing of the program runs before ``replay``.

    Raises:
        ReproductionError: If the file is not one of ours, or damaged.
    """
    place = Path(path)
    try:
        if place.stat().st_size > _FILE_BYTES:
            raise ReproductionError(f"{place}: larger than {_FILE_BYTES} bytes; no reproduction is")
        data = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ReproductionError(
            f"{place}: cannot be read ({error}); want a file written by batch.failure(i).save(path)"
        ) from error
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise ReproductionError(
            f"{place}: not a reproduction; want a file written by batch.failure(i).save(path)"
        )
    if data.get("version") != _VERSION:
        raise ReproductionError(
            f"{place}: written in version {data.get('version')!r} of the format, this release "
            f"reads version {_VERSION}: replay it with the release that wrote it"
        )
    try:
        return _from_json(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReproductionError(
            f"{place}: damaged ({type(error).__name__}: {error}); save the failure again"
        ) from error


def _from_json(data: dict[str, Any]) -> Reproduction:
    expected = data["expected"]
    span = expected["span"]
    if data["tier"] not in {"interpreted", "compiled"}:
        raise ValueError(f"tier {data['tier']!r}")
    for one in data["calls"]:
        if one["call"] not in {"reset", "step"}:
            raise ValueError(f"call {one['call']!r}")
    return Reproduction(
        source=str(data["source"]),
        filename=str(data["filename"]),
        digest=str(data["digest"]),
        inputs=Inputs(
            _spec_in(data["observation"]),
            _spec_in(data["action"]),
            {str(name): _spec_in(spec) for name, spec in data["extra"].items()},
            # Files of before there were frames have none.
            None if data.get("frame") is None else frame_leaf(data["frame"]),
            "bgr" if data.get("frame_order") == "bgr" else "rgb",
            bool(data.get("call_at_reset", False)),
        ),
        entry=None if data["entry"] is None else str(data["entry"]),
        bindings={str(name): str(target) for name, target in data["bindings"].items()},
        limits=Limits(**data["limits"]),
        tier=data["tier"],
        row=int(data["row"]),
        calls=tuple(
            RecordedCall(
                one["call"], {name: _array_in(value) for name, value in one["inputs"].items()}
            )
            for one in data["calls"]
        ),
        complete=bool(data["complete"]),
        task=None if data["task"] is None else str(data["task"]),
        outcome=Outcome[expected["outcome"]],
        failure=Failure(
            str(expected["exception"]),
            str(expected["module"]),
            str(expected["message"]),
            None if span is None else Span(*(int(part) for part in span)),
        ),
    )


def _same(got: Failure | None, want: Failure) -> bool:
    if got is None:
        return not want.exception
    line = got.span.line if got.span else None
    return got.exception == want.exception and line == (want.span.line if want.span else None)


def _array_out(value: NDArray[Any]) -> dict[str, Any]:
    value = np.asarray(value)
    data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode("ascii")
    return {"dtype": value.dtype.name, "shape": list(value.shape), "data": data}


def _array_in(value: dict[str, Any]) -> NDArray[Any]:
    dtype = np.dtype(str(value["dtype"]))
    if dtype.kind not in "biuf":
        raise ValueError(f"dtype {dtype.name}")
    raw = base64.b64decode(value["data"], validate=True)
    return np.frombuffer(raw, dtype).reshape([int(size) for size in value["shape"]])


def _spec_out(spec: Spec) -> dict[str, Any]:
    if isinstance(spec, DictSpec):
        return {"dict": [[key, _spec_out(child)] for key, child in spec.fields]}
    if isinstance(spec, TupleSpec):
        return {"tuple": [_spec_out(child) for child in spec.items]}
    # JSON has no infinities, so bounds are text.
    return {**asdict(spec), "low": repr(spec.low), "high": repr(spec.high)}


def _spec_in(data: dict[str, Any]) -> Spec:
    if "dict" in data:
        return DictSpec(tuple((str(key), _spec_in(child)) for key, child in data["dict"]))
    if "tuple" in data:
        return TupleSpec(tuple(_spec_in(child) for child in data["tuple"]))
    return ArraySpec(
        kind=data["kind"],
        shape=tuple(int(size) for size in data["shape"]),
        dtype=str(data["dtype"]),
        low=float(data["low"]),
        high=float(data["high"]),
        unit=str(data["unit"]),
    )
