"""The interpreted tier: the reference semantics, one row after the other in CPython.

The module runs once, when a runner is made. What it leaves behind is then sealed: arrays become
read-only, and the ids of all other values that could be changed go to the meter, whose guards
refuse writes into them. After that the only thing that lives from one row to the next is the
instance that a class program has per row.

Each call gets values of its own. They are copied where the program writes into anything or keeps
anything; a program that does neither reads the batch itself, through views that are read-only.
"""

from __future__ import annotations

import ast
import dis
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from types import CodeType, FunctionType, GeneratorType, TracebackType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sandbox.diagnostics import Span
from sandbox.guards import (
    GUEST_FILE,
    SCALARS,
    Meter,
    OutOfFuel,
    OutOfMemory,
    Stop,
    held,
    is_guest_instance,
    own_method,
    state_bytes,
    text_guards,
    without_addresses,
)
from sandbox.guards.tokens import FrameToken
from sandbox.instrument import InstrumentError, instrument
from sandbox.limits import Limits
from sandbox.outcome import PENDING, Outcome
from sandbox.plan import Call, Param, Plan
from sandbox.predeclared import Predeclared
from sandbox.predeclared.views import AnnotationView, ModuleView, NoWarnings, TypeView
from sandbox.results import TOTALS, entry_of, result_span
from sandbox.schema import ArraySpec, DictSpec, Spec
from sandbox.tiers.base import NO_FAILURE, Failure, Inputs, Outputs, Tier

__all__ = ["GuestModuleError", "InterpretedRunner"]

MAX_FAILURES: Final = 1_024
MESSAGE_CHARS: Final = 400
MESSAGE_FUEL: Final = 10_000
"""Work on the text of what a guest raised with values of its own in it."""
STATE_CHECK_BYTES: Final = 1 << 20
"""A row's state is measured again after it may have grown by this much."""
BYTES_PER_UNIT: Final = 64
"""What one unit of fuel can add to a state, besides arrays."""

ndarray: Final = np.ndarray
_SHOWN_KEYS: Final = 4


