"""Runs one program after the other in this process and says whether any of them got out.

The oracle does not know what a program tried. It looks for what nothing that stays inside can do:

- an *audit event* while guest code runs: files, processes, sockets, imports, ctypes, code objects,
  frames. The few that the runtime itself causes are named one by one in `RUNTIME_EVENTS`;
- a *canary touched*: an object that lies in the globals of host modules, where only an escape
  finds it, and that notes every use of itself;
- a *value seen* that no guest may hold (a module, a real type, a frame, an array of objects): the
  instrumented program gets a witness around every call, attribute, item and returned value;
- an *invariant broken*: built-ins, modules, NumPy's state, observations, and the rule that two
  rows with the same inputs end alike;
- *work out of proportion*: CPU time far beyond what the fuel of a row can buy.

Everything runs in this very process, as with ``isolation="none"``; so the process must be one
that nobody else needs.
"""

from __future__ import annotations

import ast
import builtins
import copy
import enum
import functools
import gc
import operator
import os
import signal
import sys
import threading
import time
import types
import warnings
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn

import corpus_reader
import numpy as np

import sandbox.tiers.interpreted as tier
from sandbox import dialect, guards, opencv, passes, reads
from sandbox.errors import ProgramRefusedError
from sandbox.instrument import Instrumented, InstrumentError, rewriting
from sandbox.limits import Limits
from sandbox.outcome import Outcome
from sandbox.passes import analyse, build
from sandbox.plan import Call, FunctionOutline, Outline, Param, Plan
from sandbox.predeclared import Predeclared
from sandbox.predeclared.functional import Grid
from sandbox.predeclared.texts import TextMatch, TextPattern
from sandbox.predeclared.views import AnnotationView, ModuleView, NoWarnings, TypeView
from sandbox.schema import ArraySpec, DictSpec, Schema
from sandbox.validate import judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sandbox.tiers.base import Outputs, Runner

__all__ = ["CANARY", "LIMITS", "Oracle", "Seen"]

CANARY: Final = "fuzz_canary"
"""Name of the canary in the globals of host modules; programs of the fuzzer ask for it."""
LIMITS: Final = Limits(
    fuel=20_000, memory_bytes=8 * 1024 * 1024, state_bytes=1024 * 1024, integer_bits=1024
)
"""A hundredth of the fuel that programs have by default, so that a program is a matter of ms."""
SLOW_S: Final = 1.0
"""CPU seconds of one program that its fuel cannot explain: 20,000 units are worth about 20 ms."""
HANG_S: Final = 6.0
"""CPU seconds after which a program that still runs Python code is ended."""
ROWS: Final = 3
"""Rows of a batch: the first and the last have the same inputs, the one between has others."""

RUNTIME_EVENTS: Final = frozenset(
    {
        # event, file, function that caused it, and why it is the runtime's own
        ("builtins.id", "stores.py", "write"),  # identity against the values the module made
        ("builtins.id", "stores.py", "own"),
        ("builtins.id", "holdings.py", "state_bytes"),  # the size of a state, each value once
        ("builtins.id", "interpreted.py", "_seal"),
        ("builtins.id", "methods.py", "append"),
        ("builtins.id", "methods.py", "add"),
        ("builtins.id", "methods.py", "popleft"),
        ("object.__getattr__", "interpreted.py", "_span"),  # the place of an error
        ("object.__getattr__", "interpreted.py", "_raised_by_guest"),
        ("builtins.id", "standard.py", "go"),  # what a copy has met already
        ("builtins.id", "standard.py", "<lambda>"),
        ("object.__getattr__", "values.py", "own_method"),  # whether a method is the program's
        ("object.__getattr__", "holdings.py", "held"),  # what a value keeps alive
        ("object.__getattr__", "methods.py", "_withheld"),  # whether a function is the program's
        ("object.__getattr__", "interpreted.py", "_seal"),
        ("object.__getattr__", "interpreted.py", "_keeps_cells"),
        ("exec", "interpreted.py", "_run_module"),  # the module of the program itself
        # Classes that the standard library writes out as text: of names that were checked.
        ("compile", "__init__.py", "namedtuple"),
        ("object.__setattr__", "__init__.py", "namedtuple"),
        ("exec", "__init__.py", "namedtuple"),
        ("compile", "dataclasses.py", "_create_fn"),
        ("exec", "dataclasses.py", "_create_fn"),
        ("object.__setattr__", "dataclasses.py", "_set_new_attribute"),
        ("object.__setattr__", "dataclasses.py", "_process_class"),
        ("object.__setattr__", "dataclasses.py", "_add_slots"),  # the class made once more
        ("object.__setattr__", "typing.py", "__new__"),  # a NamedTuple is made of a namedtuple
        ("builtins.id", "arrayprint.py", "wrapper"),  # the text of an array
        ("builtins.id", "inspect.py", "unwrap"),  # the doc string of a data class
    }
)


