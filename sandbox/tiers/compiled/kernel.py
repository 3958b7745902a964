"""A plan and a tree to kernels: entries, arguments, results, and the state between steps.

Each call of the plan becomes one kernel. The top level of the program is evaluated anew for each
of them while lowering, so that constants and functions are known; it leaves no code behind.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NoReturn

import numpy as np

from sandbox.diagnostics import Span
from sandbox.limits import Limits
from sandbox.outcome import Outcome
from sandbox.parse import Places
from sandbox.plan import Call, Param, Plan
from sandbox.results import entry_of, own_returns
from sandbox.schema import ArraySpec, DictSpec, Spec
from sandbox.tiers.base import NO_FAILURE, Failure
from sandbox.tiers.compiled.core import (
    Atom,
    Block,
    For,
    If,
    Kernel,
    Let,
    Lit,
    Loop,
    Region,
    Set,
    Stmt,
    Store,
    Var,
    prune,
    regions_in,
    size_of,
    ty_of,
)
from sandbox.tiers.compiled.costs import fuel_bound, line_costs
from sandbox.tiers.compiled.deep import (
    GROWING,
    Deep,
    join_deep,
    recipe_of,
    unsettled,
    works_in_place,
)
from sandbox.tiers.compiled.firsts import Firsts
from sandbox.tiers.compiled.pairing import pair_calls
from sandbox.tiers.compiled.points import (
    ELSEWHERE,
    FALSE,
    FUEL,
    MARKER,
    STATUS,
    TRUE,
    Dead,
    Point,
    Refused,
    Target,
    i64,
)
from sandbox.tiers.compiled.recipe import Recipe
from sandbox.tiers.compiled.scans import rewrite_scans
from sandbox.tiers.compiled.scopes import Uses, assigned
from sandbox.tiers.compiled.values import (
    NONE,
    UNBOUND,
    Arr,
    Cls,
    Column,
    DictCell,
    Frame,
    NoneV,
    Num,
    Ref,
    Sel,
    Str,
    Text,
    Tup,
    Union,
    Value,
    Words,
    boolean,
)

__all__ = [
    "FAILED",
    "FOLLOWS",
    "LINE",
    "MAX_COMPONENTS",
    "UNKNOWN_FAILURE",
    "Lowered",
    "Lowering",
    "lower_program",
    "site_of",
]

_OUTCOMES: Final = 32
"""A status below 0 is ``-(outcome + 32 * n)``; ``n`` is the number of a failure, or 0."""
MAX_COMPONENTS = 64
LINE: Final = "line "
"""Before a number of a line, in what compilation tells: instructions there in one row."""
_LARGEST_KERNEL: Final = 16_000
"""Statements of one kernel; LLVM takes about a second for so many."""
UNKNOWN_FAILURE: Final = -2
"""Written as the failure of a bad row; the runner puts the number of its failure there."""
FOLLOWS: Final = "follows"
"""Region of one number: whether an earlier call of the row has used fuel."""
FAILED: Final = "failed"
"""Region of one number: how many rows have failed."""
_TOTALS = ("total", "reward")
_PICTURE: Final = 1_024
"""Elements of an input from which on it may be a picture."""


@dataclass(slots=True)
class Lowered:
    """What the front end gives: kernels and what their numbers mean.

    Attributes:
        step: The paying kernel, or None for a program of tasks alone.
        tasks: One kernel for each predicate.
        reset: Makes the state of an episode, for classes.
        sites: Failures by kernel name; see `site_of`.
        recipe: How an instance is made of the state, or None where that cannot be done.
    """

    step: Kernel | None
    tasks: list[Kernel]
    reset: Kernel | None
    components: tuple[str, ...]
    sites: dict[str, list[Failure]]
    stats: dict[str, int] = field(default_factory=dict)
    recipe: Recipe | None = None


class Lowering(Firsts):
    """Lowers one entry of a program."""

    def __init__(
        self, tree: ast.Module, plan: Plan, limits: Limits, places: Places, components: list[str]
    ) -> None:
        super().__init__(limits, places)
        self.tree = tree
        self.plan = plan
        self.components = components
        self.globals = Frame(self.number(), frozenset(assigned(tree.body)), None, "<module>")
        self.frame = self.globals
        self.returns: list[Target] = []
        self.breaks: list[Target] = []
        self.continues: list[Target] = []
        self.depth = 0
        self.givers = []
        self.begin_classes()
        self.loaded = {}
        self.begin_pictures()
        self.uses = Uses(tree)
        self.result_span: Span | None = None
        """Where results come from."""

    # -- the program's top level

    def module_level(self) -> None:
        """Evaluate the top level."""
        before = self.kept(FUEL)
        self.run(self.tree.body)
        if not self.alive:
            raise self.refuse("CMP120", "the top level of the program ends with an exception")
        # It ran once, when the program was loaded: a row does not pay for it.
        self.emit(Set(FUEL, before))
        self.sealed = dict(self.pt.heap)

    def assignment_of(self, attribute: str) -> ast.AST | None:
        """Find where the program assigns an attribute of this name last."""
        found = [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Attribute)
            and node.attr == attribute
            and isinstance(node.ctx, ast.Store)
        ]
        return max(found, key=lambda node: (node.lineno, node.col_offset), default=None)

    def top_level(self, name: str) -> Value:
        """Give a top-level name."""
        return self.pt.vars.get((self.globals.number, name), UNBOUND)

    # -- arguments

    def argument(self, param: Param) -> Value:
        """Give the value of a bound parameter."""
        spec = self.plan.spec(param)
        name = "/".join([param.slot, *(_escaped(part) for part in param.path)])
        value = self.input(name, spec)
        if not param.view:
            return value
        if not isinstance(value, Arr):
            raise self.refuse("CMP531", f"the input {name!r} is no picture")
        return self.frame_token(value) if param.view == "token" else self.reversed_channels(value)

    def input(self, name: str, spec: Spec) -> Value:
        """Give the value that a part of the inputs is."""
        if isinstance(spec, DictSpec):
            cell = Ref(self.number())
            entries = []
            for key, child in spec.fields:
                value = self.input(f"{name}/{_escaped(key)}", child)
                entries.append((("s", key), Str(key), TRUE, value))
            self.pt.heap[cell.cell] = DictCell(tuple(entries))
            return cell
        if not isinstance(spec, ArraySpec):
            return Tup(tuple(self.input(f"{name}/{k}", c) for k, c in enumerate(spec.items)))
        ty = _core_type(spec)
        if ty is None:
            raise self.refuse("CMP402", f"the input {name!r} is of dtype {spec.dtype}")
        size = 1
        for extent in spec.shape:
            size *= extent
        region = self.region(Region(name, ty, size, "input"))
        if spec.kind == "text":
            length = self.region(Region(f"{name}#len", "i32", 1, "input"))
            return Text(region, i64(0), self.cast(self.load(length, i64(0)), "i64"))
        if spec.kind in ("int", "bool"):
            atom = self.load(region, i64(0))
            return Num(atom, True, *((0, 1) if ty == "b1" else (-(2**63), 2**63 - 1)))
        if not spec.shape:
            return self.item(self.load(region, i64(0)))
        array = Arr(self.number(), spec.shape, ty)
        self.pt.heap[array.cell] = Column(region)
        return array

    # -- kernels

    def start(self) -> None:
        """Begin a row."""
        self.root = Point([])
        self.current = self.root
        self.module_level()

    root: Point

    def pay(self, value: Value) -> None:
        """Write what the paying call gave."""
        if isinstance(value, Union):

            def one(variant: Value) -> Value:
                self.pay(variant)
                return NONE

            self.spread(value, one)
            return
        self.node = None
        parts: DictCell | None = None
        total: Value | None = value
        content = None
        if isinstance(value, Tup) and len(value.items) == 2:
            second = value.items[1]
            if isinstance(second, Union):
                first = value.items[0]

                def pair(variant: Value) -> Value:
                    self.pay(Tup((first, variant)))
                    return NONE

                self.spread(second, pair)
                return
            content = self.pt.heap[second.cell] if isinstance(second, Ref) else None
            if isinstance(content, DictCell):
                total, parts = value.items[0], content
        elif isinstance(value, Ref):
            content = self.pt.heap[value.cell]
            if isinstance(content, DictCell):
                total, parts = self._total_of(value, content)
        if isinstance(total, Union):
            whole = parts is None

            def with_total(variant: Value) -> Value:
                self._pay_number(variant, parts, whole=whole)
                return NONE

            self.spread(total, with_total)
            return
        self._pay_number(total, parts, whole=value is total or total is None)

    def _total_of(self, owner: Ref, content: DictCell) -> tuple[Value | None, DictCell | None]:
        for name in _TOTALS:
            for key, _, present, item in content.entries:
                if key == ("s", name):
                    if present != TRUE:
                        raise self.refuse("CMP801", f"the key {name!r} is only there on some paths")
                    rest = tuple(e for e in content.entries if e[0] != key)
                    return item, DictCell(rest, content.factory, content.ordered)
        return None, None

    def _pay_number(self, total: Value | None, parts: DictCell | None, *, whole: bool) -> None:
        reward = None if total is None else self._plain(total)
        if reward is None:
            what = "result" if whole else "reward"
            self._bad_result(f"the {what} is {self._unpayable(total)}")
        finite: Atom = self._finite_of(reward)
        stores: list[Store] = []
        amounts: list[tuple[str, Atom]] = [("the reward", reward)]
        for _, k, present, item in () if parts is None else parts.entries:
            if not isinstance(k, Str):
                self._bad_result("a component's name is no text")
            amount = self._component(k.text, present, item, stores)
            if amount is not None:
                amounts.append((f"component {k.text[:64]!r}", amount))
                finite = self.both(finite, self._finite_of(amount))
        for store in stores:
            self.emit(store)
        # A row that ends badly writes 0.0 over it.
        self.emit(Store("out:reward", i64(0), reward))
        status = self.accumulate("i64", i64(0))

        def infinite() -> None:
            found: Atom = i64(0)
            for what, amount in reversed(amounts):
                good = self._finite_of(amount)
                found = self.op("select", "i64", good, found, self._not_finite(what, amount))
            self.emit(Set(status, found))

        self.when(boolean(self.inverse(finite)), infinite)
        self.end_row(self.op("copy", "i64", status))
        raise Dead

    def _not_finite(self, what: str, amount: Atom) -> Atom:
        """Give the status of a row for an amount that is NaN or infinite."""
        codes = []
        for value in ("nan", "inf", "-inf"):
            failure = Failure("NotFinite", "sandbox", f"{what} is {value}", self.result_span)
            codes.append(i64(-(int(Outcome.NOT_FINITE) + _OUTCOMES * self.site(failure))))
        positive = self.op("gt", "b1", amount, Lit(0.0, "f64"))
        code = self.op("select", "i64", positive, codes[1], codes[2])
        return self.op("select", "i64", self.op("ne", "b1", amount, amount), codes[0], code)

    def _bad_result(self, message: str) -> NoReturn:
        failure = Failure("BadResult", "sandbox", message[:400], self.result_span)
        self.end_row(i64(-(int(Outcome.BAD_RESULT) + _OUTCOMES * self.site(failure))))
        raise Dead

    def _unpayable(self, value: Value | None) -> str:
        """Say what a program gives in place of a number, and how to make one of it."""
        content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
        match value:
            case None:
                return "a dict without `total` or `reward`"
            case NoneV():
                return "None; want a number"
            case Arr(shape=shape):
                take = "take one element, or a sum or mean"
                if value.size == 1:
                    take = f"take [{', '.join('0' * len(shape))}]"
                return f"an array of shape {shape}; want a number: {take}"
            case Str() | Text():
                return "text (a str); want a number"
            case Tup(items=items, cls="tuple"):
                return f"a tuple of {len(items)}; want a number, or (number, {{name: number}})"
        if isinstance(content, DictCell):
            return "a dict; want a number"
        return f"{self.described(value)}; want a number"

    def _component(self, name: str, present: Atom, item: Value, stores: list[Store]) -> Atom | None:
        if name not in self.components:
            if len(self.components) >= MAX_COMPONENTS:
                raise self.refuse("CMP802", f"more than {MAX_COMPONENTS} components")
            self.components.append(name)
        index = self.components.index(name)
        if present == FALSE:
            return None
        found = self.spread(item, lambda v: self._number_or_bad(name, v))
        assert isinstance(found, Num)
        part = self.op("select", "f64", present, found.atom, Lit(0.0, "f64"))
        stores.append(Store(f"out:c{index}", i64(0), part))
        stores.append(Store(f"out:p{index}", i64(0), present))
        return part

    def _number_or_bad(self, name: str, item: Value) -> Value:
        found = self._plain(item)
        if found is None:
            self._bad_result(f"component {name[:64]!r} is {self._unpayable(item)}")
        return Num(found)

    def _finite_of(self, atom: Atom) -> Atom:
        # NaN and infinity minus themselves are NaN: two instructions and no constant.
        rest = self.op("sub", "f64", atom, atom)
        return self.op("eq", "b1", rest, rest)

    def _plain(self, value: Value) -> Atom | None:
        """Give a result as a double; None where it is no number."""
        if isinstance(value, Arr) and not value.shape:
            return self.cast(self.get(value, ()), "f64")
        return self.cast(value.atom, "f64") if isinstance(value, Num) else None

    def judge(self, value: Value) -> None:
        """Write what a predicate gave."""

        def one(variant: Value) -> Value:
            match variant:
                case Num() | NoneV() | Tup() | Ref() | Arr() | Sel() | Str() | Text() | Words():
                    if isinstance(variant, Words) or (
                        isinstance(variant, Ref)
                        and type(self.pt.heap[variant.cell]).__name__ == "ObjCell"
                    ):
                        self._no_truth(variant)
                    return Num(self.truth(variant).atom)
            self._no_truth(variant)

        found = self.spread(value, one)
        assert isinstance(found, Num)
        self.emit(Store("out:task", i64(0), found.atom))
        self.end_row(i64(0))
        raise Dead

    def _no_truth(self, value: Value) -> NoReturn:
        kind = self.described(value)
        self._bad_result(f"the result is {kind}, which says neither yes nor no; want a bool")

    def finish(self, name: str, outputs: list[Region], follows: bool | None) -> Kernel:
        """Close the row and give the kernel: what it left in status and fuel is written last.

        Args:
            name: Of the kernel.
            outputs: Regions that every kernel of this kind has.
            follows: Whether an earlier call of the row has used fuel that this one goes on from;
                None where only the run tells.
        """
        for region in outputs:
            self.regions[region.name] = region
        body: list[Stmt] = []
        if "out:task" in self.regions:
            body.append(Store("out:task", i64(0), FALSE))
        for index in range(len(self.components)):
            if f"out:c{index}" in self.regions:
                body.append(Store(f"out:c{index}", i64(0), Lit(0.0, "f64")))
                body.append(Store(f"out:p{index}", i64(0), FALSE))
        if follows is None:
            before, going, used = Var("before", "i64"), Var("going", "b1"), Var("used", "i64")
            earlier = Var("follows", "i64")
            body += [
                Let(before, "load", (i64(0),), "out:fuel"),
                Let(earlier, "load", (i64(0),), self.region(Region(FOLLOWS, "i64", 1, "scratch"))),
                Let(going, "ne", (earlier, i64(0))),
                Let(used, "select", (going, before, i64(0))),
                Set(FUEL, used),
            ]
        elif follows:
            before = Var("before", "i64")
            body += [Let(before, "load", (i64(0),), "out:fuel"), Set(FUEL, before)]
        else:
            body.append(Set(FUEL, i64(0)))
        body.append(Block(self.root.block, self.row.label))
        # A status above 0 is the number of a failure, below 0 the negative of the outcome. What
        # only a bad row needs is written by bad rows alone: a good one writes as little as it can.
        raised, good = Var("raised", "b1"), Var("good", "b1")
        negative, code, byte = Var("negative", "i64"), Var("code", "i64"), Var("byte", "u8")
        failed, total, kind = Var("failed", "i64"), Var("total", "i64"), Var("kind", "i64")
        over, spent = Var("over", "b1"), Var("spent", "i64")
        bad: list[Stmt] = [
            Let(raised, "gt", (STATUS, i64(0))),
            Let(negative, "neg", (STATUS,)),
            Let(kind, "and", (negative, i64(_OUTCOMES - 1))),
            Let(code, "select", (raised, i64(1), kind)),
            Let(byte, "cast", (code,)),
            Let(failed, "load", (i64(0),), FAILED),
            Let(total, "add", (failed, i64(1))),
            Store(FAILED, i64(0), total),
            Store("out:status", i64(0), STATUS),
            Store("out:failure", i64(0), Lit(UNKNOWN_FAILURE, "i32")),
            Store(MARKER, i64(0), byte),
        ]
        if "out:reward" in self.regions:
            bad.insert(0, Store("out:reward", i64(0), Lit(0.0, "f64")))
        fine: list[Stmt] = [
            Store("out:failure", i64(0), Lit(NO_FAILURE, "i32")),
            Store(MARKER, i64(0), Lit(int(Outcome.OK), "u8")),
        ]
        body += [
            Let(over, "gt", (FUEL, i64(self.limits.fuel))),
            Let(spent, "select", (over, i64(self.limits.fuel), FUEL)),
            Store("out:fuel", i64(0), spent),
            Let(good, "eq", (STATUS, i64(0))),
            If(good, fine, bad),
        ]
        kernel = Kernel(name, body, dict(self.regions))
        prune(kernel.body)
        self.stats["scans"] = rewrite_scans(kernel, self.limits.fuel, self.lines)
        prune(kernel.body)
        pair_calls(kernel)
        touched = regions_in(kernel.body)
        kernel.regions = {
            name: region
            for name, region in kernel.regions.items()
            if name in touched or region.kind == "output"
        }
        bound = fuel_bound(kernel)
        self.stats["fuel_bound"] = -1 if bound is None else bound
        for line, cost in line_costs(kernel, self.lines).items():
            self.stats[f"{LINE}{line}"] = cost
        if size_of(kernel.body) > _LARGEST_KERNEL:
            raise self.refuse("CMP911", "the program unfolds into too much code")
        return kernel


def site_of(status: int) -> int | None:
    """Give the index among its kernel's sites of what a row ended with, if it has one."""
    if status > 0:
        return status - 1
    number = -status // _OUTCOMES
    return number - 1 if number else None