class GuestModuleError(Exception):
    """The top level of a program failed, or left something that would live between rows.

    Attributes:
        failure: What and where.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class InterpretedRunner:
    """Runs a program in CPython behind guards.

    Attributes:
        component_names: Order of the components; ``seen`` collects any other name met.
        seen: Names of components met in runs, in the order of appearance.
    """

    def __init__(
        self,
        tree: ast.Module,
        text: str,
        plan: Plan,
        limits: Limits,
        component_names: tuple[str, ...] = (),
    ) -> None:
        """Compile a validated tree and run its top level.

        Raises:
            GuestModuleError: If the top level fails.
            InstrumentError: If the second gate refuses the tree.
        """
        self._plan = plan
        self._limits = limits
        self.fuel = limits.fuel
        self._lines = text.split("\n")
        self.component_names = component_names
        self._component_index = {name: i for i, name in enumerate(component_names)}
        self.seen: dict[str, None] = {}
        self.learning = False
        self._failures: list[Failure] = []
        self.on_failure: Callable[[], None] | None = None
        """Called when `failures` has grown, before the row that failed has an outcome."""
        self._failure_ids: dict[Failure, int] = {}
        try:
            instrumented = instrument(tree)
            # CPython's advice on a guest's text belongs to the findings, not to stderr.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                code = compile(instrumented.tree, GUEST_FILE, "exec", dont_inherit=True, optimize=0)
        except SyntaxError as error:
            at = ast.Pass(lineno=error.lineno or 1, col_offset=(error.offset or 1) - 1)
            raise InstrumentError([(at, str(error.msg))]) from None
        except (RecursionError, MemoryError, ValueError) as error:
            raise InstrumentError([(tree, f"cannot be compiled: {type(error).__name__}")]) from None
        self._private = instrumented.writes or plan.stateful
        self._result_span = result_span(entry_of(tree, plan), text)
        named = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        self._task_spans = [result_span(named.get(call.function), text) for call in plan.tasks]
        self._meter = Meter(limits)
        self._text: Callable[[Any], str] = text_guards(self._meter)["$text"]
        predeclared = Predeclared(self._meter)
        self._namespace = predeclared.namespace(instrumented.names)
        self._run_module(code)
        self._class: Any = None
        if plan.class_name is not None:
            self._class = self._namespace[plan.class_name]
        self._states: list[Any] = []
        self._measured: list[int] = []
        self._texts: dict[bytes, str] = {}
        self._inputs: Inputs = {}
        self._outputs = _NO_ROWS

    @property
    def tier(self) -> Tier:
        """Which tier this is."""
        return "interpreted"

    @property
    def failures(self) -> list[Failure]:
        """Distinct failures so far."""
        return self._failures

    def use_components(self, names: tuple[str, ...]) -> None:
        """Fix the components, and forget what was learnt and failed while trying the program.

        The runner has to be bound again.
        """
        self.component_names = names
        self._component_index = {name: i for i, name in enumerate(names)}
        self.learning = False
        self.seen = {}
        self._failures.clear()
        self._failure_ids.clear()
        self._states = []
        self._outputs = _NO_ROWS

    def adopt(self, row: int, instance: object) -> None:
        """Let an instance, made of what another tier kept, be the state of a row."""
        self._states[row] = instance
        self._measured[row] = 0

    def class_named(self, name: str) -> Any:
        """Give a class or function of the program's top level."""
        return self._namespace[name]

    # --- the module -------------------------------------------------------------------------

    def _run_module(self, code: CodeType) -> None:
        self._meter.left = self._limits.fuel
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                exec(code, self._namespace)  # noqa: S102  the instrumented tree is what this tier runs
                self._seal()
        except OutOfFuel:
            raise GuestModuleError(
                Failure("OutOfFuel", "sandbox", "the top level used up its fuel", None)
            ) from None
        except OutOfMemory as error:
            raise GuestModuleError(Failure("OutOfMemory", "sandbox", str(error), None)) from None
        except _SealError as error:
            raise GuestModuleError(Failure("StateError", "sandbox", str(error), None)) from None
        except Exception as error:
            raise GuestModuleError(self._describe(error)) from None
        except BaseException as error:  # SystemExit and its kind
            raise GuestModuleError(self._describe(error)) from None

    def _seal(self) -> None:
        protected = self._meter.protected
        waiting = [
            value
            for name, value in self._namespace.items()
            if not name.startswith("$") and name != "__builtins__"
        ]
        seen: set[int] = set()
        while waiting:
            value = waiting.pop()
            kind = type(value)
            if kind in _UNCHANGING or id(value) in seen:
                continue
            seen.add(id(value))
            if kind is ndarray:
                owner: Any = value
                while isinstance(owner, ndarray):
                    owner.setflags(write=False)
                    owner = owner.base
                protected.add(id(value))
            elif isinstance(value, dict):
                protected.add(id(value))
                if hasattr(value, "default_factory"):
                    # Reading a missing key would write.
                    value.default_factory = None
                waiting.extend(value.keys())
                waiting.extend(value.values())
                waiting.extend(held(value))
            elif isinstance(value, list | tuple | set | frozenset | deque):
                protected.add(id(value))
                waiting.extend(value)
                waiting.extend(held(value))
            elif isinstance(value, FunctionType):
                if value.__code__.co_filename != GUEST_FILE:
                    waiting.extend(held(value))
                    continue
                if _keeps_cells(value.__code__, value.__code__.co_freevars):
                    raise _SealError(
                        f"`{value.__name__}` writes into a `nonlocal` name of a function that ran "
                        f"at the top of the program; keep state in `self` of a class"
                    )
                waiting.extend(held(value))
            elif isinstance(value, GeneratorType) or hasattr(value, "__next__"):
                raise _SealError(
                    "an iterator made at the top of the program would be used up by the first "
                    "row; make a list or a tuple of it"
                )
            else:
                if is_guest_instance(value):
                    protected.add(id(value))
                waiting.extend(held(value))

    # --- batches ----------------------------------------------------------------------------

    def bind(self, num_rows: int, inputs: Inputs, outputs: Outputs) -> None:
        """Take the arrays of all later calls and forget every row's state."""
        plan = self._plan
        self._inputs = inputs
        self._outputs = outputs
        self._reward_of = _cells(outputs.reward)
        self._outcome_of = _cells(outputs.outcome)
        self._failure_of = _cells(outputs.failure)
        self._fuel_of = _cells(outputs.fuel)
        self._component_of = [_cells(column) for column in outputs.components]
        self._present_of = [_cells(column) for column in outputs.present]
        self._states = [None] * num_rows
        self._measured = [0] * num_rows
        self._tasks_of = [
            (k, self._function(call), self._arguments_of(call)) for k, call in enumerate(plan.tasks)
        ]
        self._pays = plan.reward is not None or plan.step is not None
        self._reward = None if plan.reward is None else self._function(plan.reward)
        paying = plan.reward or plan.step
        self._arguments = None if paying is None else self._arguments_of(paying)
        self._step_name = "" if plan.step is None else plan.step.function
        self._beginning = [
            (call.function, self._arguments_of(call)) for call in (plan.reset, plan.first) if call
        ]

    def _function(self, call: Call) -> Callable[..., Any]:
        return self._namespace[call.function]  # type: ignore[no-any-return]

    def reset(self) -> None:
        """Start a new episode on the pending rows: new instance, its reset, then the tasks."""
        self._each(self._reset_row)

    def step(self) -> None:
        """Run the tasks and the paying call on the pending rows."""
        self._each(self._step_row)

    def _each(self, row: Callable[[int], None]) -> None:
        pending = np.flatnonzero(self._outputs.outcome == PENDING).tolist()
        if not pending:
            return
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for i in pending:
                self._meter.rows += 1
                row(i)

    def _reset_row(self, i: int) -> None:
        meter = self._meter
        limit = self.fuel
        meter.left = limit
        outcome, failure = int(Outcome.OK), NO_FAILURE
        if self._class is not None:
            self._states[i] = None
            self._measured[i] = 0
            meter.made_bytes = 0
            try:
                instance = self._class()
                for name, arguments in self._beginning:
                    getattr(instance, name)(*arguments(i))
                if meter.left < 0:
                    raise OutOfFuel  # noqa: TRY301  one place decides how a row ended
                self._measure(i, instance, limit - meter.left)
            except BaseException as error:
                outcome, failure = self._failed(error)
                if outcome < Outcome.OUT_OF_FUEL:
                    self._states[i] = _Failed(outcome, failure)
            else:
                self._states[i] = instance
        self._failure_of[i] = failure
        worst = self._tasks(i) if self._tasks_of else 0
        self._reward_of[i] = 0.0
        self._clear_components(i)
        self._fuel_of[i] = limit - max(meter.left, 0)
        self._outcome_of[i] = outcome if self._pays else worst

    def _clear_components(self, i: int) -> None:
        for values, presence in zip(self._component_of, self._present_of, strict=True):
            values[i] = 0.0
            presence[i] = False

    def _tasks(self, i: int) -> int:
        """Run all predicates of a row; give the first bad outcome."""
        outputs, meter = self._outputs, self._meter
        worst = int(Outcome.OK)
        for k, function, arguments in self._tasks_of:
            try:
                value = self._truth(function(*arguments(i)), k)
                if meter.left < 0:
                    raise OutOfFuel  # noqa: TRY301
                outcome, failure = int(Outcome.OK), NO_FAILURE
            except BaseException as error:
                value = False
                outcome, failure = self._failed(error)
            outputs.tasks[i, k] = value
            outputs.task_failure[i, k] = failure
            outputs.task_outcome[i, k] = outcome
            if outcome and not worst:
                worst = outcome
                if not self._pays:
                    self._failure_of[i] = failure
        return worst

    def _step_row(self, i: int) -> None:
        meter = self._meter
        limit = self.fuel
        meter.left = limit
        self._failure_of[i] = NO_FAILURE
        outcome = self._tasks(i) if self._tasks_of else 0
        if self._component_of:
            self._clear_components(i)
        reward = 0.0
        if self._arguments is not None:
            try:
                if self._reward is not None:
                    result = self._reward(*self._arguments(i))
                else:
                    result = self._step_instance(i)
                if meter.left < 0:
                    raise OutOfFuel  # noqa: TRY301
                if result.__class__ is float and result - result == 0.0:
                    reward, outcome = result, 0
                else:
                    outcome, reward = self._pay(i, result)
                if self._step_name:
                    self._measure(i, self._states[i], limit - meter.left)
            except BaseException as error:
                outcome, failure = self._failed(error)
                reward = 0.0
                self._clear_components(i)
                self._failure_of[i] = failure
                if outcome >= Outcome.OUT_OF_FUEL:
                    self._states[i] = None
        self._reward_of[i] = reward
        self._fuel_of[i] = limit - max(meter.left, 0)
        self._outcome_of[i] = outcome

    def _step_instance(self, i: int) -> Any:
        instance = self._states[i]
        if instance is None:
            raise _StateLost
        if type(instance) is _Failed:
            raise instance
        if self._arguments is None:
            raise _StateLost
        return getattr(instance, self._step_name)(*self._arguments(i))

    # --- results ----------------------------------------------------------------------------

    def _pay(self, i: int, result: Any) -> tuple[int, float]:
        """Write the components of a result; give the outcome and the reward."""
        parts: Any = None
        value = result
        if type(result) is tuple and len(result) == 2 and isinstance(result[1], dict):
            value, parts = result
        elif isinstance(result, dict):
            total = next((name for name in TOTALS if name in result), None)
            if total is None:
                return self._bad(i, f"the result is {_untotalled(result)}")
            value = result[total]
            parts = {name: item for name, item in result.items() if name != total}
        number = _number(value)
        if number is None:
            what = "result" if value is result else "reward"
            return self._bad(i, f"the {what} is {_described(value)}")
        outcome = int(Outcome.OK)
        if number - number != 0.0:
            outcome = self._infinite(i, "the reward", number)
        for name, item in (parts or {}).items():
            if type(name) is not str:
                return self._bad(i, f"a component's name is {_kind(name)}, not text")
            part = item if item.__class__ is float else _number(item)
            if part is None:
                what = f"component {name[:64]!r}"
                return self._bad(i, f"{what} is {_described(item)}")
            if self.learning and len(self.seen) <= _MANY:
                self.seen[name] = None
            index = self._component_index.get(name)
            if index is None:
                if self.learning:
                    continue
                return self._bad(i, f"component {name[:64]!r} is not one of those known at load")
            self._component_of[index][i] = part
            self._present_of[index][i] = True
            if part - part != 0.0 and not outcome:
                outcome = self._infinite(i, f"component {name[:64]!r}", part)
        return outcome, 0.0 if outcome else number

    def _infinite(self, i: int, what: str, value: float) -> int:
        failure = Failure("NotFinite", "sandbox", f"{what} is {value}", self._result_span)
        self._failure_of[i] = self._failure_id(failure)
        return int(Outcome.NOT_FINITE)

    def _bad(self, i: int, message: str) -> tuple[int, float]:
        self._clear_components(i)
        failure = Failure("BadResult", "sandbox", message[:MESSAGE_CHARS], self._result_span)
        self._failure_of[i] = self._failure_id(failure)
        return int(Outcome.BAD_RESULT), 0.0

    def _truth(self, value: Any, task: int) -> bool:
        if value is True or value is False:
            return value is True
        if (
            value is None
            or type(value) in _TRUTHS
            or isinstance(value, int | list | tuple | dict | set | frozenset | ndarray | np.generic)
        ):
            return bool(value)
        raise _BadResult(
            f"the result is {_kind(value)}, which says neither yes nor no; want a bool",
            self._task_spans[task],
        )

    def _measure(self, i: int, instance: Any, used: int) -> None:
        """Check the size of a row's state after it may have grown enough to matter."""
        meter = self._meter
        self._measured[i] += meter.made_bytes + used * BYTES_PER_UNIT
        meter.made_bytes = 0
        if self._measured[i] > STATE_CHECK_BYTES:
            self._measured[i] = 0
            limit = self._limits.state_bytes
            if state_bytes([instance], limit) > limit:
                raise OutOfMemory(
                    f"state of more than {limit:,} bytes; limits.state_bytes is the cap"
                )

    # --- failures ---------------------------------------------------------------------------

    def _failed(self, error: BaseException) -> tuple[int, int]:
        if isinstance(error, _Failed):
            return error.outcome, error.failure
        if isinstance(error, _StateLost):
            return int(Outcome.STATE_LOST), NO_FAILURE
        if isinstance(error, _BadResult):
            failure = Failure("BadResult", "sandbox", error.message[:MESSAGE_CHARS], error.span)
            return int(Outcome.BAD_RESULT), self._failure_id(failure)
        if isinstance(error, OutOfMemory | MemoryError):
            failure = Failure(
                "MemoryError", "builtins", str(error)[:MESSAGE_CHARS], self._span(error)
            )
            return int(Outcome.OUT_OF_MEMORY), self._failure_id(failure)
        if isinstance(error, Stop) or self._meter.left < 0:
            failure = Failure(
                "OutOfFuel",
                "sandbox",
                f"the row used up its fuel of {self.fuel:,}; limits.fuel is the cap",
                self._span(error),
            )
            return int(Outcome.OUT_OF_FUEL), self._failure_id(failure)
        if isinstance(error, KeyboardInterrupt) and not _raised_by_guest(error):
            raise error
        return int(Outcome.ERROR), self._failure_id(self._describe(error))

    def _failure_id(self, failure: Failure) -> int:
        found = self._failure_ids.get(failure)
        if found is None:
            if len(self._failures) >= MAX_FAILURES:
                return MAX_FAILURES - 1
            found = len(self._failures)
            self._failures.append(failure)
            self._failure_ids[failure] = found
            if self.on_failure is not None:
                self.on_failure()
        return found

    def _describe(self, error: BaseException) -> Failure:
        kind = type(error)
        message = self._message(error)[:MESSAGE_CHARS]
        return Failure(kind.__name__, kind.__module__, message, self._span(error))

    def _message(self, error: BaseException) -> str:
        """Give the text of an exception, whatever a guest has put into it."""
        own = own_method(error, "__str__") if is_guest_instance(error) else None
        if own is None and all(type(argument) in _PLAIN_ARGUMENTS for argument in error.args):
            # A KeyError shows the repr of its key.
            shown = error.args[0] if isinstance(error, KeyError) and error.args else error
            return str(without_addresses((str(shown),))[0])
        left = self._meter.left
        self._meter.left = MESSAGE_FUEL
        try:
            return self._text(error)
        except BaseException:
            return "its arguments have no text"
        finally:
            self._meter.left = left

    def _span(self, error: BaseException) -> Span | None:
        found: TracebackType | None = None
        entry = error.__traceback__
        while entry is not None:
            if entry.tb_frame.f_code.co_filename == GUEST_FILE:
                found = entry
            entry = entry.tb_next
        if found is None:
            return None
        positions = list(found.tb_frame.f_code.co_positions())
        line, end_line, column, end_column = positions[found.tb_lasti // 2]
        if line is None or end_line is None or column is None or end_column is None:
            return Span(found.tb_lineno, 1, found.tb_lineno, 1)
        return Span(
            line,
            self._character(line, column) + 1,
            end_line,
            self._character(end_line, end_column) + 1,
        )

    def _character(self, line: int, byte: int) -> int:
        """Turn CPython's byte offset into a character offset."""
        if not 1 <= line <= len(self._lines):
            return byte
        return len(self._lines[line - 1].encode()[:byte].decode(errors="ignore"))

    # --- arguments --------------------------------------------------------------------------

    def _arguments_of(self, call: Call) -> Callable[[int], list[Any]]:
        makers = [self._maker(param) for param in call.params]
        if len(makers) == 3:
            first, second, third = makers
            return lambda i: [first(i), second(i), third(i)]
        return lambda i: [make(i) for make in makers]

    def _maker(self, param: Param) -> Callable[[int], Any]:
        parts = [param.slot, *(_escaped(part) for part in param.path)]
        column, spec = "/".join(parts), self._plan.spec(param)
        if param.view and isinstance(spec, ArraySpec):
            frames = self._inputs[column]
            if param.view == "token":
                return lambda i: FrameToken(frames[i])
            return lambda i: np.ascontiguousarray(frames[i][:, :, ::-1])
        return self._reader(column, spec)

    def _reader(self, column: str, spec: Spec) -> Callable[[int], Any]:
        if isinstance(spec, DictSpec):
            fields = [
                (name, self._reader(f"{column}/{_escaped(name)}", child))
                for name, child in spec.fields
            ]
            return lambda i: {name: read(i) for name, read in fields}
        if not isinstance(spec, ArraySpec):
            items = [
                self._reader(f"{column}/{index}", child) for index, child in enumerate(spec.items)
            ]
            return lambda i: tuple([read(i) for read in items])
        array = self._inputs[column]
        if spec.kind == "int":
            return lambda i: int(array[i])
        if spec.kind == "bool":
            return lambda i: bool(array[i])
        if spec.kind == "text":
            return self._text_reader(array, self._inputs[f"{column}#len"])
        if not spec.shape:
            return lambda i: array[i]
        if self._private:
            return lambda i: array[i].copy()
        sealed = array.view()
        sealed.setflags(write=False)
        return lambda i: sealed[i]

    def _text_reader(self, slots: NDArray[Any], lengths: NDArray[Any]) -> Callable[[int], str]:
        texts = self._texts

        def read(i: int) -> str:
            data = slots[i, : lengths[i]].tobytes()
            text = texts.get(data)
            if text is None:
                if len(texts) > 4_096:
                    texts.clear()
                text = texts[data] = data.decode()
            return text

        return read


def _cells(array: Any) -> Any:
    """Give an array for writing one element at a time, at half of what that costs in NumPy."""
    return memoryview(array)


_NO_ROWS: Final = Outputs(
    outcome=np.zeros(0, np.uint8),
    reward=np.zeros(0),
    components=np.zeros((0, 0)),
    present=np.zeros((0, 0), np.bool_),
    tasks=np.zeros((0, 0), np.bool_),
    task_outcome=np.zeros((0, 0), np.uint8),
    failure=np.zeros(0, np.int32),
    task_failure=np.zeros((0, 0), np.int32),
    fuel=np.zeros(0, np.int64),
)


class _SealError(Exception):
    """The top level leaves something that would carry values between rows."""


class _StateLost(Exception):  # noqa: N818  it says what is, not what went wrong here
    """The row has no instance: an earlier limit took it."""


class _BadResult(Exception):  # noqa: N818
    """A task gave what has no truth value."""

    def __init__(self, message: str, span: Span | None) -> None:
        super().__init__(message)
        self.message = message
        self.span = span


class _Failed(BaseException):
    """Stands in the place of an instance whose construction or reset failed."""

    def __init__(self, outcome: int, failure: int) -> None:
        super().__init__()
        self.outcome = outcome
        self.failure = failure


_MANY: Final = 4_096
_PLAIN_ARGUMENTS: Final = frozenset({str, int, float, bool, type(None)})
_TRUTHS: Final = SCALARS | {int, str}
_UNCHANGING: Final = SCALARS | {
    *(int, str, bytes, type(None), type(Ellipsis), range, slice, complex),
    *(TypeView, ModuleView, AnnotationView, NoWarnings, np.finfo, np.iinfo),
}


def _number(value: Any) -> float | None:
    """Give a number that a program returned as a float, None where it is none."""
    kind = value.__class__
    if kind is ndarray:
        if value.ndim or value.dtype.kind not in "biuf":
            return None
        return float(value)
    if kind in SCALARS:
        return float(value)
    if isinstance(value, int):
        try:
            return float(value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")
    return None


def _described(value: Any) -> str:
    """Say what a program gave in place of a number, and how to make one of it."""
    if value is None:
        return "None; want a number"
    if isinstance(value, ndarray):
        if not value.ndim or value.dtype.kind not in "biuf":
            return f"an array of dtype {value.dtype}; want a number"
        if value.size == 1:
            take = f"take [{', '.join('0' * value.ndim)}]"
        else:
            take = "take one element, or a sum or mean"
        return f"an array of shape {value.shape}; want a number: {take}"
    if type(value) is str:
        return "text (a str); want a number"
    if type(value) is list:
        return f"a list of {len(value)}; want a number"
    if type(value) is tuple:
        return f"a tuple of {len(value)}; want a number, or (number, {{name: number}})"
    if isinstance(value, dict):
        return "a dict; want a number"
    return f"of type {type(value).__name__[:64]!r}; want a number"


def _kind(value: Any) -> str:
    return f"of type {type(value).__name__[:64]!r}"


def _untotalled(value: dict[Any, Any]) -> str:
    """Describe a dict that does not say which of its numbers pays."""
    keys = [name for name in islice(dict.keys(value), _SHOWN_KEYS) if type(name) is str]
    more = ", ..." if dict.__len__(value) > len(keys) else ""
    shown = f" (its keys are {', '.join(repr(name[:32]) for name in keys)}{more})" if keys else ""
    return f"a dict without `total` or `reward`{shown}; add a key `total`, or return (total, parts)"


def _escaped(part: str | int) -> str:
    if isinstance(part, int):
        return str(part)
    return part.replace("%", "%25").replace("/", "%2F").replace("#", "%23")


def _keeps_cells(code: CodeType, names: tuple[str, ...]) -> bool:
    """Whether a function writes into cells that it shares with the function around it."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("STORE_DEREF", "DELETE_DEREF") and instruction.argval in names:
            return True
    return any(
        _keeps_cells(inner, tuple(n for n in names if n in inner.co_freevars))
        for inner in _codes(code)
    )


def _codes(code: CodeType) -> Iterator[CodeType]:
    return (item for item in code.co_consts if isinstance(item, CodeType))


def _raised_by_guest(error: BaseException) -> bool:
    entry = error.__traceback__
    last = None
    while entry is not None:
        last = entry
        entry = entry.tb_next
    return last is not None and last.tb_frame.f_code.co_filename == GUEST_FILE
