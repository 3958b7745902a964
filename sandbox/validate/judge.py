"""The chapter on statements and expressions, and the validator itself.

A pure pass that refuses what it does not know. All findings are collected, not only the first,
so that one run tells an author everything. This layer decides by what the text shows; what only
shows when the program runs (the type behind a name) is decided again by the guards of the
interpreted tier, from the same tables.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isinf
from typing import Final

from sandbox.diagnostics import Finding, Span
from sandbox.dialect import ADMITTED_NODES, REFUSED_NODES
from sandbox.flow import flow_findings
from sandbox.foreign import in_place_of
from sandbox.hazards import hazard_findings
from sandbox.limits import Limits
from sandbox.parse import Places
from sandbox.rules import RULES
from sandbox.scopes import dotted, walk_own
from sandbox.templates import percent_width
from sandbox.trees import child_nodes, walk
from sandbox.truth import truth_findings
from sandbox.validate.aliasing import aliasing_findings
from sandbox.validate.calls import Calls
from sandbox.validate.walk import statement_word

__all__ = ["Judged", "validate"]

_MAX_WIDTH: Final = 1000
_SHOWN_NUMBER: Final = 10**15
_ABOUT_FILE: Final = frozenset({"__all__", "__author__", "__version__", "__date__", "__license__"})
"""Names of a module that mean nothing when it runs; what is assigned to them is left out."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A tree that was looked at.

    Attributes:
        tree: The tree without a trailing ``__main__`` block and names like ``__all__``.
        findings: By place.
    """

    tree: ast.Module
    findings: tuple[Finding, ...]


def validate(tree: ast.Module, text: str, limits: Limits) -> Judged:
    """Judge every node of a tree.

    Args:
        tree: What `sandbox.parse.parse` gave; it is not changed.
        text: Its source.
        limits: ``functions``, ``literal_elements``, ``string_bytes`` and ``integer_bits``.

    Returns:
        The tree that later passes work on, and what there is to say about it.
    """
    places = Places(text)
    tree, notes = _without_main(tree, places)
    judge = _Judge(tree, places, limits)
    judge.run()
    if not tree.body and notes:
        judge.found.append(RULES["SBX102"].finding(None))
    found = [
        *notes,
        *judge.found,
        *aliasing_findings(tree, places, limits.literal_elements),
        *flow_findings(tree, places, judge.module),
        *hazard_findings(tree, places),
        *truth_findings(tree, places),
    ]
    order = sorted(
        set(in_place_of(found, tree, places)),
        key=lambda item: (item.span or Span(0, 0, 0, 0), item.rule, item.message),
    )
    return Judged(tree, tuple(order))


def _without_main(tree: ast.Module, places: Places) -> tuple[ast.Module, list[Finding]]:
    body = [item for item in tree.body if not _is_about_file(item)]
    if len(body) < len(tree.body):
        tree = ast.Module(body=body, type_ignores=[])
    last = tree.body[-1] if tree.body else None
    if not (isinstance(last, ast.If) and not last.orelse and _is_main_test(last.test)):
        return tree, []
    span = places.at(last)
    head = Span(span.line, span.column, span.line, places.at(last.test).end_column)
    kept = ast.Module(body=tree.body[:-1], type_ignores=[])
    return kept, [RULES["SBX114"].finding(head)]


def _is_about_file(node: ast.stmt) -> bool:
    """Whether a statement says something of the file, such as ``__all__ = [...]``."""
    if not (isinstance(node, ast.Assign) and len(node.targets) == 1):
        return False
    target, value = node.targets[0], node.value
    if not (isinstance(target, ast.Name) and target.id in _ABOUT_FILE):
        return False
    values = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
    return all(isinstance(item, ast.Constant) and isinstance(item.value, str) for item in values)


def _is_main_test(test: ast.expr) -> bool:
    if not (
        isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)
    ):
        return False
    sides = [test.left, test.comparators[0]]
    names = [side.id for side in sides if isinstance(side, ast.Name)]
    texts = [side.value for side in sides if isinstance(side, ast.Constant)]
    return names == ["__name__"] and texts == ["__main__"]


class _Judge(Calls):
    """All chapters."""

    def run(self) -> None:
        for statement in self.tree.body:
            self.visit(statement)
        if self.functions > self.limits.functions:
            self.say("SBX107", None, count=self.functions, limit=self.limits.functions)
        self.recursion()
        self.unused_imports()

    def on_augassign(self, node: ast.AugAssign) -> None:
        self.binary(node, node.target, node.op, node.value)
        self.children(node)

    def on_with(self, node: ast.With) -> None:
        for item in node.items:
            call = item.context_expr
            known = dotted(call.func, self.scope) if isinstance(call, ast.Call) else None
            if known is None or known[0] != "numpy.errstate" or item.optional_vars is not None:
                shown = self.places.text(call)
                self.say("SBX211", item.context_expr, name=shown)
        self.children(node)

    def on_try(self, node: ast.Try) -> None:
        if node.finalbody:
            for inner in walk_own(node):
                if isinstance(inner, ast.Yield | ast.YieldFrom):
                    word = "yield from" if isinstance(inner, ast.YieldFrom) else "yield"
                    advice = "yield after the block, or leave `finally` out"
                    self.say("SBX201", inner, what=f"`{word}` under `finally`", advice=advice)
        for inner in node.finalbody:
            for item in _leaving(inner):
                self.say("SBX212", item, name=statement_word(item))
        self.children(node)

    def on_excepthandler(self, node: ast.ExceptHandler) -> None:
        if node.type is None:
            span = self.places.at(node)
            head = Span(span.line, span.column, span.line, span.column + len("except:"))
            self.say("SBX616", head)
        else:
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            for kind in kinds:
                self.caught(kind)
        if node.name:
            self.new_name(
                node.name, self.places.word(node.name, self.places.at(node)) or self.places.at(node)
            )
        self.all([node.type])
        self.all(node.body)

    def caught(self, node: ast.expr) -> None:
        known = dotted(node, self.scope)
        if known is not None and known[1] is not None and known[1].kind == "exception":
            return
        if isinstance(node, ast.Name):
            if node.id in self.module.classes:
                return
            if self.scope.find(node.id) is None:
                return  # said by the name itself
        shown = self.places.text(node)
        self.say("SBX215", node, name=shown)

    def on_delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                scope = self.scope.find(target.id)
                if scope is not self.scope.function or scope is None:
                    self.say("SBX223", target, name=target.id)
                    continue
            self.visit(target)

    # -- patterns ------------------------------------------------------------------------------

    def on_matchvalue(self, node: ast.MatchValue) -> None:
        # A guard cannot stand in a pattern, so what one reads has to exist.
        self.at_load.update(item for item in walk(node) if isinstance(item, ast.Name))
        self.children(node)

    def on_matchas(self, node: ast.MatchAs) -> None:
        if node.name:
            self.new_name(node.name, self.places.at(node))
        self.all([node.pattern])

    def on_matchstar(self, node: ast.MatchStar) -> None:
        if node.name:
            self.new_name(node.name, self.places.at(node))

    # -- expressions ---------------------------------------------------------------------------

    def on_constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool) or value is None or value is ...:
            return
        if isinstance(value, int):
            bits = value.bit_length()
            if bits > self.limits.integer_bits:
                self.say("SBX501", node, count=bits, limit=self.limits.integer_bits)
        elif isinstance(value, float):
            if isinf(value):
                self.say("SBX502", node)
        elif isinstance(value, str):
            size = len(value.encode("utf-8", "surrogatepass"))
            if size > self.limits.string_bytes:
                self.say(
                    "SBX106", node, what="a string", count=size, limit=self.limits.string_bytes
                )
            if any("\ud800" <= char <= "\udfff" for char in value):
                self.say("SBX217", node, what="half-character", advice="write whole characters")
        elif isinstance(value, bytes):
            self.say("SBX217", node, what="bytes", advice="use a string, or a tuple of numbers")
        else:
            advice = "keep the two parts as two numbers"
            self.say("SBX217", node, what="complex number", advice=advice)

    def elements(self, node: ast.AST, count: int) -> None:
        if count > self.limits.literal_elements:
            limit = self.limits.literal_elements
            self.say("SBX106", node, what="a display", count=count, limit=limit)

    def on_list(self, node: ast.List) -> None:
        self.elements(node, len(node.elts))
        self.children(node)

    def on_tuple(self, node: ast.Tuple) -> None:
        self.elements(node, len(node.elts))
        self.children(node)

    def on_set(self, node: ast.Set) -> None:
        self.elements(node, len(node.elts))
        self.children(node)

    def on_dict(self, node: ast.Dict) -> None:
        self.elements(node, len(node.values))
        # `{**other}` has no key.
        self.all(part for pair in zip(node.keys, node.values, strict=True) for part in pair)

    def on_joinedstr(self, node: ast.JoinedStr) -> None:
        for part in node.values:
            self.visit(part)

    def on_formattedvalue(self, node: ast.FormattedValue) -> None:
        self.visit(node.value)
        what = self.nameable(node.value)
        if what is not None:
            self.say(
                "SBX404",
                node.value,
                name="f-string",
                what=f"given {what}",
                advice="write its name as text",
            )
        if isinstance(node.format_spec, ast.JoinedStr):
            for part in node.format_spec.values:
                if isinstance(part, ast.Constant):
                    numbers = [int(text[:9]) for text in re.findall(r"\d+", str(part.value))]
                    width = max(numbers, default=0)
                    if width > _MAX_WIDTH:
                        self.say("SBX224", node, width=width, limit=_MAX_WIDTH)
                else:
                    self.say("SBX225", node)

    def on_binop(self, node: ast.BinOp) -> None:
        self.binary(node, node.left, node.op, node.right)
        self.children(node)

    def binary(self, node: ast.AST, left: ast.expr, op: ast.operator, right: ast.expr) -> None:
        if isinstance(op, ast.Mod) and isinstance(left, ast.Constant):
            if isinstance(left.value, str) and percent_width(left.value) > _MAX_WIDTH:
                self.say("SBX224", node, width=percent_width(left.value), limit=_MAX_WIDTH)
        elif isinstance(op, ast.Pow | ast.LShift):
            bits = _bits(left, op, right)
            if bits is not None and bits > self.limits.integer_bits:
                self.say("SBX503", node, what="an integer of too many digits")
        elif isinstance(op, ast.Mult):
            for many, times in ((left, right), (right, left)):
                size = _display_size(many)
                count = _integer(times)
                made = size * count if size is not None and count is not None else 0
                if 8 * made > self.limits.memory_bytes:
                    # A number of thousands of digits has no text.
                    shown = str(made) if made < _SHOWN_NUMBER else f"over {_SHOWN_NUMBER}"
                    self.say("SBX503", node, what=f"{shown} elements")

    def on_comprehension(self, node: ast.comprehension) -> None:
        if node.is_async:
            what, advice = REFUSED_NODES["AsyncFor"]
            self.say("SBX201", node.target, what=what, advice=advice)
        self.children(node)

    def on_listcomp(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
    ) -> None:
        scope = self.module.scope[node]
        outer = self.scope
        for index, part in enumerate(node.generators):
            if part.is_async:
                what, advice = REFUSED_NODES["AsyncFor"]
                self.say("SBX201", part.target, what=what, advice=advice)
            self.scope = scope if index else outer
            self.visit(part.iter)
            self.scope = scope
            self.visit(part.target)
            self.all(part.ifs)
        self.scope = scope
        self.all([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])
        self.scope = outer

    on_setcomp = on_listcomp
    on_dictcomp = on_listcomp
    on_generatorexp = on_listcomp


_Judge.plain = frozenset(ADMITTED_NODES) - frozenset(
    name for name in ADMITTED_NODES if hasattr(_Judge, f"on_{name.lower()}")
)


def _leaving(node: ast.AST) -> Iterator[ast.AST]:
    """Give the statements by which a ``finally`` block would leave early."""
    waiting: list[tuple[ast.AST, bool]] = [(node, False)]
    while waiting:
        item, in_loop = waiting.pop()
        breaks = isinstance(item, ast.Break | ast.Continue) and not in_loop
        if breaks or isinstance(item, ast.Return):
            yield item
        elif not isinstance(item, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            inner = in_loop or isinstance(item, ast.For | ast.While)
            waiting.extend((child, inner) for child in child_nodes(item))


def _integer(node: ast.expr) -> int | None:
    """Give the value of a small constant integer expression, or a bound below it."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _integer(node.operand)
        return -value if value is not None else None
    if isinstance(node, ast.BinOp):
        left, right = _integer(node.left), _integer(node.right)
        if left is None or right is None:
            return None
        if isinstance(node.op, ast.Pow | ast.LShift):
            bits = _bits(node.left, node.op, node.right)
            if bits is None or bits > 100_000:
                return None
            return left**right if isinstance(node.op, ast.Pow) else left << right
        if isinstance(node.op, ast.Mult) and left.bit_length() + right.bit_length() < 100_000:
            return left * right
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
    return None


def _bits(left: ast.expr, op: ast.operator, right: ast.expr) -> int | None:
    """Bound the bits of a constant power or shift; None where it is not constant."""
    power = _integer(right)
    if power is None and isinstance(right, ast.BinOp) and isinstance(right.op, ast.Pow):
        # The exponent alone is beyond what `_integer` computes.
        inner = _bits(right.left, right.op, right.right)
        base = _integer(left)
        if inner is not None and inner > 64 and base is not None and abs(base) > 1:
            return 1 << 62
        return None
    base = _integer(left)
    if power is None or base is None or power <= 0 or base == 0:
        return None
    if isinstance(op, ast.Pow):
        return 1 if abs(base) == 1 else (abs(base).bit_length() - 1) * power
    return base.bit_length() + power


def _display_size(node: ast.expr) -> int | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return len(node.value)
    if isinstance(node, ast.List | ast.Tuple):
        return len(node.elts)
    return None