def _goes_elsewhere(body: list[Stmt]) -> bool:
    """Whether a row may be handed over to the interpreted tier somewhere in a body."""
    for item in body:
        match item:
            case Set(var=var, value=Lit(value=value)) if var == STATUS and value == ELSEWHERE:
                return True
            case If(then=then, other=other):
                if _goes_elsewhere(then) or _goes_elsewhere(other):
                    return True
            case For(body=inner) | Loop(body=inner) | Block(body=inner):
                if _goes_elsewhere(inner):
                    return True
    return False


def lower_program(tree: ast.Module, plan: Plan, limits: Limits, places: Places) -> Lowered:
    """Lower all calls of a plan.

    Raises:
        Refused: If the program has something that this tier does not take.
    """
    # What a program does with a picture in a turn of a loop is long, so a loop stays one at first.
    for rolled in (True, False) if _has_pictures(plan) else (False,):
        grids: list[bool] = []
        order = False
        try:
            return _lower_calls(tree, plan, limits, places, grids, rolled)
        except Refused as refused:
            order = refused.code == "CMP317"
            if not grids and not rolled and not order:
                raise
        if grids or order:
            # Where something asks for the order of keys, no container can be an array over all keys.
            try:
                return _lower_calls(tree, plan, limits, places, None, rolled)
            except Refused:
                if not rolled:
                    raise
    raise AssertionError