class EscapeError(BaseException):
    """Stops a program at the moment it does what it must not."""


class HangError(BaseException):
    """Stops a program that uses far more time than its fuel is worth."""


@dataclass(slots=True)
class Seen:
    """What came of one source.

    Attributes:
        executed: Whether any of its code ran.
        refused: By whom, where it did not: ``"validator"``, ``"instrumentation"``, ``"plan"``.
        violations: What an inside program cannot do, as short texts that are equal for equal
            causes.
        seconds: CPU time of the rows.
        outcomes: How the rows ended.
        rewards: What they paid.
        errors: Names of what they raised.
    """

    executed: bool = False
    refused: str = ""
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0
    outcomes: tuple[int, ...] = ()
    rewards: tuple[float, ...] = ()
    errors: tuple[str, ...] = ()


class _Canary:
    """An object that notes whoever uses it."""

    __slots__ = ("_note",)

    def __init__(self, note: Callable[[str], None]) -> None:
        object.__setattr__(self, "_note", note)

    def _touched(self, *_args: Any, **_named: Any) -> NoReturn:
        object.__getattribute__(self, "_note")("canary: used")
        raise EscapeError

    __getattribute__ = __setattr__ = __getitem__ = __setitem__ = __call__ = _touched
    __float__ = __int__ = __index__ = __bool__ = __len__ = __iter__ = __str__ = _touched
    __repr__ = __hash__ = __eq__ = __ne__ = __lt__ = __gt__ = __add__ = __radd__ = _touched
    __mul__ = __sub__ = __contains__ = __format__ = __neg__ = __or__ = __and__ = _touched


OBSERVATION: Final = DictSpec(
    (
        ("image", ArraySpec(shape=(4, 4, 3), dtype="uint8", low=0, high=10)),
        ("direction", ArraySpec(kind="int", dtype="int64", low=0, high=3)),
        ("position", ArraySpec(shape=(4,), low=-1, high=1)),
        ("mission", ArraySpec(kind="text", shape=(64,), dtype="uint8")),
    )
)
ACTION: Final = ArraySpec(kind="int", dtype="int64", low=0, high=6)
VECTOR: Final = ArraySpec(shape=(8,), dtype="float32")
SLOTS: Final = {
    **dict.fromkeys(("obs", "next_obs", "initial_obs"), OBSERVATION),
    "action": ACTION,
    "vector": VECTOR,
}


def plan_of(described: Outline) -> Plan | None:
    """Give every parameter an input, as a host with one observation space would."""
    used: dict[str, Any] = {}

    def param(name: str) -> Param:
        slot = name if name in SLOTS else "vector"
        used[slot] = SLOTS[slot]
        return Param(name, slot)

    def call(function: FunctionOutline) -> Call:
        given = [p for p in function.params if p.kind in ("plain", "positional")]
        return Call(function.name, tuple(param(p.name) for p in given if not p.has_default))

    functions = {item.name: item for item in described.functions}
    if described.tasks and all(name in functions for name in described.tasks):
        tasks = tuple(call(functions[name]) for name in described.tasks)
        return Plan(schema=Schema(tuple(used.items())), tasks=tasks)
    for kind in described.classes:
        methods = {item.name: item for item in kind.methods}
        name = next((n for n in ("step", "reward", "check_and_progress") if n in methods), None)
        if name is None or kind.is_data or kind.required:
            continue
        step = call(methods[name])
        reset = call(methods["reset"]) if "reset" in methods else None
        return Plan(
            schema=Schema(tuple(used.items())), class_name=kind.name, step=step, reset=reset
        )
    if not functions:
        return None
    entry = functions.get("reward") or described.functions[-1]
    reward = call(entry)
    return Plan(schema=Schema(tuple(used.items())), reward=reward)


