"""Findings that need the order of statements: what is assigned, what is returned, what is dead.

One forward walk per function over sets of assigned names. It knows which loops run at least
once and which never end by themselves, and nothing of values, so two `if`s on the same condition
look like four paths; that is why an unassigned name is a warning. Whether it is really assigned
is decided on each row, where reading it is an error.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from sandbox.diagnostics import Finding
from sandbox.parse import Places
from sandbox.returns import result_kinds
from sandbox.rules import RULES
from sandbox.scopes import Module, Scope, arguments_of, target_names, walk_own
from sandbox.state import state_findings
from sandbox.trees import child_nodes, walk

__all__ = ["flow_findings"]

_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def flow_findings(tree: ast.Module, places: Places, module: Module) -> Iterator[Finding]:
    """Judge the flow of every function and method of a tree."""
    helpers = _may_give_none(tree)
    stores = Counter(
        item.attr
        for item in walk(tree)
        if isinstance(item, ast.Attribute) and isinstance(item.ctx, ast.Store)
    )
    for node in walk(tree):
        if isinstance(node, ast.FunctionDef):
            scope = module.scope.get(node)
            if scope is not None:
                yield from _Flow(node, places, scope, may_end=node.name in helpers).run()
                yield from _unused(node, places, scope)
        elif isinstance(node, ast.ClassDef):
            yield from state_findings(node, stores, places, module)
        if isinstance(node, ast.Expr):
            yield from _no_effect(node, places)
        elif isinstance(node, ast.Compare):
            yield from _float_equality(node, places)
        elif isinstance(node, ast.While) and _always(node.test) and not _leaves(node):
            span = places.at(node.test)
            yield RULES["SBX626"].finding(span)
    yield from result_kinds(tree, places)
    yield from _again(tree.body, places)
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from _again(node.body, places)


def _may_give_none(tree: ast.Module) -> frozenset[str]:
    """Give the functions that the program calls itself, if it asks anywhere for None.

    A helper that finds something or falls off its end is ordinary then.
    """
    called: set[str] = set()
    asks = False
    for node in walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                called.add(node.func.attr)
            elif isinstance(node.func, ast.Name):
                called.add(node.func.id)
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Is | ast.IsNot):
            asks = True
    return frozenset(called) if asks else frozenset()


@dataclass(slots=True)
class _Loop:
    """What is assigned where a loop is left by ``break``."""

    breaks: list[frozenset[str]] = field(default_factory=list)


class _Flow:
    """Definite assignment and dead code of one function. A state of None is unreachable."""

    def __init__(
        self, node: ast.FunctionDef, places: Places, scope: Scope, *, may_end: bool
    ) -> None:
        self.node = node
        self.may_end = may_end
        self.places = places
        # `global` is refused; that is enough to say about its names.
        elsewhere = {
            name for item in walk(node) if isinstance(item, ast.Global) for name in item.names
        }
        self.local = frozenset(
            name
            for name, found in scope.bound.items()
            if name not in elsewhere
            and not any(item.kind in ("param", "module", "member", "refused") for item in found)
        )
        self.deleted: set[str] = set()
        self.found: list[Finding] = []
        self.said: set[str] = set()
        self.loops: list[_Loop] = []
        self.falls_off = False

    def run(self) -> list[Finding]:
        state = self.block(self.node.body, frozenset())
        values = [item for item in walk_body(self.node) if isinstance(item, ast.Return)]
        with_value = [item for item in values if item.value is not None]
        if state is not None and with_value and not self.may_end and not _only_none(with_value):
            span = self.places.name_span(self.node)
            self.found.append(RULES["SBX605"].finding(span, name=self.node.name))
        return self.found

    # -- statements ----------------------------------------------------------------------------

    def block(self, body: list[ast.stmt], state: frozenset[str] | None) -> frozenset[str] | None:
        for index, statement in enumerate(body):
            if state is None:
                before = body[index - 1] if index else statement
                self.found.append(
                    RULES["SBX607"].finding(
                        self.places.at(before), name=type(before).__name__.lower()
                    )
                )
                return None
            state = self.statement(statement, state)
        return state

    def statement(self, node: ast.stmt, state: frozenset[str]) -> frozenset[str] | None:
        if isinstance(node, ast.Return | ast.Raise):
            self.reads(node, state)
            return None
        if isinstance(node, ast.Break):
            if self.loops:
                self.loops[-1].breaks.append(state)
            return None
        if isinstance(node, ast.Continue):
            return None
        if isinstance(node, ast.If):
            state = self.reads(node.test, state)
            first = self.block(node.body, state)
            second = self.block(node.orelse, state) if node.orelse else state
            if isinstance(node.test, ast.Constant):
                return first if node.test.value else second
            return _join([first, second])
        if isinstance(node, ast.For):
            return self.for_loop(node, state)
        if isinstance(node, ast.While):
            return self.while_loop(node, state)
        if isinstance(node, ast.Try):
            return self.try_block(node, state)
        if isinstance(node, ast.With):
            for item in node.items:
                state = self.reads(item.context_expr, state)
                if item.optional_vars is not None:
                    state = self.writes(item.optional_vars, state)
            return self.block(node.body, state)
        if isinstance(node, ast.Match):
            return self.match_block(node, state)
        if isinstance(node, ast.Assert):
            return self.reads(node.test, state)
        return self.simple(node, state)

    def simple(self, node: ast.stmt, state: frozenset[str]) -> frozenset[str]:
        if isinstance(node, ast.Assign):
            state = self.reads(node.value, state)
            for target in node.targets:
                state = self.writes(target, state)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                state = self.writes(node.target, self.reads(node.value, state))
        elif isinstance(node, ast.AugAssign):
            if isinstance(node.target, ast.Name):
                self.read_name(node.target, state)
            state = self.writes(node.target, self.reads(node.value, state))
        elif isinstance(node, ast.FunctionDef):
            for item in (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults):
                if item is not None:
                    state = self.reads(item, state)
            state |= {node.name}
        elif isinstance(node, ast.ClassDef):
            state |= {node.name}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            state |= {(item.asname or item.name).split(".")[0] for item in node.names}
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self.read_name(target, state)
                    state -= {target.id}
                else:
                    state = self.reads(target, state)
        else:
            state = self.reads(node, state)
        return state

    def for_loop(self, node: ast.For, state: frozenset[str]) -> frozenset[str] | None:
        state = self.reads(node.iter, state)
        self.loops.append(_Loop())
        inside = self.writes(node.target, state)
        end = self.block(node.body, inside)
        loop = self.loops.pop()
        if _runs(node.iter):
            done: frozenset[str] | None = end
            # A `continue` also reaches the end; what it had assigned is at least `inside`.
            if any(isinstance(item, ast.Continue) for item in walk_body(node)):
                done = inside
        else:
            done = state
        if node.orelse and done is not None:
            done = self.block(node.orelse, done)
        return _join([done, *loop.breaks])

    def while_loop(self, node: ast.While, state: frozenset[str]) -> frozenset[str] | None:
        state = self.reads(node.test, state)
        self.loops.append(_Loop())
        self.block(node.body, state)
        loop = self.loops.pop()
        if _always(node.test):
            return _join(list(loop.breaks))
        done: frozenset[str] | None = state
        if node.orelse:
            done = self.block(node.orelse, state)
        return _join([done, *loop.breaks])

    def try_block(self, node: ast.Try, state: frozenset[str]) -> frozenset[str] | None:
        end = self.block(node.body, state)
        if node.orelse and end is not None:
            end = self.block(node.orelse, end)
        ends = [end]
        for handler in node.handlers:
            # Anything in the body may have raised, so only what held before it holds here.
            inside = state | ({handler.name} if handler.name else set())
            after = self.block(handler.body, inside)
            ends.append(after - {handler.name} if after is not None and handler.name else after)
        joined = _join(ends)
        if not node.finalbody:
            return joined
        final = self.block(node.finalbody, state)
        if final is None or joined is None:
            return None
        return joined | final

    def match_block(self, node: ast.Match, state: frozenset[str]) -> frozenset[str] | None:
        state = self.reads(node.subject, state)
        ends: list[frozenset[str] | None] = []
        total = False
        for case in node.cases:
            names = {
                item.name
                for item in walk(case.pattern)
                if isinstance(item, ast.MatchAs | ast.MatchStar) and item.name
            }
            inside = state | names
            if case.guard is not None:
                inside = self.reads(case.guard, inside)
            elif isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None:
                total = True
            ends.append(self.block(case.body, inside))
        return _join(ends if total else [*ends, state])

    # -- expressions ---------------------------------------------------------------------------

    def reads(self, node: ast.AST, state: frozenset[str]) -> frozenset[str]:
        """Check the names that an expression reads, in order; give the state behind it."""
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                self.read_name(node, state)
            return state
        if isinstance(node, ast.NamedExpr):
            return self.reads(node.value, state) | {node.target.id}
        if isinstance(node, ast.BoolOp):
            after = self.reads(node.values[0], state)
            inner = after
            for value in node.values[1:]:
                inner = self.reads(value, inner)
            return after
        if isinstance(node, ast.IfExp):
            state = self.reads(node.test, state)
            first, second = self.reads(node.body, state), self.reads(node.orelse, state)
            return first & second
        if isinstance(node, ast.Lambda):
            # Its body runs later, when more may be assigned.
            for item in (*node.args.defaults, *node.args.kw_defaults):
                if item is not None:
                    state = self.reads(item, state)
            return state
        if isinstance(node, _COMPREHENSIONS):
            state = self.reads(node.generators[0].iter, state)
            if isinstance(node, ast.GeneratorExp):
                return state
            own = frozenset(
                name.id for part in node.generators for name in target_names(part.target)
            )
            inside = state | own
            for index, part in enumerate(node.generators):
                if index:
                    inside = self.reads(part.iter, inside)
                for test in part.ifs:
                    inside = self.reads(test, inside)
            results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            for result in results:
                self.reads(result, inside)
            return state
        for child in child_nodes(node):
            state = self.reads(child, state)
        return state

    def writes(self, target: ast.expr, state: frozenset[str]) -> frozenset[str]:
        if isinstance(target, ast.Name):
            return state | {target.id}
        if isinstance(target, ast.Tuple | ast.List):
            for item in target.elts:
                state = self.writes(item, state)
            return state
        if isinstance(target, ast.Starred):
            return self.writes(target.value, state)
        return self.reads(target, state)

    def read_name(self, node: ast.Name, state: frozenset[str]) -> None:
        name = node.id
        if name in self.local and name not in state and name not in self.said:
            self.said.add(name)
            place = self.places.at(node)
            self.found.append(RULES["SBX601"].finding(place, name=name, where="branch"))


def walk_body(node: ast.FunctionDef | ast.For | ast.While) -> Iterator[ast.AST]:
    """Go through the body of a statement without entering functions or classes inside."""
    for statement in node.body:
        yield from walk_own(statement)


def _join(states: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    known = [state for state in states if state is not None]
    return frozenset.intersection(*known) if known else None


def _runs(node: ast.expr) -> bool:
    """Whether a loop over this expression has at least one turn, as far as the text shows."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return bool(node.elts) and not any(isinstance(item, ast.Starred) for item in node.elts)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "range":
            values = [item.value if isinstance(item, ast.Constant) else None for item in node.args]
            if len(values) == 1 and isinstance(values[0], int):
                return values[0] > 0
            if len(values) == 2 and isinstance(values[0], int) and isinstance(values[1], int):
                return values[0] < values[1]
        elif node.func.id in ("enumerate", "reversed", "sorted") and node.args:
            return _runs(node.args[0])
        elif node.func.id == "zip" and node.args:
            return all(_runs(item) for item in node.args)
    return False


