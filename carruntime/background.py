"""Serve rows in the interpreted tier at once, and move each environment when its episode ends.

``load(..., background=True)`` does not wait for the compiler. A session begins in the interpreted
tier; meanwhile another worker compiles. Once it has, an environment moves to the compiled tier at
its own next reset, because what an episode keeps lives in the tier it began in. When all have moved,
the first worker ends and the session goes on as one that was compiled from the beginning.

Both tiers give the same rewards within the tolerance that was tried at load, so what depends on
timing is which of two equal tiers a row ran in, and `RewardBatch.tier` says it of every row. Whoever
wants it independent of timing too waits: ``program.wait()`` before the first reset.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from sandbox.errors import ProgramRefusedError, SandboxError
from sandbox.guest import Buffers, Ran, sets_of
from sandbox.outcome import PENDING, Outcome
from sandbox.shm import layout_of_sets
from sandbox.tiers.base import NO_FAILURE, Failure, TierReason

if TYPE_CHECKING:
    from sandbox.guest import After, Guest
    from sandbox.lane import Lane, Leaf
    from sandbox.plan import Plan
    from sandbox.tiers.base import Outputs
    from sandbox.wire import Loaded

__all__ = ["Compiling", "MovingGuest"]

_OF_FAST: Final = 1 << 24
"""Added to the number of a failure of the compiled tier."""
_SKIPPED: Final = int(Outcome.SKIPPED)


class Compiling:
    """A program that is being compiled in another worker.

    Args:
        opened: Reads the source in a new worker.
        plan: What is built.
        interpreted: What the interpreted tier is; the compiled one must have its components.
        done: Called with what came out, from the thread that compiles.

    Attributes:
        loaded: What the compiled tier is, once there is one.
        reason: Why there is none.
    """

    def __init__(
        self,
        opened: Callable[[], Guest],
        plan: Plan,
        interpreted: Loaded,
        done: Callable[[Compiling], None],
    ) -> None:
        self._opened = opened
        self._plan = plan
        self._names = interpreted.component_names
        self._done = done
        self._lock = threading.Lock()
        self._spare: Guest | None = None
        self._closed = False
        self.loaded: Loaded | None = None
        self.reason: TierReason | None = None
        self._finished = threading.Event()
        threading.Thread(target=self._compile, name="carruntime-compile", daemon=True).start()

    def _compile(self) -> None:
        guest: Guest | None = None
        try:
            guest = self._opened()
            loaded = guest.build(self._plan, "auto")
            if loaded.tier != "compiled":
                self.reason = loaded.tier_reason
            elif set(loaded.component_names) != set(self._names):
                self.reason = TierReason("CMP995", "the tiers know different components")
            else:
                self.loaded = loaded
                with self._lock:
                    if not self._closed:
                        self._spare, guest = guest, None
        except ProgramRefusedError as error:
            self.reason = TierReason("CMP995", f"the program was refused: {error}"[:300])
        except (SandboxError, OSError) as error:
            self.reason = TierReason("CMP995", f"no worker compiled it: {error}"[:300])
        finally:
            if guest is not None:
                guest.close()
            self._done(self)
            self._finished.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until it is known whether the program is compiled; False where the time is over."""
        return self._finished.wait(timeout_s)

    def take(self) -> Guest | None:
        """Give a worker that has the compiled program; None where it is not compiled."""
        self.wait()
        with self._lock:
            if self.loaded is None or self._closed:
                return None
            guest, self._spare = self._spare, None
        if guest is None:
            guest = self._opened()
            try:
                guest.build(self._plan, "compiled")
            except BaseException:
                guest.close()
                raise
        return guest

    def close(self) -> None:
        """End the worker that waits; may be called again."""
        with self._lock:
            self._closed = True
            guest, self._spare = self._spare, None
        if guest is not None:
            guest.close()


