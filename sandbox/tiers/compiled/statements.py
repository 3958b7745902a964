"""Statements, calls of guest functions (always inlined), and classes."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable

from sandbox import cost
from sandbox.tiers.compiled.builder import MODULES, ancestors
from sandbox.tiers.compiled.members import Members
from sandbox.tiers.compiled.points import TRUE, Dead, Target
from sandbox.tiers.compiled.scopes import makes_functions
from sandbox.tiers.compiled.values import (
    NONE,
    UNBOUND,
    DictCell,
    Exc,
    GridCell,
    ListCell,
    Num,
    Ref,
    SeqCell,
    SliceV,
    Str,
    TableCell,
    Text,
    Tup,
    Union,
    Value,
    Words,
    boolean,
    number,
)

__all__ = ["Statements"]


class Statements(Members):
    """Lowers statements."""

    # -- simple statements

    def s_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.eval(node.value)

    def s_Pass(self, node: ast.Pass) -> None:
        del node

    def s_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.bind(alias.asname or alias.name.split(".")[0], self.module(alias.name))

    def s_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if node.module == "__future__":
                continue
            value = self.attribute(self.module(node.module or ""), alias.name)
            self.bind(alias.asname or alias.name, value)

    def module(self, name: str) -> Value:
        """Give a module."""
        raise NotImplementedError

    def s_Global(self, node: ast.Global) -> None:
        del node

    def s_Nonlocal(self, node: ast.Nonlocal) -> None:
        del node

    def s_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self._delete(target, node)

    def _delete(self, target: ast.expr, node: ast.Delete) -> None:
        match target:
            case ast.Name(id=name):
                self.lookup(name)
                self.bind(name, UNBOUND)
                return
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self._delete(part, node)
                return
            case ast.Subscript(value=owner_node, slice=index_node):
                owner, index = self.eval(owner_node), self.eval(index_node)
                content = self.pt.heap[owner.cell] if isinstance(owner, Ref) else None
                if isinstance(content, ListCell | SeqCell) and isinstance(index, Num):
                    self.remove_item(owner, index)
                    return
                if isinstance(content, DictCell | TableCell | GridCell):
                    self.remove_item(owner, index)
                    return
        raise self.refuse("CMP111", "`del` of this", node)

    def remove_item(self, owner: Value, index: Value) -> None:
        """Compute ``del owner[index]`` of a list or dict."""
        raise NotImplementedError

    def s_With(self, node: ast.With) -> None:
        # The dialect admits nothing but `np.errstate`, and NumPy's warnings are off anyway.
        for item in node.items:
            call = item.context_expr
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute | ast.Name)):
                raise self.refuse("CMP107", "a `with` statement", node)
            name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id
            if name != "errstate" or item.optional_vars is not None:
                raise self.refuse("CMP107", "a `with` statement", node)
        self.run(node.body)

    def s_Assert(self, node: ast.Assert) -> None:
        cond = self.truth(self.eval(node.test))
        text = ""
        if isinstance(node.msg, ast.Constant):
            text = str(node.msg.value)
        elif node.msg is not None and self.uses.reads_nowhere(node.msg):
            raise self.refuse("CMP123", "the message of an `assert` reads an undefined name")
        self.check(cond, "AssertionError", text)

    def s_Raise(self, node: ast.Raise) -> None:
        if node.exc is None:
            held = self.pt.vars.get(("exception",))
            if isinstance(held, Exc):
                self.fail(held.name, held.message or "")
            raise self.refuse("CMP112", "a bare raise")
        if node.cause is not None and self.uses.reads_nowhere(node.cause):
            raise self.refuse("CMP123", "the cause of a `raise` reads an undefined name")
        value = self.eval(node.exc)
        if isinstance(value, Exc):
            module = MODULES.get(value.name) or (
                "guest"
                if ancestors(value.name)[0] == value.name and not _known(value.name)
                else "builtins"
            )
            self.fail(value.name, value.message or "", module)
        raise self.refuse("CMP112", "raise of something else than an exception class")

    # -- control flow

    def s_If(self, node: ast.If) -> None:
        cond = self.truth(self.eval(node.test))
        self.when(cond, self.branch(node.body), self.branch(node.orelse))

    def s_Return(self, node: ast.Return) -> None:
        value = NONE if node.value is None else self.eval(node.value)
        target = self.returns[-1]
        self.pt.vars[("return", target.label)] = value
        function = self.running.get(self.frame.number)
        if function is not None and not makes_functions(function.node):
            # Nothing sees its names any more, so they need not be merged with those of other paths.
            for name in self.frame.names:
                self.pt.vars.pop((self.frame.number, name), None)
        self.leave(target)

    def s_Break(self, node: ast.Break) -> None:
        del node
        self.leave(self.breaks[-1])

    def s_Continue(self, node: ast.Continue) -> None:
        del node
        self.leave(self.continues[-1])

    def s_For(self, node: ast.For) -> None:
        iterable = self.iterable(node.iter)
        stop = self.target("break")
        self.breaks.append(stop)

        def turn(item: Value) -> None:
            again = self.target("continue")
            self.continues.append(again)

            def body() -> None:
                self.unpack(node.target, item)
                self.run(node.body)

            try:
                self.block(again, body)
            finally:
                self.continues.pop()

        def whole() -> None:
            self.over_turns(iterable, turn)
            if self.alive:
                self.breaks.pop()
                try:
                    self.run(node.orelse)
                finally:
                    self.breaks.append(stop)

        depth = len(self.breaks)
        try:
            self.block(stop, whole)
        finally:
            del self.breaks[depth - 1 :]

    def over_turns(self, value: Value, turn: Callable[[Value], None]) -> None:
        """Lower the turns of a ``for`` statement."""
        self.iterate(value, turn)

    def s_While(self, node: ast.While) -> None:
        stop = self.target("break")

        def turn(index: object, again: Target) -> None:
            del index
            self.node = node
            cond = self.truth(self.eval(node.test))
            outer = (list(self.breaks), list(self.continues))

            def leave() -> None:
                self.run(node.orelse)
                self.leave(stop)

            def stay() -> None:
                self.charge(cost.TURN)
                self.meter()
                self.run(node.body)

            self.breaks.append(stop)
            self.continues.append(again)
            try:
                if cond.const is True:
                    stay()
                elif cond.const is False:
                    leave()
                else:
                    self.when(cond, stay, leave)
            finally:
                self.breaks, self.continues = outer

        self.block(stop, lambda: self.guest_loop(turn, None))

    def s_Match(self, node: ast.Match) -> None:
        subject = self.eval(node.subject)
        self._cases(subject, node.cases)

    def _cases(self, subject: Value, cases: list[ast.match_case]) -> None:
        if not cases:
            return
        first = cases[0]
        cond = self._pattern(subject, first.pattern)

        def body() -> None:
            if first.guard is None:
                self.run(first.body)
                return
            passed = self.truth(self.eval(first.guard))
            self.when(passed, self.branch(first.body), lambda: self._cases(subject, cases[1:]))

        self.when(cond, body, lambda: self._cases(subject, cases[1:]))

    def _pattern(self, subject: Value, pattern: ast.pattern) -> Num:
        match pattern:
            case ast.MatchValue(value=value):
                return self.truth(self.compare(ast.Eq(), subject, self.eval(value)))
            case ast.MatchSingleton(value=None):
                return self.identical(subject, NONE)
            case ast.MatchSingleton(value=value):
                return self.identical(subject, number(bool(value)))
            case ast.MatchAs(pattern=None, name=name):
                if name is not None:
                    self.bind(name, subject)
                return number(True)
            case ast.MatchOr(patterns=patterns):
                atom = self._pattern(subject, patterns[0]).atom
                for part in patterns[1:]:
                    atom = self.either(atom, self._pattern(subject, part).atom)
                return boolean(atom)
            case ast.MatchSequence(patterns=patterns) if isinstance(subject, Tup):
                if len(patterns) != len(subject.items):
                    return number(False)
                atom = TRUE
                for part, item in zip(patterns, subject.items, strict=True):
                    atom = self.both(atom, self._pattern(item, part).atom)
                return boolean(atom)
        if isinstance(pattern, ast.MatchSequence):
            return self._sequence_pattern(subject, pattern.patterns)
        kind = type(pattern).__name__.removeprefix("Match").lower()
        raise self.refuse("CMP113", f"a {kind} pattern in `match`", pattern)

    def _sequence_pattern(self, subject: Value, patterns: list[ast.pattern]) -> Num:
        """Match a list, or the words of a text, by length and element by element."""
        if isinstance(subject, Union):
            return self.truth(self.spread(subject, lambda v: self._sequence_pattern(v, patterns)))
        if isinstance(subject, Num | Str | Text) or subject == NONE:
            return number(False)
        content = self.pt.heap[subject.cell] if isinstance(subject, Ref) else None
        lists = isinstance(content, ListCell | SeqCell)
        if not (lists or isinstance(subject, Tup | Words)):
            raise self.refuse("CMP113", "a sequence pattern in `match`")
        stars = [k for k, part in enumerate(patterns) if isinstance(part, ast.MatchStar)]
        length = self.len_of(subject)
        wanted = len(patterns) - len(stars)
        op = "ge" if stars else "eq"
        fits = boolean(self.op(op, "b1", length.atom, number(wanted).atom))
        if fits.const is False:
            return fits
        result = fits.atom
        for k, part in enumerate(patterns):
            place = number(k)
            if stars and k > stars[0]:
                place = number(k - len(patterns))
            if isinstance(part, ast.MatchStar):
                if part.name is None:
                    continue
                stop = len(patterns) - k - 1
                end: Value = number(-stop) if stop else NONE
                rest = SliceV(number(k), end, NONE)
                # The rest is only there where there are enough elements.
                found = self.choose(
                    boolean(result),
                    lambda rest=rest: self.subscript(subject, rest),  # type: ignore[misc]
                    lambda: NONE,
                )
                self.bind(part.name, found)
                continue
            if isinstance(part, ast.MatchAs) and part.pattern is None and part.name is None:
                continue
            item = self.choose(
                boolean(result),
                lambda place=place: self.subscript(subject, place),  # type: ignore[misc]
                lambda: NONE,
            )
            same = self._pattern(item, part)
            result = self.both(result, same.atom)
        return boolean(result)

    def s_Try(self, node: ast.Try) -> None:
        if node.finalbody:
            self._with_finally(node)
            return
        after = self.target("tried")
        clauses: list[tuple[frozenset[str], Target]] = []
        for handler in node.handlers:
            names = self._exception_names(handler.type)
            clauses.append((names, self.target("except")))

        def nest(k: int) -> None:
            if k < 0:
                self.handlers.append(clauses)
                try:
                    self.run(node.body)
                finally:
                    self.handlers.pop()
                if self.alive:
                    self.run(node.orelse)
                self.leave(after)
                return
            handler = node.handlers[k]
            with self.path():
                self.block(clauses[k][1], lambda: nest(k - 1))
                if handler.name is not None:
                    self.bind(handler.name, self.pt.vars.get(("exception",), UNBOUND))
                self.run(handler.body)
                self.leave(after)

        self.block(after, lambda: nest(len(node.handlers) - 1))

    def _raised_again(self, held: Value) -> Value:
        if not isinstance(held, Exc):
            raise self.refuse("CMP112", "an exception that is not known is raised again")
        self.fail(held.name, held.message or "")

    def _with_finally(self, node: ast.Try) -> None:
        """Lower ``try ... finally`` of a body that is left at its end or by an exception alone."""
        leaving = ast.Return | ast.Break | ast.Continue | ast.Yield | ast.YieldFrom
        if any(isinstance(child, leaving) for child in ast.walk(node)):
            raise self.refuse("CMP114", "`finally` around a `return`, `break` or `continue`")
        inner: list[ast.stmt] = [
            ast.copy_location(ast.Try(node.body, node.handlers, node.orelse, []), node)
        ]
        if not node.handlers:
            inner = node.body
        after, failed = self.target("done"), self.target("except")

        def guarded() -> None:
            self.handlers.append([(frozenset({"BaseException"}), failed)])
            try:
                self.run(inner)
            finally:
                self.handlers.pop()
            self.leave(after)

        def whole() -> None:
            with self.path():
                self.block(failed, guarded)
                held = self.pt.vars.get(("exception",))
                self.run(node.finalbody)
                if self.alive:
                    assert held is not None
                    self.spread(held, self._raised_again)

        self.block(after, whole)
        self.run(node.finalbody)

    def _exception_names(self, node: ast.expr | None) -> frozenset[str]:
        if node is None:
            return frozenset({"BaseException"})
        try:
            value = self.eval(node)
        except Dead:
            # It is evaluated only where something was raised, which is later than here.
            raise self.refuse("CMP115", "`except` of a name without a value") from None
        items = value.items if isinstance(value, Tup) else (value,)
        names = set()
        for item in items:
            if not isinstance(item, Exc):
                raise self.refuse("CMP115", "`except` of something else than an exception class")
            names.add(item.name)
        return frozenset(names)


def _known(name: str) -> bool:
    return hasattr(builtins, name)
