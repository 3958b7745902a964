"""Tree and plan to findings: what the paying function adds up, and what it leaves out.

Two habits of generated rewards show in the text of the function that pays. A *bonus without a
latch* is a constant that is paid on every step on which a predicate of the state holds, so the
agent that stands still at a milestone earns more than the one that goes on. A *component left out*
is computed, named like a part of the reward, returned beside the total, and no part of it.

The pass takes the total apart into the terms that are added up, through names, ``+=``, dicts that
are summed and conditional expressions, and asks of every condition which inputs it depends on.
What depends on both observations, on the action, on time or on ``self`` may well be paid once, so
nothing is said of it; nor of a program whose only payment is the bonus, which is a sparse reward.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from sandbox.diagnostics import Finding
from sandbox.parse import Places
from sandbox.plan import Plan
from sandbox.results import TOTALS, entry_of
from sandbox.rules import RULES
from sandbox.trees import child_nodes, walk

__all__ = ["payment_findings"]

_MOST_NODES: Final = 4000
"""Functions beyond this are not looked at: no program that people read has one."""
_DEPTH: Final = 12
_TRUTH_DEPTH: Final = 3
_MOST_TERMS: Final = 60
_MOST_STEPS: Final = 2000
_PART: Final = re.compile(r"reward|bonus|penalt|cost|shaping|incentive")
_GOAL: Final = re.compile(r"goal|success|solved|finish|complete|target|^(won|win|done)$|_done$")
_WRAPPERS: Final = frozenset({"float", "int", "bool", "round", "float64", "float32"})
_TRUTHS: Final = frozenset({"any", "all", "array_equal", "isclose", "bool"})
_MODULES: Final = frozenset({"np", "numpy", "math"})


@dataclass(frozen=True, slots=True)
class _Guard:
    """The conditions under which a statement runs, innermost first.

    Attributes:
        holds: False in an ``else`` branch, which runs where the condition does not hold.
    """

    test: ast.expr
    outer: _Guard | None
    holds: bool = True

    def tests(self) -> Iterator[ast.expr]:
        guard: _Guard | None = self
        while guard is not None:
            yield guard.test
            guard = guard.outer


@dataclass(frozen=True, slots=True)
class _Given:
    """One way in which a name gets a value.

    Attributes:
        adds: Whether the value is added to the one before: ``+=`` 1.0, ``-=`` -1.0.
        key: Whether it is stored under a key of the name.
    """

    value: ast.expr
    guard: _Guard | None
    adds: float | None = None
    key: bool = False


@dataclass(frozen=True, slots=True)
class _Bonus:
    """A constant that is paid where conditions hold.

    Attributes:
        holds: Whether it is paid where the innermost condition holds, or where it does not.
    """

    amount: float
    place: ast.expr
    tests: tuple[ast.expr, ...]
    holds: bool = True


@dataclass(slots=True)
class _Terms:
    """What is added up.

    Attributes:
        bonuses: Constants behind a condition.
        others: How many terms are something else; constants that always hold included.
        steps: How many expressions were looked at, so that no text can make this slow.
    """

    bonuses: list[_Bonus] = field(default_factory=list)
    others: int = 0
    steps: int = 0


def payment_findings(tree: ast.Module, plan: Plan, places: Places) -> Iterator[Finding]:
    """Judge what the paying call of a plan adds up.

    Args:
        tree: A validated tree.
        plan: What is called.
        places: Of the source.
    """
    entry = entry_of(tree, plan)
    call = plan.reward or plan.step
    if entry is None or call is None or sum(1 for _ in walk(entry)) > _MOST_NODES:
        return
    inputs = {param.name: _moment(param.slot) for param in call.params}
    function = _Function(tree, entry, inputs)
    yield from function.unlatched(places)
    yield from function.left_out(places)


def _moment(slot: str) -> str:
    return {"next_obs": "after", "obs": "before", "initial_obs": "first"}.get(slot, "other")


class _Function:
    """The paying function: what its names are given, and what it returns."""

    def __init__(self, tree: ast.Module, entry: ast.FunctionDef, inputs: dict[str, str]) -> None:
        self.entry = entry
        self.inputs = inputs
        first = [arg.arg for arg in (*entry.args.posonlyargs, *entry.args.args)][:1]
        self.own = first[0] if first and first[0] not in inputs else ""
        self.given: dict[str, list[_Given]] = {}
        self.returned: list[tuple[ast.expr, _Guard | None]] = []
        self.numbers: dict[str, float] = {}
        for node in tree.body:
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                target, value = node.targets[0], _number(node.value)
                if isinstance(target, ast.Name) and value is not None:
                    self.numbers[target.id] = value
        self.block(entry.body, None)
        self.params = frozenset(
            arg.arg for arg in (*entry.args.posonlyargs, *entry.args.args, *entry.args.kwonlyargs)
        )

    # -- reading -------------------------------------------------------------------------------

    def block(self, body: Iterable[ast.stmt], guard: _Guard | None) -> None:
        for statement in body:
            self.statement(statement, guard)
            if isinstance(statement, ast.If) and _ends(statement.body) and not statement.orelse:
                guard = _Guard(statement.test, guard, holds=False)

    def statement(self, node: ast.stmt, guard: _Guard | None) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self.give(target, _Given(node.value, guard))
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self.give(node.target, _Given(node.value, guard))
        elif isinstance(node, ast.AugAssign):
            sign = {ast.Add: 1.0, ast.Sub: -1.0}.get(type(node.op))
            self.give(node.target, _Given(node.value, guard, adds=sign or 0.0))
        elif isinstance(node, ast.Return) and node.value is not None:
            self.returned.append((node.value, guard))
        elif isinstance(node, ast.If | ast.While):
            self.block(node.body, _Guard(node.test, guard))
            self.block(node.orelse, _Guard(node.test, guard, holds=False))
        elif isinstance(node, ast.For):
            inner = _Guard(node.iter, guard)
            self.give(node.target, _Given(node.iter, guard))
            self.block(node.body, inner)
            self.block(node.orelse, inner)
        elif isinstance(node, ast.Match):
            inner = _Guard(node.subject, guard)
            for case in node.cases:
                self.block(case.body, inner)
        elif isinstance(node, ast.Try):
            for body in (node.body, node.orelse, node.finalbody, *(h.body for h in node.handlers)):
                self.block(body, guard)
        elif isinstance(node, ast.With):
            self.block(node.body, guard)
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            for item in walk(node):
                if isinstance(item, ast.NamedExpr):
                    self.give(item.target, _Given(item.value, guard))

    def give(self, target: ast.expr, given: _Given) -> None:
        if isinstance(target, ast.Name):
            self.given.setdefault(target.id, []).append(given)
        elif isinstance(target, ast.Subscript):
            base: ast.expr = target
            while isinstance(base, ast.Subscript):
                base = base.value
            if isinstance(base, ast.Name):
                stored = _Given(given.value, given.guard, given.adds, key=True)
                self.given.setdefault(base.id, []).append(stored)
        elif isinstance(target, ast.Tuple | ast.List):
            values = given.value.elts if isinstance(given.value, ast.Tuple) else []
            for index, item in enumerate(target.elts):
                value = values[index] if len(values) == len(target.elts) else given.value
                whole = len(values) == len(target.elts)
                # Part of something is no term of a sum, so it is noted as a changed value.
                self.give(item, _Given(value, given.guard, None if whole else 0.0))

    def totals(self) -> Iterator[tuple[ast.expr, ast.expr | None, _Guard | None]]:
        """Give each returned total and the components beside it."""
        for value, guard in self.returned:
            shown = self.only(value)
            if isinstance(shown, ast.Tuple) and len(shown.elts) == 2:
                yield shown.elts[0], shown.elts[1], guard
            elif isinstance(shown, ast.Dict):
                keys = [
                    item.value if isinstance(item, ast.Constant) else None for item in shown.keys
                ]
                paid = next((key for key in TOTALS if key in keys), None)
                if paid is not None:
                    yield shown.values[keys.index(paid)], shown, guard
            else:
                yield value, None, guard

    def only(self, node: ast.expr) -> ast.expr:
        """Give what a name is given, if it is given one thing once."""
        if isinstance(node, ast.Name):
            given = self.given.get(node.id, [])
            if len(given) == 1 and given[0].adds is None and not given[0].key:
                return given[0].value
        return node

    # -- terms ---------------------------------------------------------------------------------

    def terms(self) -> _Terms:
        """Take all returned totals apart."""
        found = _Terms()
        for total, _, guard in self.totals():
            self.take(total, guard, 1.0, found, frozenset())
        return found

    def take(
        self,
        node: ast.expr,
        guard: _Guard | None,
        scale: float,
        found: _Terms,
        seen: frozenset[str],
    ) -> None:
        """Add the terms of one expression that is paid ``scale`` times."""
        found.steps += 1
        terms = found.others + len(found.bonuses)
        if len(seen) > _DEPTH or terms > _MOST_TERMS or found.steps > _MOST_STEPS:
            found.others += 1
            return
        value = self.number(node)
        if value is not None:
            if value == 0.0:
                return
            if guard is None or value * scale < 0.0:
                found.others += 1
            else:
                tests = tuple(guard.tests())
                found.bonuses.append(_Bonus(value * scale, node, tests, guard.holds))
            return
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            sign = 1.0 if isinstance(node.op, ast.Add) else -1.0
            sides = ((node.left, scale), (node.right, sign * scale))
            for (side, times), (other, _) in (sides, sides[::-1]):
                if self.number(side) is not None and not isinstance(other, ast.Name):
                    found.others += 1  # `1 - distance` is one term, not a bonus and a term
                else:
                    self.take(side, guard, times, found, seen)
            return
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            for factor, rest in ((node.left, node.right), (node.right, node.left)):
                number = self.number(factor)
                if number is not None and not isinstance(rest, ast.BinOp):
                    self.take(rest, guard, scale * number, found, seen)
                    return
        if isinstance(node, ast.IfExp):
            for part, holds in ((node.body, True), (node.orelse, False)):
                self.take(part, _Guard(node.test, guard, holds), scale, found, seen)
            return
        if isinstance(node, ast.Call) and self.take_call(node, guard, scale, found, seen):
            return
        if isinstance(node, ast.Name) and node.id in self.given and node.id not in seen:
            given = self.given[node.id]
            if not any(item.key or item.adds == 0.0 for item in given):
                if self.is_truth(node, 0):
                    self.truth(node, guard, scale, found)
                    return
                for item in given:
                    inner_scale = scale * (1.0 if item.adds is None else item.adds)
                    where = item.guard or guard
                    self.take(item.value, where, inner_scale, found, seen | {node.id})
                return
        if self.is_truth(node, 0):
            self.truth(node, guard, scale, found)
        else:
            found.others += 1

    def take_call(
        self,
        node: ast.Call,
        guard: _Guard | None,
        scale: float,
        found: _Terms,
        seen: frozenset[str],
    ) -> bool:
        """Take ``float(x)``, ``sum([a, b])`` and ``sum(parts.values())`` apart."""
        name = _last(node.func)
        if len(node.args) != 1:
            return False
        part = node.args[0]
        if name in _WRAPPERS:
            self.take(part, guard, scale, found, seen)
            return True
        if name != "sum":
            return False
        if isinstance(part, ast.List | ast.Tuple):
            for item in part.elts:
                self.take(item, guard, scale, found, seen)
            return True
        if not (isinstance(part, ast.Call) and _last(part.func) == "values"):
            return False
        base = part.func.value if isinstance(part.func, ast.Attribute) else None
        if not isinstance(base, ast.Name) or base.id in seen:
            return False
        for given in self.given.get(base.id, []):
            values = [given.value]
            if not given.key:
                values = given.value.values if isinstance(given.value, ast.Dict) else []
            for value in values:
                where = given.guard or guard
                self.take(value, where, scale, found, seen | {base.id})
        return True

    def truth(self, node: ast.expr, guard: _Guard | None, scale: float, found: _Terms) -> None:
        """Add a truth value that is paid as a number."""
        tests = (node, *(guard.tests() if guard is not None else ()))
        # What is taken away again where it held before is a change and no bonus.
        found.bonuses.append(_Bonus(scale, node, tests))

    def number(self, node: ast.expr) -> float | None:
        value = _number(node)
        if value is None and isinstance(node, ast.Name) and node.id not in self.given:
            value = self.numbers.get(node.id)
        return value

    def is_truth(self, node: ast.expr, depth: int) -> bool:
        """Whether an expression certainly is a truth value."""
        if depth > _TRUTH_DEPTH:
            return False
        if isinstance(node, ast.Name):
            given = self.given.get(node.id, [])
            return bool(given) and all(
                item.adds is None and not item.key and self.is_truth(item.value, depth + 1)
                for item in given[:4]
            )
        if isinstance(node, ast.Constant):
            return isinstance(node.value, bool)
        if isinstance(node, ast.Compare):
            return True
        if isinstance(node, ast.BoolOp):
            return all(self.is_truth(item, depth + 1) for item in node.values)
        if isinstance(node, ast.UnaryOp):
            return isinstance(node.op, ast.Not)
        return isinstance(node, ast.Call) and _last(node.func) in _TRUTHS

    # -- where values come from ----------------------------------------------------------------

    def names_behind(self, nodes: Iterable[ast.expr]) -> frozenset[str]:
        """Give the names that values depend on, conditions of their assignments included."""
        found: set[str] = set()
        waiting = [name for node in nodes for name in _names(node)]
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            found.add(name)
            for item in self.given.get(name, []):
                waiting.extend(_names(item.value))
                if item.guard is not None:
                    waiting.extend(_names(item.guard.test))
        return frozenset(found)

    def is_unlatched(self, bonus: _Bonus) -> bool:
        """Whether a bonus hangs on one moment of the state alone."""
        names = self.names_behind(bonus.tests)
        if self.own in names:
            return False
        moments = {self.inputs[name] for name in names if name in self.inputs}
        return moments in ({"after"}, {"after", "first"}, {"before"})

    def is_event(self, bonus: _Bonus) -> bool:
        """Whether the condition asks for a state that is there or not: ``==``, ``in``.

        A bound on a distance is mostly the goal itself, where staying is what is wanted.
        """
        values = [*bonus.tests]
        for name in self.names_behind(bonus.tests):
            values.extend(item.value for item in self.given.get(name, []))
        return any(
            isinstance(item, ast.Compare)
            and any(isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in item.ops)
            for value in values
            for item in walk(value)
        )

    def is_goal(self, bonus: _Bonus) -> bool:
        """Whether a condition is that of the task itself, by its words: the episode ends there."""
        words = {*self.names_behind(bonus.tests)}
        for test in bonus.tests:
            words |= {str(item.value) for item in walk(test) if isinstance(item, ast.Constant)}
        return any(_GOAL.search(word.lower()) for word in words)

    # -- judgements ----------------------------------------------------------------------------

    def unlatched(self, places: Places) -> Iterator[Finding]:
        """Find the bonuses that are paid again and again; one finding names the smallest."""
        terms = self.terms()
        if len(terms.bonuses) + terms.others < 2:
            return
        if any(bonus.amount < 0.0 for bonus in terms.bonuses):
            return
        found = [bonus for bonus in terms.bonuses if self.is_unlatched(bonus)]
        events = [bonus for bonus in found if self.is_event(bonus)]
        if events and self.is_goal(max(events, key=lambda item: item.amount)):
            events.remove(max(events, key=lambda item: item.amount))
        if not events:
            return
        least = min(events, key=lambda item: item.amount)
        more = len(events) - 1
        before = next((name for name, moment in self.inputs.items() if moment == "before"), "obs")
        after = all(self.inputs.get(name) != "before" for name in self.names_behind(least.tests))
        yield RULES["SBX642"].finding(
            places.at(least.place),
            amount=f"{least.amount:g}",
            what=f"`{places.text(least.tests[0])}` {'holds' if least.holds else 'does not hold'}",
            was="it did not hold" if least.holds else "it held",
            more=f" ({more} more bonus{'es' if more > 1 else ''} like it)" if more else "",
            before=f"`{before}`" if after else "the observation before",
        )

    def left_out(self, places: Places) -> Iterator[Finding]:
        """Find components that are named like a part of the reward and change nothing paid."""
        totals = list(self.totals())
        paid = self.names_behind([total for total, _, _ in totals])
        said: set[str] = set()
        for _, parts, _ in totals:
            if parts is None:
                continue
            if isinstance(parts, ast.Name) and parts.id in paid:
                continue  # the total is made from them
            for key, value in self.components(parts):
                locals_read = {name for name in _names(value) if name in self.given}
                words = " ".join((key, *sorted(locals_read))).lower()
                if key in said or key in TOTALS or not locals_read or locals_read & paid:
                    continue
                if _PART.search(words):
                    said.add(key)
                    yield RULES["SBX643"].finding(
                        places.at(value), name=key, value=places.text(value)
                    )

    def components(self, parts: ast.expr) -> Iterator[tuple[str, ast.expr]]:
        shown = self.only(parts)
        if isinstance(shown, ast.Dict):
            for key, value in zip(shown.keys, shown.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, value


def _ends(body: list[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], ast.Return | ast.Continue | ast.Break | ast.Raise)


def _number(node: ast.expr) -> float | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _number(node.operand)
        return -value if value is not None else None
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return None if isinstance(node.value, bool) else float(min(max(node.value, -1e9), 1e9))
    return None


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _names(node: ast.AST) -> Iterator[str]:
    """Give the names an expression reads, those of modules and of called functions left out."""
    waiting = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, ast.Name):
            if item.id not in _MODULES:
                yield item.id
            continue
        below = child_nodes(item)
        if isinstance(item, ast.Call) and isinstance(item.func, ast.Name):
            below = [part for part in below if part is not item.func]
        waiting.extend(below)