def columns() -> dict[str, NDArray[Any]]:
    """Give the inputs of a batch."""
    generator = np.random.default_rng(7)
    found: dict[str, NDArray[Any]] = {}
    for slot in ("obs", "next_obs", "initial_obs"):
        found[f"{slot}/image"] = generator.integers(0, 11, (ROWS, 4, 4, 3)).astype(np.uint8)
        found[f"{slot}/direction"] = generator.integers(0, 4, ROWS)
        found[f"{slot}/position"] = generator.uniform(-1, 1, (ROWS, 4))
        texts = np.zeros((ROWS, 64), np.uint8)
        texts[:, :15] = np.frombuffer(b"open a red door", np.uint8)
        found[f"{slot}/mission"] = texts
        found[f"{slot}/mission#len"] = np.full(ROWS, 15, np.int32)
    found["action"] = generator.integers(0, 7, ROWS)
    found["vector"] = generator.normal(size=(ROWS, 8)).astype(np.float32)
    for array in found.values():
        array[-1] = array[0]
    return found


# --- what a guest may hold ----------------------------------------------------------------------

_SCALARS = frozenset({int, float, bool, str, type(None), np.bool_, *(np.float16, np.float32)}) | {
    np.float64,
    *(np.dtype(code).type for code in "bhilqpBHILQP"),
}
_PLAIN: Final = _SCALARS | {
    *(list, tuple, dict, set, frozenset, range, slice, deque, defaultdict, OrderedDict, Counter),
    *(bytes, complex, type(...), type(NotImplemented)),
    *(ModuleView, TypeView, AnnotationView, NoWarnings, Grid, np.finfo, np.iinfo),
    *(TextPattern, TextMatch),
    *(np.complex64, np.complex128),
}
_PLAIN_BASES: Final = (np.dtype,)
_EMPTY: Final[tuple[Any, ...]] = (
    [],
    (),
    {},
    set(),
    "",
    "é",
    b"",
    range(0),
    range(1 << 70),
    deque(),
)
_DICT: Final[dict[Any, Any]] = {}
_ORDERED: Final[OrderedDict[Any, Any]] = OrderedDict()
_VIEWS: Final = tuple(
    view for owner in (_DICT, _ORDERED) for view in (owner.keys(), owner.values(), owner.items())
)
_ITERATORS: Final[frozenset[type]] = frozenset(
    {
        *(zip, map, filter, enumerate, reversed, types.GeneratorType, type(iter(np.zeros(1)))),
        *(type(iter(value)) for value in (*_EMPTY, _ORDERED, *_VIEWS)),
        *(type(reversed(value)) for value in (*_EMPTY[:1], _DICT, *_VIEWS)),
        *map(type, _VIEWS),
    }
)
_ITERATOR_MODULES: Final = frozenset({"itertools", "functools", "operator"})
_HOST_TYPES_ADMITTED: Final = frozenset(
    {
        *(getattr(builtins, n) for n, e in dialect.BUILTINS.items() if e.kind == "exception"),
        *(np.linalg.LinAlgError, property, staticmethod, classmethod, functools.partial),
        *(enum.auto, operator.itemgetter),
    }
)
_TABLE_OF: Final = {
    kind.__name__: frozenset(dialect.METHODS[kind.__name__])
    for kind in (
        *(str, bytes, list, tuple, dict, set, frozenset, deque, int, bool, float, range, slice),
        *(defaultdict, OrderedDict, Counter, np.ndarray),
    )
}
_FIELD: Final = type(vars(namedtuple("_Fields", "x"))["x"])  # noqa: PYI024
_PURE_MODULES: Final = frozenset({"math", "_operator", "operator", "builtins", "itertools"})
_RUNTIME_FILES: Final = ("/sandbox/", "/dataclasses.py", "/enum.py", "/typing.py")


