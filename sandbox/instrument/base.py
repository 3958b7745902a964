"""What all parts of the transformer use: guards, names that are admitted, blocks and fuel."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from RestrictedPython.transformer import RestrictingNodeTransformer

from sandbox.dialect import BUILTINS, CLASS_METHODS, FUNCTION_MEMBERS, METHODS, MODULES
from sandbox.instrument.facts import Program
from sandbox.instrument.scopes import copies
from sandbox.kinds import Kinds

__all__ = ["Base"]


class Base(RestrictingNodeTransformer):
    """The state of one rewriting, and how guards are written."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program
        self.problems: list[tuple[ast.AST, str]] = []
        self.names: set[str] = set()
        self._kinds = Kinds(program.dotted, self._is_builtin, program.constants)
        self._functions: list[ast.AST] = []
        self._selves: list[str | None] = []
        self._stores_self: list[bool] = []
        self._fresh: list[dict[str, str]] = [{}]
        self._special: list[frozenset[str]] = []
        self._temporaries = 0

    def error(self, node: ast.AST, info: str) -> None:
        """Note what must not run; RestrictedPython calls this too."""
        self.problems.append((node, info))

    def _name(self, name: str, at: ast.AST) -> ast.Name:
        self.names.add(name)
        return ast.copy_location(ast.Name(name, ast.Load()), at)

    def _guard(self, name: str, at: ast.AST, *args: ast.expr) -> ast.Call:
        return ast.copy_location(ast.Call(self._name(name, at), list(args), []), at)

    def _unless_number(self, guard: str, value: ast.expr) -> ast.expr:
        """Call a guard that gives back what it got; of a name, only if it holds no number.

        The test in line costs half of the call.
        """
        call = self._guard(guard, value, value)
        if not isinstance(value, ast.Name):
            return call
        again = ast.Attribute(copies(value)(), "__class__", ast.Load())
        test = ast.Compare(again, [ast.In()], [self._name("$numbers", value)])
        made = ast.copy_location(ast.IfExp(test, copies(value)(), call), value)
        return ast.fix_missing_locations(made)

    def _is_builtin(self, name: str) -> bool:
        return name not in self.program.bound and name in BUILTINS

    def _in_class(self) -> bool:
        return bool(self._functions) and isinstance(self._functions[-1], ast.ClassDef)

    def _visited(self, node: Any) -> Any:
        return self.visit(node)

    def check_name(self, node: Any, name: str | None, allow_magic_methods: bool = False) -> None:
        """Refuse the names of the interpreter and of the runtime."""
        if name is None:
            return
        magic = name.startswith("__") and name.endswith("__")
        if magic and not (allow_magic_methods and name in CLASS_METHODS):
            self.error(node, f"the name {name!r} belongs to the interpreter")
        elif "$" in name:
            self.error(node, f"the name {name!r} belongs to the runtime")

    def _member(self, path: str, node: ast.expr) -> ast.expr:
        if path in MODULES:
            return self._name(f"$module {path}", node)
        module, _, member = path.rpartition(".")
        if member in FUNCTION_MEMBERS.get(module, {}):
            return self._name(f"$view {path}", node)
        if module in MODULES and member in MODULES[module]:
            if MODULES[module][member].kind == "module":
                return self._name(f"$module {path}", node)
            return self._name(f"$view {path}", node)
        parent, _, ufunc = module.rpartition(".")
        if (
            parent == "numpy"
            and member in METHODS["ufunc"]
            and ufunc in MODULES["numpy"]
            and MODULES["numpy"][ufunc].kind == "ufunc"
        ):
            return self._name(f"$view {path}", node)
        self.error(node, f"`{path}` is not part of the dialect")
        return node

    def _maybe_module(self, value: ast.expr) -> bool:
        """Whether a name is bound by an import and in another way too."""
        return isinstance(value, ast.Name) and value.id in self.program.imports

    def _known(self, name: str) -> bool:
        if name in self.program.attributes:
            return True
        if any(name in table for table in METHODS.values()):
            return True
        return any(name in table for table in MODULES.values())

    def _is_never(self, node: ast.expr) -> bool:
        """Whether an expression never has a value, as it begins with a name that nothing defines."""
        while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
            node = node.func if isinstance(node, ast.Call) else node.value
        return node in self.program.nowhere

    def _owner(self, value: ast.expr) -> ast.expr:
        """Guard what an attribute is set on; `self` is checked once, where the method starts."""
        if isinstance(value, ast.Name) and self._selves and self._selves[-1] == value.id:
            self._stores_self[-1] = True
            return value
        visited: ast.expr = self._visited(value)
        return self._guard("$own", value, visited)

    def _is_type(self, node: ast.expr) -> bool:
        return (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and (node.func.id == "type" and self._is_builtin("type"))
        )

    def _is_super(self, node: ast.Call) -> bool:
        return (
            isinstance(node.func, ast.Name)
            and node.func.id == "super"
            and (self._is_builtin("super"))
        )

    def _function_member(self, node: ast.Attribute) -> str | None:
        """Give ``"dict.fromkeys"`` where a function is read from a function or type of the tables."""
        owner = self.program.dotted(node.value)
        if owner is None and isinstance(node.value, ast.Name) and self._is_builtin(node.value.id):
            owner = node.value.id
        if owner is None or node.attr not in FUNCTION_MEMBERS.get(owner, {}):
            return None
        return f"{owner}.{node.attr}"

    def _key(self, node: ast.expr, visited: ast.expr) -> ast.expr:
        """Guard what is hashed or used as an index, unless the source shows that it is flat."""
        if self._kinds.is_number(node) or self._kinds.is_simple_index(node):
            return visited
        if isinstance(visited, ast.Tuple) and any(isinstance(e, ast.Slice) for e in visited.elts):
            parts = node.elts if isinstance(node, ast.Tuple) else visited.elts
            visited.elts = [
                part if isinstance(part, ast.Slice) else self._key(plain, part)
                for plain, part in zip(parts, visited.elts, strict=True)
            ]
            return visited
        if isinstance(node, ast.Slice | ast.JoinedStr):
            return visited
        return self._guard("$key", node, visited)

    def _charge(self, at: ast.AST, units: int = 1) -> list[ast.stmt]:
        """Write ``meter.left -= units`` and the stop below zero, in line: a call would cost double."""
        meter = self._name("$meter", at)
        take = ast.AugAssign(
            ast.Attribute(meter, "left", ast.Store()), ast.Sub(), ast.Constant(units)
        )
        test = ast.Compare(
            ast.Attribute(self._name("$meter", at), "left", ast.Load()),
            [ast.Lt()],
            [ast.Constant(0)],
        )
        stop = ast.If(test, [ast.Expr(self._guard("$stop", at))], [])
        made: list[ast.stmt] = [take, stop]
        for statement in made:
            ast.copy_location(statement, at)
            ast.fix_missing_locations(statement)
        return made

    def _block(self, body: Iterable[ast.stmt]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for statement in body:
            result = self._visited(statement)
            if isinstance(result, list):
                made.extend(result)
            elif result is not None:
                made.append(result)
        return made