class MovingGuest:
    """Two guests behind one: rows run in the second from the reset on at which it was ready.

    It is used as any `sandbox.guest.Guest` that was built.

    Attributes:
        moved: Whether all rows have moved: then use `fast` alone.
        fast: The compiled one, bound; None before it is ready.
    """

    def __init__(self, slow: Guest, compiling: Compiling, names: tuple[str, ...]) -> None:
        self._slow = slow
        self._compiling = compiling
        self._names = names
        self._closed = False
        self._rows = 0
        self._ready = threading.Event()
        self._lock = threading.Lock()
        self._waiting: tuple[Guest, Buffers] | None = None
        self.fast: Guest | None = None
        self.digest = slow.digest
        self.filename = slow.filename
        self.text = slow.text
        self.layers = slow.layers
        self.findings = slow.findings
        self.outline = slow.outline
        self.sketch = slow.sketch

    @property
    def report(self) -> Any:
        """The findings of the source."""
        return self._slow.report

    @property
    def recalled(self) -> tuple[int, int] | None:
        """What the compiled one says, once it runs; see `sandbox.guest.Guest.recalled`."""
        return None if self.fast is None else self.fast.recalled

    def judge(self, plan: Plan) -> Any:
        """Give findings; see `sandbox.guest.Guest.judge`."""
        return self._slow.judge(plan)

    def build(self, plan: Plan, tier: Any = "auto") -> Loaded:
        """Build the interpreted one."""
        return self._slow.build(plan, tier)

    def bind(self, num_rows: int, spin_s: float | None = None) -> Buffers:
        """Make the arrays of the interpreted one; those of the other when it is ready."""
        slow = self._slow.bind(num_rows, spin_s)
        self._inputs = slow.inputs
        self._slow_out = slow.outputs
        plan_tasks = slow.outputs.tasks.shape[1]
        self._tasks = plan_tasks
        self._out = outputs_like(slow.outputs)
        self.here = np.zeros(num_rows, np.bool_)
        """Which rows run in the compiled tier."""
        self._rows = num_rows
        threading.Thread(
            target=self._fetch, args=(num_rows, spin_s), name="carruntime-move", daemon=True
        ).start()
        return Buffers(slow.inputs, self._out)

    def _fetch(self, num_rows: int, spin_s: float | None) -> None:
        guest: Guest | None = None
        try:
            guest = self._compiling.take()
            if guest is not None:
                buffers = guest.bind(num_rows, spin_s)
                with self._lock:
                    if not self._closed:
                        self._waiting, guest = (guest, buffers), None
        except (SandboxError, OSError):
            pass  # The session stays where it is.
        finally:
            if guest is not None:
                guest.close()
            self._ready.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until rows can move, or it is known that they cannot."""
        return self._ready.wait(timeout_s)

    @property
    def moved(self) -> bool:
        """Whether all rows run in the compiled tier."""
        return self.fast is not None and bool(self.here.all())

    def tiers(self) -> NDArray[np.str_]:
        """Say of each row where it runs."""
        return np.where(self.here, "compiled", "interpreted")

    def reset(self) -> Ran:
        """Start new episodes on the pending rows, which move if they can."""
        if self.fast is None and self._waiting is not None:
            self.fast, buffers = self._waiting
            self._waiting = None
            self._fast_in, self._fast_out = buffers.inputs, buffers.outputs
            order = self._compiling.loaded
            names = self._names if order is None else order.component_names
            self._places = np.array([names.index(name) for name in self._names], np.intp)
        if self.fast is not None:
            self.here |= self._out.outcome == PENDING
        return self._run(reset=True)

    def step(self) -> Ran:
        """Run the pending rows, each in its tier."""
        return self._run(reset=False)

    def _run(self, *, reset: bool) -> Ran:
        out = self._out
        rows = out.outcome == PENDING
        lost = np.zeros(self._rows, np.bool_)
        failures: dict[int, Failure] = {}
        for guest, mine, theirs in (
            (self._slow, rows & ~self.here, self._slow_out),
            (self.fast, rows & self.here, getattr(self, "_fast_out", None)),
        ):
            if guest is None or theirs is None or not mine.any():
                continue
            quick = guest is self.fast
            if quick:
                for name, column in self._inputs.items():
                    np.copyto(self._fast_in[name], column)
            theirs.outcome[:] = np.where(mine, PENDING, _SKIPPED)
            if self._tasks:
                theirs.task_outcome[:] = np.where(mine, PENDING, _SKIPPED)[:, None]
            ran = guest.reset() if reset else guest.step()
            if ran.lost is not None:
                lost |= ran.lost & mine
            failures.update({self._number(k, quick): v for k, v in ran.failures.items()})
            self._take(theirs, mine, quick)
        return Ran(lost if lost.any() else None, failures)

    @staticmethod
    def _number(index: int, quick: bool) -> int:
        return index + _OF_FAST if quick and index > NO_FAILURE else index

    def _take(self, theirs: Outputs, rows: NDArray[np.bool_], quick: bool) -> None:
        """Take over what one of both has computed."""
        out = self._out
        for name in ("outcome", "reward", "tasks", "task_outcome", "fuel"):
            getattr(out, name)[rows] = getattr(theirs, name)[rows]
        order: Any = self._places if quick else slice(None)
        for name in ("components", "present"):
            getattr(out, name)[:, rows] = getattr(theirs, name)[order][:, rows]
        for name in ("failure", "task_failure"):
            found = getattr(theirs, name)[rows]
            moved = np.where(found > NO_FAILURE, found + (_OF_FAST if quick else 0), found)
            getattr(out, name)[rows] = moved

    def lane(
        self, leaves: Sequence[Leaf], after: After | None = None, *, reset: bool = False
    ) -> Lane | None:
        """Give no short way while rows are in two places."""
        del leaves, after, reset
        return None

    def lend(
        self, arrays: Sequence[tuple[str, str, tuple[int, ...]]], columns: Mapping[str, str]
    ) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
        """Make two sets of arrays of this process, which are copied from."""
        del columns
        layout = layout_of_sets(arrays)
        return sets_of(layout.views(np.zeros(layout.size, np.uint8)))

    def go_on(self, ended: int, block: Any, mask: Any, *, reset: bool = False) -> bool:
        """Never called: there is no short way."""
        del ended, block, mask, reset
        raise AssertionError("a guest without a short way was asked to go on with it")

    def failure(self, index: int) -> Failure | None:
        """Give the failure that an output index names."""
        if index >= _OF_FAST:
            return None if self.fast is None else self.fast.failure(index - _OF_FAST)
        return self._slow.failure(index)

    def leave(self) -> tuple[Guest, Buffers]:
        """Give the compiled one with the inputs as they are, and end the other; all have moved."""
        fast, self.fast = self.fast, None
        if fast is None:
            raise AssertionError("not all rows have moved")
        for name, column in self._inputs.items():
            np.copyto(self._fast_in[name], column)
        self.close()
        return fast, Buffers(self._fast_in, self._fast_out)

    def close(self) -> None:
        """End both; may be called again."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = self._waiting, None
        for guest in (self._slow, self.fast, None if waiting is None else waiting[0]):
            if guest is not None:
                guest.close()


def outputs_like(given: Outputs) -> Outputs:
    """Make result arrays of the same shapes."""
    kind = type(given)
    made = {name: np.copy(getattr(given, name)) for name in kind.__dataclass_fields__}
    made["outcome"][:] = _SKIPPED
    return kind(**made)