def _unfit(value: Any, kind: type) -> str:
    """Say why no guest may hold a value; empty where it may."""
    if kind is np.ndarray:
        return "array of objects" if value.dtype.kind not in "biufc" else ""
    if kind in _ITERATORS or kind.__module__ in _ITERATOR_MODULES:
        return ""
    if kind.__module__ == guards.GUEST_MODULE:
        return ""
    if kind is types.FunctionType:
        file = value.__code__.co_filename
        known = file in (guards.GUEST_FILE, "<string>") or any(p in file for p in _RUNTIME_FILES)
        # `namedtuple` and data classes write their functions as text; the rest is the runtime's.
        return "" if known else f"function {value.__module__}.{value.__qualname__}"
    if kind is types.MethodType:
        return _unfit_bound(value)
    if kind is types.BuiltinFunctionType:
        return _unfit_builtin(value)
    if isinstance(value, type):
        mine = value.__module__ == guards.GUEST_MODULE or value in _HOST_TYPES_ADMITTED
        return "" if mine else f"type {value.__module__}.{value.__qualname__}"
    if isinstance(value, Exception):
        return ""
    if isinstance(value, _PLAIN_BASES):
        return ""
    if kind.__module__ == "enum" and kind.__name__ in ("auto", "EnumType", "EnumMeta"):
        return ""
    if kind.__module__ == "dataclasses" and kind.__name__ == "Field":
        return ""
    if kind is types.MemberDescriptorType and value.__objclass__.__module__ == guards.GUEST_MODULE:
        return ""  # a slot, read of the class itself: nothing of it can be read or called
    if kind is _FIELD:
        return ""  # likewise the field of a named tuple
    if kind in (property, staticmethod, classmethod, types.GenericAlias):
        return ""
    if kind.__module__.startswith("numpy.linalg") or kind.__name__ in (
        *("UniqueInverseResult", "UniqueCountsResult", "UniqueAllResult"),
    ):
        return "" if issubclass(kind, tuple) else f"value of {kind.__module__}.{kind.__name__}"
    if kind is np.random.Generator:
        return "random generator"
    return f"value of {kind.__module__}.{kind.__name__}"


def _unfit_bound(value: Any) -> str:
    owner = value.__self__
    kind = owner if isinstance(owner, type) else type(owner)
    if kind.__module__ == guards.GUEST_MODULE:
        return ""
    file = getattr(value.__func__, "__code__", None)
    if file is not None and "/sandbox/" in file.co_filename:
        return ""
    return f"method {kind.__module__}.{kind.__name__}.{value.__name__}"


def _unfit_builtin(value: Any) -> str:
    owner, name = value.__self__, value.__name__
    if owner is None or isinstance(owner, types.ModuleType):
        module = value.__module__ or getattr(owner, "__name__", "")
        if module == "_functools":
            fine = name in dialect.MODULES["functools"]
        elif module == "builtins":
            fine = name in dialect.BUILTINS and name not in ("getattr", "hasattr")
        elif module in ("_operator", "operator"):
            fine = name in dialect.MODULES["operator"]
        else:
            fine = module == "math" and name in dialect.MODULES["math"]
        return "" if fine else f"function {module}.{name}"
    kind = type(owner)
    if kind.__module__ == guards.GUEST_MODULE:
        return ""
    if kind is property:
        return "" if name == "setter" else f"method property.{name}"  # a decorator
    if kind in _SCALARS and kind.__module__ == "numpy":
        # Read by name and harmless on every number; no program can rely on it.
        table = frozenset(dialect.METHODS["generic"]) | {"bit_count"}
    else:
        # Bytes come of `tobytes`; what they share with texts is as harmless there.
        table = _TABLE_OF.get("str" if kind is bytes else kind.__name__, frozenset())
    return "" if name in table else f"method {kind.__name__}.{name}"


class _NoCopy:
    """Stands in for `copy` where only one tier takes the tree; parts are still copied."""

    @staticmethod
    def deepcopy(value: Any) -> Any:
        return value if isinstance(value, ast.Module) else copy.deepcopy(value)


_UNWATCHED: Final = frozenset({"$tick", "$stop", "$seen", "$write", "$own"})
_BODY_ONLY: Final = (ast.ExceptHandler, ast.ClassDef)
"""What stands in front of the body is no expression that gives a value to the program."""