def _always(test: ast.expr) -> bool:
    return isinstance(test, ast.Constant) and bool(test.value)


def _leaves(node: ast.While) -> bool:
    """Whether a loop has a way out of its own: ``break``, ``return`` or ``raise``."""
    waiting: list[tuple[ast.AST, bool]] = [(item, False) for item in node.body]
    while waiting:
        item, inner = waiting.pop()
        if isinstance(item, ast.Return | ast.Raise) or (isinstance(item, ast.Break) and not inner):
            return True
        if isinstance(item, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            continue
        deeper = inner or isinstance(item, ast.For | ast.While)
        waiting.extend((child, deeper) for child in child_nodes(item))
    return False


def _only_none(values: list[ast.Return]) -> bool:
    return all(isinstance(item.value, ast.Constant) and item.value.value is None for item in values)


def _unused(node: ast.FunctionDef, places: Places, scope: Scope) -> Iterator[Finding]:
    """Find names that are assigned by plain statements only and never read."""
    read: set[str] = set()
    plain: dict[str, ast.Name] = {}
    for item in walk(node):
        if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Load | ast.Del):
            read.add(item.id)
        elif isinstance(item, ast.Nonlocal):
            read.update(item.names)
    for item in walk_body(node):
        targets: list[ast.expr] = []
        if isinstance(item, ast.Assign):
            targets = item.targets
        elif isinstance(item, ast.AugAssign | ast.AnnAssign):
            targets = [item.target]
        for target in targets:
            if isinstance(target, ast.Name):
                plain.setdefault(target.id, target)
    params = {arg.arg for arg in arguments_of(node.args)}
    for name, target in plain.items():
        if name in read or name.startswith("_") or name in params or name not in scope.bound:
            continue
        if all(binding.kind == "value" for binding in scope.bound[name]):
            yield RULES["SBX619"].finding(places.at(target), name=name)