def _has_pictures(plan: Plan) -> bool:
    """Whether some input is large, as a frame is."""
    return any(math.prod(column.spec.shape) >= _PICTURE for column in plan.schema.columns())


def _lower_calls(  # noqa: PLR0917 - the choices of one attempt
    tree: ast.Module,
    plan: Plan,
    limits: Limits,
    places: Places,
    grids: list[bool] | None,
    rolled: bool,
) -> Lowered:
    """Lower all calls; note in ``grids`` if grids are used, or use none where it is None."""
    components: list[str] = []
    sites: dict[str, list[Failure]] = {}
    stats: dict[str, int] = {}
    common = [
        Region("out:status", "i64", 1, "output"),
        Region("out:fuel", "i64", 1, "output"),
        Region(FAILED, "i64", 1, "scratch"),
    ]
    of_row = [Region(MARKER, "u8", 1, "output"), Region("out:failure", "i32", 1, "output")]
    count = len(plan.tasks)
    of_task = [
        Region(MARKER, "u8", 1, "output", count),
        Region("out:failure", "i32", 1, "output", count),
        Region("out:task", "b1", 1, "output", count),
    ]

    named = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}

    def begin(task: Call | None = None) -> Lowering:
        made = Lowering(tree, plan, limits, places, components)
        entry = entry_of(tree, plan) if task is None else named.get(task.function)
        made.result_span = _result_span(entry, places)
        made.grids = grids
        made.tables_only = grids is None
        made.rolled = rolled
        made.start()
        return made

    def done(lowering: Lowering, name: str, outputs: list[Region], follows: bool | None) -> Kernel:
        kernel = lowering.finish(name, [*common, *outputs], follows)
        sites[name] = lowering.sites
        for key, value in lowering.stats.items():
            # Calls of a row share its fuel; a bound of all needs one of each.
            if name == "reset" and (key == "fuel_bound" or key.startswith(LINE)):
                continue
            none = key == "fuel_bound" and -1 in (value, stats.get(key, 0))
            stats[key] = -1 if none else stats.get(key, 0) + value
        return kernel

    tasks = []
    for index, call in enumerate(plan.tasks):
        lowering = begin(call)
        lowering.region(Region("out:task", "b1", 1, "output"))
        with lowering.path():
            lowering.judge(
                lowering.call(lowering.top_level(call.function), _args(lowering, call), {})
            )
        # The first task comes first in a step, and after the reset of a class in a reset.
        first = None if plan.class_name is not None else False
        tasks.append(done(lowering, f"task{index}", of_task, True if index else first))

    def pay_regions(lowering: Lowering) -> None:
        lowering.region(Region("out:reward", "f64", 1, "output"))
        for index in range(MAX_COMPONENTS):
            lowering.regions[f"out:c{index}"] = Region(f"out:c{index}", "f64", 1, "output")
            lowering.regions[f"out:p{index}"] = Region(f"out:p{index}", "b1", 1, "output")

    def drop_regions(lowering: Lowering) -> None:
        for index in range(len(components), MAX_COMPONENTS):
            del lowering.regions[f"out:c{index}"], lowering.regions[f"out:p{index}"]

    if plan.reward is not None:
        lowering = begin()
        pay_regions(lowering)
        call = plan.reward
        with lowering.path():
            lowering.pay(
                lowering.call(lowering.top_level(call.function), _args(lowering, call), {})
            )
        drop_regions(lowering)
        step = done(lowering, "reward", of_row, bool(plan.tasks))
        return Lowered(step, tasks, None, tuple(components), sites, stats)
    if plan.class_name is None:
        return Lowered(None, tasks, None, (), sites, stats)
    reset, deep = _lower_reset(begin, plan, None)
    step_lowering = None
    copying = False
    for attempt in range(16):
        step_lowering, found = _lower_step(begin, plan, deep, pay_regions, copying)
        if found == deep:
            in_place = works_in_place(deep)
            if copying or not in_place or not _goes_elsewhere(step_lowering.root.block):
                break
            # A row that is handed over leaves the state as it was.
            copying = True
            continue
        before, deep = deep, join_deep(deep, found, attempt > 1)
    else:
        attribute, grown = unsettled(before, deep)
        code, message = ("CMP703", GROWING) if grown else ("CMP705", "never settles on one type")
        raise begin().refuse_kept(code, message, attribute)
    reset, _ = _lower_reset(begin, plan, deep)
    drop_regions(step_lowering)
    step = done(step_lowering, "step", of_row, bool(plan.tasks))
    made = done(reset, "reset", of_row, False)
    recipe = recipe_of(deep)
    return Lowered(step, tasks, made, tuple(components), sites, stats, recipe)