def _is_test_of_a_number(node: ast.AST) -> bool:
    """Whether a node is ``x.__class__ in $numbers``, which the instrumentation writes: no source
    can spell the name, and the type goes nowhere."""
    return (
        isinstance(node, ast.Compare)
        and isinstance(node.comparators[0], ast.Name)
        and node.comparators[0].id == "$numbers"
    )


def _watched(node: Any) -> Any:
    """Put ``$seen(...)`` around what the expressions of a program give; changes the tree."""
    if isinstance(node, ast.pattern) or _is_test_of_a_number(node):
        return node
    fields = node.__dict__
    for name, value in fields.items():
        if value.__class__ is list:
            if name == "body" or not isinstance(node, _BODY_ONLY):
                value[:] = [_watched(v) if isinstance(v, ast.AST) else v for v in value]
        elif isinstance(value, ast.AST) and name != "ctx" and not isinstance(node, _BODY_ONLY):
            fields[name] = _watched(value)
    if isinstance(node, ast.Call):
        plain = isinstance(node.func, ast.Name) and node.func.id in _UNWATCHED
        return node if plain else _seen(node)
    if isinstance(node, ast.Attribute):
        of_meter = isinstance(node.value, ast.Name) and node.value.id == "$meter"
        return node if of_meter or not isinstance(node.ctx, ast.Load) else _seen(node)
    if isinstance(node, ast.Subscript):
        return _seen(node) if isinstance(node.ctx, ast.Load) else node
    if isinstance(node, ast.Name):
        known = node.id.startswith(("$view", "$module"))
        return _seen(node) if known else node
    if isinstance(node, ast.Return) and node.value is not None:
        node.value = _seen(node.value)
    return node


def _seen(node: ast.expr) -> ast.expr:
    func = ast.copy_location(ast.Name("$seen", ast.Load()), node)
    return ast.copy_location(ast.Call(func, [node], []), node)