def _no_effect(node: ast.Expr, places: Places) -> Iterator[Finding]:
    if isinstance(node.value, ast.Compare) and any(isinstance(op, ast.Eq) for op in node.value.ops):
        yield RULES["SBX624"].finding(places.at(node.value))


def _float_equality(node: ast.Compare, places: Places) -> Iterator[Finding]:
    sides = [node.left, *node.comparators]
    for op, left, right in zip(node.ops, sides, sides[1:], strict=False):
        if not isinstance(op, ast.Eq | ast.NotEq):
            continue
        for side, other in ((left, right), (right, left)):
            value = side.value if isinstance(side, ast.Constant) else None
            written = isinstance(value, float) and value != round(value) and not _same(other, value)
            if written or _is_irrational(side) or (_is_computed(side) and not _is_whole(other)):
                span = places.at(node)
                names = [places.text(item) for item in (left, right)]
                yield RULES["SBX608"].finding(span, left=names[0], right=names[1])
                break


def _is_irrational(node: ast.expr) -> bool:
    """Whether an expression is ``np.pi`` or ``math.e``."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr in ("pi", "e", "tau")
        and isinstance(node.value, ast.Name)
        and node.value.id in ("np", "numpy", "math")
    )


def _is_computed(node: ast.expr) -> bool:
    """Whether an expression certainly is a rounded result: ``a + 0.1``, ``math.sqrt(x)``."""
    if isinstance(node, ast.BinOp):
        parts = [item.value for item in (node.left, node.right) if isinstance(item, ast.Constant)]
        broken = any(isinstance(value, float) and value % 1 for value in parts)
        return broken and isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div)
    func = node.func if isinstance(node, ast.Call) else None
    name = func.attr if isinstance(func, ast.Attribute) else ""
    return name in ("sqrt", "norm", "hypot", "sin", "cos", "tan", "exp", "log", "arctan2")


def _is_whole(node: ast.expr) -> bool:
    """Whether a number is written without a fraction, as in a test against 0."""
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and not node.value % 1
    )


def _same(node: ast.expr, value: float) -> bool:
    return isinstance(node, ast.Constant) and node.value == value


def _again(body: list[ast.stmt], places: Places) -> Iterator[Finding]:
    """Find a second ``def`` or ``class`` of one name in the same block."""
    seen: dict[str, ast.stmt] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            before = seen.get(node.name)
            if before is not None:
                span = places.name_span(node)
                yield RULES["SBX627"].finding(span, name=node.name, line=before.lineno)
            seen[node.name] = node