def _args(lowering: Lowering, call: Call) -> list[Value]:
    return [lowering.argument(param) for param in call.params]


def _lower_reset(
    begin: Callable[[], Lowering], plan: Plan, deep: Deep | None
) -> tuple[Lowering, Deep]:
    lowering = begin()
    assert plan.class_name is not None
    cls = lowering.top_level(plan.class_name)
    assert isinstance(cls, Cls)
    found: Deep | None = None
    with lowering.path():
        owner = lowering.call(cls, [], {})
        assert isinstance(owner, Ref)
        for call in (plan.reset, plan.first):
            if call is not None:
                lowering.call_method(owner, call.function, _args(lowering, call))
        found = lowering.deep_of(owner, set())
        if deep is not None:
            lowering.store_state(deep, "self", owner)
        lowering.end_row(i64(0))
    if found is None:
        raise lowering.refuse("CMP706", "`reset` always raises")
    return lowering, found


def _lower_step(
    begin: Callable[[], Lowering],
    plan: Plan,
    deep: Deep,
    regions: Callable[[Lowering], None],
    copying: bool,
) -> tuple[Lowering, Deep]:
    lowering = begin()
    lowering.copying = copying
    regions(lowering)
    assert plan.step is not None
    owner = lowering.load_state(deep, "self")
    assert isinstance(owner, Ref)
    after = [deep]

    def keep() -> None:
        now = lowering.deep_of(owner, set())
        joined = join_deep(after[0], now, False)
        after[0] = joined
        if joined == deep:
            lowering.store_state(deep, "self", owner)

    lowering.write_back = keep
    with lowering.path():
        args = _args(lowering, plan.step)
        lowering.pay(lowering.call_method(owner, plan.step.function, args))
    return lowering, after[0]


def _result_span(entry: ast.FunctionDef | None, places: Places) -> Span | None:
    """Give the place where results come from, as the interpreted tier says it."""
    if entry is None:
        return None
    returns = list(own_returns(entry))
    return places.at(returns[0]) if len(returns) == 1 else places.name_span(entry)


def _core_type(spec: ArraySpec) -> str | None:
    return ty_of(np.dtype(spec.dtype))


def _escaped(part: str | int) -> str:
    return str(part).replace("%", "%25").replace("/", "%2F").replace("#", "%23")