class Oracle:
    """Runs programs and watches them. There is one of it in a process, for its whole life."""

    def __init__(
        self, limits: Limits = LIMITS, *, lean: bool = False, hang_s: float = HANG_S
    ) -> None:
        """Change this process so that every program in it is watched, for good.

        Args:
            limits: What a program may use.
            lean: Leave out what takes time and decides nothing: the validator's advice on flow
                and hazards, which parts of an observation are read, a second compilation and the copy
                of the tree that the other tier would need.
            hang_s: CPU seconds after which a program is ended.
        """
        self.limits = limits
        self._hang_s = hang_s
        if lean:
            for name in ("flow_findings", "hazard_findings", "truth_findings"):
                setattr(judge, name, lambda *_: ())
            setattr(reads.ReadsOf, "of", lambda *_: {})
            setattr(passes, "compile_findings", lambda *_: ())
            setattr(rewriting, "copy", _NoCopy)
        self._armed = False
        self._busy = False
        self._ran = False
        self._found: list[str] = []
        self._columns = columns()
        self._kept = {name: array.copy() for name, array in self._columns.items()}
        self._runs = 0
        self.last: deque[bytes] = deque(maxlen=64)
        canary = _Canary(self._note)
        self._canary = canary
        self._canary_homes: list[types.ModuleType] = [
            *(builtins, np, np.linalg, os, sys, types, threading, guards, tier, dialect)
        ]
        self._witness_everything()
        self._warm_up()
        for module in self._canary_homes:
            setattr(module, CANARY, canary)
        np.seterr(all="warn")
        self.settle()
        sys.addaudithook(self._audit)
        signal.signal(signal.SIGVTALRM, self._alarm)

    def settle(self) -> None:
        """Take the process and the tables as they are now for those that must stay."""
        self.settle_process()
        self._tables = self._state_of_tables()

    def settle_process(self) -> None:
        """Take the process as it is now for the one that must stay."""
        self._invariants = self._state_of_process()

    # --- watching -------------------------------------------------------------------------------

    def _note(self, what: str) -> None:
        if what not in self._found:
            self._found.append(what)

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._armed or self._busy:
            return
        self._busy = True
        try:
            frame = sys._getframe(1)
            file = os.path.basename(frame.f_code.co_filename)  # noqa: PTH119  it must not import
            if (event, file, frame.f_code.co_name) in RUNTIME_EVENTS:
                return
            if event == "object.__getattr__" and file in ("interpreted.py", "inspect.py"):
                return  # the signature of a data class, for its doc string
            what = args[1] if event.startswith("object.__") and len(args) > 1 else ""
            self._note(f"audit: {event} {what} in {file}:{frame.f_code.co_name}".replace("  ", " "))
        finally:
            self._busy = False
        raise EscapeError

    def _alarm(self, *_: Any) -> None:
        self._note("slow: the program does not end" if self._armed else "slow: the host's own work")
        raise HangError

    def _witness_everything(self) -> None:
        """Make the interpreted tier compile a witness into every program, from here on."""
        plain_instrument, plain_get = rewriting.instrument, Predeclared.get
        note = self._note

        def seen(value: Any) -> Any:
            kind = type(value)
            if kind in _PLAIN:
                return value
            # Looking at a function's code is an event of its own.
            self._busy = True
            problem = _unfit(value, kind)
            self._busy = False
            if problem:
                note(f"held: {problem}")
            return value

        def instrument(tree: ast.Module) -> Instrumented:
            made = plain_instrument(tree)
            return Instrumented(_watched(made.tree), made.names | {"$seen"}, made.writes)

        def get(self: Predeclared, name: str) -> Any:
            return seen if name == "$seen" else plain_get(self, name)

        setattr(tier, "instrument", instrument)
        setattr(Predeclared, "get", get)
        # Guest code runs in these two and nowhere else.
        for name in ("_run_module", "_each"):
            setattr(tier.InterpretedRunner, name, self._armed_around(name))

    def _armed_around(self, name: str) -> Callable[..., None]:
        plain = getattr(tier.InterpretedRunner, name)

        def armed(runner: tier.InterpretedRunner, *args: Any) -> None:
            self._armed = True
            try:
                plain(runner, *args)
                self._ran |= name == "_each"
            finally:
                self._armed = False

        return armed

    def _warm_up(self) -> None:
        """Run what imports late, so that no import is left for a guest to cause."""
        opencv.warm_up()
        for name in corpus_reader.names():
            source = (corpus_reader.STATE / name / "program.py").read_bytes()
            self._run(source, Seen(), whole=True)
        self._found.clear()

    def _state_of_process(self) -> dict[str, Any]:
        return {
            "built-ins": dict(builtins.__dict__),
            # A fuzzer that comes in later is not the guest's doing.
            "modules": {name for name in sys.modules if not name.startswith("atheris")},
            "NumPy's error state": np.geterr(),
            "recursion limit": sys.getrecursionlimit(),
            "threads": threading.active_count(),
            "warning filters": list(warnings.filters),
        }

    def _state_of_tables(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "dialect": dialect.digest(),
            "print": np.get_printoptions(),
            "environment": dict(os.environ),
            "working directory": os.getcwd(),  # noqa: PTH109
        }
        for name, module in list(sys.modules.items()):
            if name.startswith("sandbox") and module is not None:
                found[name] = {
                    key: id(value) for key, value in vars(module).items() if key[:2] != "__"
                }
        return found

    def _compare(self, found: dict[str, Any], kept: dict[str, Any]) -> None:
        for name, value in kept.items():
            now = found[name]
            if name == "built-ins":
                changed = {
                    key
                    for key in now.keys() | value.keys()
                    if now.get(key, name) is not value.get(key, name)
                }
            elif isinstance(value, set):
                changed = now ^ value
            elif isinstance(value, dict):
                changed = {
                    key for key in now.keys() | value.keys() if now.get(key) != value.get(key)
                }
            else:
                changed = {str(now)} if now != value else set()
            if changed:
                self._note(f"invariant: {name} changed: {', '.join(sorted(changed)[:3])}")
                kept[name] = now

    def check_tables(self) -> list[str]:
        """Look at what is too much to look at after every program."""
        self._found = []
        self._compare(self._state_of_tables(), self._tables)
        return self._found

    # --- running --------------------------------------------------------------------------------

    def run(self, source: bytes, *, whole: bool = False, again: bool = False) -> Seen:
        """Judge a source and, where it is accepted, run it on three rows.

        Args:
            source: The program.
            whole: Go the whole way of a load, with its lints and its probe batches.
            again: Whether it ran just now and took long, which is a finding the second time only.
        """
        seen = Seen()
        self._found = []
        self._ran = False
        self.last.append(source)
        self._runs += 1
        started = time.process_time()
        signal.setitimer(signal.ITIMER_VIRTUAL, self._hang_s, 1.0)
        try:
            self._run(source, seen, whole=whole)
        except (HangError, EscapeError):
            pass
        except Exception as error:
            self._note(f"host: {_origin(error)}")
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        seen.executed = self._ran
        seen.seconds = time.process_time() - started
        if seen.seconds > SLOW_S and not again and not self._found:
            # The collector may have gone through a heap of many programs: once more, without it.
            gc.collect()
            return self.run(source, whole=whole, again=True)
        if seen.seconds > SLOW_S:
            self._note("slow: more time than its fuel explains")
        self._compare(self._state_of_process(), self._invariants)
        if self._runs % 512 == 0:
            self._compare(self._state_of_tables(), self._tables)
        seen.violations = self._found
        return seen

    def _run(self, source: bytes, seen: Seen, *, whole: bool = False) -> None:
        analysis = analyse(source, "program.py", self.limits)
        tree = analysis.tree
        if analysis.outline is None or tree is None:
            seen.refused = "validator"
            return
        plan = plan_of(analysis.outline)
        if plan is None:
            seen.refused = "plan"
            return
        try:
            if whole:
                runner: Runner = build(analysis, plan, self.limits, "interpreted").runner
            else:
                runner = tier.InterpretedRunner(tree, analysis.text, plan, self.limits)
        except tier.GuestModuleError:
            seen.refused = "top level"
        except InstrumentError:
            seen.refused = "instrumentation"
        except ProgramRefusedError:
            seen.refused = "build"
        else:
            self._rows(runner, plan, seen)

    def _rows(self, runner: Runner, plan: Plan, seen: Seen) -> None:
        """Run one batch, for a class a reset and two; compare its first row with its last."""
        results = corpus_reader.outputs(ROWS, len(plan.tasks), len(runner.component_names))
        runner.bind(ROWS, self._columns, results)
        if plan.stateful:
            runner.reset()
            self._alike(runner, results)
            corpus_reader.mark_pending(results)
            runner.step()
            self._alike(runner, results)
            corpus_reader.mark_pending(results)
        runner.step()
        self._alike(runner, results)
        for name, array in self._columns.items():
            if not np.array_equal(array, self._kept[name]):
                self._note(f"invariant: observation {name} changed")
                array[...] = self._kept[name]
        seen.outcomes = tuple(results.outcome.tolist())
        seen.rewards = tuple(results.reward.tolist())
        failed = (int(results.failure[i]) for i in range(ROWS))
        seen.errors = tuple(runner.failures[k].exception for k in failed if k >= 0)

    def _alike(self, runner: Runner, results: Outputs) -> None:
        """Hold the first row against the last, which has the same inputs."""
        if results.outcome[0] == Outcome.OUT_OF_MEMORY:
            return  # memory is what the process has, not what the row did
        pairs: dict[str, NDArray[Any]] = {
            "outcome": results.outcome,
            "reward": results.reward,
            "fuel": results.fuel,
            "task": results.task_outcome,
        }
        for name, values in pairs.items():
            if not np.array_equal(values[0], values[-1], equal_nan=values.dtype.kind == "f"):
                self._note(f"invariant: rows differ in {name}")
        first, last = int(results.failure[0]), int(results.failure[-1])
        if first != last:
            # The place is left out: CPython fuses instructions after a few runs, and then says of
            # an unbound name that the one before it failed.
            texts = {
                (runner.failures[k].exception, runner.failures[k].message) for k in (first, last)
            }
            if len(texts) > 1 or -1 in (first, last):
                self._note("invariant: rows differ in failure")


def _origin(error: BaseException) -> str:
    """Give the class of an error and the place in our own code that it comes from."""
    entry, place = error.__traceback__, ""
    while entry is not None:
        code = entry.tb_frame.f_code
        if "/sandbox/" in code.co_filename:
            place = f"{os.path.basename(code.co_filename)}:{code.co_name}"  # noqa: PTH119
        entry = entry.tb_next
    return f"{type(error).__name__} in {place}"
